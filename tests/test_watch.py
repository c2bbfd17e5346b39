"""A store watched in event time: the same records in any batching and after any kill, and alerts that are told once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.alerts import alerts_of, mark_told, untold
from stillwatch.cli import run
from stillwatch.pipeline import ingest_sources
from stillwatch.store.erase import erase
from stillwatch.store.retention import expire
from stillwatch.store.store import Store
from stillwatch.watch import Window, watched, windows
from stillwatch.worlds import world as worlds

LENGTH = 9


def test_windows_begin_at_multiples_of_their_length_whichever_day_is_there_first() -> None:
    late, early = windows(["2026-10-07", "2026-10-20"], 7), windows(["2026-10-05", "2026-10-20"], 7)
    assert late == early[len(early) - len(late) :]
    assert all((other.first - one.first).days % 7 == 0 for one, other in pairwise(late))
    assert windows(["2026-10-07"], 1) == [Window(date(2026, 10, 7), date(2026, 10, 7))]
    assert windows([], 3) == []
    assert len(windows(["1970-01-01", "2026-10-07", "2199-01-01"], 1)) == 3, "a clock that is wrong makes one window"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.touch(0o600)
    path.write_bytes(hashlib.blake2b(b"watch", digest_size=32).digest())
    return path


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    worlds.write(worlds.simulate("mixed", 5, 0.12), folder / "logs", folder / "truth")
    return folder / "logs"


@pytest.fixture(scope="module")
def at_once(logs: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The whole history read at once and watched. Nobody may change it."""
    folder = tmp_path_factory.mktemp("at-once") / "s"
    ingest_sources([logs], folder, key_file=key)
    watched(Store.open(folder), LENGTH)
    return Store.open(folder)


def records(store: Store) -> dict[str, bytes]:
    paths = sorted((store.folder / "watch").rglob("*.json"))
    return {path.name: path.read_bytes() for path in paths if path.parent.name != "told"}


def small(logs: Path) -> list[Path]:
    return [path for path in logs.iterdir() if path.name != "exchanges"]


def days_of(logs: Path) -> list[Path]:
    return sorted((logs / "exchanges").iterdir())


@pytest.mark.slow
def test_live_and_late_end_with_the_records_of_a_history_read_at_once(
    logs: Path, key: Path, at_once: Store, tmp_path: Path
) -> None:
    """Live by weeks, with every fifth row of the second week a week late and much of it twice."""
    whole = records(at_once)
    assert len(whole) == 4 and any(json.loads(one)["events"] for one in whole.values())
    store, days = tmp_path / "s", days_of(logs)
    late = tmp_path / "late.parquet"
    held = pa.concat_tables([pq.read_table(path) for path in days[7:14]])
    places = pa.array(range(0, held.num_rows, 5))
    pq.write_table(held.take(places), late)
    on_time = tmp_path / "exchanges-second.parquet"
    pq.write_table(held.filter(pa.array([place % 5 != 0 for place in range(held.num_rows)])), on_time)
    for part in (small(logs), days[:7], [on_time], days[14:21], [late, on_time], [*days[21:], days[3]]):
        ingest_sources(part, store, key_file=key)
        watched(Store.open(store), LENGTH)
    assert records(Store.open(store)) == whole


@pytest.mark.slow
def test_days_in_reverse_end_with_the_same_records(logs: Path, key: Path, at_once: Store, tmp_path: Path) -> None:
    ingest_sources([*small(logs), *days_of(logs)[14:]], tmp_path / "s", key_file=key)
    early = watched(Store.open(tmp_path / "s"), LENGTH)
    ingest_sources(days_of(logs)[:14], tmp_path / "s", key_file=key)
    watched(Store.open(tmp_path / "s"), LENGTH)
    assert records(Store.open(tmp_path / "s")) == records(at_once)
    assert len(early) < len(records(at_once))


@pytest.mark.slow
def test_a_second_look_makes_nothing_anew(at_once: Store) -> None:
    told: list[str] = []
    before = records(at_once)
    watched(at_once, LENGTH, told.append)
    assert told == [] and records(at_once) == before


