"""What every way of reading one file needs: where it is, under which schema, and batches with what was set aside."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.ingest.columns import conform
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.jsonl import Columns
from stillwatch.ingest.lines import Fault
from stillwatch.records import QuarantinedRow

_NOWHERE: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

Faults = list[tuple[Fault, str | None]]
"""Each with the row's exchange_id where one is known."""

Read = Iterator[tuple[Columns, Faults]]


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
    impossible: int = 0
    """Rows that ended before they were asked, whose `finished_at` is null."""


@dataclass(frozen=True)
class Reading:
    """What every step of reading one file needs."""

    path: Path
    label: str
    schema: pa.Schema
    foreign: ForeignReader | None = None

    def refused(self, row: int | None, found: str, wanted: str, bytes_read: int = 0) -> Batch:
        """A batch without rows that names one fault."""
        return Batch(empty(self.schema), [QuarantinedRow(self.label, row, None, found, wanted)], bytes_read)

    def conformed(self, columns: Columns, bytes_read: int) -> Batch:
        """The columns under the contract."""
        rows, places, bad, impossible = conform(
            columns.columns, len(columns.rows), self.schema, self.label, columns.rows
        )
        unknown = columns.unknown | (columns.columns.keys() - {*self.schema.names, "extra"})
        if self.foreign is not None:
            used: dict[str, tuple[str, ...]] = {name: (path,) for name, path in sorted(columns.places)}
            used |= {name: tuple(map(".".join, paths)) for name, paths in self.foreign.fields.columns.items()}
            bad = [_hinted(row, used.get(row.column or "", ())) for row in bad]
        return Batch(rows, bad, bytes_read, places, unknown, columns.places, impossible)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it is gone, which its reader then says."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def put_together(reading: Reading, read: Read, faults: Faults, consumed: int) -> Batch:
    """One batch of parts, and of the faults that stand beside them."""
    parts: list[Batch] = []
    for columns, found in read:
        parts.append(reading.conformed(columns, consumed))
        faults = faults + found
    bad = [row for part in parts for row in part.quarantined]
    bad += [QuarantinedRow(reading.label, f.row, None, f.found, f.wanted, known) for f, known in faults]
    bad.sort(key=lambda row: row.row or 0)
    rows = pa.concat_batches([part.rows for part in parts]) if parts else empty(reading.schema)
    places = np.concatenate([part.places for part in parts]) if parts else _NOWHERE
    unknown = frozenset().union(*(part.unknown for part in parts))
    found_at = frozenset().union(*(part.found_at for part in parts))
    return Batch(rows, bad, consumed, places, unknown, found_at, sum(part.impossible for part in parts))


def _hinted(row: QuarantinedRow, used: tuple[str, ...]) -> QuarantinedRow:
    """A required column that a record of a foreign format did not give: say where a value lacks, or, where no place of
    it is known, where to name one."""
    if row.found not in ("no such column", "null, or no such key"):
        return row
    if used:
        return replace(row, wanted=f"a value at {' or '.join(used)}")
    hint = f"a place for {row.column} under `columns` of a mapping file (stillwatch doctor proposes one)"
    return replace(row, wanted=hint)


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows."""
    return pa.RecordBatch.from_arrays([pa.array([], column.type) for column in schema], schema=schema)
