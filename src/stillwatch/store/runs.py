"""Run folders: what each detection answered, one folder a run, written whole or not at all."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

from stillwatch.errors import StoreError, UsageError
from stillwatch.store.files import make_folder, sync_folder, write_whole
from stillwatch.store.store import Store


def write_run(store: Store, answer: dict[str, Any]) -> Path:
    """Write `runs/<run id>/campaigns.json` and answer the folder. The run id, which sorts by time, is filled in."""
    run_id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 10**9:09d}-{secrets.token_hex(3)}"
    answer["run"]["run_id"] = run_id
    runs = store.folder / "runs"
    draft, folder = runs / f".{run_id}.tmp", runs / run_id
    try:
        make_folder(draft)
        data = json.dumps(answer, ensure_ascii=False, indent=1)
        write_whole(draft / "campaigns.json", data.encode("utf-8", "backslashreplace"))
        draft.rename(folder)
        sync_folder(runs)
    except OSError as error:
        raise StoreError(f"cannot write the run ({error.strerror})", where=str(folder)) from error
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
