"""The fast path: `POST /v1/decisions` answered by raw ASGI before FastAPI is asked.

To refuse a request costs nearly as much as to answer it: reading HTTP is most of the work. So a worker answers a set
number a second, well below what it could, and tells the rest 503 at once, unread; up to twice that number both are
quick. `Lag` sends requests away too where the event loop falls behind all the same. Nothing is awaited between a whole
body and its answer. Bodies that do not come, of any route, are ended by `sweep`, and hold nothing up.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stillwatch.service.auth import IN_URL, ROUTES, Token
from stillwatch.service.reading import Awaited, Message, Receive
from stillwatch.service.state import State
from stillwatch.service.wire import MOST_BYTES, Refused, answer, end, fault, question

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TICK = 0.002
"""Seconds between two looks at the queue."""

MOST_LAG = 0.005
"""Seconds that a request may queue. In LATE looks in a row at more, new ones are sent away."""

BURST = 0.02
"""Seconds' worth of the rate that may come at once."""

LATE = 5
"""One late look is a core that another process held for a moment; several are a queue."""

MOST_BODY = 131_072
"""Bytes of a request's body at most; of a decision's a part of that (service.wire)."""

MOST_WAITING = 2048
"""Requests of this worker whose bodies may be awaited at once."""

DECIDE, END = "/v1/decisions", "/v1/decisions/end"

_JSON = (b"content-type", b"application/json")
_OK: Message = {"type": "http.response.start", "status": 200, "headers": [_JSON, (b"cache-control", b"no-store")]}
_CHALLENGE = (b"www-authenticate", b'Bearer realm="stillwatch"')
_BUSY = "more questions than can be answered in time: decide without, and ask again later"
_BUSY_START: Message = {
    "type": "http.response.start",
    "status": 503,
    "headers": [_JSON, (b"cache-control", b"no-store"), (b"retry-after", b"1")],
}
_BUSY_BODY: Message = {"type": "http.response.body", "body": fault("overloaded", _BUSY)}

log = logging.getLogger("stillwatch.service")


class Lag:
    """How many looks in a row found the event loop's queue too long, by a timer that should come each TICK."""

    def __init__(self) -> None:
        self.late = 0
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to measure on this loop."""
        self._due = loop.time() + TICK
        self._handle = loop.call_at(self._due, self._tick, loop)

    def stop(self) -> None:
        """Measure no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self.late = self.late + 1 if now - self._due > MOST_LAG else 0
        self._due = now + TICK
        self._handle = loop.call_at(self._due, self._tick, loop)


class Decisions:
    """An ASGI application that answers decisions and hands everything else on to `rest`."""

    def __init__(self, state: State, rest: App) -> None:
        self.state = state
        self.rest = rest
        self.lag = Lag()
        self.waiting = Awaited(MOST_BYTES)
        self.others = Awaited(MOST_BODY)
        self.shed = 0
        self._paid = 0.0
        self._each = 1.0 / state.config.most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] not in (DECIDE, END) or scope["method"] != "POST":
            await self.rest(scope, receive, send)
            return
        try:
            if self.lag.late < LATE and len(self.waiting) < MOST_WAITING:
                self._let_in(scope)
                busy = not self._paid_for(time.monotonic())
            else:
                busy = True
            if busy:
                self.shed += 1
                await send(_BUSY_START)
                await send(_BUSY_BODY)
                return
            body = await self.waiting.body(receive)
            if scope["path"] == DECIDE:
                said = answer(self.state.decide(question(body)).decision)
            else:
                self.state.end(end(body))
                said = b"{}"
        except Refused as error:
            await refuse(send, error)
            return
        except Exception as error:  # a fault of ours: told by its kind, never by its words, which may quote
            log.error("internal fault: %s", type(error).__name__)
            await refuse(send, Refused(500, "fault", "a fault of the service: decide without"))
            return
        await send(_OK)
        await send({"type": "http.response.body", "body": said})

    def _let_in(self, scope: Scope) -> None:
        """Raise Refused for who may not ask, and for what is too long to be read."""
        authorization: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if authorization is not None:
                    raise Refused(401, "unauthorized", "two Authorization headers")
                authorization = value
            elif name == b"content-length" and not (value.isdigit() and len(value) < 10 and int(value) <= MOST_BYTES):
                raise Refused(413, "too_large", f"a body of more than {MOST_BYTES} bytes")
        admit(self.state, authorization, ROUTES["POST", scope["path"]], scope["query_string"])

    def _paid_for(self, now: float) -> bool:
        """Take one of the second's decisions, if there is one left. Strangers take none."""
        if self._paid - now > BURST:
            return False
        self._paid = max(self._paid, now) + self._each
        return True

    def sweep(self, now: float) -> int:
        """End the requests whose bodies have not come in time: how many."""
        return self.waiting.sweep(now) + self.others.sweep(now)

    async def watch(self) -> None:
        """Measure the queue and end what is late, until cancelled."""
        self.lag.start(asyncio.get_running_loop())
        try:
            while True:
                await asyncio.sleep(1.0)
                self.sweep(time.monotonic())
        finally:
            self.lag.stop()


def admit(state: State, authorization: bytes | None, roles: tuple[str, ...], query: bytes = b"") -> Token:
    """The token of whoever asks. Raises Refused with 401 for nobody that is known, 403 for another role."""
    if query and IN_URL.search(query):
        raise Refused(401, "token_in_url", "a token in the URL, which logs keep: end it, and send a header instead")
    if authorization is None:
        raise Refused(401, "unauthorized", "no Authorization header with a bearer token")
    token = state.doors.token(authorization)
    if not token.role:
        raise Refused(401, "unauthorized", "no token of this service")
    if token.role not in roles:
        raise Refused(403, "forbidden", f"this needs a token of the role {' or '.join(roles) or 'nobody has'}")
    return token


async def refuse(send: Send, error: Refused) -> None:
    """Answer with an error."""
    headers = [_JSON, (b"cache-control", b"no-store")]
    if error.status == 401:
        headers.append(_CHALLENGE)
    if error.status == 503:
        headers.append((b"retry-after", b"1"))
    if error.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": fault(error.code, error.message)})
