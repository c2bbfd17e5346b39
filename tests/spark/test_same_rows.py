"""One list of queries, both engines, the same rows: what is said differently, and values at the edges of every type."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import ContractError
from stillwatch.records import Step

pytestmark = [pytest.mark.spark, pytest.mark.slow]

MOST, HALF = (1 << 64) - 1, 1 << 63
DAY = timedelta(days=1)
BEGUN = datetime(2026, 10, 5, 23, 59, 59, 999_999, tzinfo=UTC)

HELD = pa.table(
    {
        "g": pa.array([0, 0, 0, 1, 1, None], pa.int32()),
        "h": pa.array([MOST, HALF, 1, 0, HALF - 1, None], pa.uint64()),
        "small": pa.array([255, 0, 7, 9, None, 1], pa.uint8()),
        "word": pa.array(["", "ab", "Ä|b", "a'b", "😀", None], pa.string()),
        "raw": pa.array([bytes(32), b"\xff" * 32, bytes(range(32)), None, b"a" * 32, b"b" * 32], pa.binary(32)),
        "asked": pa.array(
            [BEGUN, BEGUN + DAY, None, BEGUN - 40 * DAY, BEGUN + DAY, BEGUN], pa.timestamp("us", tz="UTC")
        ),
        "n": pa.array([-7, 0, 3, 2**62, None, 1], pa.int64()),
        "real": pa.array([0.1, -2.5, None, 1e300, 0.2, 3.0], pa.float64()),
        "yes": pa.array([True, False, None, True, True, False], pa.bool_()),
        "ids": pa.array([[MOST, 1], [], None, [HALF], [2, 3, 4], [None, 5]], pa.list_(pa.uint64())),
        "roles": pa.array([[3, 9], [], None, [0], [1, 2, 3], [4, 5]], pa.list_(pa.uint8())),
    }
)
OTHER = pa.table({"g": pa.array([0, 2], pa.int32()), "name": pa.array(["nought", "two"], pa.string())})

QUERIES = (
    "SELECT * FROM held",
    "SELECT * EXCLUDE (raw, ids) FROM held",
    "SELECT g, min(h) AS least, max(h) AS most, min(h) FILTER (yes) AS of_some FROM held GROUP BY g",
    "SELECT h FROM held ORDER BY h",
    "SELECT g, h, row_number() OVER (PARTITION BY g ORDER BY h) AS place FROM held",
    "SELECT g, h, sum(CAST(small AS HUGEINT)) OVER (PARTITION BY g ORDER BY h ROWS BETWEEN UNBOUNDED PRECEDING AND "
    "CURRENT ROW) AS so_far FROM held",
    "SELECT g, row_number() OVER (ORDER BY roles, n, g) AS place FROM held",
    "SELECT g, h FROM held QUALIFY row_number() OVER (PARTITION BY g ORDER BY h DESC) = 1",
    "SELECT g, arg_max(word, struct_pack(yes := yes, h := h)) AS word, arg_min(n, h) AS n FROM held GROUP BY g",
    "SELECT CAST(h AS VARCHAR) AS digits, concat_ws('|', word, h, n) AS joined FROM held",
    "SELECT CAST(h // 2 AS BIGINT) AS half, n // 2 AS whole, n % 5 AS rest FROM held",
    "SELECT n / 2 AS half, n / small AS divided, real / 3 AS third, 1 / (n - n) AS endless FROM held WHERE n < 9",
    "SELECT md5_number_lower(word) AS token, md5_number_lower(CAST(h AS VARCHAR)) AS digits FROM held",
    "SELECT md5_number_lower('1' || hex(raw)[17:32]) AS band, lpad(lower(hex(h)), 16, '0') AS hexed FROM held",
    "SELECT g, avg(CASE WHEN yes THEN 1.0 ELSE 0.0 END) AS share, avg(n % 1000) AS mean FROM held GROUP BY g",
    "SELECT g, sum(CAST(n AS HUGEINT)) AS summed, sum(n % 1000) AS rests, count(*) AS rows_ FROM held GROUP BY g",
    "SELECT g, median(CAST(n % 1000 AS DOUBLE)) AS middle, quantile_disc(asked, 0.05) AS early FROM held GROUP BY g",
    "SELECT bool_or(yes) AS some, bool_and(yes) AS every, bit_or(small) AS bits, bit_or(h) AS hashes FROM held",
    "SELECT h & 5 AS masked, (h >> 3) & 1 AS bit, small & 6 AS few FROM held",
    "SELECT g, any_value(word) AS word FROM (SELECT g, NULL::VARCHAR AS word FROM held) GROUP BY g",
    "SELECT g, unnest(ids) AS id FROM held",
    "SELECT g, unnest(ids) AS id, unnest(roles) AS role, generate_subscripts(ids, 1) AS place FROM held",
    "SELECT g, unnest([h, n::UBIGINT]) AS one FROM held WHERE n >= 0",
    "SELECT o.g, unnest(o.roles) AS role FROM held o ANTI JOIN other USING (g)",
    "SELECT len(ids) AS n, list_contains(roles, 3) AS three FROM held",
    "SELECT epoch_us(asked) AS us, epoch(asked) / 86400.0 AS day, epoch_us(asked) // 3600000000 AS hour FROM held",
    "SELECT strftime(asked AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS told FROM held",
    "SELECT strftime(asked, '%Y-%m-%d') AS day, CAST(CAST(asked AS DATE) AS VARCHAR) AS same_day FROM held",
    "SELECT asked + INTERVAL 48 HOURS AS later, asked >= TIMESTAMPTZ '2026-10-06' AS after FROM held",
    "SELECT a.g, b.name, coalesce(b.g, -1) AS other FROM held a FULL JOIN other b USING (g)",
    "SELECT g FROM held SEMI JOIN other ON other.g = held.g",
    "SELECT a.n FROM held a JOIN held b ON a.g IS NOT DISTINCT FROM b.g",
    "SELECT n, n IN (SELECT n FROM held WHERE yes AND n < 9) AS among FROM held WHERE n IS NOT NULL",
    "SELECT n FROM held WHERE NOT (g = 0 AND EXISTS (SELECT 1 FROM other WHERE other.g = held.g))",
    "SELECT least(n, 5, NULL) AS few, greatest(2, 0.2 * n) AS many, nullif(n, 3) AS no_three FROM held WHERE n < 9",
    "SELECT lower(word) AS low, split_part(word, '|', 1) AS first, starts_with(word, 'a') AS a FROM held",
    "SELECT regexp_replace(regexp_replace(word, '[0-9]+', '9', 'g'), '[^0-9._+-]+', 'a', 'g') AS shape FROM held",
    "SELECT g, count(DISTINCT ids) AS lists, count(DISTINCT hash(ids)) AS hashed FROM held GROUP BY ALL",
    "SELECT word, small, count(*) AS n FROM held GROUP BY ALL ORDER BY word, small DESC",
    "WITH a AS (SELECT g, h FROM held), held AS (SELECT g FROM a) SELECT g, count(*) AS n FROM held GROUP BY g",
    "SELECT n / sum(n % 100) OVER (PARTITION BY g) AS share FROM held WHERE n < 9",
    "SELECT DISTINCT word FROM held UNION SELECT name FROM other",
)  # fmt: skip


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    pytest.importorskip("pyspark", reason="PySpark is not installed here (make test-spark builds .venv-spark)")
    from stillwatch.engine.spark import SparkEngine

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        scratch: Path = tmp_path_factory.mktemp("scratch")
        with DuckEngine() as here, SparkEngine("local[2]", str(scratch), {}) as there:
            for engine in (here, there):
                engine.register("held", HELD)
                engine.register("other", OTHER)
            yield here, there
        assert not list(scratch.iterdir())


def rows(table: pa.Table, sql: str) -> list[str]:
    """In their order where the query gives one."""
    told = [repr(row) for row in table.to_pylist()]
    return told if "ORDER BY" in sql.rsplit(")", 1)[-1] else sorted(told)


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_has_the_same_rows(engines: tuple[Engine, Engine], sql: str) -> None:
    here, there = (engine.arrow(sql) for engine in engines)
    assert here.schema.names == there.schema.names
    assert rows(there, sql) == rows(here, sql)
    assert [str(field.type) for field in there.schema] == [str(field.type) for field in here.schema]


@pytest.mark.parametrize("sql", QUERIES)
def test_a_table_made_of_it_has_them_too(engines: tuple[Engine, Engine], sql: str) -> None:
    """Through files, as between steps."""
    told = []
    for engine in engines:
        engine.run([Step("made", sql)])
        engine.rename("made", "renamed")
        told.append(rows(engine.arrow("SELECT * FROM renamed"), ""))
    assert told[0] == told[1]


def test_answers_in_batches_are_the_whole_answer(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        parts = list(engine.batches("SELECT h, ids FROM held"))
        assert sorted(map(repr, pa.Table.from_batches(parts).to_pylist())) == sorted(
            map(repr, HELD.select(["h", "ids"]).to_pylist())
        )


def test_a_name_is_given_again_and_read_by_the_step_that_replaces_it(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        engine.run([Step("again", "SELECT 1 AS n"), Step("again", "SELECT n + 1 AS n FROM other, (SELECT 5 AS n) f")])
        assert [row["n"] for row in engine.arrow("SELECT * FROM again").to_pylist()] == [6, 6]


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT no_such FROM held", "no_such"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT h FROM held WHERE h > 5", "alike"),
        ("SELECT epoch(asked - asked) AS s FROM held", "interval"),
        ("SELECT strftime(asked, '%d') AS d FROM held", "format"),
    ],
)
def test_what_cannot_be_said_is_refused_and_not_answered_in_another_way(
    engines: tuple[Engine, Engine], sql: str, named: str
) -> None:
    with pytest.raises(ContractError, match=named):
        engines[1].run([Step("refused", sql)])
