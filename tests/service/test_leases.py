"""What runs at once is counted by all workers together: one table, whoever hears of the beginning and of the end."""

import errno
import fcntl
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillwatch.errors import StillwatchError
from stillwatch.respond.budgets import Budgets
from stillwatch.respond.leases import LEASE, WAITING, Leases
from stillwatch.service import leases as module
from stillwatch.service.leases import HEADER, PLACES, ROW, SharedLeases, make_leases, table_of


@pytest.fixture
def table() -> Iterator[Path]:
    path = make_leases()
    yield path
    path.unlink()


def test_it_counts_as_one_process_does(table: Path) -> None:
    """Three workers take turns; beside them one process does all of it."""
    for seed in range(20):
        draw, alone, now = random.Random(seed), Leases(), 1000.0 * (seed + 1)
        workers = [SharedLeases(table) for _ in range(3)]
        for turn in range(200):
            now += draw.choice((0.0, 0.1, 1.0, LEASE / 10))
            group, member = f"g{seed}-{draw.randrange(2)}", f"m{draw.randrange(5)}"
            lease, worker = f"{member}\0{draw.randrange(9)}", draw.choice(workers)
            if draw.random() < 0.3:
                alone.end(group, lease)
                worker.end(group, lease)
                continue
            limit, asking = draw.choice((1, 2, 4, 7)), draw.choice((1, 2, 3))
            said = worker.take(group, member, limit, asking, now, lease)
            assert said == alone.take(group, member, limit, asking, now, lease), f"seed {seed}, turn {turn}"
        assert not any(worker.uncounted for worker in workers)


def test_workers_with_a_table_count_and_others_do_not(table: Path) -> None:
    together = [Budgets(0.5, leases=SharedLeases(table)) for _ in range(2)]
    taken = [one.take("g", {"concurrency": 3}, 0, 0.0, f"r{n}") == 0 for n, one in enumerate(together * 3)]
    assert taken == [True] * 3 + [False] * 3
    together[1].end("g", "r0")
    assert together[0].take("g", {"concurrency": 3}, 0, 0.0, "r7") == 0, "the other one heard of the end"
    apart = [Budgets(0.5) for _ in range(2)]
    assert all(one.take("g", {"concurrency": 3}, 0, 0.0, f"r{n}") == 0 for n, one in enumerate(apart * 3))


