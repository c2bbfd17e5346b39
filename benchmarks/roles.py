"""Roles told beside true ones: worlds are simulated, ingested and detected; one JSON line a world goes to a file.

    .venv/bin/python benchmarks/roles.py --scenario networks --seeds 630 631 632 --out roles.jsonl

With `--generator benchmarks/worlds/acting.py` or `blind.py` the worlds are another author's, which want a folder of
real material in STILLWATCH_SHARED_DATA. At the end the table of all worlds of the file and the exact 95 % bounds
(Clopper and Pearson) are printed. Seeds below 600 were looked at, and of others those that docs/decisions/0047 names. A
world that the file already holds is passed over, so that a run that was stopped goes on.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reference import generate

from stillwatch.benchmark.confusion import TOLD, TRUE, confusion
from stillwatch.benchmark.measure import Share, measure
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store


def run(scenario: str, seed: int, scale: float, keep: Path | None, generator: Path | None) -> dict[str, Any]:
    """One world, measured. `keep` is where its folder stays, or nowhere."""
    folder = keep / f"{scenario}-{seed}" if keep else Path(tempfile.mkdtemp(prefix="stillwatch-roles-"))
    try:
        generate(folder, scenario, seed, scale, generator)
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(hashlib.blake2b(f"roles {seed}".encode(), digest_size=32).digest())
        report = ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
        answer = detect(Store.open(folder / "store")).answer
        told, found = confusion(answer, folder / "truth"), measure(answer, folder / "truth", folder / "logs")
        if keep:
            (folder / "answer.json").write_text(json.dumps(answer))
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    statuses = Counter(c["status"] for c in answer["campaigns"])
    return {
        "generator": generator.stem if generator else "own",
        "scenario": scenario, "seed": seed, "scale": scale, "exchanges": report.exchanges, "accounts": report.accounts,
        "findings": dict(sorted(statuses.items())), **asdict(told), "recovered": [asdict(r) for r in found.recovered],
        "shown": {name: str(getattr(found, name)) for name in ("precision", "recall", "victims_named_operator")},
        "command": "benchmarks/roles.py " + " ".join(sys.argv[1:]),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip


def show(lines: list[dict[str, Any]]) -> None:
    """The table of all worlds together."""
    table = {role: sum((Counter(line["table"][role]) for line in lines), Counter()) for role in TRUE}
    columns = [told for told in TOLD if any(table[role][told] for role in TRUE)]
    print(f"{'true role':18s}" + "".join(f"{told:>24s}" for told in columns) + f"{'accounts':>10s}")
    for role in TRUE:
        print(f"{role:18s}" + "".join(f"{table[role][c]:>24,d}" for c in columns) + f"{table[role].total():>10,d}")
    for name in ("wronged", "called_operator"):
        print(name, Share(*(sum(line[name][part] for line in lines) for part in ("k", "n"))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="networks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[630])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("roles.jsonl"))
    parser.add_argument("--generator", type=Path, default=None)
    parser.add_argument("--keep", type=Path, default=None)
    options = parser.parse_args()
    held = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(line.get("generator", "own"), line["scenario"], line["seed"], line["scale"]) for line in held}
    author = options.generator.stem if options.generator else "own"
    for seed in options.seeds:
        if (author, options.scenario, seed, options.scale) not in done:
            held.append(run(options.scenario, seed, options.scale, options.keep, options.generator))
            with options.out.open("a") as file:
                file.write(json.dumps(held[-1]) + "\n")
    show(held)


if __name__ == "__main__":
    main()
