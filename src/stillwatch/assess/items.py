"""What a group's shared work is about, item by item: dealt out or each for himself, near copies, known from outside.

Pure functions of keyed hashes. Each abstains (None) where its signal is absent. An order of items, sequential or by the
alphabet, cannot be seen: keyed hashes have none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.stats import distinct_pairs

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

BANDS, ROWS = 4, 4
"""MinHash bands, as the wordings' own channel has them."""

FRAME = 0.02
"""Share of a group's exchanges from which a band is the template's and says nothing of the material."""

LEAST_ITEMS = 20
LEAST_EXPECTED = 3.0
"""Pairs that chance would make, under which it says nothing that there are none."""


TINY = 1e-17


@dataclass(frozen=True)
class Crossings:
    """Pairs of occurrences of one item: how many there are, in how many two members meet, how many chance would make.

    Chance: the owners of occurrences change places, each keeping its number. `met` far below `expected` is what one
    account alone repeats; near it, what everybody asks.
    """

    pairs: int
    met: int
    expected: float


def crossings(item: Hashes, owner: Ints) -> Crossings | None:
    """Occurrences with their item and owner; nothing where no item occurs twice."""
    n = len(item)
    _, held = np.unique(item, return_counts=True)
    pairs = int((held * (held - 1) // 2).sum())
    if pairs == 0:
        return None
    both = np.unique(np.stack([item.astype(np.uint64), owner.astype(np.uint64)]), axis=1, return_counts=True)[1]
    own = int((both * (both - 1) // 2).sum())
    _, sizes = np.unique(owner, return_counts=True)
    apart = 1.0 - float((sizes * (sizes - 1)).sum()) / (n * (n - 1))
    return Crossings(pairs, pairs - own, pairs * apart)


@dataclass(frozen=True)
class Dealt:
    """How a group's members share out a set of items that outsiders work on too.

    `known` items are in the set, `covered` of them the group asked; `met` pairs of members met at an item where
    independent choice, each item as likely as another, makes `expected`. Popular items make more, so `log_chance`, ln
    of the chance of so few, errs on the side of saying nothing.
    """

    known: int
    covered: int
    met: int
    expected: float
    log_chance: float


def dealt(item: Hashes, owner: Ints, known: int) -> Dealt | None:
    """Occurrences of items of a set of `known` ones, with their owners; nothing where chance says nothing."""
    items, owners = distinct_pairs(item, owner)
    if len(items) < LEAST_ITEMS or known < LEAST_ITEMS:
        return None
    _, holders = np.unique(items, return_counts=True)
    _, sizes = np.unique(owners, return_counts=True)
    met = int((holders * (holders - 1) // 2).sum())
    expected = float(sizes.sum() ** 2 - (sizes**2).sum()) / (2.0 * known)
    if expected < LEAST_EXPECTED:
        return None
    return Dealt(known, len(holders), met, expected, log_poisson_at_most(met, expected))


def log_poisson_at_most(k: int, mean: float) -> float:
    """ln of the probability that a Poisson count with this mean is k or less."""
    from scipy.special import pdtr  # noqa: PLC0415  (slow to import; only findings need it)

    share = float(pdtr(k, mean))
    if share > 0.0:
        return math.log(share)
    log_last, total, term = k * math.log(mean) - math.lgamma(k + 1) - mean, 1.0, 1.0
    for below in range(k, 0, -1):  # so far below the mean terms fall quickly
        term *= below / mean
        total += term
        if term < TINY * total:
            break
    return log_last + math.log(total)


def near_copies(minhash: NDArray[np.uint16], exact: Hashes, owner: Ints) -> float | None:
    """The share of exchanges whose text is nearly, and not wholly, that of another member's exchange.

    `minhash` has 16 values a row. A band that a fiftieth of the exchanges hold is the template's. None under twenty.
    """
    n = len(exact)
    if n < LEAST_ITEMS:
        return None
    values = minhash.reshape(n, BANDS, ROWS).astype(np.uint64)
    near = np.zeros(n, dtype=np.bool_)
    for band in range(BANDS):
        packed = sum(values[:, band, row] << np.uint64(16 * row) for row in range(ROWS))
        _, place, held = np.unique(np.asarray(packed), return_inverse=True, return_counts=True)
        for token in np.flatnonzero((held > 1) & (held <= max(FRAME * n, 2.0))):
            rows = np.flatnonzero(place == token)
            other = (exact[rows][:, None] != exact[rows]) & (owner[rows][:, None] != owner[rows])
            near[rows] |= other.any(axis=1)
    return float(near.mean())


def breadth(owner: Ints, topic: Ints) -> tuple[float, float] | None:
    """How many topics the group's work spreads over, and the median account's: exponentials of entropies.

    One pool dealt out makes them alike; accounts with data of their own are narrower than their group. Accounts with
    fewer than ten exchanges do not count; None where fewer than three are left.
    """
    _, place, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(sizes >= 10)
    if len(kept) < 3:
        return None
    each = [_effective(topic[place == at]) for at in kept]
    return _effective(topic[np.isin(place, kept)]), float(np.median(each))


def _effective(topic: Ints) -> float:
    """exp of the entropy, with Miller and Madow's correction for few observations."""
    _, counts = np.unique(topic, return_counts=True)
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum() + (len(counts) - 1) / (2.0 * counts.sum())))


def as_facts(
    crossed: Crossings | None, out: Dealt | None, near: float | None, wide: tuple[float, float] | None
) -> Mapping[str, float]:
    """The facts that are known, by their names in a finding."""
    facts: dict[str, float] = {}
    if crossed is not None:
        facts |= {"repeated": crossed.pairs, "met": crossed.met, "met_by_chance": round(crossed.expected, 2)}
    if out is not None:
        facts |= {
            "known": out.known, "covered": out.covered, "known_met": out.met,
            "known_met_by_chance": round(out.expected, 2), "log_chance": round(out.log_chance, 2) + 0.0,
        }  # fmt: skip
    if near is not None:
        facts["near_copies"] = round(near, 4)
    if wide is not None:
        facts |= {"topics": round(wide[0], 2), "topics_an_account": round(wide[1], 2)}
    return facts