def test_a_worker_that_holds_the_lock_stops_nobody(table: Path) -> None:
    worker = SharedLeases(table)
    other = os.open(table, os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert all(worker.take("g", "m", 1, 1, 0.0, f"r{n}") for n in range(3)) and worker.uncounted == 3
    worker.end("g", "r0")
    os.close(other)  # as where it dies
    assert worker.take("g", "m", 1, 1, 0.0, "r8") and not worker.take("g", "m", 1, 1, 0.0, "r9")


def test_a_full_table_stops_nobody_and_is_used_again(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLACES", 6)
    worker = SharedLeases(table)
    assert all(worker.take(f"g{n}", "m", 1, 1, 0.0, "r") for n in range(8)) and worker.uncounted == 2
    worker.end("g1", "r")
    assert worker.take("h", "m", 1, 1, 0.0, "r") and worker.uncounted == 2 and int(worker._used[0]) == 6
    for group in ("g0", "h", "g2", "g3", "g4", "g5"):
        worker.end(group, "r")
    assert int(worker._used[0]) == 0
    assert worker.take("g0", "m", 1, 1, 0.0, "r") and worker.take("g0", "m", 1, 1, LEASE, "s"), "its time is over"


def test_the_table_is_this_users_alone_and_has_a_key_of_its_own(table: Path) -> None:
    assert table.stat().st_mode & 0o777 == 0o600
    other = make_leases()
    try:
        assert SharedLeases(table)._hash("lease", "r") != SharedLeases(other)._hash("lease", "r")
        assert SharedLeases(table)._hash("lease", "r\udc80") == SharedLeases(table)._hash("lease", "r\udc80")
    finally:
        other.unlink()
    for wrong in (b"", b"short"):
        other.write_bytes(wrong)
        with pytest.raises(ValueError, match="mmap"):
            SharedLeases(other)
        other.unlink()


def test_a_group_has_its_part_of_the_table_and_no_more(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLACES", 64)
    worker = SharedLeases(table)
    assert all(worker.take("g", "m", 999, 1, 0.0, f"r{n}") for n in range(99))
    assert (len(worker._rows["until"].nonzero()[0]), worker.uncounted) == (12, 99 - 12)
    assert worker.take("many", "m0", 1, 1, 0.0, "r") and not any(
        worker.take("many", f"m{n}", 1, 1, 0.0, "s") for n in range(1, 99)
    )
    assert len(worker._rows["until"].nonzero()[0]) == 12 + 1 + 4, "of those that wait four are known"
    assert worker.take("h", "m", 1, 1, 0.0, "r") and not worker.take("h", "m", 1, 1, 0.0, "s"), "others are counted"


def test_workers_count_together_who_asks(table: Path) -> None:
    """Each worker has heard of one member, and tells so."""
    now = time.monotonic()
    first, second = SharedLeases(table), SharedLeases(table)
    assert all(first.take("g", "greedy", 4, 1, now, f"r{n}") for n in range(4))
    assert not second.take("g", "honest", 4, 1, now, "h0")
    for number in range(2):
        first.end("g", f"r{number}")
        assert not first.take("g", "greedy", 4, 1, now, f"s{number}"), "it has its half"
        assert second.take("g", "honest", 4, 1, now, f"h{number}")
        assert number or not second.take("g", "honest", 4, 1, now, "h1")
    assert len(first) == 4 and not second.take("g", "honest", 4, 1, now, "h9"), "two each"


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_who_waits_longest_comes_first(table: Path, shared: bool) -> None:
    """Twenty members ask without a pause, one asks each second: it has its part, as each of them has."""
    for turn, pause in enumerate((1.0, 3.0)):
        leases, now, got = SharedLeases(table) if shared else Leases(), 1000.0 * (turn + 1), dict.fromkeys(range(21), 0)
        group, ends = f"g{turn}", list[tuple[float, str]]()
        for step in range(40 * 10):
            now += 0.1
            for _, lease in [one for one in ends if one[0] <= now]:
                leases.end(group, lease)
            ends = [one for one in ends if one[0] > now]
            for member in range(21):
                if member == 20 and step % int(pause * 10):
                    continue
                if leases.take(group, str(member), 4, 1, now, lease := f"{member} {step}"):
                    got[member] += 1
                    ends.append((now + 2.0, lease))
        assert min(got.values()) >= 2, got
        assert sum(got.values()) >= 40, "and hardly a place is empty"


@pytest.mark.parametrize("shared", [True, False])
def test_who_does_not_come_back_keeps_no_place(table: Path, shared: bool) -> None:
    leases = SharedLeases(table) if shared else Leases()
    assert leases.take("g", "a", 1, 1, 0.0, "r") and not leases.take("g", "b", 1, 1, 1.0, "s")
    leases.end("g", "r")
    assert not leases.take("g", "a", 1, 1, 10.0, "t"), "b comes first"
    assert leases.take("g", "a", 1, 1, 1.0 + WAITING, "t"), "and has gone"


def test_an_end_that_could_not_be_written_is_written_next(table: Path) -> None:
    now = time.monotonic()
    worker, other = SharedLeases(table), os.open(table, os.O_RDWR)
    assert worker.take("g", "m", 2, 1, now, "r0") and worker.take("g", "m", 2, 1, now, "r1")
    fcntl.flock(other, fcntl.LOCK_EX)
    worker.end("g", "r0")
    worker.end("g", "r1")
    os.close(other)
    assert len(worker) == 2 and worker.take("h", "m", 1, 1, now, "r")
    assert (len(worker), worker.uncounted) == (1, 0)
    worker.end("h", "r")
    assert len(worker) == 0


def test_that_requests_run_uncounted_is_told_once_a_minute(
    table: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker, now = SharedLeases(table), 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    for at, told in ((1000.0, 1), (1059.0, 1), (1060.0, 2), (1061.0, 2), (1200.0, 3)):
        now = at
        worker._without()
        assert len(caplog.messages) == told
    assert "5 requests" in caplog.messages[-1]


def _full_in(*full: Path | None) -> Any:
    def made(folder: Path | None, size: int) -> Path:
        if folder in full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(folder, size)

    whole = module._made
    return made


def test_a_table_has_all_of_its_room_from_the_beginning(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that has no room would end the worker that touches it."""
    assert table.stat().st_blocks * 512 >= table.stat().st_size == HEADER + PLACES * ROW.itemsize
    for fault in (OSError(errno.EOPNOTSUPP, "no"), AttributeError("no")):
        monkeypatch.setattr(module.os, "posix_fallocate", _raises(fault))
        other = make_leases()
        assert other.stat().st_blocks * 512 >= other.stat().st_size == table.stat().st_size
        other.unlink()


def _raises(fault: Exception) -> Any:
    def fails(*_: Any) -> None:
        raise fault

    return fails


def test_where_memory_is_full_the_table_is_elsewhere_or_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module.os, "posix_fallocate", _raises(OSError(errno.ENOSPC, "No space left on device")))
    before = set(Path("/dev/shm").glob("stillwatch-leases-*"))
    with pytest.raises(StillwatchError, match=r"(?s)no place for the table.*No space left.*2\.5 MiB.*TMPDIR"):
        make_leases()
    assert not list(tmp_path.iterdir()) and set(Path("/dev/shm").glob("stillwatch-leases-*")) <= before
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_made", _full_in(Path("/dev/shm")))
    assert make_leases().parent == tmp_path


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Linux's")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_table_of_forked_workers_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_made", _full_in(Path("/dev/shm")))
    monkeypatch.setattr(module.multiprocessing, "get_start_method", lambda: method)
    with table_of(2) as path:
        assert path and len(list(tmp_path.iterdir())) == int(method == "spawn")
        one, other = SharedLeases(path), SharedLeases(path)
        assert one.take("g", "m", 1, 1, 0.0, "r") and not other.take("g", "m", 1, 1, 0.0, "s")
    assert not list(tmp_path.iterdir())
    with table_of(1) as none:
        assert none is None


def _takes(table: Path, number: int, running: Any, most: Any, told: Any) -> None:
    worker, taken = SharedLeases(table), 0
    for turn in range(400):
        if not worker.take("g", f"m{number}", 3, 1, 0.0, f"{number} {turn}"):
            continue
        with running.get_lock():
            running.value += 1
            most.value = max(most.value, running.value)
        taken += 1
        with running.get_lock():
            running.value -= 1
        worker.end("g", f"{number} {turn}")
    told.put((taken, worker.uncounted))


@pytest.mark.slow
def test_processes_at_once_never_run_more_than_the_limit(table: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    running, most, told = spawn.Value("i", 0), spawn.Value("i", 0), spawn.Queue()
    several = [spawn.Process(target=_takes, args=(table, n, running, most, told)) for n in range(5)]
    for one in several:
        one.start()
    said = [told.get(timeout=60) for _ in several]
    for one in several:
        one.join(20)
    taken, uncounted = (sum(each) for each in zip(*said, strict=True))
    assert taken >= 400 and most.value <= 3 + uncounted
    assert len(SharedLeases(table)) == 0
