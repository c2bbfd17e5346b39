"""The engine's seam: answers whole and in batches, and errors that name what failed."""

import pyarrow as pa
import pytest

from stillwatch.engine.duckdb import BATCH, LEAST_MEMORY, DuckEngine, memory_for
from stillwatch.errors import ContractError
from stillwatch.records import Step


def test_an_answer_in_batches_is_the_whole_answer() -> None:
    with DuckEngine() as engine:
        sql = f"SELECT range AS n FROM range({3 * BATCH // 2})"
        batches = list(engine.batches(sql))
        assert len(batches) > 1 and max(batch.num_rows for batch in batches) <= BATCH
        assert sorted(pa.Table.from_batches(batches)["n"].to_pylist()) == sorted(engine.arrow(sql)["n"].to_pylist())


LATE = "SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS INTEGER) AS n FROM range(1000000)"


@pytest.mark.parametrize("method", ["arrow", "batches"])
@pytest.mark.parametrize("sql", ["SELECT nothing FROM nowhere", LATE], ids=["at once", "late"])
def test_a_query_that_fails_is_named(method: str, sql: str) -> None:
    with DuckEngine() as engine, pytest.raises(ContractError) as error:
        list(getattr(engine, method)(sql))
    assert sql in str(error.value)


def test_memory_grows_with_the_exchanges_up_to_a_share_of_the_machine() -> None:
    assert memory_for(0) == memory_for(1_000_000) == LEAST_MEMORY
    assert LEAST_MEMORY <= memory_for(8_000_000) <= memory_for(1 << 40) == memory_for(1 << 50)


def test_a_rest_keeps_every_table() -> None:
    with DuckEngine() as engine:
        engine.run([Step("held", "SELECT range AS n FROM range(100000)")])
        engine.rest()
        assert engine.arrow("SELECT sum(n) AS n FROM held").to_pylist() == [{"n": 4999950000}]
        engine.run([Step("more", "SELECT n + 1 AS n FROM held")])
        assert engine.arrow("SELECT max(n) AS n FROM more").to_pylist() == [{"n": 100000}]
