"""Ask Stillwatch, and have an answer in time whatever happens: from it, from what is remembered, or by default.

`Client` blocks the thread that asks, `AsyncClient` awaits. Both hold connections open, follow no redirect, and stop at
a hard deadline: a connection that hangs, half an answer, a slow drip, garbage and a failed handshake all end in the
same way. Names are looked up in a thread of their own, since nothing can interrupt that.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

from stillwatch_gateway import wire
from stillwatch_gateway.answers import Ask, Decision, Garbage, parsed
from stillwatch_gateway.ends import Ends
from stillwatch_gateway.memory import Breaker, Cache, Counters
from stillwatch_gateway.settings import Settings

Clock = Callable[[], float]
Idle = TypeVar("Idle")

LOOK_UP_EVERY = 30.0
"""Seconds after which a name is looked up again."""

READ = 16_384

SERVICE, FRESH, STALE, DEFAULT = "service", "cache", "stale", "default"
UNSURE = ("too late", "garbage", "fault")
"""Why there is no answer although the service may have taken the question for answered."""

OPEN = Decision("", "allow", "default")
CLOSED = Decision(
    "", "deny", "default",
    notice="This service cannot check requests at the moment and does not answer without. Please try again.",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """A decision, where it comes from (`service`, `cache`, `stale` or `default`), and why it was not the service."""

    decision: Decision
    source: str
    why: str = ""

    @property
    def unavailable(self) -> bool:
        """Whether the route is refused since nobody answers: no fault of the customer's."""
        return self.source == DEFAULT and self.decision.verdict == "deny"

    @property
    def leased(self) -> bool:
        """Whether the service counts the request among those that run, if it was promised the end, or may do so."""
        limit = self.decision.obligation("rate_limit")
        at_once = limit is not None and limit.number("concurrency") is not None
        if self.source == SERVICE:
            return at_once and self.decision.counted and self.decision.verdict != "deny"
        return self.why in UNSURE and (at_once or self.source == DEFAULT)


class _Refused(Exception):
    """The service answered with an error."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


class _Names:
    """Addresses of the service's host. A look-up runs in a thread; who asks gets what was found last."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._busy = False
        self._due = 0.0
        self._found: list[str] = []
        self._turn = 0
        self._ready = threading.Event()
        with contextlib.suppress(ValueError):
            self._found = [str(ip_address(settings.host))]
            self._due = float("inf")
        self._look_up()

    def all(self) -> list[str]:
        """The addresses to try, from the one that was good last. Raises OSError where none is known yet."""
        self._look_up()
        found = self._found
        if not found:
            raise OSError("the host's name is not looked up yet")
        first = self._turn % len(found)
        return [*found[first:], *found[:first]]

    def bad(self) -> None:
        """The first address was not good: begin with the next from now on."""
        self._turn += 1

    def wait(self, seconds: float) -> bool:
        """Wait for the first look-up to end: whether an address is known."""
        return bool(self._found) or (self._ready.wait(seconds) and bool(self._found))

    @property
    def under_way(self) -> bool:
        """Whether the first look-up has not ended yet."""
        return not self._found and not self._ready.is_set()

    def _look_up(self) -> None:
        with self._lock:
            if self._busy or self._clock() < self._due:
                return
            self._busy = True
        threading.Thread(target=self._run, name="stillwatch-names", daemon=True).start()

    def _run(self) -> None:
        found: list[str] = []
        with contextlib.suppress(OSError, UnicodeError):
            told = socket.getaddrinfo(self._settings.host, self._settings.port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(one[4][0]) for one in told))
        with self._lock:
            self._found = found or self._found
            self._due = self._clock() + (LOOK_UP_EVERY if found else 1.0)
            self._busy = False
        self._ready.set()


