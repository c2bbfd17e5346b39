"""Receivers of alerts on loopback, of the standard library: one of webhooks, one of mail."""

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

LOOPBACK = "127.0.0.1"


@dataclass
class Receiver:
    """Keeps what is posted, and answers each with the next status of `script`, or 204; a redirect leads to itself."""

    script: list[Any] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiving(receiver: Receiver, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Serve while the context lasts; under TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            told = receiver.script.pop(0) if receiver.script else 204
            if told == "hang up":
                self.close_connection = True
                return
            if isinstance(told, float):
                time.sleep(told)
                return
            self.send_response(told)
            if told in (301, 302, 307, 308):
                self.send_header("location", receiver.url)
            if told == 429:
                self.send_header("retry-after", "3600")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        receiver.url = f"http{'s' if context else ''}://{LOOPBACK}:{server.server_port}/hook?to=us"
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Mailbox:
    """A mail server that takes everything but the recipients in `refuses`; `says` answers DATA's end."""

    refuses: set[str] = field(default_factory=set)
    says: bytes = b"250 taken"
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    port: int = 0

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._speak(reader, writer)
        writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        sender, to = "", []
        while line := await reader.readline():
            self.lines.append(line)
            verb = line[:4].upper()
            if verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            if verb == b"MAIL":
                sender, to = line.decode().partition("<")[2].partition(">")[0], []
                writer.write(b"250 ok\r\n")
            elif verb == b"RCPT":
                one = line.decode().partition("<")[2].partition(">")[0]
                to += [] if one in self.refuses else [one]
                writer.write(b"550 no\r\n" if one in self.refuses else b"250 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                if self.says.startswith(b"250"):
                    message = cast(EmailMessage, message_from_bytes(raw[:-3], policy=default))
                    self.mails.append((sender, to, message))
                writer.write(self.says + b"\r\n")
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()


@contextmanager
def mailed(mailbox: Mailbox) -> Iterator[Mailbox]:
    """Serve while the context lasts, in a loop of a thread of its own."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> None:
        server = await asyncio.start_server(mailbox.speak, LOOPBACK, 0)
        mailbox.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield mailbox
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
