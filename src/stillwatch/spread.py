"""The map on a cluster: every task of Spark reads, sketches and writes its own part of the exchanges.

A part is a file, or a partition of a table that Spark reads (`table:NAME`, as its catalogue or a lake's format names
it). Texts stay on the worker that reads them: it writes sketches into the store's folder, which all workers reach, and
answers with counts and with what was set aside. Files of a store are named after their rows, so a task that is tried
again changes nothing. The workers are sent the store's keys.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.errors import SourceError
from stillwatch.ingest.parquet import batch_of
from stillwatch.ingest.reading import Batch, Reading, empty
from stillwatch.ingest.sources import SourceFile, read
from stillwatch.intake import Intake, Taken
from stillwatch.records import QuarantinedRow
from stillwatch.store.exchanges import ExchangeWriter
from stillwatch.tables import EXCHANGES, SKETCHED

TABLE = "table:"
"""How a source is named that Spark reads."""

FILES_A_CORE = 4
"""Files that are given out together; what they held is told when all are done."""

TOLD = "told string, written string"
"""What a task answers: a batch's counts, or a file of the store that was not there before."""


def tables_of(sources: Iterable[str]) -> tuple[list[str], list[Path]]:
    """The names of Spark's tables among the sources, and the paths of the others."""
    given = list(sources)
    names = [source.removeprefix(TABLE) for source in given if source.startswith(TABLE)]
    return names, [Path(source) for source in given if not source.startswith(TABLE)]


def spread_files(
    files: list[SourceFile], intake: Intake, folder: Path, session: Any
) -> Iterator[tuple[SourceFile, Taken, list[Path]]]:
    """The batches of files, in their order, and what was written of each into `folder`. Raises SourceError."""
    at_once = FILES_A_CORE * session.sparkContext.defaultParallelism
    for first in range(0, len(files), at_once):
        some = files[first : first + at_once]

        def work(numbers: Iterator[pa.RecordBatch], some: list[SourceFile] = some) -> Iterator[pa.RecordBatch]:
            for number in (int(one) for batch in numbers for one in batch.column(0).to_pylist()):
                yield from _written(intake, folder, some[number], read(some[number]), number)

        numbered = session.range(0, len(some), 1, len(some))
        told = _answer(numbered.mapInArrow(work, f"place bigint, {TOLD}"), some[0].label)
        for place, taken, written in _told(told):
            yield some[place], taken, written


def spread_table(
    name: str, intake: Intake, folder: Path, session: Any
) -> Iterator[tuple[SourceFile, Taken, list[Path]]]:
    """The same of a table that Spark reads, whose columns are those of the contract."""
    source = SourceFile(Path(name), "exchanges", f"{TABLE}{name}")

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext  # noqa: PLC0415  (there on the worker)

        number = TaskContext.get().partitionId()
        part = replace(source, label=f"{source.label}, partition {number}")
        yield from _written(intake, folder, part, _rows_of(part, batches), number)

    try:
        table = session.table(name)
    except Exception as error:
        raise SourceError("Spark knows no such table", where=name, found=str(error)[:200]) from error
    told = _answer(table.mapInArrow(work, f"place bigint, {TOLD}"), source.label)
    yield from ((source, taken, written) for _, taken, written in _told(told))


def _rows_of(part: SourceFile, batches: Iterator[pa.RecordBatch]) -> Iterator[Batch]:
    reading, row = Reading(part.path, part.label, EXCHANGES), 1
    for batch in batches:
        yield batch_of(reading, batch, row, 0)
        row += batch.num_rows


def _written(
    intake: Intake, folder: Path, file: SourceFile, given: Iterable[Batch], place: int
) -> Iterator[pa.RecordBatch]:
    """What a task answers of one part, when its rows are on disk."""
    writer = ExchangeWriter(folder)
    told = []
    for batch in given:
        taken = intake.take(file, batch)
        writer.add(taken.batch.rows)
        told.append(_as_text(taken))
    writer.flush()
    new = [str(path) for path in writer.written]
    yield pa.record_batch(
        {
            "place": pa.array([place] * (len(told) + len(new)), pa.int64()),
            "told": pa.array([*told, *([None] * len(new))], pa.string()),
            "written": pa.array([*([None] * len(told)), *new], pa.string()),
        }
    )


def _answer(frame: Any, label: str) -> pa.Table:
    try:
        answer: pa.Table = frame.toArrow()
    except Exception as error:
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise SourceError("a task of the cluster failed", where=label, found=last[0][:300]) from error
    return answer


def _told(answer: pa.Table) -> Iterator[tuple[int, Taken, list[Path]]]:
    """What tasks answered, by place."""
    held: dict[int, tuple[list[Taken], list[Path]]] = {}
    for row in answer.to_pylist():
        parts, written = held.setdefault(row["place"], ([], []))
        if row["told"] is not None:
            parts.append(_from_text(row["told"]))
        else:
            written.append(Path(row["written"]))
    for place in sorted(held):
        parts, written = held[place]
        for part in parts:
            yield place, part, written
            written = []


def _as_text(taken: Taken) -> str:
    """A batch without its rows."""
    batch = taken.batch
    return json.dumps(
        {
            "rows": batch.rows.num_rows, "quarantined": [asdict(row) for row in batch.quarantined],
            "bytes_read": batch.bytes_read, "unknown": sorted(batch.unknown), "found_at": sorted(batch.found_at),
            "impossible": batch.impossible, "secrets": taken.secrets, "suppressed": taken.suppressed,
            "expired": taken.expired,
        }
    )  # fmt: skip


def _from_text(told: str) -> Taken:
    held = json.loads(told)
    batch = Batch(
        empty(SKETCHED), [QuarantinedRow(**row) for row in held["quarantined"]], held["bytes_read"],
        unknown=frozenset(held["unknown"]), found_at=frozenset(map(tuple, held["found_at"])),
        impossible=held["impossible"],
    )  # fmt: skip
    return Taken(batch, held["secrets"], held["suppressed"], held["expired"], held["rows"])