@pytest.mark.slow
def test_a_watch_that_is_killed_goes_on_to_the_same(logs: Path, key: Path, at_once: Store, tmp_path: Path) -> None:
    """SIGKILL at several moments, between ingest, windows and alerts."""
    command = [sys.executable, "-m", "stillwatch.cli", "watch", str(logs), "--store", str(tmp_path / "s")]
    command += ["--key-file", str(key), "--days", str(LENGTH), "--once", "--json"]
    program = "import sys; from stillwatch.cli import main; sys.argv[0] = 'stillwatch'; main()"
    command = [sys.executable, "-c", program, *command[3:]]
    told: list[dict[str, Any]] = []
    for seconds in (1.5, 4.0, 6.0, 8.0, 600.0):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        told += [json.loads(line) for line in out.decode().splitlines()]
        if process.returncode == 0:
            break
    assert process.returncode == 0
    store = Store.open(tmp_path / "s")
    assert records(store) == records(at_once)
    wanted = alerts_of(watched(at_once, LENGTH))
    assert {alert["alert_id"] for alert in told} == {alert["alert_id"] for alert in wanted} != set()


@pytest.mark.slow
def test_alerts_are_told_once_and_withdrawn_when_they_hold_no_more(at_once: Store) -> None:
    alerts = alerts_of(watched(at_once, LENGTH))
    assert {"began", "accused"} <= {alert["what"] for alert in alerts}
    assert untold(at_once, LENGTH, alerts) == alerts
    mark_told(at_once, LENGTH, alerts)
    assert untold(at_once, LENGTH, alerts) == []
    (news,) = untold(at_once, LENGTH, alerts[1:])
    assert (news["what"], news["of"]) == ("withdrawn", alerts[0]["alert_id"])
    (at_once.folder / "watch" / f"days={LENGTH}" / "told" / "alerts.json").write_text("damaged")
    assert untold(at_once, LENGTH, alerts) == alerts


@pytest.mark.slow
def test_an_erased_account_is_in_no_record_and_does_not_come_back(logs: Path, key: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    ingest_sources([logs], store, key_file=key)
    found = watched(Store.open(store), LENGTH)
    name = next(m["account_id"] for life in found[-1]["lives"] for m in life["finding"]["members"])
    mark_told(Store.open(store), LENGTH, alerts_of(found))
    assert erase(Store.open(store, key), name).members > 0
    assert name.encode() not in b"".join(path.read_bytes() for path in store.rglob("*.json"))
    watched(Store.open(store), LENGTH)
    assert name.encode() not in b"".join(path.read_bytes() for path in store.rglob("*.json"))


@pytest.mark.slow
def test_what_a_window_saw_stays_when_its_days_expire(logs: Path, key: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    ingest_sources([logs], store, key_file=key)
    watched(Store.open(store), LENGTH)
    before = records(Store.open(store))
    first = date.fromisoformat(Store.open(store).days()[0])
    expire(Store.open(store), first + timedelta(days=12))
    told: list[str] = []
    again = watched(Store.open(store), LENGTH, told.append)
    assert told == [] and records(Store.open(store)) == before
    assert [life["life_id"] for life in again[-1]["lives"]]


def test_a_store_without_an_exchange_tells_nothing(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "logs"
    source.mkdir()
    (source / "exchanges.jsonl").write_text("no json\n")
    assert run(["watch", str(source), "--store", str(tmp_path / "s"), "--key-file", str(key), "--once"]) == 0
    assert capsys.readouterr().out == ""


def test_files_that_are_as_they_were_are_not_read_again(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwatch.cli import watch as command
    from tests.store.logs import exchange, write

    source = write(tmp_path / "logs", [exchange(1)])
    seen: dict[Path, tuple[int, int]] = {}
    read: list[list[Path]] = []
    monkeypatch.setattr("stillwatch.pipeline.ingest_sources", lambda paths, *_, **__: read.append(list(paths)))
    for _ in range(2):
        command._read_new([source], tmp_path / "s", key, seen, lambda _: None)
    time.sleep(0.01)
    with (source / "exchanges.jsonl").open("a") as file:
        file.write(json.dumps(exchange(2)) + "\n")
    command._read_new([source], tmp_path / "s", key, seen, lambda _: None)
    assert [[path.name for path in paths] for paths in read] == [["exchanges.jsonl"], ["exchanges.jsonl"]]


def test_the_end_of_a_window_is_the_first_moment_after_it() -> None:
    window = Window(date(2026, 10, 5), date(2026, 10, 6))
    assert (window.begin, window.end) == (datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC))
