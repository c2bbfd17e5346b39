"""Sketched exchanges on disk: a file an epoch, day and flush, named after its rows; settled when they are read."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.stats import distinct
from stillwatch.store.files import write_whole
from stillwatch.tables import EXCHANGES, SAMPLED, SKETCHED

FLUSH_ROWS = 500_000
FLUSH_BYTES = 192 << 20
"""Rows wait in memory until one of these is reached, so that a day's rows do not lie in many small files."""

Files = Mapping[int, list[str]]
"""Paths of the files of exchanges, by the key epoch that they were written in."""

_DAY = 86_400_000_000  # microseconds
_LISTS = {"stems": "UINTEGER", "pairs": "USMALLINT"}
_TIMES = ("asked_at", "finished_at")
_WORDS = [
    field.name for field in SKETCHED if field.name in EXCHANGES.names and field.name not in ("exchange_id", *_TIMES)
]
_WORDS.append("stems.list.element")  # not those of UINT64: Spark reads no dictionary of them
_ENCODINGS = dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED")
"""How columns lie on disk: an account's times as steps. With `_LEVEL` 137 bytes an exchange of an article world
instead of 145, apart from samples, at no more time."""

_LEVEL = 3


class ExchangeWriter:
    """Collects sketched rows and writes them by day. Rows are on disk, and may be acknowledged, after `flush`.

    The same batches in the same order give the same files; others give files whose rows settle to the same table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[Path] = []  # files that were not there before
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows of tables.SKETCHED. Raises StoreError for another schema, or where the disk refuses."""
        if not batch.schema.equals(SKETCHED):
            raise StoreError("rows that are not sketched exchanges", where=str(self.folder))
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= FLUSH_ROWS or self._bytes >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Bring every row that waits to disk."""
        if not self._rows:
            return
        held, self._waiting = pa.Table.from_batches(self._waiting, SKETCHED), []
        self._rows = self._bytes = 0
        held = held.sort_by([("account_id", "ascending"), ("asked_at", "ascending"), ("row_hash", "ascending")])
        days = held["asked_at"].cast(pa.int64()).to_numpy() // _DAY
        for day in distinct(days):
            self._write(f"day={np.datetime64(int(day), 'D')}", _sampled(_distinct(held.filter(pa.array(days == day)))))

    def _write(self, day: str, rows: pa.Table) -> None:
        path = write_exchanges(self.folder / day, rows)
        if path is not None:
            self.written.append(path)


def write_exchanges(folder: Path, rows: pa.Table) -> Path | None:
    """Write one day's rows under the name that they give: the path, None where that file is there already."""
    path = folder / f"{_batch_id(rows)}.parquet"
    if path.exists():
        return None
    buffer = pa.BufferOutputStream()
    pq.write_table(
        rows.combine_chunks(), buffer, compression="zstd", compression_level=_LEVEL, use_dictionary=_WORDS,
        column_encoding=_ENCODINGS,
    )  # fmt: skip
    write_whole(path, buffer.getvalue().to_pybytes())
    return path


def _distinct(rows: pa.Table) -> pa.Table:
    """Without rows that repeat the row before them: the same id, and the same hash of the whole row."""
    hashes = rows["row_hash"].to_numpy()
    ids = rows["exchange_id"].combine_chunks()
    same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False) & (hashes[1:] == hashes[:-1])
    return rows.filter(pa.array(np.append(True, ~same)))


