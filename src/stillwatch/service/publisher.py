"""Keeps what gateways are told as the casebook has it: one thread of the process that watches the workers.

What a person approves on another machine, what an appeal that nobody answered ends: whoever wrote it may not have
published it. So the casebook is looked at every few seconds, and published where its audit trail has grown, or where
exchanges have come, which may show that an API key is not one account's alone.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from stillwatch.acting import publish, sweep
from stillwatch.errors import ContractError, StillwatchError
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store

EVERY = 5.0
"""Seconds from one reading of the casebook to the next."""

AGAIN = 600_000_000
"""Microseconds after which is published again though nothing seems to have changed: whatever was missed is mended."""

log = logging.getLogger("stillwatch.service")


def _microseconds() -> int:
    return time.time_ns() // 1000


def _in_a_line(error: Exception) -> str:
    """What was wrong, in one line and without the text of a query."""
    if isinstance(error, ContractError):
        return "the store's exchanges could not be read; an erasure or retention may be replacing their files"
    if isinstance(error, StillwatchError):
        return f"{error.where}: {error.message}" if error.where else error.message
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__


class Publisher(threading.Thread):
    """Reads the casebook every few seconds and publishes what has changed. A daemon: it ends with the process."""

    def __init__(self, store: Path, url: str | None, clock: Callable[[], int] = _microseconds) -> None:
        super().__init__(name="stillwatch-publisher", daemon=True)
        self._store = store
        self._url = url
        self._clock = clock
        self._casebook: Casebook | None = None
        self._seen: tuple[object, ...] = ()
        self._fault = ""
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until `stop`, first after a rest: workers are forked meanwhile, and nothing is held open then."""
        while not self._ended.wait(EVERY):
            self.look()

    def prepare(self) -> None:
        """Publish before any worker is forked, and leave nothing open."""
        self.look()
        self._close()

    def stop(self) -> None:
        """End it at its next look."""
        self._ended.set()

    def look(self) -> bool:
        """Note what time has ended and publish where what stands has changed: whether it has. A casebook that cannot be
        read leaves what was published, and is told once."""
        try:
            changed = self._look()
            self._fault = ""
        except Exception as error:  # this thread must not die: without it nobody learns what was undone elsewhere
            fault = _in_a_line(error)
            if fault != self._fault:
                log.error("what is in force cannot be published now, and is tried again every %d s: %s", EVERY, fault)
            self._fault = fault
            self._close()
            return False
        return changed

    def _look(self) -> bool:
        if self._casebook is None:
            self._casebook = Casebook.there(self._store, self._url)
        if self._casebook is None:
            return False
        now = self._clock()
        sweep(self._casebook, now)
        store = Store.open(self._store)
        seen = (self._casebook.head(), tuple(store.listed()), now // AGAIN)
        if seen == self._seen:
            return False
        publish(store, self._casebook, now)
        self._seen = seen
        return True

    def _close(self) -> None:
        if self._casebook is not None:
            self._casebook.close()
            self._casebook = None
