"""Rows of one table out of one file: Parquet, JSONL, JSONL.gz, JSONL.zst; bounded memory; bad rows set aside.

A bad row never harms its neighbours. A file that breaks off keeps what came before the break.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from stillwatch.ingest.coerce import Unfit, converter, kind_of
from stillwatch.records import QuarantinedRow
from stillwatch.tables import EXCHANGES, IP_CLASSES, PURPOSES, STATUSES, TIMESTAMP

BATCH_ROWS = 16_384
BATCH_BYTES = 64 * 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024
ENDINGS = (".parquet", ".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst")
_NAMES = frozenset(EXCHANGES.names)
ALLOWED = {"status": STATUSES, "ip_class": IP_CLASSES, "purpose": PURPOSES}


@dataclass
class Batch:
    """Rows that keep the contract, and those that do not. `bytes_read` is the file's position after the batch."""

    rows: pa.RecordBatch
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    bytes_read: int = 0


def is_table_file(path: Path) -> bool:
    """Whether the file's name ends as a format that this reader knows."""
    return path.name.lower().endswith(ENDINGS)


def read_rows(path: Path, label: str, schema: pa.Schema) -> Iterator[Batch]:
    """Batches of one file under one schema. `label` is the file's name in messages. Never raises on bad content."""
    reader = _parquet if path.name.lower().endswith(".parquet") else _lines
    try:
        yield from reader(path, label, schema)
    except OSError as error:
        reason = QuarantinedRow(label, None, None, f"a file that cannot be read ({error.strerror})", "a readable file")
        yield Batch(_empty(schema), [reason])


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


# ------------------------------------------------------------------------------------------------ lines of JSON


def _open(path: Path) -> BinaryIO:
    name = path.name.lower()
    if name.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(path.open("rb"), read_across_frames=True)
    return path.open("rb")


def _lines(path: Path, label: str, schema: pa.Schema) -> Iterator[Batch]:
    rows: list[tuple[int, dict[str, Any]]] = []
    bad: list[QuarantinedRow] = []
    size = number = 0
    stream = io.BufferedReader(_open(path), 1 << 20)  # type: ignore[arg-type]
    with stream:
        while True:
            number += 1
            try:
                line = stream.readline(LONGEST_LINE + 1)
                if len(line) > LONGEST_LINE:
                    bad.append(_reason(label, number, None, "a line of over 16 MiB", "a shorter line"))
                    _skip_line(stream)
                    continue
            except (EOFError, OSError, zlib.error, zstandard.ZstdError):
                bad.append(
                    _reason(label, number, None, "a compressed file that breaks off or is damaged", "a whole file")
                )
                break
            if not line:
                break
            row = _object(line, label, number, bad)
            if row is not None:
                rows.append((number, row))
                size += len(line)
            if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield _batch(rows, bad, label, schema)
                rows, bad, size = [], [], 0
    yield _batch(rows, bad, label, schema)


def _skip_line(stream: BinaryIO) -> None:
    while True:
        piece = stream.readline(1 << 20)
        if not piece or piece.endswith(b"\n"):
            return


def _object(line: bytes, label: str, number: int, bad: list[QuarantinedRow]) -> dict[str, Any] | None:
    """The object of a line; None where the line is blank or goes to quarantine."""
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        bad.append(_reason(label, number, None, "bytes that are not UTF-8", "a line of JSON in UTF-8"))
        return None
    except RecursionError:
        bad.append(_reason(label, number, None, "JSON nested too deeply", "a flat JSON object"))
        return None
    except ValueError:
        bad.append(_reason(label, number, None, f"{len(line)} bytes that are not JSON", "a JSON object"))
        return None
    if not isinstance(value, dict):
        bad.append(_reason(label, number, None, kind_of(value), "a JSON object"))
        return None
    return value


def _reason(
    label: str, number: int | None, column: str | None, found: str, wanted: str, exchange_id: Any = None
) -> QuarantinedRow:
    known = exchange_id if isinstance(exchange_id, str) and len(exchange_id) <= 256 else None
    if known is not None and any("\ud800" <= c <= "\udfff" for c in known):
        known = None
    return QuarantinedRow(label, number, column, found, wanted, known)


def _batch(rows: list[tuple[int, dict[str, Any]]], bad: list[QuarantinedRow], label: str, schema: pa.Schema) -> Batch:
    """Convert objects one by one: exact reasons, and nothing of a bad row gets through."""
    converters = [(f.name, f.nullable, converter(f)) for f in schema]
    names = {f.name for f in schema}
    has_extra = "extra" in names
    kept: list[dict[str, Any]] = []
    for number, row in rows:
        try:
            kept.append(_converted(row, converters, names, has_extra))
        except _BadColumn as error:
            bad.append(_reason(label, number, error.column, error.found, error.wanted, row.get("exchange_id")))
    return Batch(pa.RecordBatch.from_pylist(kept, schema=schema), bad)


class _BadColumn(Exception):
    def __init__(self, column: str, found: str, wanted: str) -> None:
        self.column, self.found, self.wanted = column, found, wanted
        super().__init__(column)


