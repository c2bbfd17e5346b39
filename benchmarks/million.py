"""The main job at size: files to incidence table to campaigns, each stage's seconds and memory, against the truth.

    .venv/bin/python benchmarks/million.py
    .venv/bin/python benchmarks/million.py --exchanges 1000000 --accounts 50000 --bytes 1000 --seed 106 \\
        --keep FOLDER --out benchmarks/results/million.jsonl

The first is small (under a minute), the second the full run: make a world, which is not timed (some ten minutes and
some GiB on disk; `--keep` lets another run use it), then ingest and detect it in a process of its own. Without
`--bytes` the texts are as the simulator writes them. The world is the scenario `mixed` at the scale that has so many
accounts, thinned to so many exchanges by a seeded hash of the row. A tiny world is detected before, in another process,
so that numba's compiled code is on disk; files may lie in the page cache. Imports are timed as a stage.

Seeds below 200 were used in tuning: of them, read time and memory only.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TINY = {"exchanges": 4_000, "accounts": 300, "seed": 1, "bytes": None}

RIVAL = """\
The nearest rival, Glasswally (github.com/m0rs3c0d3/Glasswally): reported, not measured here; other machine, other work
  60-127 events a second with infrastructure metadata, 3,200-3,800 without: as the design notes of this project have it
  about 500,000 a second in tail and replay mode: its README of February 2026; the README of March names no rate
  It scores each event as it comes. The rate above is of linking all exchanges into tested campaigns."""

Stages = list[dict[str, Any]]

# ------------------------------------------------------------------------------------------------ work


def child(code: list[str]) -> dict[str, Any]:
    """Run a worker, and read the JSON line that it ends with."""
    done = subprocess.run([sys.executable, *code], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def world_in(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Make a world, or find it there; a process of its own, whose memory is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    code = (
        "import json, pathlib, sys; from world import prepared; "
        "print(json.dumps(prepared(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))))"
    )
    lines = f"import sys; sys.path.insert(0, {str(HERE / 'workers')!r}); {code}"
    return child(["-c", lines, str(folder), json.dumps(asked)])


def job(world: Path, store: Path, seed: int) -> dict[str, Any]:
    """Files to campaigns, in a fresh process."""
    script = str(HERE / "workers" / "job.py")
    return child([script, str(world / "logs"), str(world / "truth"), str(store), str(seed)])


def run(asked: dict[str, Any], keep: Path | None) -> dict[str, Any]:
    """The result line of one world."""
    with tempfile.TemporaryDirectory(prefix="stillwatch-million-") as name:
        folder = Path(name)
        place = keep or folder / "world"
        made = world_in(place, asked)
        world_in(folder / "tiny", TINY)
        job(folder / "tiny", folder / "tiny-store", 1)
        before = os.getloadavg()[0]
        done = job(place, folder / "store", asked["seed"])
    return {
        "asked": asked, "world": made, **done, "load": [round(before, 1), round(os.getloadavg()[0], 1)],
        "commit": commit(), "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python "
                                       f"{platform.python_version()}",
    }  # fmt: skip


def commit() -> str:
    """The commit that was measured, if git knows."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()


# ------------------------------------------------------------------------------------------------ words


def grouped(stages: Stages) -> Stages:
    """Stages of one kind, which follow each other, as one row of the table."""
    rows: Stages = []
    for stage in stages:
        kind = re.split(r" of (?!addresses)| without | by ", stage["name"])[0]
        if rows and rows[-1]["name"] == kind:
            last = rows[-1]
            last |= {k: last[k] + stage[k] for k in ("wall", "cpu")} | {k: stage[k] for k in ("resident", "peak")}
        else:
            rows.append({**stage, "name": kind})
    return rows


def sums(stages: Stages) -> Stages:
    """What is asked of the whole: start of ingest to the end of the token stage, from there to campaigns, all."""
    names = [stage["name"] for stage in stages]
    begin, end = names.index("ingest"), names.index("blocking")
    parts = {
        "files to incidence table": stages[begin:end],
        "incidence table to campaigns": stages[end:],
        "files to campaigns": stages[begin:],
    }
    return [{"name": name, "wall": sum(s["wall"] for s in part), "cpu": sum(s["cpu"] for s in part),
             "resident": part[-1]["resident"], "peak": part[-1]["peak"]} for name, part in parts.items()]  # fmt: skip


def row(stage: dict[str, Any]) -> str:
    numbers = f"{stage['wall']:9.1f} {stage['cpu']:9.1f} {stage['resident']:10,} {stage['peak']:10,}"
    return f"{stage['name']:34} {numbers}"


def table(line: dict[str, Any]) -> list[str]:
    """The stages, and the whole."""
    head = f"{'stage':34} {'wall s':>9} {'CPU s':>9} {'MiB at end':>10} {'peak MiB':>10}"
    return [head, *map(row, grouped(line["stages"])), "-" * len(head), *map(row, sums(line["stages"]))]


def told(line: dict[str, Any]) -> list[str]:
    """The result line in words."""
    asked, made, whole = line["asked"], line["world"], sums(line["stages"])[-1]
    bounds = made["bounds"]
    cut = f", cut from {made['simulated_bytes']:,} (texts at {bounds['other']:,} characters, answers at " \
          f"{bounds['answer']:,}, last human turns whole)" if bounds else ""  # fmt: skip
    recovered = line["measure"]["recovered"]
    found = sum(campaign["matched"] for campaign in recovered)
    return [
        f"{line['exchanges']:,} exchanges of {line['accounts']:,} accounts (planned {made['planned']:,} at scale "
        f"{made['scale']}), seed {asked['seed']}; {made['bytes']:,} bytes of text an exchange{cut}",
        f"{line['machine']}; commit {line['commit']}; load {line['load'][0]} before, {line['load'][1]} after", "",
        *table(line), "",
        f"{line['exchanges'] / whole['wall']:,.0f} exchanges a second from files to campaigns; "
        f"{line['bytes_stored']:.0f} bytes stored an exchange; peak {line['peak_mib']:,} MiB",
        f"campaigns found one-to-one: {found} of {len(recovered)}; findings {line['findings']}",
        *(f"  {name:24} {share}" for name, share in line["shown"].items()), "", RIVAL,
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=20_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--bytes", type=int, default=None, help="cut texts to this mean (default: as simulated)")
    parser.add_argument("--seed", type=int, default=106)
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the world, made or used again")
    parser.add_argument("--out", type=Path, default=None, help="append the result as a line of JSON")
    options = parser.parse_args()
    asked = {name: getattr(options, name) for name in ("exchanges", "accounts", "seed", "bytes")}
    line = run(asked, options.keep)
    if options.out:
        with options.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
    print("\n".join(told(line)))


if __name__ == "__main__":
    main()
