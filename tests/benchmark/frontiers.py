"""Measured points by hand, for the tests of the frontier's runner, page and keys."""

from pathlib import Path
from typing import Any

from stillwatch.benchmark.frontier.ledger import Ledger
from stillwatch.benchmark.frontier.run import Plan, Task, planned, recorded
from stillwatch.benchmark.frontier.summary import summed
from tests.benchmark.results import part, rival, world

COMMAND = "stillwatch benchmark --frontier --quick"
FOUND = {"mixed": 27, "cover=0": 30, "cover=.95": 12, "cover=.98": 2, "hard": 0}
"""Members found, of 30; at any other point 20."""


def record(task: Task, found: int | None = None, best: int = 10) -> dict[str, Any]:
    """A point at which so many of 30 members are found, and a rival finds `best`; who is found less pays more."""
    held = world(rivals=0)
    k = FOUND.get(task.evasion.name, 20) if found is None else found
    held["measure"]["recall"] = part(k, 30)
    held["rivals"] = [rival("co-action", 10), rival("volume rule", 1)]
    for at, row in enumerate(held["rivals"]):
        row["points"][-1] |= {"recall": part(0 if at else best, 30)}
    for row in held["campaigns"]:
        row["cost"] = {
            **row["cost"],
            "dollars": {"cards": 4.0, "cover": 32.0 - k, "total": 36.0 - k, "each_extraction": 0.3},
        }
    return recorded(task, held) | {"seconds": 2.0}


def measured(plan: Plan, folder: Path | None = None, **given: Any) -> Ledger:
    """A ledger with every point of a plan."""
    ledger = Ledger(folder)
    for task in plan.tasks:
        ledger.add(record(task, **given))
    return ledger


def frontier(**given: Any) -> dict[str, Any]:
    """The result of a quick plan of three curves."""
    plan = planned(full=False, only=("cover", "imitate", "together"))
    return summed(plan, measured(plan, **given), COMMAND)
