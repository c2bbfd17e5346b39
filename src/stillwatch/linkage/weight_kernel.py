"""Match weights of pairs: the loops that NumPy cannot express. All release the GIL.

Most pairs share nothing in most channels, so what a pair without a shared token weighs is looked up by its rows' sizes,
and sums stay likelihood ratios until the family is whole: one logarithm a pair and family.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]

LAMBDAS = np.array([0.02, 0.05, 0.15, 0.4, 0.8])
"""Copying rates that a pair weight averages over, each with weight .1; the rate 0 has the other half."""

GREATEST = 1e250
"""Where a product of likelihood ratios stops: far beyond any bound, and below what a float holds after one factor."""

MOST_NATS = 500.0
MOST_RATIO = float(np.exp(MOST_NATS))
"""Most that one channel may say of a pair, so that sums of ratios stay finite."""

FULL = 1024
"""Sizes up to which powers of 1 - lambda are looked up; beyond, they are computed."""

POWERS = (1.0 - LAMBDAS[:, None]) ** np.arange(FULL + 1)
"""(1 - lambda)^m for each copying rate and m = 0..FULL."""

UNSHARED = 0.5 + 0.1 * POWERS.sum(axis=0)
"""Mean likelihood ratio of one direction where a row of m = 0..FULL tokens shares none."""


@njit(cache=True, nogil=True, inline="always")
def _power(k: int, exponent: int) -> float:
    return float(POWERS[k, exponent] if exponent <= FULL else np.exp(exponent * np.log1p(-LAMBDAS[k])))


@njit(cache=True, nogil=True, inline="always")
def _unshared(size: int) -> float:
    return float(UNSHARED[min(size, FULL)])


@njit(cache=True, nogil=True, inline="always")
def _place(tokens: Indices, token: int, first: int, last: int) -> int:
    """The first place in the ascending `tokens[first:last]` whose token is not less than this one."""
    while first < last:
        middle = (first + last) // 2
        if tokens[middle] < token:
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True, nogil=True)
def shared_tokens(i: int, j: int, indptr: Ints, tokens: Indices, shared: Indices) -> int:
    """Fill `shared` with the tokens that both rows hold, ascending: how many. `shared` is as long as the shorter row.

    Rows of like length are merged; a short row is looked up in a long one.
    """
    if indptr[i + 1] - indptr[i] > indptr[j + 1] - indptr[j]:
        i, j = j, i
    a, a_end = indptr[i], indptr[i + 1]
    b, b_end = indptr[j], indptr[j + 1]
    n = 0
    if (b_end - b) > 8 * (a_end - a):
        while a < a_end and b < b_end:
            b = _place(tokens, tokens[a], b, b_end)
            if b < b_end and tokens[b] == tokens[a]:
                shared[n] = tokens[a]
                n += 1
            a += 1
        return n
    while a < a_end and b < b_end:
        if tokens[a] < tokens[b]:
            a += 1
        elif tokens[a] > tokens[b]:
            b += 1
        else:
            shared[n] = tokens[a]
            n += 1
            a += 1
            b += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _direction(shared: Indices, n: int, own: int, other: int, frequency: Floats, odds: Floats) -> float:
    """Mean likelihood ratio over the copying rates that a row of `own` tokens copied `n` shared ones from a row of
    `other` tokens, at most exp(MOST_NATS). `odds` is scratch, as long as `shared`."""
    for at in range(n):
        odds[at] = 1.0 / np.expm1(other * frequency[shared[at]])
    total = 0.5
    for k in range(len(LAMBDAS)):
        product, log = _power(k, own - n), 0.0
        for at in range(n):
            product *= 1.0 + LAMBDAS[k] * odds[at]
            if product > GREATEST:
                log += np.log(product)
                product = 1.0
        total += 0.1 * (product if log == 0.0 else np.exp(min(log + np.log(product), MOST_NATS)))
    return min(total, MOST_RATIO)


@njit(cache=True, nogil=True)
def pair_ratio(
    i: int, j: int, indptr: Ints, tokens: Indices, sizes: Ints, frequency: Floats, shared: Indices, odds: Floats
) -> float:
    """Likelihood ratio of one pair in one channel, the mean over both directions: see `add_ratios`; both rows must hold
    a token."""
    size_i, size_j = sizes[i], sizes[j]
    n = shared_tokens(i, j, indptr, tokens, shared)
    if n == 0:
        return 0.5 * (_unshared(size_i) + _unshared(size_j))
    ratio = _direction(shared, n, size_i, size_j, frequency, odds)
    return float(0.5 * (ratio + _direction(shared, n, size_j, size_i, frequency, odds)))


@njit(cache=True, nogil=True, parallel=True)
def add_ratios(
    left: Indices, right: Indices, indptr: Ints, tokens: Indices, sizes: Ints, frequency: Floats, total: Floats,
    voices: Indices,
) -> None:  # fmt: skip
    """Add each pair's likelihood ratio in one channel to `total`, and 1 to `voices`, where both rows hold a token.

    `sizes` are the rows' |S_i| and `frequency` each token's popularity f_t. For a direction i given j: product over
    shared tokens of 1 + lambda (1 - p) / p with p = 1 - exp(-|S_j| f_t), times (1 - lambda) per token of i that j
    lacks; the mean over both directions and the copying rates. Never below 1/2.
    """
    longest = 0
    for row in range(len(indptr) - 1):
        longest = max(longest, indptr[row + 1] - indptr[row])
    parts = 64
    for part in prange(parts):
        shared, odds = np.empty(longest, dtype=np.int32), np.empty(longest)
        for at in range(len(left) * part // parts, len(left) * (part + 1) // parts):
            i, j = left[at], right[at]
            if sizes[i] > 0 and sizes[j] > 0:
                total[at] += pair_ratio(i, j, indptr, tokens, sizes, frequency, shared, odds)
                voices[at] += 1


@njit(cache=True, nogil=True)
def add_ratios_in_groups(
    left: Indices, right: Indices, pairs: Ints, pair_ends: Ints, members: Ints, member_ends: Ints,
    indptr: Ints, tokens: Indices, sizes: Ints, holders: Ints, total: Floats, voices: Indices,
) -> None:  # fmt: skip
    """The same with a popularity that leaves out the pair's own group, to which both rows belong.

    Group g has the pairs `pairs[pair_ends[g]:pair_ends[g + 1]]` (places in `left`) and the rows
    `members[member_ends[g]:member_ends[g + 1]]`; `holders` counts the rows that hold each token.
    """
    inside = np.zeros(len(holders), dtype=np.int64)
    frequency = np.empty(len(holders), dtype=np.float64)
    every = sizes.sum()
    longest = 0
    for row in members:
        longest = max(longest, indptr[row + 1] - indptr[row])
    shared, odds = np.empty(longest, dtype=np.int32), np.empty(longest)
    for group in range(len(pair_ends) - 1):
        rows = members[member_ends[group] : member_ends[group + 1]]
        beyond = every
        for row in rows:
            beyond -= sizes[row]
            for at in range(indptr[row], indptr[row + 1]):
                inside[tokens[at]] += 1
        for row in rows:
            for at in range(indptr[row], indptr[row + 1]):
                token = tokens[at]
                frequency[token] = max(holders[token] - inside[token], 0.5) / max(float(beyond), 1.0)
        for at in range(pair_ends[group], pair_ends[group + 1]):
            pair = pairs[at]
            i, j = left[pair], right[pair]
            if sizes[i] > 0 and sizes[j] > 0:
                total[pair] += pair_ratio(i, j, indptr, tokens, sizes, frequency, shared, odds)
                voices[pair] += 1
        for row in rows:
            for at in range(indptr[row], indptr[row + 1]):
                inside[tokens[at]] = 0