class _Base:
    """What both clients share: everything but the waiting."""

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        self.settings = settings
        self.counters = Counters()
        self._clock = clock
        self._cache = Cache(settings.cache_size, settings.longest_ttl, settings.stale_for)
        self._breaker = Breaker(
            settings.breaker_after, settings.breaker_over, settings.breaker_pause, settings.breaker_longest
        )
        self._names = _Names(settings, clock)
        self._tls = settings.tls()

    def _before(self, ask: Ask) -> Outcome | None:
        """What is known without asking."""
        self.counters.add("asked")
        if ask.who in ("a:", "k:"):
            return self._default(ask, "nobody is named")
        now = self._clock()
        if (kept := self._cache.get(ask.who, now)) is not None:
            return self._counted(Outcome(kept, FRESH))
        return None

    def _instead(self, ask: Ask, why: str, closed: bool) -> Outcome:
        """What holds where the service did not answer."""
        self.counters.add(f"why {why}")
        if (kept := self._cache.get(ask.who, self._clock(), stale=True)) is not None:
            return self._counted(Outcome(kept, STALE, why))
        return self._default(ask, why, closed)

    def _default(self, ask: Ask, why: str, closed: bool = False) -> Outcome:
        shut = closed or self.settings.closed(ask.operation)
        return self._counted(Outcome(CLOSED if shut else OPEN, DEFAULT, why))

    def _counted(self, outcome: Outcome) -> Outcome:
        self.counters.add(f"from {outcome.source}")
        return outcome

    def _taken(self, ask: Ask, answer: wire.Reading) -> Outcome:
        """The decision of an answer, which is remembered. Raises Garbage, _Refused."""
        if answer.status != 200:
            raise _Refused(answer.status)
        decision = parsed(answer.body)
        self._breaker.worked()
        self._cache.put(ask.who, decision, self._clock())
        if decision.unknown:
            self.counters.add("unknown obligations", decision.unknown)
        return self._counted(Outcome(decision, SERVICE))

    def _failed(self, error: Exception) -> str:
        """The word for a failure. A question that the service refuses as it is says nothing about its health."""
        if isinstance(error, _Refused) and error.status in (400, 413):
            self._breaker.worked()
            return "question refused"
        self._breaker.failed(self._clock())
        if isinstance(error, _Refused):
            return "not authorised" if error.status in (401, 403) else "service refused"
        if isinstance(error, TimeoutError):
            return "too late"
        if isinstance(error, OSError):
            return "unreachable"
        return "garbage" if isinstance(error, Garbage) else "fault"

    def _bytes(self, ask: Ask) -> bytes:
        return wire.request(self.settings.netloc, self.settings.path, self.settings.token, ask.body())


class Client(_Base):
    """Asks from the thread that calls; any number of threads may."""

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        super().__init__(settings, clock)
        self._room = threading.BoundedSemaphore(settings.connections)
        self._idle: list[socket.socket] = []

    def decide(self, ask: Ask, *, closed: bool = False) -> Outcome:
        """The decision about a request, within `settings.within` and without an exception. `closed`: refuse the request
        where nobody answers and nothing is remembered."""
        until = self._clock() + self.settings.ask_within
        if (known := self._before(ask)) is not None:
            return known if not closed or known.source != DEFAULT else Outcome(CLOSED, DEFAULT, known.why)
        if not self._breaker.lets(self._clock()):
            return self._instead(ask, "service dead", closed)
        if not self._room.acquire(timeout=max(until - self._clock(), 0)):
            return self._instead(ask, "too busy", closed)
        try:
            return self._taken(ask, self._exchange(self._bytes(ask), until))
        except Exception as error:  # whatever it is, the gateway answers
            return self._instead(ask, self._failed(error), closed)
        finally:
            self._room.release()

    def _exchange(self, question: bytes, until: float) -> wire.Reading:
        """One question, on a connection that is open or on a new one. One that the service has closed meanwhile is
        tried no second time."""
        if (held := _popped(self._idle)) is not None:
            reading = wire.Reading()
            try:
                return self._over(held, question, until, reading)
            except (ConnectionError, Garbage):
                if reading.begun:
                    raise
        return self._over(self._connected(until), question, until, wire.Reading())

    def _over(self, held: socket.socket, question: bytes, until: float, reading: wire.Reading) -> wire.Reading:
        try:
            held.settimeout(self._left(until))
            held.sendall(question)
            while not reading.done:
                held.settimeout(self._left(until))
                reading.feed(held.recv(READ))
        except BaseException:
            held.close()
            raise
        if reading.keeps and len(self._idle) < self.settings.connections:
            self._idle.append(held)
        else:
            held.close()
        return reading

    def _connected(self, until: float) -> socket.socket:
        held = self._reached(until)
        try:
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return held
            held.settimeout(self._left(until))
            return self._tls.wrap_socket(held, server_hostname=self.settings.host)
        except BaseException:
            held.close()
            raise

    def _reached(self, until: float) -> socket.socket:
        """A connection to the first address that takes one in time."""
        error = OSError("no address")
        self._names.wait(self._left(until))
        for address in self._names.all():
            try:
                return socket.create_connection((address, self.settings.port), self._left(until))
            except OSError as refused:
                error = refused
                self._names.bad()
        raise error

    def _left(self, until: float) -> float:
        """Seconds until the deadline. Raises TimeoutError where it is over."""
        if (left := until - self._clock()) <= 0:
            raise TimeoutError
        return left

    def close(self) -> None:
        """Close the connections that are open and idle."""
        while self._idle:
            self._idle.pop().close()


