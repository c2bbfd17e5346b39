"""What an alert is called: only a group is a linked group."""

import pytest

from stillwatch.delivery.words import called, sentence


@pytest.mark.parametrize(
    ("campaign_id", "status", "said"),
    [
        ("C-c5bfddc26945", "suspected", "suspected campaign"),
        ("C-c5bfddc26945", "ambiguous", "linked group for review"),
        ("C-c5bfddc26945", "dismissed", "linked group"),
        ("E-5146becbdc59", "ambiguous", "single customer for review"),
        ("X-5146becbdc59", "ambiguous", "use beyond a permission for review"),
        ("X-5146becbdc59", "permitted", "use beyond a permission"),
    ],
)
def test_an_alert_is_called_what_it_is_about(campaign_id: str, status: str, said: str) -> None:
    alert = {"campaign_id": campaign_id, "status": status, "day": "2026-10-05", "what": "began", "of": "", "count": 1}
    assert called(alert) == said
    assert f"({said})" in sentence(alert | {"accounts": 1, "accused": 0, "exchanges": 3, "open": False})
