"""Snapshots of the actions in force: the same bytes in any order, nothing that is damaged is read, ids do not show."""

import multiprocessing
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import StoreError
from stillwatch.records import InForce, Obligation, PolicyRef, Rung
from stillwatch.store import decisions, files, snapshot
from stillwatch.store.decisions import POINTER, Current, key_file_of, open_current, publish, write_snapshot
from stillwatch.store.snapshot import Snapshot, snapshot_bytes
from stillwatch.store.store import Store

NOW = 1_800_000_000_000_000
KEY = bytes(range(32))


def action(account: str, number: int = 1, **more: object) -> InForce:
    held = {
        "action_id": f"A-{number}", "account_id": account, "group": "C-1", "rung": Rung.LIMIT,
        "obligations": (Obligation("rate_limit", (("requests_per_minute", 60), ("tokens_per_minute", 1000))),),
        "mode": "enforce", "reason_code": "usage_limit", "notice": "Fewer, please.", "appeal_url": "https://x/1",
        "starts_at": NOW - 1, "expires_at": NOW + 10**9, "policy": PolicyRef("p", "1", "h"),
    }  # fmt: skip
    return InForce(**{**held, **more})  # type: ignore[arg-type]


NAMES = st.text(st.characters(exclude_categories=()), max_size=12)  # surrogates, NUL and all


@given(st.lists(st.tuples(NAMES, st.integers(0, 5), NAMES), max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_everything_is_found_and_the_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str]], chance: random.Random
) -> None:
    held = [action(name, n, group=group, rung=Rung(n), mode=("shadow", "enforce")[n % 2]) for name, n, group in rows]
    data = snapshot_bytes(held, NOW, KEY)
    again = [*held, *held[:3]]
    chance.shuffle(again)
    assert snapshot_bytes(again, NOW, KEY) == data
    path = tmp_path_factory.mktemp("snap") / "one.snap"
    path.write_bytes(data)
    read = Snapshot.open(path, KEY)
    for name in {one.account_id for one in held} | {"nobody"}:
        assert set(read.find(name)) == {one for one in held if one.account_id == name}
    assert len(read) == len(set(held))


def test_what_has_expired_is_left_out_and_several_stand_together(tmp_path: Path) -> None:
    held = [action("a", 1), action("a", 2), action("a", 3, expires_at=NOW), action("b", 4)]
    read = Snapshot.open(write_snapshot(tmp_path, held, NOW))
    assert [one.action_id for one in read.find("a")] == ["A-1", "A-2"]
    assert read.find("c") == () and len(Snapshot.open(write_snapshot(tmp_path, [], NOW))) == 0


def test_two_ids_with_half_a_hash_in_common_are_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "hashed", lambda name, key, kind=b"a": (7, len(name)))
    read = Snapshot.open(write_snapshot(tmp_path, [action("a"), action("bb", 2), action("ccc", 3)], NOW))
    assert [one.action_id for one in read.find("zz")] == ["A-2"]
    assert read.find("zzzz") == ()


def test_ids_cannot_be_read_nor_guessed_without_the_key(tmp_path: Path) -> None:
    names = [f"acct_{n}@customer.example" for n in range(50)]
    path = write_snapshot(tmp_path, [action(name, n) for n, name in enumerate(names)], NOW, KEY)
    data = path.read_bytes()
    assert not any(name.encode() in data or b"customer" in data for name in names)
    guessed = {half.to_bytes(8, "little") for name in names for half in snapshot.hashed(name, b"")}
    assert not any(half in data for half in guessed)
    with pytest.raises(StoreError, match="another key"):
        Snapshot.open(path, b"x" * 32)


