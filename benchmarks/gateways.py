"""How long a gateway takes when the service of decisions is dead, hangs, answers garbage or drips.

    .venv/bin/python benchmarks/gateways.py --count 10000 --out benchmarks/results/gateways.txt

Each gateway puts requests of 100 accounts through, one after another, of which it knows 50 from before the fault. What
is measured is from the request to the gateway's answer, without a model behind it: all of it is what the gateway adds.
Each answer of the service binds and counts what runs at once: gateways that can tell it each end, or try to.
The service is a process of its own. `within 25 ms` is k/n with the exact 95 % interval. The second table is
without the breaker, so that every request waits for its deadline.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "gateways" / "src")]

from stillwatch_gateway.settings import Settings  # noqa: E402

from stillwatch.stats import clopper_pearson  # noqa: E402
from tests.gateways.gates import NAMES, gate  # noqa: E402
from tests.gateways.service import TOKEN, deaf  # noqa: E402
from tests.gateways.test_chaos import process  # noqa: E402

WITHIN = 0.025
PLUGIN = "LiteLLM plugin"
LITELLM = ROOT / ".venv-litellm" / "bin" / "python"
FAULTS = {
    "none": "", "killed": "SIGKILL", "stopped": "SIGSTOP", "no connection": "deaf", "hangs": "nothing comes",
    "half an answer": "half an answer", "garbage": "garbage", "slow drip": "a slow drip", "huge body": "a huge body",
}  # fmt: skip
"""What happens to the service: a signal, nothing at all, or one of `tests.gateways.service.WORST`."""

COLUMNS = f"{'within 25 ms':>32} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}  came of"
HEAD = f"{'gateway':<24} {'fault':<15} {'answered':>13} {COLUMNS}"
Times = tuple[list[float], Counter[str]]


def line(name: str, fault: str, held: Times) -> str:
    """One line of a table."""
    times, came = held
    count = len(times)
    in_time = sum(took <= WITHIN for took in times)
    low, high = clopper_pearson(in_time, count)
    at = [sorted(times)[min(int(share * count), count - 1)] * 1000 for share in (0.5, 0.99, 1)]
    answered = sum(many for what, many in came.items() if what in ("on", "on, told"))
    kept = f"{in_time:,}/{count:,} [{low:.4f}, {high:.4f}]"
    told = ", ".join(f"{what}: {many:,}" for what, many in sorted(came.items()))
    ms = " ".join(f"{value:>8.2f}" for value in at)
    return f"{name:<24} {fault:<15} {f'{answered:,}/{count:,}':>13} {kept:>32} {ms}  {told}"


def measured(name: str, fault: str, count: int, breaker: int) -> Times:
    """Seconds from each request to its answer, and what came of them, with the service as the fault has it."""
    with tempfile.TemporaryDirectory() as folder:
        switch = Path(folder) / "switch"
        if FAULTS[fault] == "deaf":
            with deaf() as url:
                return through(name, url, lambda: None, count, breaker)
        with process(switch) as (url, child):
            return through(name, url, lambda: broken(FAULTS[fault], child, switch), count, breaker)


def broken(what: str, child: "subprocess.Popen[bytes]", switch: Path) -> None:
    """Break the service."""
    if what.startswith("SIG"):
        child.send_signal(signal.Signals[what])
        time.sleep(0.05)
    else:
        switch.write_text(what)


def through(name: str, url: str, breaks: Callable[[], None], count: int, breaker: int) -> Times:
    """Requests before the fault, the fault, requests after it."""
    if name == PLUGIN:
        return hooked(url, breaks, count, breaker)
    return asyncio.run(passed(name, url, breaks, count, breaker))


async def passed(name: str, url: str, breaks: Callable[[], None], count: int, breaker: int) -> Times:
    """The gateways of `tests.gateways.gates`, in this process."""
    times: list[float] = []
    came: Counter[str] = Counter()
    async with gate(name, Settings(url, TOKEN, breaker_after=breaker)) as request:
        for place in range(300):
            await request(f"sk-{place % 50}")
        breaks()
        gc.collect()
        for place in range(count):
            began = time.perf_counter()
            told = await request(f"sk-{place % 100}")
            times.append(time.perf_counter() - began)
            came[told] += 1
    return times, came


def hooked(url: str, breaks: Callable[[], None], count: int, breaker: int) -> Times:
    """The plugin's hook, where LiteLLM is installed."""
    command = [
        str(LITELLM),
        str(ROOT / "benchmarks" / "workers" / "litellm_hook.py"),
        url,
        TOKEN,
        str(count),
        str(breaker),
    ]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as child:
        assert child.stdin and child.stdout
        while child.stdout.readline().strip() != "ready":
            assert child.poll() is None, "the worker ended"
        breaks()
        child.stdin.write("go\n")
        child.stdin.flush()
        held = json.loads(child.stdout.read().strip().split("\n")[-1])
    return held["times"], Counter(held["came"])


def main() -> None:
    """Print the tables, and write them where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=1_000, help="requests a line of the table without the breaker")
    parser.add_argument("--only", nargs="+", metavar="GATEWAY", help="gateways to ask, by their names in the table")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    names = [*NAMES, *([PLUGIN] if LITELLM.exists() else [])]
    names = [name for name in names if given.only is None or name in given.only]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    kind = "real-time" if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR) else "ordinary"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    out = [
        f"benchmarks/gateways.py --count {given.count} --waiting {given.waiting}; commit {commit.stdout.strip()}",
        f"{machine}, load {os.getloadavg()[0]:.1f}, scheduling {kind}",
    ]
    for title, count, breaker in (
        ("With the breaker, as shipped", given.count, 5), ("Without the breaker: each waits", given.waiting, 10**9),
    ):  # fmt: skip
        out += ["", title, HEAD]
        print("\n".join(out[-3:]), flush=True)
        for fault in FAULTS:
            for name in names:
                out.append(line(name, fault, measured(name, fault, count, breaker)))
                print(out[-1], flush=True)
    if given.out:
        given.out.write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
