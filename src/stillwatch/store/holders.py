"""Where a store's folder holds an account as one, and other holders' permissions whose texts name it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.respond.written import written
from stillwatch.store.casebook.schema import mark
from stillwatch.store.mentions import WORD, Mentions, is_text
from stillwatch.store.permits import ENDS, identity
from stillwatch.store.renames import GONE, findings_in, times_named
from stillwatch.store.store import Store
from stillwatch.store.suppress import listed

COLUMNS = {"accounts": ("account_id", "reseller_of"), "permissions": ("account_id",), ENDS: ("account_id",)}


def holds_account(store: Store, names: Iterable[str]) -> bool:
    """Whether one of the names, as the store keeps them, is an account's in its small tables, runs, records of watch or
    exchanges (also of days that a killed `expire` left), or was erased before. The casebook is not looked at.

    Raises StoreError for a damaged table.
    """
    wanted = frozenset(names)
    return listed(store, wanted) or _in_tables(store.folder, wanted) or _in_files(store.folder, wanted)


def _in_tables(folder: Path, names: frozenset[str]) -> bool:
    asked = pa.array(sorted(filter(is_text, names)), pa.string())
    columns = [(path, name) for kind, held in COLUMNS.items() for path in parquet_in(folder / kind) for name in held]
    columns += [(path, "account_id") for path in sorted((folder / "runs").glob("[!.]*/exchanges.parquet"))]
    columns += [(path, "account_id") for path in sorted((folder / "exchanges").rglob("[!.]*.parquet"))]
    return any(pc.any(pc.is_in(_column(path, name), asked)).as_py() for path, name in columns)


def _in_files(folder: Path, names: frozenset[str]) -> bool:
    runs = (_json(path) for path in sorted((folder / "runs").glob("*/campaigns.json")))
    members = (member["account_id"] for run in runs for one in findings_in(run) for member in one["members"])
    if any(name in names for name in members):
        return True
    ids = frozenset(name for name in names if not WORD.fullmatch(name))  # a plain word may be one of ours there
    return any(times_named(_json(path), ids) for path in sorted((folder / "watch").rglob("*.json")))


class References:
    """Permissions of others whose reference or models name an account: what they are afterwards."""

    def __init__(self, store: Store, names: Iterable[str]) -> None:
        self.store = store
        self.names = frozenset(names)
        self._mentions = Mentions(self.names)

    def out_of(self, held: pa.Table) -> tuple[pa.Table, list[bool]]:
        """A table of permissions or of their ends without the names, and which rows changed. Such a row has another
        hash, since a file is named after its hashes."""
        rows = held.to_pylist()
        left = [self._without(row) for row in rows]
        changed = [one != other for one, other in zip(rows, left, strict=True)]
        return (pa.Table.from_pylist(left, schema=held.schema) if any(changed) else held), changed

    def grants(self) -> dict[str, str]:
        """The ids under which the casebook has such permissions, and those of afterwards."""
        rows = [row for path in parquet_in(self.store.folder / "permissions") for row in table_of(path).to_pylist()]
        ids = {mark(written(identity(row))): mark(written(identity(self._without(row)))) for row in rows}
        return {old: new for old, new in ids.items() if old != new}

    def _without(self, row: dict[str, Any]) -> dict[str, Any]:
        new = row | {"reference": self._mentions.out_of(row["reference"])}
        models = set(row.get("models") or ()) & self.names
        if models and not self._are_models(models):
            new["models"] = [GONE if model in models else model for model in row["models"]]
        if new != row and "row_hash" in row:
            new["row_hash"] = f"e{row['row_hash']}"
        return new if row["account_id"] not in self.names else row

    def _are_models(self, models: set[str]) -> bool:
        """Whether the store has exchanges of models that are called so: then that is what the permission means."""
        asked = pa.array(sorted(filter(is_text, models)), pa.string())
        paths = [path for paths in self.store.exchange_files().values() for path in map(Path, paths)]
        columns = [(path, name) for path in paths for name in ("model_requested", "model_served")]
        return any(pc.any(pc.is_in(_column(path, name), asked)).as_py() for path, name in columns)


def parquet_in(folder: Path) -> list[Path]:
    """The tables of a folder, ascending; hidden files are drafts."""
    return sorted(folder.glob("[!.]*.parquet"))


def table_of(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A table to erase from. Raises StoreError where it cannot be read."""
    try:
        return pq.ParquetFile(path).read(columns=columns)
    except (OSError, ValueError) as error:
        raise StoreError("the file cannot be read, so nothing can be erased from it", where=str(path)) from error


def _column(path: Path, name: str) -> pa.ChunkedArray:
    return table_of(path, [name])[name]


def _json(path: Path) -> Any:
    """What a file holds; nothing where it cannot be read, of which the erasure tells."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
