"""A store: a folder of sketched exchanges, small tables, quarantine, keys and runs.

Every file is named after its content and is written whole: a draft, fsync, rename, fsync of the folder. So a batch that
comes again writes the same file, an ingest that was killed is repeated, and writers at the same time do not harm each
other; no lock is needed. Two rows of one exchange_id are settled when the store is read, never by order of arrival.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.records import QuarantinedRow
from stillwatch.store import keys
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

    def __init__(self, folder: Path, secret: bytes) -> None:
        self.folder = folder
        self._secret = secret

    @property
    def name(self) -> str:
        """The folder's own name, without the path."""
        return self.folder.name

    @classmethod
    def create(cls, folder: Path, key_file: Path | None = None) -> "Store":
        """Open a store, making it first where the folder is missing or empty."""
        manifest = folder / "store.json"
        if not manifest.exists():
            if folder.exists() and any(p.name not in ("keys",) for p in folder.iterdir()):
                raise StoreError("a folder with other content", where=str(folder), wanted="a store or an empty folder")
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(manifest, json.dumps({"stillwatch_store": VERSION}).encode())
        return cls.open(folder, key_file)

    @classmethod
    def open(cls, folder: Path, key_file: Path | None = None) -> "Store":
        """Open a store that is there. Raises StoreError where it is not, or is of another version."""
        manifest = folder / "store.json"
        try:
            version = json.loads(manifest.read_text("utf-8"))["stillwatch_store"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                "no store", where=str(folder), wanted="a folder that `ingest` made",
                next_step=f"stillwatch ingest SOURCE --store {folder}",
            ) from error  # fmt: skip
        if version != VERSION:
            raise StoreError("another version", where=str(folder), found=str(version)[:20], wanted=str(VERSION))
        secret = keys.read_secret(key_file) if key_file else keys.load_or_create(folder / "keys")
        return cls(folder, secret)

    def sketch_key(self) -> bytes:
        """The key of content sketches."""
        return keys.derived(self._secret, "sketch")

    # ------------------------------------------------------------------------------------------------ writing

    def add_exchanges(self, batch: pa.RecordBatch) -> int:
        """Write sketched rows, a file for each day: how many rows were in files that were not there yet."""
        if not batch.schema.equals(SKETCHED):
            raise StoreError("rows that are not sketched exchanges", where=str(self.folder))
        days = np.asarray(batch.column("asked_at").cast(pa.int64())) // 86_400_000_000
        new = 0
        for day in np.unique(days):
            rows = pa.table(batch.filter(pa.array(days == day)))
            rows = rows.sort_by([("exchange_id", "ascending"), ("row_hash", "ascending")])
            folder = self.folder / "exchanges" / f"day={np.datetime64(int(day), 'D')}"
            new += rows.num_rows * self._write(folder, rows, self._exchange_batch_id(rows))
        return new

    def _exchange_batch_id(self, rows: pa.Table) -> str:
        digest = hashlib.blake2b(digest_size=16, key=keys.derived(self._secret, "batch"))
        for name, row_hash in zip(rows["exchange_id"].to_pylist(), rows["row_hash"].to_pylist(), strict=True):
            encoded = name.encode()
            digest.update(len(encoded).to_bytes(4, "little") + encoded + row_hash.to_bytes(8, "little"))
        return digest.hexdigest()

    def add_small(self, table: str, batch: pa.RecordBatch) -> int:
        """Write rows of accounts, permissions or releases: how many were in a file that was not there yet."""
        if batch.num_rows == 0:
            return 0
        hashes = self._row_hashes(batch)
        rows = pa.table(batch).append_column("row_hash", pa.array(hashes, pa.string())).sort_by("row_hash")
        name = hashlib.blake2b("".join(sorted(hashes)).encode(), digest_size=16).hexdigest()
        return rows.num_rows * self._write(self.folder / table, rows, name)

    def _row_hashes(self, batch: pa.RecordBatch) -> list[str]:
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
        folder.mkdir(parents=True, exist_ok=True)
        buffer = pa.BufferOutputStream()
        pq.write_table(rows, buffer, compression="zstd")
        write_whole(path, buffer.getvalue().to_pybytes())
        return True

    # ------------------------------------------------------------------------------------------------ reading

    def register(self, engine: Views, since: datetime | None = None, until: datetime | None = None) -> int:
        """Make `exchanges`, `accounts`, `permissions` and `releases` readable: how many exchange ids had conflicting rows.

        One row an exchange_id, the one with the smallest hash of the whole row; the newest row an account.
        """
        files = self._files("exchanges/*/*.parquet")
        if not files:
            engine.register("exchanges", SKETCHED.empty_table())
        else:
            self._view_exchanges(engine, f"read_parquet({files})", since, until)
        for name, schema in SMALL.items():
            small = self._files(f"{name}/*.parquet")
            if small:
                engine.view(name, _settled(name, f"read_parquet({small})"))
            else:
                engine.register(name, schema.empty_table())
        return self._conflicts(engine) if files else 0

    def _view_exchanges(self, engine: Views, source: str, since: datetime | None, until: datetime | None) -> None:
        bounds = [f"asked_at >= TIMESTAMPTZ '{_moment(since)}'"] if since else []
        bounds += [f"asked_at < TIMESTAMPTZ '{_moment(until)}'"] if until else []
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        counts = engine.arrow(f"SELECT count(*) AS n, count(DISTINCT exchange_id) AS ids FROM {source}").to_pylist()[0]
        settled = f"SELECT * FROM {source}"
        if counts["n"] != counts["ids"]:
            settled = f"SELECT * FROM {source} QUALIFY row_number() OVER (PARTITION BY exchange_id ORDER BY row_hash, asked_at) = 1"
        engine.view("exchanges", f"SELECT * FROM ({settled}){where}")

    def _conflicts(self, engine: Views) -> int:
        files = self._files("exchanges/*/*.parquet")
        sql = (
            f"SELECT count(*) AS n FROM (SELECT exchange_id FROM read_parquet({files}) GROUP BY exchange_id "
            "HAVING count(DISTINCT row_hash) > 1)"
        )
        return int(engine.arrow(sql).to_pylist()[0]["n"])

    def quarantined(self) -> int:
        """How many rows stand in quarantine, each counted once."""
        files = sorted((self.folder / "quarantine").glob("*.parquet"))
        if not files:
            return 0
        rows = pa.concat_tables([pq.read_table(path) for path in files])
        return len(rows.group_by(rows.column_names).aggregate([]))

    def quarantine(self, most: int) -> list[QuarantinedRow]:
        """The first rows in quarantine, by file and row."""
        files = sorted((self.folder / "quarantine").glob("*.parquet"))
        if not files:
            return []
        rows = pa.concat_tables([pq.read_table(path) for path in files])
        distinct = rows.group_by(rows.column_names).aggregate([]).sort_by([("file", "ascending"), ("row", "ascending")])
        return [QuarantinedRow(**row) for row in distinct.slice(0, most).to_pylist()]

    def days(self) -> list[str]:
        """The days of which exchanges are kept, ascending."""
        return sorted(path.name.removeprefix("day=") for path in (self.folder / "exchanges").glob("day=*"))

    def _files(self, pattern: str) -> str:
        """A list of files as a SQL literal, ascending; empty where there is none."""
        paths = sorted(str(path) for path in self.folder.glob(pattern) if not path.name.startswith("."))
        return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]" if paths else ""


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S+00")


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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a draft beside it, fsync, rename, fsync of the folder."""
    draft = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreError(f"cannot write ({error.strerror})", where=str(path)) from error
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
