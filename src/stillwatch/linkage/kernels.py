"""The loops that NumPy cannot express: partner choice, pair weights, group scores. All release the GIL."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

MIX_1 = np.uint64(0x9E3779B97F4A7C15)
MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
MIX_3 = np.uint64(0x94D049BB133111EB)

LAMBDAS = np.array([0.02, 0.05, 0.15, 0.4, 0.8])
"""Copying rates that a pair weight averages over, each with weight .1; the rate 0 has the other half."""

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
def nominate(indptr: Ints, rows: Indices, keys: Hashes, partners: int, least: int, most: int, seed: np.uint64) -> Ints:
    """Pairs of rows that share a token, as keys i * n + j with i < j; repeats are possible.

    `indptr`/`rows` list each token's holders. Tokens held by fewer than `least` or more than `most` rows are passed
    over. Up to `partners` + 1 holders give all their pairs; more, and each holder names `partners` others by a hash of
    (its key, the smallest holder's key, a counter, the seed), so that a token's cost stays linear.
    """
    n = np.int64(len(keys))
    count = 0
    for token in range(len(indptr) - 1):
        df = indptr[token + 1] - indptr[token]
        if least <= df <= most:
            count += df * (df - 1) // 2 if df <= partners + 1 else df * partners
    out = np.empty(count, dtype=np.int64)
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
            for _ in range(partners):
                state = state + MIX_1
                j = np.int64(rows[start + np.int64(mix(state) % np.uint64(df))])
                if i != j:
                    out[at] = min(i, j) * n + max(i, j)
                    at += 1
    return out[:at]


@njit(cache=True, nogil=True, inline="always")
def _mean_ratio(logs: Floats, unshared: int) -> float:
    """Mean likelihood ratio of one direction over the copying rates, given the shared tokens' summed logs."""
    total = 0.5
    for k in range(len(LAMBDAS)):
        total += 0.1 * np.exp(min(logs[k] + unshared * np.log1p(-LAMBDAS[k]), 600.0))
    return total


@njit(cache=True, nogil=True, inline="always")
def _pair_weight(i: int, j: int, indptr: Ints, tokens: Indices, frequency: Floats) -> float:
    """Match weight of one pair: see `pair_weights`."""
    a, a_end = indptr[i], indptr[i + 1]
    b, b_end = indptr[j], indptr[j + 1]
    size_a, size_b = a_end - a, b_end - b
    if size_a == 0 or size_b == 0:
        return np.nan
    logs_a, product_a = np.zeros(len(LAMBDAS)), np.ones(len(LAMBDAS))
    logs_b, product_b = np.zeros(len(LAMBDAS)), np.ones(len(LAMBDAS))
    shared = 0
    while a < a_end and b < b_end:
        if tokens[a] < tokens[b]:
            a += 1
        elif tokens[a] > tokens[b]:
            b += 1
        else:
            odds_a = 1.0 / np.expm1(size_b * frequency[tokens[a]])
            odds_b = 1.0 / np.expm1(size_a * frequency[tokens[a]])
            for k in range(len(LAMBDAS)):
                product_a[k] *= 1.0 + LAMBDAS[k] * odds_a
                product_b[k] *= 1.0 + LAMBDAS[k] * odds_b
                if max(product_a[k], product_b[k]) > GREATEST:
                    logs_a[k] += np.log(product_a[k])
                    logs_b[k] += np.log(product_b[k])
                    product_a[k] = product_b[k] = 1.0
            shared += 1
            a += 1
            b += 1
    logs_a += np.log(product_a)
    logs_b += np.log(product_b)
    return float(np.log(0.5 * (_mean_ratio(logs_a, size_a - shared) + _mean_ratio(logs_b, size_b - shared))))


@njit(cache=True, nogil=True, parallel=True)
def pair_weights(left: Indices, right: Indices, indptr: Ints, tokens: Indices, frequency: Floats) -> Floats:
    """Match weight of each pair in one channel, in nats; NaN where a row of the pair holds no token (abstention).

    `frequency` is each token's popularity f_t. For a direction i given j: product over shared tokens of
    1 + lambda (1 - p) / p with p = 1 - exp(-|S_j| f_t), times (1 - lambda) per token of i that j lacks; the weight is
    ln of the mean over both directions and the copying rates. Never below ln 1/2.
    """
    out = np.empty(len(left), dtype=np.float64)
    for at in prange(len(left)):
        out[at] = _pair_weight(left[at], right[at], indptr, tokens, frequency)
    return out


@njit(cache=True, nogil=True)
def pair_weights_in_groups(
    left: Indices, right: Indices, pairs: Ints, pair_ends: Ints, members: Ints, member_ends: Ints,
    indptr: Ints, tokens: Indices, holders: Ints,
) -> Floats:  # fmt: skip
    """The same with a popularity that leaves out the pair's own group, to which both rows belong.

    Group g has the pairs `pairs[pair_ends[g]:pair_ends[g + 1]]` (places in `left`) and the rows
    `members[member_ends[g]:member_ends[g + 1]]`; `holders` counts the rows that hold each token.
    """
    out = np.empty(len(left), dtype=np.float64)
    inside = np.zeros(len(holders), dtype=np.int64)
    frequency = np.empty(len(holders), dtype=np.float64)
    total = holders.sum()
    for group in range(len(pair_ends) - 1):
        rows = members[member_ends[group] : member_ends[group + 1]]
        beyond = total
        for row in rows:
            beyond -= indptr[row + 1] - indptr[row]
            for at in range(indptr[row], indptr[row + 1]):
                inside[tokens[at]] += 1
        for row in rows:
            for at in range(indptr[row], indptr[row + 1]):
                token = tokens[at]
                frequency[token] = max(holders[token] - inside[token], 0.5) / max(float(beyond), 1.0)
        for at in range(pair_ends[group], pair_ends[group + 1]):
            pair = pairs[at]
            out[pair] = _pair_weight(left[pair], right[pair], indptr, tokens, frequency)
        for row in rows:
            for at in range(indptr[row], indptr[row + 1]):
                inside[tokens[at]] = 0
    return out


EXCESS = 1.5
"""Nats by which a token's count in a group must exceed chance to enter a profile that later members are scored with."""


@njit(cache=True, nogil=True, inline="always")
def excess(count: float, expected: float) -> float:
    """Chernoff exponent of a Poisson count at least this large: k ln(k / m) - (k - m), 0 where k <= m."""
    if count <= expected:
        return 0.0
    return float(count * np.log(count / max(expected, 1e-12)) - (count - expected))


@njit(cache=True, nogil=True)
def profile_of(
    rows: Indices,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    frequency: Floats,
    mean_sizes: Floats,
    most: int,
    counts: Indices,
) -> tuple[Indices, Floats]:
    """The tokens in which these rows are enriched, and the share of the rows that shows each (one half is added to n).

    A token enters when two rows show it (one, while there are fewer than four) and its share is at least twice what a
    row of average size would show by chance; of each channel the `most` strongest by share x ln(share / chance) stay.
    `counts` is a zeroed scratch array over tokens and is left zeroed.
    """
    held = 0
    for row in rows:
        held += indptr[row + 1] - indptr[row]
    seen = np.empty(held, dtype=np.int32)
    distinct = 0
    for row in rows:
        for at in range(indptr[row], indptr[row + 1]):
            token = tokens[at]
            if counts[token] == 0:
                seen[distinct] = token
                distinct += 1
            counts[token] += 1
    least = 1 if len(rows) < 4 else 2
    profile = np.empty(distinct, dtype=np.int32)
    typical = np.empty(distinct, dtype=np.float64)
    strength = np.empty(distinct, dtype=np.float64)
    kept = 0
    for at in range(distinct):
        token = seen[at]
        share = counts[token] / (len(rows) + 0.5)
        chance = -np.expm1(-mean_sizes[channel_of[token]] * frequency[token])
        if (
            counts[token] >= least
            and share >= 2.0 * chance
            and (len(rows) < 4 or excess(counts[token], len(rows) * chance) >= EXCESS)
        ):
            profile[kept], typical[kept] = token, share
            strength[kept] = share * np.log(share / chance)
            kept += 1
        counts[token] = 0
    order = np.argsort(profile[:kept])
    order = order[np.argsort(-strength[:kept][order], kind="mergesort")]
    taken = np.zeros(len(mean_sizes), dtype=np.int64)
    chosen = np.empty(kept, dtype=np.int64)
    n_chosen = 0
    for at in order:
        place = channel_of[profile[at]]
        if taken[place] < most:
            taken[place] += 1
            chosen[n_chosen] = at
            n_chosen += 1
    return profile[chosen[:n_chosen]], typical[chosen[:n_chosen]]


@njit(cache=True, nogil=True)
def score_rows(
    profile: Indices,
    typical: Floats,
    holder_indptr: Ints,
    holders: Indices,
    channel_of: Indices,
    frequency: Floats,
    sizes: Ints,
    position: Ints,
    touched: Indices,
    scores: Floats,
) -> int:
    """Likelihood ratios of every row that holds a profile token, against the same profile: how many rows there are.

    Fills `touched[:m]` with the rows and `scores[:m, channel, kappa]`; `position` (all -1) maps a row to its place. A
    token has background p = 1 - exp(-|S_i| f_t) in row i of its channel and a member shows it with probability
    p + (1 - p) kappa a: ratio 1 + kappa a (1 - p) / p where present, 1 - kappa a where absent. The constant product of
    1 - kappa a over the channel's profile is left out: it is `baseline`. Every factor is at least 1; products stop at
    `GREATEST`, beyond which a score is bounded in any case.
    """
    n_channels, n_kappas = sizes.shape[0], len(KAPPAS)
    shares = np.empty(n_kappas)
    found = 0
    for at in range(len(profile)):
        token = profile[at]
        place = channel_of[token]
        for k in range(n_kappas):
            shares[k] = min(KAPPAS[k] * typical[at], MOST_TYPICAL)
        for held in range(holder_indptr[token], holder_indptr[token + 1]):
            row = holders[held]
            if position[row] < 0:
                position[row] = found
                touched[found] = row
                for c in range(n_channels):
                    for k in range(n_kappas):
                        scores[found, c, k] = 1.0
                found += 1
            odds = 1.0 / np.expm1(sizes[place, row] * frequency[token])
            for k in range(n_kappas):
                product = scores[position[row], place, k] * ((1.0 + shares[k] * odds) / (1.0 - shares[k]))
                scores[position[row], place, k] = min(product, GREATEST)
    return found


@njit(cache=True, nogil=True)
def baseline(profile: Indices, typical: Floats, channel_of: Indices, n_channels: int) -> Floats:
    """Likelihood ratio, per channel and kappa, of a row that holds no token of the profile."""
    out = np.ones((n_channels, len(KAPPAS)))
    for at in range(len(profile)):
        for k in range(len(KAPPAS)):
            out[channel_of[profile[at]], k] *= 1.0 - min(KAPPAS[k] * typical[at], MOST_TYPICAL)
    return out


@njit(cache=True, nogil=True, inline="always")
def bounded_score(base: Floats, ratios: Floats, bound: float) -> float:
    """g = L / (L + bound), where L is the mean of base x ratio over channels and kappa, kappa = 0 included as 1."""
    total = 0.0
    for c in range(base.shape[0]):
        total += 1.0
        for k in range(base.shape[1]):
            total += min(base[c, k] * ratios[c, k], GREATEST)
    ratio = total / (base.shape[0] * (base.shape[1] + 1))
    return float(ratio / (ratio + bound))


@njit(cache=True, nogil=True)
def prequential(
    members: Indices,
    ends: Ints,
    etas: Floats,
    most: int,
    bound: float,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    frequency: Floats,
    mean_sizes: Floats,
    sizes: Ints,
    holder_indptr: Ints,
    holders: Indices,
    strata: Indices,
    stratum_sizes: Ints,
) -> Floats:
    """ln of the product over tested members of (1 - eta) + eta R_i, for each eta, for one order of the members.

    `members` in their random order; `ends` are the batches' ends. The first batch only teaches. R_i is g(S_i) over the
    mean of g in i's stratum among rows that no earlier batch used, fixed at the batch's start.
    """
    n_rows = len(indptr) - 1
    counts = np.zeros(len(channel_of), dtype=np.int32)
    position = np.full(n_rows, -1, dtype=np.int64)
    touched = np.empty(n_rows, dtype=np.int32)
    scores = np.empty((n_rows, sizes.shape[0], len(KAPPAS)))
    sums = np.zeros(len(stratum_sizes))
    used = np.zeros(len(stratum_sizes), dtype=np.int64)
    unheld = np.ones((sizes.shape[0], len(KAPPAS)))
    out = np.zeros(len(etas))
    for batch in range(1, len(ends)):
        start, end = ends[batch - 1], ends[batch]
        for at in range(0 if batch == 1 else ends[batch - 2], start):
            used[strata[members[at]]] += 1
        profile, typical = profile_of(members[:start], indptr, tokens, channel_of, frequency, mean_sizes, most, counts)
        if len(profile) == 0:
            continue
        base = baseline(profile, typical, channel_of, sizes.shape[0])
        g_base = bounded_score(base, unheld, bound)
        found = score_rows(
            profile, typical, holder_indptr, holders, channel_of, frequency, sizes, position, touched, scores
        )
        g = np.empty(found)
        sums[:] = g_base * (stratum_sizes - used)
        for at in range(found):
            g[at] = bounded_score(base, scores[at], bound)
            sums[strata[touched[at]]] += g[at] - g_base
        for at in range(start):
            place = position[members[at]]
            if place >= 0:
                sums[strata[members[at]]] -= g[place] - g_base
        for at in range(start, end):
            row = members[at]
            own = g[position[row]] if position[row] >= 0 else g_base
            ratio = own * (stratum_sizes[strata[row]] - used[strata[row]]) / sums[strata[row]]
            for e in range(len(etas)):
                out[e] += np.log1p(etas[e] * (ratio - 1.0))
        for at in range(found):
            position[touched[at]] = -1
    return out
