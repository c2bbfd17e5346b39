"""The loops of membership: in which tokens a group is enriched, and how well each row fits them. They release the
GIL."""

import numpy as np
from numba import njit

from stillwatch.linkage.incidence import Floats, Indices, Ints
from stillwatch.linkage.kernels import GREATEST, KAPPAS, MOST_TYPICAL, excess

LEAST_SHARE = 0.02
"""Share of the group from which a token is worth asking about."""


@njit(cache=True, nogil=True)
def shown_tokens(
    members: Indices, weight: Floats, indptr: Ints, tokens: Indices, slot: Indices
) -> tuple[Indices, Ints, Floats]:
    """The tokens that these rows hold, in how many of the rows, and with what weight: each row has one.

    `slot` is a scratch array over tokens, all -1, and is left so.
    """
    held = 0
    for row in members:
        held += indptr[row + 1] - indptr[row]
    seen = np.empty(held, dtype=np.int32)
    counts, mass = np.zeros(held, dtype=np.int64), np.zeros(held)
    distinct = 0
    for member in range(len(members)):
        for at in range(indptr[members[member]], indptr[members[member] + 1]):
            token = tokens[at]
            if slot[token] < 0:
                slot[token] = distinct
                seen[distinct] = token
                distinct += 1
            counts[slot[token]] += 1
            mass[slot[token]] += weight[member]
    for place in range(distinct):
        slot[seen[place]] = -1
    return seen[:distinct], counts[:distinct], mass[:distinct]


@njit(cache=True, nogil=True)
def enriched_tokens(
    members: Indices,
    weight: Floats,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    sizes: Ints,
    holder_indptr: Ints,
    held: Ints,
    vocabulary: Ints,
    slot: Indices,
) -> tuple[Indices, Floats, Floats, Floats]:
    """Which tokens the members show beyond chance, each member with its weight, each token's mass among them and its
    popularity outside, and the group's mass in each channel.

    A token counts where two members show it, twice as often as chance, and by more than the channel's vocabulary
    allows by accident. `held` and `vocabulary` are the tokens held and the distinct tokens of each channel.
    """
    n_channels = sizes.shape[0]
    group, own_sizes = np.zeros(n_channels), np.zeros(n_channels)
    beyond = held.astype(np.float64)
    for member in range(len(members)):
        row = members[member]
        for c in range(n_channels):
            own_sizes[c] += weight[member] * sizes[c, row]
            beyond[c] -= sizes[c, row]
            if sizes[c, row] > 0:
                group[c] += weight[member]
    for c in range(n_channels):
        own_sizes[c] /= max(group[c], 1.0)
    seen, counts, mass = shown_tokens(members, weight, indptr, tokens, slot)
    frequency = np.empty(len(seen))
    kept = 0
    for place in range(len(seen)):
        if counts[place] < 2:  # most, and what else is known of a token lies far from it
            continue
        token = seen[place]
        c = channel_of[token]
        share = mass[place] / (group[c] + 0.5)
        if share < LEAST_SHARE:
            continue
        outside = holder_indptr[token + 1] - holder_indptr[token] - counts[place]
        popularity = max(outside, 0.5) / max(beyond[c], 1.0)
        chance = -np.expm1(-own_sizes[c] * popularity)
        if share >= 2.0 * chance and excess(counts[place], group[c] * chance) >= np.log(vocabulary[c]) + 2.0:
            seen[kept], mass[kept], frequency[kept] = token, mass[place], popularity
            kept += 1
    return seen[:kept], mass[:kept], frequency[:kept], group


@njit(cache=True, nogil=True)
def with_holders(rows: Indices, enriched: Indices, holder_indptr: Ints, holders: Indices, place: Indices) -> Indices:
    """The rows, none twice, and then all others that hold one of these tokens. `place` is a scratch array over rows,
    all -1, and is left so."""
    most = len(rows)
    for token in enriched:
        most += holder_indptr[token + 1] - holder_indptr[token]
    out = np.empty(most, dtype=np.int32)
    out[: len(rows)] = rows
    place[rows] = 0
    found = len(rows)
    for token in enriched:
        for at in range(holder_indptr[token], holder_indptr[token + 1]):
            if place[holders[at]] < 0:
                place[holders[at]] = 0
                out[found] = holders[at]
                found += 1
    place[out[:found]] = -1
    return out[:found].copy()


@njit(cache=True, nogil=True)
def _held_in(rows: Indices, indptr: Ints) -> int:
    held = 0
    for row in rows:
        held += indptr[row + 1] - indptr[row]
    return held


@njit(cache=True, nogil=True)
def _shown_by_holders(
    rows: Indices, enriched: Indices, holder_indptr: Ints, holders: Indices, place: Indices
) -> tuple[Ints, Indices]:
    """Which of the enriched tokens (their places) each row holds, ascending, as CSR: by a walk over the tokens'
    holders. `place` is a scratch array over rows, all -1, and is left so."""
    ends = np.zeros(len(rows) + 1, dtype=np.int64)
    for at in range(len(rows)):
        place[rows[at]] = at
    for token in enriched:
        for holder in range(holder_indptr[token], holder_indptr[token + 1]):
            if place[holders[holder]] >= 0:
                ends[place[holders[holder]] + 1] += 1
    ends = np.cumsum(ends)
    shown, filled = np.empty(ends[-1], dtype=np.int32), ends[:-1].copy()
    for which in range(len(enriched)):
        for holder in range(holder_indptr[enriched[which]], holder_indptr[enriched[which] + 1]):
            at = place[holders[holder]]
            if at >= 0:
                shown[filled[at]] = which
                filled[at] += 1
    place[rows] = -1
    return ends, shown


