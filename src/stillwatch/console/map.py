"""The packed map: every finding a circle, in it one dot a member, the tested core in the middle."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stillwatch.console.packing import Circle, bounds, packed, sunflower
from stillwatch.console.words import accuses
from stillwatch.records import ACCUSING

WIDTH = 720.0
ASPECT = 1.8
"""Units of the map's view and its width over its height, about."""

FILL = 0.52
"""Share of the view's box that circles cover, about."""

WIDEST = 12.0
"""Units between dots at most: a map of few members stays a map."""

SMALLEST = 17.0
"""Units of a circle's radius at least, so that its number can be read and hit."""

DOTS = 20_000
"""Dots on a map at most. Above it a dot stands for several members, and the map says for how many."""

CIRCLES = 250
"""Circles on a map at most; smaller findings stand in the list only."""

SHAPES = ("accused", "named", "victim", "other")
"""Kinds of dots, each with a shape of its own, in the order in which they are drawn from the middle of their ring."""


@dataclass(frozen=True)
class Blob:
    """A finding on the map: its circle, the radius of its core, and one SVG path for each kind of dots."""

    number: int
    finding: dict[str, Any]
    circle: Circle
    core: float
    paths: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Map:
    """The whole map. `each` is how many members a dot stands for; `left_out` findings were too many to draw."""

    view: tuple[float, float, float, float]
    dot: float
    blobs: tuple[Blob, ...]
    each: int
    left_out: int


def shape(finding: dict[str, Any], member: dict[str, Any]) -> str:
    """The kind of dot for a member: accused; a stolen key's owner; named though it shares the work, in a finding that
    accuses others; any other. Runs of older versions call such a member an operator."""
    if accuses(finding, member):
        return "accused"
    if member["role"] == "victim":
        return "victim"
    return "named" if member["role"] in ACCUSING or member.get("estimate") is not None else "other"


def packed_map(findings: Sequence[dict[str, Any]]) -> Map:
    """A map of the findings, which are numbered from 1 in the order given."""
    drawn = sorted(enumerate(findings, 1), key=lambda one: (-len(one[1]["members"]), one[0]))[:CIRCLES]
    members = sum(len(finding["members"]) for _, finding in drawn)
    each = -(-members // DOTS) or 1
    rings = [_rings(finding, each) for _, finding in drawn]
    spacing = _spacing([sum(count for _, _, count in ring) for ring in rings])
    circles = packed([_radius(ring, spacing) + 3 for ring in rings], ASPECT)
    blobs = [
        _blob(number, finding, circle, ring, spacing)
        for (number, finding), circle, ring in zip(drawn, circles, rings, strict=True)
    ]
    left, top, wide, high = bounds(circles)
    room = max(WIDTH - wide, 0.0)
    view = (left - room / 2 - 8, top - 16, wide + room + 16, high + 28)
    shown = tuple(sorted(blobs, key=lambda blob: blob.number))
    return Map(view, round(spacing * 1.16, 2), shown, each, len(findings) - len(drawn))


def _rings(finding: dict[str, Any], each: int) -> list[tuple[bool, str, int]]:
    """(core, kind, dots): the core in the middle, and in each ring the kinds in order; rounded up, so that a kind with
    one member has its dot."""
    counts: dict[tuple[bool, str], int] = {}
    for member in finding["members"]:
        key = (bool(member["core"]), shape(finding, member))
        counts[key] = counts.get(key, 0) + 1
    order = [(core, kind) for core in (True, False) for kind in SHAPES]
    return [(*key, -(-counts[key] // each)) for key in order if key in counts]


def _spacing(dots: Sequence[int]) -> float:
    area = sum(count + 6.0 * math.sqrt(count) + 4.0 for count in dots)
    return min(WIDEST, math.sqrt(FILL * WIDTH * WIDTH / ASPECT / (math.pi * max(area, 1.0))))


def _radius(rings: list[tuple[bool, str, int]], spacing: float) -> float:
    core, gap, rest = _parts(rings)
    return max(spacing * (math.sqrt(core + gap + rest) + 1.2), SMALLEST)


def _parts(rings: list[tuple[bool, str, int]]) -> tuple[int, int, int]:
    """Dots of the core, places left free around it for the dashed ring, and dots outside."""
    core = sum(count for inner, _, count in rings if inner)
    rest = sum(count for inner, _, count in rings if not inner)
    return core, math.ceil(2.8 * math.sqrt(core) + 2.0) if core and rest else 0, rest


def _blob(
    number: int, finding: dict[str, Any], circle: Circle, rings: list[tuple[bool, str, int]], spacing: float
) -> Blob:
    core, gap, rest = _parts(rings)
    points = sunflower(core + gap + rest, spacing)
    del points[core : core + gap]
    paths: dict[str, list[tuple[float, float]]] = {}
    at = 0
    for _, kind, count in rings:
        paths.setdefault(kind, []).extend(points[at : at + count])
        at += count
    drawn = [(kind, dotted(paths[kind], circle, spacing, kind)) for kind in SHAPES if kind in paths]
    ring = round(spacing * (math.sqrt(core) + 0.7), 1) if gap else 0.0
    shown = Circle(round(circle.x, 1), round(circle.y, 1), round(circle.r - 3, 1))
    return Blob(number, finding, shown, ring, tuple(drawn))


def dotted(points: Iterable[tuple[float, float]], circle: Circle, spacing: float, kind: str) -> str:
    """One path of all dots: each a line of next to no length, which its round or square cap makes a dot; a cross for
    victims. (A square cap on a line of no length is not printed by Chromium.)

    Places are told relative to the one before, in tenths of a unit, which keeps 25,000 dots under 300 kB.
    """
    arm = max(round(spacing * 4), 4)
    length = ".1" if kind == "other" else "0"
    path, here = [], (0, 0)
    for x, y in points:
        there = (round((circle.x + x) * 10), round((circle.y + y) * 10))
        if kind == "victim":
            start = (there[0] - arm, there[1] - arm)
            path.append(f"m{_pair(start, here)}l{_pair((2 * arm, 2 * arm), (0, 0))}m{_pair((-2 * arm, 0), (0, 0))}"
                        f"l{_pair((2 * arm, -2 * arm), (0, 0))}")  # fmt: skip
            here = (there[0] + arm, there[1] - arm)
        else:
            path.append(f"m{_pair(there, here)}h{length}")
            here = (there[0] + (kind == "other"), there[1])
    return "".join(path)


def _pair(there: tuple[int, int], here: tuple[int, int]) -> str:
    x, y = _tenths(there[0] - here[0]), _tenths(there[1] - here[1])
    return f"{x}{y}" if y.startswith("-") else f"{x} {y}"


def _tenths(value: int) -> str:
    sign, size = "-" if value < 0 else "", abs(value)
    whole, tenth = divmod(size, 10)
    return f"{sign}{whole}.{tenth}".removesuffix(".0") if whole or not tenth else f"{sign}.{tenth}"
