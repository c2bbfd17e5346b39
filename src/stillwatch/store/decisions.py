"""STORE/decisions: which snapshot of the actions in force holds now, and how the next one takes its place.

Whoever publishes should read the casebook and publish within `turn`: of two at once the later then holds what the later
read, and an action that was undone does not come back.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stillwatch.errors import StoreError
from stillwatch.records import InForce
from stillwatch.store import keyring
from stillwatch.store.files import make_folder, write_whole
from stillwatch.store.keys import SECRET_BYTES, read_secret
from stillwatch.store.snapshot import Pause, Snapshot, snapshot_bytes

SCHEMA = "stillwatch/in-force/v1"
POINTER = "current"
KEPT = 600
"""Seconds for which a snapshot stays that is neither named nor the one before: a reader may be about to open it."""

RETRY = 30
"""Looks after which a snapshot that could not be used is tried again."""

_NAME = re.compile(r"[0-9a-f]{32}\.snap")

Stamp = tuple[int, int, int]
"""What changes whenever a file is replaced: inode, time and size."""


def folder_of(store: Path) -> Path:
    """Where a store keeps its snapshots."""
    return store / "decisions"


def key_file_of(store: Path) -> Path:
    """Where the key of the hashed ids is: apart from the snapshots, so that a copy of their folder names nobody."""
    return store / "service" / "snapshot.key"


def write_snapshot(
    folder: Path,
    actions: Sequence[InForce],
    now: int,
    key: bytes = b"",
    aliases: Mapping[str, str] | None = None,
    *,
    alone: bool = False,
) -> Path:
    """Write the actions in force as a new snapshot and point to it; killed at any point the old one holds.

    The same actions in any order give the same bytes, and the same name. `now` is microseconds since 1970; `aliases`
    gives the account of each API key. With `alone` no earlier snapshot stays. Raises StoreError where the disk refuses.
    """
    data = snapshot_bytes(actions, now, key, aliases)
    place = folder / f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.snap"
    before = _named(folder)
    write_whole(place, data)
    named, older = before or ("", "")
    previous = "" if alone else older if named == place.name else named
    said = {"schema": SCHEMA, "snapshot": place.name, "previous": previous}
    write_whole(folder / POINTER, json.dumps(said, sort_keys=True).encode() + b"\n")
    _remove_old(folder, {place.name, previous}, 0 if alone else KEPT)
    return place


class Folder(Protocol):
    """A store, of which its folder is wanted alone: the decision path imports nothing heavy."""

    @property
    def folder(self) -> Path:
        """Where the store is."""


def publish(
    store: Folder, actions: Sequence[InForce], now: int, aliases: Mapping[str, str] | None = None, *,
    alone: bool = False,
) -> Path:  # fmt: skip
    """Put the actions in force before the decision path: a running service reads them within some seconds.

    An action that is not among them is not in force any more, so give all of them, shadow ones too. `now` is
    microseconds since 1970. With `alone` no earlier snapshot stays on disk.
    """
    key = snapshot_key(store.folder, make=True)
    return write_snapshot(folder_of(store.folder), actions, now, key, aliases, alone=alone)


@contextlib.contextmanager
def turn(store: Path) -> Iterator[None]:
    """Be the only publisher while this stands; others wait. Whoever is killed gives it up."""
    make_folder(folder_of(store))
    handle = os.open(folder_of(store) / ".turn", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def snapshot_key(store: Path, *, make: bool = False) -> bytes:
    """The key under which ids are hashed. Raises StoreError where it is missing and not to be made, or damaged."""
    place = key_file_of(store)
    try:
        if make and not place.exists():
            keyring.create(place, secrets.token_bytes(SECRET_BYTES))
    except OSError as error:
        raise StoreError(f"the key cannot be written ({error.strerror})", where=str(place)) from error
    return read_secret(place)


def stamp(folder: Path) -> Stamp | None:
    """What tells one pointer from the next; None where nothing was published."""
    try:
        seen = (folder / POINTER).stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def open_current(folder: Path, key: bytes, pause: Pause | None = None) -> Snapshot:
    """The snapshot that the pointer names. Raises StoreError where there is none, or it is damaged."""
    named = _named(folder)
    if named is not None and not (folder / named[0]).exists():
        named = _named(folder)  # it was replaced and removed between
    if named is None:
        raise StoreError(
            "no snapshot of decisions is named", where=str(folder / POINTER),
            wanted="a pointer that `publish` wrote", next_step="publish the actions in force",
        )  # fmt: skip
    return Snapshot.open(folder / named[0], key, pause)


def _named(folder: Path) -> tuple[str, str] | None:
    """The names of the snapshot and of the one before it; None where no pointer can be read."""
    try:
        held = json.loads((folder / POINTER).read_bytes()[:4096])
        snapshot, previous = held["snapshot"], held["previous"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(snapshot, str) or not _NAME.fullmatch(snapshot):
        return None
    return snapshot, previous if isinstance(previous, str) and _NAME.fullmatch(previous) else ""


def _remove_old(folder: Path, kept: set[str], seconds: int) -> None:
    oldest = time.time() - seconds
    for path in folder.glob("*.snap"):
        with contextlib.suppress(OSError):
            if path.name not in kept and path.stat().st_mtime <= oldest:
                path.unlink()


class Current:
    """The newest whole snapshot of a store, which `look` exchanges when the pointer has changed.

    A reader holds `snapshot` for one decision: what is exchanged meanwhile stays mapped until nobody holds it.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self.snapshot: Snapshot | None = None
        self.fault = ""
        self._seen: Stamp | None = None
        self._rest = 0

    def look(self, pause: Pause | None = None) -> bool:
        """Read what the pointer names if it has changed: whether another snapshot holds now.

        One that cannot be used leaves the one before, and says why in `fault`; every RETRY looks it is tried again.
        """
        folder = folder_of(self.store)
        seen = stamp(folder)
        self._rest -= 1
        if seen is None or (seen == self._seen and (not self.fault or self._rest > 0)):
            return False
        self._seen, self._rest = seen, RETRY
        try:
            self.snapshot = open_current(folder, snapshot_key(self.store), pause)
        except (StoreError, OSError) as error:
            self.fault = str(error)
            return False
        self.fault = ""
        return True
