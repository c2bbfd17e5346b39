"""How many lines a second each reader reads, on one core: a simulated world in each format, read without sketching.

    .venv/bin/python benchmarks/readers.py
    .venv/bin/python benchmarks/readers.py --scale 0.1 --rounds 5

Prints one line a format: lines and megabytes a CPU-second, the best of the rounds, so that other work counts little.
`json` is the contract as lines with nested messages, `flat` the same with messages as strings.
"""

import argparse
import gzip
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.ingest.sources import read, source_files
from stillwatch.worlds import shapes
from stillwatch.worlds import world as worlds


def simulated(folder: Path, scale: float, seed: int, most: int) -> list[dict[str, Any]]:
    """Rows of a simulated world, evenly picked."""
    worlds.write(worlds.simulate("mixed", seed, scale), folder / "logs", folder / "truth")
    files = sorted((folder / "logs" / "exchanges").glob("*.parquet"))
    every = [row for file in files for row in pq.read_table(file).to_pylist()]
    return every[:: max(1, len(every) // most)][:most]


def in_contract(rows: list[dict[str, Any]], *, nested: bool) -> Iterator[str]:
    for row in rows:
        held = {name: value for name, value in row.items() if value is not None}
        for name in ("system", "messages", "tools", "output"):
            if nested and str(held.get(name))[:1] in ("[", "{"):
                held[name] = json.loads(held[name])
        yield json.dumps(held, default=str, ensure_ascii=False)


def written(folder: Path, rows: list[dict[str, Any]]) -> Iterator[tuple[str, Path]]:
    """One file a format, with what it holds unpacked."""
    formats = {name: shapes.lines(rows, name) for name in shapes.SHAPES}
    formats |= {"json": in_contract(rows, nested=True), "flat": in_contract(rows, nested=False)}
    for name, lines in formats.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        yield name, path
    packed = folder / "openai.gz.jsonl.gz"
    packed.write_bytes(gzip.compress((folder / "openai.jsonl").read_bytes(), 6))
    yield "openai.gz", packed


def seconds_to_read(path: Path) -> tuple[int, float]:
    """Rows and CPU-seconds of one reading, the sampling of the format included."""
    started = time.process_time()
    rows = sum(batch.rows.num_rows for file in source_files(path) for batch in read(file))
    return rows, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--lines", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"seed {options.seed}, scale {options.scale}; {os.cpu_count()} cores, {platform.machine()}, "
          f"Python {platform.python_version()}; one core used")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="stillwatch-readers-") as scratch:
        folder = Path(scratch)
        rows = simulated(folder, options.scale, options.seed, options.lines)
        for name, path in written(folder, rows):
            size = path.stat().st_size if path.suffix != ".gz" else (folder / "openai.jsonl").stat().st_size
            count, best = min((seconds_to_read(path) for _ in range(options.rounds)), key=lambda found: found[1])
            assert count == len(rows), (name, count)
            rate, volume = count / best, size / best / 1e6
            print(f"{name:10} {count:6,} lines of {size // count:,} bytes: {rate:8,.0f} lines/s, {volume:6.1f} MB/s")


if __name__ == "__main__":
    main()
