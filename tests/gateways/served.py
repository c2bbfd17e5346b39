"""Serve an ASGI application of a module with granian, in a process of its own."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.gateways.conftest import SOURCE
from tests.gateways.service import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 30


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        return int(held.getsockname()[1])


@contextmanager
def running(target: str, environment: Mapping[str, str], factory: bool = False) -> Iterator[str]:
    """Start granian; gives the server's address."""
    port = free_port()
    line = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", LOOPBACK, "--port", str(port), "--no-ws"]
    path = os.pathsep.join([str(ROOT), str(SOURCE), str(ROOT / "src")])
    child = subprocess.Popen(
        [*line, *(["--factory"] if factory else []), target], env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait(child, port)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and child.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
            connection.request("GET", "/health")
            connection.getresponse()
            return
        time.sleep(0.05)
    raise TimeoutError("the server did not come up")
