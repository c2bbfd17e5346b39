"""Helpers of the tests of keys and erasure: logs with text, and everything that lies in a folder as bytes."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

START = 1_772_359_200  # 2026-03-01
WORDS = ("river", "granite", "lantern", "orchard", "meadow", "harbour", "thunder", "velvet", "copper", "saffron")


def exchange(number: int, account: str = "acct_17", **given: Any) -> dict[str, Any]:
    one, other = WORDS[number % 10], WORDS[number // 10 % 10]
    text = f"Explain step by step how the {one} and the {other} differ. Answer number {number}."
    return {
        "exchange_id": f"e{number}", "asked_at": START + 3600 * number, "account_id": account, "model_requested": "m",
        "status": "ok", "messages": [{"role": "user", "content": text}], "temperature": 0.5, **given,
    }  # fmt: skip


def write(folder: Path, exchanges: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    for name, rows in {"exchanges": exchanges, **tables}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def rows_of(store: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((store / table).rglob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def every_byte(folder: Path) -> bytes:
    """All names and bytes below a folder, Parquet read as well, and unpacked."""
    held = []
    for path in sorted(folder.rglob("*")):
        held.append(str(path.relative_to(folder)).encode())
        if path.is_file():
            held.append(path.read_bytes())
        if path.suffix == ".parquet":
            held += [repr(row).encode() for row in pq.ParquetFile(path).read().to_pylist()]
    return b"\n".join(held)
