"""The sending half of an ASGI application whose answers go out without reasoning."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stillwatch_gateway.reasoning import Stream, whole

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

MOST_ANSWER = 32 << 20
"""Bytes of a whole answer that are held back to be read."""

FAULT = b'{"error": {"type": "server_error", "message": "The answer could not be read.", "param": null, "code": null}}'


class Unreasoned:
    """Streams of events go on event by event, JSON whole; what is neither goes on as it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._stream: Stream | None = None
        self._json = False
        self._held: list[bytes] = []
        self._length = 0

    async def send(self, message: Message) -> None:
        """Take one message of the application."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body" or not (self._stream or self._json):
            await self._send(message)
        elif self._stream is not None:
            more = message.get("more_body", False)
            await self._send({**message, "body": self._stream.feed(message.get("body", b""), last=not more)})
        else:
            await self._gather(message)

    async def _begin(self, message: Message) -> None:
        kind = next(
            (value for name, value in message.get("headers", []) if name.lower() == b"content-type"), b""
        ).lower()
        self._json = b"json" in kind
        self._stream = Stream() if b"event-stream" in kind else None
        if not self._json and self._stream is None:
            await self._send(message)
            return
        kept = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
        self._start = {**message, "headers": kept}
        if self._stream is not None:
            await self._send(self._start)

    async def _gather(self, message: Message) -> None:
        self._length += len(message.get("body", b""))
        if self._length <= MOST_ANSWER:
            self._held.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        try:
            body = whole(b"".join(self._held)) if self._length <= MOST_ANSWER else b""
        except ValueError:
            body = b""
        if not body:
            self._start["status"], body = 502, FAULT
        self._start["headers"] = [*self._start["headers"], (b"content-length", str(len(body)).encode())]
        await self._send(self._start)
        await self._send({**message, "body": body})
