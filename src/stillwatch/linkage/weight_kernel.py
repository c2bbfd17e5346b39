"""Match weights of pairs: the loops that NumPy cannot express. All release the GIL.

Most pairs share nothing in most channels, so what a pair without a shared token weighs is looked up by its rows' sizes,
and sums stay likelihood ratios until the family is whole: one logarithm a pair and family.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


class Rows(NamedTuple):
    """All scored tokens of each row side by side, so that a pair is two reads of memory and not two for each channel.

    Row i holds `tokens[indptr[i]:indptr[i + 1]]`, ascending; channel c's tokens are the numbers from `first[c]` to
    `first[c + 1]`, and `sizes[i, c]` is |S_i| in it. `channels[f]` to `channels[f + 1]` are family f's channels.
    """

    indptr: Ints
    tokens: Indices
    sizes: Indices
    first: Ints
    channels: Ints


class Groups(NamedTuple):
    """Group g has the pairs `pairs[pair_ends[g]:pair_ends[g + 1]]` (places) and the rows
    `members[member_ends[g]:member_ends[g + 1]]`."""

    pairs: Ints
    pair_ends: Ints
    members: Indices
    member_ends: Ints


LAMBDAS = np.array([0.02, 0.05, 0.15, 0.4, 0.8])
"""Copying rates that a pair weight averages over, each with weight .1; the rate 0 has the other half."""

RATES = len(LAMBDAS)

GREATEST = 1e250
"""Where a product of likelihood ratios stops: far beyond any bound, and below what a float holds after one factor."""

MOST_NATS = 500.0
MOST_RATIO = float(np.exp(MOST_NATS))
"""Most that one channel may say of a pair, so that sums of ratios stay finite."""

BLOCK = 1 << 11
"""Pairs that one thread takes at a time: rows with many tokens lie side by side, and no thread shall have them all."""

MARKS = np.uint64(1 << 18)
"""Bits that mark the tokens of one row: 32 KiB, which stays in a core's nearest cache."""

LONGER = 16
"""How many times as long a row must be for the other's tokens to be looked up in it one by one."""

ZERO, ONE = np.uint64(0), np.uint64(1)

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


@njit(cache=True, nogil=True, inline="always")
def _next_place(tokens: Indices, token: int, first: int, last: int) -> int:
    """The same, where the place is likely to be near the first: steps that double until they are beyond it."""
    step, beyond = 1, first
    while beyond < last and tokens[beyond] < token:
        first = beyond + 1
        beyond += step
        step *= 2
    return int(_place(tokens, token, first, min(beyond, last)))


@njit(cache=True, nogil=True, inline="always")
def _marked(marks: Hashes, rows: Rows, before: int, row: int) -> int:
    """Let the marks be a row's, and answer the row: one bit for all tokens that are alike but for multiples of `MARKS`.
    They were those of the row `before`, -1 for none."""
    if row != before:
        if before >= 0:
            for at in range(rows.indptr[before], rows.indptr[before + 1]):
                marks[np.uint64(rows.tokens[at]) % MARKS >> np.uint64(6)] = ZERO
        for at in range(rows.indptr[row], rows.indptr[row + 1]):
            slot = np.uint64(rows.tokens[at]) % MARKS
            marks[slot >> np.uint64(6)] |= ONE << (slot & np.uint64(63))
    return row


@njit(cache=True, nogil=True)
def shared_tokens(marked: int, j: int, rows: Rows, marks: Hashes, shared: Indices) -> int:
    """Fill `shared` with the tokens that both rows hold, ascending: how many. `shared` is as long as the shorter row.

    A short row is looked up in a long one; else the tokens of the second are looked at, and those whose mark stands
    (see `_marked`) looked up in the first.
    """
    tokens = rows.tokens
    a, a_end = rows.indptr[marked], rows.indptr[marked + 1]
    b, b_end = rows.indptr[j], rows.indptr[j + 1]
    n = 0
    if (b_end - b) > LONGER * (a_end - a):
        while a < a_end and b < b_end:
            b = _next_place(tokens, tokens[a], b, b_end)
            if b < b_end and tokens[b] == tokens[a]:
                shared[n] = tokens[a]
                n += 1
            a += 1
        return n
    for at in range(b, b_end):
        slot = np.uint64(tokens[at]) % MARKS
        if marks[slot >> np.uint64(6)] >> (slot & np.uint64(63)) & ONE:
            a = _next_place(tokens, tokens[at], a, a_end)
            if a < a_end and tokens[a] == tokens[at]:
                shared[n] = tokens[at]
                n += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _direction(
    shared: Indices, n: int, own: int, other: int, frequency: Floats, products: Floats, logs: Floats
) -> float:
    """Mean likelihood ratio over the copying rates that a row of `own` tokens copied `n` shared ones from a row of
    `other` tokens, at most exp(MOST_NATS). `products` and `logs` are scratch, one a rate: no rate waits for another."""
    for k in range(RATES):
        products[k], logs[k] = _power(k, own - n), 0.0
    for at in range(n):
        odds = 1.0 / np.expm1(other * frequency[shared[at]])
        for k in range(RATES):
            products[k] *= 1.0 + LAMBDAS[k] * odds
            if products[k] > GREATEST:
                logs[k] += np.log(products[k])
                products[k] = 1.0
    total = 0.5
    for k in range(RATES):
        total += 0.1 * (products[k] if logs[k] == 0.0 else np.exp(min(logs[k] + np.log(products[k]), MOST_NATS)))
    return min(total, MOST_RATIO)


