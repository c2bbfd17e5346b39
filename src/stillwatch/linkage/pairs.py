"""Blocking and match weights: which pairs of entities are worth a look, and how strongly each family speaks for them.

Match weights rank candidates. They carry no guarantee: tokens inside a row depend on each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.incidence import FAMILY_BIT, Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.kernels import nominate, pair_weights, pair_weights_in_groups
from stillwatch.records import Family

PARTNERS = 6
"""Partners that each holder of a token names, beyond which a token does not give all its pairs."""

MOST_COMMON = 0.25
"""A token that more than this share of the entities holds nominates nobody."""


@dataclass(frozen=True)
class Pairs:
    """Nominated pairs, left < right, in ascending order.

    `nominated_by[p]` is a bit set over `combinations`: which sets of families (bit sets of `FAMILY_BIT`) nominated it.
    A pair may be used for a left-out family only through a combination that does not touch it.
    """

    left: Indices
    right: Indices
    nominated_by: Ints
    combinations: tuple[int, ...]

    def without(self, left_out: frozenset[Family]) -> NDArray[np.bool_]:
        """Which pairs stand without any token of these families, compounds included."""
        banned = sum(FAMILY_BIT[family] for family in left_out)
        allowed = sum(1 << place for place, bits in enumerate(self.combinations) if not bits & banned)
        return np.asarray((self.nominated_by & allowed) != 0)


def nominated_pairs(incidence: Incidence, seed: int) -> Pairs:
    """Every pair that some channel or compound nominates, at a cost linear in the tokens held."""
    combinations = tuple(sorted({c.bits for c in incidence.channels}))
    most = max(int(MOST_COMMON * incidence.n), 2)
    keys = np.zeros(0, dtype=np.int64)
    marks = np.zeros(0, dtype=np.int64)
    for channel in incidence.channels:
        indptr, rows = channel.holders()
        found = np.unique(nominate(indptr, rows, incidence.keys, PARTNERS, 2, most, np.uint64(seed)))
        mark = np.full(len(found), 1 << combinations.index(channel.bits), dtype=np.int64)
        keys, marks = _merged(keys, marks, found, mark)
    left, right = np.divmod(keys, max(incidence.n, 1))
    linkable = incidence.linkable()
    kept = linkable[left] & linkable[right]
    left, right, marks = left[kept], right[kept], marks[kept]
    return Pairs(left.astype(np.int32), right.astype(np.int32), marks, combinations)


def _merged(keys: Ints, marks: Ints, new_keys: Ints, new_marks: Ints) -> tuple[Ints, Ints]:
    """Union of two sorted key lists, marks joined by OR."""
    joined = np.concatenate([keys, new_keys])
    order = np.argsort(joined, kind="stable")
    joined = joined[order]
    first = np.flatnonzero(np.concatenate([[True], joined[1:] != joined[:-1]])) if len(joined) else joined
    if len(joined) == 0:
        return joined, marks
    return joined[first], np.bitwise_or.reduceat(np.concatenate([marks, new_marks])[order], first)


def popularity(channel: Channel) -> Floats:
    """f_t over all rows but one: max(df_t - 1, 1/2) / sum of df."""
    df = channel.document_frequency
    return np.asarray(np.maximum(df - 1, 0.5) / max(float(df.sum()), 1.0))


def family_weights(
    incidence: Incidence, left: Indices, right: Indices, families: tuple[Family, ...], groups: Indices | None = None
) -> Floats:
    """Match weight of each pair in each family, in nats, shape (pairs, families).

    Within a family the channels' likelihood ratios are averaged (which costs at most ln of their number); a channel in
    which either row is empty abstains, and a family in which all abstain weighs 0. With `groups`, a label a row, the
    popularity of a pair's tokens leaves out the pair's own group; every pair must lie within one group.
    """
    out = np.zeros((len(left), len(families)))
    for place, family in enumerate(families):
        total = np.zeros(len(left))
        voices = np.zeros(len(left))
        for channel in incidence.scored(family):
            weight = _channel_weights(channel, left, right, groups)
            spoken = ~np.isnan(weight)
            total[spoken] += np.exp(np.minimum(weight[spoken], 500.0))
            voices += spoken
        heard = voices > 0
        out[heard, place] = np.log(total[heard] / voices[heard])
    return out


def _channel_weights(channel: Channel, left: Indices, right: Indices, groups: Indices | None) -> Floats:
    if groups is None:
        return pair_weights(left, right, channel.indptr, channel.tokens, popularity(channel))
    owner = groups[left]
    pairs, rows = np.argsort(owner, kind="stable"), np.argsort(groups, kind="stable")
    labels, starts = np.unique(owner[pairs], return_index=True)
    first, last = (np.searchsorted(groups[rows], labels, side=side) for side in ("left", "right"))
    member_ends = np.concatenate([[0], np.cumsum(last - first)])
    members = rows[np.repeat(first - member_ends[:-1], last - first) + np.arange(member_ends[-1])]
    return np.asarray(
        pair_weights_in_groups(
            left, right, pairs, np.append(starts, len(pairs)), members, member_ends, channel.indptr, channel.tokens,
            channel.document_frequency,
        )
    )  # fmt: skip


def total_weight(weights: Floats, families: tuple[Family, ...], left_out: frozenset[Family]) -> Floats:
    """Summed weight over the families that are not left out. Content and work count once: the stronger of the two."""
    total = np.zeros(len(weights))
    one_text = [place for place, f in enumerate(families) if f in (Family.CONTENT, Family.WORK) and f not in left_out]
    if one_text:
        total += weights[:, one_text].max(axis=1)
    for place, family in enumerate(families):
        if family not in left_out and family not in (Family.CONTENT, Family.WORK):
            total += weights[:, place]
    return total
