"""Rows of one table out of one file: Parquet or JSON lines, plain or compressed; bounded memory; bad rows set aside.

A bad row never harms its neighbours. A file that breaks off keeps what came before the break.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.ingest.arrays import values_of
from stillwatch.ingest.columns import conform
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.json_text import is_twice, loaded
from stillwatch.ingest.jsonl import TWICE, Columns, JsonLines, known_id
from stillwatch.ingest.lines import Block, Fault, blocks, unpacked
from stillwatch.ingest.paths import opened
from stillwatch.ingest.values import Unfit, kind_of
from stillwatch.records import QuarantinedRow

BATCH_ROWS = 32_768
BATCH_BYTES = 32 << 20

FOREIGN_ROWS = 4_096
"""Records of another format that are held as Python objects at a time."""

HOPELESS = 100_000
"""Bad rows after which a file with fewer than one good row in ten is given up: it is of another kind, or an attack."""

ENDINGS = {
    ".parquet": "parquet", ".jsonl": "", ".ndjson": "", ".jsonl.gz": "gz", ".ndjson.gz": "gz", ".jsonl.zst": "zst",
    ".ndjson.zst": "zst", ".json": "", ".json.gz": "gz", ".json.zst": "zst",
}  # fmt: skip
"""How a file's name ends, and how what it holds is packed."""

DOCUMENTS = (".json", ".json.gz", ".json.zst")
"""Endings of files that may hold one JSON value instead of one a line."""

LONGEST_DOCUMENT = 64 << 20
"""Bytes of one JSON value that is read as a whole. Lines have no such bound."""

SAMPLE = 200
"""Records by which a file's format is told."""

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
    found_at: frozenset[tuple[str, str]] = frozenset()
    """Columns that were looked for in records of another format, and the dotted path at which each was found."""


@dataclass(frozen=True)
class _Reading:
    """What every step of reading one file needs."""

    path: Path
    label: str
    schema: pa.Schema
    foreign: ForeignReader | None = None

    def refused(self, row: int | None, found: str, wanted: str, bytes_read: int = 0) -> Batch:
        """A batch without rows that names one fault."""
        return Batch(_empty(self.schema), [QuarantinedRow(self.label, row, None, found, wanted)], bytes_read)

    def conformed(self, columns: Columns, bytes_read: int) -> Batch:
        """The columns under the contract."""
        rows, places, bad = conform(columns.columns, len(columns.rows), self.schema, self.label, columns.rows)
        unknown = columns.unknown | (columns.columns.keys() - {*self.schema.names, "extra"})
        if self.foreign is not None:
            bad = [_hinted(row) for row in bad]
        return Batch(rows, bad, bytes_read, places, unknown, columns.places)


