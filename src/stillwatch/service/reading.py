"""Bodies of requests: read whole, within a time and a size, and only so many requests at once.

Every route reads by this, so that no connection is held open by a body that does not come.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from stillwatch.service.wire import Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

BODY_SECONDS = 5.0
"""How long a body may take to arrive."""

MOST_AT_ONCE = 64
"""Requests of a worker, decisions apart, whose bodies or answers are awaited at once."""

MOST_OF_ONE = 16
"""Of these, one token's."""


class Awaited:
    """The bodies that are awaited, by the task that waits. `most` is how many bytes one may have."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._since: dict[asyncio.Task[Any], float] = {}

    def __len__(self) -> int:
        return len(self._since)

    async def body(self, receive: Receive) -> bytes:
        """The whole body. Raises Refused where it is too long, breaks off, or does not come in time."""
        task = asyncio.current_task()
        if task is not None:
            self._since[task] = time.monotonic()
        try:
            parts: list[bytes] = []
            size = 0
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "bad_request", "the body breaks off")
                part = message.get("body", b"")
                size += len(part)
                if size > self.most:
                    raise Refused(413, "too_large", f"a body of more than {self.most} bytes")
                if not message.get("more_body", False):
                    return b"".join([*parts, part]) if parts else part
                parts.append(part)
        except asyncio.CancelledError:
            raise Refused(408, "timeout", f"the body did not come within {BODY_SECONDS:.0f} s") from None
        finally:
            if task is not None:
                self._since.pop(task, None)

    def sweep(self, now: float) -> int:
        """End the requests whose bodies have not come in time, by monotonic seconds: how many."""
        late = [task for task, since in self._since.items() if now - since > BODY_SECONDS]
        for task in late:
            task.cancel()
        return len(late)


class AtOnce:
    """How many requests run or wait, of all and of each token."""

    def __init__(self, most: int = MOST_AT_ONCE, of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._of_one = of_one
        self._held: Counter[str] = Counter()

    @contextmanager
    def place(self, token: str) -> Iterator[None]:
        """Hold a place for a token, named by its id. Raises Refused where there is none."""
        if self._held[token] >= self._of_one:
            raise Refused(503, "overloaded", f"{self._of_one} requests of this token wait already: ask again later")
        if self._held.total() >= self._most:
            raise Refused(503, "overloaded", f"{self._most} requests wait already: ask again later")
        self._held[token] += 1
        try:
            yield
        finally:
            self._held[token] -= 1
            if not self._held[token]:
                del self._held[token]


def replayed(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already, and then whatever still comes."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again
