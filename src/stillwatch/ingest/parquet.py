"""Rows of a Parquet file, row group by row group: damage costs one group, a value that repeats costs its bytes once."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.ingest.arrays import values_of
from stillwatch.ingest.jsonl import Columns
from stillwatch.ingest.paths import opened
from stillwatch.ingest.reading import Batch, Reading, put_together, size_of

BATCH_ROWS = 32_768
BATCH_BYTES = 32 << 20
RATIO = 5_000
RATIO_FROM = 64 << 20
"""A row group that claims this many bytes, RATIO times what the file holds, is a bomb."""


def batches(reading: Reading) -> Iterator[Batch]:
    """Row group by row group, so that a damaged one does not take the next with it."""
    try:
        parquet = _opened(reading.path)
    except (OSError, pa.ArrowException, ValueError):
        yield reading.refused(None, *_what_it_is(reading.path))
        return
    with parquet:
        names = parquet.schema_arrow.names
        if len(set(names)) != len(names):
            yield reading.refused(None, "the same column twice", "each column once")
            return
        size, groups = size_of(reading.path), parquet.num_row_groups
        first = 1
        for group in range(groups):
            yield from _row_group(reading, parquet, group, first, size * (group + 1) // groups)
            first += parquet.metadata.row_group(group).num_rows


def _opened(path: Path) -> pq.ParquetFile:
    """The file; its strings come as they are packed, so that one long value in many rows takes its bytes once."""
    names = [field.name for field in pq.read_schema(path) if _is_text(field.type)]
    return pq.ParquetFile(path, read_dictionary=[name for name in names if names.count(name) == 1])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _what_it_is(path: Path) -> tuple[str, str]:
    """What stands in the place of a Parquet file that cannot be opened, and what was wanted."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 4))
            tail = file.read(4)
    except OSError as error:
        return f"a file that cannot be read ({type(error).__name__})", "readable file"
    if b"PARE" in (head, tail):
        return "encrypted Parquet", "Parquet file without encryption"
    if head != b"PAR1":
        return "an empty file" if not head else "a file that is not Parquet", "Parquet file"
    return ("damaged Parquet" if tail == b"PAR1" else "Parquet that breaks off"), "whole Parquet file"


def _row_group(reading: Reading, parquet: pq.ParquetFile, group: int, first: int, bytes_read: int) -> Iterator[Batch]:
    about = parquet.metadata.row_group(group)
    if _is_bomb(about, size_of(reading.path)):
        found = f"Parquet data that grow over {RATIO:,}-fold when unpacked, {about.num_rows:,} rows from here on"
        yield reading.refused(first, found, "logs, not a bomb", bytes_read)
        return
    bytes_a_row = max(1, about.total_byte_size // max(1, about.num_rows))
    size = int(min(BATCH_ROWS, max(64, BATCH_BYTES // bytes_a_row)))
    row = first
    try:
        for whole in parquet.iter_batches(batch_size=size, row_groups=[group], use_threads=False):
            for batch in _light(whole):
                yield batch_of(reading, batch, row, bytes_read)
                row += batch.num_rows
    except (OSError, pa.ArrowException):
        left = first + about.num_rows - row
        found = f"Parquet data that cannot be unpacked, {left:,} rows from here on"
        yield reading.refused(row, found, "whole row group", bytes_read)


def _is_bomb(about: pq.RowGroupMetaData, size: int) -> bool:
    """Whether a row group claims far more than its whole file, of `size` bytes, can hold.

    What it claims of its columns is not asked for: where a damaged end does not tell, pyarrow 26 ends the process.
    """
    return bool(about.total_byte_size > RATIO_FROM and about.total_byte_size > RATIO * max(1, size))


def _light(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices that take BATCH_BYTES at most when each row holds its own text; a row at least."""
    weight = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            weight += pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    if int(weight.sum()) <= 2 * BATCH_BYTES:
        yield batch
        return
    slice_of = (np.cumsum(weight) - 1) // BATCH_BYTES
    edges = [0, *(np.flatnonzero(np.diff(slice_of)) + 1).tolist(), batch.num_rows]
    for start, stop in itertools.pairwise(edges):
        yield batch.slice(start, stop - start)


def batch_of(reading: Reading, batch: pa.RecordBatch, row: int, bytes_read: int) -> Batch:
    """Rows of a table, the first of which is the source's `row`, under the contract."""
    places = np.arange(row, row + batch.num_rows, dtype=np.int64)
    columns = {name: batch.column(name) for name in batch.schema.names}
    if reading.foreign is None:
        return reading.conformed(Columns(columns, places), bytes_read)
    records = zip(_records(columns, batch.num_rows), places.tolist(), strict=True)
    foreign, bad = reading.foreign.columns(records, from_json=False)
    return put_together(reading, iter([(foreign, [(fault, None) for fault in bad])]), [], bytes_read)


def records_of(path: Path, most: int) -> Sequence[Mapping[str, Any]]:
    """The first records of a Parquet file; none where it cannot be read."""
    try:
        with _opened(path) as parquet:
            size, about = size_of(path), parquet.metadata
            groups = [n for n in range(parquet.num_row_groups) if not _is_bomb(about.row_group(n), size)]
            for whole in parquet.iter_batches(batch_size=most, row_groups=groups[:1], use_threads=False):
                batch = next(_light(whole))
                return _records({name: batch.column(name) for name in batch.schema.names}, batch.num_rows)
    except (OSError, pa.ArrowException, ValueError, KeyError):
        pass
    return []


def names_of(path: Path) -> list[str]:
    """The columns that a Parquet file declares; none where it cannot be read."""
    try:
        names: list[str] = pq.read_schema(path).names
    except (OSError, pa.ArrowException, ValueError):
        return []
    return names


def _records(columns: Mapping[str, pa.Array], count: int) -> list[Mapping[str, Any]]:
    """The rows of Arrow columns as records; absent values are left out, and JSON in strings is opened."""
    values = {name: values_of(column) for name, column in columns.items()}
    for name, column in columns.items():
        if pa.types.is_map(column.type):
            values[name] = [None if pairs is None else dict(pairs) for pairs in values[name]]
        else:
            values[name] = [opened(value) if isinstance(value, str) else value for value in values[name]]
    return [{name: held[row] for name, held in values.items() if held[row] is not None} for row in range(count)]