def ending_of(path: Path) -> str | None:
    """The ending by which a file's name tells that this reader knows it, in any case; None where it does not."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), None)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it is gone, which its reader then says."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_rows(path: Path, label: str, schema: pa.Schema, foreign: ForeignReader | None = None) -> Iterator[Batch]:
    """Batches of one file under one schema, in the order of its rows. Never raises for what a file holds.

    `label` is the file's name in quarantine; `foreign` reads records of another format than the contract's. Every row
    is in a batch or in quarantine, but for the rest of a file that breaks off or is hopeless: that stands in
    quarantine as one row that says so.
    """
    reading = _Reading(path, label, schema, foreign)
    good = bad = 0
    for batch in _batches(reading):
        yield batch
        good += batch.rows.num_rows
        bad += len(batch.quarantined)
        if bad >= HOPELESS and bad > 9 * good:
            why = f"the rest of the file, after {HOPELESS:,} bad rows and more than nine bad ones for each good one"
            yield reading.refused(None, why, "rows of the data contract", batch.bytes_read)
            return


def _batches(reading: _Reading) -> Iterator[Batch]:
    ending = ending_of(reading.path) or ".jsonl"
    packing = ENDINGS[ending]
    if packing == "parquet":
        return _parquet(reading)
    if ending not in DOCUMENTS:
        return _json_lines(reading, packing)
    held = unpacked(reading.path, packing, LONGEST_DOCUMENT)
    records = None if held is None else _document(held)
    if records is not None:
        return _whole(reading, records)
    return _json_lines(reading, packing) if _is_lines(reading.path, packing) else iter([_no_document(reading, held)])


def _is_lines(path: Path, packing: str) -> bool:
    """Whether the first line of a file is a JSON value by itself."""
    lines = next(blocks(path, packing)).lines
    try:
        return not lines or isinstance(loaded(lines[0]), dict | list)
    except Unfit:
        return False


def _no_document(reading: _Reading, held: bytes | None) -> Batch:
    if held is None:
        found = f"a JSON value of over {LONGEST_DOCUMENT >> 20} MiB, or packed data that are damaged"
    else:
        found = "a file that is neither one JSON value nor one a line"
    return reading.refused(None, found, "one JSON object a line (jq -c '.[]' writes them from an array)")


def sample(path: Path) -> list[Mapping[str, Any]]:
    """The first records of a file, at most SAMPLE; none where it cannot be read."""
    records: list[Mapping[str, Any]] = []
    try:
        ending = ending_of(path) or ".jsonl"
        if ENDINGS[ending] == "parquet":
            with pq.ParquetFile(path) as parquet:
                for batch in itertools.islice(parquet.iter_batches(batch_size=SAMPLE, use_threads=False), 1):
                    records = _records({name: batch.column(name) for name in batch.schema.names}, batch.num_rows)
            return records
        held = unpacked(path, ENDINGS[ending], LONGEST_DOCUMENT) if ending in DOCUMENTS else None
        whole = _document(held) if held else None
        if whole is not None:
            return [item for item in whole[:SAMPLE] if isinstance(item, Mapping)]
        for line in next(blocks(path, ENDINGS[ending])).lines[:SAMPLE]:
            try:
                records += _objects(loaded(line))
            except Unfit:
                continue
    except (OSError, pa.ArrowException, ValueError, KeyError):
        return []
    return records[:SAMPLE]


def column_names(path: Path) -> list[str]:
    """The columns that a Parquet file declares; none for other files, or where it cannot be read."""
    try:
        names: list[str] = pq.read_schema(path).names if ENDINGS[ending_of(path) or ".jsonl"] == "parquet" else []
    except (OSError, pa.ArrowException, ValueError):
        return []
    return names


def _document(held: bytes) -> list[Any] | None:
    """The items of a file that is one JSON array, or one object; None where it is lines."""
    try:
        value = loaded(held)
    except Unfit:
        return None
    return value if isinstance(value, list) else [value]


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of one line: itself, or the items of an array, as loggers that post batches write them."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _hinted(row: QuarantinedRow) -> QuarantinedRow:
    """A required column that no record of a foreign format gave: say where to name its place."""
    if row.found not in ("no such column", "null, or no such key"):
        return row
    hint = f"a place for {row.column} under `columns` of a mapping file (stillwatch doctor proposes one)"
    return replace(row, wanted=hint)


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
    read = reader.read(block) if reading.foreign is None else _foreign_lines(reading.foreign, block)
    faults: Faults = [(fault, None) for fault in block.faults]
    return _put_together(reading, read, faults, consumed)


Faults = list[tuple[Fault, str | None]]
"""Each with the row's exchange_id where one is known."""

Read = Iterator[tuple[Columns, Faults]]


def _put_together(reading: _Reading, read: Read, faults: Faults, consumed: int) -> Batch:
    parts: list[Batch] = []
    for columns, found in read:
        parts.append(reading.conformed(columns, consumed))
        faults = faults + found
    bad = [row for part in parts for row in part.quarantined]
    bad += [QuarantinedRow(reading.label, f.row, None, f.found, f.wanted, known) for f, known in faults]
    bad.sort(key=lambda row: row.row or 0)
    rows = pa.concat_batches([part.rows for part in parts]) if parts else _empty(reading.schema)
    places = np.concatenate([part.places for part in parts]) if parts else _NOWHERE
    unknown = frozenset().union(*(part.unknown for part in parts))
    return Batch(rows, bad, consumed, places, unknown, frozenset().union(*(part.found_at for part in parts)))


def _foreign_lines(foreign: ForeignReader, block: Block) -> Read:
    """The records of a block's lines; a line may hold an array of them."""
    for start in range(0, max(1, len(block.lines)), FOREIGN_ROWS):
        faults: Faults = []
        lines = zip(block.lines[start : start + FOREIGN_ROWS], block.rows[start:], strict=False)
        columns, bad = foreign.columns(_records_of_lines(lines, faults), from_json=True)
        yield columns, faults + [(fault, None) for fault in bad]


