"""The page of the evasion frontier (stillwatch/frontier/v1): curves of what is found against what hiding costs.

Bad points stand first. Every string of the result is text of others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stillwatch.console.benchmark import Line, interval, rate, told
from stillwatch.console.curves import Chart, Value, against_money, over_steps, staircase
from stillwatch.console.frame import filled
from stillwatch.console.text import counted, listed, percent

Held = Mapping[str, Any]

GOODS = {
    "accounts": "accounts",
    "cards": "cards",
    "shared_exits": "shared exits",
    "rented": "rented exits",
    "stolen_keys": "stolen keys",
    "paraphrases": "rewordings",
    "wordings": "wordings of members’ own",
    "cover": "cover exchanges",
    "repeats": "items asked twice",
    "extraction": "the extraction itself",
    "domains": "mail domains",
    "offices": "offices",
    "apps": "client programs",
}
WRONGED = {
    "victims_named_operator": "owners of stolen keys are accused",
    "permitted_accused": "permitted accounts are accused",
    "ambiguous_honest": "honest accounts stand in a group for review",
}
LEAST_PRECISION = 0.99


@dataclass(frozen=True)
class Row:
    """One point as tables show it: its place among all, the worst first; ours as an interval, the best rival's mark."""

    number: int
    raw: Held
    found: Line
    best: Held | None
    goods: str


@dataclass(frozen=True)
class Axis:
    """One curve: what it shows in a sentence, its charts if its values have an order, its rows with the worst first."""

    number: int
    raw: Held
    heading: str
    recall: Chart | None
    dollars: Chart | None
    rows: tuple[tuple[str, Row], ...]


def page(result: Held) -> str:
    """A frontier as one HTML document."""
    rows = {row.raw["evasion"]: row for row in map(_row, range(1, len(result["points"]) + 1), result["points"])}
    money = _money(result["points"])
    return filled(
        "frontier.html",
        "benchmark.css",
        "frontier.css",
        result=result,
        lead=lead(result),
        worst=worst(result),
        rows=list(rows.values()),
        money=money,
        stairs=[_stairs(result, money, whose, at) for at, whose in enumerate(("ours", "rivals"))],
        axes=[_axis(number, curve, rows) for number, curve in enumerate(result["curves"], 1)],
        rivals=list(dict.fromkeys(rival["name"] for point in result["points"] for rival in point["rivals"])),
        bought=_bought(result),
    )


def lead(result: Held) -> str:
    """What hiding does to detection, in three sentences."""
    points = result["points"]
    if not points:
        return "Nothing is measured yet."
    hidden = [rate(point["measure"]["recall"]) for point in points if point["measure"]["recall"]["n"]]
    wronged = sum(point["measure"]["false_accounts"]["k"] > 0 for point in points)
    spread = f"between {percent(min(hidden))} and {percent(max(hidden))}" if hidden else "none"
    wrongly = f"an honest account is accused at {wronged:,}" if wronged else "nobody honest is accused at any"
    return (
        f"Simulated campaigns hid in {counted(len(points), 'way')}. Of their members with four extraction exchanges or "
        f"more, Stillwatch finds {spread}. At {counted(len(result['exceptions']), 'point')} a rival that knows the "
        f"truth finds more; {wrongly}."
    )


def worst(result: Held) -> list[str]:
    """The figures that speak most against the product, each in a sentence."""
    points = result["points"]
    return [
        *_unmeasured(result),
        *_least_found(points),
        *_behind(result["exceptions"]),
        *_accused(points),
        *_imprecise(points),
        *_wronged(points),
    ]


def _unmeasured(result: Held) -> Iterable[str]:
    left = result["planned"] - result["measured"]
    if left:
        yield f"Of {counted(result['planned'], 'world')}, {left} are not measured yet: the same command goes on."


def _least_found(points: list[Held]) -> Iterable[str]:
    held = [point for point in points if point["measure"]["recall"]["n"]]
    if held:
        names = [f"{p['evasion']} ({told(p['measure']['recall'])}, ${p['dollars']['total']:,.0f})" for p in held[:5]]
        yield f"The fewest members are found at {listed(names)}; dollars are for 1,000 extraction exchanges."


def _behind(exceptions: list[Held]) -> Iterable[str]:
    if exceptions:
        names = []
        for row in exceptions:
            theirs, ours = percent(rate(row["rival_recall"])), percent(rate(row["recall"]))
            names.append(f"{row['evasion']} ({row['rival']} {theirs}, ours {ours})")
        yield f"A rival with the oracle’s threshold at 99 % precision finds more members at {listed(names)}."


def _accused(points: list[Held]) -> Iterable[str]:
    wrong = [point for point in points if point["measure"]["false_accounts"]["k"]]
    if wrong:
        most = max(wrong, key=lambda point: rate(point["measure"]["false_accounts"]))
        yield (
            f"Honest accounts are accused at {_of(wrong, points)}, the most at {most['evasion']} "
            f"({told(most['measure']['false_accounts'])})."
        )
    elif points:
        widest = max(points, key=lambda point: point["per_100k_honest"]["high"])
        yield (
            f"No honest account is accused at any point; what that bears out is at most "
            f"{widest['per_100k_honest']['high']:,.0f} in 100,000 at each, with 95 % confidence. All points of a seed "
            "hold the same honest accounts, so that more points do not narrow it: more seeds do."
        )


