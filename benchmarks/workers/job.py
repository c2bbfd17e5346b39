"""The timed process of `million.py`: LOGS and TRUTH from files to campaigns in a new STORE, a line of JSON at the end.

A stage ends where `progress` names the next. Its seconds of CPU are those of all threads, and of processes that it
waited for; memory is what is resident when the stage ends, and the most so far.
"""

import hashlib
import json
import os
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BEGUN = time.monotonic()
DIGITS = re.compile(r"\b\d[\d,]* ")


@dataclass
class Stage:
    """One stage as it was seen: MiB resident when it ended, and at most until then."""

    name: str
    wall: float
    cpu: float
    resident: int
    peak: int


class Clock:
    """Cuts time into stages by what `progress` says."""

    def __init__(self, first: str) -> None:
        self.stages: list[Stage] = []
        self._name = first
        self._wall, self._cpu = time.monotonic(), cpu_seconds()

    def tell(self, name: str) -> None:
        """A stage begins; the one before it ends. Percentages of ingest are one stage."""
        name = "ingest" if "%" in name[:5] else DIGITS.sub("", name)
        if name != self._name:
            self.stop(name)

    def stop(self, following: str = "") -> None:
        """End the stage that runs."""
        wall, cpu = time.monotonic(), cpu_seconds()
        seen = Stage(self._name, wall - self._wall, cpu - self._cpu, resident_mib(), peak_mib())
        self.stages.append(seen)
        self._name, self._wall, self._cpu = following, wall, cpu


def cpu_seconds() -> float:
    """User and system seconds of this process and of children that ended."""
    return sum(os.times()[:4])


def resident_mib() -> int:
    """Memory that is resident now; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20
    except OSError:
        return 0


def peak_mib() -> int:
    """The most that was resident, and the most of any child, added: an upper bound of both at once."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in both) // unit


def run(logs: Path, truth: Path, store: Path, seed: int) -> dict[str, Any]:
    """Ingest, detect and measure; only the first two are timed."""
    clock = Clock("imports")
    from stillwatch.benchmark.measure import measure  # noqa: PLC0415
    from stillwatch.pipeline import detect, ingest_sources  # noqa: PLC0415
    from stillwatch.store.store import Store  # noqa: PLC0415

    key = store.with_suffix(".key")
    key.touch(0o600)
    key.write_bytes(hashlib.blake2b(f"million {seed}".encode(), digest_size=32).digest())
    clock.tell("ingest")
    report = ingest_sources([logs], store, key_file=key, processes=os.cpu_count() or 1, progress=clock.tell)
    clock.tell("opening the store")
    answer = detect(Store.open(store), progress=clock.tell).answer
    clock.stop()
    peak, total = peak_mib(), time.monotonic() - BEGUN
    found = measure(answer, truth, logs)
    stored = sum(file.stat().st_size for file in (store / "exchanges").rglob("*.parquet"))
    statuses = [finding["status"] for finding in answer["campaigns"]]
    return {
        "exchanges": report.exchanges, "accounts": report.accounts, "stages": [asdict(s) for s in clock.stages],
        "peak_mib": peak, "wall": total, "bytes_stored": stored / max(report.exchanges, 1),
        "findings": {status: statuses.count(status) for status in sorted(set(statuses))},
        "candidates": answer["run"]["candidates"], "measure": asdict(found),
        "shown": {name: str(getattr(found, name)) for name in (
            "precision", "recall", "recall_few", "false_accounts", "false_groups", "ambiguous_honest",
            "victims_named_operator")},
    }  # fmt: skip


if __name__ == "__main__":
    logs, truth, store = map(Path, sys.argv[1:4])
    print(json.dumps(run(logs, truth, store, int(sys.argv[4]))))
