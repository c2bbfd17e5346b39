"""Helpers of the store tests: sketched rows made without any text, and what a store answers."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.store.store import Store
from stillwatch.tables import SKETCHED

START = datetime(2026, 6, 1, tzinfo=UTC)
Row = tuple[str, int, str]
"""(exchange_id, hours after START, a word that makes another version of the row)."""


def row_hash(row: Row) -> int:
    return int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest(), "little")


def batch(rows: Iterable[Row]) -> pa.RecordBatch:
    held = list(rows)
    columns: list[Any] = []
    for field in SKETCHED:
        if field.name == "exchange_id":
            column = pa.array([row[0] for row in held], pa.string())
        elif field.name == "asked_at":
            column = pa.array([START + timedelta(hours=row[1]) for row in held], field.type)
        elif field.name == "user_agent":
            column = pa.array([row[2] for row in held], pa.string())
        elif field.name == "row_hash":
            column = pa.array([row_hash(row) for row in held], pa.uint64())
        elif field.nullable:
            column = pa.nulls(len(held), field.type)
        elif pa.types.is_string(field.type):
            column = pa.array(["s"] * len(held), pa.string())
        else:
            column = pa.array([[] if pa.types.is_list(field.type) else 0] * len(held), field.type)
        columns.append(column)
    return pa.record_batch(columns, schema=SKETCHED)


def settled(folder: Path, since: datetime | None = None, until: datetime | None = None) -> tuple[list[Row], int]:
    """What a store answers, ascending, and how many conflicts it counts."""
    with DuckEngine() as engine:
        conflicts = Store.open(folder).register(engine, since, until)
        rows = engine.arrow("SELECT exchange_id, asked_at, user_agent FROM exchanges ORDER BY exchange_id").to_pylist()
    return [
        (r["exchange_id"], int((r["asked_at"] - START).total_seconds()) // 3600, r["user_agent"]) for r in rows
    ], conflicts


def table(folder: Path, name: str, order: str) -> list[dict[str, Any]]:
    with DuckEngine() as engine:
        Store.open(folder).register(engine)
        rows: list[dict[str, Any]] = engine.arrow(f"SELECT * FROM {name} ORDER BY {order}").to_pylist()
    return rows


def names(folder: Path) -> set[str]:
    """Every file of a store but its keys, with the bytes' hash."""
    return {
        f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.rglob("*")
        if path.is_file() and "keys" not in path.parts and path.name != "store.json"
    }
