"""`stillwatch changes` beside two runs that lie in a store."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch.cli import run
from stillwatch.pipeline import ingest_sources
from stillwatch.store.runs import write_run
from stillwatch.store.store import Store
from tests.assess.test_changes import finding
from tests.store.logs import exchange, write


def answer(until: str, *findings: dict[str, Any]) -> dict[str, Any]:
    period = {"since": "2026-03-01T00:00:00Z", "until": until, "exchanges": 10, "accounts": 3}
    return {"schema": "stillwatch/campaigns/v1", "run": {"run_id": "", **period}, "campaigns": list(findings)}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    ingest_sources([write(tmp_path / "logs", [exchange(1)])], tmp_path / "s")
    kept = Store.open(tmp_path / "s")
    write_run(kept, answer("2026-03-02T00:00:00Z", finding("C-1", "ABcd", "ambiguous")))
    write_run(kept, answer("2026-03-03T00:00:00Z", finding("C-2", "ABCe"), finding("C-\x1b[2J", "XYZ")))
    return tmp_path / "s"


@pytest.mark.slow
def test_a_person_reads_what_became_of_each(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["changes", "--store", str(store)]) == 0
    out = capsys.readouterr().out
    assert "ambiguous → suspected" in out and "20 → 20" in out and "\x1b" not in out
    assert out.index("new") < out.index("continued")


def test_a_program_reads_every_account(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["changes", "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["later"]["until"]) == ("stillwatch/changes/v1", "2026-03-03T00:00:00Z")
    assert told["earlier"]["run_id"] < told["later"]["run_id"]
    assert [change["newly_accused"] for change in told["changes"]] == [["x", "y", "z"], ["a", "b", "c"]]


def test_the_earlier_run_can_be_named(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted(path.name for path in (store / "runs").iterdir())
    assert run(["changes", "--store", str(store), "--since", second, "--run", first, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [change["event"] for change in told["changes"]] == ["continued", "gone"]


def test_one_run_alone_cannot_be_compared(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = min(path.name for path in (store / "runs").iterdir())
    assert run(["changes", "--store", str(store), "--run", first]) == 2
    assert "no earlier run" in capsys.readouterr().err
