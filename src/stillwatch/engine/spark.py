"""The engine of a cluster: Spark runs the steps where the data is, DuckDB tells their types.

Every table lies in a scratch folder that all workers reach. Beside it DuckDB holds the same tables without a row: their
types are what a query is said in Spark's dialect by, and what its answer is brought back to.
"""

import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from stillwatch.engine.dialect import parsed, spark_sql, spark_type
from stillwatch.errors import ContractError, UsageError
from stillwatch.records import Step

try:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession
except ImportError as error:  # the extra `spark` is not installed
    raise UsageError(
        "the engine `spark` needs PySpark", next_step="install it with `pip install 'stillwatch[spark]'`; needs Java 17"
    ) from error

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""What a session must have for its answers to be those of DuckDB."""

QUIET = Path(__file__).with_name("log4j2.properties")
STARTED_WITH = {
    "spark.ui.enabled": "false",
    "spark.driver.maxResultSize": "0",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={QUIET.as_uri()}",
    "spark.log.level": "OFF",
    "spark.ui.showConsoleProgress": "false",
}
"""What a session that is started here has besides, unless it is told otherwise; errors come as exceptions, and are told
in a line."""

PARTITIONS_A_CORE = 2


class SparkEngine:
    """Tables in a scratch folder and in this session's catalogue. Use as a context manager: leaving it removes both."""

    def __init__(self, master: str, scratch: str, settings: Mapping[str, str]) -> None:
        """`scratch` is a folder that the driver and all workers reach under this name, a path or a URL.

        Raises UsageError where no session can be had of this master.
        """
        self._session = started(master, settings)
        self._scratch = f"{scratch.rstrip('/')}/stillwatch-{uuid.uuid4().hex}"
        self._types = duckdb.connect(config={"threads": 1})
        self._types.execute("SET TimeZone = 'UTC'")
        self._written: dict[str, str] = {}
        self._count = 0

    def __enter__(self) -> "SparkEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._types.close()
        try:
            self._remove(self._scratch)
            self._session.stop()
        except Exception:
            if error is None:  # else a session that is gone would hide why
                raise

    def register(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table in."""
        self._types.register("incoming", table.schema.empty_table())
        self._make(name, "SELECT * FROM incoming")
        self._types.unregister("incoming")
        held = self._answered(f"table {name}", lambda: self._session.createDataFrame(_signed(table)))
        self._keep(name, held)

    def view(self, name: str, sql: str) -> None:
        """Make a name for a query over files: read when asked, never copied."""
        said = self._said(sql)
        self._make(name, sql)
        self._answered(name, lambda: self._typed(said, name).createOrReplaceTempView(name))

    def run(self, steps: Iterable[Step]) -> None:
        """Make each step's table, in order. Raises ContractError with the step's name."""
        for step in steps:
            said = self._said(step.sql, step.table)
            self._make(step.table, step.sql)
            held = self._answered(f"step {step.table}", lambda said=said, name=step.table: self._typed(said, name))
            self._keep(step.table, held)

    def arrow(self, sql: str) -> pa.Table:
        """The answer of one query, whole."""
        schema, said = self._schema(sql), self._said(sql)
        held: pa.Table = self._answered("query", lambda: self._session.sql(said).toArrow())
        return _as_asked(held, schema)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The answer of one query, a file of it at a time."""
        schema, said = self._schema(sql), self._said(sql)
        place = self._place()
        self._answered("query", lambda: self._session.sql(said).write.parquet(place))
        for path in self._answered("query", lambda: self._read(place).inputFiles()):
            held = self._answered("query", lambda path=path: self._read(unquote(path)).toArrow())
            yield from _as_asked(held, schema).to_batches()
        self._remove(place)

    def rest(self) -> None:
        """Nothing of a table is held in memory."""

    def rename(self, name: str, new_name: str) -> None:
        """Give a table another name; a table that has it already is dropped."""
        self._drop(new_name)
        self._types.execute(f'ALTER TABLE "{name}" RENAME TO "{new_name}"')
        self._session.table(f"`{name}`").createOrReplaceTempView(new_name)
        self._session.catalog.dropTempView(name)
        self._written[new_name] = self._written.pop(name)

    # ---------------------------------------------------------------------------------------------------- types

    def _columns(self, name: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._types.execute(f'DESCRIBE "{name}"').fetchall()}

    def _make(self, name: str, sql: str) -> None:
        """The table without a row."""
        try:
            self._types.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM ({sql}) LIMIT 0')
        except duckdb.Error as error:
            raise ContractError(f"step {name} failed: {error}", where=name) from error

    def _schema(self, sql: str) -> pa.Schema:
        try:
            return self._types.sql(f"SELECT * FROM ({sql}) LIMIT 0").to_arrow_table().schema
        except duckdb.Error as error:
            raise ContractError(f"query failed: {error}", found=sql.strip()[:200]) from error

    def _typed(self, said: str, name: str) -> DataFrame:
        """What a query answers, with the names and types of a table."""
        columns = self._columns(name)
        held = self._session.sql(said).toDF(*columns)
        return held.select(*(held[f"`{column}`"].cast(spark_type(kind)) for column, kind in columns.items()))

    def _said(self, sql: str, step: str = "") -> str:
        """A query in Spark's dialect; the files that it reads are given names first."""
        tree = parsed(sql)
        for read in list(tree.find_all(exp.ReadParquet)):
            assert isinstance(read.parent, exp.Table)
            read.parent.set("this", exp.to_identifier(self._files(read)))
        try:
            return spark_sql(tree, self._columns)
        except (sqlglot.errors.SqlglotError, duckdb.Error) as error:
            raise ContractError(f"cannot be said to Spark: {error}", where=step, found=sql.strip()[:200]) from error

    def _files(self, read: exp.ReadParquet) -> str:
        """The name of the table that these files are."""
        sql = read.sql(dialect="duckdb")
        name = "files_" + uuid.uuid5(uuid.NAMESPACE_URL, sql).hex
        self._types.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM {sql} LIMIT 0')
        columns = ", ".join(f"`{column}` {spark_type(kind)}" for column, kind in self._columns(name).items())
        paths = [f"file://{Path(literal.this).resolve()}" for literal in read.expressions[0].find_all(exp.Literal)]
        self._answered(name, lambda: self._read(*paths, schema=columns).createOrReplaceTempView(name))
        return name

    # ---------------------------------------------------------------------------------------------------- tables

    def _keep(self, name: str, held: DataFrame) -> None:
        """Write a table to the scratch folder, and read it from there under its name."""
        place = self._place()
        self._answered(f"step {name}", lambda: held.write.parquet(place))
        self._drop(name, types=False)
        self._answered(name, lambda: self._read(place, schema=held.schema).createOrReplaceTempView(name))
        self._written[name] = place

    def _read(self, *paths: str, schema: Any = None) -> DataFrame:
        """Files by their very names: what looks like a pattern is none."""
        reader = self._session.read.option("__globPaths__", "false")
        return (reader.schema(schema) if schema else reader).parquet(*paths)

    def _drop(self, name: str, *, types: bool = True) -> None:
        if types:
            self._types.execute(f'DROP TABLE IF EXISTS "{name}"')
        self._session.catalog.dropTempView(name)
        if name in self._written:
            self._remove(self._written.pop(name))

    def _place(self) -> str:
        self._count += 1
        return f"{self._scratch}/{self._count}"

    def _remove(self, place: str) -> None:
        context: Any = self._session.sparkContext
        path = context._jvm.org.apache.hadoop.fs.Path(place)
        path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)

    def _answered(self, name: str, ask: Any) -> Any:
        try:
            return ask()
        except (PySparkException, Py4JError) as error:
            raise ContractError(f"{name} failed: {in_a_line(error)}", where=name) from error


