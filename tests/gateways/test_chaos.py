"""The service is killed, hangs, answers garbage or drips: every gateway answers every request, from memory or default.

How long that takes is measured by benchmarks/gateways.py, on a machine that does nothing else; here it is counted.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stillwatch_gateway.settings import Settings

from tests.gateways.gates import NAMES, gate, run
from tests.gateways.service import LOOPBACK, TOKEN, WORST, Service, decision, serving

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ("nothing comes", "half an answer", "garbage", "a slow drip", "it hangs up", "overloaded", "a huge body")
UNTOLD = "LiteLLM guardrail wire"
CAPPED = decision({"type": "cap_max_tokens", "max_tokens": 64})


async def counted(name: str, settings: Settings, service: Service, fault: str, many: int) -> Counter[str]:
    """Well for two accounts, then the fault; what came of so many requests of theirs and of strangers."""
    async with gate(name, settings) as request:
        for account in ("sk-0", "sk-1"):
            for _ in range(50):  # on a busy machine an answer may come too late, even a good one
                before = len(service.asked)
                if await request(account) == "on, told" or (name == UNTOLD and len(service.asked) > before):
                    break
        service.script = WORST[fault]
        return Counter([await request(f"sk-{place % 4}") for place in range(many)])


def wanted(name: str, many: int) -> Counter[str]:
    """The wire of the guardrail cannot tell of a cap; every other gateway remembers it of the two that it knew."""
    if name == UNTOLD:
        return Counter({"on": many})
    return Counter({"on, told": many // 2, "on": many // 2})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_request_is_answered(name: str, fault: str) -> None:
    with serving(Service(dict(CAPPED))) as service:
        held = run(
            counted(
                name,
                Settings(service.url, TOKEN, within=0.2, ask_within=0.05, breaker_after=2, breaker_over=0.0),
                service,
                fault,
                40,
            )
        )
    assert held == wanted(name, 40)


@contextmanager
def process(switch: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The service in a process of its own, which may be killed."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        port = held.getsockname()[1]
    switch.write_text("")
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    line = [sys.executable, "-m", "tests.gateways.service", str(port), str(switch)]
    child = subprocess.Popen(line, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
                break
            time.sleep(0.02)
        yield f"http://{LOOPBACK}:{port}", child
    finally:
        child.kill()
        child.wait(10)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_of_ten_thousand_with_a_service_killed_stopped_and_started_again(
    name: str, tmp_path: Path
) -> None:
    """SIGKILL in the middle; SIGSTOP, under which connections are made and nothing ever comes."""
    many = 10_000

    async def main() -> Counter[str]:
        held: Counter[str] = Counter()
        with process(tmp_path / "one") as (url, child):
            async with gate(name, Settings(url, TOKEN, breaker_pause=0.05, breaker_longest=0.1)) as request:
                for place in range(many // 2):
                    if place == 500:
                        child.send_signal(signal.SIGSTOP)
                    held[await request(f"sk-{place % 100}")] += 1
                child.kill()
                for place in range(many // 2):
                    held[await request(f"sk-{place % 100}")] += 1
        return held

    told = run(main())
    assert set(told) <= {"on", "on, told"} and told.total() == many
    assert told["on, told"] > many * 0.9 or name == UNTOLD
