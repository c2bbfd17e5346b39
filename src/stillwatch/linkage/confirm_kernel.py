"""The loops of confirmation: the profile of some members, how well rows fit it, and the product that is the e-value.

A row is compared with rows of its own stratum only, so only those are scored, by rows or by tokens, whichever are
fewer. All release the GIL.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.linkage.kernels import GREATEST, KAPPAS, MOST_TYPICAL, excess, mix

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

EXCESS = 1.5
"""Nats by which a token's count in a group must exceed chance to enter a profile that later members are scored with."""

BATCHES = np.array([0.15, 0.1, 0.1, 0.15, 0.15, 0.15, 0.2])
"""Shares of the members that each batch takes. Many batches, since a group of twenty has few to learn from."""

ETAS = np.array([0.03, 0.1, 0.3, 0.7, 0.95])
ORDERS = 8
"""Random orders of the members that an e-value is the mean of: which member teaches and which is tested is luck."""

NO_WEIGHT = np.array([0.0, 1.0, 1.5, 2.0]) - 1e-9
"""ln e after the first orders, under which further ones are not asked: none so weak was discovered in trials. A hair
less than round numbers, since a group of which nothing is shown has exactly 0."""

ENOUGH = 40.0
"""ln e after two orders from which further ones are not asked: far above what any number of candidates asks for."""

HOPELESS = -0.05
"""ln of the product so far, the mean over the betting fractions, once half of the members are tested, under which an
order is not played on. To stop a bet by what has come of it so far keeps the mean of what it ends with at most 1."""

PROFILE = 40
"""Profile tokens kept of each channel, the strongest first."""


@njit(cache=True, nogil=True)
def batch_ends(members: int) -> Ints:
    """Where each batch ends: at least one member in each as long as there are enough."""
    ends = np.empty(len(BATCHES), dtype=np.int64)
    share = 0.0
    for at in range(len(BATCHES)):
        share += BATCHES[at]
        ends[at] = min(max(int(np.ceil(share * members - 1e-9)), at + 1), members)
    return ends


@njit(cache=True, nogil=True)
def shuffled(keys: Hashes, seed: int) -> Ints:
    """A random order of these keys, the same on every machine: by their hashes with the seed."""
    salt = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    hashes = np.empty(len(keys), dtype=np.uint64)
    for at in range(len(keys)):
        hashes[at] = mix(keys[at] ^ salt)
    return np.argsort(hashes, kind="mergesort")


@njit(cache=True, nogil=True)
def background_odds(rows: Indices, tokens: Indices, channel_of: Indices, sizes: Ints, frequency: Floats) -> Floats:
    """(1 - p) / p of each (row, token), with p = 1 - exp(-|S_i| f_t), |S_i| the row's size in the token's channel."""
    out = np.empty(len(tokens))
    for at in range(len(tokens)):
        out[at] = 1.0 / np.expm1(sizes[channel_of[tokens[at]], rows[at]] * frequency[tokens[at]])
    return out


@njit(cache=True, nogil=True)
def background_chance(channel_of: Indices, mean_sizes: Floats, frequency: Floats) -> Floats:
    """The probability that a row of average size shows each token. Scalar arithmetic, so that equal tokens have equal
    chances on every machine: ties are settled by the token."""
    out = np.empty(len(frequency))
    for token in range(len(frequency)):
        out[token] = -np.expm1(-mean_sizes[channel_of[token]] * frequency[token])
    return out


