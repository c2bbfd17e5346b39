"""Real-time scheduling of a worker's threads, by which its latency holds while other work wants every core.

SCHED_RR, not SCHED_FIFO: threads of one rank take turns, so that none waits for ever for another on its core. (FIFO on
one core hung the whole service at its end: the watching process spun while its worker waited.) The thread that answers
has the rank of those that read the network: one above them it took requests one by one, at half the throughput. Only
the worker is raised; the process that watches it is not. RLIMIT_RTTIME ends a worker that never rests, before it takes
a core away from the machine. Wanted of the system: RLIMIT_RTPRIO of PRIORITY (systemd: LimitRTPRIO), or CAP_SYS_NICE.
"""

import os
import resource
from pathlib import Path

PRIORITY = 10
RTTIME = 15
"""RLIMIT_RTTIME of Linux, which Python does not name."""

MOST_BUSY = 5_000_000
"""Microseconds that a thread may run without waiting for anything."""


def raise_threads(tasks: Path = Path("/proc/self/task")) -> str:
    """Raise every thread of this process; new ones inherit it. What was wrong, or nothing."""
    try:
        resource.setrlimit(RTTIME, (MOST_BUSY, MOST_BUSY + 1_000_000))
        for task in tasks.iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(PRIORITY))
    except (OSError, ValueError) as error:
        return f"no real-time scheduling ({error}): see LimitRTPRIO in deploy/stillwatch.service"
    return ""
