"""Rival methods with oracle thresholds, and Stillwatch at the thresholds it ships with, on the same worlds.

    .venv/bin/python benchmarks/baselines.py --scenario mixed --seeds 430 431 --out baselines.jsonl

Each rival runs with several settings; the table shows the best setting at each of the oracle's points, chosen on the
world under test with the truth in hand, which no operator of a rival would have. Stillwatch has no oracle. One JSON
line a world is appended, with every setting; a world that the file already holds is passed over. With `--generator
benchmarks/worlds/blind.py` the worlds are another generator's, which wants STILLWATCH_SHARED_DATA. Small by default.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference import generate

from stillwatch.benchmark.baselines import oracle
from stillwatch.benchmark.baselines.compare import Own, Row, chosen, compare
from stillwatch.benchmark.measure import Share
from stillwatch.pipeline import ingest_sources

POINTS = (oracle.BEST, *oracle.LIMITS)


def run(scenario: str, seed: int, scale: float, generator: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="stillwatch-baselines-") as name:
        folder = Path(name)
        generate(folder, scenario, seed, scale, generator)
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(hashlib.blake2b(f"baselines {seed}".encode(), digest_size=32).digest())
        report = ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
        begun = time.monotonic()
        own, rows = compare(folder / "store", folder / "truth", folder / "logs")
        seconds = time.monotonic() - begun
    assert own is not None
    return {
        "generator": generator.name if generator else "stillwatch simulate", "scenario": scenario, "seed": seed,
        "scale": scale, "exchanges": report.exchanges, "accounts": report.accounts, "seconds": round(seconds, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "stillwatch": own_line(own), "chosen": {name: best_lines(held) for name, held in chosen(rows).items()},
        "settings": [row_line(row) for row in rows],
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip


def counts(share: Share) -> list[int]:
    return [share.k, share.n]


def own_line(own: Own) -> dict[str, Any]:
    found = own.measure
    names = ("precision", "recall", "recall_few", "false_accounts", "ambiguous_honest")
    return {
        "thresholds": "as shipped, no oracle", "seconds": round(own.seconds, 1),
        "campaigns": [sum(r.matched for r in found.recovered), len(found.recovered)],
        **{name: counts(getattr(found, name)) for name in names},
    }  # fmt: skip


def point_line(point: oracle.Point) -> dict[str, Any]:
    names = ("precision", "recall", "recall_few", "false_accounts")
    return {"f1": round(point.f1, 4), **{name: counts(getattr(point, name)) for name in names}}


def row_line(row: Row) -> dict[str, Any]:
    whole, cut = row.groups, row.groups_at_best
    return {
        "baseline": row.baseline, "setting": row.setting, "seconds": round(row.seconds, 2),
        "points": {point.name: point_line(point) for point in row.points},
        "groups": [whole.groups, whole.honest_groups, whole.matched],
        "groups_at_best_f1": [cut.groups, cut.honest_groups, cut.matched],
    }  # fmt: skip


def best_lines(held: dict[str, tuple[Row, oracle.Point]]) -> dict[str, Any]:
    return {name: {"setting": row.setting, **point_line(point)} for name, (row, point) in held.items()}


def table(line: dict[str, Any]) -> Iterator[str]:
    """One line a method: precision and recall at the best F1, then recall under each limit on honest accounts."""
    own, total = line["stillwatch"], len(line["settings"])
    head = f"{line['generator']} {line['scenario']} {line['seed']} x{line['scale']:g}"
    yield f"{head}: {line['accounts']:,} accounts, {line['exchanges']:,} exchanges, {total} settings"
    yield f"{'':28}{'precision':>20}{'recall':>18}{'recall: 0 honest':>20}{'1e-4':>10}{'1e-3':>10}{'campaigns':>11}"
    for name, held in line["chosen"].items():
        best = held[oracle.BEST]
        low = "".join(f"{held[point]['recall'][0]:>{10 * (at == 0) + 10}}" for at, point in enumerate(oracle.LIMITS))
        found = max(row[key][2] for row in line["settings"] if row["baseline"] == name for key in (
            "groups", "groups_at_best_f1"))  # fmt: skip
        yield f"{name:28}{told(best['precision']):>20}{told(best['recall']):>18}{low}{found:>11}"
    yield f"{'Stillwatch (no oracle)':28}{told(own['precision']):>20}{told(own['recall']):>18}" + (
        f"   {own['false_accounts'][0]} of {own['false_accounts'][1]:,} honest accused{own['campaigns'][0]:>14}"
    )


def told(share: list[int]) -> str:
    k, n = share
    return f"{k:,}/{n:,} = {k / n:.2f}" if n else "nobody"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="mixed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[8])
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--generator", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=Path("baselines.jsonl"))
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(line["scenario"], line["seed"], line["scale"]) for line in lines}
    for seed in options.seeds:
        if (options.scenario, seed, options.scale) in done:
            continue
        line = run(options.scenario, seed, options.scale, options.generator)
        with options.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print("\n".join(table(line)), flush=True)


if __name__ == "__main__":
    main()
