"""Run folders: what each detection answered and the exchanges that it counts, one folder a run, written whole or not at
all."""

import io
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import StoreError, UsageError
from stillwatch.store.files import make_folder, sync_folder, write_whole
from stillwatch.store.store import Store

COUNTED = pa.schema(
    [
        ("campaign_id", pa.string()),
        ("exchange_id", pa.string()),
        ("account_id", pa.string()),
        ("asked_at", pa.timestamp("us", tz="UTC")),
        ("wording", pa.string()),
        ("own", pa.bool_()),
        ("linked", pa.bool_()),
    ]
)
"""The exchanges that the findings of a run count. `wording` names the shared words that explain one, a keyed hash:
`own` where hardly anybody outside uses them; `linked` where access links the account to the group as well. All three
are null in findings about one customer, `wording` also where no text is seen."""

WORDINGS = pa.schema(
    [("campaign_id", pa.string()), ("channel", pa.string()), ("token", pa.uint64()), ("own", pa.bool_())]
)
"""The keyed hashes of the words that groups share: `own` where hardly anybody outside uses them."""

LOOKED = FILES, SHARED = "files.json", "wordings.parquet"
"""Files of a run that a later look needs (`Looked`). An erasure removes them."""

NAMED = 8
"""Runs that an error names, the newest."""

AGAIN = "stillwatch detect writes a new run; --run takes an older one"


@dataclass(frozen=True)
class Looked:
    """What a later look needs to know of a run: the files of exchanges that it looked at, by their paths in the store,
    and the wordings of its groups (WORDINGS)."""

    files: Sequence[str]
    wordings: pa.Table


def write_run(
    store: Store, answer: dict[str, Any], counted: pa.Table | None = None, looked: Looked | None = None
) -> Path:
    """Write `campaigns.json`, `exchanges.parquet` (COUNTED), `files.json` and `wordings.parquet` into `runs/<run id>`
    and answer the folder. The run id, which sorts by time, is filled in."""
    run_id = _next_id()
    answer["run"]["run_id"] = run_id
    runs = store.folder / "runs"
    draft, folder = runs / f".{run_id}.tmp", runs / run_id
    try:
        make_folder(draft)
        write_whole(draft / "campaigns.json", run_bytes(answer))
        if counted is not None:
            write_whole(draft / "exchanges.parquet", counted_bytes(counted))
        if looked is not None:
            write_whole(draft / FILES, json.dumps(sorted(looked.files)).encode())
            write_whole(draft / SHARED, _packed(looked.wordings.cast(WORDINGS)))
        draft.rename(folder)
        sync_folder(runs)
    except OSError as error:
        raise StoreError(f"cannot write the run ({error.strerror})", where=str(folder)) from error
    return folder


def _next_id() -> str:
    """A run id that sorts by time: second and nanosecond are of one reading, or a run that begins as a second ends
    would sort before the one before it."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}-{nanoseconds:09d}-{secrets.token_hex(3)}"


def run_bytes(answer: object) -> bytes:
    """An answer as a run's file holds it."""
    return json.dumps(answer, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def counted_bytes(counted: pa.Table) -> bytes:
    """Exchanges that findings count as a run's file holds them."""
    return _packed(counted.select(COUNTED.names).cast(COUNTED))


def _packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read_counted(store: Store, run_id: str) -> pa.Table:
    """The exchanges that the findings of a run count (COUNTED), those of days that the store keeps no more left out.

    Raises UsageError where the run is of a version that did not write them, StoreError where the file is damaged.
    """
    path = store.folder / "runs" / run_id / "exchanges.parquet"
    if not path.exists():
        raise UsageError(
            "this run does not list its exchanges: it is of an older version", found=run_id,
            next_step=f"stillwatch detect --store {store.folder}",
        )  # fmt: skip
    try:
        held = pq.ParquetFile(path).read()
    except (OSError, ValueError) as error:
        raise StoreError("the run's exchanges cannot be read", where=str(path)) from error
    return kept_since(held, store.manifest.kept_from)


def read_looked(store: Store, run_id: str) -> Looked:
    """What a later look needs to know of a run.

    Raises UsageError where the run is of a version that did not keep it, StoreError where a file is damaged.
    """
    folder = store.folder / "runs" / run_id
    if not (folder / FILES).exists() or not (folder / SHARED).exists():
        raise UsageError(
            "this run does not say which files it looked at: it is of an older version, or an account was erased since",
            found=run_id, next_step=f"stillwatch detect --store {store.folder}",
        )  # fmt: skip
    try:
        files = [str(name) for name in json.loads((folder / FILES).read_text("utf-8"))]
        return Looked(files, pq.ParquetFile(folder / SHARED).read().select(WORDINGS.names).cast(WORDINGS))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError("what the run looked at cannot be read", where=str(folder)) from error


def kept_since(counted: pa.Table, day: date | None) -> pa.Table:
    """The rows that were asked on a day (UTC) or later; all where no day is given."""
    if day is None:
        return counted
    first = pa.scalar(datetime(day.year, day.month, day.day, tzinfo=UTC), pa.timestamp("us", tz="UTC"))
    return counted.filter(pc.greater_equal(counted["asked_at"], first))


def run_ids(store: Store) -> list[str]:
    """The ids of all runs, oldest first."""
    runs = store.folder / "runs"
    return sorted(p.name for p in runs.iterdir() if not p.name.startswith(".")) if runs.is_dir() else []


def read_run(store: Store, start: str | None = None) -> dict[str, Any]:
    """The answer of the one run whose id starts so; of the newest where nothing is given.

    Raises UsageError where nothing was detected yet, or no run or several have such an id; StoreError where the run's
    file is missing or damaged.
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
    path = store.folder / "runs" / fitting[0] / "campaigns.json"
    try:
        answer = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the run cannot be read ({type(error).__name__})", where=str(path), next_step=AGAIN
        ) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("campaigns"), list):
        raise StoreError("the file is no run's answer", where=str(path), next_step=AGAIN)
    return answer


def found_in(answer: dict[str, Any], start: str, store: Path) -> dict[str, Any]:
    """The one finding of a run whose id starts so. Raises UsageError where none or several have such an id."""
    found: list[dict[str, Any]] = [c for c in answer["campaigns"] if c["campaign_id"].startswith(start)]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"{len(found)} findings of run {answer['run']['run_id']} have an id that starts so",
        found=start,
        wanted=", ".join(c["campaign_id"] for c in found[:8]) or "one of the ids that `campaigns --all` lists",
        next_step=f"stillwatch campaigns --all --store {store}",
    )