def _converted(row: dict[str, Any], converters: list[Any], names: set[str], has_extra: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, nullable, convert in converters:
        value = row.get(name)
        if value is None or (value == "" and not nullable):
            if not nullable:
                raise _BadColumn(
                    name, "nothing" if value is None else "an empty text", "a value: the column is required"
                )
            continue
        try:
            out[name] = convert(value)
        except Unfit as error:
            raise _BadColumn(name, error.found, error.wanted) from error
        except RecursionError as error:
            raise _BadColumn(name, "JSON nested too deeply", "a flat value") from error
        if name in ALLOWED and out[name] not in ALLOWED[name]:
            raise _BadColumn(name, kind_of(value), f"one of {', '.join(ALLOWED[name])}")
    unknown = [name for name in row if name not in names]
    if has_extra and unknown:
        known = dict(out.get("extra", []))
        try:
            known |= {str(name): json.dumps(row[name], sort_keys=True, default=str)[:65_536] for name in unknown}
            out["extra"] = sorted((_clean(k), _clean(v)) for k, v in known.items())
        except RecursionError as error:
            raise _BadColumn("extra", "JSON nested too deeply", "a flat value") from error
    return out


def _clean(value: str) -> str:
    return value.encode("utf-8", "replace").decode("utf-8")


# ------------------------------------------------------------------------------------------------------- Parquet


def _parquet(path: Path, label: str, schema: pa.Schema) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, ValueError) as error:
        found = f"a file that is not Parquet or is damaged ({type(error).__name__})"
        yield Batch(_empty(schema), [_reason(label, None, None, found, "a Parquet file")])
        return
    number = 0
    with file:
        batches = file.iter_batches(batch_size=BATCH_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, ValueError) as error:
                found = f"a damaged row group after row {number} ({type(error).__name__})"
                yield Batch(_empty(schema), [_reason(label, number, None, found, "a whole Parquet file")])
                return
            if batch is None:
                return
            yield _cast(batch, label, number, schema)
            number += batch.num_rows


def _cast(batch: pa.RecordBatch, label: str, before: int, schema: pa.Schema) -> Batch:
    """The whole batch at once where every value fits; row by row where any does not."""
    try:
        columns = [_column(batch, f) for f in schema]
        whole = pa.record_batch(columns, schema=schema)
        if _keeps(whole, schema):
            return Batch(whole)
    except (pa.ArrowException, ValueError):
        pass
    try:
        rows = batch.to_pylist()
    except (ValueError, UnicodeDecodeError, OverflowError):
        return _one_by_one(batch, label, before, schema)
    return _batch([(before + at, row) for at, row in enumerate(rows, 1)], [], label, schema)


def _one_by_one(batch: pa.RecordBatch, label: str, before: int, schema: pa.Schema) -> Batch:
    rows: list[tuple[int, dict[str, Any]]] = []
    bad: list[QuarantinedRow] = []
    for at in range(batch.num_rows):
        try:
            rows.append((before + at + 1, batch.slice(at, 1).to_pylist()[0]))
        except (ValueError, UnicodeDecodeError, OverflowError):
            bad.append(
                _reason(label, before + at + 1, None, "a value that cannot be decoded", "valid Unicode and times")
            )
    return _batch(rows, bad, label, schema)


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    if field.name == "extra":
        if any(name not in _NAMES for name in batch.schema.names):
            raise ValueError("unknown columns become `extra`, row by row")
        return pa.nulls(batch.num_rows, field.type) if "extra" not in batch.schema.names else batch.column("extra")
    if field.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, field.type)
    column = batch.column(field.name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if field.type == TIMESTAMP and not pa.types.is_timestamp(column.type) and not pa.types.is_null(column.type):
        raise ValueError("a time in another form is read row by row")
    if field.type == TIMESTAMP and pa.types.is_timestamp(column.type) and column.type.tz is None:
        column = column.cast(pa.timestamp("us")).cast(TIMESTAMP)
    column = column.cast(field.type, safe=not pa.types.is_timestamp(field.type))
    if pa.types.is_string(field.type):
        column.validate(full=True)
    return column


def _keeps(batch: pa.RecordBatch, schema: pa.Schema) -> bool:
    """Whether every value of a cast batch keeps the contract."""
    for field in schema:
        column = batch.column(field.name)
        if not field.nullable and (
            column.null_count or (pa.types.is_string(field.type) and _any(pc.equal(column, "")))
        ):
            return False
        if field.name in ALLOWED and not _all(pc.is_in(column.drop_null(), pa.array(ALLOWED[field.name]))):
            return False
        if field.type == TIMESTAMP and len(column.drop_null()):
            seconds = column.cast(pa.int64())
            if pc.min(seconds).as_py() < 946_684_800e6 or pc.max(seconds).as_py() >= 4_102_444_800e6:
                return False
        if pa.types.is_floating(field.type) and not _all(pc.is_finite(column.drop_null())):
            return False
    return True


def _any(flags: pa.Array) -> bool:
    return bool(pc.any(flags).as_py())


def _all(flags: pa.Array) -> bool:
    return pc.all(flags).as_py() is not False
