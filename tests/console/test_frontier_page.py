"""The frontier's page says what was counted, shows bad points first, and whatever stands in the result stays text."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stillwatch.benchmark.frontier.ledger import Ledger
from stillwatch.benchmark.frontier.run import planned
from stillwatch.benchmark.frontier.summary import summed
from stillwatch.console.curves import Dot, against_money, amounts, decades, over_steps, staircase
from stillwatch.console.frontier import lead, page, worst
from tests.benchmark.frontiers import COMMAND, frontier, record
from tests.console.browser import Browser, fits_and_runs_nothing
from tests.console.hostile import PAYLOADS, written
from tests.console.test_page import Reader

made = cache(frontier)


def hostile(text: str) -> str:
    """The page of a result with the text in every string of it, and in the names of what is paid for."""
    given = written(made(), text, structure=True)
    for point in given["points"]:
        point["dollars"] = {
            f"{text}{name}" if name != "total" else name: paid for name, paid in point["dollars"].items()
        }
    return page(given)


@cache
def harmless() -> list[tuple[str, tuple[str, ...]]]:
    """The elements of the page where every string is a letter."""
    return Reader(hostile("x")).shape


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_hostile_string_in_every_field_changes_no_element(number: int) -> None:
    found = hostile(PAYLOADS[number])
    assert Reader(found).shape == harmless()
    assert found.encode() and not [c for c in found if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]


def test_headings_say_what_was_found_and_bad_points_stand_first() -> None:
    found = page(frontier())
    text = Reader(found).text
    for said in (
        "Simulated campaigns hid in 8 ways.",
        "Stillwatch finds between 0 % and 100 %. At 2 points a rival that knows the truth finds more; an "
        "honest account is accused at 8.",
        "Hiding is bought: from $60 and 100 % found to $360 and 0 %",
        "cover: 100 % found for $60 at 0, 6.7 % found for $340 at .98",
        "the best of 2 rivals",
        "cover exchanges $320.00 and cards $40.00",
        "What this cannot say",
    ):
        assert said in text, said
    order = [found.index(f"{at} · <bdi>{name}</bdi>") for at, name in ((1, "hard"), (2, "cover=.98"), (8, "cover=0"))]
    assert order == sorted(order)
    assert found == page(frontier())


def test_the_worst_is_told() -> None:
    told = " ".join(worst(frontier()))
    for said in (
        "The fewest members are found at hard (0 of 30 (0 %), $360), cover=.98 (2 of 30 (6.7 %), $340)",
        "finds more members at hard (co-action 33.3 %, ours 0 %) and cover=.98 (co-action 33.3 %, ours 6.7 %).",
        "Honest accounts are accused at all 8 points, the most at hard (1 of 400 (0.25 %)).",
        "Fewer than 99 % of the accused are operators at all 8 points, the fewest at hard (27 of 30 (90.0 %)).",
        "2 of 5 (40.0 %) owners of stolen keys are accused at hard, the most of all points.",
    ):
        assert said in told, (said, told)


def test_where_nobody_honest_is_accused_the_bound_is_told() -> None:
    given = frontier()
    for point in given["points"]:
        point["measure"]["false_accounts"] |= {"k": 0}
    assert "No honest account is accused at any point; what that bears out is at most 1,385 in 100,000" in " ".join(
        worst(given)
    )


def unfinished() -> dict[str, Any]:
    """One of four worlds is measured, and in it nobody extracts four times."""
    plan = planned(full=False, only=("cover",))
    ledger = Ledger(None)
    held = record(plan.tasks[1])
    held["measure"]["recall"] = {"k": 0, "n": 0, "low": 0.0, "high": 1.0}
    held["rivals"] = []
    ledger.add(held)
    return summed(plan, ledger, COMMAND)


def test_a_run_that_is_not_done_has_a_page_and_says_so() -> None:
    plan = planned(full=False, only=("cover",))
    empty = summed(plan, Ledger(None), COMMAND)
    assert lead(empty) == "Nothing is measured yet." and Reader(page(empty)).text
    text = Reader(page(unfinished())).text
    assert "Of 4 worlds, 3 are not measured yet" in text and "nobody to find" in text


def test_a_curve_breaks_where_nothing_was_measured() -> None:
    value = (0.5, 0.25, 0.75, "half")
    chart = over_steps(("a", "b", "c"), ([value, None, value],))
    (series,) = chart.series
    assert [tick.text for tick in chart.across] == ["a", "b", "c"] and len(series.dots) == 2
    assert series.path.count("M") == 2 and "L" not in series.path
    assert series.dots[0].y == 101.0 and series.dots[0].low > series.dots[0].y > series.dots[0].high


def test_money_lies_on_a_logarithmic_axis_and_labels_do_not_overlap() -> None:
    value = (0.5, 0.25, 0.75, "half")
    chart = against_money(([(10.0, value), (10.1, value), (1000.0, value)], [(100.0, value)]), ("1", "2", "3"))
    ours, rivals = chart.series
    assert [dot.label for dot in ours.dots] == ["1", "", "3"]
    assert rivals.dots[0].x == pytest.approx((ours.dots[0].x + ours.dots[2].x) / 2, abs=0.2)
    assert against_money(([], []), ()).across


@pytest.mark.parametrize(
    ("most", "told"), [(1.15, [0, 0.5, 1]), (340.0, [0, 100, 200, 300]), (2.0, [0, 0.5, 1, 1.5, 2])]
)
def test_amounts_are_round(most: float, told: list[float]) -> None:
    assert amounts(most) == pytest.approx(told)


def test_decades_are_round_and_enough() -> None:
    assert decades(9.0, 110.0) == [10, 20, 50, 100]
    assert decades(55.0, 400.0) == pytest.approx([70, 100, 150, 200, 300, 400])


def test_a_staircase_falls_where_a_dearer_way_hides_better() -> None:
    assert staircase([]) == ""
    dots = [Dot(50.0, 20.0, 0, 0, ""), Dot(90.0, 80.0, 0, 0, "")]
    assert staircase(dots) == "M50 20H90V80H590"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "W" * 400, "".join(PAYLOADS[:8])], ids=["as it is", "long", "hostile"])
def test_no_width_makes_the_page_scroll_sideways_and_nothing_runs(browser: Browser, tmp_path: Path, text: str) -> None:
    place = tmp_path / "page.html"
    place.write_bytes((hostile(text) if text else page(frontier())).encode())
    fits_and_runs_nothing(browser, place, "Stillwatch: evasion frontier", ".duel .bounds")
