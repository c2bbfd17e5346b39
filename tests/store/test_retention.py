"""Days that are over their time go whole, what stays keeps its bytes, and nothing brings them back."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli import run
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.epochs import rotate
from stillwatch.store.erase import erase
from stillwatch.store.retention import expire
from stillwatch.store.runs import COUNTED, read_counted, write_run
from stillwatch.store.store import Store
from tests.store.kills import child_that_dies
from tests.store.logs import START, exchange, write

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


BEGIN = datetime.fromtimestamp(START, UTC)
FIRST = BEGIN.date()
CUT = FIRST + timedelta(days=1)


def logs(folder: Path) -> Path:
    """Three days, of which the first is over its time."""
    rows = [exchange(n, f"acct_{n % 3}") for n in range(60)]
    for n, row in enumerate(rows):
        row["asked_at"] = (BEGIN + timedelta(days=n % 3, minutes=n)).isoformat()
    return write(folder / "logs", rows)


def stored(folder: Path) -> Store:
    ingest_sources([logs(folder)], folder / "s")
    return Store.open(folder / "s")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def killed(step: str, store: Store) -> None:
    os.waitpid(child_that_dies(step, 1, lambda: expire(store, CUT)), 0)


def ids(store: Store) -> set[str]:
    with DuckEngine() as engine:
        store.register(engine)
        return set(engine.arrow("SELECT exchange_id FROM exchanges")["exchange_id"].to_pylist())


YOUNG = {f"e{n}" for n in range(60) if n % 3}


def test_old_days_go_and_young_ones_keep_their_bytes(tmp_path: Path) -> None:
    store = stored(tmp_path)
    before = {path: held for path, held in files_of(store.folder).items() if f"day={FIRST}" not in path}
    told = expire(store, CUT)
    assert (told.days, told.exchanges, told.first_kept) == (1, 20, CUT.isoformat())
    after = files_of(store.folder)
    assert after.keys() == before.keys()
    assert [path for path in before if after[path] != before[path]] == ["store.json"]
    assert ids(Store.open(store.folder)) == YOUNG
    assert expire(Store.open(store.folder), CUT).exchanges == 0, "a repeat finds nothing"
    assert expire(Store.open(store.folder), FIRST).kept_from == CUT.isoformat(), "time does not come back"


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    store = stored(tmp_path)
    before = files_of(store.folder)
    assert expire(store, CUT, dry_run=True).exchanges == 20
    assert files_of(store.folder) == before


def test_old_logs_do_not_bring_days_back(tmp_path: Path) -> None:
    store = stored(tmp_path)
    expire(store, CUT)
    report = ingest_sources([tmp_path / "logs"], store.folder)
    assert (report.expired, report.exchanges, report.new, report.suppressed) == (20, 40, 0, 0)
    assert ids(Store.open(store.folder)) == YOUNG


@pytest.mark.slow
def test_it_answers_as_a_store_that_never_held_these_days(tmp_path: Path) -> None:
    store = stored(tmp_path)
    expire(store, CUT)
    young = [json.loads(line) for path in (tmp_path / "logs").glob("*.jsonl") for line in path.open()]
    young = [row for row in young if row["asked_at"][:10] >= CUT.isoformat()]
    ingest_sources([write(tmp_path / "young", young)], tmp_path / "other")
    one, other = (detect(Store.open(folder)).answer for folder in (store.folder, tmp_path / "other"))
    for answer in (one, other):
        answer["run"] |= {"run_id": "", "seconds": 0, "store": ""}
    assert one == other


def test_every_epoch_loses_its_old_days(tmp_path: Path) -> None:
    store = stored(tmp_path)
    rotate(store, None, 0)
    late = write(tmp_path / "late", [exchange(100, "acct_1") | {"asked_at": BEGIN.isoformat()}])
    ingest_sources([late], store.folder)
    assert expire(Store.open(store.folder), CUT).exchanges == 21
    assert not [path for path in store.folder.rglob(f"day={FIRST}")]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["opened", "written", "draft", "renamed", "synced", "expired"])
def test_a_kill_is_completed_and_never_shows_half(tmp_path: Path, step: str) -> None:
    store = stored(tmp_path)
    killed(step, store)
    after = Store.open(store.folder)
    assert ids(after) in (YOUNG, {f"e{n}" for n in range(60)})
    expire(after, CUT)
    assert ids(Store.open(store.folder)) == YOUNG
    assert not [path for path in store.folder.rglob(f"day={FIRST}")]


def test_an_erase_reaches_what_a_killed_expire_left(tmp_path: Path) -> None:
    store = stored(tmp_path)
    killed("synced", store)
    erase(Store.open(store.folder), "acct_0")
    assert not [path for path in store.folder.rglob(f"day={FIRST}")]


@pytest.mark.parametrize("remove", ["erase", "expire"])
def test_what_a_killed_run_of_a_cluster_left_goes_too(tmp_path: Path, remove: str) -> None:
    store = stored(tmp_path)
    left = store.scratch / "stillwatch-0" / "1" / "part.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rows of somebody")
    if remove == "erase":
        erase(store, "nobody", unknown=True)
    else:
        expire(store, date(2020, 1, 1))
    assert not left.exists()


def test_a_store_is_not_emptied_by_a_wrong_date(tmp_path: Path) -> None:
    store = stored(tmp_path)
    before = files_of(store.folder)
    with pytest.raises(UsageError, match="no exchange would be left") as raised:
        expire(store, date(2030, 1, 1))
    assert str(FIRST + timedelta(days=2)) in str(raised.value)
    assert files_of(store.folder) == before


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = stored(tmp_path)
    assert run(["expire", "--store", str(store.folder)]) == 2, "it is not said what is over its time"
    capsys.readouterr()
    assert run(["expire", "--store", str(store.folder), "--before", CUT.isoformat(), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"schema": "stillwatch/expire/v1", "dry_run": True, "kept_from": CUT.isoformat(), "days": 1,
                    "exchanges": 20, "listed": 0, "cases": 0, "first_kept": CUT.isoformat()}  # fmt: skip
    days = (datetime.now(UTC).date() - CUT).days
    assert run(["expire", "--store", str(store.folder), "--days", str(days)]) == 0
    assert "removed: 20 exchange rows of 1 day" in capsys.readouterr().out


def test_runs_list_no_exchange_of_a_day_that_is_over(tmp_path: Path) -> None:
    store = stored(tmp_path)
    rows = [("C-1", f"e{n}", f"acct_{n % 3}", BEGIN + timedelta(days=n % 3), None, None, None) for n in range(6)]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(COUNTED.names)}
    run_id = write_run(store, {"run": {}, "campaigns": []}, pa.table(columns, schema=COUNTED)).name
    assert expire(store, CUT, dry_run=True).listed == 2
    assert read_counted(store, run_id).num_rows == 6
    killed("synced", store)
    assert read_counted(Store.open(store.folder), run_id)["exchange_id"].to_pylist() == ["e1", "e2", "e4", "e5"]
    expire(Store.open(store.folder), CUT)
    (path,) = (store.folder / "runs").glob("*/exchanges.parquet")
    assert pq.ParquetFile(path).read()["exchange_id"].to_pylist() == ["e1", "e2", "e4", "e5"]