@njit(cache=True, nogil=True, inline="always")
def _ratio(shared: Indices, n: int, one: int, other: int, frequency: Floats, products: Floats, logs: Floats) -> float:
    """Likelihood ratio of a pair in a channel in which it holds `one` and `other` tokens, `n` of them shared: the mean
    over both directions."""
    if n == 0:
        return 0.5 * (_unshared(one) + _unshared(other))
    ratio = _direction(shared, n, one, other, frequency, products, logs)
    return float(0.5 * (ratio + _direction(shared, n, other, one, frequency, products, logs)))


@njit(cache=True, nogil=True)
def _add_pair(
    i: int, j: int, rows: Rows, marks: Hashes, speaks: NDArray[np.bool_], frequency: Floats, shared: Indices,
    products: Floats, logs: Floats, out: Floats,
) -> None:  # fmt: skip
    """Fill `out` with a pair's mean ratio over the channels of each family in which both rows hold a token; 1 where
    there is none, and for a family that does not speak. The first row's tokens are marked."""
    n = shared_tokens(i, j, rows, marks, shared)
    begin = 0
    for family in range(len(rows.channels) - 1):
        total, voices = 0.0, 0
        for channel in range(rows.channels[family], rows.channels[family + 1]):
            end = begin
            while end < n and shared[end] < rows.first[channel + 1]:
                end += 1
            if speaks[family] and rows.sizes[i, channel] > 0 and rows.sizes[j, channel] > 0:
                one, other = rows.sizes[i, channel], rows.sizes[j, channel]
                total += _ratio(shared[begin:end], end - begin, one, other, frequency, products, logs)
                voices += 1
            begin = end
        out[family] = total / voices if voices else 1.0


@njit(cache=True, nogil=True)
def _longest(rows: Rows, held: Indices | Ints) -> int:
    most = 0
    for row in held:
        most = max(most, rows.indptr[row + 1] - rows.indptr[row])
    return most


@njit(cache=True, nogil=True, parallel=True)
def weigh(left: Indices, right: Indices, rows: Rows, frequency: Floats, out: Floats) -> None:
    """Fill `out` (pairs, families) with likelihood ratios, the mean over a family's channels; `frequency` is each
    token's popularity f_t.

    For a direction i given j: product over shared tokens of 1 + lambda (1 - p) / p with p = 1 - exp(-|S_j| f_t), times
    (1 - lambda) per token of i that j lacks; the mean over both directions and the copying rates. Never below 1/2.
    """
    longest = max(_longest(rows, left), _longest(rows, right))
    speaks = np.ones(len(rows.channels) - 1, dtype=np.bool_)
    parts = 64
    for part in prange(parts):
        shared, products, logs = np.empty(longest, dtype=np.int32), np.empty(RATES), np.empty(RATES)
        marks, marked = np.zeros(int(MARKS) >> 6, dtype=np.uint64), -1
        for block in range(part, len(left) // BLOCK + 1, parts):
            for at in range(block * BLOCK, min((block + 1) * BLOCK, len(left))):
                marked = _marked(marks, rows, marked, left[at])
                _add_pair(left[at], right[at], rows, marks, speaks, frequency, shared, products, logs, out[at])


@njit(cache=True, nogil=True)
def _outside(members: Indices, rows: Rows, inside: Ints, holders: Ints, beyond: Ints, frequency: Floats) -> None:
    """Count the members' tokens in `inside`, and fill the popularity that these have outside; `beyond` is what all rows
    hold of each channel, and then what the others do."""
    for row in members:
        for channel in range(len(beyond)):
            beyond[channel] -= rows.sizes[row, channel]
        for at in range(rows.indptr[row], rows.indptr[row + 1]):
            inside[rows.tokens[at]] += 1
    for row in members:
        channel = 0
        for at in range(rows.indptr[row], rows.indptr[row + 1]):
            token = rows.tokens[at]
            while token >= rows.first[channel + 1]:
                channel += 1
            frequency[token] = max(holders[token] - inside[token], 0.5) / max(float(beyond[channel]), 1.0)


@njit(cache=True, nogil=True)
def weigh_in_groups(
    left: Indices, right: Indices, groups: Groups, rows: Rows, speaks: NDArray[np.bool_], holders: Ints, out: Floats
) -> None:
    """The same, by the families that speak, with a popularity that leaves out the pair's own group, to which both rows
    belong; `holders` counts the rows that hold each token."""
    inside = np.zeros(len(holders), dtype=np.int64)
    frequency = np.empty(len(holders), dtype=np.float64)
    every = np.zeros(len(rows.first) - 1, dtype=np.int64)
    for row in range(len(rows.sizes)):
        for channel in range(len(every)):
            every[channel] += rows.sizes[row, channel]
    longest = _longest(rows, groups.members)
    shared, products, logs = np.empty(longest, dtype=np.int32), np.empty(RATES), np.empty(RATES)
    marks, marked = np.zeros(int(MARKS) >> 6, dtype=np.uint64), -1
    for group in range(len(groups.pair_ends) - 1):
        members = groups.members[groups.member_ends[group] : groups.member_ends[group + 1]]
        _outside(members, rows, inside, holders, every.copy(), frequency)
        for at in range(groups.pair_ends[group], groups.pair_ends[group + 1]):
            pair = groups.pairs[at]
            marked = _marked(marks, rows, marked, left[pair])
            _add_pair(left[pair], right[pair], rows, marks, speaks, frequency, shared, products, logs, out[pair])
        for row in members:
            for at in range(rows.indptr[row], rows.indptr[row + 1]):
                inside[rows.tokens[at]] = 0
