"""Work: do the members of a group draw their material from one source, or does each bring its own data?

Model-based: reported beside the exact families, kept outside their union. Catches a common pool of seeds dealt out to
many accounts. Evaded by dealing each account one topic of its own, which costs the operator a topic model and makes
each account's coverage narrow.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.incidence import Floats, Ints
from stillwatch.stats import dirichlet_multinomial

TOPICS = 8
ONE_SOURCE = 12.0
OWN_DATA = 0.8
"""Concentrations of an account's topic mix around the group's: dealt from one pool, or owned."""

SAMPLE = 20_000
ROUNDS = 25
LEAST_EXCHANGES = 4


def one_source_log_bayes_factor(owner: Ints, simhash: NDArray[np.uint16]) -> tuple[float, int]:
    """ln Bayes factor of one source against own data, and over how many accounts it was taken.

    `owner` names the account of each shared exchange, `simhash` its text. Topics are clusters of simhashes; an
    account's counts are compared under Dirichlet-multinomials around the mix of the *other* accounts. Accounts with
    fewer than four shared exchanges abstain; under two accounts the factor is 0.
    """
    order = np.lexsort((simhash, owner))
    owner, simhash = owner[order], simhash[order]
    accounts, place, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    counts = np.zeros((len(accounts), TOPICS))
    np.add.at(counts, (place, topics(simhash)), 1.0)
    counts = counts[sizes >= LEAST_EXCHANGES]
    if len(counts) < 2:
        return 0.0, len(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    total = 0.0
    for own, share in zip(counts, shares, strict=True):
        others = (shares.sum(axis=0) - share + 0.5 / TOPICS) / (len(counts) - 0.5)
        total += dirichlet_multinomial(own, ONE_SOURCE * others) - dirichlet_multinomial(own, OWN_DATA * others)
    return float(total), len(counts)


def topics(simhash: NDArray[np.uint16]) -> Ints:
    """A topic 0..TOPICS-1 for each text: k-means on the bits of its SimHash, started from far-apart texts."""
    distinct, place = np.unique(simhash, return_inverse=True)
    bits = _bits(distinct)
    sample = bits[:: max(len(bits) // SAMPLE, 1)]
    centres = _far_apart(sample)
    for _ in range(ROUNDS):
        nearest = np.argmax(sample @ centres.T - 0.5 * (centres**2).sum(axis=1), axis=1)
        renewed = np.stack(
            [sample[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(len(centres))]
        )
        if np.array_equal(renewed, centres):
            break
        centres = renewed
    return np.asarray(np.argmax(bits @ centres.T - 0.5 * (centres**2).sum(axis=1), axis=1)[place], dtype=np.int64)


def _bits(values: NDArray[np.uint16]) -> Floats:
    """16 columns of -1 and 1."""
    raw = np.unpackbits(values.astype("<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
    return raw.astype(np.float64) * 2.0 - 1.0


def _far_apart(sample: Floats) -> Floats:
    """Start from the sample's mean direction, then take each time the text farthest from those taken."""
    chosen = [int(np.argmax(sample @ sample.mean(axis=0)))]
    distance = ((sample - sample[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(TOPICS, len(sample)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, ((sample - sample[chosen[-1]]) ** 2).sum(axis=1))
    return sample[chosen]
