"""Stages of the main job as a clock sees them: seconds, and memory, between what `progress` says."""

import os
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DIGITS = re.compile(r"\b\d[\d,]* ")


@dataclass
class Stage:
    """One stage: seconds of the wall, and of the CPU of all threads and of processes that it waited for; MiB resident
    when it ended, and at most until then."""

    name: str
    wall: float
    cpu: float
    resident: int
    peak: int


class Clock:
    """Cuts time into stages by what `progress` says. `told` hears of each that ended."""

    def __init__(self, first: str, told: Callable[[Stage], None] = lambda _: None) -> None:
        self.stages: list[Stage] = []
        self._name, self._told = first, told
        self._wall, self._cpu = time.monotonic(), cpu_seconds()

    def tell(self, name: str) -> None:
        """A stage begins; the one before it ends. Percentages of ingest are one stage."""
        name = "ingest" if "%" in name[:5] else DIGITS.sub("", name)
        if name != self._name:
            self.stop(name)

    def stop(self, following: str = "") -> None:
        """End the stage that runs."""
        wall, cpu = time.monotonic(), cpu_seconds()
        seen = Stage(self._name, wall - self._wall, cpu - self._cpu, resident_mib(), peak_mib())
        self.stages.append(seen)
        self._told(seen)
        self._name, self._wall, self._cpu = following, wall, cpu


def cpu_seconds() -> float:
    """User and system seconds of this process and of children that ended."""
    return sum(os.times()[:4])


def resident_mib() -> int:
    """Memory that is resident now; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20
    except OSError:
        return 0


def peak_mib() -> int:
    """The most that was resident, and the most of any child, added: an upper bound of both at once."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in both) // unit
