"""Measured points as one object: seeds added up, the worst first, exceptions by name, and the cheapest ways to hide.

Points are not added up over evasions: worlds of one seed hold the same honest accounts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from stillwatch import __version__
from stillwatch.benchmark import plain
from stillwatch.benchmark.frontier.evasions import BASE, evasions
from stillwatch.benchmark.frontier.ledger import Ledger, build
from stillwatch.benchmark.frontier.run import Plan
from stillwatch.benchmark.suite import machine

SCHEMA = "stillwatch/frontier/v1"
PER = 1_000
"""Extraction exchanges by which cost is counted."""

Row = dict[str, Any]


def summed(plan: Plan, ledger: Ledger, command: str) -> Row:
    """What is measured of a plan so far. docs/benchmark.md names every key."""
    held = [found for one in evasions(plan.curves) if (found := _measured(plan, ledger, one.name))]
    points = sorted(map(_point, held), key=_badness)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "build": build(),
        "command": command,
        "machine": machine(),
        "simulated": True,
        "base": BASE,
        "seeds": list(plan.seeds),
        "scale": plan.scale,
        "planned": len(plan.tasks),
        "measured": sum(map(len, held)),
        "seconds": round(sum(point["seconds"] for point in points), 1),
        "exceptions": _exceptions(points),
        "cheapest": {"ours": _cheapest(points, "recall"), "rivals": _cheapest(points, "rival_recall")},
        "points": points,
        "curves": [
            {
                "axis": curve.axis,
                "says": curve.says,
                "ordered": curve.ordered,
                "steps": [{"value": value, "evasion": evasion.name} for value, evasion in curve.steps],
            }
            for curve in plan.curves
        ],
    }


def _measured(plan: Plan, ledger: Ledger, name: str) -> list[Row]:
    found = (ledger.get(task.key) for task in plan.tasks if task.evasion.name == name)
    return [record for record in found if record is not None]


def _point(records: Sequence[Row]) -> Row:
    """The seeds of one evasion added up."""
    first = records[0]
    measure = {name: plain.added(row["measure"][name] for row in records) for name in first["measure"]}
    rivals = _rivals(records)
    ahead = bool(rivals) and rate(rivals[0]["recall"]) > rate(plain.share(measure["recall"]))
    return {
        **{name: first[name] for name in ("evasion", "settings", "scale")},
        **{name: sum(row[name] for row in records) for name in ("exchanges", "accounts", "members")},
        "extraction_exchanges": sum(row["extraction_exchanges"] for row in records),
        "largest_share": round(max(row["largest"] / row["accounts"] for row in records), 4),
        "dollars": _dollars(records),
        "measure": {name: plain.share(held) for name, held in measure.items()},
        "per_100k_honest": plain.per(measure["false_accounts"]),
        "rivals": rivals,
        "exception": ahead,
        "by_seed": [_seed(row) for row in records],
        "seconds": round(sum(row["seconds"] for row in records), 1),
        "peak_mib": max(row["peak_mib"] for row in records),
    }


def _rivals(records: Sequence[Row]) -> list[Row]:
    """Each rival over all seeds, each seed at its own best setting; the one that finds most stands first."""
    out = []
    for name in dict.fromkeys(rival["name"] for row in records for rival in row["rivals"]):
        mine = [rival for row in records for rival in row["rivals"] if rival["name"] == name]
        shares = {key: plain.share(plain.added(one[key] for one in mine))
                  for key in ("recall", "precision", "false_accounts")}  # fmt: skip
        out.append({"name": name, "settings": list(dict.fromkeys(one["setting"] for one in mine)), **shares})
    return sorted(out, key=lambda rival: (-rate(rival["recall"]), rival["name"]))


def _dollars(records: Sequence[Row]) -> dict[str, float]:
    """What 1,000 extraction exchanges cost the operators, by what they paid for, and in `total`."""
    items: Counter[str] = Counter()
    for row in records:
        items.update(row["dollars"])
    work = sum(row["extraction_exchanges"] for row in records)
    return {name: round(PER * paid / max(work, 1), 2) for name, paid in sorted(items.items())}


def _seed(record: Row) -> Row:
    best = max((rival["recall"] for rival in record["rivals"]), key=rate, default=None)
    dollars = _dollars([record])["total"]
    return {"seed": record["seed"], "recall": record["measure"]["recall"], "rival_recall": best, "dollars": dollars}


def rate(share: Row) -> float:
    """A share as a number; 0 where nobody could be counted."""
    return float(share["k"] / share["n"]) if share["n"] else 0.0


def _badness(point: Row) -> tuple[float, int, float, str]:
    """The fewest members found stand first, then the most honest accounts accused, then what costs least."""
    held = point["measure"]
    return rate(held["recall"]), -held["false_accounts"]["k"], point["dollars"]["total"], point["evasion"]


def _exceptions(points: Sequence[Row]) -> list[Row]:
    """Points at which a rival with the oracle finds more, the greatest lead first."""
    found = [
        {
            "evasion": point["evasion"],
            "rival": point["rivals"][0]["name"],
            "rival_recall": point["rivals"][0]["recall"],
            "recall": point["measure"]["recall"],
            "precision": point["measure"]["precision"],
        }
        for point in points
        if point["exception"]
    ]
    return sorted(found, key=lambda row: rate(row["recall"]) - rate(row["rival_recall"]))


def _cheapest(points: Sequence[Row], whose: str) -> list[Row]:
    """Evasions that nothing cheaper beats, by rising cost and falling recall: what an operator would choose among."""
    out: list[Row] = []
    for point in sorted(points, key=lambda at: (at["dollars"]["total"], _recall(at, whose), at["evasion"])):
        recall = _recall(point, whose)
        if point["measure"]["recall"]["n"] and (not out or recall < out[-1]["recall"]):
            out.append({"evasion": point["evasion"], "dollars": point["dollars"]["total"], "recall": recall})
    return out


def _recall(point: Row, whose: str) -> float:
    if whose == "recall":
        return round(rate(point["measure"]["recall"]), 4)
    return round(rate(point["rivals"][0]["recall"]), 4) if point["rivals"] else 0.0
