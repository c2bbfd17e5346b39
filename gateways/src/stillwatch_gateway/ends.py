"""Tell the service which requests have ended, in the background: no request and no answer waits for it.

What cannot be told now is told later, as long as the service would still count the request, from a queue with a bound.
Nothing is sent while the service counts as dead.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from stillwatch_gateway import wire
from stillwatch_gateway.answers import Ask
from stillwatch_gateway.memory import Breaker, Counters

LEASE = 600.0
"""Seconds after which the service takes a request for ended by itself: then there is nothing left to tell."""

MOST = 10_000
"""Ends that wait to be told. Of more the oldest, which the service forgets first, are dropped."""

SENDERS = 2
WITHIN = 1.0
"""Seconds that one end may take. Nobody waits for it."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two tries where an end could not be told."""

NEVER = (400, 404, 405, 413)
"""Statuses of an end that no second try would change."""

TOLD, DROPPED, FAILED = "ends told", "ends dropped", "ends failed"


@dataclass(slots=True)
class _OnTheWay:
    """How many ends of one account are not told yet, and what is set when they are, or cannot be for now."""

    many: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Ends:
    """Ends that are to be told, by senders that live while there are any. All but `add` belongs to the event loop.

    `post` puts one end to the service, on a connection of the client's.
    """

    def __init__(
        self, post: Callable[[Ask], Awaitable[wire.Reading]], breaker: Breaker, counters: Counters,
        clock: Callable[[], float], most: int = MOST,
    ) -> None:  # fmt: skip
        self._post = post
        self._breaker = breaker
        self._counters = counters
        self._clock = clock
        self._most = most
        self._queue: deque[tuple[Ask, float]] = deque()
        self._ways: dict[str, _OnTheWay] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._senders: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._pause = 0.0

    def __len__(self) -> int:
        return sum(way.many for way in self._ways.values())

    def add(self, ask: Ask) -> None:
        """A request has ended. Returns at once, and raises nothing."""
        while len(self._queue) >= self._most:
            self._settled(self._queue.popleft()[0], DROPPED)
        self._ways.setdefault(ask.who, _OnTheWay()).many += 1
        self._queue.append((ask, self._clock()))
        self._send()

    async def caught_up(self, who: str, within: float) -> None:
        """Wait until the ends of an account are told, so many seconds at most, and not where they cannot be for now:
        whoever begins as soon as another request of his has ended is not one too many."""
        way = self._ways.get(who)
        if way is None or self._again is not None or self._loop is not asyncio.get_running_loop():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await way.over.wait()

    async def finish(self, within: float) -> None:
        """Tell what is left, in so many seconds; drop the rest."""
        if self._loop is asyncio.get_running_loop():
            self._resume()
            if self._senders:
                await asyncio.wait(self._senders, timeout=within)
            for sender in self._senders:
                sender.cancel()
            if self._senders:
                await asyncio.wait(self._senders)
        self.close()

    def close(self) -> None:
        """Drop what is left."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        while self._queue:
            self._settled(self._queue.popleft()[0], DROPPED)

    def _send(self) -> None:
        """Start a sender where there is work for one more."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop runs in this thread: it waits for the next that does
            return
        if loop is not self._loop:
            self._forget(loop)
        if self._again is None and self._queue and len(self._senders) < SENDERS:
            sender = loop.create_task(self._run())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Another loop than before: what belongs to that one is gone."""
        self._loop, self._senders, self._again = loop, set(), None
        self._ways = {}
        for ask, _ in self._queue:
            self._ways.setdefault(ask.who, _OnTheWay()).many += 1

    async def _run(self) -> None:
        while self._queue and self._again is None:
            if self._breaker.is_open:
                self._later()
                return
            ask, since = self._queue.popleft()
            if self._clock() - since >= LEASE:
                self._settled(ask, DROPPED)
                continue
            try:
                async with asyncio.timeout(WITHIN):
                    status = (await self._post(ask)).status
            except Exception:  # whatever it is, it is tried again
                status = 0
            except BaseException:
                self._queue.appendleft((ask, since))
                raise
            if status == 200 or status in NEVER:
                self._pause = 0.0
                self._settled(ask, TOLD if status == 200 else DROPPED)
            else:
                self._counters.add(FAILED)
                self._queue.appendleft((ask, since))
                self._later()

    def _settled(self, ask: Ask, how: str) -> None:
        self._counters.add(how)
        if (way := self._ways.get(ask.who)) is not None:
            way.many -= 1
            if way.many <= 0:
                way.over.set()
                del self._ways[ask.who]

    def _later(self) -> None:
        """Try again after a pause, and let nobody wait for it."""
        if self._again is not None or self._loop is None:
            return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._again = self._loop.call_later(self._pause, self._resume)
        for way in self._ways.values():
            way.over.set()
            way.over = asyncio.Event()

    def _resume(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self._send()
