"""Kill -9 at every step of an ingest: what was acknowledged is there, a repeat completes, nothing is doubled."""

import os
from pathlib import Path

import pytest

from stillwatch.store import exchanges as exchanges_module
from stillwatch.store.store import Store
from tests.store.kills import child_that_dies
from tests.store.sketched import Row, batch, names, settled

pytestmark = pytest.mark.slow

ROWS: list[Row] = [(f"x{n}", n * 3 % 96, "v") for n in range(120)]
STEPS = ("folder", "opened", "written", "draft", "renamed", "synced")


def ingest(folder: Path, acknowledge: int) -> None:
    """Three batches; a byte is sent for each one that is on disk."""
    store = Store.create(folder)
    for start in range(0, len(ROWS), 40):
        store.add_exchanges(batch(ROWS[start : start + 40]))
        os.write(acknowledge, b"a")


def killed(folder: Path, step: str, time: int) -> int:
    """Ingest in a child that kills itself when it reaches a step that often: batches acknowledged; -1 if it lived."""
    read_end, write_end = os.pipe()
    child = child_that_dies(step, time, lambda: ingest(folder, write_end))
    os.close(write_end)
    acknowledged = len(os.read(read_end, 100))
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return acknowledged
    assert os.WEXITSTATUS(status) == 0
    return -1


@pytest.mark.parametrize("times", [(1, 3, 8), pytest.param((2, 5, 11), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_ingest_is_repeated(tmp_path: Path, step: str, times: tuple[int, ...]) -> None:
    whole = tmp_path / "whole"
    ingest(whole, os.open(os.devnull, os.O_WRONLY))
    kills = 0
    for time in times:
        folder = tmp_path / f"{step}{time}"
        acknowledged = killed(folder, step, time)
        if acknowledged < 0:
            continue
        kills += 1
        if acknowledged:
            assert {row[0] for row in ROWS[: acknowledged * 40]} <= {row[0] for row in settled(folder)[0]}
        ingest(folder, os.open(os.devnull, os.O_WRONLY))
        assert settled(folder) == (sorted(ROWS), 0)
        assert {name for name in names(folder) if ".tmp " not in name} == names(whole)
    print(f"{step}: {kills} kills")
    assert kills


@pytest.mark.slow
def test_many_kills_in_a_row_with_resends(tmp_path: Path) -> None:
    """One store, killed over and over at steps that move on, then completed once."""
    folder = tmp_path / "s"
    kills = sum(killed(folder, STEPS[n % len(STEPS)], 1 + n % 3) >= 0 for n in range(18))
    ingest(folder, os.open(os.devnull, os.O_WRONLY))
    assert settled(folder) == (sorted(ROWS), 0)
    print(f"{kills} kills")
    assert kills >= 6


def test_a_kill_between_flushes_loses_what_was_not_acknowledged_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges_module, "FLUSH_ROWS", 50)
    store = Store.create(tmp_path / "s")
    writer = store.exchange_writer()
    writer.add(batch(ROWS[:60]))
    writer.add(batch(ROWS[60:80]))
    assert len(settled(store.folder)[0]) == 60
    writer.flush()
    assert len(settled(store.folder)[0]) == 80