def _sampled(rows: pa.Table) -> pa.Table:
    """One day's rows, sorted by account, with stems in `SAMPLED` rows of each account: those with the least row hashes.

    The rows that are the least of all files are the least of their own, so it does not matter how rows came to files.
    """
    account = rows["account_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((rows["row_hash"].to_numpy(), account))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(account[order], account[order])
    if not (rank >= SAMPLED).any():
        return rows
    kept = pa.array(np.arange(len(rank)), mask=rank >= SAMPLED)
    for name in ("stems", "pairs"):
        rows = rows.set_column(rows.column_names.index(name), rows.field(name), rows[name].take(kept))
    return rows


def _batch_id(rows: pa.Table) -> str:
    """The name of a set of rows: a hash of the keyed hashes of its rows."""
    hashes = np.sort(rows["row_hash"].to_numpy()).astype("<u8")
    return hashlib.blake2b(hashes.tobytes(), digest_size=16).hexdigest()


def source(files: Files) -> str:
    """The SQL that reads files: the columns of tables.SKETCHED, the key epoch, and no other.

    Sketches of scheme 1 had SimHashes of 64 bits, of which the lowest say as much of a topic as any; those before
    scheme 3 had no stems.
    """
    parts = [
        f"SELECT {_names(paths[0])}, {int(epoch)} AS epoch "
        f"FROM read_parquet([{_quoted(paths)}], hive_partitioning = false)"
        for epoch, paths in files.items()
        if paths
    ]
    return f"({' UNION ALL '.join(parts)})"


def _names(path: str) -> str:
    """The columns of tables.SKETCHED as one file gives them; the files of an epoch are of one scheme."""
    held = set(pq.read_schema(path).names)
    made = {"simhash": "CAST(simhash & 65535 AS USMALLINT) AS simhash"}
    made |= {name: f"NULL::{kind}[] AS {name}" for name, kind in _LISTS.items() if name not in held}
    return ", ".join(made.get(name, name) for name in SKETCHED.names)


def _quoted(paths: list[str]) -> str:
    return ", ".join("'" + path.replace("'", "''") + "'" for path in paths)


def repeated_sql(files: Files) -> str:
    """The exchange ids that stand in more than one row, and in how many different ones (`versions`).

    Rows are told apart by keyed hashes, so within an epoch only: one row that was read in two epochs is one version.
    The first pass counts 64-bit hashes of ids, which is several times cheaper than ids; only those that repeat are
    looked at. Where nothing repeats, that pass is all that settling costs.
    """
    return f"""
        WITH twice AS (SELECT hash(exchange_id) AS h FROM {source(files)} GROUP BY h HAVING count(*) > 1),
        counted AS (SELECT exchange_id, count(DISTINCT row_hash) AS versions, count(*) AS n FROM {source(files)}
                    WHERE hash(exchange_id) IN (SELECT h FROM twice) GROUP BY exchange_id, epoch)
        SELECT exchange_id, max(versions) AS versions FROM counted GROUP BY exchange_id HAVING sum(n) > 1
    """


def settled_sql(files: Files, repeated: str | None, since: datetime | None, until: datetime | None) -> str:
    """One row for each exchange id: of the newest epoch, the one with the smallest row hash; those in [since, until).

    `repeated` names a table of ids that stand in more than one row; None where there is none. Ids are settled before
    the period is cut, so that a period never brings back a row that lost.
    """
    names = ", ".join(f"r.{name}" for name in [*SKETCHED.names, "epoch"])
    sql = f"SELECT {names} FROM {source(files)} r"
    if repeated:
        sql = f"""
            {sql} WHERE r.exchange_id NOT IN (SELECT exchange_id FROM {repeated})
            UNION ALL SELECT {names} FROM
            (SELECT r.* FROM {source(files)} r SEMI JOIN {repeated} k ON k.exchange_id = r.exchange_id QUALIFY
             row_number() OVER (PARTITION BY r.exchange_id
                                ORDER BY r.epoch DESC, r.row_hash, r.asked_at, r.stems IS NULL) = 1) r
        """
    bounds = [f"asked_at >= TIMESTAMPTZ '{_moment(since)}'"] if since else []
    bounds += [f"asked_at < TIMESTAMPTZ '{_moment(until)}'"] if until else []
    return f"SELECT * FROM ({sql}) WHERE {' AND '.join(bounds)}" if bounds else sql


def new_ids(answer: Callable[[str], int], written: Files, others: Files) -> int:
    """How many exchange ids the written files hold that no other file does. `answer` runs a query for one number."""
    if not any(written.values()):
        return 0
    known = f" WHERE exchange_id NOT IN (SELECT exchange_id FROM {source(others)})" if any(others.values()) else ""
    return answer(f"SELECT count(DISTINCT exchange_id) FROM {source(written)}{known}")


def _moment(value: datetime) -> str:
    """A time as SQL says it; without a zone it is UTC."""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f+00")
