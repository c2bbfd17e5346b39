"""What the workers of a benchmark share: a line of stdin names a lane, and a line of JSON answers with its seconds.

Runs under any Python with pyarrow, and imports nothing of Stillwatch: the peers live in an environment of their own.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

Lane = Callable[[], Any]


def column(path: str, name: str = "text") -> pa.Array:
    """One column of an Arrow file, whole in memory."""
    with pa.OSFile(path, "rb") as file:
        return pa.ipc.open_file(file).read_all()[name].combine_chunks()


def timed(lane: Lane) -> dict[str, float]:
    """Wall and CPU seconds of one run, of all threads of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = lane()
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    del made
    return seconds


ESTIMATE = "estimate "
"""Goes before the name where values are asked, not seconds."""


def serve(versions: str, lanes: Mapping[str, tuple[int, Lane]], estimates: Mapping[str, Lane]) -> None:
    """Announce the lanes and how many texts each reads, then run what is asked, until stdin ends.

    An estimate answers with its values.
    """
    told = {"versions": versions, "lanes": {name: n for name, (n, _) in lanes.items()}, "estimates": list(estimates)}
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        name = line.strip()
        values = name.startswith(ESTIMATE)
        answer = {"values": estimates[name.removeprefix(ESTIMATE)]()} if values else timed(lanes[name][1])
        print(json.dumps(answer), flush=True)
