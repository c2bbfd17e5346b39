"""The timed process of the benchmark: `python -m stillwatch.benchmark.job FOLDER` ingests FOLDER/logs and detects.

A process of its own, so that memory and time are those of the product and not of the simulator or of the rivals. What
it is doing goes to stdout line by line; the answer and the figures go to FOLDER/answer.json.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillwatch.errors import StillwatchError

ANSWER = "answer.json"


def timed(folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Run the job in another process; its answer and figures.

    Raises:
        StillwatchError: the process failed; what it said went to stderr.
    """
    command = [sys.executable, "-m", "stillwatch.benchmark.job", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tell(line.strip())
    if process.returncode:
        raise StillwatchError("the timed process failed", where=str(folder), found=f"exit code {process.returncode}")
    held: dict[str, Any] = json.loads((folder / ANSWER).read_text("utf-8"))
    return held


def job(folder: Path) -> None:
    """Ingest and detect, each timed in seconds of the wall and of all threads' CPU; imports are not timed."""
    from stillwatch.pipeline import detect, ingest_sources  # noqa: PLC0415
    from stillwatch.store.store import Store  # noqa: PLC0415

    def tell(words: str) -> None:
        print(words, flush=True)

    marks = [(time.monotonic(), time.process_time())]
    report = ingest_sources([folder / "logs"], folder / "store", key_file=folder / "key", progress=tell)
    marks.append((time.monotonic(), time.process_time()))
    answer = detect(Store.open(folder / "store"), progress=tell).answer
    marks.append((time.monotonic(), time.process_time()))
    (ingest_wall, ingest_cpu), (detect_wall, detect_cpu) = (
        tuple(round(after - before, 1) for before, after in zip(marks[at], marks[at + 1], strict=True)) for at in (0, 1)
    )
    held = {
        "answer": answer,
        "exchanges": report.exchanges,
        "accounts": report.accounts,
        "seconds": {"ingest": ingest_wall, "detect": detect_wall},
        "cpu_seconds": {"ingest": ingest_cpu, "detect": detect_cpu},
        "peak_mib": peak_mib(),
    }
    (folder / ANSWER).write_text(json.dumps(held), encoding="utf-8")


def peak_mib() -> int:
    """The most memory that this process held at once.

    Linux hands the peak of getrusage on from the process that started this one, so that its own record is read there.
    """
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) >> 10
    except (OSError, StopIteration):
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


if __name__ == "__main__":
    job(Path(sys.argv[1]))
