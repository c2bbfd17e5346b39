"""Which sparse vectors are alike: the nearest neighbours by cosine, through an inverted index with rare columns first.

Two vectors are compared where they share a column that few others hold; so the cost grows with the vectors, not with
their square. Evaded by texts whose every stem is in everybody's texts: these are nobody's wording.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Floats = NDArray[np.float64]

MOST_MET = 6_000
"""Holders of its columns, the rarest first, that a vector is compared with; other columns count where one of these
brings two together."""

LEAST_RARE = 0.5
"""Share of the least cosine that the rare columns must bring: what is alike in common words alone is not looked at."""

MOST_NEIGHBOURS = 15


def unit_rows(indptr: Ints, weights: Floats) -> Floats:
    """Weights scaled so that each row has length 1; empty rows stay empty."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    length = np.sqrt(np.bincount(rows, weights=weights**2, minlength=len(indptr) - 1))
    return np.asarray(weights / np.maximum(length[rows], 1e-12))


def nearest(indptr: Ints, columns: Places, weights: Floats, width: int, least: float) -> tuple[Ints, Ints, Floats]:
    """Edges (left, right, cosine) with left < right, each once: pairs of unit rows of which one is among the
    `MOST_NEIGHBOURS` nearest of the other, with a cosine of at least `least`."""
    n = len(indptr) - 1
    starts = np.zeros(width + 1, np.int64)
    np.cumsum(np.bincount(columns, minlength=width), out=starts[1:])
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(indptr))
    rarest = np.lexsort((columns, np.diff(starts)[columns], rows))
    columns, weights = columns[rarest], weights[rarest]
    order = np.argsort(columns, kind="stable")
    left, right, cosine = _nearest(indptr, columns, weights, starts, rows[order], weights[order], least)
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    _, first = np.unique(low * max(n, 1) + high, return_index=True)
    return low[first], high[first], cosine[first]


@njit(cache=True, nogil=True)
def _nearest(
    indptr: Ints, columns: Places, weights: Floats, starts: Ints, holders: Places, held: Floats, least: float
) -> tuple[Places, Places, Floats]:
    """As `nearest`, from either side; a row's rarest columns come first. `holders` of each column lie from starts on,
    with what they hold of it."""
    n = len(indptr) - 1
    left, right = np.empty(n * MOST_NEIGHBOURS, np.int32), np.empty(n * MOST_NEIGHBOURS, np.int32)
    cosine = np.empty(n * MOST_NEIGHBOURS)
    own, common = np.zeros(len(starts) - 1), np.zeros(n)
    met = np.empty(n, np.int32)
    total = 0
    for row in range(n):
        found, unseen, left_to_meet = 0, 0.0, MOST_MET
        for at in range(indptr[row], indptr[row + 1]):
            column = columns[at]
            own[column] = weights[at]
            left_to_meet -= starts[column + 1] - starts[column]
            if left_to_meet < 0:
                unseen += weights[at] ** 2
                continue
            for place in range(starts[column], starts[column + 1]):
                other = holders[place]
                if common[other] == 0.0 and other != row:
                    met[found] = other
                    found += 1
                common[other] += weights[at] * held[place]
        near = _near(met[:found], common, max(least - np.sqrt(unseen), LEAST_RARE * least))
        for place in range(near):
            common[met[place]] = _cosine(met[place], indptr, columns, weights, own)
        near = _near(met[:near], common, least)
        score = common[met[:near]]
        order = np.argsort(-score, kind="mergesort")
        for place in order[:MOST_NEIGHBOURS]:
            left[total], right[total], cosine[total] = row, met[place], score[place]
            total += 1
        common[met[:near]] = 0.0
        common[row] = 0.0
        for at in range(indptr[row], indptr[row + 1]):
            own[columns[at]] = 0.0
    return left[:total], right[:total], cosine[:total]


@njit(cache=True, nogil=True)
def _near(met: Places, common: Floats, least: float) -> int:
    """Bring those of `met` that have in common at least so much to the front, in order; forget the others."""
    near = 0
    for place in range(len(met)):
        other = met[place]
        if common[other] >= least:
            met[near] = other
            near += 1
        else:
            common[other] = 0.0
    return near


@njit(cache=True, nogil=True)
def _cosine(other: int, indptr: Ints, columns: Places, weights: Floats, own: Floats) -> float:
    """The whole product of a row with the one whose weights stand in `own`, by column."""
    total = 0.0
    for at in range(indptr[other], indptr[other + 1]):
        total += own[columns[at]] * weights[at]
    return total
