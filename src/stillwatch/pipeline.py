"""The order of the stages; the only file that knows it.

source → ingest → content.sketch → store, and store → detection (entities, tokens, linkage, findings) → run folder.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain
from pathlib import Path

from stillwatch.content.sketch import sketch
from stillwatch.detection import Detection, detect
from stillwatch.engine.engines import Cluster
from stillwatch.errors import UsageError
from stillwatch.ingest.mapping import load
from stillwatch.ingest.sources import SourceFile, Wanted, source_files
from stillwatch.intake import Intake, Sketch, Taken, taken
from stillwatch.records import QuarantinedRow
from stillwatch.spread import TABLE, spread_files, spread_table, tables_of
from stillwatch.store.exchanges import ExchangeWriter
from stillwatch.store.store import Store
from stillwatch.store.suppress import Suppression

__all__ = ["Detection", "IngestReport", "detect", "ingest_sources"]

EXAMPLES = 5
UNKNOWN = 50


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
    expired: int = 0
    """Exchanges of days that the store keeps no more: read and passed over."""
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
    processes: int = 1,
    cluster: Cluster | None = None,
    wanted: Callable[[SourceFile], bool] = lambda _: True,
    progress: Callable[[str], None] = lambda _: None,
    sketch: Sketch = sketch,
) -> IngestReport:
    """Read sources into a store; repeatable at any point. Raises SourceError, StoreError or UsageError.

    Everything read is on disk when this returns. One file given twice is read once. Memory holds a few batches of
    text, and sketched rows up to the writer's bound. With more `processes` files are read side by side: they import
    the main module, which must guard what it does by `if __name__ == "__main__"`. A `cluster` reads exchanges in its
    tasks, and then a source may be `table:NAME`, a table that Spark reads. Of all files only the `wanted` are read.
    """
    started = time.monotonic()
    tables, paths = tables_of(map(str, sources))
    if tables and cluster is None:
        raise UsageError("a table that Spark reads", found=f"{TABLE}{tables[0]}", wanted="--engine spark")
    asked = Wanted(format, load(Path(mapping)) if mapping else None)
    found = [file for source in paths for file in source_files(source, asked) if wanted(file)]
    files = list({file.path.resolve(): file for file in found}.values())
    kept = Store.create(Path(store), key_file, pseudonymous=pseudonymous)
    writer, tally = kept.exchange_writer(), _Tally(kept)
    erased = Suppression(kept)
    keys = (kept.sketch_key(), kept.pseudonym_key(), kept.epoch.epoch)
    intake = Intake(*keys, every_name=kept.pseudonymous, erased=erased, sketch=sketch)
    told = _Told(progress, files)
    parts = taken(files, intake, processes) if cluster is None else _spread(files, tables, intake, writer, cluster)
    for file, part in parts:
        tally.count(file.table, part)
        if file.table == "exchanges":
            writer.add(part.batch.rows)
        else:
            kept.add_small(file.table, part.batch.rows)
        told.tell(file, part.batch.bytes_read, tally.rows["exchanges"])
    writer.flush()
    tally.unsuppressed = erased.unknown
    progress("counting what is new")
    return tally.report(files, kept.count_new(writer), time.monotonic() - started)


def _spread(
    files: list[SourceFile], tables: list[str], intake: Intake, writer: ExchangeWriter, cluster: Cluster
) -> Iterator[tuple[SourceFile, Taken]]:
    """Small tables here, exchanges by the tasks of a cluster, which write for the writer."""
    from stillwatch.engine.spark import session_of  # noqa: PLC0415  (an extra, and slow to import)

    yield from taken([file for file in files if file.table != "exchanges"], intake, 1)
    with session_of(cluster.master, cluster.settings) as session:
        large = [file for file in files if file.table == "exchanges"]
        folder = writer.folder.resolve()
        jobs = [spread_files(large, intake, folder, session)]
        jobs += [spread_table(name, intake, folder, session) for name in tables]
        for file, part, written in chain.from_iterable(jobs):
            writer.written += [writer.folder / path.relative_to(folder) for path in written]
            yield file, part


class _Tally:
    """Counts rows and keeps what was set aside."""

    def __init__(self, store: Store) -> None:
        self.rows: Counter[str] = Counter()
        self.secrets = self.impossible = self.suppressed = self.expired = self.unsuppressed = 0
        self._reasons: Counter[str] = Counter()
        self._examples: list[QuarantinedRow] = []
        self._unknown: set[str] = set()
        self._found_at: set[tuple[str, str]] = set()
        self._store = store

    def count(self, table: str, part: Taken) -> None:
        """Add one batch of a table, and put aside in the store what broke the contract."""
        batch = part.batch
        self.secrets += part.secrets
        self.suppressed += part.suppressed
        self.expired += part.expired
        self.rows[table] += batch.rows.num_rows + part.written
        self.impossible += batch.impossible
        self._store.add_quarantined(batch.quarantined)
        self._reasons.update(f"{row.column or 'row'}: {row.found}" for row in batch.quarantined)
        self._examples += batch.quarantined[: EXAMPLES - len(self._examples)]
        self._found_at |= batch.found_at
        if len(self._unknown) < UNKNOWN:
            self._unknown |= {f"{table}.{name}" for name in batch.unknown}

    def report(self, files: list[SourceFile], new: int, seconds: float) -> IngestReport:
        """What was read of these files in so many seconds; `new` exchanges were not in the store before."""
        read = self.rows["exchanges"]
        small = {table: self.rows[table] for table in ("accounts", "permissions", "releases")}
        return IngestReport(
            len(files), read, new, read - new, **small, quarantined=self._reasons.total(), seconds=round(seconds, 2),
            reasons=dict(self._reasons.most_common()), examples=tuple(self._examples),
            unknown=tuple(sorted(self._unknown)[:UNKNOWN]),
            secrets=self.secrets, impossible=self.impossible,
            suppressed=self.suppressed, expired=self.expired, unsuppressed=self.unsuppressed,
            formats=dict(sorted(Counter(file.format for file in files if file.table == "exchanges").items())),
            found_at={
                name: tuple(path for column, path in sorted(self._found_at) if column == name)
                for name in sorted({column for column, _ in self._found_at})
            },
        )  # fmt: skip


class _Told:
    """Says how far reading is, how quick, and about how long it will take, by the bytes of the files."""

    def __init__(self, progress: Callable[[str], None], files: list[SourceFile]) -> None:
        self._progress, self._started = progress, time.monotonic()
        self._total = max(1, sum(file.size for file in files))
        before = accumulate((file.size for file in files), initial=0)
        self._before: dict[Path, int] = {file.path: size for file, size in zip(files, before, strict=False)}

    def tell(self, file: SourceFile, bytes_read: int, exchanges: int) -> None:
        """`bytes_read` of a file are done, and all before it."""
        passed = max(time.monotonic() - self._started, 1e-3)
        share = min(1.0, (self._before.get(file.path, 0) + bytes_read) / self._total)
        left = f", about {passed * (1 - share) / share:,.0f} s left" if share > 0 else ""
        rate = exchanges / passed
        self._progress(f"{share:.0%}, {exchanges:,} exchanges, {rate:,.0f} a second{left} ({file.label})")
