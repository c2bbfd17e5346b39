"""Confirmation: the family that did not find a group must agree, by an e-value that is exact in finite samples.

H0(C, F): given the strata and all other families, the F-rows of the members of C are exchangeable with everyone
else's. The members come in random batches; each batch is scored with a profile learnt from the earlier ones, and each
score is compared with the mean over the rows of its stratum that no earlier batch used. E[E_F] <= 1 by sampling
without replacement and Maclaurin's inequality, whatever clustering found the group and however tokens depend.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import Candidate
from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.kernels import mix, prequential
from stillwatch.linkage.strata import strata_of
from stillwatch.records import Family
from stillwatch.stats import log_mean_exp

BATCHES = (0.15, 0.1, 0.1, 0.15, 0.15, 0.15, 0.2)
"""Shares of the members that each batch takes. Many batches, since a group of twenty has few to learn from."""

ETAS = np.array([0.03, 0.1, 0.3, 0.7, 0.95])
ORDERS = 8
"""Random orders of the members that an e-value is the mean of: which member teaches and which is tested is luck."""

NO_WEIGHT = (0.0, 1.0, 1.5, 2.0)
"""ln e after the first orders, under which further ones are not asked: none so weak was discovered in trials."""

ENOUGH = 40.0
"""ln e after two orders from which further ones are not asked: far above what any number of candidates asks for."""

THREADS = 2
PROFILE = 40
"""Profile tokens kept of each channel, the strongest first."""


@dataclass(frozen=True)
class FamilyMatrix:
    """One family's channels side by side: token ids of channel c start where those of channel c - 1 end."""

    indptr: Ints
    tokens: Indices
    channel_of: Indices
    frequency: Floats
    sizes: Ints
    mean_sizes: Floats
    holder_indptr: Ints
    holders: Indices


def family_matrix(channels: tuple[Channel, ...], frequencies: tuple[Floats, ...] | None = None) -> FamilyMatrix:
    """Join channels into one matrix. Popularity counts all rows (a permutation within the family leaves it alone)."""
    n = len(channels[0].indptr) - 1
    offsets = np.cumsum([0] + [c.n_tokens for c in channels])
    rows = np.concatenate([np.repeat(np.arange(n), c.sizes()) for c in channels])
    tokens = np.concatenate([c.tokens + offset for c, offset in zip(channels, offsets, strict=False)])
    order = np.argsort(rows, kind="stable")
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
    values = np.concatenate([c.values for c in channels])
    joined = Channel("joined", (channels[0].family,), indptr, tokens[order].astype(np.int32), int(offsets[-1]), values)
    holder_indptr, holders = joined.holders()
    sizes = np.stack([c.sizes() for c in channels])
    given = frequencies or tuple(background(c) for c in channels)
    return FamilyMatrix(
        indptr,
        joined.tokens,
        np.repeat(np.arange(len(channels), dtype=np.int32), [c.n_tokens for c in channels]),
        np.concatenate(given),
        sizes,
        np.array([s[s > 0].mean() if (s > 0).any() else 1.0 for s in sizes]),
        holder_indptr,
        holders,
    )


def background(channel: Channel) -> Floats:
    """Popularity of each token over all rows, the group included: invariant when the family's rows move."""
    df = channel.document_frequency.astype(np.float64)
    return np.asarray(np.maximum(df, 0.5) / max(float(df.sum()), 1.0))


def log_e_values(incidence: Incidence, family: Family, candidates: list[Candidate], seed: int) -> Floats:
    """ln of the e-value of each candidate for one family, the least over the incidence's stratifications.

    Where the first stratification already leaves an e-value of no weight, the others are not asked: what is answered
    never exceeds the first's, so it stays an e-value. Two threads; the answer does not depend on them.
    """
    matrix = family_matrix(incidence.scored(family))
    strata = [strata_of(incidence, family, which) for which in range(max(len(incidence.stratifications), 1))]
    counts = [np.bincount(codes) for codes in strata]

    def least(candidate: Candidate) -> float:
        value = np.inf
        for codes, sizes in zip(strata, counts, strict=True):
            value = min(value, log_e(candidate.rows, incidence.keys, matrix, codes, sizes, seed))
            if value < NO_WEIGHT[-1]:
                break
        return float(value)

    with ThreadPoolExecutor(THREADS) as pool:
        return np.fromiter(pool.map(least, candidates), dtype=np.float64, count=len(candidates))


def log_e(
    rows: Indices, keys: NDArray[np.uint64], matrix: FamilyMatrix, strata: Indices, counts: Ints, seed: int
) -> float:
    """ln of the e-value of one group: the mean over orders and betting fractions of the prequential product.

    Where the first orders say too little, or more than enough, the others count as zeros: the answer is then below the
    e-value, never above.
    """
    ends = batch_ends(len(rows))
    bound = len(keys) / len(rows)
    logs = np.full((ORDERS, len(ETAS)), -np.inf)
    for order in range(ORDERS):
        if order and not _worth_asking(order, float(log_mean_exp(logs[:order]))):
            break
        logs[order] = prequential(
            rows[shuffled(keys[rows], seed + order)], ends, ETAS, PROFILE, bound,
            matrix.indptr, matrix.tokens, matrix.channel_of, matrix.frequency, matrix.mean_sizes, matrix.sizes,
            matrix.holder_indptr, matrix.holders, strata, counts,
        )  # fmt: skip
    return float(log_mean_exp(logs))


def _worth_asking(asked: int, value: float) -> bool:
    """Whether a further order may change what becomes of a candidate whose first orders said this."""
    least = NO_WEIGHT[min(asked, len(NO_WEIGHT)) - 1]
    return least <= value and not (asked >= 2 and value >= ENOUGH)


def batch_ends(members: int) -> Ints:
    """Where each batch ends: at least one member in each as long as there are enough."""
    ends = np.ceil(np.cumsum(BATCHES) * members - 1e-9).astype(np.int64)
    for at in range(len(ends)):
        ends[at] = min(max(int(ends[at]), at + 1), members)
    return ends


def shuffled(keys: NDArray[np.uint64], seed: int) -> Ints:
    """A random order of these keys, the same on every machine: by their hashes with the seed."""
    salt = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    return np.argsort(np.array([mix(key ^ salt) for key in keys], dtype=np.uint64), kind="stable")
