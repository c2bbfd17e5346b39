"""Whether what a member shares can be what is asked: a system text alone, which anybody can copy, is not."""

import pytest

from stillwatch.findings import SMALL_PART, _asks, _cautious


@pytest.mark.parametrize(
    ("turned", "beyond_usual", "asks"),
    [
        (True, -2.0, False),
        (True, -0.7, False),
        (True, -0.6, True),
        (True, None, True),
        (False, None, True),
        (False, 0.0, False),
        (False, 0.8, False),
        (False, 1.4, True),
    ],
)
def test_who_is_accused_asks_for_training_material(turned: bool, beyond_usual: float | None, asks: bool) -> None:
    """An honest customer shared a public persona's system text with a network's accounts (.7 nats over the usual), and
    an evaluation the questions of a benchmark with a campaign (1.4 nats under the usual)."""
    assert _asks({"turned": turned, "beyond_usual": beyond_usual}) == asks


def test_a_small_part_of_a_groups_work_is_for_review() -> None:
    """One customer of a reseller, spread over its accounts, asks as little of all that they share."""
    assert _cautious("suspected", SMALL_PART / 2) == "ambiguous"
    assert _cautious("suspected", SMALL_PART) == _cautious("suspected", None) == "suspected"
    assert [_cautious(status, 0.01) for status in ("permitted", "dismissed")] == ["permitted", "dismissed"]
