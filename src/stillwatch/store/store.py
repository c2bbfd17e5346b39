"""A store: a folder of sketched exchanges, small tables, quarantine, keys and runs.

Every file is named after its content and is written whole. So a batch that comes again writes the same file, an ingest
that was killed is repeated, and writers at the same time do not harm each other; no lock is needed. Two rows of one
exchange_id are settled when the store is read, never by order of arrival.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.records import QuarantinedRow
from stillwatch.store import keys
from stillwatch.store.exchanges import ExchangeWriter, new_ids, repeated_sql, settled_sql
from stillwatch.store.files import remove_stale_drafts, write_whole
from stillwatch.tables import ACCOUNTS, PERMISSIONS, QUARANTINE, RELEASES, SKETCHED

VERSION = 1
SMALL = {"accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES}


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

    def __init__(self, folder: Path, key_file: Path | None, fingerprint: str, pseudonymous: bool = False) -> None:
        self.folder = folder
        self._key_file = key_file
        self._fingerprint = fingerprint
        self.pseudonymous = pseudonymous

    @property
    def name(self) -> str:
        """The folder's own name, without the path."""
        return self.folder.resolve().name

    @classmethod
    def create(cls, folder: Path, key_file: Path | None = None, *, pseudonymous: bool = False) -> "Store":
        """Open a store for writing, making it first where the folder is missing or empty.

        A store that was begun `pseudonymous` stays so; one that was not cannot become it.

        The key is on disk before the manifest, and the manifest before any row: a kill between leaves a folder that
        this function completes. Raises StoreError for a folder with other content, and for another key.
        """
        manifest = folder / "store.json"
        if not manifest.exists():
            if folder.exists() and (not folder.is_dir() or any(_foreign(path) for path in folder.iterdir())):
                raise StoreError("a folder with other content", where=str(folder), wanted="a store or an empty folder")
            secret = keys.read_secret(key_file) if key_file else keys.load_or_create(folder / "keys")
            held: dict[str, object] = {"stillwatch_store": VERSION, "key": keys.fingerprint(secret)}
            held |= {"pseudonymous": True} if pseudonymous else {}
            write_whole(manifest, json.dumps(held).encode())
        store = cls.open(folder, key_file)
        if pseudonymous and not store.pseudonymous:
            raise StoreError(
                "this store holds ids as they came", where=str(folder), wanted="a store that was begun with pseudonyms",
                next_step="begin another store with --pseudonymous",
            )  # fmt: skip
        remove_stale_drafts(folder)
        store.sketch_key()
        return store

    @classmethod
    def open(cls, folder: Path, key_file: Path | None = None) -> "Store":
        """Open a store that is there; reading it needs no key. Raises StoreError where none, or another version, is."""
        try:
            held = json.loads((folder / "store.json").read_text("utf-8"))
            version, fingerprint = held["stillwatch_store"], str(held.get("key", ""))
            pseudonymous = held.get("pseudonymous") is True
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                "no store", where=str(folder), wanted="a folder that `ingest` made",
                next_step=f"stillwatch ingest SOURCE --store {folder}",
            ) from error  # fmt: skip
        if version != VERSION:
            raise StoreError("another version", where=str(folder), found=str(version)[:20], wanted=str(VERSION))
        return cls(folder, key_file, fingerprint, pseudonymous)

    # ------------------------------------------------------------------------------------------------ keys

    def sketch_key(self) -> bytes:
        """The key of content sketches. Raises StoreError where it is lost, or is another than at the start."""
        return keys.derived(self._secret, "sketch")

    def pseudonym_key(self) -> bytes:
        """The key of pseudonyms. Raises StoreError as `sketch_key` does."""
        return keys.derived(self._secret, "pseudonym")

    @cached_property
    def _secret(self) -> bytes:
        path = self._key_file or keys.secret_path(self.folder / "keys")
        secret = keys.read_secret(path)
        # Stores made before the first release have no fingerprint.
        if self._fingerprint and keys.fingerprint(secret) != self._fingerprint:
            raise StoreError(
                "not the key of this store", where=str(path), wanted="the key that the store was begun with",
                next_step="give that key with --key-file, or begin another store",
            )  # fmt: skip
        return secret

    # ------------------------------------------------------------------------------------------------ writing

    def exchange_writer(self) -> ExchangeWriter:
        """A writer of sketched rows, which collects them by day. Nothing is on disk before its `flush`."""
        return ExchangeWriter(self.folder / "exchanges")

    def count_new(self, writer: ExchangeWriter) -> int:
        """How many exchange ids came with this writer that no other file of the store holds."""
        written = {str(path) for path in writer.written}
        others = [path for path in self._files("exchanges/*/*.parquet") if path not in written]
        return new_ids(_one_number, sorted(written), others)

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
        hashes = self._row_hashes(batch)
        rows = pa.table(batch).append_column("row_hash", pa.array(hashes, pa.string())).sort_by("row_hash")
        name = hashlib.blake2b("".join(sorted(hashes)).encode(), digest_size=16).hexdigest()
        return int(rows.num_rows) if self._write(self.folder / table, rows, name) else 0

    def _row_hashes(self, batch: pa.RecordBatch) -> list[str]:
        """Keyed, or who writes an account could choose values that win a tie."""
        key = keys.derived(self._secret, "row")
        return [
            hashlib.blake2b(repr(tuple(row.values())).encode(), digest_size=12, key=key).hexdigest()
            for row in batch.to_pylist()
        ]

    def add_quarantined(self, rows: Iterable[QuarantinedRow]) -> None:
        """Keep what was set aside and why; the same rows again change nothing."""
        unique = sorted({tuple(asdict(row).values()) for row in rows}, key=repr)
        if not unique:
            return
        columns = list(zip(*unique, strict=True))
        table = pa.table([pa.array(c, f.type) for c, f in zip(columns, QUARANTINE, strict=True)], schema=QUARANTINE)
        name = hashlib.blake2b(repr(unique).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        self._write(self.folder / "quarantine", table, name)

    def _write(self, folder: Path, rows: pa.Table, name: str) -> bool:
        """Write one Parquet file under its content's name; False where it is there already."""
        path = folder / f"{name}.parquet"
        if path.exists():
            return False
        buffer = pa.BufferOutputStream()
        pq.write_table(rows, buffer, compression="zstd")
        write_whole(path, buffer.getvalue().to_pybytes())
        return True

    # ------------------------------------------------------------------------------------------------ reading

    def register(self, engine: Views, since: datetime | None = None, until: datetime | None = None) -> int:
        """Make `exchanges`, `accounts`, `permissions` and `releases` readable: how many exchange ids had several rows.

        Rows that say the same do not count. One row an exchange_id, the one with the smallest hash of the whole row;
        the newest row an account; the earliest time a release; every permission once. A time without a zone is UTC.
        """
        for name, schema in SMALL.items():
            small = self._files(f"{name}/*.parquet")
            if small:
                engine.view(name, _settled(name, f"read_parquet({_list(small)}, hive_partitioning = false)"))
            else:
                engine.register(name, schema.empty_table())
        files = self._files("exchanges/*/*.parquet")
        if not files:
            engine.register("exchanges", SKETCHED.empty_table())
            return 0
        repeated = engine.arrow(repeated_sql(files))
        if repeated.num_rows:
            engine.register("repeated_exchange", repeated)
        engine.view("exchanges", settled_sql(files, "repeated_exchange" if repeated.num_rows else None, since, until))
        return sum(int(versions) > 1 for versions in repeated["versions"].to_pylist())

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

    def days(self) -> list[str]:
        """The days of which exchanges are kept, ascending."""
        return sorted(path.name.removeprefix("day=") for path in (self.folder / "exchanges").glob("day=*"))

    def _files(self, pattern: str) -> list[str]:
        """Paths of whole files, ascending. Drafts begin with a dot."""
        return sorted(str(path) for path in self.folder.glob(pattern) if not path.name.startswith("."))


def _foreign(path: Path) -> bool:
    """Whether a file cannot be what a killed `Store.create` left."""
    return path.name != "keys" and not (path.name.startswith(".store.json.") and path.name.endswith(".tmp"))


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


def _settled(table: str, source: str) -> str:
    """One row for each key of a small table, whatever the order of arrival."""
    if table == "accounts":
        return (
            f"SELECT * EXCLUDE (row_hash) FROM {source} QUALIFY row_number() OVER "
            "(PARTITION BY account_id ORDER BY updated_at DESC NULLS LAST, row_hash) = 1"
        )
    if table == "releases":
        return f"SELECT model, min(released_at) AS released_at FROM {source} GROUP BY model"
    return f"SELECT * EXCLUDE (row_hash) FROM {source} QUALIFY row_number() OVER (PARTITION BY row_hash) = 1"
