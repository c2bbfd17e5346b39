"""The benchmark's page says what was counted, hides no bad figure, and whatever stands in the result stays text."""

import unicodedata
from pathlib import Path

import pytest

from stillwatch.console.benchmark import page, worst
from tests.benchmark.results import result, rival, world
from tests.console.browser import Browser, fits_and_runs_nothing
from tests.console.hostile import PAYLOADS, written
from tests.console.test_page import Reader


def hostile(text: str) -> str:
    """The page of a result with the text in every string of it, and in the names of cohorts."""
    given = written(result(), text, structure=True)
    cohorts = given["together"]["accused_by_cohort"]
    given["together"]["accused_by_cohort"] = {f"{text}{at}": held for at, held in enumerate(cohorts.values())}
    return page(given)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_hostile_string_in_every_field_changes_no_element(number: int) -> None:
    found = hostile(PAYLOADS[number])
    assert Reader(found).shape == Reader(hostile("x")).shape
    assert found.encode() and not [c for c in found if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]


def test_headings_say_what_was_found_and_the_worst_figures_stand_first() -> None:
    found = page(result())
    text = Reader(found).text
    for said in (
        "In 2 simulated worlds it found 1 of 2 campaigns. Of 800 honest accounts it accused 2",
        "1 of 2 campaigns found, 1 of 400 honest accounts accused",
        "No campaign to find, 1 of 400 honest accounts accused",
        "2 honest accounts of 800 were accused",
        "of 1 range, 1 claim more than is true, 0 less",
        "mean e-values stay below 1",
        "What this benchmark cannot say",
    ):
        assert said in text, said
    assert found.index("The worst figures first") < found.index("World 1")
    assert found == page(result())


def test_the_worst_is_told() -> None:
    told = " ".join(worst(result()))
    for said in (
        "Not found: willow (mixed, seed 5).",
        "20 of 30 (66.7 %)",
        "In mixed, seed 5, rival 0 with the oracle’s setting finds 1 of 2 campaigns, where Stillwatch finds 1; that "
        "setting also names 4 groups of mostly honest accounts.",
        "copper in mixed, seed 5 had taken the most before: 40.0 %",
        "25.0 % of its extraction stands under a wrong name. The true volume lies outside of the stated interval in 1",
        "2 of 800 (0.25 %) honest accounts were accused; 4 of 10 (40.0 %) owners of stolen keys were accused",
        "mean e-value where nothing is true is 0.20",
    ):
        assert said in told, (said, told)


def test_a_rival_that_does_better_is_said_to() -> None:
    given = world()
    assert "No rival comes near" in page(result(given))
    given["rivals"] = [rival("better", 30)]
    assert "A rival does better: the best of 1" in page(result(given))


def test_a_broken_promise_is_said() -> None:
    given = world()
    given["e_values"][0]["mean_e"] = 3.5
    assert "exceed 1, which breaks the promise" in page(result(given))


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "W" * 400, "".join(PAYLOADS[:8])], ids=["as it is", "long", "hostile"])
def test_no_width_makes_the_page_scroll_sideways_and_nothing_runs(browser: Browser, tmp_path: Path, text: str) -> None:
    place = tmp_path / "page.html"
    place.write_bytes((hostile(text) if text else page(result())).encode())
    fits_and_runs_nothing(browser, place, "Stillwatch: benchmark", ".plot .bounds")
