"""What runs at once, counted by all workers of a service together: a table in a file that each of them maps.

The end of a request may come to another worker than its beginning, so no worker can count alone. A worker holds the
file's lock for some tens of microseconds; the system lets go of it where a worker dies. Who cannot have it within
PATIENCE lets the request run uncounted: a place too many is better than a service that waits for one process. The end
of a request that could not be written is written when the lock comes next.
"""

import errno
import fcntl
import hashlib
import logging
import math
import mmap
import multiprocessing
import os
import secrets
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from stillwatch.errors import StillwatchError
from stillwatch.respond.leases import LEASE, MOST_LEASES, WAITING, has_its_part, has_place

log = logging.getLogger("stillwatch.service")

ROW = np.dtype([("group", "<u8"), ("member", "<u8"), ("lease", "<u8"), ("until", "<f8"), ("since", "<f8")])
"""A request that runs, or, without a lease, a member that was sent away: hashes under the file's own key, so that
nobody makes two requests one; monotonic seconds until which it counts, and since when, which all processes of a machine
read alike."""

PLACES = 65_536
"""Requests of limited groups that are counted at once, of all groups together; 2.5 MiB."""

RUNNING, WAITERS = 3, 1
"""Sixteenths of the places that one group's requests, and its members that wait, have at most: a quarter together."""

Rows = np.ndarray[Any, Any]
Places = np.ndarray[Any, Any]

KEY = 16
HEADER = 64
PATIENCE = 0.002
"""Seconds in which the lock must come."""

PAUSE = 0.00005

SILENCE = 60.0
"""Seconds between two words about what is not counted."""

WAITS = 0
"""In place of a lease: nothing runs."""


@contextmanager
def table_of(workers: int) -> Iterator[Path | None]:
    """Where several workers find their table; None for one, who needs none. It has no name where workers are forked, so
    that it goes with the last of them however they end; else it is removed at the end. Raises StillwatchError."""
    if workers == 1:
        yield None
        return
    path = make_leases()
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    inherited = Path(f"/proc/self/fd/{handle}")
    try:
        if multiprocessing.get_start_method() == "fork" and inherited.exists():
            path.unlink()
            yield inherited
        else:
            yield path
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


def make_leases() -> Path:
    """A new table, in memory where the system has such files and room for it, for this user alone. Whoever made it
    removes it. Raises StillwatchError where there is room nowhere."""
    size, memory = HEADER + PLACES * ROW.itemsize, Path("/dev/shm")
    failed = []
    for folder in (memory, None) if memory.is_dir() else (None,):
        try:
            return _made(folder, size)
        except OSError as error:
            failed.append(f"{folder or 'the folder for temporary files'}: {error.strerror or error}")
    raise StillwatchError(
        "no place for the table in which the workers count what runs at once", found="; ".join(failed),
        wanted=f"{size / 2**20:.1f} MiB", next_step="free some room there, or name another folder in TMPDIR",
    )  # fmt: skip