@njit(cache=True, nogil=True)
def _shown_by_rows(
    rows: Indices, enriched: Indices, indptr: Ints, tokens: Indices, slot: Indices
) -> tuple[Ints, Indices]:
    """The same by a walk over the rows' tokens. `slot` is a scratch array over tokens, all -1, and is left so."""
    for which in range(len(enriched)):
        slot[enriched[which]] = which
    ends, shown = np.zeros(len(rows) + 1, dtype=np.int64), np.empty(_held_in(rows, indptr), dtype=np.int32)
    found = 0
    for at in range(len(rows)):
        for held in range(indptr[rows[at]], indptr[rows[at] + 1]):
            if slot[tokens[held]] >= 0:
                shown[found] = slot[tokens[held]]
                found += 1
        shown[ends[at] : found].sort()
        ends[at + 1] = found
    slot[enriched] = -1
    return ends, shown[:found]


@njit(cache=True, nogil=True)
def spoken(sizes: Ints) -> Ints:
    """In which channels each row holds a token, as a bit set."""
    out = np.zeros(sizes.shape[1], dtype=np.int64)
    for c in range(sizes.shape[0]):
        for row in range(sizes.shape[1]):
            if sizes[c, row] > 0:
                out[row] |= np.int64(1) << c
    return out


@njit(cache=True, nogil=True, inline="always")
def _mean(logs: Floats, voices: int, group: Floats) -> float:
    """ln of the mean of exp(logs) over the channels that speak and the kappas, kappa = 0 included; 0 without any.

    A channel speaks where the row (the bit set `voices`) and the group hold a token of it.
    """
    total, count = 0.0, 0
    for c in range(logs.shape[0]):
        if (voices >> c) & 1 and group[c] > 0:
            count += 1
            total += 1.0
            for k in range(len(KAPPAS)):
                total += np.exp(min(logs[c, k], 300.0))
    return float(np.log(total / (count * (len(KAPPAS) + 1)))) if count else 0.0


@njit(cache=True, nogil=True)
def member_log_ratios(
    rows: Indices,
    own: Floats,
    enriched: Indices,
    mass: Floats,
    frequency: Floats,
    group: Floats,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    sizes: Ints,
    holder_indptr: Ints,
    holders: Indices,
    voices: Ints,
    place: Indices,
    slot: Indices,
) -> Floats:
    """Log-likelihood ratio of each of `rows` for membership in one family: ln of the mean over channels and kappa.

    `own` is the probability of each row that is a member, 0 of the others; `enriched`, `mass`, `frequency` and `group`
    are the group's profile (`enriched_tokens`). A member's own row is left out of the shares that it is compared with,
    and the group out of popularity. A channel in which the row or the group shows nothing abstains; with no channel
    left the ratio is 0. `voices` is `spoken` of the family. Rows that hold no token of the profile differ by their
    channels only, and their ratio is never above 0. No row is asked about twice; `place` and `slot` are scratch arrays
    over rows and tokens, all -1, and are left so.
    """
    n_channels, n_kappas = sizes.shape[0], len(KAPPAS)
    walked = 0
    for token in enriched:
        walked += holder_indptr[token + 1] - holder_indptr[token]
    if walked <= _held_in(rows, indptr):
        ends, shown = _shown_by_holders(rows, enriched, holder_indptr, holders, place)
    else:
        ends, shown = _shown_by_rows(rows, enriched, indptr, tokens, slot)
    base, absent = np.zeros((n_channels, n_kappas)), np.empty((len(enriched), n_kappas))
    for at in range(len(enriched)):
        full = mass[at] / (group[channel_of[enriched[at]]] + 0.5)
        for k in range(n_kappas):
            absent[at, k] = min(KAPPAS[k] * full, MOST_TYPICAL)
            base[channel_of[enriched[at]], k] += np.log1p(-absent[at, k])
    out = np.empty(len(rows))
    unmet = np.full(1 << n_channels, np.nan)
    logs, products = np.empty((n_channels, n_kappas)), np.empty((n_channels, n_kappas))
    for row in range(len(rows)):
        voice = voices[rows[row]]
        if ends[row] == ends[row + 1]:
            if np.isnan(unmet[voice]):
                unmet[voice] = _mean(base, voice, group)
            out[row] = unmet[voice]
            continue
        logs[:], products[:] = 0.0, 1.0
        for held in range(ends[row], ends[row + 1]):
            at = shown[held]
            c = channel_of[enriched[at]]
            share = max(mass[at] - own[row], 0.0) / (max(group[c] - own[row], 0.0) + 0.5)
            odds = 1.0 / np.expm1(sizes[c, rows[row]] * frequency[at])
            for k in range(n_kappas):
                factor = (1.0 + min(KAPPAS[k] * share, MOST_TYPICAL) * odds) / (1.0 - absent[at, k])
                product = products[c, k] * factor
                if product > GREATEST:
                    logs[c, k] += np.log(product)
                    product = 1.0
                products[c, k] = product
        logs += np.log(products) + base
        out[row] = _mean(logs, voice, group)
    return out
