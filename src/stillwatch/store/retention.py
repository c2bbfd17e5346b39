"""Days that are over their time: removed whole, without rebuilding what stays, and kept away.

`store.json` says from which day on exchanges are kept, before the first folder goes. From then on nobody reads an
earlier day, so a kill leaves the answer as it will be, and the next sweep removes what is left of the files. Rows of
earlier days are passed over when the same logs are read again.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from time import time_ns

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import StoreError, UsageError
from stillwatch.store import files
from stillwatch.store.casebook.forget import forget_ended
from stillwatch.store.files import sync_folder
from stillwatch.store.manifest import write_manifest
from stillwatch.store.runs import counted_bytes, kept_since
from stillwatch.store.store import Store


@dataclass(frozen=True)
class Expired:
    """What was removed, or would be: days and rows of exchanges, and the day from which on they are kept."""

    kept_from: str
    days: int
    exchanges: int
    listed: int
    """Rows of such exchanges in the lists that runs keep of what their findings count."""
    first_kept: str
    """The earliest day that is left."""
    cases: int = 0
    """Actions that ended long before, and went from the casebook."""


def expire(store: Store, before: date, *, dry_run: bool = False, casebook: str | None = None) -> Expired:
    """Remove the exchanges that were asked before a day (UTC), and the cases that ended before it and half a year ago.

    A repeat completes what was killed, and else finds nothing; an earlier day than once said changes nothing.
    `casebook` is the URL of the store's casebook where that is on a server.

    Raises UsageError where no day would be left, StoreError where the disk refuses.
    """
    kept_from = max(before, store.manifest.kept_from or before)
    left = [day for day in store.days() if day >= kept_from.isoformat()]
    if not left:
        newest = max(store.days(), default="none")
        raise UsageError(
            "no exchange would be left", found=f"the newest day is {newest}", wanted=f"a day after {kept_from}",
            next_step=f"remove the folder {store.folder} itself if that is meant",
        )  # fmt: skip
    told = Expired(kept_from.isoformat(), *_counted(store, kept_from), _listed(store, kept_from), first_kept=left[0])
    midnight = (kept_from - date(1970, 1, 1)).days * 86_400_000_000
    cases = forget_ended(store.folder, midnight, time_ns() // 1000, casebook, dry_run=dry_run)
    if not dry_run:
        if store.manifest.kept_from != kept_from:
            store.manifest = replace(store.manifest, kept_from=kept_from)
            write_manifest(store.folder, store.manifest)
        sweep(store)
    return replace(told, cases=cases.actions)


def sweep(store: Store) -> None:
    """Remove the files of days that the store keeps no more, and what a cluster's run left. Raises StoreError where the
    disk refuses."""
    left = [store.scratch] if store.scratch.exists() else []
    for folder in [*left, *_over(store, store.manifest.kept_from)]:
        try:
            shutil.rmtree(folder)
            files.reached("expired")
            sync_folder(folder.parent)
        except OSError as error:
            raise StoreError(f"cannot remove ({error.strerror})", where=str(folder)) from error
    for path, left, gone in _lists(store, store.manifest.kept_from):
        if gone:
            files.write_whole(path, counted_bytes(left))
            files.reached("list")


def _counted(store: Store, kept_from: date) -> tuple[int, int]:
    """Days and rows from before a day."""
    folders = list(_over(store, kept_from))
    rows = (pq.read_metadata(path).num_rows for folder in folders for path in folder.glob("[!.]*.parquet"))
    return len({folder.name for folder in folders}), sum(map(int, rows))


def _listed(store: Store, kept_from: date) -> int:
    return sum(gone for _, _, gone in _lists(store, kept_from))


def _lists(store: Store, kept_from: date | None) -> Iterator[tuple[Path, pa.Table, int]]:
    """Each run's list of exchanges, what is left of it from a day on, and how many rows go."""
    for path in sorted((store.folder / "runs").glob("[!.]*/exchanges.parquet")) if kept_from else ():
        try:
            held = pq.ParquetFile(path).read()
        except (OSError, ValueError) as error:
            raise StoreError("the run's exchanges cannot be read", where=str(path)) from error
        left = kept_since(held, kept_from)
        yield path, left, held.num_rows - left.num_rows


def _over(store: Store, kept_from: date | None) -> Iterator[Path]:
    """The folders of days before a day, of every epoch."""
    if kept_from is None:
        return
    for epoch in store.manifest.epochs:
        for folder in sorted((store.folder / "exchanges" / epoch.folder).glob("day=*")):
            if folder.name.removeprefix("day=") < kept_from.isoformat():
                yield folder
