"""The key epochs of a store: what each holds, begin the next, destroy one.

Texts are compared within an epoch only, so an epoch is at least as long as data are kept and compared.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from stillwatch.errors import UsageError
from stillwatch.store import keyring
from stillwatch.store.manifest import Epoch, Manifest, write_manifest
from stillwatch.store.store import Store

RETENTION = 30
"""Days for which an epoch must have data before another is begun, unless the caller says otherwise."""

CURRENT, EARLIER, DESTROYED = "current", "earlier", "destroyed"


@dataclass(frozen=True)
class EpochState:
    """An epoch as `stillwatch keys show` tells it. `places` are files with its key; none where it is not at hand."""

    epoch: int
    state: str
    fingerprint: str
    scheme: str
    places: tuple[str, ...]
    first_day: str | None
    last_day: str | None
    rows: int


def states(store: Store) -> list[EpochState]:
    """Every epoch of a store, ascending."""
    return [_state(store, epoch) for epoch in store.manifest.epochs]


def _state(store: Store, epoch: Epoch) -> EpochState:
    days = store.days(epoch.epoch)
    files = store.exchange_files().get(epoch.epoch, [])
    state = DESTROYED if epoch.destroyed else CURRENT if epoch == store.epoch else EARLIER
    found = [*keyring.copies(epoch, store.folder, store.key_file)]
    found += keyring.half_destroyed(epoch, store.folder) if epoch.destroyed else []
    rows = sum(int(pq.read_metadata(path).num_rows) for path in files)
    places = tuple(dict.fromkeys(map(str, found)))
    return EpochState(
        epoch.epoch, state, epoch.key, epoch.scheme, places, days[0] if days else None, days[-1] if days else None, rows
    )


def rotate(store: Store, key_file: Path | None = None, retention: int = RETENTION) -> Epoch:
    """Begin the next epoch of a store, under a file's secret or the user's: the epoch that is written in from now on.

    The earlier key is not needed, so a store whose key is lost goes on. Raises UsageError where the current epoch has
    data of fewer days than `retention`, or the file holds the key of an epoch that the store has had.
    """
    _want_days(store, retention)
    now = store.epoch.epoch
    epoch = keyring.begun(now + 1 if key_file else keyring.newest_epoch(now), key_file)
    if epoch.key in {held.key for held in store.manifest.epochs}:
        raise UsageError(
            "this key has an epoch already", where=str(key_file), wanted="a file with another key",
            next_step="head -c 32 /dev/urandom > FILE; chmod 600 FILE",
        )  # fmt: skip
    write_manifest(store.folder, Manifest((*store.manifest.epochs, epoch), store.pseudonymous))
    return epoch


def _want_days(store: Store, retention: int) -> None:
    days = store.days(store.epoch.epoch)
    held = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days + 1 if days else 0
    if 0 < held < retention:
        raise UsageError(
            f"epoch {store.epoch.epoch} is too short to end: texts of both sides would never be compared",
            found=f"{held} days of exchanges ({days[0]} to {days[-1]})",
            wanted=f"at least the {retention} days for which exchanges are kept and compared",
            next_step=f"say --retention {held} (or 0) if no campaign needs to be seen across the change",
        )


def destroy_epoch(store: Store, number: int) -> list[str]:
    """Destroy every copy of an epoch's secret that can be found, a key file's too: their paths.

    The mark in the manifest comes first: killed at any point, a repeat completes, and `states` names what is left.
    Raises UsageError for the current epoch, and where no copy is at hand.
    """
    epoch = store.manifest.numbered(number)
    if epoch == store.epoch:
        raise UsageError(
            f"epoch {number} is the one that is written in", where=str(store.folder), wanted="an earlier epoch",
            next_step=f"stillwatch keys rotate --store {store.folder} --retention 0, then destroy epoch {number}",
        )  # fmt: skip
    held = keyring.copies(epoch, store.folder, store.key_file)
    held += [path for path in keyring.half_destroyed(epoch, store.folder) if path not in held]
    if not held and not epoch.destroyed:
        raise UsageError(
            f"no copy of the key of epoch {number} is at hand", where=str(store.folder),
            wanted=f"the key with fingerprint {epoch.key}", next_step="give the file that holds it with --key-file",
        )  # fmt: skip
    write_manifest(store.folder, store.manifest.destroyed(number))
    for path in held:
        keyring.destroy(path)
    return [str(path) for path in held]
