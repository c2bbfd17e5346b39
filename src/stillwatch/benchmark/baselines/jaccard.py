"""Jaccard similarity of action sets: accounts that did nearly all the same things stand in one cluster.

Source: Cao, Yang, Yu and Palow, "Uncovering Large Groups of Active Malicious Accounts in Online Social Networks"
(SynchroTrap), CCS 2014. Two users' actions match when they touch one object within one time window; their similarity
over all constraints is the sum of intersections divided by the sum of unions; single-linkage clustering keeps pairs
above a similarity, and clusters above a size. Here an action is a token; the channels that name an hour, a burst or a
block's hour bring time. Simplified: no daily aggregation, and a token held by more than `most` rows is a stop word.
Catches bots that do the campaign's work and nothing else. Evaded by cover traffic: at 80 % cover two members share at
most a ninth of what they show together.
"""

import numpy as np

from stillwatch.benchmark.baselines.projection import EVERY, LEAST_ROWS, MOST_HOLDERS, Shared, linked, shared
from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.linkage.incidence import Incidence
from stillwatch.records import Family


def jaccard(
    incidence: Incidence,
    families: tuple[Family, ...] = EVERY,
    *,
    most: int = MOST_HOLDERS,
    similarity: float = 0.5,
    least_rows: int = LEAST_ROWS,
    pairs: Shared | None = None,
) -> Scored:
    """Score each row by the similarity at which it first lies in a cluster of `least_rows` rows.

    `similarity` is where the groups are cut; `pairs` is what `shared` answered, where a caller has it already.
    """
    pairs = pairs or shared(incidence, families, most)
    union = pairs.size[pairs.left] + pairs.size[pairs.right] - pairs.count
    return linked(pairs, pairs.count / np.maximum(union, 1), incidence.n, natural=similarity, least_rows=least_rows)
