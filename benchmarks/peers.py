"""The sketch beside what else makes sketches of text: datasketch, rensa and Daft, and BLAKE2b as a floor, on one core.

    make peers                          # once: the peers in .venv-peers, from hash-pinned requirements
    .venv/bin/python benchmarks/peers.py
    .venv/bin/python benchmarks/peers.py --texts 20000 --repetitions 9 --out benchmarks/results/peers-seed1.txt

The first line of use is small (under a minute), the second the full run. All lanes read the same texts from Arrow
memory, in turn (A B C A B C), one process at work at a time, all of them held to one core and one thread. Every lane
has run once before its first clock. Seconds of CPU count what the process worked, on a machine that others use too.
Without `.venv-peers` the peers are left out, and the output says so.

What each does of our work. Ours makes of a text, all of it under a key: normalised spelling, words, an exact hash, a
template skeleton with its fillers, head and tail, MinHash of 16 values over 3-word shingles, SimHash, up to 12
sentences each with hash, length and tags. The peers make MinHash alone, of words split at white space
(Daft's at blanks), without a key, and normalise nothing. BLAKE2b makes an exact hash alone, under a key.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.worlds import corpus

HERE = Path(__file__).resolve().parent
WORKERS = HERE / "workers"
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"
OURS = "stillwatch, last turn (full)"
ONE_THREAD = {
    name: "1"
    for name in (
        "NUMBA_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "ARROW_IO_THREADS",
    )
} | {"DAFT_RUNNER": "native", "DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true"}

PAIRS = 200


# ------------------------------------------------------------------------------------------------ texts


def texts_of(n: int, seed: int) -> list[str]:
    """n prompts from the texts that the package ships: of five, two are a question alone, two a task with its
    instructions and an example, and one a question with an answer to judge."""
    held, chance = corpus.load(), random.Random(seed)
    asked = sorted({text for kind in sorted(held.prompts) for text in held.prompts[kind]})
    answers = [json.loads(f'"{answer.words}"') for kind in sorted(held.answers) for answer in held.answers[kind]]
    return [_text(number % 5, chance, asked, answers, held.pairs) for number in range(n)]


def _text(kind: int, chance: random.Random, asked: list[str], answers: list[str], pairs: list[corpus.Pair]) -> str:
    if kind < 2:
        return chance.choice(asked)
    if kind == 2:
        return f"{chance.choice(asked)}\n\nAnswer to judge:\n{chance.choice(answers)}"
    task, example = chance.choice(pairs), chance.choice(pairs)
    shown = json.loads(f'"{example.response.words}"')
    return f"{task.system or ''}\n{task.prompt}\n\nExample: {example.prompt}\n{shown}"


def described(texts: list[str], seed: int) -> str:
    """How long the texts are, and how many need normalising."""
    sizes = sorted(len(text.encode()) for text in texts)
    quarter = [sizes[len(sizes) * part // 4] for part in (1, 2, 3)]
    plain = sum(text.isascii() for text in texts) / len(texts)
    return (
        f"{len(texts):,} prompts, seed {seed}: mean {statistics.mean(sizes):,.0f} bytes, quartiles "
        f"{quarter[0]:,} / {quarter[1]:,} / {quarter[2]:,}, longest {sizes[-1]:,}; {plain:.1%} are ASCII, the others "
        "we normalise"
    )


def pairs_of(texts: list[str], seed: int) -> tuple[list[str], list[str], list[float]]:
    """Pairs of word lists, from hardly alike to the same, and the Jaccard similarity of their 3-word shingles.

    Words are bare lower-case letters, so that every library splits them alike.
    """
    chance = random.Random(seed)
    words = sorted({word for text in texts for word in text.split() if word.isascii() and word.isalpha()})
    words = sorted({word.lower() for word in words})
    left, right, known = [], [], []
    for number in range(PAIRS):
        own = chance.choices(words, k=chance.randrange(60, 240))
        kept = len(own) * number // (PAIRS - 1)
        other = own[:kept] + chance.choices(words, k=len(own) - kept)
        left.append(" ".join(own))
        right.append(" ".join(other))
        a, b = ({tuple(w[at : at + 3]) for at in range(len(w) - 2)} for w in (own, other))
        known.append(len(a & b) / len(a | b))
    return left, right, known


def saved(path: Path, columns: dict[str, list[str]]) -> Path:
    """Columns of text as an Arrow file."""
    table = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


# ------------------------------------------------------------------------------------------------ workers


class Worker:
    """A process that runs lanes by name."""

    def __init__(self, python: str, script: Path, files: list[Path]) -> None:
        command = [python, str(script), *map(str, files)]
        self._process = subprocess.Popen(
            command, env=os.environ | ONE_THREAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        told = self._answer(f"{script.name} could not start")
        self.versions: str = told["versions"]
        self.lanes: dict[str, int] = told["lanes"]
        self.estimates: list[str] = told["estimates"]

    def ask(self, name: str) -> dict[str, Any]:
        """Run one lane or estimate."""
        assert self._process.stdin
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return self._answer(f"no answer from {name}")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self, otherwise: str) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{otherwise}: its own words stand above")
        return json.loads(line)


def one_core() -> str:
    """Hold this process, and those that it starts, to one core; what was done, in words."""
    if not hasattr(os, "sched_setaffinity"):
        return "this system cannot hold a process to a core: one thread each, on any core"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"held to core {core} of {os.cpu_count()}, one thread each"


# ------------------------------------------------------------------------------------------------ figures


@dataclass(frozen=True)
class Line:
    """What is printed of a lane: thousand texts a second, and how often its CPU seconds ours go into."""

    name: str
    wall: str
    cpu: str
    ratio: str

    def __str__(self) -> str:
        return f"{self.name:34} {self.wall:>24} {self.cpu:>24} {self.ratio:>22}"


def spread(values: list[float], digits: int) -> str:
    """Median, and least to most."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def line(name: str, n: int, runs: list[dict[str, float]], ours: list[float]) -> Line:
    """One lane's figures, of n texts; the ratio is of CPU seconds a text, within each repetition."""
    rates = [[n / run[clock] / 1e3 for run in runs] for clock in ("wall", "cpu")]
    ratios = [run["cpu"] / n / own for run, own in zip(runs, ours, strict=True)]
    return Line(name, spread(rates[0], 1), spread(rates[1], 1), spread(ratios, 2))


