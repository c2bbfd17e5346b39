"""What was measured, as rows and as lines of text."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from paraphrase.measure import Measured, Outcome, threshold
from paraphrase.plan import Cell
from stillwatch.stats import clopper_pearson

BAR = 1.0
RATE = 1e-4
HEAD = (
    f"  {'set':24}{'method':20}{'families':>9}{'median':>8}  {'above 1 nat':32}{'at 1e-4':32}"
    f"{'product > 1':14}honest > 1"
)


def share(values: Sequence[bool] | Any) -> dict[str, Any]:
    """k of n, with its exact bound of 95 %."""
    k, n = int(np.sum(values)), len(values)
    low, high = clopper_pearson(k, n) if n else (0.0, 1.0)
    return {"k": k, "n": n, "low": round(low, 4), "high": round(high, 4)}


def rows(cell: Cell, method: str, made: Measured, bar: float) -> list[dict[str, Any]]:
    """One row a set, and one over the published families with a wording for every account (`own wordings`) and over the
    others; `united` families, which this bench makes of several sets, stand in their own row alone."""
    grouped: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in made.outcomes:
        grouped[outcome.set].append(outcome)
        own = outcome.wordings >= len(outcome.members) or cell.axis != "account"
        if outcome.set != "united":
            grouped["all, own wordings" if own else "all, shared wordings"].append(outcome)
    return [_row(cell, method, name, own, bar) for name, own in sorted(grouped.items())]


def _row(cell: Cell, method: str, name: str, outcomes: list[Outcome], bar: float) -> dict[str, Any]:
    nats = np.concatenate([outcome.members for outcome in outcomes])
    product = np.concatenate([outcome.product for outcome in outcomes])
    honest = sum(int((outcome.honest > BAR).sum()) for outcome in outcomes)
    templated = sum(int((outcome.honest[outcome.templated] > BAR).sum()) for outcome in outcomes)
    pairs = sum(outcome.n_honest for outcome in outcomes)
    return {
        "axis": cell.axis, "accounts": cell.accounts, "cover": cell.cover, "hostile": cell.hostile,
        "method": method, "set": name, "families": len(outcomes), "median": round(float(np.median(nats)), 2),
        "above": share(nats > BAR),
        "product": share(product > BAR), "at_rate": share(nats > bar), "bar": round(bar, 2),
        "families_above_half": sum(float(np.mean(outcome.members > BAR)) >= 0.5 for outcome in outcomes),
        "honest_above": {"k": honest, "pairs": pairs, "templated": templated},
    }  # fmt: skip


def bars(made: Sequence[Measured]) -> float:
    """The nats of a method that one honest account in ten thousand has for a campaign, over all worlds."""
    return threshold([outcome for measured in made for outcome in measured.outcomes], RATE)


def lines(made: list[dict[str, Any]]) -> list[str]:
    """A table a cell."""
    out: list[str] = []
    seen: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in made:
        seen[row["axis"], row["accounts"], row["cover"], row["hostile"]].append(row)
    for (axis, accounts, cover, hostile), own in seen.items():
        out += ["", str(Cell(axis, accounts, cover, hostile))]
        out.append(HEAD)
        out += [_line(row) for row in sorted(own, key=lambda row: (not row["set"].startswith("all"), row["set"]))]
    return out


def _line(row: dict[str, Any]) -> str:
    honest, product = row["honest_above"], row["product"]
    met = f"{honest['k']:,}/{honest['pairs']:,} ({honest['templated']:,})"
    return (
        f"  {row['set']:24}{row['method']:20}{row['families']:9}{row['median']:8.2f}  {_said(row['above']):32}"
        f"{_said(row['at_rate']):32}{product['k']:,}/{product['n']:<8,} {met}"
    )


def _said(part: dict[str, Any]) -> str:
    rate = part["k"] / part["n"] if part["n"] else 0.0
    return f"{part['k']:,}/{part['n']:,} {rate:.3f} [{part['low']:.3f}, {part['high']:.3f}]"
