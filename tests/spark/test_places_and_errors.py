"""Folders with any name, and errors that are told in a line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import ContractError, UsageError
from stillwatch.records import Step

pytestmark = [pytest.mark.spark, pytest.mark.slow]

NAME = "s 'q' [a]*{b} %41"


@pytest.fixture(autouse=True)
def _spark(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed here (make spark builds .venv-spark)")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")


def test_what_looks_like_a_pattern_is_a_name(tmp_path: Path) -> None:
    from stillwatch.engine.spark import SparkEngine

    folder = tmp_path / NAME
    folder.mkdir()
    pq.write_table(pa.table({"n": pa.array([1, 2], pa.uint64())}), folder / "a.parquet", use_dictionary=False)
    path = str(folder / "a.parquet").replace("'", "''")
    with SparkEngine("local[1]", str(folder / "scratch"), {}) as engine:
        engine.view("held", f"SELECT n FROM read_parquet(['{path}'], hive_partitioning = false)")
        engine.run([Step("made", "SELECT n FROM held WHERE n IS NOT NULL")])
        assert sorted(engine.arrow("SELECT n FROM made")["n"].to_pylist()) == [1, 2]
        assert sorted(n for batch in engine.batches("SELECT n FROM made") for n in batch["n"].to_pylist()) == [1, 2]
    assert list((folder / "scratch").iterdir()) == []


def test_errors_are_told_in_a_line(tmp_path: Path) -> None:
    from stillwatch.engine.spark import SparkEngine

    (tmp_path / "file").write_text("no folder")
    with SparkEngine("local[1]", str(tmp_path / "file"), {}) as engine, pytest.raises(ContractError) as told:
        engine.run([Step("made", "SELECT 1 AS n")])
    assert "\n" not in str(told.value.__cause__ and told.value.args[0])
    with pytest.raises(UsageError, match="the answers hang on"):
        SparkEngine("local[1]", str(tmp_path), {"spark.sql.session.timeZone": "CET"})
