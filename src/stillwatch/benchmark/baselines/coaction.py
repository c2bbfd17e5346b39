"""Co-action counting: two accounts are coordinated when they often did the same thing.

Source: Graham and others, the QUT Coordination Network Toolkit (2020), and Keller and others (2020): an edge weighs the
number of actions in common, and edges below `min_edge_weight` go; accounts with an edge are called coordinated.
Here an action is a token of any channel; the toolkit's time window (two actions within some seconds) is what the
channels that name an hour, a burst or a block's hour bring. Simplified: tokens, not occurrences, are counted, and a
token held by more than `most` rows is a stop word. Groups are Leiden communities of the edges that stay.
Catches accounts that repeat each other many times. Evaded by volume of others: any two busy customers of one SDK, one
NAT or one benchmark share as many tokens, so cover traffic and rotation drown a campaign among them.
"""

import numpy as np

from stillwatch.benchmark.baselines.projection import EVERY, MOST_HOLDERS, Shared, communities, linked, shared
from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.linkage.incidence import Incidence
from stillwatch.records import Family


def coaction(
    incidence: Incidence,
    families: tuple[Family, ...] = EVERY,
    *,
    most: int = MOST_HOLDERS,
    least_weight: float = 2.0,
    by_group: bool = False,
    pairs: Shared | None = None,
) -> Scored:
    """Score each row by the most tokens it shares with another row; `by_group` by what its community shares a row.

    `least_weight` is the toolkit's `min_edge_weight`, which the groups are made with; `pairs` is what
    `shared` answered, where a caller has it already.
    """
    pairs = pairs or shared(incidence, families, most)
    weight = pairs.count.astype(np.float64)
    groups = communities(pairs, weight, incidence.keys, natural=least_weight)
    if by_group:
        return groups
    return Scored(linked(pairs, weight, incidence.n, natural=least_weight, least_rows=2).score, groups.group)
