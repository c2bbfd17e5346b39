"""Phases and stages: work that changes from week to week, and items that come back under another request.

Reported campaigns run in phases (generation first, then reasoning, then grading) and in stages, where what one request
made is the material of the next. An answer's words are not stored, so that a stage is seen only where its material
holds a sentence of an earlier request's material. Neither is proof: an honest product has a pipeline too.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SHUFFLES = 199
CHANCE = 0.005
"""The share of the shuffles, itself among them, that may be as uneven as what is seen: none."""

WINDOW = 2
"""Days before and after that name a day's phase with it."""

LEAST_PHASE = 0.1
LEAST_STAGED = 20
LEAST_ORDER = 0.8
"""Share of a phase among the exchanges; items that come back; share of them that come back in one order."""


def phases(day: Ints, owner: Ints, code: Ints, names: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """Stretches of days with their commonest capability, where capabilities depend on the day; else none.

    `day` counts days since 1970, `code` is a place in `names`. H0: what an account asked for on a day does not depend
    on the day. All exchanges of an account on a day move together when days are shuffled; that an account's days are
    alike is not allowed for, so accounts that come one after the other make phases, which they are.
    """
    if len(day) == 0:
        return []
    first = int(day.min())
    blocks, place = np.unique(np.stack([owner, day - first]), axis=1, return_inverse=True)
    held = np.zeros((blocks.shape[1], len(names)))
    np.add.at(held, (place.ravel(), code), 1.0)
    days = blocks[1]
    seen = _uneven(days, held)
    rng = np.random.default_rng(seed)
    as_uneven = 1 + sum(_uneven(rng.permutation(days), held) >= seen - 1e-9 for _ in range(SHUFFLES))
    if as_uneven > CHANCE * (SHUFFLES + 1):
        return []
    found = _stretches(days, held)
    if len({top for _, _, top, _ in found}) < 2:
        return []
    zero = date(1970, 1, 1) + timedelta(days=first)
    return [
        {"first": str(zero + timedelta(days=a)), "last": str(zero + timedelta(days=b)), "capability": names[top],
         "share": round(share, 4)}
        for a, b, top, share in found
    ]  # fmt: skip


def _uneven(days: Ints, held: Floats) -> float:
    """Chi-squared of days by capabilities."""
    table = np.zeros((int(days.max()) + 1, held.shape[1]))
    np.add.at(table, days, held)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum())


def _stretches(days: Ints, held: Floats) -> list[tuple[int, int, int, float]]:
    """(first day, last day, capability, its share) of each stretch that holds a tenth of the exchanges."""
    table = np.zeros((int(days.max()) + 1, held.shape[1]))
    np.add.at(table, days, held)
    around = np.stack([table[max(at - WINDOW, 0) : at + WINDOW + 1].sum(axis=0) for at in range(len(table))])
    top = np.where(around.sum(axis=1) > 0, around.argmax(axis=1), -1)
    edges = [0, *(np.flatnonzero(np.diff(top)) + 1).tolist(), len(top)]
    out = []
    for start, end in pairwise(edges):
        part = table[start:end].sum(axis=0)
        if top[start] >= 0 and part.sum() >= LEAST_PHASE * table.sum():
            out.append((start, end - 1, int(top[start]), float(part[top[start]] / part.sum())))
    return out


@dataclass(frozen=True)
class Use:
    """One exchange that holds a sentence of material: when, whose, what it asked for."""

    at: float
    owner: int
    code: int


def stages(uses: Mapping[int, Sequence[Use]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Pairs of capabilities through which the same material went, mostly in one order; the most items first.

    `uses` lists by item the exchanges that hold it. `in_order` is the share of the items whose first use under `first`
    came before that under `then`; `handed_on` the share that another account took up. Twenty items are asked.
    """
    seen: dict[tuple[int, int], list[tuple[bool, bool]]] = defaultdict(list)
    for held in uses.values():
        begun: dict[int, Use] = {}
        for use in sorted(held, key=lambda one: (one.at, one.owner, one.code)):
            begun.setdefault(use.code, use)
        for (low, one), (high, other) in combinations(sorted(begun.items()), 2):
            if one.at != other.at:
                seen[low, high].append((one.at < other.at, one.owner != other.owner))
    out = []
    for (low, high), found in sorted(seen.items()):
        before = sum(first for first, _ in found) / len(found)
        if len(found) >= LEAST_STAGED and max(before, 1.0 - before) >= LEAST_ORDER:
            first, then = (low, high) if before >= 0.5 else (high, low)
            out.append(
                {"first": names[first], "then": names[then], "items": len(found),
                 "in_order": round(max(before, 1.0 - before), 4),
                 "handed_on": round(sum(moved for _, moved in found) / len(found), 4)}
            )  # fmt: skip
    return sorted(out, key=lambda one: -one["items"])
