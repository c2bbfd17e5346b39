"""A store watched in event time: the same records in any batching and after any kill, and alerts that are told once."""

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

from stillwatch.alerts import alerts_of, news_of, note
from stillwatch.cli import run
from stillwatch.pipeline import ingest_sources
from stillwatch.store.erase import erase
from stillwatch.store.retention import expire
from stillwatch.store.store import Store
from stillwatch.watch import Window, watched, windows
from stillwatch.worlds import world as worlds
from tests.conftest import key_in

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
    return key_in(tmp_path_factory.mktemp("key"))


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
    watched(at_once, LENGTH, progress=told.append)
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
    held = watched(at_once, LENGTH)
    news = news_of(at_once, LENGTH, held)
    assert news.alerts == alerts_of(held) and {"began", "accused"} <= {alert["what"] for alert in news.alerts}
    note(at_once, LENGTH, news)
    assert news_of(at_once, LENGTH, held).alerts == []
    first = next(alert for alert in news.alerts if alert["day"] < held[-1]["window"][0])
    without = [record | {"events": [e for e in record["events"] if e["day"] != first["day"]]} for record in held]
    told = news_of(at_once, LENGTH, without).alerts
    assert {alert["what"] for alert in told} == {"withdrawn"} and first["alert_id"] in {alert["of"] for alert in told}
    for damaged in ("damaged", '[{"alert_id": "A-1"}]', '{"a": 1}'):
        (at_once.folder / "watch" / f"days={LENGTH}" / "told" / "alerts.json").write_text(damaged)
        assert news_of(at_once, LENGTH, held).alerts == news.alerts


def record(
    day: str, name: str, accounts: str, *events: str, status: str = "suspected", alarmed: bool = True
) -> dict[str, Any]:
    members = [{"account_id": a, "exchanges": 5, "role": "operator", "probability": 0.9} for a in accounts]
    finding = {"campaign_id": name, "status": status, "members": members, "exchanges": 9}
    about = {"life_id": name, "day": day, "of": "", "count": 3, "account_ids": []}
    life = {"life_id": name, "finding": finding, "log_e_mean": 0.0, "alarmed": alarmed}
    return {"window": [day, day], "events": [about | {"what": what} for what in events], "lives": [life]}


@pytest.fixture
def empty(tmp_path: Path, key: Path) -> Store:
    return Store.create(tmp_path / "s", key)


def test_a_campaign_that_changes_its_name_in_an_open_window_is_told_once(empty: Store) -> None:
    first = news_of(empty, 1, [record("2026-10-05", "C-1", "abcd", "began")])
    note(empty, 1, first)
    again = news_of(empty, 1, [record("2026-10-05", "C-2", "bcdef", "began", "accused")])
    assert [alert["what"] for alert in again.alerts] == ["accused"]
    note(empty, 1, again)
    assert [one["life_id"] for one in again.noted] == ["C-1", "C-2"]
    other = news_of(empty, 1, [record("2026-10-05", "C-3", "uvwxyz", "began")])
    assert [alert["what"] for alert in other.alerts] == ["began"], "nothing is withdrawn before its window is over"
    over = [record("2026-10-05", "C-3", "uvwxyz", "began"), record("2026-10-06", "C-3", "uvwxyz")]
    note(empty, 1, other)
    assert [alert["what"] for alert in news_of(empty, 1, over).alerts] == ["withdrawn", "withdrawn"]


def accusing(day: str, accounts: str, accused: str) -> dict[str, Any]:
    held = record(day, "C-1", accounts, "accused")
    return held | {"events": [event | {"account_ids": list(accused)} for event in held["events"]]}


def test_who_is_accused_later_in_a_day_is_told_and_who_is_not_any_more_is_withdrawn(empty: Store) -> None:
    def told(*held: dict[str, Any]) -> list[tuple[str, list[str]]]:
        news = news_of(empty, 1, held)
        note(empty, 1, news)
        ids.extend(alert["alert_id"] for alert in news.alerts)
        return [(alert["what"], alert["account_ids"]) for alert in news.alerts]

    ids: list[str] = []
    later = record("2026-10-06", "C-1", "abcdef")
    assert told(accusing("2026-10-05", "abcd", "ab")) == [("accused", ["a", "b"])]
    assert told(accusing("2026-10-05", "abcdef", "bcdef")) == [("accused", ["c", "d", "e", "f"])]
    assert told(accusing("2026-10-05", "abcdef", "bcde")) == [], "the day is not over"
    assert told(accusing("2026-10-05", "abcdef", "bcde"), later) == [("withdrawn", ["a", "f"])]
    assert told(accusing("2026-10-05", "abcdef", "bcde"), later) == []
    assert len(set(ids)) == len(ids), "whoever tells tickets apart by their ids loses none"


