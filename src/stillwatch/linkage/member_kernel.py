"""The loops of membership: in which tokens a group is enriched, and how well each row fits them. They release the
GIL."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.linkage.incidence import Floats, Indices, Ints
from stillwatch.linkage.kernels import KAPPAS, MOST_TYPICAL, excess

LEAST_SHARE = 0.02
"""Share of the group from which a token is worth asking about."""


@njit(cache=True, nogil=True)
def enriched_tokens(
    inside: NDArray[np.bool_],
    weight: Floats,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    frequency: Floats,
    sizes: Ints,
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Which tokens the group shows beyond chance, each token's mass in it, and the group's mass in each channel.

    A token counts where two members show it, twice as often as chance, and by more than the channel's vocabulary
    allows by accident.
    """
    n_channels, n_rows = sizes.shape[0], sizes.shape[1]
    mass = np.zeros(len(channel_of))
    counts = np.zeros(len(channel_of), dtype=np.int64)
    group, own_sizes, vocabulary = np.zeros(n_channels), np.zeros(n_channels), np.zeros(n_channels)
    for row in range(n_rows):
        if inside[row]:
            for c in range(n_channels):
                own_sizes[c] += weight[row] * sizes[c, row]
                if sizes[c, row] > 0:
                    group[c] += weight[row]
            for at in range(indptr[row], indptr[row + 1]):
                mass[tokens[at]] += weight[row]
                counts[tokens[at]] += 1
    for c in range(n_channels):
        own_sizes[c] /= max(group[c], 1.0)
    for token in range(len(channel_of)):
        vocabulary[channel_of[token]] += 1.0
    enriched = np.zeros(len(channel_of), dtype=np.bool_)
    for token in range(len(channel_of)):
        if counts[token] >= 2:
            c = channel_of[token]
            chance = -np.expm1(-own_sizes[c] * frequency[token])
            share = mass[token] / (group[c] + 0.5)
            surprise = excess(counts[token], group[c] * chance)
            enriched[token] = share >= 2.0 * chance and share >= LEAST_SHARE and surprise >= np.log(vocabulary[c]) + 2.0
    return enriched, mass, group


@njit(cache=True, nogil=True)
def member_log_ratios(
    rows: Indices,
    inside: NDArray[np.bool_],
    weight: Floats,
    indptr: Ints,
    tokens: Indices,
    channel_of: Indices,
    frequency: Floats,
    sizes: Ints,
) -> Floats:
    """Log-likelihood ratio of each of `rows` for membership in one family: ln of the mean over channels and kappa.

    `inside` marks the group over all rows and `weight` its members' probabilities; a member's own row is left out of
    the shares that it is compared with. `frequency` is the popularity outside the group. A channel in which the row
    or the group shows nothing abstains; with no channel left the ratio is 0.
    """
    enriched, mass, group = enriched_tokens(inside, weight, indptr, tokens, channel_of, frequency, sizes)
    n_channels = sizes.shape[0]
    base = np.zeros((n_channels, len(KAPPAS)))
    for token in range(len(channel_of)):
        if enriched[token]:
            c = channel_of[token]
            for k in range(len(KAPPAS)):
                base[c, k] += np.log1p(-min(KAPPAS[k] * mass[token] / (group[c] + 0.5), MOST_TYPICAL))
    out = np.zeros(len(rows))
    logs = np.empty((n_channels, len(KAPPAS)))
    for place in range(len(rows)):
        row = rows[place]
        own = weight[row] if inside[row] else 0.0
        logs[:] = base
        for at in range(indptr[row], indptr[row + 1]):
            token = tokens[at]
            if enriched[token]:
                c = channel_of[token]
                full = mass[token] / (group[c] + 0.5)
                share = max(mass[token] - own, 0.0) / (max(group[c] - own, 0.0) + 0.5)
                odds = 1.0 / np.expm1(sizes[c, row] * frequency[token])
                for k in range(len(KAPPAS)):
                    shown = min(KAPPAS[k] * share, MOST_TYPICAL)
                    logs[c, k] += np.log1p(shown * odds) - np.log1p(-min(KAPPAS[k] * full, MOST_TYPICAL))
        total, voices = 0.0, 0
        for c in range(n_channels):
            if sizes[c, row] > 0 and group[c] > 0:
                voices += 1
                total += 1.0
                for k in range(len(KAPPAS)):
                    total += np.exp(min(logs[c, k], 300.0))
        if voices:
            out[place] = np.log(total / (voices * (len(KAPPAS) + 1)))
    return out
