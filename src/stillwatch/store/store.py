"""A store: a folder of sketched exchanges, small tables, quarantine and runs; its keys stand elsewhere.

Every file is named after its content and is written whole. So a batch that comes again writes the same file, an ingest
that was killed is repeated, and writers at the same time do not harm each other; no lock is needed. Two rows of one
exchange_id are settled when the store is read, never by order of arrival.
"""

import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.records import QuarantinedRow
from stillwatch.store import keyring
from stillwatch.store.exchanges import ExchangeWriter, new_ids, repeated_sql, settled_sql
from stillwatch.store.files import remove_stale_drafts
from stillwatch.store.keys import derived, fingerprint, read_secret
from stillwatch.store.manifest import Epoch, Manifest, read_manifest, write_manifest
from stillwatch.store.permits import ENDS, permissions_held
from stillwatch.store.small import SMALL, settled_small, with_hashes, write_quarantine, write_small
from stillwatch.tables import SKETCH_SCHEME, SKETCHED


class Views(Protocol):
    """What the store needs of an engine: names for queries over files, and answers."""

    def view(self, name: str, sql: str) -> None:
        """Make a name for a query."""

    def arrow(self, sql: str) -> pa.Table:
        """The answer of a query."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name."""


class Store:
    """One store's folder. `Store.create` makes it where it is missing, `Store.open` wants it to be there."""

    def __init__(self, folder: Path, key_file: Path | None, manifest: Manifest) -> None:
        self.folder = folder
        self.key_file = key_file
        self.manifest = manifest

    @property
    def name(self) -> str:
        """The folder's own name, without the path."""
        return self.folder.resolve().name

    @property
    def scratch(self) -> Path:
        """Where a cluster puts the tables of a run, which removes them. What a killed run left, `erase` and `expire`
        remove."""
        return self.folder / "scratch"

    @property
    def pseudonymous(self) -> bool:
        """Whether it keeps ids as pseudonyms."""
        return self.manifest.pseudonymous

    @property
    def epoch(self) -> Epoch:
        """The key epoch that it is written in."""
        return self.manifest.epochs[-1]

    @classmethod
    def create(cls, folder: Path, key_file: Path | None = None, *, pseudonymous: bool = False) -> "Store":
        """Open a store for writing, making it first where the folder is missing or empty.

        A store that was begun `pseudonymous` stays so; one that was not cannot become it.

        The key is on disk before the manifest, and the manifest before any row: a kill between leaves a folder that
        this function completes. Raises StoreError for a folder with other content, for another key, and for an epoch
        whose texts were sketched in another way.
        """
        if key_file and key_file.resolve().is_relative_to(folder.resolve()):
            raise StoreError(
                "the key file lies in the store's own folder", where=str(key_file),
                wanted="a place apart from the data: whoever copies the store would have its key",
            )  # fmt: skip
        if not (folder / "store.json").exists():
            if folder.exists() and (not folder.is_dir() or any(_foreign(path) for path in folder.iterdir())):
                raise StoreError("a folder with other content", where=str(folder), wanted="a store or an empty folder")
            write_manifest(folder, Manifest((keyring.begun(keyring.newest_epoch(), key_file),), pseudonymous))
        store = cls.open(folder, key_file)
        if pseudonymous and not store.pseudonymous:
            raise StoreError(
                "this store holds ids as they came", where=str(folder), wanted="a store that was begun with pseudonyms",
                next_step="begin another store with --pseudonymous",
            )  # fmt: skip
        if store.epoch.sketch != SKETCH_SCHEME:
            raise StoreError(
                "this store's epoch holds texts that were sketched in another way", where=str(folder),
                found=f"sketches of scheme {store.epoch.sketch}", wanted=f"an epoch of scheme {SKETCH_SCHEME}",
                next_step=f"`stillwatch keys rotate --store {folder} --retention 0` begins one, or ingest into a new "
                "store. What is there can be read as before",
            )  # fmt: skip
        remove_stale_drafts(folder)
        store.sketch_key()
        return store

    @classmethod
    def open(cls, folder: Path, key_file: Path | None = None) -> "Store":
        """Open a store that is there; reading it needs no key. Raises StoreError where none, or another version, is."""
        return cls(folder, key_file, read_manifest(folder))

    # ------------------------------------------------------------------------------------------------ keys

    def sketch_key(self) -> bytes:
        """The key of content sketches. Raises StoreError where it is lost, or is another than at the start."""
        return self._key("sketch")

    def pseudonym_key(self) -> bytes:
        """The key of pseudonyms. Raises StoreError as `sketch_key` does."""
        return self._key("pseudonym")

    def keys_at_hand(self, purpose: str) -> dict[int, bytes]:
        """The keys of one purpose in every epoch whose secret can be found, by the epoch's number, ascending.

        Raises StoreError where a key file was given that belongs to no epoch of the store.
        """
        if self.key_file and fingerprint(read_secret(self.key_file)) not in {e.key for e in self.manifest.epochs}:
            self._key(purpose)
        held = {e: keyring.copies(e, self.folder, self.key_file) for e in self.manifest.epochs if not e.destroyed}
        return {
            e.epoch: derived(read_secret(found[0]), purpose, e.epoch, e.scheme) for e, found in held.items() if found
        }

    @property
    def key_beside_data(self) -> bool:
        """Whether the key lies in the store's own folder, as version 1 had it."""
        return keyring.beside_the_data(self.folder).exists()

    def _key(self, purpose: str) -> bytes:
        return derived(self._secret, purpose, self.epoch.epoch, self.epoch.scheme)

    @cached_property
    def _secret(self) -> bytes:
        return keyring.find(self.epoch, self.folder, self.key_file)

    # ------------------------------------------------------------------------------------------------ writing

    def exchange_writer(self) -> ExchangeWriter:
        """A writer of sketched rows, which collects them by day. Nothing is on disk before its `flush`."""
        return ExchangeWriter(self.folder / "exchanges" / self.epoch.folder)

    def count_new(self, writer: ExchangeWriter) -> int:
        """How many exchange ids came with this writer that no other file of the store holds."""
        written = {str(path) for path in writer.written}
        others = {epoch: [p for p in paths if p not in written] for epoch, paths in self.exchange_files().items()}
        return new_ids(_one_number, {self.epoch.epoch: sorted(written)}, others)

    def add_exchanges(self, batch: pa.RecordBatch) -> int:
        """Write sketched rows at once: how many rows are in files that were not there yet."""
        writer = self.exchange_writer()
        writer.add(batch)
        writer.flush()
        return sum(int(pq.read_metadata(path).num_rows) for path in writer.written)

    def add_small(self, table: str, batch: pa.RecordBatch) -> int:
        """Write rows of accounts, permissions or releases: how many were in a file that was not there yet."""
        if batch.num_rows == 0:
            return 0
        return int(batch.num_rows) if write_small(self.folder / table, with_hashes(batch, self._key("row"))) else 0

    def add_quarantined(self, rows: Iterable[QuarantinedRow]) -> None:
        """Keep what was set aside and why; the same rows again change nothing."""
        write_quarantine(self.folder / "quarantine", rows)

    # ------------------------------------------------------------------------------------------------ reading

    def register(
        self,
        engine: Views,
        since: datetime | None = None,
        until: datetime | None = None,
        known_by: datetime | None = None,
    ) -> int:
        """Make `exchanges`, `accounts`, `permissions` and `releases` readable: how many exchange ids had several rows.

        Rows that say the same do not count. One row an exchange_id: of the newest key epoch, the one with the smallest
        hash of the whole row; `epoch` stands beside its columns. The newest row an account, of before `known_by` where
        it is given; the earliest time a release; every permission once. A time without a zone is UTC.
        """
        self.register_small(engine, known_by)
        files = self.exchange_files()
        if not files:
            engine.register("exchanges", SKETCHED.append(pa.field("epoch", pa.int32())).empty_table())
            return 0
        repeated = engine.arrow(repeated_sql(files))
        if repeated.num_rows:
            engine.register("repeated_exchange", repeated)
        engine.view("exchanges", settled_sql(files, "repeated_exchange" if repeated.num_rows else None, since, until))
        return sum(int(versions) > 1 for versions in repeated["versions"].to_pylist())

    def register_small(self, engine: Views, known_by: datetime | None = None) -> None:
        """The same of accounts, permissions and releases alone."""
        for name, schema in SMALL.items():
            small = self._files(f"{name}/*.parquet")
            if name == "permissions" and self._files(f"{ENDS}/*.parquet"):
                engine.register(name, permissions_held(self.folder))
            elif small:
                source = f"read_parquet({_list(small)}, hive_partitioning = false)"
                engine.view(name, settled_small(name, source, known_by))
            else:
                engine.register(name, schema.empty_table())

    def rows(self, since: datetime | None = None, until: datetime | None = None) -> int:
        """How many rows the files of the days of [since, until) hold, repeated ones too. Raises StoreError where a file
        is damaged."""
        first, last = (f"day={moment.date()}" if moment else None for moment in (since, until))
        paths = (Path(path) for files in self.exchange_files().values() for path in files)
        wanted = (p for p in paths if (first or p.parent.name) <= p.parent.name <= (last or p.parent.name))
        return sum(_rows(path) for path in wanted)

    def names(self) -> set[str]:
        """The names of all files that detection reads, which say what they hold, and what the manifest says."""
        small = {path for name in (*SMALL, ENDS) for path in self._files(f"{name}/*.parquet")}
        return {path for paths in self.exchange_files().values() for path in paths} | small | {repr(self.manifest)}

    def listed(self) -> list[str]:
        """The files of exchanges by their paths in the store, ascending."""
        paths = (Path(path) for held in self.exchange_files().values() for path in held)
        return sorted(str(path.relative_to(self.folder)) for path in paths)

    def has_accounts(self) -> bool:
        """Whether any accounts file was read."""
        return bool(self._files("accounts/*.parquet"))

    def quarantined(self) -> int:
        """How many rows stand in quarantine, each counted once."""
        files = self._files("quarantine/*.parquet")
        return (
            _one_number(
                f"SELECT count(*) FROM (SELECT DISTINCT * FROM read_parquet({_list(files)}, hive_partitioning = false))"
            )
            if files
            else 0
        )

    def quarantine(self, most: int) -> list[QuarantinedRow]:
        """The first rows in quarantine, by file and row."""
        files = self._files("quarantine/*.parquet")
        if not files:
            return []
        rows = pa.concat_tables([pq.read_table(path) for path in files])
        distinct = rows.group_by(rows.column_names).aggregate([]).sort_by([("file", "ascending"), ("row", "ascending")])
        return [QuarantinedRow(**row) for row in distinct.slice(0, most).to_pylist()]

    def days(self, epoch: int | None = None) -> list[str]:
        """The days of which exchanges are kept, of one epoch or of all, ascending."""
        held = self.exchange_files()
        paths = [path for number, files in held.items() if epoch in (None, number) for path in files]
        return sorted({Path(path).parent.name.removeprefix("day=") for path in paths})

    def exchange_files(self) -> dict[int, list[str]]:
        """Paths of the files of exchanges by key epoch, both ascending; epochs without a file are left out, and so are
        days that are over their time.

        Raises StoreError where there are exchanges of an epoch that the manifest does not list.
        """
        listed = {epoch.folder for epoch in self.manifest.epochs}
        for folder in (self.folder / "exchanges").glob("epoch=*"):
            if folder.name not in listed:
                raise StoreError(
                    "exchanges of a key epoch that store.json does not list", where=str(folder),
                    next_step="put back the store.json that belongs to them",
                )  # fmt: skip
        held = {e.epoch: self._files(f"{Path('exchanges', e.folder)}/day=*/*.parquet") for e in self.manifest.epochs}
        first = f"day={self.manifest.kept_from or ''}"
        kept = {epoch: [path for path in paths if Path(path).parent.name >= first] for epoch, paths in held.items()}
        return {epoch: files for epoch, files in kept.items() if files}

    def _files(self, pattern: str) -> list[str]:
        """Paths of whole files, ascending. Drafts begin with a dot."""
        return sorted(str(path) for path in self.folder.glob(pattern) if not path.name.startswith("."))


def _foreign(path: Path) -> bool:
    """Whether a file cannot be what a killed `Store.create` left."""
    return path.name != "keys" and not (path.name.startswith(".store.json.") and path.name.endswith(".tmp"))


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            "a file of exchanges cannot be read", where=str(path), next_step="read its day's logs into a new store"
        ) from error


def _list(files: list[str]) -> str:
    """Paths as a list in SQL."""
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in files) + "]"


def _one_number(sql: str) -> int:
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": "2GB", "threads": min(2, os.cpu_count() or 1), "temp_directory": spill,
        }  # fmt: skip
        with duckdb.connect(config=config) as database:
            row = database.execute(sql).fetchone()
    return int(row[0]) if row else 0
