"""Confirmation: the family that did not find a group must agree, by an e-value that is exact in finite samples.

H0(C, F): given the strata and all other families, the F-rows of the members of C are exchangeable with everyone
else's. The members come in random batches; each batch is scored with a profile learnt from the earlier ones, and each
score is compared with the mean over rows of its stratum that no earlier batch used. E[E_F] <= 1 by sampling without
replacement and Maclaurin's inequality, whatever clustering found the group and however tokens depend.

The rows compared with are the members and the first rows of the stratum in the order of their keys, the fewer in the
first order. For each order they are fixed before any row of F is looked at, and batches only take members away: within
them the members are exchangeable, which is all that the proof asks. A stratum's other rows are as if they were not
there. Of a very large group some members are tested, chosen by their keys alone: if all are exchangeable, so are those.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import Candidate
from stillwatch.linkage.confirm_kernel import NO_WEIGHT, group_log_e
from stillwatch.linkage.incidence import Floats, Incidence, Indices
from stillwatch.linkage.matrix import FamilyMatrix, Lent, family_matrix
from stillwatch.linkage.strata import strata_of
from stillwatch.records import Family

COMPARED = (64, 512)
"""Most rows of a stratum, beside the group's own, with which members are compared: in the first order, which most
candidates end with, and in the others."""

MOST_TESTED = 4096
"""Members of a group that are tested; of more, those with the greatest keys."""

THREADS = 2
TOGETHER = 32
"""Groups that one call of the kernel takes: few enough that both threads end together."""


def log_e_values(incidence: Incidence, family: Family, candidates: list[Candidate], seed: int) -> Floats:
    """ln of the e-value of each candidate for one family, the least over the incidence's stratifications.

    Where the first stratification already leaves an e-value of no weight, the others are not asked: what is answered
    never exceeds the first's, so it stays an e-value. Two threads; the answer does not depend on them.
    """
    matrix = family_matrix(incidence.scored(family))
    groups = [candidate.rows for candidate in candidates]
    least = np.full(len(groups), np.inf)
    for which in range(max(len(incidence.stratifications), 1)):
        asked = np.flatnonzero(least >= NO_WEIGHT[-1])
        strata = strata_of(incidence, family, which)
        found = log_e([groups[at] for at in asked], incidence.keys, matrix, strata, seed)
        least[asked] = np.minimum(least[asked], found)
    return least


def log_e(
    groups: Sequence[Indices], keys: NDArray[np.uint64], matrix: FamilyMatrix, strata: Indices, seed: int
) -> Floats:
    """ln of the e-value of each group of rows under one stratification: see `confirm_kernel.group_log_e`."""
    sizes = np.bincount(strata)
    stratum_rows = np.lexsort((keys, strata)).astype(np.int32)
    stratum_indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rank = np.empty(len(strata), dtype=np.int64)
    rank[stratum_rows] = np.arange(len(strata)) - stratum_indptr[strata[stratum_rows]]
    row_cost = np.bincount(strata, weights=np.diff(matrix.indptr)) / np.maximum(sizes, 1)
    about = (
        matrix.indptr, matrix.tokens, matrix.channel_of, matrix.chance, matrix.odds, len(matrix.sizes),
        matrix.holder_indptr, matrix.holders, matrix.holder_odds, strata, stratum_indptr, stratum_rows, rank, row_cost,
    )  # fmt: skip

    scratch = Lent(lambda: _scratch(len(strata), len(matrix.channel_of)))

    def some(first: int) -> Floats:
        part = [_tested(rows, keys) for rows in groups[first : first + TOGETHER]]
        row_ends = np.concatenate([[0], np.cumsum([len(rows) for rows in part])]).astype(np.int64)
        with scratch.one() as lent:
            found = group_log_e(np.concatenate(part), row_ends, keys, seed, COMPARED[0], COMPARED[1], *about, *lent)
        return np.asarray(found)

    with ThreadPoolExecutor(THREADS) as pool:
        return np.concatenate([np.zeros(0), *pool.map(some, range(0, len(groups), TOGETHER))])


def _tested(rows: Indices, keys: NDArray[np.uint64]) -> Indices:
    """Of these rows those that are tested, ascending."""
    if len(rows) <= MOST_TESTED:
        return rows
    return np.sort(rows[np.argsort(keys[rows], kind="stable")[-MOST_TESTED:]])


def _scratch(rows: int, tokens: int) -> tuple[Indices, Indices, NDArray[np.bool_], Indices, Floats]:
    """What `confirm_kernel.prequential` writes to and leaves as it was."""
    counts, slot = np.zeros(tokens, dtype=np.int32), np.full(tokens, -1, dtype=np.int32)
    return counts, slot, np.zeros(rows, dtype=np.bool_), np.full(rows, -1, dtype=np.int32), np.empty(rows)
