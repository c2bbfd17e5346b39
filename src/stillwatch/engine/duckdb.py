"""The engine of one machine: DuckDB in this process, spilling to a temporary folder that ends with it."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa

from stillwatch.errors import ContractError
from stillwatch.records import Step

LEAST_MEMORY = 2_000_000_000
MEMORY_A_ROW = 500
MOST_OF_MACHINE = 1 / 3
"""Bytes that tables may hold before they spill to disk: so many an exchange, between the least and a share of the
machine's memory. Not every operator of DuckDB spills: 16 million exchanges fail with the least. With four times as much
a million exchanges take as many CPU seconds, and .8 GiB more."""

THREADS = 2

CONTAINERS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much memory a container may have."""

BATCH = 100_000
"""Rows that are handed over together where an answer does not come whole."""


class DuckEngine:
    """A private in-memory database. Use as a context manager: leaving it removes what was spilled."""

    def __init__(self, rows: int = 0, threads: int = THREADS) -> None:
        """`rows` exchanges are going to be looked at."""
        self._spill = tempfile.TemporaryDirectory(prefix="stillwatch-")
        self._memory, self._rests = memory_for(rows), False
        self._database = duckdb.connect(
            config={"memory_limit": f"{self._memory}B", "threads": threads, "temp_directory": self._spill.name}
        )
        self._database.execute("SET TimeZone = 'UTC'")
        self._database.execute("SET preserve_insertion_order = false")

    def __enter__(self) -> "DuckEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._spill.cleanup()

    def register(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table in, so that its names and types are the engine's own."""
        self._drop(name)
        self._database.register("incoming", table)
        self._database.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')
        self._database.unregister("incoming")

    def view(self, name: str, sql: str) -> None:
        """Make a name for a query over files: read when asked, never copied."""
        self._database.execute(f'CREATE OR REPLACE VIEW "{name}" AS {sql}')

    def run(self, steps: Iterable[Step]) -> None:
        """Make each step's table, in order. Raises ContractError with the step's name."""
        if self._rests:
            self._database.execute(f"SET memory_limit = '{self._memory}B'")
            self._rests = False
        for step in steps:
            self._drop(step.table)
            try:
                self._database.execute(f'CREATE TABLE "{step.table}" AS {step.sql}')
            except duckdb.Error as error:
                raise ContractError(f"step {step.table} failed: {error}", where=step.table) from error

    def arrow(self, sql: str) -> pa.Table:
        """The answer of one query, whole."""
        try:
            return _plain(self._database.sql(sql).to_arrow_table())
        except duckdb.Error as error:
            raise ContractError(f"query failed: {error}", found=sql.strip()[:200]) from error

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The answer of one query, some rows at a time."""
        try:
            yield from self._database.sql(sql).to_arrow_reader(BATCH)
        except (duckdb.Error, OSError, pa.ArrowException) as error:  # the reader's own errors are Arrow's
            raise ContractError(f"query failed: {error}", found=sql.strip()[:200]) from error

    def rest(self) -> None:
        """Bring tables to disk but for `LEAST_MEMORY`, until the next step is run."""
        self._database.execute(f"SET memory_limit = '{min(self._memory, LEAST_MEMORY)}B'")
        self._rests = True

    def rename(self, name: str, new_name: str) -> None:
        """Give a table another name; a table that has it already is dropped."""
        self._drop(new_name)
        self._database.execute(f'ALTER TABLE "{name}" RENAME TO "{new_name}"')

    def _drop(self, name: str) -> None:
        kind = self._database.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ?", [name]
        ).fetchone()
        if kind is not None:
            self._database.execute(f'DROP {"VIEW" if kind[0] == "VIEW" else "TABLE"} "{name}"')


def memory_for(rows: int) -> int:
    """Bytes that tables of so many exchanges may hold in memory."""
    return max(LEAST_MEMORY, min(rows * MEMORY_A_ROW, int(_memory() * MOST_OF_MACHINE)))


def _memory() -> int:
    """Bytes of the machine, or of the container if that has less; 0 where the system does not say."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    limits = [place.read_text().strip() for place in CONTAINERS if place.exists()]
    return min([machine, *(int(limit) for limit in limits if limit.isdigit())])


def _plain(table: pa.Table) -> pa.Table:
    """Sums of whole numbers come back as 38-digit decimals: as 64-bit integers instead."""
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            table = table.set_column(place, field.name, table.column(place).cast(pa.int64()))
    return table