def _imprecise(points: list[Held]) -> Iterable[str]:
    held = [point for point in points if point["measure"]["precision"]["n"]]
    low = [point for point in held if rate(point["measure"]["precision"]) < LEAST_PRECISION]
    if low:
        least = min(low, key=lambda point: rate(point["measure"]["precision"]))
        yield (
            f"Fewer than 99 % of the accused are operators at {_of(low, points)}, the fewest at {least['evasion']} "
            f"({told(least['measure']['precision'])})."
        )


def _of(some: list[Held], points: list[Held]) -> str:
    """How many of the points, by name where they are few."""
    if len(some) == len(points) > 1:
        return f"all {len(points)} points"
    if len(some) > 8:
        return f"{len(some)} of {counted(len(points), 'point')}"
    return listed([point["evasion"] for point in some])


def _wronged(points: list[Held]) -> Iterable[str]:
    for name, words in WRONGED.items():
        point = max(points, key=lambda at: rate(at["measure"][name]), default=None)
        if point and point["measure"][name]["k"]:
            yield f"{told(point['measure'][name])} {words} at {point['evasion']}, the most of all points."


def _row(number: int, point: Held) -> Row:
    best = point["rivals"][0] if point["rivals"] else None
    mark = round(100.0 * rate(best["recall"]), 2) if best else None
    return Row(number, point, interval("", point["measure"]["recall"], mark=mark), best, _goods(point["dollars"]))


def _goods(dollars: Held) -> str:
    """What is paid for, the dearest first; what is under a cent is left out."""
    paid = sorted(((amount, name) for name, amount in dollars.items() if name != "total"), reverse=True)
    return listed([f"{GOODS.get(name, name)} ${amount:,.2f}" for amount, name in paid if amount >= 0.01])


def _value(share: Held, name: str) -> Value:
    return (rate(share), share["low"], share["high"], f"{name}: {told(share)}") if share["n"] else None


def _money(points: list[Held]) -> Chart:
    """Recall against dollars: ours, then the best rival's; a point at which nobody can be found is left out."""
    shown = [point for point in points if point["measure"]["recall"]["n"]]
    numbers = [str(number) for number, point in enumerate(points, 1) if point["measure"]["recall"]["n"]]
    ours, rivals = [], []
    for point in shown:
        paid = point["dollars"]["total"]
        ours.append((paid, _value(point["measure"]["recall"], f"{point['evasion']}, ${paid:,.0f}")))
        if point["rivals"]:
            best = point["rivals"][0]
            rivals.append((paid, _value(best["recall"], f"{point['evasion']}, {best['name']}")))
    return against_money((ours, rivals), numbers)


def _stairs(result: Held, money: Chart, whose: str, at: int) -> str:
    """The line of the cheapest evasions through one series of the money plot."""
    shown = [point["evasion"] for point in result["points"] if point["measure"]["recall"]["n"]]
    places = dict(zip(shown, money.series[at].dots, strict=False))
    return staircase([places[row["evasion"]] for row in result["cheapest"][whose] if row["evasion"] in places])


def _bought(result: Held) -> str:
    """What an operator gets for money, as a heading."""
    steps = result["cheapest"]["ours"]
    if len(steps) < 2:
        return "Recall against the operator’s cost"
    first, last = steps[0], steps[-1]
    return (
        f"Hiding is bought: from ${first['dollars']:,.0f} and {percent(first['recall'])} found to "
        f"${last['dollars']:,.0f} and {percent(last['recall'])}"
    )


def _axis(number: int, curve: Held, rows: Mapping[str, Row]) -> Axis:
    steps = [(step["value"], rows.get(step["evasion"])) for step in curve["steps"]]
    measured = [(value, row) for value, row in steps if row]
    recall, dollars = _charts(steps) if curve["ordered"] and measured else (None, None)
    ranked = sorted(measured, key=lambda pair: pair[1].number)
    return Axis(number, curve, _heading(curve, measured), recall, dollars, tuple(ranked))


def _charts(steps: list[tuple[str, Row | None]]) -> tuple[Chart, Chart]:
    """Members found, ours and the best rival's, and what 1,000 exchanges cost; steps that are not measured are gaps."""
    names = [value for value, _ in steps]
    paid = [_paid(value, row) for value, row in steps]
    most = 1.15 * max([1.0, *(value[0] for value in paid if value)])
    found = [_ours(value, row) for value, row in steps], [_best(value, row) for value, row in steps]
    return over_steps(names, found), over_steps(names, (paid,), most)


def _ours(step: str, row: Row | None) -> Value:
    return _value(row.raw["measure"]["recall"], step) if row else None


def _best(step: str, row: Row | None) -> Value:
    return _value(row.best["recall"], f"{step}, {row.best['name']}") if row and row.best else None


def _paid(step: str, row: Row | None) -> Value:
    dollars = row.raw["dollars"]["total"] if row else None
    return None if dollars is None else (dollars, dollars, dollars, f"{step}: ${dollars:,.2f}")


def _heading(curve: Held, measured: list[tuple[str, Row]]) -> str:
    """From the first value to the one at which the fewest are found."""
    held = [(value, row.raw) for value, row in measured if row.raw["measure"]["recall"]["n"]]
    if not held:
        return f"{curve['axis']}: nothing is measured"
    (first, begun), (value, least) = held[0], min(held, key=lambda pair: rate(pair[1]["measure"]["recall"]))
    if least is begun:
        return f"{curve['axis']}: nothing hides better than {first}, {_both(begun)}"
    return f"{curve['axis']}: {_both(begun)} at {first}, {_both(least)} at {value}"


def _both(point: Held) -> str:
    return f"{percent(rate(point['measure']['recall']))} found for ${point['dollars']['total']:,.0f}"
