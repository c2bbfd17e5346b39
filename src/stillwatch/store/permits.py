"""Permissions as a store holds them: rows that files brought, and rows that people added; each until it ends.

A person who ends a permission writes no row anew, since the file that brought it may be read again: the end stands
beside, for whoever holds that permission by that reference, and counts for every row that began before it.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import StoreError
from stillwatch.tables import PERMISSION_ENDS, PERMISSIONS

ENDS = "permission_ends"
"""The folder of a store that holds when people ended permissions."""

Identity = tuple[str | None, str | None, str, str]


def identity(row: dict[str, Any]) -> Identity:
    """What makes two rows the same permission: whose, for what, by which contract."""
    return row["account_id"], row["org_id"], row["purpose"], row["reference"]


def permissions_held(folder: Path) -> pa.Table:
    """Every permission once, with the earlier of its own end and the one that a person set (PERMISSIONS).

    Raises StoreError where a file is damaged.
    """
    ends = ends_of(folder)
    rows = {repr(row): row for row in map(dict, _rows(folder / "permissions", PERMISSIONS))}
    held = [{**row, "ends_at": _end(row, ends.get(identity(row), []))} for _, row in sorted(rows.items())]
    return pa.Table.from_pylist(list({repr(row): row for row in held}.values()), schema=PERMISSIONS)


def ends_of(folder: Path) -> dict[Identity, list[datetime]]:
    """When people ended each permission, ascending."""
    ends: dict[Identity, set[datetime]] = {}
    for row in _rows(folder / ENDS, PERMISSION_ENDS):
        ends.setdefault(identity(row), set()).add(row["ended_at"])
    return {name: sorted(times) for name, times in ends.items()}


def _end(row: dict[str, Any], ends: list[datetime]) -> datetime | None:
    told = [time for time in ends if row["starts_at"] is None or row["starts_at"] <= time]
    own = [row["ends_at"]] if row["ends_at"] is not None else []
    ends_at: datetime | None = min([*own, *told], default=None)
    return ends_at


def ends_table(rows: Iterable[dict[str, Any]], time: datetime) -> pa.Table:
    """Rows of PERMISSION_ENDS for these permissions: at a time; of one that begins later at its beginning."""
    ended = {repr(one): one for one in ({**row, "ended_at": max(time, row["starts_at"] or time)} for row in rows)}
    ends = [{name: ended[key][name] for name in PERMISSION_ENDS.names} for key in sorted(ended)]
    return pa.Table.from_pylist(ends, schema=PERMISSION_ENDS)


def _rows(folder: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = []
    for path in sorted(folder.glob("[!.]*.parquet")):
        try:
            held += pq.ParquetFile(path).read(columns=schema.names).cast(schema).to_pylist()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreError("a file of permissions cannot be read", where=str(path)) from error
    return held
