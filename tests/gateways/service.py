"""A small service of decisions on loopback, of the standard library, that answers well or does its worst."""

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
TOKEN = "token-of-a-gateway"

ALLOW: dict[str, Any] = {
    "decision_id": "D-1", "verdict": "allow", "action": "observe", "obligations": [], "reason_codes": [],
    "policy": {"id": "p", "version": "1", "hash": "h"}, "mode": "enforce", "ttl_s": 0,
}  # fmt: skip


def decision(*obligations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A decision that binds, with these obligations."""
    held = {**ALLOW, "verdict": "modify", "action": "limit", "obligations": list(obligations)}
    return {**held, "reason_codes": ["usage_review"], **more}


def answer(body: bytes, status: str = "200 OK", head: str = "") -> bytes:
    """An answer as bytes."""
    told = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{head}content-length: {len(body)}\r\n\r\n"
    return told.encode("latin-1") + body


WHOLE = answer(json.dumps(ALLOW).encode())

WORST: dict[str, list[bytes | float]] = {
    "nothing comes": [5.0],
    "it hangs up": [],
    "half an answer": [WHOLE[:90], 5.0],
    "half an answer, then it hangs up": [WHOLE[:-5]],
    "a slow drip": [piece for place in range(len(WHOLE)) for piece in (WHOLE[place : place + 1], 0.004)],
    "drops of a head without an end": [piece for _ in range(2000) for piece in (b"HTTP/1.1 200 OK\r\nx: y\r\n", 0.001)],
    "garbage": [b"\x00\xff\x13garbage\r\n\r\n\r\n"],
    "a banner of another service": [b"SSH-2.0-OpenSSH_9.2\r\n", 5.0],
    "a page": [answer(b"<html>nginx</html>")],
    "an array": [answer(b"[]")],
    "null": [answer(b"null")],
    "deep": [answer(b"[" * 60_000)],
    "no verdict": [answer(b"{}")],
    "another verdict": [answer(json.dumps({**ALLOW, "verdict": "burn"}).encode())],
    "NaN seconds": [answer(json.dumps({**ALLOW, "ttl_s": float("nan")}).encode())],
    "endless seconds": [answer(b'{"verdict":"allow","mode":"enforce","ttl_s":1e999}')],
    "a huge number": [answer(b'{"verdict":"allow","mode":"enforce","ttl_s":' + b"9" * 5000 + b"}")],
    "words for seconds": [answer(json.dumps({**ALLOW, "ttl_s": "soon"}).encode())],
    "obligations that are none": [answer(json.dumps({**ALLOW, "obligations": "all"}).encode())],
    "a cap of nothing": [
        answer(json.dumps(decision({"type": "cap_max_tokens", "max_tokens": 0})).encode()),
    ],
    "a cap in words": [answer(json.dumps(decision({"type": "cap_max_tokens", "max_tokens": "9"})).encode())],
    "no UTF-8": [answer(b'{"verdict":"\xff"}')],
    "a huge body": [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", *[b"x" * 65_536] * 200],
    "an endless head": [b"HTTP/1.1 200 OK\r\n", *[b"x: " + b"y" * 65_000 + b"\r\n"] * 200],
    "small chunks for ever": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n" * 10_000] * 20],
    "two lengths": [answer(b"{}", head="content-length: 2\r\n")],
    "a length and chunks": [answer(b"{}", head="transfer-encoding: chunked\r\n")],
    "a length below nought": [b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"],
    "sent elsewhere": [answer(b"", "302 Found", f"location: http://{LOOPBACK}:1/\r\n")],
    "not authorised": [answer(b"{}", "401 Unauthorized")],
    "overloaded": [answer(b"{}", "503 Service Unavailable")],
    "broken": [answer(b"{}", "500 Internal Server Error")],
    "interim for ever": [b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, 5.0],
    "closed as soon as it is used": [answer(b"", "204 No Content")],
}  # fmt: skip
"""What a service may do instead of answering: pieces to send, and seconds to wait between them."""


@dataclass
class Service:
    """Answers each question by what `script` says about it; keeps questions, and ends of requests, as they came.

    `script` is a decision (an object), or pieces to send as they are, after which the connection ends; `end_script`
    is what ends get, where that is another thing.
    """

    script: dict[str, Any] | list[bytes | float] = field(default_factory=lambda: dict(ALLOW))
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    end_script: dict[str, Any] | list[bytes | float] | None = None
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    def serve(self, held: socket.socket) -> None:
        """Answer the questions of one connection."""
        with suppress(OSError, ValueError), held:
            while self._one(held):
                pass

    def _one(self, held: socket.socket) -> bool:
        raw = b""
        while b"\r\n\r\n" not in raw:
            if not (data := held.recv(65_536)):
                return False
            raw += data
        head, _, body = raw.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += held.recv(65_536)
        self.heads.append(head)
        ends = head.startswith(b"POST /v1/decisions/end ")
        (self.ended if ends else self.asked).append(json.loads(body))
        script = self.end_script if ends and self.end_script is not None else self.script
        if isinstance(script, dict):
            held.sendall(answer(b"{}" if ends else json.dumps(script).encode()))
            return True
        for piece in script:
            time.sleep(piece) if isinstance(piece, float) else held.sendall(piece)
        return False


@contextmanager
def serving(service: Service, port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Serve while the context lasts; under TLS where a context is given."""
    listener = socket.create_server((LOOPBACK, port), backlog=128)
    service.port = listener.getsockname()[1]
    open_now: list[socket.socket] = []

    def serve(held: socket.socket) -> None:
        with suppress(OSError):
            service.serve(context.wrap_socket(held, server_side=True) if context else held)

    def accept() -> None:
        with suppress(OSError):
            while True:
                held, _ = listener.accept()
                held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                service.connections += 1
                open_now.append(held)
                threading.Thread(target=serve, args=(held,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield service
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for held in open_now:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)


@contextmanager
def deaf() -> Iterator[str]:
    """An address to which no connection is made and none refused: its queue is full."""
    listener = socket.socket()
    listener.bind((LOOPBACK, 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        with suppress(OSError):
            one.connect(listener.getsockname())
        waiting.append(one)
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        for one in (*waiting, listener):
            one.close()


class Switched(Service):
    """A service whose script another process sets: the name of one of WORST in a file; none: it answers well."""

    def __init__(self, switch: Path) -> None:
        many = {"type": "rate_limit", "concurrency": 1_000_000}  # so that ends are told
        super().__init__(decision({"type": "cap_max_tokens", "max_tokens": 64}, many, counted=True))
        self._switch = switch
        self._well = self.script

    def _one(self, held: socket.socket) -> bool:
        name = self._switch.read_text()
        self.script = WORST[name] if name else self._well
        self.asked.clear()
        self.ended.clear()
        self.heads.clear()
        return super()._one(held)


def main() -> None:
    """Serve on a port until killed; what happens is told by the file: `python -m tests.gateways.service PORT FILE`."""
    with serving(Switched(Path(sys.argv[2])), int(sys.argv[1])):
        threading.Event().wait()


if __name__ == "__main__":
    main()
