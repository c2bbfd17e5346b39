"""Geometry of the frontier's drawings: curves over an axis' steps, and recall against money. No markup and no style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 46.0, 350.0, 12.0, 190.0
"""The area of a curve within a view of 360 by 232 units."""

WIDE, LOW = 590.0, 300.0
"""Right and bottom of the larger area of the money plot, within a view of 600 by 350 units."""

LETTERS = 12
"""Letters for which there is room at a step."""

NEAR = 14.0
"""Units within which a label of one dot would lie on that of another."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis, with what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A value with the ends of its interval; `title` says it in words, `label` is drawn beside it if there is room."""

    x: float
    y: float
    low: float
    high: float
    title: str
    label: str = ""


@dataclass(frozen=True)
class Series:
    """Dots and the line through them, broken where a value is missing."""

    dots: tuple[Dot, ...]
    path: str


@dataclass(frozen=True)
class Chart:
    """One or two series between axes."""

    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    series: tuple[Series, ...]


Value = tuple[float, float, float, str] | None
"""A number, its bounds, and its words; None where it was not measured."""

SHARES = tuple((share / 4, f"{25 * share} %") for share in range(5))


def over_steps(names: Sequence[str], series: Sequence[Sequence[Value]], most: float | None = None) -> Chart:
    """Curves over evenly spaced steps: shares from 0 to 1, or amounts from 0 to `most`."""
    places = [LEFT + (RIGHT - LEFT) * (at + 0.5) / max(len(names), 1) for at in range(len(names))]
    up = SHARES if most is None else tuple((amount / most, f"{amount:,.0f}") for amount in amounts(most))
    reach = 1.0 if most is None else most
    return Chart(
        across=tuple(Tick(round(x, 1), clipped(name)) for x, name in zip(places, names, strict=True)),
        up=tuple(Tick(_height(share, BOTTOM), text) for share, text in up),
        series=tuple(_series(places, [_scaled(value, reach) for value in values]) for values in series),
    )


def clipped(name: str) -> str:
    """A name that fits under its step."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def against_money(series: Sequence[Sequence[tuple[float, Value]]], labels: Sequence[str]) -> Chart:
    """Shares against dollars on a logarithmic axis; the first series bears labels where there is room."""
    paid = [dollars for values in series for dollars, _ in values if dollars > 0]
    least, most = math.log10(min(paid, default=1.0)) - 0.05, math.log10(max(paid, default=10.0)) + 0.05

    def place(dollars: float) -> float:
        return LEFT + (WIDE - LEFT) * (math.log10(max(dollars, 10**least)) - least) / (most - least)

    drawn = []
    for at, values in enumerate(series):
        told = [_dot(place(dollars), value, LOW) for dollars, value in values]
        dots = [dot for dot in told if dot]
        drawn.append(Series(tuple(_labelled(dots, labels) if not at else dots), ""))
    ticks = tuple(Tick(round(place(dollars), 1), f"{dollars:,.0f}") for dollars in decades(10**least, 10**most))
    return Chart(ticks, tuple(Tick(_height(share, LOW), text) for share, text in SHARES), tuple(drawn))


def staircase(dots: Sequence[Dot]) -> str:
    """A line that falls at each dot and stays until the next, then runs to the right end."""
    if not dots:
        return ""
    steps = "".join(f"H{dot.x:g}V{dot.y:g}" for dot in dots[1:])
    return f"M{dots[0].x:g} {dots[0].y:g}{steps}H{WIDE:g}"


def amounts(most: float) -> list[float]:
    """Zero and up to four round amounts that reach no further than `most`."""
    rough = most / 4
    unit = 10.0 ** math.floor(math.log10(max(rough, 1e-9)))
    step = next(unit * by for by in (1, 2, 5, 10) if unit * by >= rough)
    return [step * at for at in range(int(most / step + 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Round amounts of a logarithmic axis: 1, 2 and 5 times powers of ten, and more where few of these lie within."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        found = [by * 10.0**power for power in powers for by in steps if low <= by * 10.0**power <= high]
        if len(found) > 3:
            break
    return found


def _height(share: float, bottom: float) -> float:
    return round(bottom - (bottom - TOP) * min(max(share, 0.0), 1.0), 1)


def _scaled(value: Value, reach: float) -> Value:
    return value and (value[0] / reach, value[1] / reach, value[2] / reach, value[3])


def _dot(x: float, value: Value, bottom: float) -> Dot | None:
    if value is None:
        return None
    at, low, high, title = value
    return Dot(round(x, 1), _height(at, bottom), _height(low, bottom), _height(high, bottom), title)


def _series(places: Sequence[float], values: Sequence[Value]) -> Series:
    dots = [_dot(x, value, BOTTOM) for x, value in zip(places, values, strict=True)]
    path, pen = "", "M"
    for dot in dots:
        path += f"{pen}{dot.x:g} {dot.y:g}" if dot else ""
        pen = "L" if dot else "M"
    return Series(tuple(dot for dot in dots if dot), path)


def _labelled(dots: Sequence[Dot], labels: Sequence[str]) -> list[Dot]:
    """Each dot with its label, unless an earlier one's lies there."""
    out: list[Dot] = []
    for dot, label in zip(dots, labels, strict=True):
        free = not any(abs(dot.x - other.x) < NEAR and abs(dot.y - other.y) < NEAR for other in out if other.label)
        out.append(Dot(dot.x, dot.y, dot.low, dot.high, dot.title, label if free else ""))
    return out
