"""The command: build the worlds, run every method on each, print and write the table."""

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from paraphrase.material import Material, load
from paraphrase.measure import Measured, background, measured
from paraphrase.methods import Encoder, Method, named, peers
from paraphrase.plan import MANY, Cell, cells, specs
from paraphrase.table import bars, lines, rows
from paraphrase.world import build

OURS = ("Stillwatch=paraphrase.ours:product", "mined alone=paraphrase.ours:mined")
"""Measured where no other method is named and the product mines families."""
SIZES = (5_000, 10_000, 20_000, 40_000)


def encoded(cell: Cell, method: Method) -> bool:
    """Whether a method is tried on a cell: encoders are slow, and stand where they matter most."""
    if not isinstance(method, Encoder):
        return True
    covers = (0.0, 0.5) if method.name == "use" and cell.axis == "account" else (0.0,)
    return cell.axis in ("account", "language") and cell.cover in covers and not cell.hostile and cell.accounts == MANY


class Job(NamedTuple):
    """What a process needs to know to measure cells; materials and methods are made where it runs."""

    sets: Path
    shared: Path
    given: tuple[str, ...]
    peers: bool
    quick: bool
    vectors: Path | None
    half: str
    seed: int
    honest: int

    def methods(self) -> dict[str, Method]:
        """Every method by name."""
        own = OURS if find_spec("stillwatch.content.mining") and not self.given else self.given
        named_here = dict(named(given) for given in own)
        return named_here | (peers(not self.quick, self.vectors) if self.peers else {})


@cache
def prepared(job: Job) -> tuple[Material, dict[str, Method]]:
    """Material and methods, once a process."""
    return load(job.sets, job.shared), job.methods()


def one(job: Job, cell: Cell, slow: bool) -> dict[str, Measured]:
    """Every method on one cell: the encoders, or all the others."""
    material, methods = prepared(job)
    world = build(material, specs(cell, material.families, job.half, job.seed), job.seed, job.honest)
    made = {}
    for name, method in methods.items():
        if isinstance(method, Encoder) == slow and encoded(cell, method):
            began = time.monotonic()
            made[name] = measured(world, method)
            took = time.monotonic() - began
            print(f"  {cell}: {name}, {len(world.texts):,} prompts, {took:.0f} s", file=sys.stderr, flush=True)
    return made


def run(job: Job, chosen: list[Cell], jobs: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Rows of every cell and method, and CPU seconds of each method. Encoders, who keep what they have read and use
    both cores themselves, run here; all else in so many processes."""
    made: dict[str, list[tuple[Cell, Measured]]] = defaultdict(list)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        others = [pool.submit(one, job, cell, False) for cell in chosen]
        done = [(cell, other.result()) for cell, other in zip(chosen, others, strict=True)]
    done += [(cell, one(job, cell, True)) for cell in chosen]
    for cell, found in done:
        for name, outcome in found.items():
            made[name].append((cell, outcome))
    table: list[dict[str, Any]] = []
    for name, own in made.items():
        bar = bars([outcome for _, outcome in own])
        table += [row for cell, outcome in own for row in rows(cell, name, outcome, bar)]
    return table, {name: round(sum(outcome.seconds for _, outcome in own), 1) for name, own in made.items()}


def grown(material: Material, methods: dict[str, Method], seed: int, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """How many honest accounts share a family by chance, and how that grows with the prompts."""
    world = build(material, [], seed, 5_000)
    return [
        {"method": name, "of": size, **background(world.first(size), method)}
        for name, method in methods.items() if not isinstance(method, Encoder) for size in sizes
    ]  # fmt: skip


def told(made: list[dict[str, Any]]) -> list[str]:
    out = ["", "Honest accounts alone: which hold a token that another account holds",
           f"  {'method':20}{'prompts':>9}{'accounts':>10}{'sharing':>9}{'share':>8}{'mean popularity':>17}"
           f"{'median':>10}"]  # fmt: skip
    for row in made:
        out.append(
            f"  {row['method']:20}{row['prompts']:9,.0f}{row['accounts']:10,.0f}{row['sharing']:9,.0f}"
            f"{row['sharing'] / row['accounts']:8.3f}{row['popularity']:17.1e}{row['median_popularity']:10.1e}"
        )
    return out


def head(options: argparse.Namespace, methods: dict[str, Method]) -> dict[str, Any]:
    """What was run, where and on what."""
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    asked = f"--half {options.half} --seed {options.seed}{' --quick' if options.quick else ''}"
    for given in options.method:
        asked += f" --method {given}"
    return {
        "command": f"benchmarks/paraphrase.py {asked}", "commit": commit, "half": options.half, "seed": options.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1), "methods": list(methods),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--sets", type=Path, default=os.environ.get("STILLWATCH_PARAPHRASE_SETS"))
    parser.add_argument("--shared", type=Path, default=os.environ.get("STILLWATCH_SHARED_DATA"))
    parser.add_argument("--half", choices=("tune", "test"), default="tune")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--honest", type=int, default=5_000)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--quick", action="store_true", help="two cells, no encoder")
    parser.add_argument("--no-peers", action="store_true", help="the named methods alone")
    parser.add_argument("--cells", default="", help="only the cells whose name has this in it")
    parser.add_argument("--method", action="append", default=[], metavar="NAME=MODULE:FUNCTION")
    parser.add_argument("--vectors", type=Path, default=None, help="a folder that keeps the encoders' vectors")
    parser.add_argument("--out", type=Path, default=None, help="writes OUT.json and OUT.txt")
    options = parser.parse_args()
    for path, wanted in ((options.sets, "STILLWATCH_PARAPHRASE_SETS or --sets"),
                         (options.shared, "STILLWATCH_SHARED_DATA or --shared")):  # fmt: skip
        if path is None:
            print(f"skipped: {wanted} names no folder")
            return
    job = Job(Path(options.sets), Path(options.shared), tuple(options.method), not options.no_peers, options.quick,
              options.vectors, options.half, options.seed, options.honest)  # fmt: skip
    material, methods = prepared(job)
    about = head(options, methods)
    began = time.monotonic()
    chosen = [cell for cell in cells(options.quick) if options.cells in str(cell)]
    found, seconds = run(job, chosen, options.jobs)
    shared = grown(material, methods, options.seed, SIZES[:2] if options.quick else SIZES)
    about |= {"wall_seconds": round(time.monotonic() - began), "cpu_seconds": seconds}
    said = [about["command"], f"commit {about['commit']}; {about['machine']}, load {about['load']} when it began; "
            f"{about['wall_seconds']} s; CPU seconds {seconds}", *lines(found), *told(shared)]  # fmt: skip
    print("\n".join(said))
    if options.out:
        options.out.with_suffix(".json").write_text(json.dumps({**about, "rows": found, "background": shared}))
        options.out.with_suffix(".txt").write_text("\n".join(said) + "\n")