@contextmanager
def session_of(master: str, settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session that ends with the block. Raises UsageError where there is none to be had."""
    session = started(master, settings)
    try:
        yield session
    finally:
        session.stop()


def in_a_line(error: BaseException) -> str:
    """What an error of Java or Spark says, without its trace."""
    java = getattr(error, "java_exception", None)
    told = str(java.toString()) if java is not None else str(error)
    return next((line.strip() for line in told.splitlines() if line.strip()), type(error).__name__)[:300]


def started(master: str, settings: Mapping[str, str]) -> SparkSession:
    """A session of a master. Raises UsageError where there is none to be had."""
    if taken := sorted(SETTINGS.keys() & settings.keys()):
        raise UsageError(
            "a setting that the answers hang on", found=", ".join(taken), wanted=", ".join(SETTINGS[n] for n in taken)
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("stillwatch")
    for name, value in {**STARTED_WITH, **settings, **SETTINGS}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        cores = session.sparkContext.defaultParallelism
    except Exception as error:  # a gateway that ends, a master that is not there: PySpark's, Py4J's and Python's own
        raise UsageError(
            "no Spark session could be started", found=in_a_line(error),
            wanted=f"Java 17, a master that answers at {master}, and settings that it takes",
            next_step="once more with --conf spark.log.level=INFO",
        ) from error  # fmt: skip
    session.conf.set("spark.sql.shuffle.partitions", str(max(2, PARTITIONS_A_CORE * cores)))
    return session


def _signed(table: pa.Table) -> pa.Table:
    """An Arrow table as Spark takes it: without unsigned integers, and every column of a type."""
    schema = pa.schema([pa.field(field.name, _signed_type(field.type), field.nullable) for field in table.schema])
    return pa.table([_cast(table[field.name], field.type) for field in schema], schema=schema)


def _signed_type(kind: pa.DataType) -> pa.DataType:
    kept = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.int64()}
    if pa.types.is_list(kind):
        return pa.list_(_signed_type(kind.value_type))
    if pa.types.is_dictionary(kind):
        return _signed_type(kind.value_type)
    if pa.types.is_null(kind):
        return pa.int32()
    return kept.get(kind, kind)


def _as_asked(held: pa.Table, schema: pa.Schema) -> pa.Table:
    """Spark's answer with the names and types that DuckDB's would have, as its engine hands them on."""
    wanted = [_plain(field.type) for field in schema]
    columns = [_cast(column, kind) for column, kind in zip(held.columns, wanted, strict=True)]
    return pa.table(columns, names=schema.names)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Sums of whole numbers come as 64-bit integers."""
    return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else kind


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The same bits where signs differ."""
    return column if column.type == kind else column.cast(kind, safe=False)