def _records_of_lines(lines: Iterable[tuple[bytes, int]], faults: Faults) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of lines, one at a time, so that a line's objects are gone before the next line is read."""
    for line, row in lines:
        try:
            value = loaded(line)
        except Unfit as why:
            faults.append((Fault(row, why.found, why.wanted), None))
            continue
        items = value if isinstance(value, list) else [value]
        yield from _fit(items, itertools.repeat(row), faults)


def _fit(items: Sequence[Any], rows: Iterable[int], faults: Faults) -> Iterator[tuple[dict[str, Any], int]]:
    """The items that are objects without a key twice, with their places; each other one is a fault."""
    for item, row in zip(items, rows, strict=False):
        if not isinstance(item, dict):
            faults.append((Fault(row, kind_of(item), "JSON object"), None))
        elif is_twice(item):
            faults.append((Fault(row, *TWICE), known_id(item)))
        else:
            yield item, row


def _whole(reading: _Reading, items: list[Any]) -> Iterator[Batch]:
    """Batches of a file that is one JSON value. A place is the item's, from 1 on."""
    size = size_of(reading.path)
    reader = JsonLines(reading.schema)
    for start in range(0, max(1, len(items)), FOREIGN_ROWS):
        part = items[start : start + FOREIGN_ROWS]
        rows = range(start + 1, start + 1 + len(part))
        faults: Faults = []
        fit = _fit(part, rows, faults)
        if reading.foreign is not None:
            columns, bad = reading.foreign.columns(fit, from_json=True)
        else:
            pairs = list(fit)
            columns, bad = reader.gathered([item for item, _ in pairs], [row for _, row in pairs]), []
        read = columns, faults + [(fault, None) for fault in bad]
        yield _put_together(
            reading, iter([read]), [], size * min(len(items), start + FOREIGN_ROWS) // max(1, len(items))
        )


# ------------------------------------------------------------------------------------------------------ Parquet


def _parquet(reading: _Reading) -> Iterator[Batch]:
    """Row group by row group, so that a damaged one does not take the next with it."""
    try:
        parquet = pq.ParquetFile(reading.path)
        names = parquet.schema_arrow.names
    except (OSError, pa.ArrowException, ValueError):
        yield reading.refused(None, "a file that is not Parquet, or is damaged or cannot be read", "Parquet file")
        return
    with parquet:
        if len(set(names)) != len(names):
            yield reading.refused(None, "the same column twice", "each column once")
            return
        size, groups = size_of(reading.path), parquet.num_row_groups
        first = 1
        for group in range(groups):
            yield from _row_group(reading, parquet, group, first, size * (group + 1) // groups)
            first += parquet.metadata.row_group(group).num_rows


def _row_group(reading: _Reading, parquet: pq.ParquetFile, group: int, first: int, bytes_read: int) -> Iterator[Batch]:
    about = parquet.metadata.row_group(group)
    bytes_a_row = max(1, about.total_byte_size // max(1, about.num_rows))
    size = int(min(BATCH_ROWS, max(64, BATCH_BYTES // bytes_a_row)))
    row = first
    try:
        for batch in parquet.iter_batches(batch_size=size, row_groups=[group], use_threads=False):
            places = np.arange(row, row + batch.num_rows, dtype=np.int64)
            columns = {name: batch.column(name) for name in batch.schema.names}
            if reading.foreign is None:
                yield reading.conformed(Columns(columns, places), bytes_read)
            else:
                records = zip(_records(columns, batch.num_rows), places.tolist(), strict=True)
                foreign, bad = reading.foreign.columns(records, from_json=False)
                yield _put_together(reading, iter([(foreign, [(fault, None) for fault in bad])]), [], bytes_read)
            row += batch.num_rows
    except (OSError, pa.ArrowException):
        left = first + about.num_rows - row
        found = f"Parquet data that cannot be unpacked, {left:,} rows from here on"
        yield reading.refused(row, found, "whole row group", bytes_read)


def _records(columns: Mapping[str, pa.Array], count: int) -> list[Mapping[str, Any]]:
    """The rows of Arrow columns as records; absent values are left out, and JSON in strings is opened."""
    values = {name: values_of(column) for name, column in columns.items()}
    for name, column in columns.items():
        if pa.types.is_map(column.type):
            values[name] = [None if pairs is None else dict(pairs) for pairs in values[name]]
        else:
            values[name] = [opened(value) if isinstance(value, str) else value for value in values[name]]
    return [{name: held[row] for name, held in values.items() if held[row] is not None} for row in range(count)]
