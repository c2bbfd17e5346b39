"""Geometry of the drawings, as numbers and path strings that templates put into SVG; no markup and no style here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from stillwatch.console.words import asked

WIDTH, HEIGHT = 640, 100
"""Units of the view of the timeline's bars; days fill the width."""

DAYS = 120
"""Days up to which each has its own bar; in a longer period a bar is a week."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Mark:
    """A release on the timeline, `x` in percent of the width. `moved` says how the group moved to it, and is empty
    where it did not."""

    x: float
    letter: str
    model: str
    day: str
    moved: str


@dataclass(frozen=True)
class Timeline:
    """Exchanges a step (one day, or seven) over the run's period; `bars` and `spark` are SVG paths of filled shapes,
    and ticks stand at percents of the width."""

    bars: str
    spark: str
    step: int
    peak: int
    peak_day: str
    first: str
    last: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    unplaced: int


@dataclass(frozen=True)
class Bar:
    """One step of a waterfall on the axis of its question: from `x`, `width` wide, both in percent of the axis."""

    name: str
    because: str
    value: float
    after: float
    x: float
    width: float
    up: bool


@dataclass(frozen=True)
class Waterfall:
    """A question's bars from the prior to its log-odds; `zero` and `end` are places on the axis in percent."""

    question: str
    total: float
    bars: tuple[Bar, ...]
    zero: float
    end: float
    low: float
    high: float


def day_of(text: object) -> date | None:
    """The day that a time in ISO 8601 begins with, if it does."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def said(day: date | None, otherwise: object = "") -> str:
    """`5 Oct 2026`; a time that cannot be read stands as it came."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if day else str(otherwise)


def timeline(run: dict[str, Any], finding: dict[str, Any]) -> Timeline | None:
    """The finding's days over the run's period; nothing where the run does not hold them, as runs of 0.1.0 do not."""
    first, last = day_of(run["since"]), day_of(run["until"])
    days = [(day_of(row["day"]), int(row["exchanges"])) for row in finding.get("timeline") or ()]
    known = [(day, count) for day, count in days if day and first and last and first <= day <= last]
    if not known or not first or not last:
        return None
    step = 1 if (last - first).days < DAYS else 7
    counts = [0] * ((last - first).days // step + 1)
    for day, count in known:
        counts[(day - first).days // step] += count
    at = max(range(len(counts)), key=lambda place: (counts[place], -place))
    marks, unplaced = _marks(run, finding, first, last)
    return Timeline(
        bars=_columns(counts, WIDTH, HEIGHT),
        spark=_columns(counts, 120, 24),
        step=step,
        peak=counts[at],
        peak_day=said(first + timedelta(days=at * step)),
        first=said(first),
        last=said(last),
        ticks=tuple(_ticks(first, last)),
        marks=tuple(marks),
        unplaced=unplaced,
    )


def _columns(counts: Sequence[int], width: float, height: float) -> str:
    """Upright bars as one path; the highest reaches the top, and one with anything in it is at least visible."""
    most, wide = max(*counts, 1), width / len(counts)
    gap = min(wide * 0.18, 2.0)
    path = []
    for at, count in enumerate(counts):
        if count:
            tall = max(count / most * height, 1.5)
            path.append(f"M{at * wide + gap / 2:.1f} {height:.1f}v{-tall:.1f}h{wide - gap:.1f}v{tall:.1f}z")
    return "".join(path)


def _ticks(first: date, last: date) -> list[tuple[float, str]]:
    """At most six days to write below the axis, evenly apart, each with its place in percent."""
    span = (last - first).days + 1
    apart = next((days for days in (1, 2, 7, 14, 28, 56, 91, 182, 365) if span / days <= 6), span)
    return [
        (round(100 * (at + 0.5) / span, 2), f"{day.day} {MONTHS[day.month - 1]}")
        for at in range(0, span, apart)
        for day in (first + timedelta(days=at),)
        if (at + 0.5) / span < 0.95 or at == 0
    ]


def _marks(run: dict[str, Any], finding: dict[str, Any], first: date, last: date) -> tuple[list[Mark], int]:
    """Releases within the period with a letter each, and how many of them had no letter left or no readable time."""
    pivots = {(p["model"], p["released_at"]): p for p in finding["pivots"]}
    calendar = {(r["model"], r["released_at"]) for r in run.get("releases") or ()} | set(pivots)
    marks: list[Mark] = []
    for model, released in sorted(calendar, key=lambda one: (one[1], one[0])):
        day = day_of(released)
        if day is None or not first <= day <= last or len(marks) == len(LETTERS):
            continue
        pivot = pivots.get((model, released))
        x = 100 * ((day - first).days + _part_of_day(released)) / ((last - first).days + 1)
        moved = f"the group moved to it within {pivot['hours']:.0f} hours" if pivot else ""
        marks.append(Mark(round(x, 2), LETTERS[len(marks)], model, said(day), moved))
    return marks, len(calendar) - len(marks)


def _part_of_day(time: str) -> float:
    """How much of its day had passed, for a time such as 2026-10-21T17:00:00Z."""
    try:
        return (int(time[11:13]) + int(time[14:16]) / 60) / 24
    except ValueError:
        return 0.0


def waterfalls(finding: dict[str, Any]) -> list[Waterfall]:
    """The questions in order, each on an axis of its own that holds zero and every step."""
    return [_waterfall(finding, question) for question in asked(finding)]


def _waterfall(finding: dict[str, Any], question: str) -> Waterfall:
    terms = [term for term in finding["evidence"]["terms"] if term["question"] == question]
    steps: list[float] = [0.0]
    for term in terms:
        steps.append(steps[-1] + term["value"])
    total = float(finding["evidence"][question])
    low, high = min(*steps, 0.0, total), max(*steps, 0.0, total)
    span = max(high - low, 1e-9)

    def place(value: float) -> float:
        return float(round(100 * (value - low) / span, 2))

    bars = tuple(
        Bar(
            name=term["name"],
            because=term["because"],
            value=term["value"],
            after=steps[at + 1],
            x=min(place(steps[at]), place(steps[at + 1])),
            width=max(round(abs(place(steps[at + 1]) - place(steps[at])), 2), 0.6),
            up=term["value"] >= 0,
        )
        for at, term in enumerate(terms)
    )
    return Waterfall(question, total, bars, place(0.0), place(total), low, high)
