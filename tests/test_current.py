"""What came of campaigns since a run: the same as a whole look would count, whatever the files and their order."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli import run as command
from stillwatch.current import current
from stillwatch.errors import StoreError, UsageError
from stillwatch.pipeline import ingest_sources
from stillwatch.store.erase import erase
from stillwatch.store.retention import expire
from stillwatch.store.runs import COUNTED, WORDINGS, Looked, write_run
from stillwatch.store.store import Store

DAY = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = "Write out every step of the reasoning behind the answer to problem number {}."
OTHER = "Please translate the following menu into polite Norwegian for our guests, item {}."


def line(number: int, account: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "exchange_id": f"r{number}", "asked_at": (DAY + timedelta(hours=number)).isoformat(), "account_id": account,
        "model_requested": "m", "status": "ok",
        "messages": [{"role": "user", "content": text.format(number)}],
    } | more  # fmt: skip


def ingest(tmp_path: Path, name: str, *lines: dict[str, Any]) -> None:
    logs = tmp_path / name
    (logs / "exchanges").mkdir(parents=True)
    (logs / "exchanges" / "part.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    ingest_sources([logs], tmp_path / "store")


FIRST = [line(n, f"a{n % 3}", ASKED) for n in range(9)] + [line(100 + n, "honest", OTHER) for n in range(3)]


def a_run(tmp_path: Path) -> Store:
    """A store with a run whose one finding, of a0 to a2, counts what they asked; its wording is the exact one."""
    ingest(tmp_path, "first", *FIRST)
    store = Store.open(tmp_path / "store")
    paths = [path for held in store.exchange_files().values() for path in held]
    held = {row["exchange_id"]: row for path in paths for row in pq.read_table(path).to_pylist()}
    token = held["r0"]["skeleton"]
    counted = [
        ("C-1", f"r{n}", f"a{n % 3}", DAY + timedelta(hours=n), None, True, True) for n in range(9)
    ] + [("C-2", "r100", "honest", DAY, None, None, None)]  # fmt: skip
    table = pa.Table.from_pylist([dict(zip(COUNTED.names, row, strict=True)) for row in counted], schema=COUNTED)
    members = [{"account_id": f"a{n}", "probability": 0.9, "role": "operator", "exchanges": 3} for n in range(3)]
    findings = [
        {"campaign_id": name, "status": status, "exchanges": 9, "last_seen": "2026-03-01T08:00:00Z", "members": members}
        for name, status in (("C-1", "suspected"), ("C-2", "permitted"), ("C-3", "dismissed"))
    ]
    run = {"run_id": "", "until": "2026-03-05T00:00:00Z"}
    words = [("C-1", "exact", token, True), ("C-1", "exact", held["r100"]["skeleton"], False)]
    wordings = pa.Table.from_pylist([dict(zip(WORDINGS.names, row, strict=True)) for row in words], schema=WORDINGS)
    write_run(store, {"schema": "x", "run": run, "campaigns": findings}, table, Looked(store.listed(), wordings))
    return store


def told(answer: dict[str, Any], name: str = "C-1") -> tuple[int, int, dict[str, int]]:
    (one,) = [found for found in answer["campaigns"] if found["campaign_id"] == name]
    return one["more"], one["accounts"], {s["account_id"]: s["exchanges"] for s in one["strangers"]}


def test_nothing_came(tmp_path: Path) -> None:
    answer = current(a_run(tmp_path))
    assert (answer["files"], answer["exchanges"], told(answer)) == (0, 0, (0, 0, {}))
    assert [one["campaign_id"] for one in answer["campaigns"]] == ["C-1", "C-2"]


NEW = [
    *(line(200 + n, "a0", ASKED) for n in range(3)),
    line(203, "a1", ASKED),
    line(204, "a1", OTHER),
    *(line(205 + n, "new", ASKED) for n in range(2)),
    line(207, "once", ASKED),
    *(line(208 + n, "honest", OTHER) for n in range(4)),
]


def test_members_new_work_is_counted_and_strangers_are_told(tmp_path: Path) -> None:
    store = a_run(tmp_path)
    ingest(tmp_path, "second", *NEW)
    answer = current(store)
    assert answer["exchanges"] == len(NEW)
    assert told(answer) == (5, 2, {"new": 2})
    assert told(answer, "C-2") == (0, 0, {})
    assert answer["campaigns"][0]["last_seen"] == "2026-03-09T12:00:00Z"


def test_batches_their_order_and_repeats_change_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        a_run(folder)
    ingest(one, "second", *NEW)
    ingest(other, "third", *NEW[6:])
    ingest(other, "second", *NEW[:8], *FIRST[:4])  # two of them again, and four that the run had seen
    (first, second) = (current(Store.open(folder / "store")) for folder in (one, other))
    assert first["campaigns"] == second["campaigns"]


def test_the_terminal_names_strangers_harmlessly_and_json_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(tmp_path)
    ingest(tmp_path, "second", *(line(300 + n, "evil\x1b[2J", ASKED) for n in range(2)))
    assert command(["current", "--store", str(tmp_path / "store")]) == 0
    out = capsys.readouterr()
    assert "\x1b" not in out.out and "in its wordings: evil" in out.out and "detect" in out.err
    assert command(["current", "--store", str(tmp_path / "store"), "--json"]) == 0
    assert told(json.loads(capsys.readouterr().out)) == (0, 0, {"evil\x1b[2J": 2})


def test_older_runs_and_damaged_lists_are_told(tmp_path: Path) -> None:
    store = a_run(tmp_path)
    (path,) = (store.folder / "runs").glob("*/files.json")
    path.write_text("{")
    with pytest.raises(StoreError, match="looked at"):
        current(store)
    path.unlink()
    with pytest.raises(UsageError, match="older version"):
        current(store)


def test_after_an_erasure_it_asks_for_a_new_run(tmp_path: Path) -> None:
    store = a_run(tmp_path)
    erase(store, "a0", dry_run=True)
    assert current(store)["exchanges"] == 0
    erase(store, "nobody", unknown=True)
    assert current(store)["exchanges"] == 0
    erase(store, "a0")
    with pytest.raises(UsageError, match="an account was erased since"):
        current(store)


def test_days_that_expired_are_no_news(tmp_path: Path) -> None:
    store = a_run(tmp_path)
    ingest(tmp_path, "second", *NEW)
    expire(store, date(2026, 3, 9))
    assert current(Store.open(store.folder))["exchanges"] == sum(
        DAY + timedelta(hours=int(n["exchange_id"][1:])) >= datetime(2026, 3, 9, tzinfo=UTC) for n in NEW
    )
