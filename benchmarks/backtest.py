"""A policy backtest's seconds, and whether its predicted hits are those of a replay, on fourteen days of a world.

    .venv/bin/python benchmarks/backtest.py --seed 620 --scale .4 --out benchmarks/results/backtest-mixed-seed620.jsonl

One JSON line a world. The world is ingested and watched, as a provider would; then each template is backtested by the
command, five times (wall seconds with the program's start), and held against a replay: detection asked anew for each
day on what was known then, accounts and permissions read from the world's own files. A hit is a day, an account, a
finding and a rule with its action; `both` counts those that the two have in common. `--cap N` gives every permission
of the world that cap of exchanges, so that there is an excess to judge.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.backtest import days_of
from stillwatch.past import answer_then
from stillwatch.pipeline import ingest_sources
from stillwatch.respond.facts import COLUMNS, Known, facts_of
from stillwatch.respond.hits import Judged, judged
from stillwatch.respond.lint import load_policy
from stillwatch.store.store import Store
from stillwatch.watch import watched
from stillwatch.worlds import world as worlds

DAYS = 14
TIMES = 5
TEMPLATES = ("lab", "cloud", "gateway")
COMMAND = "import sys; from stillwatch.cli import main; main()"


def made(folder: Path, scenario: str, seed: int, scale: float, cap: int | None) -> tuple[Store, int, int]:
    """The world's first days, ingested and watched; exchanges and accounts."""
    worlds.write(worlds.simulate(scenario, seed, scale), folder / "logs", folder / "truth")
    for path in sorted((folder / "logs" / "exchanges").iterdir())[DAYS:]:
        path.unlink()
    for path in (folder / "logs").glob("permissions*") if cap is not None else ():
        table = pq.read_table(path)
        place = table.schema.get_field_index("exchange_cap")
        held = pa.array([cap] * len(table), table.schema.field(place).type)
        pq.write_table(table.set_column(place, table.schema.field(place), held), path)
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(hashlib.blake2b(b"backtest", digest_size=32).digest())
    report = ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
    watched(Store.open(folder / "store"), 1)
    return Store.open(folder / "store"), report.exchanges, report.accounts


def known_from(logs: Path, at: datetime) -> Known:
    """What the world's own files say as of a time, read without the store."""
    rows = [
        row for path in sorted(logs.glob("accounts*")) for row in pq.read_table(path).to_pylist()
        if row["created_at"] is None or row["created_at"] < at
    ]  # fmt: skip
    for row in rows:
        row["suspended_at"] = row["suspended_at"] if row["suspended_at"] and row["suspended_at"] < at else None
    grants = [
        row for path in sorted(logs.glob("permissions*")) for row in pq.read_table(path).to_pylist()
        if (row["starts_at"] is None or row["starts_at"] < at) and (row["ends_at"] is None or row["ends_at"] >= at)
    ]  # fmt: skip
    held = {
        row["account_id"]: [
            grant["purpose"] for grant in grants
            if grant["account_id"] == row["account_id"] or (row["org_id"] and grant["org_id"] == row["org_id"])
        ]
        for row in rows
    }  # fmt: skip
    logged = {name for name in COLUMNS if any(row[name] is not None for row in rows)}
    return Known(at, {row["account_id"]: row for row in rows}, logged, held)


def said(day: str, told: Judged) -> set[tuple[str, ...]]:
    """The hits of a day, one entry each."""
    return {
        (day, hit.account_id, hit.campaign_id, hit.rule_id, hit.rung.name, repr(hit.obligations), hit.mode)
        for hit in told.hits
    }


def timed(policy: Path, store: Path) -> list[float]:
    """Wall seconds of the command, each with the program's start."""
    out = []
    for _ in range(TIMES):
        begun = time.monotonic()
        words = ["policy", "backtest", str(policy), "--store", str(store), "--days", str(DAYS), "--json"]
        subprocess.run([sys.executable, "-c", COMMAND, *words], check=True, stdout=subprocess.DEVNULL)
        out.append(round(time.monotonic() - begun, 2))
    return out


def measured(folder: Path, scenario: str, seed: int, scale: float, cap: int | None) -> dict[str, Any]:
    """One world: seconds, and hits beside a replay's."""
    store, exchanges, accounts = made(folder, scenario, seed, scale, cap)
    source = Path(worlds.__file__).parent.parent / "respond" / "templates"
    data = {name: (source / f"{name}.yaml").read_bytes().replace(b"EXPIRES", b"2030-01-01") for name in TEMPLATES}
    policies = {name: load_policy(text, name) for name, text in data.items()}
    predicted = {name: days_of(store, policy, DAYS) for name, policy in policies.items()}
    ends = [day.end for day in predicted["lab"]]
    begun = time.monotonic()
    answers = [facts_of(answer_then(store, end)["campaigns"], known_from(folder / "logs", end)) for end in ends]
    replay = time.monotonic() - begun
    kinds = Counter(one.values["finding.kind"] for facts in answers for several in facts.values() for one in several)
    told = {}
    for name, policy in policies.items():
        first = {hit for day in predicted[name] for hit in said(day.day, day.said)}
        days = zip(predicted[name], answers, strict=True)
        second = {hit for day, facts in days for hit in said(day.day, judged(policy, facts, day.end))}
        (folder / f"{name}.yaml").write_bytes(data[name])
        seconds = timed(folder / f"{name}.yaml", store.folder)
        told[name] = {
            "predicted": len(first), "replayed": len(second), "both": len(first & second),
            "rules": dict(sorted(Counter(hit[3] for hit in second).items())),
            "seconds": seconds, "median": statistics.median(seconds),
        }  # fmt: skip
    return {
        "exchanges": exchanges, "accounts": accounts, "days": len(ends), "judged": dict(sorted(kinds.items())),
        "replay_seconds": round(replay), "policies": told,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}",
    }  # fmt: skip


def main() -> None:
    """Measure a world and append its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--scale", type=float, default=0.4)
    parser.add_argument("--cap", type=int)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        about = {"scenario": asked.scenario, "seed": asked.seed, "scale": asked.scale, "cap": asked.cap}
        line = {**about, **measured(Path(folder), asked.scenario, asked.seed, asked.scale, asked.cap)}
    with asked.out.open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
