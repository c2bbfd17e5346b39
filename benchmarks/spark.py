"""The main job by Spark with one worker and with two, beside DuckDB in the same run: files to incidence to campaigns.

    .venv-spark/bin/python benchmarks/spark.py --exchanges 200000 --accounts 12500 --seed 903 \\
        --out benchmarks/results/spark.json

A standalone master and its workers of one core each are started on loopback for each turn. The driver needs processor
time of its own, so two workers on two cores cannot be twice as quick. Every job runs in a fresh process; answers must
be the same but for run ids and seconds, or it fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

JOB = """
import hashlib, json, sys
from pathlib import Path
from stillwatch.benchmark.scale import grouped
from stillwatch.benchmark.stages import Clock
from stillwatch.engine.engines import Cluster
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store
if __name__ == "__main__":
    logs, store, master = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    settings = {"spark.driver.host": "127.0.0.1", "spark.executor.memory": "2g"}
    cluster = Cluster(master, settings=settings) if master else None
    key = store.with_suffix(".key")
    key.touch(0o600)
    key.write_bytes(hashlib.blake2b(b"spark", digest_size=32).digest())
    clock = Clock("imports")
    clock.tell("ingest")
    ingest_sources([logs], store, key_file=key, cluster=cluster)
    if sys.argv[4:]:
        clock.stop()
        import duckdb
        files = f"read_parquet('{store}/exchanges/*/*/*.parquet')"
        sql = f"SELECT count(*), sum(row_hash), count(DISTINCT exchange_id) FROM {files}"
        rows = [int(n) for n in duckdb.sql(sql).fetchall()[0]]
        print(json.dumps({"stages": grouped(clock.stages), "answer": rows}))
        sys.exit()
    clock.tell("opening the store")
    answer = detect(Store.open(store), cluster=cluster, progress=clock.tell).answer
    clock.stop()
    for name in ("run_id", "seconds", "store"):
        answer["run"].pop(name)
    print(json.dumps({"stages": grouped(clock.stages), "answer": answer}))
"""


def timed(folder: Path, name: str, master: str, *more: str) -> dict[str, Any]:
    """One turn: seconds by the clock from files to the incidence table and to campaigns, and the answer."""
    script = folder / "job.py"
    script.write_text(JOB)
    command = [sys.executable, str(script), str(folder / "logs"), str(folder / f"store-{name}"), master, *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    held: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    names = [stage["name"] for stage in held["stages"]]
    wall = {stage["name"]: 0.0 for stage in held["stages"]}
    for stage in held["stages"]:
        wall[stage["name"]] += stage["wall"]
    ingest = names.index("ingest")
    if more:
        seconds = {"ingest": round(wall["ingest"], 1)}
        print(f"{name:22} ingest {wall['ingest']:.1f} s", flush=True)
        return {"name": name, "seconds": seconds, "answer": held["answer"]}
    blocking = names.index("blocking")
    assess = next(place for place, stage in enumerate(names) if stage.startswith("assessing"))
    parts = {
        "ingest": (ingest, ingest + 1), "store to incidence": (ingest + 1, blocking),
        "incidence to groups (driver)": (blocking, assess), "groups to campaigns": (assess, len(names)),
    }  # fmt: skip
    seconds = {part: round(sum(s["wall"] for s in held["stages"][a:b]), 1) for part, (a, b) in parts.items()}
    print(f"{name:22} " + "  ".join(f"{part} {value:.1f} s" for part, value in seconds.items()), flush=True)
    return {"name": name, "seconds": seconds, "answer": held["answer"]}


def main() -> None:
    """Make the world, run the turns, compare the answers, write the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=50_000)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--ingest-only", action="store_true", help="compare the stores' rows, and detect nothing")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from stillwatch.worlds.article.world import write  # noqa: PLC0415
    from tests.spark.cluster import cluster  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as held:
        world = Path(held) / "world"
        made = write(world / "logs", world / "truth", asked.exchanges, asked.accounts, asked.seed)
        turns = []
        for turn in range(asked.turns):
            for name, workers in (("one process", 0), ("spark, 1 worker", 1), ("spark, 2 workers", 2)):
                folder = Path(held) / f"{turn}-{workers}"
                folder.mkdir()
                (folder / "logs").symlink_to(world / "logs")
                with cluster(folder, workers, "3g") if workers else nullcontext("") as master:
                    turns.append(timed(folder, name, master, *(["ingest"] if asked.ingest_only else [])))
        assert all(one["answer"] == turns[0]["answer"] for one in turns), "the engines do not agree"
    line = {
        "command": " ".join(sys.argv), "exchanges": made.exchanges, "accounts": made.accounts, "seed": asked.seed,
        "when": time.strftime("%Y-%m-%d"), "same_answer": True,
        "turns": [{name: one[name] for name in ("name", "seconds")} for one in turns],
    }  # fmt: skip
    if asked.out:
        asked.out.write_text(json.dumps(line, indent=2) + "\n")


if __name__ == "__main__":
    main()