@njit(cache=True, nogil=True)
def profile_of(
    rows: Indices, indptr: Ints, tokens: Indices, channel_of: Indices, chance: Floats, n_channels: int, most: int,
    counts: Indices,
) -> tuple[Indices, Floats]:  # fmt: skip
    """The tokens in which these rows are enriched, and the share of the rows that shows each (one half is added to n).

    `chance[t]` is the probability that a row of average size shows token t. A token enters when two rows show it (one,
    while there are fewer than four) and its share is at least twice its chance; of each channel the `most` strongest by
    share x ln(share / chance) stay. `counts` is a zeroed scratch array over tokens and is left zeroed.
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
        if (
            counts[token] >= least
            and share >= 2.0 * chance[token]
            and (len(rows) < 4 or excess(counts[token], len(rows) * chance[token]) >= EXCESS)
        ):
            profile[kept], typical[kept] = token, share
            strength[kept] = share * np.log(share / chance[token])
            kept += 1
        counts[token] = 0
    order = np.argsort(profile[:kept])
    order = order[np.argsort(-strength[:kept][order], kind="mergesort")]
    taken = np.zeros(n_channels, dtype=np.int64)
    chosen = np.empty(kept, dtype=np.int64)
    n_chosen = 0
    for at in order:
        place = channel_of[profile[at]]
        if taken[place] < most:
            taken[place] += 1
            chosen[n_chosen] = at
            n_chosen += 1
    return profile[chosen[:n_chosen]], typical[chosen[:n_chosen]]


@njit(cache=True, nogil=True, inline="always")
def _bounded(ratios: Floats, bound: float) -> float:
    """g = L / (L + bound), where L is the mean of the ratios over channels and kappa, kappa = 0 included as 1."""
    total = float(ratios.shape[0])
    for c in range(ratios.shape[0]):
        for k in range(ratios.shape[1]):
            total += ratios[c, k]
    ratio = total / (ratios.shape[0] * (ratios.shape[1] + 1))
    return float(ratio / (ratio + bound))


@njit(cache=True, nogil=True, inline="always")
def _fit(ratios: Floats, shown: Floats, odds: float) -> None:
    """Multiply a row's ratios, one a kappa, by those of one token of the profile that the row holds.

    The token has background p = 1 - exp(-|S_i| f_t) in row i of its channel and a member shows it with probability
    p + (1 - p) s, s = kappa a: ratio 1 + s (1 - p) / p where present, 1 - s where absent, which stands in the ratios
    already. `odds` is (1 - p) / p; `shown` holds s / (1 - s) for each kappa.
    """
    for k in range(len(shown)):
        ratios[k] = min(ratios[k] * (1.0 + shown[k] * (1.0 + odds)), GREATEST)


@njit(cache=True, nogil=True)
def _pool(
    rows: Indices, left: Indices, most: int, strata: Indices, stratum_indptr: Ints, stratum_rows: Indices, rank: Ints,
    used: NDArray[np.bool_], asked: NDArray[np.bool_],
) -> tuple[Indices, Ints]:  # fmt: skip
    """The rows that these rows are compared with, themselves included, and their distinct strata.

    Of each stratum the first `most` in its order, and those of the group's members that are `left`, without the used
    ones. `asked` is scratch over strata, all false.
    """
    wanted = np.empty(len(rows), dtype=np.int64)
    count, size = 0, len(left)
    for row in rows:
        stratum = strata[row]
        if not asked[stratum]:
            asked[stratum] = True
            wanted[count] = stratum
            count += 1
            size += min(stratum_indptr[stratum + 1] - stratum_indptr[stratum], most)
    pool = np.empty(size, dtype=np.int32)
    size = 0
    for stratum in wanted[:count]:
        start = stratum_indptr[stratum]
        for row in stratum_rows[start : min(start + most, stratum_indptr[stratum + 1])]:
            if not used[row]:
                pool[size] = row
                size += 1
    for row in left:
        if asked[strata[row]] and rank[row] >= most:
            pool[size] = row
            size += 1
    asked[wanted[:count]] = False
    return pool[:size], wanted[:count]


@njit(cache=True, nogil=True)
def _score_rows(
    pool: Indices, indptr: Ints, tokens: Indices, channel_of: Indices, odds: Floats, slot: Indices, shown: Floats,
    base: Floats, bound: float, scores: Floats,
) -> None:  # fmt: skip
    """g of each row of the pool, row by row: cheap where the pool is small."""
    nobody = _bounded(base, bound)
    ratios = np.empty(base.shape)
    for row in pool:
        met = False
        for at in range(indptr[row], indptr[row + 1]):
            place = slot[tokens[at]]
            if place >= 0:
                if not met:
                    ratios[:, :] = base
                    met = True
                _fit(ratios[channel_of[tokens[at]]], shown[place], odds[at])
        scores[row] = _bounded(ratios, bound) if met else nobody


@njit(cache=True, nogil=True)
def _score_holders(
    pool: Indices, profile: Indices, holder_indptr: Ints, holders: Indices, channel_of: Indices,
    holder_odds: Floats, shown: Floats, base: Floats, bound: float, position: Indices, scores: Floats,
) -> None:  # fmt: skip
    """The same, token by token: cheap where the profile is of rare tokens. `position` is scratch over rows, all -1."""
    nobody = _bounded(base, bound)
    scores[pool] = nobody
    position[pool] = -2
    touched = np.empty(len(pool), dtype=np.int32)
    ratios = np.empty((len(pool), base.shape[0], base.shape[1]))
    found = 0
    for place in range(len(profile)):
        token = profile[place]
        for at in range(holder_indptr[token], holder_indptr[token + 1]):
            row = holders[at]
            if position[row] == -1:
                continue
            if position[row] < 0:
                position[row] = found
                touched[found] = row
                ratios[found] = base
                found += 1
            _fit(ratios[position[row], channel_of[token]], shown[place], holder_odds[at])
    for at in range(found):
        scores[touched[at]] = _bounded(ratios[at], bound)
    position[pool] = -1


@njit(cache=True, nogil=True)
def _learn(profile: Indices, typical: Floats, channel_of: Indices, slot: Indices, shown: Floats, base: Floats) -> None:
    """Give each profile token its place in `shown`, (token, kappa), and fill `base`, (channel, kappa)."""
    base[:, :] = 1.0
    for at in range(len(profile)):
        slot[profile[at]] = at
        for k in range(len(KAPPAS)):
            share = min(KAPPAS[k] * typical[at], MOST_TYPICAL)
            shown[at, k] = share / (1.0 - share)
            base[channel_of[profile[at]], k] *= 1.0 - share


@njit(cache=True, nogil=True)
def _log_mean_exp(logs: Floats, count: int) -> float:
    """ln of the mean of exp over a matrix whose first `count` rows are given; the others count as zeros."""
    top = -np.inf
    for at in range(count):
        for e in range(logs.shape[1]):
            top = max(top, logs[at, e])
    total = 0.0
    for at in range(count):
        for e in range(logs.shape[1]):
            total += np.exp(logs[at, e] - top)
    return float(np.log(total / logs.size) + top)


@njit(cache=True, nogil=True)
def prequential(
    members: Indices, ends: Ints, bound: float, most: int,
    indptr: Ints, tokens: Indices, channel_of: Indices, chance: Floats, odds: Floats, n_channels: int,
    holder_indptr: Ints, holders: Indices, holder_odds: Floats,
    strata: Indices, stratum_indptr: Ints, stratum_rows: Indices, rank: Ints, row_cost: Floats,
    counts: Indices, slot: Indices, used: NDArray[np.bool_], position: Indices, scores: Floats,
) -> Floats:  # fmt: skip
    """ln of the product over tested members of (1 - eta) + eta R_i, for each eta, for one order of the members.

    `members` in their random order; `ends` are the batches' ends. The first batch only teaches. R_i is g(S_i) over the
    mean of g in i's stratum, among its first `most` rows in the order of `stratum_rows` (`rank` is a row's place there)
    and the members, those aside that an earlier batch used. `row_cost` is the mean number of tokens of a row of each
    stratum. Scratch: `counts` zeros and `slot` -1 over tokens; `used` false, `position` -1 and `scores` over rows; all
    but `scores` are left so.
    """
    out = np.zeros(len(ETAS))
    asked = np.zeros(len(row_cost), dtype=np.bool_)
    total, count = np.empty(len(row_cost)), np.empty(len(row_cost))
    shown, base = np.empty((n_channels * PROFILE, len(KAPPAS))), np.empty((n_channels, len(KAPPAS)))
    taught = 0
    for batch in range(1, len(ends)):
        start, end = ends[batch - 1], ends[batch]
        used[members[taught:start]] = True
        taught = start
        profile, typical = profile_of(members[:start], indptr, tokens, channel_of, chance, n_channels, PROFILE, counts)
        if len(profile) == 0:
            continue
        _learn(profile, typical, channel_of, slot, shown, base)
        pool, wanted = _pool(
            members[start:end], members[start:], most, strata, stratum_indptr, stratum_rows, rank, used, asked
        )
        if (holder_indptr[profile + 1] - holder_indptr[profile]).sum() < row_cost[strata[pool]].sum():
            _score_holders(
                pool, profile, holder_indptr, holders, channel_of, holder_odds, shown, base, bound, position, scores
            )
        else:
            _score_rows(pool, indptr, tokens, channel_of, odds, slot, shown, base, bound, scores)
        total[wanted] = 0.0
        count[wanted] = 0.0
        for row in pool:
            total[strata[row]] += scores[row]
            count[strata[row]] += 1.0
        for row in members[start:end]:
            ratio = scores[row] * count[strata[row]] / total[strata[row]]
            for e in range(len(ETAS)):
                out[e] += np.log1p(ETAS[e] * (ratio - 1.0))
        slot[profile] = -1
        half_tested = 2 * (end - ends[0]) >= len(members) - ends[0]
        if half_tested and _log_mean_exp(out.reshape(1, -1), 1) < HOPELESS:
            break
    used[members] = False
    return out


@njit(cache=True, nogil=True)
def group_log_e(
    rows: Indices, row_ends: Ints, keys: Hashes, seed: int, screened: int, compared: int,
    indptr: Ints, tokens: Indices, channel_of: Indices, chance: Floats, odds: Floats, n_channels: int,
    holder_indptr: Ints, holders: Indices, holder_odds: Floats,
    strata: Indices, stratum_indptr: Ints, stratum_rows: Indices, rank: Ints, row_cost: Floats,
    counts: Indices, slot: Indices, used: NDArray[np.bool_], position: Indices, scores: Floats,
) -> Floats:  # fmt: skip
    """ln of the e-value of each group: the mean over orders and betting fractions of the prequential product.

    Group g has the rows `rows[row_ends[g]:row_ends[g + 1]]`. In the first order members are compared with so many
    `screened` rows of a stratum, in the others with so many `compared` ones. Where the first orders say too little, or
    more than enough, the others count as zeros: the answer is then below the e-value, never above. The last five are
    scratch: see `prequential`.
    """
    out = np.empty(len(row_ends) - 1)
    logs = np.empty((ORDERS, len(ETAS)))
    for group in range(len(row_ends) - 1):
        members = rows[row_ends[group] : row_ends[group + 1]]
        ends = batch_ends(len(members))
        asked = 0
        for order in range(ORDERS):
            if asked:
                value = _log_mean_exp(logs[:asked], asked)
                if value < NO_WEIGHT[min(asked, len(NO_WEIGHT)) - 1] or (asked >= 2 and value >= ENOUGH):
                    break
            logs[order] = prequential(
                members[shuffled(keys[members], seed + order)], ends, len(keys) / len(members),
                compared if order else screened,
                indptr, tokens, channel_of, chance, odds, n_channels, holder_indptr, holders, holder_odds,
                strata, stratum_indptr, stratum_rows, rank, row_cost, counts, slot, used, position, scores,
            )  # fmt: skip
            asked += 1
        out[group] = _log_mean_exp(logs, asked)
    return out
