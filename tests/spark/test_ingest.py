"""Files and tables taken by Spark's tasks: the store of one machine, bad rows by their place, nothing counted twice."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.engine.engines import Cluster
from stillwatch.errors import SourceError, UsageError
from stillwatch.pipeline import IngestReport, ingest_sources
from stillwatch.store.erase import erase
from stillwatch.store.store import Store
from tests.store.logs import every_byte, exchange, rows_of, write

pytestmark = [pytest.mark.spark, pytest.mark.slow]

LOCAL = Cluster("local[2]", settings={"spark.sql.warehouse.dir": "/nonexistent"})


@pytest.fixture(autouse=True)
def _spark(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed here (make spark builds .venv-spark)")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")


def logs(folder: Path) -> Path:
    """Three files: good rows, a row without an account among good ones, and one that is no JSON at all."""
    write(folder, [exchange(n, f"acct_{n % 4}") for n in range(40)], accounts=[{"account_id": "acct_1"}])
    bad = exchange(101)
    del bad["account_id"]
    rows = [exchange(100), bad, exchange(102, "sk-ant-api03-" + "k" * 80)]
    (folder / "exchanges-2.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "exchanges-3.jsonl").write_text("no json\n")
    return folder


def told(report: IngestReport) -> tuple[object, ...]:
    counts = (report.exchanges, report.new, report.repeated, report.accounts, report.quarantined, report.secrets)
    return (*counts, report.reasons, report.examples, report.unknown)


def contents(store: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(store.rglob("*")) if path.is_file() and path.name != "store.json")
    return {str(path.relative_to(store)): path.read_bytes() for path in paths}


def test_files_give_the_store_of_one_machine_and_bad_rows_their_place(tmp_path: Path, key: Path) -> None:
    source = logs(tmp_path / "logs")
    alone = ingest_sources([source], tmp_path / "one", key_file=key)
    spread = ingest_sources([source], tmp_path / "two", key_file=key, cluster=LOCAL)
    assert alone.quarantined == 2 and alone.secrets == 1
    assert told(spread) == told(alone)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    again = ingest_sources([source], tmp_path / "two", key_file=key, cluster=LOCAL)
    assert (again.new, again.repeated) == (0, alone.exchanges)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_no_text_reaches_the_disk(tmp_path: Path, key: Path) -> None:
    ingest_sources([logs(tmp_path / "logs")], tmp_path / "s", key_file=key, cluster=LOCAL)
    held = every_byte(tmp_path / "s")
    assert b"orchard" not in held and b"sk-ant-" not in held


def test_an_erased_account_does_not_come_back_by_a_task(tmp_path: Path, key: Path) -> None:
    source = logs(tmp_path / "logs")
    ingest_sources([source], tmp_path / "s", key_file=key, cluster=LOCAL)
    erase(Store.open(tmp_path / "s", key), "acct_2")
    report = ingest_sources([source], tmp_path / "s", key_file=key, cluster=LOCAL)
    assert report.suppressed == 10
    assert "acct_2" not in {row["account_id"] for row in rows_of(tmp_path / "s", "exchanges")}


def test_a_table_that_spark_reads(tmp_path: Path, key: Path) -> None:
    """A path of Parquet as Spark names it, in several partitions; a bad row is told by its table and partition."""
    rows = [exchange(n, f"acct_{n % 4}") | {"asked_at": str(1_772_359_200 + 3600 * n)} for n in range(40)]
    rows[7]["account_id"] = None
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["messages"] = [json.dumps(row["messages"]) for row in rows]
    columns["asked_at"] = pa.array([int(at) * 1_000_000 for at in columns["asked_at"]], pa.timestamp("us", tz="UTC"))
    (tmp_path / "lake").mkdir()
    for part in range(2):
        half = pa.table(columns).slice(20 * part, 20)
        pq.write_table(half, tmp_path / "lake" / f"part-{part}.parquet")
    name = f"table:parquet.`{tmp_path / 'lake'}`"
    report = ingest_sources([Path(name)], tmp_path / "s", key_file=key, cluster=LOCAL)
    assert (report.exchanges, report.new, report.quarantined) == (39, 39, 1)
    bad = report.examples[0]
    assert "partition" in bad.file and bad.row == 8 and bad.column == "account_id"
    beside = ingest_sources([tmp_path / "lake"], tmp_path / "f", key_file=key)
    assert beside.exchanges == 39
    stored = [sorted(row["row_hash"] for row in rows_of(tmp_path / s, "exchanges")) for s in ("s", "f")]
    assert stored[0] == stored[1]


def test_what_is_not_there_is_named(tmp_path: Path, key: Path) -> None:
    with pytest.raises(SourceError, match="no such table"):
        ingest_sources([Path("table:lake.requests")], tmp_path / "s", key_file=key, cluster=LOCAL)
    with pytest.raises(UsageError, match="no Spark session"):
        ingest_sources([logs(tmp_path / "logs")], tmp_path / "s", key_file=key, cluster=Cluster("nonsense://h"))
