"""Rival methods with oracle thresholds, and Stillwatch at the thresholds it ships with, on the same worlds.

    .venv/bin/python benchmarks/baselines.py --scenario mixed --seeds 430 431 --out baselines.jsonl

Each rival runs with several settings; the table shows the best setting at each of the oracle's points, chosen on the
world under test with the truth in hand, which no operator of a rival would have. Stillwatch has no oracle. One JSON
line a world is appended (`--settings` keeps every setting in it); a world that the file already holds is passed over.
With `--generator benchmarks/worlds/blind.py` the worlds are another generator's, which wants STILLWATCH_SHARED_DATA.
Small by default. Times are CPU seconds of this process.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference import generate

from stillwatch.benchmark.baselines import oracle
from stillwatch.benchmark.baselines.compare import Own, Row, chosen, compare
from stillwatch.benchmark.measure import Share
from stillwatch.pipeline import ingest_sources


def run(scenario: str, seed: int, scale: float, generator: Path | None, *, settings: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="stillwatch-baselines-") as name:
        folder = Path(name)
        generate(folder, scenario, seed, scale, generator)
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(hashlib.blake2b(f"baselines {seed}".encode(), digest_size=32).digest())
        report = ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key")
        own, rows = compare(folder / "store", folder / "truth", folder / "logs")
    assert own is not None
    best = chosen(rows)
    return {
        "generator": generator.name if generator else "stillwatch simulate", "scenario": scenario, "seed": seed,
        "scale": scale, "exchanges": report.exchanges, "accounts": report.accounts,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "stillwatch": own_line(own),
        "baselines": {name: baseline_line([row for row in rows if row.baseline == name], best[name]) for name in best},
        **({"settings": [row_line(row) for row in rows]} if settings else {}),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip


def baseline_line(rows: list[Row], best: dict[str, tuple[Row, oracle.Point]]) -> dict[str, Any]:
    """One method: the best setting at each point, and the most campaigns that any setting's groups recover."""
    return {
        "settings": len(rows), "cpu_seconds": round(sum(row.cpu_seconds for row in rows), 1),
        "campaigns": max(max(row.groups.matched, row.groups_at_best.matched) for row in rows),
        "points": {name: {"setting": row.setting, **point_line(point)} for name, (row, point) in best.items()},
    }  # fmt: skip


def counts(share: Share) -> list[int]:
    return [share.k, share.n]


def own_line(own: Own) -> dict[str, Any]:
    found = own.measure
    names = ("precision", "recall", "recall_few", "false_accounts", "ambiguous_honest")
    return {
        "thresholds": "as shipped, no oracle", "cpu_seconds": round(own.cpu_seconds, 1),
        "campaigns": [sum(r.matched for r in found.recovered), len(found.recovered)],
        **{name: counts(getattr(found, name)) for name in names},
    }  # fmt: skip


def point_line(point: oracle.Point) -> dict[str, Any]:
    names = ("precision", "recall", "recall_few", "false_accounts")
    return {"f1": round(point.f1, 4), **{name: counts(getattr(point, name)) for name in names}}


def row_line(row: Row) -> dict[str, Any]:
    whole, cut = row.groups, row.groups_at_best
    return {
        "baseline": row.baseline, "setting": row.setting, "cpu_seconds": round(row.cpu_seconds, 2),
        "points": {point.name: point_line(point) for point in row.points},
        "groups": [whole.groups, whole.honest_groups, whole.matched],
        "groups_at_best_f1": [cut.groups, cut.honest_groups, cut.matched],
    }  # fmt: skip


def table(line: dict[str, Any]) -> Iterator[str]:
    """One line a method: precision and recall at the best F1 and of the oracle's groups, recall under each limit."""
    own = line["stillwatch"]
    world = f"{line['generator']} {line['scenario']} {line['seed']} x{line['scale']:g}"
    yield f"{world}: {line['accounts']:,} accounts, {line['exchanges']:,} exchanges"
    heads = ("precision", "recall", "groups' precision", "recall", "0 honest", "1e-4", "1e-3", "campaigns", "CPU s")
    yield row_of("", heads)
    for name, held in line["baselines"].items():
        points = held["points"]
        pairs = [
            told(points[point][part]) for point in (oracle.BEST, oracle.GROUPS) for part in ("precision", "recall")
        ]
        low = [points[point]["recall"][0] for point in oracle.LIMITS]
        yield row_of(name, (*pairs, *low, held["campaigns"], held["cpu_seconds"]))
    shares = told(own["precision"]), told(own["recall"]), "", ""
    yield row_of("Stillwatch (no oracle)", (*shares, "", "", "", own["campaigns"][0], own["cpu_seconds"]))
    yield f"Stillwatch accuses {told(own['false_accounts'])} honest accounts; {own['campaigns'][1]} campaigns"


def row_of(name: str, values: tuple[Any, ...]) -> str:
    widths = (20, 16, 20, 16, 10, 6, 6, 11, 8)
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
    parser.add_argument("--settings", action="store_true")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(line["scenario"], line["seed"], line["scale"]) for line in lines}
    for seed in options.seeds:
        if (options.scenario, seed, options.scale) in done:
            continue
        line = run(options.scenario, seed, options.scale, options.generator, settings=options.settings)
        with options.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print("\n".join(table(line)), flush=True)


if __name__ == "__main__":
    main()
