"""Run folders: what each detection answered, one folder a run, written whole or not at all."""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from stillwatch.errors import UsageError
from stillwatch.store.store import Store


def write_run(store: Store, answer: dict[str, Any]) -> Path:
    """Write `runs/<run id>/campaigns.json` and answer the folder. The run id, which sorts by time, is filled in."""
    run_id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 10**9:09d}-{secrets.token_hex(3)}"
    answer["run"]["run_id"] = run_id
    runs = store.folder / "runs"
    runs.mkdir(exist_ok=True)
    draft = runs / f".{run_id}.tmp"
    draft.mkdir()
    with (draft / "campaigns.json").open("w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(answer, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    folder = runs / run_id
    draft.rename(folder)
    handle = os.open(runs, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return folder


def latest_run(store: Store) -> dict[str, Any]:
    """The newest run's answer. Raises UsageError where nothing was detected yet."""
    runs = store.folder / "runs"
    names = sorted(p.name for p in runs.iterdir() if not p.name.startswith(".")) if runs.is_dir() else []
    if not names:
        raise UsageError(
            "the store holds no run", where=str(store.folder), next_step=f"stillwatch detect --store {store.folder}"
        )
    answer: dict[str, Any] = json.loads((runs / names[-1] / "campaigns.json").read_text("utf-8"))
    return answer
