"""The order of the stages; the only file that knows it.

source → ingest → content.sketch → store, and store → detection (entities, tokens, linkage, findings) → run folder.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from stillwatch.content.sketch import sketch
from stillwatch.detection import Detection, detect
from stillwatch.ingest.canonical import SourceFile, read, source_files
from stillwatch.ingest.formats import checked
from stillwatch.ingest.rows import Batch
from stillwatch.records import QuarantinedRow
from stillwatch.store.store import Store

__all__ = ["Detection", "IngestReport", "detect", "ingest_sources"]

EXAMPLES = 5
AHEAD = 3
"""Batches that may wait between reading, sketching and writing: the bound of memory."""


@dataclass
class IngestReport:
    """What an ingest did. `new` counts rows in batches that the store did not hold; `examples` are from quarantine."""

    files: int = 0
    exchanges: int = 0
    new: int = 0
    accounts: int = 0
    permissions: int = 0
    releases: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    examples: list[QuarantinedRow] = field(default_factory=list)


def ingest_sources(
    sources: Iterable[Path],
    store: Path,
    *,
    format: str = "auto",
    key_file: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> IngestReport:
    """Read sources into a store; repeatable at any point. Raises SourceError, StoreError or UsageError."""
    started = time.monotonic()
    checked(format)
    files = [file for source in sources for file in source_files(Path(source))]
    kept = Store.create(Path(store), key_file)
    report = IngestReport(files=len(files))
    with ThreadPoolExecutor(2) as pool:
        waiting: list[Future[int]] = []
        for place, (file, batch) in enumerate(_batches(files)):
            _set_aside(kept, batch, report)
            if file.table == "exchanges":
                waiting.append(pool.submit(_keep, kept, batch))
                report.exchanges += batch.rows.num_rows
            else:
                kept.add_small(file.table, batch.rows)
                setattr(report, file.table, getattr(report, file.table) + batch.rows.num_rows)
            while len(waiting) > AHEAD:
                report.new += waiting.pop(0).result()
            rate = report.exchanges / max(time.monotonic() - started, 1e-9)
            progress(f"reading {file.label}: {report.exchanges:,} exchanges, {rate:,.0f} a second, batch {place + 1}")
        report.new += sum(future.result() for future in waiting)
    report.seconds = round(time.monotonic() - started, 2)
    return report


def _batches(files: list[SourceFile]) -> Iterator[tuple[SourceFile, Batch]]:
    for file in files:
        for batch in read(file):
            yield file, batch


def _keep(store: Store, batch: Batch) -> int:
    return store.add_exchanges(sketch(batch.rows, store.sketch_key())) if batch.rows.num_rows else 0


def _set_aside(store: Store, batch: Batch, report: IngestReport) -> None:
    store.add_quarantined(batch.quarantined)
    report.quarantined += len(batch.quarantined)
    report.examples += batch.quarantined[: EXAMPLES - len(report.examples)]
