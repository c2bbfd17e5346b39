"""Circles do not overlap, dots stay inside, and the same sizes give the same picture."""

import itertools
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.console import map as map_module
from stillwatch.console.map import DOTS, SHAPES, Map, dotted, packed_map
from stillwatch.console.packing import Circle, bounds, packed, sunflower
from tests.console.answers import answer, finding, large

RADII = st.lists(st.floats(0.5, 500, allow_nan=False), max_size=24)


@given(RADII, st.sampled_from([1.0, 1.8]))
@settings(max_examples=150, deadline=None)
def test_packed_circles_do_not_overlap_and_keep_their_order(radii: list[float], aspect: float) -> None:
    circles = packed(radii, aspect)
    assert [c.r for c in circles] == radii
    for a, b in itertools.combinations(circles, 2):
        assert math.hypot(a.x - b.x, a.y - b.y) >= (a.r + b.r) * (1 - 1e-6)
    assert circles == packed(radii, aspect)


@pytest.mark.parametrize("count", [2, 7, 60, 120])
def test_equal_circles_lie_close(count: int) -> None:
    """Equal circles cover more than half of the box around them; hexagons would cover .91."""
    _, _, wide, high = bounds(packed([10.0] * count, 1.0))
    assert count * math.pi * 100 / (wide * high) > 0.5


def test_a_wide_aspect_gives_a_wide_picture() -> None:
    _, _, wide, high = bounds(packed([10.0] * 60, 1.8))
    assert 1.3 < wide / high < 2.6


def test_no_circle_is_no_box() -> None:
    assert packed([]) == [] and bounds([]) == (0, 0, 0, 0)


@pytest.mark.parametrize("count", [1, 2, 20, 1000])
def test_a_sunflower_grows_with_the_root_of_its_seeds_and_keeps_them_apart(count: int) -> None:
    points = sunflower(count, 2.0)
    assert len(points) == count
    assert max(math.hypot(x, y) for x, y in points) <= 2.0 * math.sqrt(count)
    near = min((math.dist(a, b) for a, b in itertools.combinations(points[:300], 2)), default=9.0)
    assert near >= 1.5 * 2.0


def points_of(path: str) -> list[tuple[float, float]]:
    """Where a path of dots puts them."""
    here, found = (0.0, 0.0), []
    for x, y, length in re.findall(r"m(-?[\d.]+?) ?(-?(?:\d+\.?\d*|\.\d+))h(0|\.1)", path):
        here = (here[0] + float(x), here[1] + float(y))
        found.append(here)
        here = (here[0] + float(length), here[1])
    return found


def test_relative_places_do_not_drift() -> None:
    points = sunflower(5_000, 1.7)
    shown = points_of(dotted(points, Circle(100, -50, 200), 1.7, "accused"))
    assert len(shown) == len(points)
    assert max(math.dist((x + 100, y - 50), at) for (x, y), at in zip(points, shown, strict=True)) < 0.08


def test_every_dot_stands_inside_its_circle_and_every_circle_in_the_view() -> None:
    drawn = packed_map(large(20, 2_000)["campaigns"])
    left, top, wide, high = drawn.view
    for blob in drawn.blobs:
        c = blob.circle
        assert left <= c.x - c.r and c.x + c.r <= left + wide and top <= c.y - c.r and c.y + c.r <= top + high
        for kind, path in blob.paths:
            assert kind in SHAPES
            if kind != "victim":
                assert all(math.dist((c.x, c.y), at) <= c.r for at in points_of(path))


def dots(drawn: Map) -> int:
    return sum(path.count("h") + path.count("m") // 2 * (kind == "victim")
               for blob in drawn.blobs for kind, path in blob.paths)  # fmt: skip


def test_each_member_has_a_dot() -> None:
    drawn = packed_map([finding(1, 20), finding(2, 133, "ambiguous")])
    assert (drawn.each, dots(drawn)) == (1, 153)


def test_too_many_members_are_drawn_as_density_and_none_of_a_kind_vanishes() -> None:
    findings = large(60, 3 * DOTS)["campaigns"]
    drawn = packed_map(findings)
    assert drawn.each == 3
    assert DOTS <= dots(drawn) <= DOTS + 8 * len(findings)


def test_too_many_findings_are_counted_and_the_largest_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_module, "CIRCLES", 60)
    drawn = packed_map([finding(at, 2 + at % 3) for at in range(60 + 7)])
    assert len(drawn.blobs) == 60 and drawn.left_out == 7


def test_the_map_of_an_answer_is_the_same_twice() -> None:
    findings = answer([finding(at, 3 * at + 1) for at in range(12)])["campaigns"]
    assert packed_map(findings) == packed_map(findings)
