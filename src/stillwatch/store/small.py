"""Small tables on disk: accounts, permissions, releases and quarantine, each file named after its rows."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.records import QuarantinedRow
from stillwatch.store.files import write_whole
from stillwatch.tables import ACCOUNTS, PERMISSIONS, QUARANTINE, RELEASES

SMALL = {"accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES}


def with_hashes(batch: pa.RecordBatch, key: bytes) -> pa.Table:
    """The rows and a keyed hash of each, ascending. Keyed, or who writes an account could choose what wins a tie."""
    hashes = [
        hashlib.blake2b(repr(tuple(row.values())).encode(), digest_size=12, key=key).hexdigest()
        for row in batch.to_pylist()
    ]
    return pa.table(batch).append_column("row_hash", pa.array(hashes, pa.string())).sort_by("row_hash")


def write_small(folder: Path, rows: pa.Table) -> bool:
    """Write rows of `with_hashes` into a table's folder; False where that file is there already."""
    hashes = sorted(rows["row_hash"].to_pylist())
    return _write(folder, rows, hashlib.blake2b("".join(hashes).encode(), digest_size=16).hexdigest())


def write_quarantine(folder: Path, rows: Iterable[QuarantinedRow]) -> None:
    """Write rows that were set aside, each once; the same rows again change nothing."""
    unique = sorted({tuple(asdict(row).values()) for row in rows}, key=repr)
    if not unique:
        return
    columns = list(zip(*unique, strict=True))
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, QUARANTINE, strict=True)], schema=QUARANTINE)
    name = hashlib.blake2b(repr(unique).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    _write(folder, table, name)


def _write(folder: Path, rows: pa.Table, name: str) -> bool:
    path = folder / f"{name}.parquet"
    if path.exists():
        return False
    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer, compression="zstd")
    write_whole(path, buffer.getvalue().to_pybytes())
    return True


def write_ends(folder: Path, ends: pa.Table) -> bool:
    """Write rows of PERMISSION_ENDS; False where that file is there already."""
    rows = sorted(map(repr, ends.to_pylist()))
    return _write(folder, ends, hashlib.blake2b("".join(rows).encode(), digest_size=16).hexdigest())


def settled_small(table: str, source: str, known_by: datetime | None = None) -> str:
    """The SQL for one row for each key of a small table, whatever the order of arrival.

    Of an account the newest row; given a time, the newest of before it, and the oldest where there is none.
    """
    if table == "accounts":
        order = "updated_at DESC NULLS LAST"
        if known_by is not None:
            known = f"updated_at < TIMESTAMPTZ '{known_by.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"
            order = f"CASE WHEN {known} THEN updated_at END DESC NULLS LAST, updated_at NULLS FIRST"
        return (
            f"SELECT * EXCLUDE (row_hash) FROM {source} QUALIFY row_number() OVER "
            f"(PARTITION BY account_id ORDER BY {order}, row_hash) = 1"
        )
    if table == "releases":
        return f"SELECT model, min(released_at) AS released_at FROM {source} GROUP BY model"
    return f"SELECT DISTINCT * EXCLUDE (row_hash) FROM {source}"  # one row has another hash in another epoch
