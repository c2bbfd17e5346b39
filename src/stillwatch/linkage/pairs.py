"""Pairs of entities, and their match weights: how strongly each family speaks for them.

Match weights rank candidates. They carry no guarantee: tokens inside a row depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.incidence import FAMILY_BIT, Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.weight_kernel import add_ratios, add_ratios_in_groups
from stillwatch.records import Family

Weights = NDArray[np.float64] | NDArray[np.float32]
"""Of each pair (row) by each family (column), in nats; kept with single precision."""


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

    def chosen(self, places: Ints) -> "Pairs":
        """Those at these places, which ascend."""
        return Pairs(self.left[places], self.right[places], self.nominated_by[places], self.combinations)

    def without(self, left_out: frozenset[Family]) -> NDArray[np.bool_]:
        """Which pairs stand without any token of these families, compounds included."""
        banned = sum(FAMILY_BIT[family] for family in left_out)
        allowed = sum(1 << place for place, bits in enumerate(self.combinations) if not bits & banned)
        return np.asarray((self.nominated_by & allowed) != 0)


def joined(parts: Sequence[Pairs]) -> Pairs:
    """Parts that ascend as one, one part at least."""
    return Pairs(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.nominated_by for part in parts]),
        parts[0].combinations,
    )


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


def total_weight(weights: Weights, families: tuple[Family, ...], left_out: frozenset[Family]) -> Floats:
    """Summed weight over the families that are not left out. Content and work count once: the stronger of the two."""
    total = np.zeros(len(weights))
    one_text = [place for place, f in enumerate(families) if f in (Family.CONTENT, Family.WORK) and f not in left_out]
    if one_text:
        total += weights[:, one_text].max(axis=1)
    for place, family in enumerate(families):
        if family not in left_out and family not in (Family.CONTENT, Family.WORK):
            total += weights[:, place]
    return total
