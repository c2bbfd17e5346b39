"""HTTP/1.1 as far as one question needs it, without input or output: the bytes of a request, the reading of an answer.

Everything has a bound, so that a peer that sends for ever, or anything at all, costs little.
"""

import re

from stillwatch_gateway.answers import Garbage

MOST_HEAD = 16_384
MOST_BODY = 65_536
"""Bytes of an answer's head and of its body."""

MOST_CHUNK_LINE = 256

STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?")
LENGTH = re.compile(rb"\d{1,9}")
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?")


def request(host: str, path: str, token: str, body: bytes) -> bytes:
    """The bytes of one question."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\naccept: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class Reading:
    """An answer as its bytes come. `done` once it is whole; then `status`, `body`, and whether the connection `keeps`.

    Raises Garbage for what is no answer, or is longer than it may be.
    """

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.keeps = False
        self.done = False
        self.begun = False
        self._held = bytearray()
        self._length: int | None = None
        self._chunked = False
        self._chunks = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes; none at all is the end of the connection."""
        if not data:
            raise Garbage("the answer broke off")
        self.begun = True
        self._held += data
        if len(self._held) > MOST_HEAD + MOST_BODY:
            raise Garbage("the answer is too long")
        while not self.status and self._head():
            pass
        if self.status and not self.done:
            self._read_body()

    def _head(self) -> bool:
        """Read a head where a whole one is there; an interim one (100 and the like) is passed over."""
        end = self._held.find(b"\r\n\r\n")
        if end < 0 or end > MOST_HEAD:
            if len(self._held) > MOST_HEAD or (len(self._held) >= 5 and not self._held.startswith(b"HTTP/")):
                raise Garbage("no head of an answer")
            return False
        first, *lines = bytes(self._held[:end]).split(b"\r\n")
        del self._held[: end + 4]
        if (status := STATUS.fullmatch(first)) is None:
            raise Garbage("no status line")
        code = int(status[1])
        if code < 200:
            return True
        self.status = code
        self._fields(lines, old=first.startswith(b"HTTP/1.0"))
        return False

    def _fields(self, lines: list[bytes], *, old: bool) -> None:
        fields: dict[bytes, bytes] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            name = name.lower()
            if not colon or not name or name != name.strip() or (name == b"content-length" and name in fields):
                raise Garbage("a header that is none")
            fields[name] = value.strip()
        self._chunked = b"transfer-encoding" in fields
        if self._chunked and (b"content-length" in fields or fields[b"transfer-encoding"].lower() != b"chunked"):
            raise Garbage("a length that is told twice, or in an unknown way")
        if not self._chunked:
            told = fields.get(b"content-length", b"")
            if not LENGTH.fullmatch(told) or int(told) > MOST_BODY:
                raise Garbage("no length, or too much of it")
            self._length = int(told)
        self.keeps = not old and fields.get(b"connection", b"").lower() != b"close"

    def _read_body(self) -> None:
        if self._chunked:
            while not self.done and self._chunk():
                pass
        elif self._length is not None and len(self._held) >= self._length:
            self._finish(bytes(self._held[: self._length]), self._length)

    def _chunk(self) -> bool:
        """Take one whole chunk: whether there was one. Trailers are not taken."""
        end = self._held.find(b"\r\n", self._at, self._at + MOST_CHUNK_LINE)
        if end < 0:
            if len(self._held) - self._at >= MOST_CHUNK_LINE:
                raise Garbage("no chunk")
            return False
        if (told := CHUNK.fullmatch(self._held, self._at, end)) is None:
            raise Garbage("no chunk")
        size, start = int(told[1], 16), end + 2
        del told  # it holds the bytes, which may not grow then
        if size + len(self._chunks) > MOST_BODY:
            raise Garbage("the answer is too long")
        if len(self._held) < start + size + 2:
            return False
        if self._held[start + size : start + size + 2] != b"\r\n":
            raise Garbage("no chunk")
        self._chunks += self._held[start : start + size]
        self._at = start + size + 2
        if size == 0:
            self._finish(bytes(self._chunks), self._at)
        return True

    def _finish(self, body: bytes, used: int) -> None:
        del self._held[:used]
        self.body = body
        self.done = True
        self.keeps = self.keeps and not self._held  # bytes after the answer are nobody's
