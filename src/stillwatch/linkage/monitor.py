"""Whether a group goes on being alike in what is new: evidence from each window, valid at any time.

A group is frozen before a window begins. What its members show in the window and never showed before (first-seen
tokens) is then compared with what others of their strata newly show, by the e-value of `confirm`. If, given all that
was seen before, what is new is exchangeable between the members and the others of their strata, each window's e-value
has a mean of at most 1: so the product over windows is an e-process, and the probability that it ever reaches 1/level
is at most level (Ville 1939). The mean over families is one too, whatever their dependence.

It shows agreement, not coordination: a trait that lasts and that strata do not know (one provider of addresses, one
field of interest) makes members alike in what is new, too. Hours are left out for that reason: each day's are new, and
whoever works at night does so tomorrow. Evaded by an operator who shows nothing new: who keeps every address, program
and wording says nothing here, and is judged by the whole as ever. A stream of groups is tested at the levels of e-LOND
(Xu and Ramdas 2024): FDR at most alpha, under any dependence.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import Candidate
from stillwatch.linkage.confirm import log_e_values
from stillwatch.linkage.incidence import Channel, Incidence, Indices, Ints, channel
from stillwatch.records import Family

MONITORED = (Family.CONTENT, Family.CLIENT, Family.INFRASTRUCTURE)
"""Families of which something new can be seen. An account registers once, and hours are new each day."""

LEAST_SHOWING = 4
"""Members that show something new in a family, under which the window says nothing of it."""

Tokens = tuple[Ints, NDArray[np.uint64]]
"""Rows and tokens of one channel, a pair a place, in any order."""


def first_seen(within: Tokens, before: Tokens) -> Tokens:
    """What was shown within a window by rows that had not shown it before."""
    values, dense = np.unique(np.concatenate([within[1], before[1]]), return_inverse=True)
    width, cut = max(len(values), 1), len(within[0])
    keys = np.concatenate([within[0], before[0]]) * width + dense
    row, token = np.divmod(np.setdiff1d(keys[:cut], keys[cut:]), width)
    return row, values[token]


def new_channel(like: Channel, within: Tokens, before: Tokens, n: int) -> Channel:
    """A channel of what is first seen in a window, over `n` rows."""
    rows, tokens = first_seen(within, before)
    return channel(like.name, like.families, rows, tokens, n)


def window_log_e(incidence: Incidence, groups: Sequence[Indices], seed: int) -> list[dict[Family, float]]:
    """ln of the e-value of each frozen group of rows, family by family, from an incidence of what is new alone.

    A family in which fewer than `LEAST_SHOWING` members show something new abstains: it has no entry, which is an
    e-value of 1. Whether it abstains is told by how much each row shows, which the strata hold fixed.
    """
    out: list[dict[Family, float]] = [{} for _ in groups]
    for family in (family for family in MONITORED if family in incidence.families()):
        size = np.sum([one.sizes for one in incidence.scored(family)], axis=0)
        asked = [place for place, rows in enumerate(groups) if int((size[rows] > 0).sum()) >= LEAST_SHOWING]
        if not asked:
            continue
        tested = [Candidate(groups[place], frozenset({family})) for place in asked]
        for place, found in zip(asked, log_e_values(incidence, family, tested, seed), strict=True):
            out[place][family] = float(found)
    return out


def accrued(so_far: Mapping[Family, float], window: Mapping[Family, float]) -> dict[Family, float]:
    """ln of each family's product after one more window."""
    kept = {family: so_far.get(family, 0.0) + window.get(family, 0.0) for family in (*so_far, *window)}
    return {family: kept[family] for family in Family if family in kept}


def log_mean(log_e: Mapping[Family, float]) -> float:
    """ln of the mean over the monitored families of their products; a family that never spoke counts as 1."""
    values = np.array([log_e.get(family, 0.0) for family in MONITORED])
    most = values.max()
    return float(most + np.log(np.mean(np.exp(values - most))))