def _popped(idle: list[Idle]) -> Idle | None:
    """The connection that was used last, taken out; None where none is idle."""
    with contextlib.suppress(IndexError):
        return idle.pop()
    return None


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncClient(_Base):
    """Asks from an event loop, and tells ends in the background; where another loop asks, connections are made anew."""

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        super().__init__(settings, clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Semaphore(settings.connections)
        self._idle: list[Pair] = []
        self._ends = Ends(self._end, self._breaker, self.counters, clock)

    async def decide(self, ask: Ask, *, closed: bool = False) -> Outcome:
        """The decision about a request, as `Client.decide` gives it."""
        if (known := self._before(ask)) is not None:
            return known if not closed or known.source != DEFAULT else Outcome(CLOSED, DEFAULT, known.why)
        if not self._breaker.lets(self._clock()):
            return self._instead(ask, "service dead", closed)
        self._bind()
        waits = True
        try:
            async with asyncio.timeout(self.settings.ask_within):
                if ask.reports_end:
                    await self._ends.caught_up(ask.who, self.settings.ask_within / 4)
                async with self._room:
                    waits = False
                    return self._taken(ask, await self._exchange(self._bytes(ask)))
        except Exception as error:  # whatever it is, the gateway answers
            return self._instead(ask, "too busy" if waits else self._failed(error), closed)
        except BaseException:  # whoever asked is gone, and the service may count the request
            if ask.reports_end and not waits:
                self._ends.add(ask)
            raise

    def ended(self, ask: Ask) -> None:
        """A request that was asked about with `reports_end` has ended: the service is told, in the background."""
        self._ends.add(ask)

    async def aclose(self, within: float = 1.0) -> None:
        """Tell the ends that are left, in so many seconds, and close the connections."""
        await self._ends.finish(within)
        self.close()

    async def _end(self, ask: Ask) -> wire.Reading:
        self._bind()
        where = self.settings
        return await self._exchange(wire.request(where.netloc, where.end_path, where.token, ask.end_body()))

    def _bind(self) -> None:
        """Forget what belongs to another loop."""
        if (loop := asyncio.get_running_loop()) is not self._loop:
            self._loop, self._idle = loop, []
            self._room = asyncio.Semaphore(self.settings.connections)

    async def _exchange(self, question: bytes) -> wire.Reading:
        if (held := _popped(self._idle)) is not None:
            reading = wire.Reading()
            try:
                return await self._over(held, question, reading)
            except (ConnectionError, Garbage):
                if reading.begun:
                    raise
        return await self._over(await self._connected(), question, wire.Reading())

    async def _over(self, held: Pair, question: bytes, reading: wire.Reading) -> wire.Reading:
        reader, writer = held
        try:
            writer.write(question)
            while not reading.done:
                reading.feed(await reader.read(READ))
        except BaseException:
            writer.transport.abort()
            raise
        if reading.keeps and len(self._idle) < self.settings.connections:
            self._idle.append(held)
        else:
            writer.transport.abort()
        return reading

    async def _connected(self) -> Pair:
        name = self.settings.host if self._tls else None
        while self._names.under_way:
            await asyncio.sleep(0.001)
        error = OSError("no address")
        for address in self._names.all():
            try:
                return await asyncio.open_connection(
                    address, self.settings.port, ssl=self._tls, limit=READ, server_hostname=name
                )
            except OSError as refused:
                error = refused
                self._names.bad()
            except asyncio.CancelledError:
                self._names.bad()
                raise
        raise error

    def close(self) -> None:
        """Close the connections that are open and idle; ends that are not told yet are not told any more."""
        self._ends.close()
        while self._idle:
            self._idle.pop()[1].transport.abort()
