"""What runs at once, counted by all workers of a service together: a table in a file that each of them maps.

The end of a request may come to another worker than its beginning, so no worker can count alone. A worker holds the
file's lock for some tens of microseconds; the system lets go of it where a worker dies. Who cannot have it within
PATIENCE lets the request run uncounted: a place too many is better than a service that waits for one process.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from stillwatch.respond.leases import LEASE, WAITING, has_its_part, has_place

log = logging.getLogger("stillwatch.service")

ROW = np.dtype([("group", "<u8"), ("member", "<u8"), ("lease", "<u8"), ("until", "<f8")])
"""A request that runs, or, without a lease, a member that was sent away: hashes under the file's own key, so that
nobody makes two requests one; monotonic seconds until which it counts, which all processes of a machine read alike."""

PLACES = 65_536
"""Requests of limited groups that are counted at once, of all groups together; 2 MiB."""

KEY = 16
HEADER = 64
PATIENCE = 0.002
"""Seconds in which the lock must come."""

PAUSE = 0.00005

WAITS = 0
"""In place of a lease: nothing runs."""


def make_leases() -> Path:
    """A new table, in memory where the system has such files, for this user alone. Whoever made it removes it."""
    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    handle, name = tempfile.mkstemp(prefix="stillwatch-leases-", dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(KEY))
        file.truncate(HEADER + PLACES * ROW.itemsize)
    return Path(name)


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

    def __len__(self) -> int:
        rows = self._rows[: int(self._used[0])]
        return int(np.count_nonzero((rows["until"] > time.monotonic()) & (rows["lease"] != WAITS)))

    def groups(self) -> int:
        """None that could be dropped: the table has its places and no more."""
        return 0

    def forget(self, now: float, most: int) -> None:
        """Nothing: what is over makes place by itself."""

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """As Counts has it. Where the lock does not come, or the table is full, the request runs uncounted."""
        with self._locked() as mine:
            if not mine:
                return self._without()
            return self._taken((self._hash("group", group), self._hash("member", member)), limit, asking, now, lease)

    def _taken(self, who: tuple[int, int], limit: int, asking: int, now: float, lease: str) -> bool:
        rows, name = self._rows[: int(self._used[0])], self._hash("lease", lease)
        there = np.flatnonzero((rows["group"] == who[0]) & (rows["until"] > now))
        leases, mine = rows["lease"][there], rows["member"][there] == who[1]
        named, runs = there[leases == name], leases != WAITS
        waits = there[mine & ~runs]
        if len(named):
            rows["until"][named[0]] = now + LEASE
        else:
            own, others_wait = int(np.count_nonzero(mine & runs)), bool((~mine & ~runs).any())
            if not has_place(int(np.count_nonzero(runs)), own, limit, asking, others_wait):
                if not has_its_part(own, limit, asking):
                    self._write(waits[:1], (*who, WAITS, now + WAITING), now)
                return False
            if not self._write((), (*who, name, now + LEASE), now):
                return self._without()
        rows["until"][waits] = 0.0
        return True

    def end(self, group: str, lease: str) -> None:
        """As Counts has it. Where the lock does not come, the request is taken for ended after its time."""
        with self._locked() as mine:
            if not mine:
                self._without()
                return
            rows = self._rows[: int(self._used[0])]
            is_it = (rows["lease"] == self._hash("lease", lease)) & (rows["group"] == self._hash("group", group))
            rows["until"][is_it] = 0.0
            if is_it.any():
                lasting = np.flatnonzero(rows["until"])
                self._used[0] = int(lasting[-1]) + 1 if len(lasting) else 0

    def _write(self, places: Sequence[int], row: tuple[int, int, int, float], now: float) -> bool:
        """Put a row into the first of these places, or into one that is free: whether there was any."""
        rows = self._rows[: int(self._used[0])]
        over = places if len(places) else np.flatnonzero(rows["until"] <= now)
        if not len(over) and len(rows) == PLACES:
            return False
        place = int(over[0]) if len(over) else len(rows)
        self._rows[place] = row
        self._used[0] = max(len(rows), place + 1)
        return True

    def _hash(self, kind: str, text: str) -> int:
        said = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(said, digest_size=8, key=self._key).digest(), "little") or 1

    def _without(self) -> bool:
        if not self.uncounted:
            log.warning("what runs at once is not counted whole: the workers' table is full, or one of them holds it")
        self.uncounted += 1
        return True

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether the lock is this worker's."""
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
            yield True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
