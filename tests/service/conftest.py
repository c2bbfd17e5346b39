"""What the tests of the service share."""

from pathlib import Path

import pytest

from stillwatch.records import Obligation, Rung
from tests.service.helpers import Service, action, limited


@pytest.fixture
def service(tmp_path: Path, key: Path) -> Service:
    """A service with an action on each rung, and one in shadow."""
    held = [
        action("watched", Rung.OBSERVE),
        action("labelled", Rung.LABEL),
        action("verified", Rung.VERIFY, obligations=(Obligation("challenge", (("kind", "payment"),)),)),
        limited("limited", 60),
        action("protected", Rung.PROTECT, obligations=(Obligation("hide_reasoning"), Obligation("strip_logprobs"))),
        action("fallen", Rung.FALLBACK, obligations=(Obligation("fallback_model", (("to", "small-1"),)),)),
        action("suspended", Rung.SUSPEND),
        action("shadowed", Rung.SUSPEND, mode="shadow"),
    ]
    return Service(tmp_path / "store", key, held)
