"""A run's answer is there whole or not at all, and the newest is the one that is read."""

from pathlib import Path

import pytest

from stillwatch.errors import StoreError, UsageError
from stillwatch.store import files, runs
from stillwatch.store.runs import read_run, run_ids, write_run
from stillwatch.store.store import Store


def answer(note: str) -> dict[str, object]:
    return {"run": {"run_id": ""}, "campaigns": [], "note": note}


def test_the_newest_run_is_read(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with pytest.raises(UsageError, match="holds no run"):
        read_run(store)
    for note in ("first", "second"):
        write_run(store, answer(note))
    assert read_run(store)["note"] == "second"
    old, new = run_ids(store)
    assert read_run(store, old)["note"] == "first" and read_run(store, new)["note"] == "second"


def test_a_run_that_begins_as_a_second_ends_does_not_sort_before_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "s")
    clock = iter(range(1_800_000_000 * 10**9 - 4, 1_800_000_000 * 10**9 + 4))

    def nanoseconds() -> int:
        return next(clock)

    monkeypatch.setattr(runs.time, "time_ns", nanoseconds)
    monkeypatch.setattr(runs.time, "time", lambda: nanoseconds() / 10**9)
    for note in "abcdef":
        write_run(store, answer(note))
        assert read_run(store)["note"] == note


def test_a_run_that_is_not_there_or_not_one_is_told_with_those_that_are(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    for note in ("first", "second"):
        write_run(store, answer(note))
    both = run_ids(store)
    for start in (both[0][:4], "never"):
        with pytest.raises(UsageError) as told:
            read_run(store, start)
        assert all(name in str(told.value) for name in both)


@pytest.mark.parametrize("step", ["opened", "written", "draft", "renamed", "synced"])
def test_a_run_that_was_killed_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    store = Store.create(tmp_path / "s")
    write_run(store, answer("whole"))

    def kill(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "reached", kill)
    with pytest.raises(KeyboardInterrupt):
        write_run(store, answer("cut"))
    assert read_run(store)["note"] == "whole"


def test_half_a_character_in_a_name_is_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    write_run(store, answer("half \ud83d of a pair"))
    assert read_run(store)["note"] == "half \ud83d of a pair"


def test_a_disk_that_refuses_is_an_error(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    (store.folder / "runs").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write_run(store, answer("lost"))


@pytest.mark.parametrize("held", [None, b"", b"{", b"[]", b'{"campaigns": 3}', b"\xff\xfe"])
def test_a_run_that_lost_its_answer_is_named(tmp_path: Path, held: bytes | None) -> None:
    store = Store.create(tmp_path / "s")
    folder = store.folder / "runs" / "20260301T000000-000000000-aaaaaa"
    folder.mkdir(parents=True)
    if held is not None:
        (folder / "campaigns.json").write_bytes(held)
    with pytest.raises(StoreError) as raised:
        read_run(store)
    assert raised.value.where == str(folder / "campaigns.json") and "detect" in raised.value.next_step
