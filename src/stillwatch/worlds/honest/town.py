"""Everyone honest, in the order in which they are built."""

from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest import (
    agents,
    batch,
    campus,
    chat,
    crowds,
    distillers,
    enterprise,
    evaluation,
    products,
)


def populate(draft: Draft) -> None:
    """Add every honest population."""
    for population in (chat, agents, batch, evaluation, enterprise, campus, products, distillers, crowds):
        population.populate(draft)
