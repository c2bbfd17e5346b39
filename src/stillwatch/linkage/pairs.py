"""Pairs of entities, and their match weights: how strongly each family speaks for them.

Match weights rank candidates. They carry no guarantee: tokens inside a row depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.incidence import FAMILY_BIT, Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.weight_kernel import Groups, Rows, weigh, weigh_in_groups
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


class Weigher:
    """Match weights of pairs by a set of families.

    Within a family the channels' likelihood ratios are averaged (which costs at most ln of their number); a channel in
    which either row is empty abstains, and a family in which all abstain weighs 0.
    """

    def __init__(self, incidence: Incidence, families: tuple[Family, ...]) -> None:
        self.families = families
        by_family = [incidence.scored(family) for family in families]
        self._channels = [channel for channels in by_family for channel in channels]
        first = np.cumsum([0, *(channel.n_tokens for channel in self._channels)], dtype=np.int64)
        ends = np.cumsum([0, *map(len, by_family)], dtype=np.int64)
        self._rows = Rows(*_side_by_side(incidence.n, self._channels, first), first, ends)
        nothing = [np.zeros(0, np.int64)]
        self._holders = np.concatenate([*(channel.document_frequency for channel in self._channels), *nothing])
        self._popularity = np.concatenate([*map(popularity, self._channels), *nothing]).astype(np.float64)

    def weights(self, left: Indices, right: Indices) -> Floats:
        """In nats, shape (pairs, families)."""
        out = np.empty((len(left), len(self.families)))
        weigh(left, right, self._rows, self._popularity, out)
        return np.asfortranarray(np.log(out))

    def within(self, left: Indices, right: Indices, groups: Indices, families: tuple[Family, ...]) -> Floats:
        """The same by some of the families alone, where the popularity of a pair's tokens leaves out the pair's own
        group. `groups` is a label a row; every pair must lie within one group."""
        speaks = np.isin(self.families, families)
        out = np.empty((len(left), len(self.families)))
        weigh_in_groups(left, right, _grouped(left, groups), self._rows, speaks, self._holders, out)
        return np.asfortranarray(np.log(out[:, [self.families.index(family) for family in families]]))


def popularity(channel: Channel) -> Floats:
    """f_t over all rows but one: max(df_t - 1, 1/2) / sum of df."""
    df = channel.document_frequency
    return np.asarray(np.maximum(df - 1, 0.5) / max(float(channel.sizes.sum()), 1.0))


def _side_by_side(n: int, channels: Sequence[Channel], first: Ints) -> tuple[Ints, Indices, Indices]:
    """`Rows.indptr`, `tokens` and `sizes` of these channels."""
    held = np.zeros(n, dtype=np.int64)
    for channel in channels:
        held += np.diff(channel.indptr)
    indptr = np.concatenate([[0], np.cumsum(held)])
    tokens = np.empty(int(indptr[-1]), dtype=np.int32)
    sizes = np.empty((n, len(channels)), dtype=np.int32)
    begun = indptr[:-1].copy()
    for place, channel in enumerate(channels):
        count = np.diff(channel.indptr)
        at = np.repeat(begun - channel.indptr[:-1], count) + np.arange(len(channel.tokens))
        tokens[at] = channel.tokens + first[place]
        sizes[:, place] = channel.sizes
        begun += count
    return indptr, tokens, sizes


def _grouped(left: Indices, groups: Indices) -> Groups:
    """Pairs and rows by the group that they lie in, for groups with a pair: from each pair's left row and each row's
    label."""
    owner = groups[left]
    pairs, rows = np.argsort(owner, kind="stable"), np.argsort(groups, kind="stable")
    labels, starts = np.unique(owner[pairs], return_index=True)
    first, last = (np.searchsorted(groups[rows], labels, side=side) for side in ("left", "right"))
    ends = np.concatenate([[0], np.cumsum(last - first)])
    members = rows[np.repeat(first - ends[:-1], last - first) + np.arange(ends[-1])].astype(np.int32)
    return Groups(pairs, np.append(starts, len(pairs)), members, ends)


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
