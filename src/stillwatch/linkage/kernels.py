"""The loops that NumPy cannot express: partner choice and group scores. All release the GIL."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

MIX_1 = np.uint64(0x9E3779B97F4A7C15)
MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
MIX_3 = np.uint64(0x94D049BB133111EB)

KAPPAS = np.array([0.05, 0.2, 0.6, 1.0])
"""How much of the group's profile a member shows; the rate 0 joins them with the same weight."""

MOST_TYPICAL = 0.98
"""A profile share is capped here, so that a member that lacks one token is never impossible."""

GREATEST = 1e250
"""Where a product of likelihood ratios stops: far beyond any bound, and below what a float holds after one factor."""


@njit(cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """A 64-bit finaliser (SplitMix64, public domain): uniform hashes for partner choice, not cryptographic."""
    value = (value ^ (value >> np.uint64(30))) * MIX_2
    value = (value ^ (value >> np.uint64(27))) * MIX_3
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def nominations_of(holders: Ints, partners: int, least: int, most: int) -> Ints:
    """How many pairs `nominate` makes at most of each token, from the number of its holders."""
    out = np.zeros(len(holders), dtype=np.int64)
    for token in range(len(holders)):
        df = holders[token]
        if least <= df <= most:
            out[token] = df * (df - 1) // 2 if df <= partners + 1 else df * partners
    return out


@njit(cache=True, nogil=True)
def nominate(
    indptr: Ints, rows: Indices, keys: Hashes, partners: int, named: Indices, least: int, most: int, seed: np.uint64
) -> Ints:
    """Pairs of rows that share a token, as keys i * n + j with i < j; repeats are possible.

    `indptr`/`rows` list each token's holders. Tokens held by fewer than `least` or more than `most` rows are passed
    over. Up to `partners` + 1 holders give all their pairs; more, and each holder names `named[holder]` others, at most
    `partners`, by a hash of (its key, the smallest holder's key, a counter, the seed), so that a token's cost stays
    linear.
    """
    n = np.int64(len(keys))
    out = np.empty(nominations_of(np.diff(indptr), partners, least, most).sum(), dtype=np.int64)
    at = 0
    for token in range(len(indptr) - 1):
        start = indptr[token]
        df = indptr[token + 1] - start
        if df < least or df > most:
            continue
        if df <= partners + 1:
            for a in range(df):
                for b in range(a + 1, df):
                    out[at] = rows[start + a] * n + rows[start + b]
                    at += 1
            continue
        salt = mix(keys[rows[start]] + seed)
        for a in range(df):
            i = np.int64(rows[start + a])
            state = keys[i] ^ salt
            for _ in range(named[i]):
                state = state + MIX_1
                j = np.int64(rows[start + np.int64(mix(state) % np.uint64(df))])
                if i != j:
                    out[at] = min(i, j) * n + max(i, j)
                    at += 1
    return out[:at]


STEPS_A_NAT = 4
MOST_STEPS = 128
"""Weights are told apart in quarters of a nat, up to 32 nats, when the strongest pairs of a row are chosen."""

FULL = 255
"""Where the pairs of one step are counted no further, and so the most that can be asked for."""


@njit(cache=True, nogil=True, inline="always")
def _step(weight: float) -> int:
    return min(max(int(weight * STEPS_A_NAT), 0), MOST_STEPS - 1)


@njit(cache=True, nogil=True)
def strongest_edges(left: Indices, right: Indices, weight: Floats, n: int, most: int) -> NDArray[np.bool_]:
    """Which pairs are among the `most` strongest of one of their rows, at most 255; pairs as strong as the last are
    kept too."""
    counts = np.zeros((n, MOST_STEPS), dtype=np.uint8)  # one that is full has as many as are asked for
    for at in range(len(left)):
        step = _step(weight[at])
        for row in (left[at], right[at]):
            if counts[row, step] < FULL:
                counts[row, step] += 1
    least = np.zeros(n, dtype=np.int32)
    for row in range(n):
        held = 0
        for step in range(MOST_STEPS - 1, -1, -1):
            held += counts[row, step]
            if held >= most:
                least[row] = step
                break
    out = np.empty(len(left), dtype=np.bool_)
    for at in range(len(left)):
        step = _step(weight[at])
        out[at] = step >= least[left[at]] or step >= least[right[at]]
    return out


@njit(cache=True, nogil=True, inline="always")
def excess(count: float, expected: float) -> float:
    """Chernoff exponent of a Poisson count at least this large: k ln(k / m) - (k - m), 0 where k <= m."""
    if count <= expected:
        return 0.0
    return float(count * np.log(count / max(expected, 1e-12)) - (count - expected))


@njit(cache=True, nogil=True)
def _jaccard(indptr: Ints, rows: Indices, a: int, b: int) -> float:
    """The Jaccard similarity of two ascending sets."""
    i, j, both = indptr[a], indptr[b], 0
    while i < indptr[a + 1] and j < indptr[b + 1]:
        if rows[i] == rows[j]:
            both += 1
            i += 1
            j += 1
        elif rows[i] < rows[j]:
            i += 1
        else:
            j += 1
    return float(both / (indptr[a + 1] - indptr[a] + indptr[b + 1] - indptr[b] - both))


@njit(cache=True, nogil=True)
def alike_sets(indptr: Ints, rows: Indices, keys: Hashes, hashes: int, least: float) -> tuple[Indices, Indices]:
    """Pairs (larger set, other set) of ascending sets of rows that have a MinHash in common and are at least so alike.

    Within a bucket every set is compared with the largest alone, the first of equals: linear in the sets' sizes. Rows
    are hashed by their keys.
    """
    n = len(indptr) - 1
    left, right = np.empty(n * hashes, np.int32), np.empty(n * hashes, np.int32)
    found = 0
    least_hash = np.empty(n, np.uint64)
    for which in range(hashes):
        for at in range(n):
            least_hash[at] = np.uint64(0xFFFFFFFFFFFFFFFF)
            for place in range(indptr[at], indptr[at + 1]):
                least_hash[at] = min(least_hash[at], mix(keys[rows[place]] + mix(np.uint64(which + 1))))
        order = np.argsort(least_hash, kind="mergesort")
        begun = 0
        while begun < n:
            ended = begun + 1
            while ended < n and least_hash[order[ended]] == least_hash[order[begun]]:
                ended += 1
            largest = order[begun]
            for place in range(begun + 1, ended):
                one = order[place]
                if indptr[one + 1] - indptr[one] > indptr[largest + 1] - indptr[largest]:
                    largest = one
            for place in range(begun, ended):
                one = order[place]
                if one != largest and _jaccard(indptr, rows, largest, one) >= least:
                    left[found], right[found] = largest, one
                    found += 1
            begun = ended
    return left[:found], right[:found]


@njit(cache=True, nogil=True)
def first_of_alike(indptr: Ints, rows: Indices, n: int, least: float) -> NDArray[np.bool_]:
    """Which sets of rows stay, of n rows, where in their order each is dropped that is at least so alike (Jaccard) to
    one that stays."""
    stays = np.zeros(len(indptr) - 1, np.bool_)
    newest = np.full(n, -1, np.int64)  # the place in `rows` of a row's last set that stays, and of the one before it
    before = np.full(len(rows), -1, np.int64)
    owner = np.empty(len(rows), np.int32)
    shared, met = np.zeros(len(stays), np.int32), np.empty(len(stays), np.int32)
    for one in range(len(stays)):
        start, end, count = indptr[one], indptr[one + 1], 0
        for at in range(start, end):
            place = newest[rows[at]]
            while place >= 0:
                if shared[owner[place]] == 0:
                    met[count] = owner[place]
                    count += 1
                shared[owner[place]] += 1
                place = before[place]
        stays[one] = True
        for other in met[:count]:
            both = shared[other]
            if both >= least * (end - start + indptr[other + 1] - indptr[other] - both):
                stays[one] = False
            shared[other] = 0
        if stays[one]:
            for at in range(start, end):
                before[at], newest[rows[at]] = newest[rows[at]], at
                owner[at] = one
    return stays
