"""Pooling: do a group's accounts show more of some figures than comparable ones? An e-value, exact in small samples.

H0: given the strata, the members' rows of figures are exchangeable with those of the other accounts of their stratum.
The account is the unit: an account's exchanges depend on each other, and nothing is assumed of how. As in `confirm`,
members come in random batches, a score that earlier batches taught bets on the next, and R_i compares a member's score
with the mean over all rows of its stratum that no earlier batch used. E[e] <= 1 by sampling without replacement and
Maclaurin's inequality, whatever the figures are and however they depend, provided that the group was chosen without
them.

The score rises with figures that earlier members show more of, and ignores those they show less of: a group that
merely differs gains nothing by it, and neither does one that shows less. Catches a share of extraction that no single
account shows, once twenty linked accounts are pooled. Evaded by members who have nothing in common beyond chance.
What is shown is that the group leans to these figures as a group; a class with its homework may truly do so.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from stillwatch.linkage.confirm_kernel import ETAS, ORDERS, batch_ends, shuffled
from stillwatch.linkage.incidence import Floats, Ints
from stillwatch.stats import log_mean_exp

STRENGTHS = np.array([0.5, 1.0, 2.0])
"""How much of the shift that earlier members show a score may count on; it is the mean over these."""

LEAST_SHIFT = 1.5
"""Standard errors by which the earlier members' mean must exceed the whole pool's for a figure to count."""

LEAST_MEMBERS = 8


@dataclass(frozen=True)
class Pool:
    """The accounts that a group is compared within, its own among them.

    `scores`, (rows, figures), are normal scores of the ranks within each stratum, each column of mean nought and unit
    variance; they move with their rows when rows move within strata. `strata` are dense codes.
    """

    scores: Floats
    strata: Ints
    keys: NDArray[np.uint64]


def pool_of(figures: Floats, strata: Ints, keys: NDArray[np.uint64]) -> Pool:
    """Rank figures, (rows, figures), within strata. A figure that nobody varies in scores nought."""
    scores = np.zeros(figures.shape)
    for stratum in range(int(strata.max()) + 1 if len(strata) else 0):
        rows = np.flatnonzero(strata == stratum)
        ranks = rankdata(figures[rows], axis=0)
        scores[rows] = ndtri((ranks - 0.5) / len(rows)) if len(rows) else 0.0
    spread = scores.std(axis=0)
    scores = np.where(spread > 0, (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)
    return Pool(scores, strata, keys)


def pooled_log_e(pool: Pool, members: Ints, seed: int, *, both_ways: bool = False) -> float:
    """ln of the e-value of these rows; 0 under eight members, which says nothing.

    `both_ways` lets the score count figures that members show less of as well: any difference then counts.
    """
    if len(members) < LEAST_MEMBERS:
        return 0.0
    logs = [
        _log_product(pool, members[shuffled(pool.keys[members], seed + order)], both_ways) for order in range(ORDERS)
    ]
    return float(log_mean_exp(np.stack(logs)))


def _log_product(pool: Pool, members: Ints, both_ways: bool) -> Floats:
    """ln of the product over tested members of (1 - eta) + eta R_i, one value an eta, for one order."""
    ends = batch_ends(len(members))
    left = np.ones(len(pool.strata), dtype=np.bool_)
    out = np.zeros(len(ETAS))
    bound = len(pool.strata) / len(members)
    for start, end in pairwise(ends):
        left[members[:start]] = False
        bet = learnt(pool, members[:start], both_ways=both_ways)
        if not bet.weights.any():
            continue
        ratio = bet.ratio(pool.scores)
        score = ratio / (ratio + bound)
        strata = pool.strata[left]
        mean = np.bincount(strata, score[left], int(pool.strata.max()) + 1) / np.maximum(
            np.bincount(strata, minlength=int(pool.strata.max()) + 1), 1
        )
        tested = members[start:end]
        out += np.log1p(ETAS * (score[tested] / mean[pool.strata[tested]] - 1.0)[:, None]).sum(axis=0)
    return out


@dataclass(frozen=True)
class Bet:
    """A direction in figures, of unit variance among the pool, and how far its teachers lie along it."""

    weights: Floats
    shift: float

    def ratio(self, scores: Floats) -> Floats:
        """How much likelier rows are under the shift than without, the mean over STRENGTHS."""
        along = scores @ self.weights
        moved = STRENGTHS * self.shift
        return np.asarray(np.exp(np.minimum(along[:, None] * moved - 0.5 * moved**2, 300.0)).mean(axis=1))


def learnt(pool: Pool, rows: Ints, *, both_ways: bool = False) -> Bet:
    """What some members teach: the figures in which their mean exceeds the pool's by more than its standard error."""
    mean = pool.scores[rows].mean(axis=0)
    beyond = np.maximum(np.abs(mean) - LEAST_SHIFT / math.sqrt(len(rows)), 0.0) * np.sign(mean)
    taken = beyond if both_ways else np.maximum(beyond, 0.0)
    spread = float((pool.scores @ taken).std())
    if spread <= 0.0:
        return Bet(np.zeros(len(taken)), 0.0)
    weights = taken / spread
    return Bet(weights, float(weights @ taken))


def member_log_ratios(pool: Pool, members: Ints) -> Floats:
    """For each member ln of how much likelier its figures are under what the *other* members teach than without.

    No guarantee by itself: read it only of a group whose e-value has passed.
    """
    return np.array(
        [float(np.log(learnt(pool, np.delete(members, at)).ratio(pool.scores[[row]])[0]))
         for at, row in enumerate(members)]
    )  # fmt: skip
