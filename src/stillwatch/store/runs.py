"""Run folders: what each detection answered, one folder a run, written whole or not at all."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

from stillwatch.errors import StoreError, UsageError
from stillwatch.store.files import make_folder, sync_folder, write_whole
from stillwatch.store.store import Store

NAMED = 8
"""Runs that an error names, the newest."""


def write_run(store: Store, answer: dict[str, Any]) -> Path:
    """Write `runs/<run id>/campaigns.json` and answer the folder. The run id, which sorts by time, is filled in."""
    run_id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 10**9:09d}-{secrets.token_hex(3)}"
    answer["run"]["run_id"] = run_id
    runs = store.folder / "runs"
    draft, folder = runs / f".{run_id}.tmp", runs / run_id
    try:
        make_folder(draft)
        write_whole(draft / "campaigns.json", run_bytes(answer))
        draft.rename(folder)
        sync_folder(runs)
    except OSError as error:
        raise StoreError(f"cannot write the run ({error.strerror})", where=str(folder)) from error
    return folder


def run_bytes(answer: object) -> bytes:
    """An answer as a run's file holds it."""
    return json.dumps(answer, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def run_ids(store: Store) -> list[str]:
    """The ids of all runs, oldest first."""
    runs = store.folder / "runs"
    return sorted(p.name for p in runs.iterdir() if not p.name.startswith(".")) if runs.is_dir() else []


def read_run(store: Store, start: str | None = None) -> dict[str, Any]:
    """The answer of the one run whose id starts so; of the newest where nothing is given.

    Raises UsageError where nothing was detected yet, or no run or several have such an id.
    """
    names = run_ids(store)
    if not names:
        raise UsageError(
            "the store holds no run", where=str(store.folder), next_step=f"stillwatch detect --store {store.folder}"
        )
    fitting = [name for name in names if name.startswith(start)] if start else names[-1:]
    if len(fitting) != 1:
        wanted = ", ".join((fitting or names)[-NAMED:])
        raise UsageError(f"{len(fitting)} runs have an id that starts so", found=start or "", wanted=f"one of {wanted}")
    answer: dict[str, Any] = json.loads((store.folder / "runs" / fitting[0] / "campaigns.json").read_text("utf-8"))
    return answer
