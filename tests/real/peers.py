"""Peers of a proxy on loopback, of the standard library: a model provider that answers as told, and a sink of logs."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"

Reply = tuple[int, str, list[bytes | float]]
"""A status, a content type, and the pieces of a body with the seconds to wait between them."""


@dataclass
class Provider:
    """Answers each request with the next of `answers`: a status, and a body or the events of a stream.

    `asked` keeps the path and the body of each request. An event that is a string goes out as it is; a number waits so
    many seconds.
    """

    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str, raw: bytes) -> Reply:
        """Status, content type and pieces of the next answer."""
        body = json.loads(raw)
        self.asked.append((path, body))
        status, held = self.answers.pop(0) if self.answers else (500, {"error": {"message": "nothing left to say"}})
        if isinstance(held, list):
            named = path.endswith(("/messages", "/responses"))
            pieces = [one if isinstance(one, float) else (_named if named else _event)(one).encode() for one in held]
            return status, "text/event-stream", pieces
        return status, "application/json", [json.dumps(held).encode()]


def _event(event: Any) -> str:
    return f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"


def _named(event: Any) -> str:
    return f"event: {event['type']}\n{_event(event)}"


@dataclass
class Sink:
    """Keeps the bodies that are posted to it, as they came."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def reply(self, _: str, raw: bytes) -> Reply:
        """Take the body and say so."""
        self.bodies.append(raw)
        return 200, "application/json", [b"{}"]

    def lines(self) -> list[bytes]:
        """The lines of all bodies, empty ones left out."""
        return [line for body in self.bodies for line in body.split(b"\n") if line.strip()]


@contextmanager
def served(peer: Provider | Sink) -> Iterator[str]:
    """Serve a peer on a free port of loopback while the context lasts; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, pieces = peer.reply(self.path, raw)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("connection", "close")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    if isinstance(piece, float):
                        time.sleep(piece)
                    else:
                        self.wfile.write(piece)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        peer.url = f"http://{LOOPBACK}:{server.server_port}"
        yield peer.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
