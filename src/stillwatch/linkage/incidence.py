"""Who showed which token: rows of entities, one sparse matrix a channel, and the strata in which rows are
comparable."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stillwatch.records import Family
from stillwatch.stats import distinct

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]

FAMILY_BIT = {family: 1 << position for position, family in enumerate(Family)}


@dataclass(frozen=True)
class Channel:
    """Token sets S_i of one channel, as CSR: row i holds `tokens[indptr[i]:indptr[i + 1]]`, sorted, each once.

    Tokens that one row alone holds link nobody: they are counted in `sizes` (|S_i| of each row) and in `vocabulary`
    (distinct tokens of the channel), and not kept. `tokens` are dense ids 0..n_tokens - 1 of the others; `values[id]`
    is the token as the tables hold it. `families` names the mechanisms that the tokens touch: one for a plain channel,
    two for a compound, which only nominates pairs and is never scored (`scored` is False).
    """

    name: str
    families: tuple[Family, ...]
    indptr: Ints
    tokens: Indices
    n_tokens: int
    values: NDArray[np.uint64]
    sizes: Ints
    vocabulary: int
    scored: bool = True

    @property
    def family(self) -> Family:
        """The mechanism of a scored channel."""
        return self.families[0]

    @property
    def bits(self) -> int:
        """The families touched, as a bit set of `FAMILY_BIT`."""
        return sum(FAMILY_BIT[family] for family in set(self.families))

    def kept(self, rows: Indices | Ints) -> Ints:
        """How many tokens `tokens` holds of each of these rows."""
        return np.asarray(self.indptr[rows + 1] - self.indptr[rows])

    @cached_property
    def document_frequency(self) -> Ints:
        """In how many rows each token occurs."""
        return np.bincount(self.tokens, minlength=self.n_tokens).astype(np.int64)

    def counted(self, rows: Indices | Ints) -> tuple[Indices, Ints]:
        """The tokens that these rows, each given once, hold, ascending, and how many of the rows hold each."""
        held = self.tokens[self.places(rows)]
        if len(held) < self.n_tokens:
            return np.unique(held, return_counts=True)
        counts = np.bincount(held, minlength=self.n_tokens)
        tokens = np.flatnonzero(counts)
        return tokens.astype(np.int32), counts[tokens].astype(np.int64)

    def places(self, rows: Indices | Ints) -> Ints:
        """Where the tokens of these rows stand in `tokens`, row after row."""
        starts = self.indptr[rows]
        sizes = self.indptr[rows + 1] - starts
        ends = np.cumsum(sizes)
        return np.asarray(np.repeat(starts - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0))

    def holders(self) -> tuple[Ints, Indices]:
        """The transpose: for each token the rows that hold it, ascending, as (indptr, rows)."""
        order = np.argsort(self.tokens, kind="stable")
        rows = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))[order]
        indptr = np.zeros(self.n_tokens + 1, dtype=np.int64)
        np.cumsum(self.document_frequency, out=indptr[1:])
        return indptr, rows

    def reordered(self, source: Ints) -> "Channel":
        """The channel in which row i holds what row `source[i]` held."""
        indptr = np.zeros(len(self.indptr), dtype=np.int64)
        np.cumsum(np.diff(self.indptr)[source], out=indptr[1:])
        return replace(self, indptr=indptr, tokens=self.tokens[self.places(source)], sizes=self.sizes[source])


@dataclass(frozen=True)
class Incidence:
    """All channels over the same `n` entities, plus what makes entities comparable.

    `accounts` counts the accounts of each entity. `stratifications` holds alternative strata keys, each a tuple of
    integer code arrays of length n (region, tier, age band ...), most important first; a row's own size joins them
    per family. `keys` are hashes of the entities' stable ids: all randomness is a hash of them and of a seed.
    """

    keys: NDArray[np.uint64]
    accounts: Ints
    channels: tuple[Channel, ...]
    stratifications: tuple[tuple[Indices, ...], ...]
    aside: NDArray[np.bool_] | None = None
    """Rows that are judged elsewhere (a permission covers all they do): they count in every popularity and are compared
    with, but no pair, candidate or group holds one."""

    def linkable(self) -> NDArray[np.bool_]:
        """The rows that may stand in a group."""
        return np.ones(self.n, dtype=np.bool_) if self.aside is None else ~self.aside

    def linked(self, rows: Indices) -> Indices:
        """Those of the rows that may stand in a group."""
        return rows if self.aside is None else rows[~self.aside[rows]]

    @property
    def n(self) -> int:
        """How many entities there are."""
        return len(self.keys)

    def scored(self, family: Family) -> tuple[Channel, ...]:
        """The channels that are evidence of this family."""
        return tuple(c for c in self.channels if c.scored and c.family == family)

    def families(self) -> tuple[Family, ...]:
        """The families with at least one channel that holds a token, in the fixed order of `Family`."""
        return tuple(f for f in Family if any(c.vocabulary for c in self.scored(f)))

    def permuted(self, family: Family, source: Ints) -> "Incidence":
        """The world in which the rows of one family move: entity i shows what `source[i]` showed in that family.

        Content moves together with work, since one text makes both. Compounds that touch the family are dropped: the
        moved rows would have to be recombined with the standing ones, and no candidate for the family may use them.
        """
        moving = {family, Family.WORK} if family == Family.CONTENT else {family}
        kept = [c for c in self.channels if len(set(c.families)) == 1 or not moving & set(c.families)]
        return replace(self, channels=tuple(c.reordered(source) if c.families[0] in moving else c for c in kept))


def channel(
    name: str,
    families: tuple[Family, ...],
    rows: Ints,
    tokens: NDArray[np.uint64] | Ints,
    n: int,
    *,
    scored: bool = True,
) -> Channel:
    """Build a channel from (row, token) pairs in any order, repeats allowed; tokens may be any integers.

    Dense ids follow the tokens' own order, so that the answer does not depend on the order of the pairs.
    """
    values, dense = np.unique(np.asarray(tokens), return_inverse=True)
    keys = distinct(np.asarray(rows, dtype=np.int64) * max(len(values), 1) + dense)
    owner, token = np.divmod(keys, max(len(values), 1))
    common = np.bincount(token, minlength=len(values)) > 1
    shared = common[token]
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[shared], minlength=n), out=indptr[1:])
    held = (np.cumsum(common) - 1)[token[shared]].astype(np.int32)
    sizes = np.bincount(owner, minlength=n).astype(np.int64)
    kept = values[common].astype(np.uint64)
    return Channel(name, families, indptr, held, len(kept), kept, sizes, len(values), scored)
