"""The main job at the size that was reported: an article world from files to campaigns, stage by stage.

The world is written first and not timed; the job runs in a process of its own: `python -m stillwatch.benchmark.scale
FOLDER` ingests FOLDER/logs and detects, tells each stage as it ends, and leaves its answer and stages in FOLDER.
Reading the files' columns with nothing done to them is timed too: no ingest can take less.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch import __version__
from stillwatch.benchmark.measure import Share, accused
from stillwatch.benchmark.plain import plain
from stillwatch.benchmark.stages import Clock, Stage, cpu_seconds
from stillwatch.benchmark.suite import machine
from stillwatch.errors import StillwatchError, UsageError

SCHEMA = "stillwatch/scale/v1"
ANSWER, STAGES = "answer.json", "stages.json"

EXCHANGES, ACCOUNTS = 16_000_000, 1_000_000
"""As reported in February 2026; the accounts are those of a provider around them."""

LEAST_EXCHANGES, LEAST_ACCOUNTS = 20_000, 2_000

Tell = Callable[[str], None]
Line = dict[str, Any]


def run(folder: Path, exchanges: int, accounts: int, seed: int, command: str, tell: Tell = lambda _: None) -> Line:
    """Make a world in an empty folder, run the job on it, and measure both.

    Raises:
        UsageError: the folder holds something, or the world would have no campaign of three that are large enough.
        StillwatchError: the timed process failed; what it said went to stderr.
    """
    from stillwatch.worlds.article.world import write  # noqa: PLC0415  (its kernel is compiled when it is imported)

    if exchanges < LEAST_EXCHANGES or accounts < LEAST_ACCOUNTS:
        found, wanted = f"{exchanges:,} and {accounts:,}", f"at least {LEAST_EXCHANGES:,} and {LEAST_ACCOUNTS:,}"
        raise UsageError("too few exchanges or accounts for three campaigns", found=found, wanted=wanted)
    made = write(folder / "logs", folder / "truth", exchanges, accounts, seed, tell)
    floor = _read_alone(folder / "logs" / "exchanges", tell)
    stages = _timed(folder, tell)
    answer = json.loads((folder / ANSWER).read_text("utf-8"))
    stored = sum(path.stat().st_size for path in (folder / "store" / "exchanges").rglob("*.parquet"))
    samples = _bytes_of(folder / "store" / "exchanges", ("stems", "pairs"))
    return {
        "schema": SCHEMA, "version": __version__, "command": command, "machine": machine(), "seed": seed,
        "simulated": True, "world": asdict(made), "stages": stages, "sums": _sums(stages), "reading_alone": floor,
        "bytes_an_exchange": round(stored / made.exchanges, 1), "bytes_of_samples": round(samples / made.exchanges, 1),
        **_found(answer, folder / "truth"),
    }  # fmt: skip


def _read_alone(folder: Path, tell: Tell) -> Line:
    """Seconds to decode every column of every file, with one thread a core."""
    tell("reading the files alone")
    wall, cpu = time.monotonic(), cpu_seconds()
    for path in sorted(folder.glob("*.parquet")):
        for group in range((held := pq.ParquetFile(path)).num_row_groups):
            held.read_row_group(group, use_threads=True)
    return {"wall": round(time.monotonic() - wall, 1), "cpu": round(cpu_seconds() - cpu, 1)}


def _timed(folder: Path, tell: Tell) -> list[Line]:
    command = [sys.executable, "-m", "stillwatch.benchmark.scale", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                tell(line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise StillwatchError("the timed process failed", where=str(folder), found=f"exit code {process.returncode}")
    held: list[Line] = json.loads((folder / STAGES).read_text("utf-8"))
    return held


def grouped(stages: list[Stage]) -> list[Line]:
    """Stages of one kind, which follow each other, as one."""
    rows: list[Line] = []
    for stage in stages:
        name = re.split(r" of (?!addresses)| without | by ", stage.name)[0]
        if rows and rows[-1]["name"] == name:
            last = rows[-1]
            last |= {"wall": last["wall"] + stage.wall, "cpu": last["cpu"] + stage.cpu,
                     "resident": stage.resident, "peak": stage.peak}  # fmt: skip
        else:
            rows.append({**asdict(stage), "name": name})
    return [row | {"wall": round(row["wall"], 1), "cpu": round(row["cpu"], 1)} for row in rows]


def _sums(stages: list[Line]) -> list[Line]:
    """From files to the incidence table, from there to campaigns, and both."""
    names = [stage["name"] for stage in stages]
    begin, end = names.index("ingest"), names.index("blocking")
    parts = {"files to incidence table": stages[begin:end], "incidence table to campaigns": stages[end:],
             "files to campaigns": stages[begin:]}  # fmt: skip
    return [
        {"name": name, "wall": round(sum(s["wall"] for s in part), 1), "cpu": round(sum(s["cpu"] for s in part), 1),
         "resident": part[-1]["resident"], "peak": max(s["peak"] for s in part)}
        for name, part in parts.items()
    ]  # fmt: skip


def _bytes_of(folder: Path, names: tuple[str, ...]) -> int:
    """Bytes that these columns take in all files."""
    total = 0
    for path in folder.rglob("*.parquet"):
        held = pq.ParquetFile(path).metadata
        groups = (held.row_group(group) for group in range(held.num_row_groups))
        chunks = (group.column(at) for group in groups for at in range(held.num_columns))
        total += sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in names)
    return total


def _found(answer: Line, truth: Path) -> Line:
    """Campaigns found, operators and honest accounts accused: what this world can say of detection, which is little."""
    rows = pq.read_table(truth / "accounts.parquet").to_pylist()
    campaign = {row["account_id"]: row["campaign"] for row in rows}
    members = Counter(name for name in campaign.values() if name)
    named: set[str] = set()
    best = dict.fromkeys(members, 0)
    for finding in answer["campaigns"]:
        ids = accused(finding)
        named |= ids
        for name, count in Counter(campaign.get(one) for one in ids).items():
            if name and 2 * count > len(ids):
                best[name] = max(best[name], count)
    operators = sum(campaign[one] is not None for one in named)
    honest = len(campaign) - sum(members.values())
    return {
        "campaigns": [{"campaign": name, "accounts": n, "in_one_finding": best[name]} for name, n in members.items()],
        "operators_accused": plain(asdict(Share(operators, sum(members.values())))),
        "honest_accused": plain(asdict(Share(len(named) - operators, honest))),
    }


def job(folder: Path) -> None:
    """Ingest and detect, stage by stage."""
    told = lambda stage: print(f"{stage.name}: {stage.wall:.1f} s", flush=True)  # noqa: E731
    clock = Clock("imports", told)
    from stillwatch.pipeline import detect, ingest_sources  # noqa: PLC0415
    from stillwatch.store.store import Store  # noqa: PLC0415

    key = folder / "key"
    key.touch(0o600)
    key.write_bytes(hashlib.blake2b(b"scale", digest_size=32).digest())
    clock.tell("ingest")
    cores = os.cpu_count() or 1
    ingest_sources([folder / "logs"], folder / "store", key_file=key, processes=cores, progress=clock.tell)
    clock.tell("opening the store")
    answer = detect(Store.open(folder / "store"), progress=clock.tell).answer
    clock.stop()
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")
    (folder / STAGES).write_text(json.dumps(grouped(clock.stages)), encoding="utf-8")


if __name__ == "__main__":
    job(Path(sys.argv[1]))
