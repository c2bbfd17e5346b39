"""Whether what a member shares can be what is asked: a system text alone, which anybody can copy, is not."""

import pytest

from stillwatch.findings import _asks


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
