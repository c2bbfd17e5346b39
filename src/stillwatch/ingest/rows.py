"""Rows of one table out of one file: Parquet or JSON lines, plain or compressed; bounded memory; bad rows set aside.

A bad row never harms its neighbours. A file that breaks off keeps what came before the break.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.ingest.columns import conform
from stillwatch.ingest.jsonl import Columns, JsonLines
from stillwatch.ingest.lines import Block, blocks
from stillwatch.records import QuarantinedRow

BATCH_ROWS = 32_768
BATCH_BYTES = 32 << 20

HOPELESS = 100_000
"""Bad rows after which a file with fewer than one good row in ten is given up: it is of another kind, or an attack."""

ENDINGS = {
    ".parquet": "parquet", ".jsonl": "", ".ndjson": "", ".jsonl.gz": "gz", ".ndjson.gz": "gz", ".jsonl.zst": "zst",
    ".ndjson.zst": "zst",
}  # fmt: skip
"""How a file's name ends, and how what it holds is packed."""

_NOWHERE: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Batch:
    """Rows that keep the contract, the 1-based place of each in the file, rows set aside, bytes of the file read."""

    rows: pa.RecordBatch
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    bytes_read: int = 0
    places: NDArray[np.int64] = field(default_factory=lambda: _NOWHERE)
    unknown: frozenset[str] = frozenset()
    """Columns of the source that the contract does not know."""


@dataclass(frozen=True)
class _Reading:
    """What every step of reading one file needs."""

    path: Path
    label: str
    schema: pa.Schema

    def refused(self, row: int | None, found: str, wanted: str, bytes_read: int = 0) -> Batch:
        """A batch without rows that names one fault."""
        return Batch(_empty(self.schema), [QuarantinedRow(self.label, row, None, found, wanted)], bytes_read)

    def conformed(self, columns: Columns, bytes_read: int) -> Batch:
        """The columns under the contract."""
        rows, places, bad = conform(columns.columns, len(columns.rows), self.schema, self.label, columns.rows)
        return Batch(
            rows, bad, bytes_read, places, columns.unknown | (columns.columns.keys() - {*self.schema.names, "extra"})
        )


def ending_of(path: Path) -> str | None:
    """The ending by which a file's name tells that this reader knows it, in any case; None where it does not."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), None)


def read_rows(path: Path, label: str, schema: pa.Schema) -> Iterator[Batch]:
    """Batches of one file under one schema, in the order of its rows. Never raises for what a file holds.

    `label` is the file's name in quarantine. Every row is in a batch or in quarantine, but for the rest of a file that
    breaks off or is hopeless: that stands in quarantine as one row that says so.
    """
    reading = _Reading(path, label, schema)
    packing = ENDINGS[ending_of(path) or ".jsonl"]
    good = bad = 0
    for batch in _parquet(reading) if packing == "parquet" else _json_lines(reading, packing):
        yield batch
        good += batch.rows.num_rows
        bad += len(batch.quarantined)
        if bad >= HOPELESS and bad > 9 * good:
            why = f"the rest of the file, after {HOPELESS:,} bad rows and more than nine bad ones for each good one"
            yield reading.refused(None, why, "rows of the data contract", batch.bytes_read)
            return


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], column.type) for column in schema], schema=schema)


# ------------------------------------------------------------------------------------------------ lines of JSON


def _json_lines(reading: _Reading, packing: str) -> Iterator[Batch]:
    reader = JsonLines(reading.schema)
    for block in blocks(reading.path, packing):
        for start in range(0, max(1, len(block.lines)), BATCH_ROWS):
            stop = start + BATCH_ROWS
            part = Block(block.lines[start:stop], block.rows[start:stop], block.faults if start == 0 else [])
            yield _joined(reading, reader, part, block.consumed)


def _joined(reading: _Reading, reader: JsonLines, block: Block, consumed: int) -> Batch:
    """One batch of a block's parts, with the lines that no reader could take."""
    parts: list[Batch] = []
    bad = [QuarantinedRow(reading.label, fault.row, None, fault.found, fault.wanted) for fault in block.faults]
    for columns, faults in reader.read(block):
        parts.append(reading.conformed(columns, consumed))
        bad += parts[-1].quarantined
        bad += [QuarantinedRow(reading.label, f.row, None, f.found, f.wanted, known) for f, known in faults]
    bad.sort(key=lambda row: row.row or 0)
    rows = pa.concat_batches([part.rows for part in parts]) if parts else _empty(reading.schema)
    places = np.concatenate([part.places for part in parts]) if parts else _NOWHERE
    return Batch(rows, bad, consumed, places, frozenset().union(*(part.unknown for part in parts)))


# ------------------------------------------------------------------------------------------------------ Parquet


def _parquet(reading: _Reading) -> Iterator[Batch]:
    """Row group by row group, so that a damaged one does not take the next with it."""
    try:
        opened = pq.ParquetFile(reading.path)
        names = opened.schema_arrow.names
    except (OSError, pa.ArrowException, ValueError):
        yield reading.refused(None, "a file that is not Parquet, or is damaged or cannot be read", "Parquet file")
        return
    with opened:
        if len(set(names)) != len(names):
            yield reading.refused(None, "the same column twice", "each column once")
            return
        size, groups = reading.path.stat().st_size, opened.num_row_groups
        first = 1
        for group in range(groups):
            yield from _row_group(reading, opened, group, first, size * (group + 1) // groups)
            first += opened.metadata.row_group(group).num_rows


def _row_group(reading: _Reading, opened: pq.ParquetFile, group: int, first: int, bytes_read: int) -> Iterator[Batch]:
    about = opened.metadata.row_group(group)
    bytes_a_row = max(1, about.total_byte_size // max(1, about.num_rows))
    size = int(min(BATCH_ROWS, max(64, BATCH_BYTES // bytes_a_row)))
    row = first
    try:
        for batch in opened.iter_batches(batch_size=size, row_groups=[group], use_threads=False):
            places = np.arange(row, row + batch.num_rows, dtype=np.int64)
            columns = {name: batch.column(name) for name in batch.schema.names}
            yield reading.conformed(Columns(columns, places), bytes_read)
            row += batch.num_rows
    except (OSError, pa.ArrowException):
        left = first + about.num_rows - row
        found = f"Parquet data that cannot be unpacked, {left:,} rows from here on"
        yield reading.refused(row, found, "whole row group", bytes_read)
