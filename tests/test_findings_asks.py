"""Whether what a member shares can be what is asked: a system text alone, which anybody can copy, is not."""

import pytest

from stillwatch.findings import SMALL_PART, _asks, _cautious


@pytest.mark.parametrize(
    ("turned", "beyond_usual", "asks"),
    [
        (True, -2.0, True),
        (True, None, True),
        (False, None, True),
        (False, 0.0, False),
        (False, 0.3, False),
        (False, 0.4, True),
        (False, 2.0, True),
    ],
    ids=["own words", "no text", "nothing known", "like everyone", "hardly beyond", "beyond", "far beyond"],
)
def test_a_system_text_alone_asks_only_beside_work_that_leans(
    turned: bool, beyond_usual: float | None, asks: bool
) -> None:
    assert _asks({"turned": turned, "beyond_usual": beyond_usual}) == asks


def test_a_small_part_of_a_groups_work_is_for_review() -> None:
    """One customer of a reseller, spread over its accounts, asks as little of all that they share."""
    assert _cautious("suspected", SMALL_PART / 2) == "ambiguous"
    assert _cautious("suspected", SMALL_PART) == _cautious("suspected", None) == "suspected"
    assert [_cautious(status, 0.01) for status in ("permitted", "dismissed")] == ["permitted", "dismissed"]
