"""Helpers of the ingest tests: a good row, a file of lines, and what a file reads as."""

import json
from pathlib import Path
from typing import Any

from stillwatch.ingest.sources import read, source_files
from stillwatch.records import QuarantinedRow

TEXT = "zq-secret-words"


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A good exchange; a change to None leaves the column out."""
    held = {
        "exchange_id": f"x{number}",
        "asked_at": "2026-06-01T00:00:00Z",
        "account_id": "acme",
        "model_requested": "m-1",
        "status": "ok",
        "messages": f"{TEXT} {number}",
    } | changes
    return {name: value for name, value in held.items() if value is not None}


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(held).encode() + b"\n" for held in rows)


def read_all(path: Path) -> tuple[list[dict[str, Any]], list[QuarantinedRow]]:
    """Rows, with their places under `place`, and quarantine, of all files of a source."""
    rows: list[dict[str, Any]] = []
    bad: list[QuarantinedRow] = []
    for file in source_files(path):
        for batch in read(file):
            places = batch.places.tolist()
            rows += [{**held, "place": place} for held, place in zip(batch.rows.to_pylist(), places, strict=True)]
            bad += batch.quarantined
    return rows, bad


def read_bytes(
    folder: Path, data: bytes, name: str = "logs.jsonl"
) -> tuple[list[dict[str, Any]], list[QuarantinedRow]]:
    path = folder / name
    path.write_bytes(data)
    return read_all(path)
