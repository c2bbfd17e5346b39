"""The order of the stages; the only file that knows it.

source → ingest → content.sketch → store, and store → detection (entities, tokens, linkage, findings) → run folder.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from stillwatch.content.sketch import sketch
from stillwatch.detection import Detection, detect
from stillwatch.ingest.mapping import load
from stillwatch.ingest.pseudonyms import protected
from stillwatch.ingest.rows import Batch
from stillwatch.ingest.sources import SourceFile, Wanted, read, source_files
from stillwatch.records import QuarantinedRow
from stillwatch.store.exchanges import ExchangeWriter
from stillwatch.store.store import Store
from stillwatch.store.suppress import Suppression

__all__ = ["Detection", "IngestReport", "detect", "ingest_sources"]

EXAMPLES = 5
UNKNOWN = 50
AHEAD = 3
"""Batches that may wait between reading, sketching and writing: the bound of memory."""

Sketch = Callable[[pa.RecordBatch, bytes], pa.RecordBatch]


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    `exchanges` rows were read and kept the contract: `new` ids that the store did not hold, and `repeated` ones, in the
    store or in the source. `reasons` counts quarantine by column and kind; `examples` are its first rows. `unknown` are
    columns that the contract does not know, as `table.column`, ascending, at most `UNKNOWN` of them.
    """

    files: int = 0
    exchanges: int = 0
    new: int = 0
    repeated: int = 0
    accounts: int = 0
    permissions: int = 0
    releases: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[QuarantinedRow, ...] = ()
    unknown: tuple[str, ...] = ()
    secrets: int = 0
    """Ids that looked like API keys, which the store holds as pseudonyms only."""
    impossible: int = 0
    """Exchanges that ended before they were asked: two clocks disagree, and their `finished_at` is left out."""
    suppressed: int = 0
    """Rows of accounts that were erased, from before they were: read and passed over."""
    unsuppressed: int = 0
    """Erased accounts whose rows could not be told, since the key of the epoch that lists them is not at hand."""
    formats: Mapping[str, int] = field(default_factory=dict)
    """Files of exchanges by the format that they were read as."""
    found_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that were looked for in records of another format than the contract's, and the paths that held them."""


def ingest_sources(
    sources: Iterable[Path],
    store: Path,
    *,
    format: str = "auto",
    mapping: Path | None = None,
    key_file: Path | None = None,
    pseudonymous: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    sketch: Sketch = sketch,
) -> IngestReport:
    """Read sources into a store; repeatable at any point. Raises SourceError, StoreError or UsageError.

    Everything read is on disk when this returns. One file given twice is read once. Memory holds a few batches of
    text, and sketched rows up to the writer's bound.
    """
    started = time.monotonic()
    wanted = Wanted(format, load(Path(mapping)) if mapping else None)
    found = [file for source in sources for file in source_files(Path(source), wanted)]
    files = list({file.path.resolve(): file for file in found}.values())
    kept = Store.create(Path(store), key_file, pseudonymous=pseudonymous)
    writer, tally = kept.exchange_writer(), _Tally(kept)
    erased = Suppression(kept)
    told = _Told(progress, sum(file.size for file in files))
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[Batch]] = deque()
        for file, given in _batches(files, told):
            stays = erased.kept(file.table, given.rows)
            tally.suppressed += int((~stays).sum())
            rows, keys = protected(
                given.rows.filter(pa.array(stays)), kept.pseudonym_key(), kept.epoch.epoch,
                every_name=kept.pseudonymous,
            )  # fmt: skip
            batch = replace(given, rows=rows, places=given.places[stays] if len(given.places) else given.places)
            tally.secrets += keys
            if file.table != "exchanges":
                kept.add_small(file.table, batch.rows)
                tally.count(file.table, batch)
                continue
            waiting.append(pool.submit(_sketched, sketch, batch, kept.sketch_key(), file.label))
            while len(waiting) > AHEAD:
                _keep(writer, tally, waiting.popleft().result())
            told.exchanges = tally.rows["exchanges"]
        while waiting:
            _keep(writer, tally, waiting.popleft().result())
    writer.flush()
    tally.unsuppressed = erased.unknown
    progress("counting what is new")
    return tally.report(files, kept.count_new(writer), time.monotonic() - started)


