"""Casework in a process of its own beside each worker, so that no reading or writing of it is on the way of decisions.

In the worker's own threads it would share the interpreter's lock: one person who lists actions in a loop made every
third decision late. The process is started by the first request that needs it, runs at ordinary priority (a little
below, so that decisions go first without real-time scheduling too), answers one request at a time in the order in which
they came, and ends when the worker does, however that ends: its input closes.

On both pipes a message is a line of JSON, which says how many bytes come after it, and these.
"""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

from stillwatch.service.auth import Token
from stillwatch.service.reading import Receive
from stillwatch.service.wire import Refused

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ANSWER_SECONDS = 60.0
"""How long one request may take; then the process is ended, and the next request starts another."""

ENDS_SECONDS = 2.0
NICE = 5
LOWERED = "import os; hasattr(os, 'sched_setscheduler') and os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))"
"""Before all else: what the worker starts has its real-time rank."""

MAIN = "from stillwatch.service.app import casework; from stillwatch.service.beside import main; main(casework)"
COMMAND = (sys.executable, "-P", "-c", f"{LOWERED}; {MAIN}")

log = logging.getLogger("stillwatch.service")


class Beside:
    """An ASGI application that hands requests, whose bodies are read already, to the process."""

    def __init__(self, command: tuple[str, ...] = COMMAND, seconds: float = ANSWER_SECONDS) -> None:
        self._command = command
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stillwatch-casework")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refused where the process ends before it answers."""
        body = (await receive()).get("body", b"")
        token: Token = scope["stillwatch.token"]
        head = {
            "method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode("latin-1"),
            "headers": [[part.decode("latin-1") for part in pair] for pair in scope["headers"]
                        if pair[0] != b"authorization"],
            "token": asdict(token),
        }  # fmt: skip
        try:
            waits = asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, head, body)
        except RuntimeError:
            raise Refused(503, "ending", "the service is ending") from None
        said, answer = await waits
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said["headers"]]
        await send({"type": "http.response.start", "status": said["status"], "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def stop(self) -> None:
        """End the process when it has answered what it has begun, and start none any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._end()

    def _exchange(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            answer = self._answer(head, body)
        except (OSError, ValueError):
            answer = None
        if answer is None:
            self._end()
            log.error("the casework process ended before it answered; the next request starts another")
            words = "the casework process ended before it answered: the audit trail says whether anything was done"
            raise Refused(503, "fault", words)
        return answer

    def _answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes] | None:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if process.stdin is None or process.stdout is None:
            return None
        limit = threading.Timer(self._seconds, process.kill)
        limit.daemon = True
        limit.start()
        try:
            write_message(process.stdin, head, body)
            return read_message(process.stdout)
        finally:
            limit.cancel()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with suppress(OSError):  # what it did not read is lost with it
            process.stdin.close()
        try:
            process.wait(ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_message(pipe: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    """Write one message."""
    pipe.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n")
    pipe.write(body)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None where none comes any more."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head: dict[str, Any] = json.loads(line)
    body = pipe.read(head["bytes"])
    return (head, body) if len(body) == head["bytes"] else None


def answer_all(app: App, asked: IO[bytes], told: IO[bytes]) -> None:
    """Answer requests by an application, one by one, until no more come."""
    with asyncio.Runner() as runner:
        while (message := read_message(asked)) is not None:
            said, body = runner.run(_answer(app, *message))
            write_message(told, said, body)


async def _answer(app: App, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    token = {**head["token"], "kinds": tuple(head["token"]["kinds"])}
    scope: Scope = {
        "type": "http", "method": head["method"], "path": head["path"], "raw_path": head["path"].encode(),
        "query_string": head["query"].encode("latin-1"), "http_version": "1.1", "scheme": "http", "root_path": "",
        "headers": [tuple(part.encode("latin-1") for part in pair) for pair in head["headers"]],
        "server": None, "client": None, "asgi": {"version": "3.0"}, "stillwatch.token": Token(**token),
    }  # fmt: skip
    pieces = [body]
    told: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:  # answered with 500 already; its words may quote
        log.error("internal fault: %s", type(error).__name__)
    start = told[0]
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in start["headers"]]
    whole = b"".join(message.get("body", b"") for message in told[1:])
    return {"status": start["status"], "headers": headers}, whole


def main(make: Callable[[], App]) -> None:
    """The process: requests from its input, answers of the application that is made to its output, until the input
    closes."""
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key pressed at a terminal goes to all; the worker ends this one
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints is no answer
    answer_all(make(), sys.stdin.buffer, told)