def _made(folder: Path | None, size: int) -> Path:
    """A table in a folder, whole: a page that has no room ends whoever touches it. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix="stillwatch-leases-", dir=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            _fill(file.fileno(), size)
            file.write(secrets.token_bytes(KEY))
    except OSError:
        os.unlink(name)
        raise
    return Path(name)


def _fill(handle: int, size: int) -> None:
    """Give a file all of its room now; with zeros, where the system or the folder knows no other way."""
    try:
        os.posix_fallocate(handle, 0, size)
        return
    except AttributeError:
        pass
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
    at = 0
    while at < size:
        at += os.pwrite(handle, bytes(size - at), at)


class SharedLeases:
    """One worker's view of the table (`respond.leases.Counts`)."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or ValueError where there is no such table."""
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._map = mmap.mmap(self._file, HEADER + PLACES * ROW.itemsize)
        self._key = bytes(self._map[:KEY])
        self._used = np.frombuffer(self._map, "<u8", 1, KEY)
        self._rows = np.frombuffer(self._map, ROW, PLACES, HEADER)
        self.uncounted = 0
        self._said = -math.inf
        self._ended: deque[int] = deque(maxlen=PLACES)

    def __len__(self) -> int:
        rows = self._rows[: int(self._used[0])]
        return int(np.count_nonzero((rows["until"] > time.monotonic()) & (rows["lease"] != WAITS)))

    def groups(self) -> int:
        """None that could be dropped: the table has its places and no more."""
        return 0

    def forget(self, now: float, most: int) -> None:
        """Nothing: what is over makes place by itself."""

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """As Counts has it. Where the lock does not come, or the table or the group's part of it is full, the request
        runs uncounted."""
        who, name = (self._hash("group", group), self._hash("member", member)), self._named(group, lease)
        with self._locked() as mine:
            return self._taken(who, limit, asking, now, name) if mine else self._without()

    def _taken(self, who: tuple[int, int], limit: int, asking: int, now: float, name: int) -> bool:
        rows = self._rows[: int(self._used[0])]
        there = rows[places := np.flatnonzero((rows["group"] == who[0]) & (rows["until"] > now))]
        mine, runs = there["member"] == who[1], there["lease"] != WAITS
        named, waits, running = places[there["lease"] == name], places[mine & ~runs], int(np.count_nonzero(runs))
        if len(named):
            rows["until"][named[0]] = now + LEASE
        elif (running < len(there) or not has_place(running, limit, 0)) and not self._may(
            who, there, waits, limit, asking, now
        ):
            return False
        elif running >= PLACES * RUNNING // 16 or not self._write((), (*who, name, now + LEASE, now), now):
            return self._without()
        rows["until"][waits] = 0.0
        return True

    def _may(self, who: tuple[int, int], there: Rows, waits: Places, limit: int, asking: int, now: float) -> bool:
        """Whether a member has a place, `there` being what counts of its group, and `waits` the member's own place in
        the table where it waits; who is sent away with less than its part waits from its first time on."""
        members, which = np.unique(there["member"], return_inverse=True)
        mine, runs = there["member"] == who[1], there["lease"] != WAITS
        asking = max(asking, len(members) + int(not mine.any()))
        has_part = has_its_part(int(np.count_nonzero(mine & runs)), limit, asking)
        since = math.inf if has_part or not len(waits) else float(self._rows["since"][waits[0]])
        own = np.bincount(which, weights=runs, minlength=len(members))[which]
        ahead = ~runs & ~mine & (there["since"] < since) & (own * asking < min(limit, MOST_LEASES))
        if has_place(int(np.count_nonzero(runs)), limit, int(np.count_nonzero(ahead))):
            return True
        if not has_part and (len(waits) or int(np.count_nonzero(~runs)) < PLACES * WAITERS // 16):
            self._write(waits[:1], (*who, WAITS, now + WAITING, min(since, now)), now)
        return False

    def end(self, group: str, lease: str) -> None:
        """As Counts has it. Where the lock does not come, the request ends as soon as this worker has it again."""
        self._ended.append(self._named(group, lease))
        with self._locked():
            pass

    def _end_all(self) -> None:
        """Write the ends that wait for it. The lock must be held."""
        rows = self._rows[: int(self._used[0])]
        is_it = np.isin(rows["lease"], np.array(self._ended, "<u8"))
        self._ended.clear()
        rows["until"][is_it] = 0.0
        if is_it.any():
            lasting = np.flatnonzero(rows["until"])
            self._used[0] = int(lasting[-1]) + 1 if len(lasting) else 0

    def _write(self, places: Sequence[int] | Places, row: tuple[int, int, int, float, float], now: float) -> bool:
        """Put a row into the first of these places, or into one that is free: whether there was any."""
        rows = self._rows[: int(self._used[0])]
        over = places if len(places) else np.flatnonzero(rows["until"] <= now)
        if not len(over) and len(rows) == PLACES:
            return False
        place = int(over[0]) if len(over) else len(rows)
        self._rows[place] = row
        self._used[0] = max(len(rows), place + 1)
        return True

    def _named(self, group: str, lease: str) -> int:
        """A lease's name: those of two groups are two."""
        return self._hash("lease", f"{len(group)}\0{group}\0{lease}")

    def _hash(self, kind: str, text: str) -> int:
        said = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(said, digest_size=8, key=self._key).digest(), "little") or 1

    def _without(self) -> bool:
        self.uncounted += 1
        if time.monotonic() - self._said >= SILENCE:
            self._said = time.monotonic()
            log.warning(
                "what runs at once is not counted whole (%d requests so far): the workers' table is full, a group has "
                "its part of it, or one of them holds it", self.uncounted
            )  # fmt: skip
        return True

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether the lock is this worker's; then what has ended is written."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(PAUSE)
        try:
            if self._ended:
                self._end_all()
            yield True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