def _batches(files: list[SourceFile], told: "_Told") -> Iterator[tuple[SourceFile, Batch]]:
    for file in files:
        for batch in read(file):
            told.tell(file.label, batch.bytes_read)
            yield file, batch
        told.done += file.size


def _sketched(sketch: Sketch, batch: Batch, key: bytes, label: str) -> Batch:
    """The batch with its rows sketched. A row that cannot be goes to quarantine; its neighbours are tried apart."""
    try:
        return replace(batch, rows=sketch(batch.rows, key))
    except Exception as error:
        rows = batch.rows
        if rows.num_rows == 1:
            found = f"exchange that cannot be sketched ({type(error).__name__})"
            known = rows["exchange_id"][0].as_py()
            bad = QuarantinedRow(label, int(batch.places[0]), None, found, "text that can be read", known)
            return replace(batch, rows=sketch(rows.slice(0, 0), key), quarantined=[*batch.quarantined, bad])
        if rows.num_rows == 0:
            raise
    half = rows.num_rows // 2
    parts = [
        _sketched(sketch, Batch(rows.slice(start, length), [], 0, batch.places[start : start + length]), key, label)
        for start, length in ((0, half), (half, rows.num_rows - half))
    ]
    bad_rows = [*batch.quarantined, *(row for part in parts for row in part.quarantined)]
    return replace(batch, rows=pa.concat_batches([part.rows for part in parts]), quarantined=bad_rows)


def _keep(writer: ExchangeWriter, tally: "_Tally", batch: Batch) -> None:
    writer.add(batch.rows)
    tally.count("exchanges", batch)


class _Tally:
    """Counts rows and keeps what was set aside."""

    def __init__(self, store: Store) -> None:
        self.rows: Counter[str] = Counter()
        self.secrets = self.impossible = self.suppressed = self.unsuppressed = 0
        self._reasons: Counter[str] = Counter()
        self._examples: list[QuarantinedRow] = []
        self._unknown: set[str] = set()
        self._found_at: set[tuple[str, str]] = set()
        self._store = store

    def count(self, table: str, batch: Batch) -> None:
        self.rows[table] += batch.rows.num_rows
        self.impossible += batch.impossible
        self._store.add_quarantined(batch.quarantined)
        self._reasons.update(f"{row.column or 'row'}: {row.found}" for row in batch.quarantined)
        self._examples += batch.quarantined[: EXAMPLES - len(self._examples)]
        self._found_at |= batch.found_at
        if len(self._unknown) < UNKNOWN:
            self._unknown |= {f"{table}.{name}" for name in batch.unknown}

    def report(self, files: list[SourceFile], new: int, seconds: float) -> IngestReport:
        read = self.rows["exchanges"]
        small = {table: self.rows[table] for table in ("accounts", "permissions", "releases")}
        return IngestReport(
            len(files), read, new, read - new, **small, quarantined=self._reasons.total(), seconds=round(seconds, 2),
            reasons=dict(self._reasons.most_common()), examples=tuple(self._examples),
            unknown=tuple(sorted(self._unknown)[:UNKNOWN]),
            secrets=self.secrets, impossible=self.impossible,
            suppressed=self.suppressed, unsuppressed=self.unsuppressed,
            formats=dict(sorted(Counter(file.format for file in files if file.table == "exchanges").items())),
            found_at={
                name: tuple(path for column, path in sorted(self._found_at) if column == name)
                for name in sorted({column for column, _ in self._found_at})
            },
        )  # fmt: skip


class _Told:
    """Says how far reading is, how quick, and about how long it will take, by the bytes of the files."""

    def __init__(self, progress: Callable[[str], None], total: int) -> None:
        self.done = self.exchanges = 0
        self._progress, self._total, self._started = progress, max(1, total), time.monotonic()

    def tell(self, label: str, bytes_read: int) -> None:
        passed = max(time.monotonic() - self._started, 1e-3)
        share = min(1.0, (self.done + bytes_read) / self._total)
        left = f", about {passed * (1 - share) / share:,.0f} s left" if share > 0 else ""
        rate = self.exchanges / passed
        self._progress(f"{share:.0%}, {self.exchanges:,} exchanges, {rate:,.0f} a second{left} ({label})")
