"""An innocent whose fingerprint a campaign copies, in three channels of one family and more, is not accused."""

from pathlib import Path

import pytest

from stillwatch.detection import detect
from stillwatch.pipeline import ingest_sources
from stillwatch.records import is_accused
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from tests.conftest import key_in
from tests.framing import COPIED, frame

ROUGHLY_EVEN = 0.55
INNOCENTS = 10


@pytest.mark.slow
def test_who_is_copied_in_one_family_stays_at_roughly_even_or_below(tmp_path: Path) -> None:
    logs, truth = tmp_path / "logs", tmp_path / "truth"
    worlds.write(worlds.simulate("mixed", 701, 0.3), logs, truth)
    framed = frame(logs, truth, 701, INNOCENTS)
    ingest_sources([logs], tmp_path / "s", key_file=key_in(tmp_path))
    answer = detect(Store.open(tmp_path / "s")).answer
    assert len(framed) == INNOCENTS * len(COPIED)
    named = [
        (framed[member["account_id"]], finding["status"], member["role"], member["probability"], member["estimate"])
        for finding in answer["campaigns"]
        for member in finding["members"]
        if member["account_id"] in framed
    ]
    assert not [one for one in named if is_accused(*one[1:4])]
    assert all((estimate or 0.0) <= ROUGHLY_EVEN for *_, estimate in named)
    assert sum(finding["status"] == "suspected" for finding in answer["campaigns"]) >= 2, "campaigns are found still"