def test_evidence_of_a_window_that_is_not_over_is_not_told(empty: Store) -> None:
    one = record("2026-10-05", "C-1", "abcd", "began", "evidence")
    assert [alert["what"] for alert in news_of(empty, 1, [one]).alerts] == ["began"]
    assert [alert["what"] for alert in alerts_of([one, record("2026-10-06", "C-1", "abcd")])] == ["began", "evidence"]


@pytest.mark.parametrize("status", ["suspected", "ambiguous", "permitted", "dismissed"])
@pytest.mark.parametrize("alarmed", [True, False])
def test_who_was_told_of_a_campaign_is_told_what_became_of_it_and_nobody_else(status: str, alarmed: bool) -> None:
    events = ("status", "cleared", "pivot", "gone")
    later = record("2026-10-06", "C-1", "abcd", *events, status=status, alarmed=alarmed)
    told = {alert["what"] for alert in alerts_of([record("2026-10-05", "C-1", "abcd"), later])}
    always = {"status", "cleared", "gone"} if alarmed else set()
    assert told == always | ({"pivot"} if status in ("suspected", "ambiguous") else set())


def test_an_alert_names_the_finding_that_can_be_shown_now() -> None:
    first, second = record("2026-10-05", "C-1", "abcd", "began"), record("2026-10-06", "C-1", "abcd")
    second["lives"][0]["finding"] = second["lives"][0]["finding"] | {"campaign_id": "C-9"}
    (alert,) = alerts_of([first, second])
    assert (alert["life_id"], alert["campaign_id"], alert["open"]) == ("C-1", "C-9", False)
    assert alerts_of([first])[0]["open"]


