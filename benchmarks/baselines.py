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
    """One line a method: precision and recall at the best F1 and of the oracle's groups, recall under each limit."""
    own, total = line["stillwatch"], len(line["settings"])
    world = f"{line['generator']} {line['scenario']} {line['seed']} x{line['scale']:g}"
    yield f"{world}: {line['accounts']:,} accounts, {line['exchanges']:,} exchanges, {total} settings"
    heads = ("precision", "recall", "groups' precision", "recall", "0 honest", "1e-4", "1e-3", "campaigns")
    yield row_of("", heads)
    for name, held in line["chosen"].items():
        pairs = [told(held[point][part]) for point in (oracle.BEST, oracle.GROUPS) for part in ("precision", "recall")]
        low = [held[point]["recall"][0] for point in oracle.LIMITS]
        yield row_of(name, (*pairs, *low, campaigns_of(line, name)))
    shares = told(own["precision"]), told(own["recall"]), "", ""
    yield row_of("Stillwatch (no oracle)", (*shares, "", "", "", own["campaigns"][0]))
    yield f"Stillwatch accuses {told(own['false_accounts'])} honest accounts; {own['campaigns'][1]} campaigns"


def campaigns_of(line: dict[str, Any], name: str) -> int:
    """The most campaigns that any setting recovers one-to-one, groups whole or cut at the best F1."""
    kinds = ("groups", "groups_at_best_f1")
    return max(row[kind][2] for row in line["settings"] if row["baseline"] == name for kind in kinds)


def row_of(name: str, values: tuple[Any, ...]) -> str:
    widths = (20, 16, 20, 16, 10, 6, 6, 11)
    return f"{name:27}" + "".join(f"{value:>{width}}" for value, width in zip(values, widths, strict=True))


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
