"""What runs at once is counted by all workers together: one table, whoever hears of the beginning and of the end."""

import fcntl
import multiprocessing
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillwatch.respond.budgets import Budgets
from stillwatch.respond.leases import LEASE, Leases
from stillwatch.service import leases as module
from stillwatch.service.leases import SharedLeases, make_leases


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
            group, member = f"g{seed}-{draw.randrange(2)}", f"m{draw.randrange(3)}"
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
    monkeypatch.setattr(module, "PLACES", 4)
    worker = SharedLeases(table)
    assert all(worker.take(f"g{n}", "m", 1, 1, 0.0, "r") for n in range(6)) and worker.uncounted == 2
    worker.end("g1", "r")
    assert worker.take("h", "m", 1, 1, 0.0, "r") and worker.uncounted == 2 and int(worker._used[0]) == 4
    for group in ("g0", "h", "g2", "g3"):
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