@pytest.mark.slow
def test_an_erased_account_is_in_no_record_and_does_not_come_back(logs: Path, key: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    ingest_sources([logs], store, key_file=key)
    found = watched(Store.open(store), LENGTH)
    name = next(m["account_id"] for life in found[-1]["lives"] for m in life["finding"]["members"])
    note(Store.open(store), LENGTH, news_of(Store.open(store), LENGTH, found))
    assert erase(Store.open(store, key), name).members > 0
    assert name.encode() not in b"".join(path.read_bytes() for path in store.rglob("*.json"))
    watched(Store.open(store), LENGTH)
    assert name.encode() not in b"".join(path.read_bytes() for path in store.rglob("*.json"))


def test_a_record_that_cannot_be_read_is_erased_with_the_others(empty: Store, key: Path) -> None:
    folder = empty.folder / "watch" / "days=1"
    folder.mkdir(parents=True)
    (folder / "2026-10-05.json").write_text("damaged")
    erase(Store.open(empty.folder, key), "acct_1", unknown=True)
    assert not folder.exists()


@pytest.mark.slow
def test_windows_go_on_when_days_expire_and_what_was_seen_stays(logs: Path, key: Path, tmp_path: Path) -> None:
    """A week is read, the first days expire, the rest comes: the open window and the later ones see it; the records of
    windows that are over stay, whose own days were all seen."""
    store, days = tmp_path / "s", days_of(logs)
    ingest_sources([*small(logs), *days[:16]], store, key_file=key)
    before = watched(Store.open(store), LENGTH)
    expire(Store.open(store), date.fromisoformat(Store.open(store).days()[0]) + timedelta(days=3))
    told: list[str] = []
    assert watched(Store.open(store), LENGTH, progress=told.append) == before and told == []
    ingest_sources(days[16:], store, key_file=key)
    after = watched(Store.open(store), LENGTH)
    assert after[0] == before[0] and len(after) > len(before)
    open_before, open_after = before[-1], next(one for one in after if one["window"] == before[-1]["window"])
    assert open_after["made_of"]["days"].keys() > {d for d in open_before["made_of"]["days"] if d >= days[3].stem}


@pytest.mark.slow
def test_what_is_learnt_of_an_account_later_changes_no_window_before(
    logs: Path, key: Path, at_once: Store, tmp_path: Path
) -> None:
    """A daily export that says the same with another time of writing changes nothing; a new tier changes the windows
    from that day on."""
    store = tmp_path / "s"
    ingest_sources([logs], store, key_file=key)
    (accounts,) = (path for path in small(logs) if path.name.startswith("accounts"))
    rows = pq.read_table(accounts).to_pylist() if accounts.suffix == ".parquet" else []
    assert rows
    newest = datetime.fromisoformat(Store.open(store).days()[-1] + "T12:00:00+00:00")
    again = tmp_path / "accounts-again.parquet"
    pq.write_table(
        pa.Table.from_pylist([row | {"updated_at": newest} for row in rows], pq.read_schema(accounts)), again
    )
    ingest_sources([again], store, key_file=key)
    watched(Store.open(store), LENGTH)
    assert records(Store.open(store)) == records(at_once)
    pq.write_table(
        pa.Table.from_pylist(
            [rows[0] | {"updated_at": newest + timedelta(hours=1), "tier": "other"}], pq.read_schema(accounts)
        ),
        again,
    )
    ingest_sources([again], store, key_file=key)
    watched(Store.open(store), LENGTH)
    changed = [name for name, held in records(Store.open(store)).items() if records(at_once)[name] != held]
    assert changed == [max(records(at_once))]


def test_a_store_without_an_exchange_tells_nothing(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "logs"
    source.mkdir()
    (source / "exchanges.jsonl").write_text("no json\n")
    assert run(["watch", str(source), "--store", str(tmp_path / "s"), "--key-file", str(key), "--once"]) == 0
    out, words = capsys.readouterr()
    assert out == "" and "1 row set aside" in words and "not an all-clear" in words


def test_files_that_are_as_they_were_are_not_read_again_and_others_as_ingest_reads_them(
    tmp_path: Path, key: Path
) -> None:
    from stillwatch.cli.watch import _Seen
    from tests.store.logs import exchange, write

    source = write(tmp_path / "logs", [exchange(1)])
    (source / "accounts").mkdir()
    (source / "accounts" / "part-0.jsonl").write_text('{"account_id": "a", "purpose": "x", "reference": "y"}\n')
    seen = _Seen()
    first = ingest_sources([source], tmp_path / "s", key_file=key, wanted=seen.is_new)
    assert (first.files, first.exchanges, first.accounts) == (2, 1, 1)
    assert ingest_sources([source], tmp_path / "s", key_file=key, wanted=seen.is_new).files == 0
    time.sleep(0.01)
    with (source / "exchanges.jsonl").open("a") as file:
        file.write(json.dumps(exchange(2)) + "\n")
    again = ingest_sources([source], tmp_path / "s", key_file=key, wanted=seen.is_new)
    assert (again.files, again.new) == (1, 1)
    seen.forget()
    assert ingest_sources([source], tmp_path / "s", key_file=key, wanted=seen.is_new).files == 2


@pytest.mark.slow
def test_the_finding_that_an_alert_names_can_be_shown_and_says_the_same(
    logs: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut in the middle of history, where the accounts file knows more than the window does."""
    store = tmp_path / "s"
    ingest_sources([*small(logs), *days_of(logs)[:18]], store, key_file=key)
    options = ["--store", str(store), "--key-file", str(key), "--days", str(LENGTH), "--once", "--json"]
    assert run(["watch", str(small(logs)[0]), *options]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    newest = [alert for alert in told if alert["open"]]
    assert newest
    answer = json.loads((store / "runs" / newest[0]["run_id"] / "campaigns.json").read_text("utf-8"))
    found = {finding["campaign_id"]: finding for finding in answer["campaigns"]}
    for alert in newest:
        assert found[alert["campaign_id"]]["status"] == alert["status"]
        assert found[alert["campaign_id"]]["exchanges"] == alert["exchanges"]
        assert set(alert["account_ids"]) <= {m["account_id"] for m in found[alert["campaign_id"]]["members"]}


def test_a_source_that_is_gone_for_a_moment_does_not_end_the_watch(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    options = ["--store", str(tmp_path / "s"), "--key-file", str(key), "--every", "5"]
    assert run(["watch", str(tmp_path / "logs"), *options]) == 130
    assert looks == [5.0, 5.0] and "looking again in 5 s" in capsys.readouterr().err
    assert run(["watch", str(tmp_path / "logs"), *options, "--once"]) == 1


def test_the_end_of_a_window_is_the_first_moment_after_it() -> None:
    window = Window(date(2026, 10, 5), date(2026, 10, 6))
    assert (window.begin, window.end) == (datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC))
