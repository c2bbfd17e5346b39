"""Everyone honest, in the order in which they are built."""

from collections.abc import Iterable

from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest import (
    agents,
    batch,
    campus,
    chat,
    crowds,
    distillers,
    editors,
    enterprise,
    evaluation,
    moderation,
    products,
    prompt_sport,
    tutors,
)

NEWCOMERS = {
    "tutors": tutors.populate,
    "moderation": moderation.populate,
    "conglomerates": enterprise.conglomerates,
    "newsrooms": editors.newsrooms,
    "studios": editors.studios,
    "prompt_sport": prompt_sport.populate,
}
"""Populations that only some scenarios hold, so that the others stay as committed results know them."""


def populate(draft: Draft, newcomers: Iterable[str] = ()) -> None:
    """Add every honest population, and some newcomers."""
    for population in (chat, agents, batch, evaluation, enterprise, campus, products, distillers, crowds):
        population.populate(draft)
    for name in newcomers:
        NEWCOMERS[name](draft)
