"""What `watch` tells of a world, day by day, beside the truth: what had leaked at the first alert, and false alerts.

    .venv/bin/python benchmarks/watch.py --scenario mixed --seeds 614 --out benchmarks/results/watch.jsonl

One JSON line a world. A life is a campaign's where at least five of its accounts, and half of them, are its operators;
any other life is a false one, and every alert about it a false alert. `--generator` takes another author's worlds, as
in `reference.py`. A world that the file holds already is passed over.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
from reference import generate

from stillwatch.alerts import alerts_of
from stillwatch.benchmark.measure import operators_of
from stillwatch.pipeline import ingest_sources
from stillwatch.store.store import Store
from stillwatch.watch import watched

LEAST = 5


def work_of(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Account and day (UTC) of each extraction exchange, by campaign."""
    rows = duckdb.execute(
        "SELECT t.campaign, e.account_id, strftime(e.asked_at AT TIME ZONE 'UTC', '%Y-%m-%d') FROM read_parquet(?) t "
        "JOIN read_parquet(?) e USING (exchange_id) WHERE t.campaign IS NOT NULL ORDER BY ALL",
        [str(folder / "truth" / "exchanges.parquet"), str(folder / "logs" / "exchanges" / "*.parquet")],
    ).fetchall()
    out: dict[str, list[tuple[str, str]]] = {}
    for campaign, account, day in rows:
        out.setdefault(campaign, []).append((account, day))
    return out


def campaign_of(accounts: set[str], members: dict[str, set[str]]) -> str | None:
    """The campaign that a life's accounts are of; None where they are of none."""
    for name, operators in sorted(members.items()):
        if len(accounts & operators) >= max(LEAST, len(accounts) / 2):
            return name
    return None


def measured(folder: Path) -> dict[str, Any]:
    """One world, ingested and watched day by day."""
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(hashlib.blake2b(b"watch", digest_size=32).digest())
    ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
    begun = time.monotonic()
    records = watched(Store.open(folder / "store"), 1)
    seconds = time.monotonic() - begun
    work = work_of(folder)
    operators = operators_of(folder / "truth")
    members = {name: {account for account, _ in done} & operators for name, done in work.items()}
    of_life: dict[tuple[str, str], str | None] = {}
    for record in records:
        for life in record["lives"]:
            accounts = {m["account_id"] for m in life["finding"]["members"] if m["exchanges"] > 0}
            of_life[life["life_id"], record["window"][1]] = campaign_of(accounts, members)
    first: dict[str, dict[str, str]] = {name: {} for name in work}
    false: Counter[str] = Counter()
    for alert in alerts_of(records):
        name = of_life[alert["life_id"], alert["day"]]
        if name is None:
            false[alert["what"]] += 1
            continue
        for what in ("told", alert["what"]):
            first[name].setdefault(what, alert["day"])
    lives = records[-1]["lives"]
    crossed = [life for life in lives if life["crossed"]]
    last = records[-1]["window"][1]
    return {
        "windows": len(records), "seconds": round(seconds), "lives": len(lives), "alerts": len(alerts_of(records)),
        "false_alerts": dict(sorted(false.items())),
        "false_lives": sum(of_life[life["life_id"], last] is None for life in lives),
        "crossed": len(crossed), "crossed_false": sum(of_life[life["life_id"], last] is None for life in crossed),
        "campaigns": [
            {
                "campaign": name, "members": len(members[name]), "exchanges": len(done),
                **{f"{what}_day": first[name].get(what) for what in ("told", "accused", "evidence")},
                **{f"{what}_share": leaked(done, first[name].get(what)) for what in ("told", "accused", "evidence")},
            }
            for name, done in sorted(work.items())
        ],
    }  # fmt: skip


def leaked(done: list[tuple[str, str]], day: str | None) -> float:
    """The share of a campaign's extraction that was made by the end of a day; all of it where there is none."""
    return 1.0 if day is None else round(sum(at <= day for _, at in done) / len(done), 4)


def main() -> None:
    """Measure each world that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    author = asked.generator.stem if asked.generator else "own"
    held = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    done = {(line["author"], line["scenario"], line["seed"]) for line in held}
    for seed in asked.seeds:
        if (author, asked.scenario, seed) in done:
            continue
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), asked.scenario, seed, asked.scale, asked.generator)
            line = {"author": author, "scenario": asked.scenario, "seed": seed, **measured(Path(folder))}
        with asked.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
