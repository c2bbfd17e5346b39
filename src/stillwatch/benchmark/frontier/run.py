"""The runner: one world a point, the product's answer on it beside its rivals', and what hiding cost."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillwatch import __version__
from stillwatch.benchmark.baselines.oracle import PRECISE
from stillwatch.benchmark.frontier.evasions import BASE, Curve, Evasion, curves, evasions
from stillwatch.benchmark.frontier.ledger import POINT_SCHEMA, Key, Ledger, build
from stillwatch.benchmark.measure import Share
from stillwatch.benchmark.plain import share
from stillwatch.benchmark.suite import LARGEST, SMALLEST, Part, measured
from stillwatch.errors import UsageError

MOST_SEEDS = 20
MEASURES = (
    "precision", "recall", "recall_few", "false_accounts", "false_groups", "ambiguous_honest", "operators_in_review",
    "victims_named_operator", "permitted_accused",
)  # fmt: skip
"""Shares of a world's measure that a point keeps, beside the campaigns found."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """One world to measure."""

    evasion: Evasion
    seed: int
    scale: float

    @property
    def key(self) -> Key:
        """What it is called in the ledger."""
        return self.evasion.name, self.seed, self.scale


@dataclass(frozen=True)
class Plan:
    """What is to be measured: every evasion of the curves on every seed."""

    curves: tuple[Curve, ...]
    seeds: tuple[int, ...]
    scale: float

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All worlds; a seed's curves are whole before the next seed begins."""
        return tuple(Task(one, seed, self._scale(one)) for seed in self.seeds for one in evasions(self.curves))

    def _scale(self, evasion: Evasion) -> float:
        return round(min(self.scale * evasion.factor, LARGEST), 6)


def planned(
    *, full: bool, only: Sequence[str] = (), seed: int | None = None, seeds: int = 1, scale: float | None = None
) -> Plan:
    """The plan that options ask for: seeds count on from the first, worlds are small unless `full`.

    Raises:
        UsageError: no such axis, a scale that makes no world, a negative seed, or not 1 to 20 seeds.
    """
    first = 521 if seed is None else seed
    size = (1.0 if full else 0.2) if scale is None else scale
    if first < 0:
        raise UsageError("a seed is no negative number", found=str(first))
    if not 1 <= seeds <= MOST_SEEDS:
        raise UsageError("so many seeds cannot be run", found=str(seeds), wanted=f"1 to {MOST_SEEDS}")
    if not SMALLEST <= size <= LARGEST:
        raise UsageError("the scale makes no world", found=f"{size:g}", wanted=f"{SMALLEST:g} to {LARGEST:g}")
    return Plan(curves(full=full, only=only), tuple(range(first, first + seeds)), size)


def run(plan: Plan, ledger: Ledger, tell: Tell = lambda _: None) -> Iterator[dict[str, Any]]:
    """Measure what the ledger lacks, one world after the other; each point is kept, then given."""
    for task in plan.tasks:
        if ledger.get(task.key) is None:
            record = point(task, tell)
            ledger.add(record)
            yield record


def point(task: Task, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Simulate a world, find the campaigns in it, and measure the answer, its rivals and the operators' cost."""
    begun, part = time.monotonic(), Part(BASE, task.seed, task.scale, rivals=True)
    world = measured(part, task.evasion.scenario(), lambda said: tell(f"{task.evasion.name}, {said}"))
    return recorded(task, world) | {"seconds": round(time.monotonic() - begun, 1)}


def recorded(task: Task, world: Mapping[str, Any]) -> dict[str, Any]:
    """What a point keeps of a measured world (`suite.judged`); `seconds`, which the clock knows, are not in it."""
    campaigns, held = world["campaigns"], world["measure"]
    found = [row["matched"] for row in held["recovered"]]
    return {
        "schema": POINT_SCHEMA,
        "version": __version__,
        "build": build(),
        "evasion": task.evasion.name,
        "settings": list(task.evasion.settings),
        "seed": task.seed,
        "scale": task.scale,
        **{name: world[name] for name in ("exchanges", "accounts", "peak_mib")},
        "members": sum(row["accounts"] for row in campaigns),
        "largest": max((row["accounts"] for row in campaigns), default=0),
        "extraction_exchanges": sum(row["extraction_exchanges"] for row in campaigns),
        "dollars": _dollars(campaigns),
        "measure": {"campaigns": share(Share(sum(found), len(found))), **{name: held[name] for name in MEASURES}},
        "rivals": [_rival(row) for row in world["rivals"]],
    }


def _dollars(campaigns: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What all campaigns paid, by what they paid for, at the assumed prices of `worlds.operators.costs`."""
    items: Counter[str] = Counter()
    for row in campaigns:
        items.update(row["cost"]["dollars"])
    return {name: round(items[name], 2) for name in sorted(items) if name != "each_extraction" and items[name]}


def _rival(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rival at its most recall with a precision of 99 % or more."""
    best = next(at for at in row["points"] if at["name"] == PRECISE)
    return {"name": row["name"], **{name: best[name] for name in ("setting", "recall", "precision", "false_accounts")}}
