"""One family's channels side by side in one sparse matrix, as confirmation and membership read it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from stillwatch.linkage.confirm_kernel import background_chance, background_odds
from stillwatch.linkage.incidence import Channel, Floats, Indices, Ints

Scratch = TypeVar("Scratch")


@dataclass(frozen=True)
class FamilyMatrix:
    """One family's channels side by side: token ids of channel c start where those of channel c - 1 end.

    `frequency[t]` is the popularity of a token, `sizes[c, i]` how many tokens of channel c row i holds, `mean_sizes[c]`
    their mean over rows that hold any; `holders` are each token's rows.
    """

    indptr: Ints
    tokens: Indices
    channel_of: Indices
    frequency: Floats
    sizes: Ints
    mean_sizes: Floats
    holder_indptr: Ints
    holders: Indices

    @cached_property
    def chance(self) -> Floats:
        """The probability that a row of average size shows each token."""
        return np.asarray(background_chance(self.channel_of, self.mean_sizes, self.frequency))

    @cached_property
    def odds(self) -> Floats:
        """(1 - p) / p for each token of each row, in the order of `tokens`."""
        rows = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))
        return np.asarray(background_odds(rows, self.tokens, self.channel_of, self.sizes, self.frequency))

    @cached_property
    def holder_odds(self) -> Floats:
        """The same in the order of `holders`."""
        tokens = np.repeat(np.arange(len(self.channel_of), dtype=np.int32), np.diff(self.holder_indptr))
        return np.asarray(background_odds(self.holders, tokens, self.channel_of, self.sizes, self.frequency))


class Lent(Generic[Scratch]):
    """Scratch of one kind, left by each borrower as it was made, lent to one thread at a time."""

    def __init__(self, made: Callable[[], Scratch]) -> None:
        self._made = made
        self._spare: list[Scratch] = []

    @contextmanager
    def one(self) -> Iterator[Scratch]:
        """One that nobody else uses meanwhile."""
        try:
            scratch = self._spare.pop()
        except IndexError:
            scratch = self._made()
        yield scratch
        self._spare.append(scratch)  # not where the borrower failed: it may have left marks


def unmarked(size: int) -> Lent[Indices]:
    """Arrays over so many tokens or rows, all -1."""
    return Lent(lambda: np.full(size, -1, dtype=np.int32))


def family_matrix(channels: tuple[Channel, ...], frequencies: tuple[Floats, ...] | None = None) -> FamilyMatrix:
    """Join channels into one matrix. Popularity counts all rows (a permutation within the family leaves it alone)."""
    n = len(channels[0].indptr) - 1
    offsets = np.cumsum([0] + [c.n_tokens for c in channels])
    rows = np.concatenate([np.repeat(np.arange(n), np.diff(c.indptr)) for c in channels])
    tokens = np.concatenate([c.tokens + offset for c, offset in zip(channels, offsets, strict=False)])
    order = np.argsort(rows, kind="stable")
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
    values = np.concatenate([c.values for c in channels])
    sizes = np.stack([c.sizes for c in channels])
    joined = Channel(
        "joined", (channels[0].family,), indptr, tokens[order].astype(np.int32), int(offsets[-1]), values,
        sizes.sum(axis=0), int(offsets[-1]),
    )  # fmt: skip
    holder_indptr, holders = joined.holders()
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
    return np.asarray(np.maximum(df, 0.5) / max(float(channel.sizes.sum()), 1.0))
