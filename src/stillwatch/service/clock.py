"""What time it is, for actions that must end on time whatever somebody does to the machine's clock."""

import time
from collections.abc import Callable

SECOND = 1_000_000
STEP = 5 * SECOND
"""Microseconds by which the machine's clock must have jumped to be doubted."""

PATIENCE = 60
"""Looks, a second apart, through which a jump must last to be believed."""


def _wall() -> int:
    return time.time_ns() // 1000


def _steady() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Clock:
    """The time of day in microseconds, which goes on evenly: small corrections are followed, a jump only when it lasts.

    So a clock that is set wrong for a moment neither ends all actions nor brings ended ones back. It is the clock that
    counts through sleep (CLOCK_BOOTTIME), tied to the time of day at the start and by `look`, once a second.
    """

    def __init__(self, wall: Callable[[], int] = _wall, steady: Callable[[], int] = _steady) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._jumped = 0

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._steady() + self._offset

    def look(self) -> bool:
        """Compare with the machine's clock: whether a jump was believed now."""
        apart = self._wall() - self.now()
        if abs(apart) < STEP:
            self._jumped = 0
            self._offset += apart
            return False
        self._jumped += 1
        if self._jumped < PATIENCE:
            return False
        self._jumped = 0
        self._offset += apart
        return True
