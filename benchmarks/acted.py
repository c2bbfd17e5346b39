"""What a policy does about worlds, beside the truth: whom it would touch, on which rung, automatically or not.

    .venv/bin/python benchmarks/acted.py --scenario mixed --seeds 616 --out benchmarks/results/acted.jsonl

Every rule of the template `lab` is taken out of shadow, at once, which nobody should do: so these are the most accounts
that it would touch. One JSON line a world: by rung and by kind of account (operator, victim of a stolen key, look-alike
and other honest), how many actions are in force by themselves and how many wait for a person, of how many accounts of
that kind. `--generator` takes another author's worlds, as in `reference.py`. A world that the file holds already is
passed over. At the end the sums over the file's worlds, with exact bounds.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from reference import generate

from stillwatch.acting.by_policy import act
from stillwatch.detection import detect
from stillwatch.pipeline import ingest_sources
from stillwatch.records import Rung
from stillwatch.respond.lint import load_policy
from stillwatch.respond.policy import Policy
from stillwatch.stats import clopper_pearson
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store

HONEST = ("legit", "look_alike")


def enforced() -> Policy:
    text = (files("stillwatch.respond") / "templates" / "lab.yaml").read_text()
    text = text.replace("EXPIRES", "2027-12-01").replace("    severity:", "    mode: enforce\n    severity:")
    return load_policy(text.encode(), "lab.yaml")


def measured(folder: Path) -> dict[str, Any]:
    """One world, ingested, looked at, and acted on."""
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(hashlib.blake2b(b"acted", digest_size=32).digest())
    ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
    store = Store.open(folder / "store")
    detect(store)
    rows = pq.read_table(folder / "truth" / "accounts.parquet").to_pylist()
    kind = {row["account_id"]: row["kind"] for row in rows}
    cohort = {row["account_id"]: row.get("cohort") or "" for row in rows}
    book = Casebook.open(store.folder, begins=True)
    begun = time.monotonic()
    done = act(
        store, lambda: nullcontext(book), enforced(), None, time.time_ns() // 1000, "https://p.example/a", within=36500
    )
    seconds = time.monotonic() - begun
    most: dict[str, tuple[Rung, str]] = {}
    for one in done.proposed.new:
        name = one.hit.account_id
        most[name] = max(most.get(name, (Rung.OBSERVE, "")), (one.hit.rung, one.state.value))
    touched = Counter((kind[name], rung.name.lower(), state) for name, (rung, state) in most.items())
    permitted = {name for name, held in cohort.items() if "permitted" in held}
    return {
        "accounts": dict(Counter(kind.values())),
        "touched": [[*key, number] for key, number in sorted(touched.items())],
        "honest_touched": sorted(cohort[name] for name, (rung, _) in most.items()
                                 if kind[name] in HONEST and rung >= Rung.VERIFY),
        "permitted": [len(permitted & most.keys()), len(permitted)],
        "actions": len(done.proposed.new), "seconds": round(seconds, 2),
    }  # fmt: skip


def told(lines: list[dict[str, Any]]) -> None:
    """The sums, with exact bounds."""
    of = Counter[str]()
    touched = Counter[tuple[str, str]]()
    for line in lines:
        of.update(line["accounts"])
        for kind, rung, _, number in line["touched"]:
            touched[kind, rung] += number
    honest = sum(of[kind] for kind in HONEST)
    for rung in Rung:
        n = sum(touched[kind, rung.name.lower()] for kind in HONEST)
        low, high = clopper_pearson(n, honest)
        print(f"honest, {rung.name.lower()} at most: {n:,}/{honest:,} [{low:.2e}, {high:.2e}]")
    for kind in ("operator", "victim"):
        print(kind, {rung.name.lower(): touched[kind, rung.name.lower()] for rung in Rung}, f"of {of[kind]:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    author = asked.generator.name if asked.generator else "stillwatch simulate"
    held = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    for seed in asked.seeds:
        about = {"generator": author, "scenario": asked.scenario, "seed": seed, "scale": asked.scale}
        if any(about.items() <= line.items() for line in held):
            continue
        with tempfile.TemporaryDirectory(prefix="stillwatch-acted-") as name:
            generate(Path(name), asked.scenario, seed, asked.scale, asked.generator)
            held.append(about | measured(Path(name)))
        with asked.out.open("a") as out:
            out.write(json.dumps(held[-1]) + "\n")
    told(held)


if __name__ == "__main__":
    main()
