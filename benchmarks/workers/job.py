"""The timed process of `million.py`: LOGS and TRUTH from files to campaigns in a new STORE, a line of JSON at the end.

A stage ends where `progress` names the next. Its seconds of CPU are those of all threads, and of processes that it
waited for; memory is what is resident when the stage ends, and the most so far.
"""

import hashlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stillwatch.benchmark.stages import Clock, peak_mib

BEGUN = time.monotonic()


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
