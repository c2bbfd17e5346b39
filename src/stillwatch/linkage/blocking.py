"""Blocking in bounded memory: the pairs that channels nominate, some at a time, in ascending order.

Nominations are put aside in buckets by their left row, on disk where they are many, and each bucket is sorted by
itself. What is put aside are numbers of rows: no text, no id.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stillwatch.linkage.incidence import Incidence, Indices, Ints
from stillwatch.linkage.kernels import nominate, nominations_of
from stillwatch.linkage.pairs import Pairs, joined

PARTNERS = 6
"""Partners that each holder of a token names, beyond which a token does not give all its pairs."""

MOST_COMMON = 0.25
"""A token that more than this share of the entities holds nominates nobody."""

NOMINATIONS, CROWDED = 1 << 26, 64
"""Where tokens would make more nominations together than that, a row with more than `CROWDED` of them names fewer
partners by each, one at least: as many as so many tokens would name. Who shares much is met by much of it, and of a
row's pairs hardly more than thirty become edges."""

AT_ONCE = 1 << 22
"""Nominations that are held in memory together: of one channel while they are made, and of a bucket in the mean.
Buckets are ranges of rows, so that one with rows that share many tokens holds more."""


def nominated_pairs(incidence: Incidence, seed: int) -> Pairs:
    """The parts of `nominated_parts` as one."""
    return joined(list(nominated_parts(incidence, seed)))


def nominated_parts(incidence: Incidence, seed: int, at_once: int = AT_ONCE) -> Iterator[Pairs]:
    """Every pair that some channel or compound nominates, at a cost linear in the tokens held, each once: parts in
    ascending order of (left, right). How many are made at once changes nothing but the parts."""
    combinations = tuple(sorted({c.bits for c in incidence.channels}))
    most = max(int(MOST_COMMON * incidence.n), 2)
    counts = [nominations_of(channel.document_frequency, PARTNERS, 2, most) for channel in incidence.channels]
    total = sum(int(each.sum()) for each in counts)
    partners = _partners(incidence, most, total)
    with _Buckets(incidence.n, 1 + total // at_once) as buckets:
        for channel, count in zip(incidence.channels, counts, strict=True):
            indptr, rows = channel.holders()
            place = combinations.index(channel.bits)
            for first, last in _runs(count, at_once):
                part = indptr[first : last + 1]
                some = nominate(part, rows, incidence.keys, PARTNERS, partners, 2, most, np.uint64(seed))
                buckets.add(some * len(combinations) + place, len(combinations))
        for named in buckets.all():
            yield _joined(named, incidence, combinations)


def _partners(incidence: Incidence, most: int, total: int) -> Indices:
    """How many partners each row names by a token that does not give all its pairs: see `NOMINATIONS`."""
    if total <= NOMINATIONS:
        return np.full(incidence.n, PARTNERS, dtype=np.int32)
    held = np.zeros(incidence.n, dtype=np.int64)
    for channel in incidence.channels:
        names = (channel.document_frequency > PARTNERS + 1) & (channel.document_frequency <= most)
        upto = np.concatenate([[0], np.cumsum(names[channel.tokens])])
        held += np.diff(upto[channel.indptr])
    return np.asarray(np.clip(PARTNERS * CROWDED // np.maximum(held, 1), 1, PARTNERS), dtype=np.int32)


def _runs(counts: Ints, at_once: int) -> Iterator[tuple[int, int]]:
    """Runs of tokens [first, last) that make so many nominations together, or one token that makes more."""
    part = np.cumsum(counts) // at_once
    edges = np.flatnonzero(np.diff(part, prepend=-1, append=part[-1:] + 1)) if len(part) else part
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _joined(named: Ints, incidence: Incidence, combinations: tuple[int, ...]) -> Pairs:
    """The distinct pairs of linkable rows, ascending, and the bits of the combinations that named each; given is
    (left * n + right) * combinations + place."""
    named.sort()
    keys, combination = np.divmod(named, max(len(combinations), 1))
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    marks = np.bitwise_or.reduceat(np.int64(1) << combination, first) if len(first) else keys
    left, right = np.divmod(keys[first], max(incidence.n, 1))
    linkable = incidence.linkable()
    kept = linkable[left] & linkable[right]
    return Pairs(left[kept].astype(np.int32), right[kept].astype(np.int32), marks[kept], combinations)


class _Buckets:
    """Nominations by ranges of their left rows: in memory where one bucket holds them all, else in a folder's files."""

    def __init__(self, n: int, buckets: int) -> None:
        self._n = n
        self._width = -(-n // buckets) or 1
        self._held: list[Ints] = []
        self._folder = tempfile.TemporaryDirectory(prefix="stillwatch-pairs-") if buckets > 1 else None

    def __enter__(self) -> "_Buckets":
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, named: Ints, combinations: int) -> None:
        if self._folder is None:
            self._held.append(named)
            return
        bucket = named // (combinations * self._n) // self._width
        order = np.argsort(bucket, kind="stable")
        held, begun = np.unique(bucket[order], return_index=True)
        ended = np.append(begun, len(order))[1:]
        for place, first, last in zip(held.tolist(), begun, ended, strict=True):
            with self._file(place).open("ab") as file:
                named[order[first:last]].tofile(file)

    def all(self) -> Iterator[Ints]:
        """The nominations of each bucket, in the order of the rows."""
        if self._folder is None:
            yield np.concatenate([*self._held, np.zeros(0, np.int64)])
            return
        for place in range(-(-self._n // self._width)):
            if self._file(place).exists():
                yield np.fromfile(self._file(place), np.int64)

    def _file(self, place: int) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / str(place)
