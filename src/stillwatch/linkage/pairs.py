"""Blocking and match weights: which pairs of entities are worth a look, and how strongly each family speaks for them.

Match weights rank candidates. They carry no guarantee: tokens inside a row depend on each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.incidence import FAMILY_BIT, Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.kernels import nominate
from stillwatch.linkage.weight_kernel import add_ratios, add_ratios_in_groups
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
    named: list[Ints] = []
    for channel in incidence.channels:
        indptr, rows = channel.holders()
        keys = nominate(indptr, rows, incidence.keys, PARTNERS, 2, most, np.uint64(seed))
        named.append(keys * len(combinations) + combinations.index(channel.bits))
    keys, marks = _joined(named, len(combinations))
    left, right = np.divmod(keys, max(incidence.n, 1))
    linkable = incidence.linkable()
    kept = linkable[left] & linkable[right]
    left, right, marks = left[kept], right[kept], marks[kept]
    return Pairs(left.astype(np.int32), right.astype(np.int32), marks, combinations)


def _joined(named: list[Ints], count: int) -> tuple[Ints, Ints]:
    """The distinct keys, ascending, and the bits of the combinations that named each; given is key x count + place."""
    sorted_keys = np.sort(np.concatenate([*named, np.zeros(0, np.int64)]))
    if len(sorted_keys) == 0:
        return sorted_keys, sorted_keys
    keys, combination = np.divmod(sorted_keys, max(count, 1))
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.bitwise_or.reduceat(np.int64(1) << combination, first)


def popularity(channel: Channel) -> Floats:
    """f_t over all rows but one: max(df_t - 1, 1/2) / sum of df."""
    df = channel.document_frequency
    return np.asarray(np.maximum(df - 1, 0.5) / max(float(channel.sizes.sum()), 1.0))


def family_weights(
    incidence: Incidence, left: Indices, right: Indices, families: tuple[Family, ...], groups: Indices | None = None
) -> Floats:
    """Match weight of each pair in each family, in nats, shape (pairs, families).

    Within a family the channels' likelihood ratios are averaged (which costs at most ln of their number); a channel in
    which either row is empty abstains, and a family in which all abstain weighs 0. With `groups`, a label a row, the
    popularity of a pair's tokens leaves out the pair's own group; every pair must lie within one group.
    """
    out = np.zeros((len(left), len(families)), order="F")
    within = None if groups is None else _Within.of(left, groups)
    for place, family in enumerate(families):
        total = np.zeros(len(left))
        voices = np.zeros(len(left), dtype=np.int32)
        for channel in incidence.scored(family):
            if within is None:
                add_ratios(
                    left, right, channel.indptr, channel.tokens, channel.sizes, popularity(channel), total, voices
                )
            else:
                add_ratios_in_groups(
                    left, right, within.pairs, within.pair_ends, within.members, within.member_ends,
                    channel.indptr, channel.tokens, channel.sizes, channel.document_frequency, total, voices,
                )  # fmt: skip
        heard = voices > 0
        out[heard, place] = np.log(total[heard] / voices[heard])
    return out


@dataclass(frozen=True)
class _Within:
    """Pairs and rows by the group that they lie in, for groups with a pair: see `add_ratios_in_groups`."""

    pairs: Ints
    pair_ends: Ints
    members: Ints
    member_ends: Ints

    @classmethod
    def of(cls, left: Indices, groups: Indices) -> "_Within":
        """From each pair's left row and each row's label."""
        owner = groups[left]
        pairs, rows = np.argsort(owner, kind="stable"), np.argsort(groups, kind="stable")
        labels, starts = np.unique(owner[pairs], return_index=True)
        first, last = (np.searchsorted(groups[rows], labels, side=side) for side in ("left", "right"))
        ends = np.concatenate([[0], np.cumsum(last - first)])
        members = rows[np.repeat(first - ends[:-1], last - first) + np.arange(ends[-1])]
        return cls(pairs, np.append(starts, len(pairs)), members, ends)


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
