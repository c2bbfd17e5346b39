"""Where circles and dots stand: packed circles that do not overlap, and sunflowers. Pure and deterministic geometry."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GOLDEN = math.pi * (3.0 - math.sqrt(5.0))
"""The golden angle: seeds turned by it stand evenly at any number (Vogel, A better way to construct the sunflower head,
Mathematical Biosciences 44, 1979)."""

TOUCH = 1e-9
"""Overlap that rounding makes of circles that touch, relative to their radii."""


@dataclass(frozen=True)
class Circle:
    """A circle in the plane; y grows downwards, as in SVG."""

    x: float
    y: float
    r: float


def sunflower(count: int, spacing: float) -> list[tuple[float, float]]:
    """Points from the centre outwards, each with an area of pi·spacing² of its own; none nearer than 1.5 spacings. One
    point alone is the centre."""
    if count == 1:
        return [(0.0, 0.0)]
    return [
        (radius * math.cos(at * GOLDEN), radius * math.sin(at * GOLDEN))
        for at in range(count)
        for radius in (spacing * math.sqrt(at + 0.5),)
    ]


def packed(radii: Sequence[float], aspect: float = 1.0) -> list[Circle]:
    """Circles of these radii that do not overlap, in the order of the radii, heaped around the origin.

    The largest is placed first; each next one goes where it touches two circles that touch each other, or one at its
    left or right: to the free place nearest to the origin, with the width counted 1/aspect. About n² steps.
    """
    order = sorted(range(len(radii)), key=lambda at: (-radii[at], at))
    placed: list[Circle] = []
    contacts: list[tuple[int, int]] = []
    for at in order:
        circle, touched = _place(placed, contacts, radii[at], aspect)
        contacts += [(other, len(placed)) for other in touched]
        placed.append(circle)
    places = dict(zip(order, placed, strict=True))
    return [places[at] for at in range(len(radii))]


def bounds(circles: Sequence[Circle]) -> tuple[float, float, float, float]:
    """Left, top, width and height of the smallest upright box around the circles; nothing of none."""
    if not circles:
        return 0.0, 0.0, 0.0, 0.0
    left, top = min(c.x - c.r for c in circles), min(c.y - c.r for c in circles)
    return left, top, max(c.x + c.r for c in circles) - left, max(c.y + c.r for c in circles) - top


def _place(
    placed: list[Circle], contacts: list[tuple[int, int]], r: float, aspect: float
) -> tuple[Circle, tuple[int, ...]]:
    """The next circle, and the places of those that it touches."""
    if not placed:
        return Circle(0.0, 0.0, r), ()
    found: list[tuple[Circle, tuple[int, ...]]] = [
        (Circle(c.x + side * (c.r + r), c.y, r), (at,)) for at, c in enumerate(placed) for side in (1, -1)
    ]
    found += [(c, pair) for pair in contacts for c in _touching(placed[pair[0]], placed[pair[1]], r)]
    for circle, touched in sorted(found, key=lambda one: (one[0].x / aspect) ** 2 + one[0].y ** 2):
        if not any(_overlap(circle, other) for other in placed):
            return circle, touched
    return Circle(max(c.x + c.r for c in placed) + r, 0.0, r), ()


def _touching(a: Circle, b: Circle, r: float) -> Iterator[Circle]:
    """The two circles of radius r that touch both of two circles that touch each other."""
    to_a, to_b, apart = a.r + r, b.r + r, math.hypot(b.x - a.x, b.y - a.y)
    along = (to_a**2 - to_b**2 + apart**2) / (2 * apart)
    aside = math.sqrt(max(to_a**2 - along**2, 0.0))
    ux, uy = (b.x - a.x) / apart, (b.y - a.y) / apart
    for side in (aside, -aside):
        yield Circle(a.x + along * ux - side * uy, a.y + along * uy + side * ux, r)


def _overlap(a: Circle, b: Circle) -> bool:
    reach = (a.r + b.r) * (1.0 - TOUCH)
    return (a.x - b.x) ** 2 + (a.y - b.y) ** 2 < reach**2