def accuracy(workers: list[Worker], known: list[float]) -> list[str]:
    """How far each library's estimates of similarity are from the known one."""
    lines = [f"\n{len(known)} pairs of known Jaccard similarity, {min(known):.2f} to {max(known):.2f}",
             f"{'estimate by':34} {'mean absolute error':>24} {'bias':>12}"]  # fmt: skip
    for worker in workers:
        for name in worker.estimates:
            off = [value - true for value, true in zip(worker.ask(f"estimate {name}")["values"], known, strict=True)]
            lines.append(f"{name:34} {statistics.mean(map(abs, off)):24.3f} {statistics.mean(off):+12.3f}")
    return lines


def measured(workers: list[Worker], repetitions: int) -> list[str]:
    """Every lane of every worker in turn, again and again, and the table of them."""
    counts = {name: n for worker in workers for name, n in worker.lanes.items()}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in counts}
    for _ in range(repetitions):
        for worker in workers:
            for name in worker.lanes:
                runs[name].append(worker.ask(name))
    head = Line("", "k texts/s, wall", "k texts/s, CPU", "CPU a text / ours")
    ours = [run["cpu"] / counts[OURS] for run in runs[OURS]]
    return [str(head), *(str(line(name, counts[name], lane, ours)) for name, lane in runs.items())]


def run(n: int, repetitions: int, seed: int, alone: bool) -> list[str]:
    """All of the benchmark, as lines."""
    texts = texts_of(n, seed)
    left, right, known = pairs_of(texts, seed)
    lines = [described(texts, seed), f"{one_core()}; medians of {repetitions} repetitions (least-most); load "
             f"{os.getloadavg()[0]:.1f} when it began"]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="stillwatch-peers-") as name:
        folder = Path(name)
        files = [
            saved(folder / "texts.arrow", {"text": texts}),
            saved(folder / "pairs.arrow", {"left": left, "right": right}),
        ]
        workers = [Worker(sys.executable, WORKERS / "own.py", files)]
        if PEERS.exists() and not alone:
            workers.append(Worker(str(PEERS), WORKERS / "peer.py", files))
        elif not alone:
            lines.append("no peers here: `make peers` builds .venv-peers; ours stand alone below")
        lines += [worker.versions for worker in workers]
        lines += ["", *measured(workers, repetitions), *accuracy(workers, known)]
        for worker in workers:
            worker.close()
    return [*lines, f"\nload {os.getloadavg()[0]:.1f} at the end"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=3_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()
    asked = f"--texts {options.texts} --repetitions {options.repetitions} --seed {options.seed}"
    lines = [f"benchmarks/peers.py {asked}; commit {commit}; {platform.machine()}, Python {platform.python_version()}"]
    lines += run(options.texts, options.repetitions, options.seed, options.alone)
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
