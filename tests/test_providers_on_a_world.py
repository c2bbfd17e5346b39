"""Two networks that carry operators' work among honest customers: who is told as what."""

from pathlib import Path

import pytest

from stillwatch.benchmark.confusion import confusion
from stillwatch.detection import detect
from stillwatch.pipeline import ingest_sources
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from tests.conftest import key_in


@pytest.mark.slow
def test_networks_are_told_from_operators_and_nobody_honest_is_accused(tmp_path: Path) -> None:
    """The world is one that we have looked at: this keeps what holds, and measures nothing."""
    worlds.write(worlds.simulate("networks", 660, 0.5), tmp_path / "logs", tmp_path / "truth")
    ingest_sources([tmp_path / "logs"], tmp_path / "s", key_file=key_in(tmp_path))
    answer = detect(Store.open(tmp_path / "s")).answer
    told = confusion(answer, tmp_path / "truth")
    assert told.wronged.k == 0
    providers, operators = told.table["provider"], told.table["operator"]
    assert providers["accused as provider"] > 40 and providers["accused as operator"] == 0
    assert operators["accused as operator"] > 60 and operators["accused as provider"] == 0
    found = [one for one in answer["campaigns"] if "provider" in {member["role"] for member in one["members"]}]
    for one in found:
        assert one["evidence"]["provider"] >= 0.0
        terms = [term["value"] for term in one["evidence"]["terms"] if term["question"] == "provider"]
        assert sum(terms) == pytest.approx(one["evidence"]["provider"], abs=1e-3)
