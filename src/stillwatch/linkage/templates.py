"""Templates that a group shares, and the parts into which they split it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from stillwatch.leiden import labels_of_csr
from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.matrix import family_matrix, unmarked
from stillwatch.linkage.template_kernel import (
    LEAST_COSINE,
    LEAST_HOLDERS,
    LEAST_LIFT,
    OWN,
    OWN_MINED,
    cosine_graph,
    shared_wordings,
    to_unit_length,
)
from stillwatch.records import MINED_CHANNELS, Family
from stillwatch.stats import distinct

LEAST_SHARE = 0.05
LEAST_SHARE_OWN = 0.01
LEAST_HOLDERS_OWN = 5

SAMPLE = 400
"""Rows of a large group that are clustered; the others are assigned. Bounds a cost that grows with the square."""


ALIKE = 0.35
"""Overlap of wordings from which two parts are one programme, whatever their size."""

ALIKE_SMALL = 0.15
"""The same where one of the two is small: a part of few members is mostly a paraphrase of its programme."""

HELD = 1 / 3
"""Share of each of two parts that holds one token of the group's own from which they are one operator's."""

SMALL_SHARE = 0.15
SMALL_MEMBERS = 8
"""A part is small below this share of the whole, or below this many members."""


@dataclass(frozen=True)
class SharedToken:
    """A token in which a group is enriched: its channel's name and dense id, holders inside and outside."""

    channel: str
    token: int
    inside: int
    outside: int

    @property
    def exclusive(self) -> bool:
        """Whether hardly anybody outside uses it: one for `own_from` inside, and one by chance."""
        return self.outside <= max(1, self.inside // own_from(self.channel))


def own_from(channel: str) -> int:
    """Holders inside for one outside from which a channel's token is a group's own."""
    return OWN_MINED if channel in MINED_CHANNELS else OWN


def shared_tokens(
    incidence: Incidence, rows: Indices, family: Family, kin: Indices | tuple[int, ...] = ()
) -> list[SharedToken]:
    """Tokens that the group shows and others hardly: at least 3 holders and 8 times the share outside, and held by 5 %
    of the group, or by 5 members where hardly anybody outside holds them (one of a paraphraser's many wordings). Rows
    of `kin`, none of them in the group, are neither inside nor outside."""
    out: list[SharedToken] = []
    for channel in incidence.scored(family):
        shared = _shared(incidence, channel, rows, np.asarray(kin, dtype=np.int32))
        out += [SharedToken(channel.name, *map(int, held)) for held in zip(*shared, strict=True)]
    return out


def _shared(incidence: Incidence, channel: Channel, rows: Indices, kin: Indices) -> tuple[Indices, Ints, Ints]:
    """The shared tokens of one channel, ascending, with their holders inside and outside: see `shared_tokens`."""
    tokens, within = channel.counted(rows)
    beyond = channel.document_frequency[tokens] - within - _held_by(channel, kin, tokens)
    share = within / max(len(rows), 1)
    base = (beyond + 0.5) / max(incidence.n - len(rows) - len(kin), 1)
    own = (within >= LEAST_HOLDERS_OWN) & (share >= LEAST_SHARE_OWN) & (beyond * own_from(channel.name) <= within)
    kept = (within >= LEAST_HOLDERS) & ((share >= LEAST_SHARE) | own) & (share >= LEAST_LIFT * base)
    return tokens[kept], within[kept], beyond[kept]


def _held_by(channel: Channel, rows: Indices, tokens: Indices) -> Ints:
    """How many of the rows hold each of the tokens, which ascend."""
    theirs, count = channel.counted(rows)
    _, at, place = np.intersect1d(tokens, theirs, assume_unique=True, return_indices=True)
    held = np.zeros(len(tokens), dtype=np.int64)
    held[at] = count[place]
    return held


class Templates:
    """How groups split by the content that their members share. Many groups are asked about again: each answer is
    remembered. Threads may ask at the same time."""

    def __init__(self, incidence: Incidence, families: tuple[Family, ...] = (Family.CONTENT,)) -> None:
        channels = tuple(channel for family in families for channel in incidence.scored(family))
        self.seen = bool(channels)
        self._keys = incidence.keys
        self._parts: dict[bytes, list[Indices]] = {}
        self._programmes: dict[bytes, list[Indices]] = {}
        if channels:
            self._matrix = family_matrix(channels)
            self._own_from = np.array([own_from(channel.name) for channel in channels])[self._matrix.channel_of]
            self._slots = unmarked(len(self._matrix.channel_of))

    def parts(self, rows: Indices) -> list[Indices]:
        """Parts of a group that share templates with each other: Leiden on cosine similarity over shared content
        tokens.

        Members that hold no shared template belong to no part. Parts are in descending order of size. Of a large group
        a sample by the hash of the rows' keys is clustered, and every other row joins the part whose mean it is nearest
        to. Without content there are no parts.
        """
        name = rows.tobytes()
        if name not in self._parts:
            self._parts[name] = self._split(rows) if self.seen else []
        return self._parts[name]

    def programmes(self, rows: Indices, home: Indices | None = None) -> list[Indices]:
        """The programmes of work in a group: its parts by templates, joined where their wordings overlap.

        Paraphrase breaks one programme into many parts that overlap a little each; two programmes that one provider
        carries, or that use one public template, are two large parts that overlap a little. So small parts join at a
        smaller overlap (`ALIKE_SMALL`) than large ones (`ALIKE`). Only wordings that hardly anybody outside of `home`
        uses join, the group that the rows are a part of: "answer as JSON" makes no programme, and what a part shares
        with the rest of its programme is no less its own. Largest first; members without a shared wording are in none.
        """
        home = rows if home is None else home
        name = rows.tobytes() + b"|" + home.tobytes()
        if name not in self._programmes:
            parts = self.parts(rows)
            self._programmes[name] = self._joined(rows, home, parts, ALIKE, ALIKE_SMALL) if len(parts) > 1 else parts
        return self._programmes[name]

    def apart(self, rows: Indices, overlap: float) -> list[Indices]:
        """The parts of a group, joined from this overlap on or by a token of the group's own that `HELD` of each hold,
        whatever their size; largest first. Members who share nothing of these families with two others are in none.
        Parts are compared by all that the group shares, others' as well: what hardly anybody outside uses is too little
        to say of a part that it is another's."""
        parts = self.parts(rows)
        if len(parts) < 2:
            return parts
        joined = self._joined(rows, rows, parts, overlap, overlap, exclusive=False)
        shown = self._shown(rows, rows, joined, exclusive=True)
        held = np.stack([np.minimum(one, shown).max(axis=1, initial=0.0) >= HELD for one in shown])
        return _by_label(joined, connected_components(csr_matrix(held), directed=False)[1])

    def _wordings(self, rows: Indices, home: Indices, *, exclusive: bool) -> tuple[Ints, Indices, Floats, int]:
        """Members x shared tokens: see `shared_wordings`."""
        m = self._matrix
        with self._slots.one() as slot:
            return shared_wordings(rows, home, exclusive, m.indptr, m.tokens, m.holder_indptr, self._own_from, slot)

    def _split(self, rows: Indices) -> list[Indices]:
        ends, columns, weights, width = self._wordings(rows, rows, exclusive=False)
        with_any = np.flatnonzero(to_unit_length(ends, weights))
        if len(with_any) < 2:
            return []
        sample = with_any
        if len(with_any) > SAMPLE:
            sample = np.sort(with_any[np.argsort(self._keys[rows[with_any]], kind="stable")[:SAMPLE]])
        found = labels_of_csr(*cosine_graph(sample, ends, columns, weights, width), LEAST_COSINE, modularity=False)
        labels = np.full(len(rows), -1, dtype=np.int64)
        labels[sample] = found
        rest = np.setdiff1d(with_any, sample, assume_unique=True)
        if len(rest):
            labels[rest] = _nearest(csr_matrix((weights, columns, ends), (len(rows), width)), sample, found, rest)
        parts = [rows[labels == label] for label in distinct(found)]
        return sorted(parts, key=lambda part: (-len(part), part.tolist()))

    def _joined(
        self,
        rows: Indices,
        home: Indices,
        parts: list[Indices],
        alike: float,
        alike_small: float,
        *,
        exclusive: bool = True,
    ) -> list[Indices]:
        shown = self._shown(rows, home, parts, exclusive=exclusive)
        small = max(SMALL_MEMBERS, SMALL_SHARE * len(rows))
        return _by_label(parts, _alike(shown, np.array([len(part) for part in parts]), small, alike, alike_small))

    def _shown(self, rows: Indices, home: Indices, parts: list[Indices], *, exclusive: bool) -> Floats:
        """The share of each part's members that show each shared token."""
        ends, columns, _, width = self._wordings(rows, home, exclusive=exclusive)
        held = csr_matrix((np.ones(len(columns)), columns, ends), (len(rows), width))
        return np.stack([np.asarray(held[np.searchsorted(rows, part)].mean(axis=0)).ravel() for part in parts])


def _by_label(parts: list[Indices], label: Ints) -> list[Indices]:
    joined = [np.sort(np.concatenate([parts[at] for at in np.flatnonzero(label == k)])) for k in distinct(label)]
    return sorted(joined, key=lambda part: (-len(part), part.tolist()))


def _nearest(unit: csr_matrix, sample: Ints, labels: Ints, rest: Ints) -> Ints:
    """The label whose sampled rows have the mean nearest to each of the rest; -1 where none is alike at all."""
    parts = csr_matrix((np.ones(len(sample)), (labels, np.arange(len(sample)))))
    means = csr_matrix(parts @ unit[sample]).multiply(1.0 / parts.sum(axis=1))
    near = csr_matrix(unit[rest] @ means.T).toarray()
    return np.where(near.max(axis=1) > 0, near.argmax(axis=1), -1)


def _alike(shown: Floats, sizes: Ints, least: float, from_: float, from_small: float) -> Ints:
    """A label for each part, the same from an overlap on. `shown` is the share of each part's members that show each
    wording; a part of fewer than `least` is small."""
    label = np.arange(len(sizes))
    alike = np.stack([_overlap(one, shown) for one in shown])
    while True:
        needed = np.where(np.minimum.outer(sizes, sizes) >= least, from_, from_small)
        merit = np.where(np.tri(len(sizes), k=-1).T > 0, alike / needed, 0.0)
        into, gone = np.unravel_index(int(np.argmax(merit)), merit.shape)
        if merit[into, gone] < 1.0:
            return label
        label[label == gone] = into
        shown[into] = (sizes[into] * shown[into] + sizes[gone] * shown[gone]) / (sizes[into] + sizes[gone])
        sizes[into] += sizes[gone]
        sizes[gone] = 0
        alike[gone] = alike[:, gone] = 0.0
        alike[into] = alike[:, into] = np.where(sizes > 0, _overlap(shown[into], shown), 0.0)


def _overlap(one: Floats, others: Floats) -> Floats:
    """Of each pair's shares of members that show a wording: the common part, over the smaller one's sum."""
    least = np.minimum(one.sum(), others.sum(axis=1))
    return np.asarray(np.minimum(one, others).sum(axis=1) / np.maximum(least, 1e-9))
