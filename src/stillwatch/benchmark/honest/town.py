"""Everyone honest, in the order in which they are built."""

from stillwatch.benchmark.draft import Draft
from stillwatch.benchmark.honest import (
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
