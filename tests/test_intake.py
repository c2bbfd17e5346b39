"""Files taken by several processes: the same store as by one, and a fault of one file is that file's."""

import os
from pathlib import Path

import pytest

import stillwatch.intake as intake_module
from stillwatch.errors import SourceError
from stillwatch.pipeline import ingest_sources
from stillwatch.worlds.world import simulate, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    write(simulate("mixed", 3, 0.02), folder / "logs", folder / "truth")
    (folder / "logs" / "exchanges" / "zz.jsonl").write_text('{"exchange_id": "x"}\nno json\n')
    return folder / "logs"


def contents(store: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.name != "store.json"
    }


def test_two_processes_write_the_store_of_one(
    logs: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "WORTH_PROCESSES", 0)
    alone = ingest_sources([logs], tmp_path / "one", key_file=key)
    told: list[str] = []
    beside = ingest_sources([logs], tmp_path / "two", key_file=key, processes=2, progress=told.append)
    assert alone.quarantined == beside.quarantined == 2
    assert (alone.exchanges, alone.reasons, alone.examples) == (beside.exchanges, beside.reasons, beside.examples)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert any(line.startswith("100%") for line in told)


def _die(*_: object) -> None:
    os._exit(9)


def test_a_process_that_is_ended_from_outside_is_told(
    logs: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "WORTH_PROCESSES", 0)
    with pytest.raises(SourceError, match="--processes 1"):
        ingest_sources([logs], tmp_path / "store", key_file=key, processes=2, sketch=_die)