def test_every_damaged_byte_and_every_cut_is_told(tmp_path: Path) -> None:
    data = snapshot_bytes([action("a"), action("b", 2)], NOW, KEY)
    path = tmp_path / "x.snap"
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(StoreError):
            Snapshot.open(path, KEY)
    for size in [*range(0, len(data), 7), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(StoreError):
            Snapshot.open(path, KEY)
    path.write_bytes(data + b"x")
    with pytest.raises(StoreError):
        Snapshot.open(path, KEY)
    with pytest.raises(StoreError):
        Snapshot.open(tmp_path, KEY)


def test_times_that_no_clock_reaches_are_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no clock"):
        write_snapshot(tmp_path, [action("a", expires_at=2**70)], NOW)


def test_a_pointer_leads_nowhere_else(tmp_path: Path) -> None:
    write_snapshot(tmp_path, [action("a")], NOW)
    for said in ('{"snapshot": "../../secret.snap", "previous": ""}', "[]", "{}", "\0", "[" * 4000, '{"snapshot": 1}'):
        (tmp_path / POINTER).write_text(said)
        with pytest.raises(StoreError):
            open_current(tmp_path, b"")


def test_a_kill_at_any_step_leaves_a_whole_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_snapshot(tmp_path, [action("a")], NOW)

    class Killed(BaseException):
        pass

    steps = 0

    def count(_: str) -> None:
        nonlocal steps
        steps += 1

    monkeypatch.setattr(files, "reached", count)
    write_snapshot(tmp_path, [action("b")], NOW)
    seen = set()
    for last in range(steps):
        write_snapshot(tmp_path, [action("a")], NOW)
        left = last

        def kill(_: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        monkeypatch.setattr(files, "reached", kill)
        with pytest.raises(Killed):
            write_snapshot(tmp_path, [action("b")], NOW)
        monkeypatch.setattr(files, "reached", lambda _: None)
        read = open_current(tmp_path, b"")
        seen.add((bool(read.find("a")), bool(read.find("b"))))
    assert seen == {(True, False), (False, True)}, "the old or the new, never both and never none"


def test_old_snapshots_go_and_the_one_before_stays(tmp_path: Path) -> None:
    paths = [write_snapshot(tmp_path, [action(f"a{n}")], NOW) for n in range(4)]
    assert all(path.exists() for path in paths), "a reader may be about to open one"
    for path in paths:
        os.utime(path, (1, 1))
    newest = write_snapshot(tmp_path, [action("z")], NOW)
    assert {path.name for path in tmp_path.glob("*.snap")} == {newest.name, paths[-1].name}


def test_a_reader_takes_what_is_new_and_keeps_what_is_whole(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "store", key)
    current = Current(store.folder)
    assert not current.look() and current.snapshot is None and not current.fault
    publish(store, [action("a")], NOW)
    assert current.look() and not current.look()
    first = current.snapshot
    assert first is not None and first.find("a")
    path = publish(store, [action("b")], NOW)
    path.write_bytes(b"SWINFORC" + path.read_bytes()[8:-9])
    assert not current.look() and current.snapshot is first and "bytes for" in current.fault
    publish(store, [action("c")], NOW)
    assert current.look() and not current.fault
    assert first.find("a"), "a snapshot that is read while another comes can be read on"


def test_a_fault_that_passes_is_tried_again(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "store", key)
    publish(store, [action("a")], NOW)
    held = key_file_of(store.folder).read_bytes()
    key_file_of(store.folder).unlink()
    current = Current(store.folder)
    assert not current.look() and current.fault
    key_file_of(store.folder).write_bytes(held)
    key_file_of(store.folder).chmod(0o600)
    assert any(current.look() for _ in range(decisions.RETRY + 1))


def _publishes(folder: str, number: int) -> None:
    store = Store.open(Path(folder))
    for turn in range(10):
        with decisions.turn(store.folder):
            publish(store, [action(f"p{number}", turn)], NOW + turn)


def test_publishers_at_once_leave_a_whole_snapshot(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "store", key)
    publish(store, [action("p0")], NOW)
    context = multiprocessing.get_context("fork")
    several = [context.Process(target=_publishes, args=(str(store.folder), n)) for n in range(3)]
    for one in several:
        one.start()
    current = Current(store.folder)
    while any(one.is_alive() for one in several):
        current.look()
        assert not current.fault
    current.look()
    assert [one.exitcode for one in several] == [0, 0, 0]
    assert current.snapshot is not None and len(current.snapshot) == 1


def test_rows_of_a_key_stand_under_the_key_too(tmp_path: Path) -> None:
    held = [action("a"), action("b", 2)]
    aliases = {"k1": "a", "k2": "a", "k3": "nobody"}
    read = Snapshot.open(write_snapshot(tmp_path, held, NOW, KEY, aliases), KEY)
    assert read.find_key("k1") == (replace(held[0], account_id="k1"),)
    assert read.find_key("k3") == () and read.find_key("a") == () and read.find("k1") == ()
    backwards = dict(reversed(list(aliases.items())))
    assert snapshot_bytes(held, NOW, KEY, aliases) == snapshot_bytes(held[::-1], NOW, KEY, backwards)
