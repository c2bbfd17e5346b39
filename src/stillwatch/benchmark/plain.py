"""Measures as JSON can say them: every share as k, n and its exact 95 % bounds."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from stillwatch.benchmark.measure import Share

PER = 100_000
"""Honest accounts by which false accusations are counted."""


def share(held: Share) -> dict[str, float]:
    """k, n and the exact 95 % bounds."""
    low, high = held.bounds()
    return {"k": held.k, "n": held.n, "low": round(low, 6), "high": round(high, 6)}


def per(held: Share) -> dict[str, float]:
    """A share as so many in 100,000, with its exact 95 % bounds."""
    low, high = held.bounds()
    rate = held.k / held.n if held.n else 0.0
    return {"low": round(low * PER, 2), "rate": round(rate * PER, 2), "high": round(high * PER, 2)}


def plain(value: Any) -> Any:
    """The same of values that `dataclasses.asdict` made: shares with their bounds, numbers that JSON can say."""
    if isinstance(value, dict):
        if value.keys() == {"k", "n"}:
            return share(Share(value["k"], value["n"]))
        return {name: plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def together(worlds: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What may be added up over different worlds: who was accused wrongly, and whether stated certainty was true.

    Recall is not among it: worlds differ in how well campaigns hide.
    """
    held = list(worlds)
    measures = [world["measure"] for world in held]
    false = added(measure["false_accounts"] for measure in measures)
    cohorts = sorted({name for measure in measures for name in measure["accused_by_cohort"]})
    return {
        "false_accounts": share(false),
        "per_100k_honest": per(false),
        "accused_by_cohort": {
            name: share(added(m["accused_by_cohort"][name] for m in measures if name in m["accused_by_cohort"]))
            for name in cohorts
        },
        **{name: share(added(m[name] for m in measures)) for name in ("victims_named_operator", "permitted_accused",
                                                                     "ambiguous_honest")},
        "probabilities": _bins([row for world in held for row in world["probabilities"]]),
        "likelihoods": _words([row for world in held for row in world["likelihoods"]]),
    }  # fmt: skip


def added(shares: Iterable[Mapping[str, Any]]) -> Share:
    """Counts of several shares as one."""
    held = list(shares)
    return Share(sum(one["k"] for one in held), sum(one["n"] for one in held))


def _bins(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for low, high in sorted({(row["low"], row["high"]) for row in rows}):
        mine = [row for row in rows if (row["low"], row["high"]) == (low, high)]
        operators = added(row["operators"] for row in mine)
        stated = sum(row["stated"] * row["operators"]["n"] for row in mine) / max(operators.n, 1)
        out.append({"low": low, "high": high, "stated": round(stated, 4), "operators": share(operators)})
    return out


def _words(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = sorted({(row["low"], row["high"], row["word"]) for row in rows})
    return [
        {
            "word": word,
            "low": low,
            "high": high,
            "campaigns": share(added(row["campaigns"] for row in rows if row["word"] == word)),
        }
        for low, high, word in keys
    ]
