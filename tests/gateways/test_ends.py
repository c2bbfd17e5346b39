"""The service is told, once each, which requests have ended; nobody waits for it, whatever the service does."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillwatch_gateway.answers import LONGEST, Ask, unique
from stillwatch_gateway.asgi import StillwatchMiddleware
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.ends import LEASE, Ends
from stillwatch_gateway.memory import Breaker, Counters
from stillwatch_gateway.settings import Settings
from stillwatch_gateway.wire import Reading

from stillwatch.service.wire import end, question
from tests.gateways.gates import BODY, CHAT, call, echo
from tests.gateways.service import ALLOW, TOKEN, WORST, Service, answer, decision, serving

Json = dict[str, Any]
AT_ONCE = {"type": "rate_limit", "concurrency": 2}
LEASED = decision(AT_ONCE, counted=True)
KEY = {"authorization": "Bearer sk-customer"}


def patient(service: Service, **more: Any) -> AsyncClient:
    return AsyncClient(Settings(service.url, TOKEN, **{"within": 6.0, "ask_within": 5.0, **more}))


@asynccontextmanager
async def before(app: Any, client: AsyncClient) -> AsyncIterator[StillwatchMiddleware]:
    """The middleware before an application; at last all ends are told."""
    try:
        yield StillwatchMiddleware(app, client)
    finally:
        await client.aclose(5.0)


def names(service: Service) -> tuple[list[str], list[str]]:
    """Requests that were asked about and those that have ended, in order."""
    return [one["request_id"] for one in service.asked], [one["request_id"] for one in service.ended]


async def fails(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("the model is gone")


async def fails_midway(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("the model is gone")


async def left(scope: Any, receive: Any, send: Any) -> None:
    """A stream that its client cuts off: servers tell so, or end the task."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    assert (await receive())["type"] == "http.disconnect"


async def cancelled(scope: Any, receive: Any, send: Any) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("app", [echo, fails, fails_midway, left, cancelled])
def test_each_request_ends_once_however_it_ends(app: Any) -> None:
    async def run(service: Service) -> None:
        async with before(app, patient(service)) as gate:
            for _ in range(3):
                with contextlib.suppress(RuntimeError, asyncio.CancelledError):
                    await call(gate, CHAT, {**KEY, "x-request-id": "same"}, BODY)

    with serving(Service(LEASED)) as service:
        asyncio.run(run(service))
    begun, ended = names(service)
    assert len(set(begun)) == 3 and sorted(ended) == sorted(begun)
    for asks, said in zip(service.asked, service.ended, strict=True):
        assert asks["reports_end"] is True and set(said) == {"request_id", "api_key_id"}
        assert said["api_key_id"] == asks["api_key_id"]


@pytest.mark.parametrize(
    "held",
    [
        ALLOW, decision(AT_ONCE, verdict="deny", counted=True, retry_after_s=1), decision({"type": "hold"}),
        decision({"type": "rate_limit", "requests_per_minute": 6}, counted=True), decision(AT_ONCE),
        decision(AT_ONCE, mode="shadow", counted=True), decision(verdict="deny"),
    ],
)  # fmt: skip
def test_no_end_is_told_where_nothing_runs_that_the_service_counts(held: Json) -> None:
    async def run(service: Service) -> None:
        async with before(echo, patient(service)) as gate:
            await call(gate, CHAT, KEY, BODY)

    with serving(Service(held)) as service:
        asyncio.run(run(service))
    assert len(service.asked) == 1 and not service.ended


def test_a_request_that_the_gateway_refuses_although_the_service_let_it_in_has_ended() -> None:
    """One runs on; the second is one too many here, and must not hold a place there for ten minutes."""

    async def run(service: Service) -> list[int]:
        leaves = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await leaves.wait()
            await echo(scope, receive, send)

        async with before(slow, patient(service)) as gate:
            first = asyncio.ensure_future(call(gate, CHAT, KEY, BODY))
            while not service.asked:
                await asyncio.sleep(0.001)
            second = await call(gate, CHAT, KEY, BODY)
            await until(lambda: len(service.ended) == 1)
            leaves.set()
            return [(await first)[0], second[0]]

    with serving(Service(decision({"type": "rate_limit", "concurrency": 1}, counted=True))) as service:
        assert asyncio.run(run(service)) == [200, 429]
    begun, ended = names(service)
    assert ended == [begun[1], begun[0]]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.002)


def test_a_stream_ends_with_its_last_piece_and_not_with_what_follows_it() -> None:
    async def run(service: Service) -> None:
        goes_on, rests = asyncio.Event(), asyncio.Event()

        async def stream(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await goes_on.wait()
            await send({"type": "http.response.body", "body": b"b"})
            await rests.wait()

        async with before(stream, patient(service)) as gate:
            request = asyncio.ensure_future(call(gate, CHAT, KEY, BODY))
            await until(lambda: len(service.asked) == 1)
            await asyncio.sleep(0.05)
            assert not service.ended
            goes_on.set()
            await until(lambda: len(service.ended) == 1)
            rests.set()
            await request

    with serving(Service(LEASED)) as service:
        asyncio.run(run(service))
    assert len(service.ended) == 1


def test_a_websocket_ends_when_it_closes_and_one_that_is_refused_at_once() -> None:
    async def run(service: Service) -> None:
        async def inner(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            assert not service.ended

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            pass

        scope = {"type": "websocket", "path": "/v1/realtime", "headers": [(b"authorization", b"Bearer k")]}
        async with before(inner, patient(service)) as gate:
            await gate(scope, receive, send)
            await until(lambda: len(service.ended) == 1)
            service.script = decision(AT_ONCE, {"type": "hide_reasoning"}, counted=True)
            await gate(scope, receive, send)

    with serving(Service(LEASED)) as service:
        asyncio.run(run(service))
    begun, ended = names(service)
    assert begun == ended and len(set(begun)) == 2


def test_who_begins_as_soon_as_another_of_his_has_ended_is_not_one_too_many() -> None:
    """The end is told before the next question of the same account is asked."""

    async def run(service: Service) -> list[str]:
        order: list[str] = []
        real = service.asked, service.ended

        class Noted(list[Json]):
            def __init__(self, what: str) -> None:
                super().__init__()
                self._what = what

            def append(self, one: Json) -> None:
                order.append(self._what)
                super().append(one)

        service.asked, service.ended = Noted("asked"), Noted("ended")
        async with before(echo, patient(service)) as gate:
            for _ in range(20):
                await call(gate, CHAT, KEY, BODY)
        assert real == ([], [])
        return order

    with serving(Service(LEASED)) as service:
        assert asyncio.run(run(service)) == ["asked", "ended"] * 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", ["nothing comes", "garbage", "it hangs up", "a slow drip", "overloaded", "a huge body"]
)
def test_requests_go_on_whatever_becomes_of_their_ends(what: str) -> None:
    """Decisions are told well, ends are not: each end is tried again, and none is lost or waited for."""

    async def run(service: Service) -> None:
        client = patient(service)
        gate = StillwatchMiddleware(echo, client)
        for _ in range(30):
            assert (await call(gate, CHAT, KEY, BODY))[0] == 200
        assert len(service.asked) == 30 and client.counters.told().get("ends told", 0) == 0
        service.end_script = {}
        await until(lambda: client.counters.told().get("ends told", 0) == 30)
        client.close()

    with serving(Service(LEASED, end_script=WORST[what])) as service:
        asyncio.run(run(service))
    begun, ended = names(service)
    assert set(ended) == set(begun)


def test_an_end_that_the_service_does_not_know_is_not_tried_again() -> None:
    async def run(service: Service) -> dict[str, int]:
        client = patient(service)
        async with before(echo, client) as gate:
            await call(gate, CHAT, KEY, BODY)
        return client.counters.told()

    with serving(Service(LEASED, end_script=[answer(b"{}", "404 Not Found")])) as service:
        assert asyncio.run(run(service))["ends dropped"] == 1
    assert len(service.ended) == 1


@pytest.mark.slow
def test_a_question_that_came_too_late_is_ended_where_the_service_may_count_the_request() -> None:
    """It may have been let in there. Who is known to have no such limit is not ended."""

    async def run(service: Service, first: Json) -> None:
        client = AsyncClient(Settings(service.url, TOKEN, within=6.0, ask_within=0.3, breaker_over=60.0))
        async with before(echo, client) as gate:
            service.script = first
            await call(gate, CHAT, KEY, BODY)
            service.script, service.end_script = [1.0], {}
            await call(gate, CHAT, KEY, BODY)
            await call(gate, CHAT, {"authorization": "Bearer sk-stranger"}, BODY)

    for first, wanted in ((LEASED, [0, 1, 2]), (ALLOW, [2])):
        with serving(Service()) as service:
            asyncio.run(run(service, first))
        begun, ended = names(service)
        assert sorted(ended) == sorted(begun[place] for place in wanted)


def test_who_leaves_while_the_service_is_asked_is_ended() -> None:
    async def run(service: Service) -> None:
        client = patient(service)
        asks = asyncio.ensure_future(client.decide(Ask("acme", request_id="r", reports_end=True)))
        await until(lambda: len(service.asked) == 1)
        asks.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asks
        await client.aclose(5.0)

    with serving(Service([1.0], end_script={})) as service:
        asyncio.run(run(service))
    assert service.ended == [{"request_id": "r", "account_id": "acme"}]


class Post:
    """What puts ends to a service: notes them; fails, or waits, as told."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.status = 200
        self.gate: asyncio.Event | None = None

    async def __call__(self, ask: Ask) -> Reading:
        self.came.append(ask.request_id)
        if self.gate is not None:
            await self.gate.wait()
        if not self.status:
            raise OSError
        reading = Reading()
        reading.status = self.status
        return reading


def ends(post: Callable[[Ask], Awaitable[Reading]], most: int = 10_000) -> tuple[Ends, Breaker, Counters]:
    breaker, counters = Breaker(1, 0.0, 60.0, 60.0), Counters()
    return Ends(post, breaker, counters, time.monotonic, most), breaker, counters


def test_the_queue_is_bounded_and_the_oldest_are_dropped() -> None:
    async def run() -> None:
        post = Post()
        post.gate = asyncio.Event()
        held, _, counters = ends(post, most=100)
        for place in range(1000):
            held.add(Ask("acme", request_id=str(place)))
        assert len(held) == 100 and counters.told() == {"ends dropped": 900}
        post.gate.set()
        await held.finish(5.0)
        assert sorted(map(int, post.came)) == list(range(900, 1000))
        assert counters.told() == {"ends dropped": 900, "ends told": 100} and not len(held)

    asyncio.run(run())


@pytest.mark.slow
def test_nothing_is_sent_while_the_service_counts_as_dead_and_nobody_waits_then() -> None:
    async def run() -> None:
        post = Post()
        held, breaker, counters = ends(post)
        breaker.failed(0.0)
        assert breaker.is_open
        held.add(Ask("acme", request_id="r"))
        await asyncio.sleep(0.3)
        assert not post.came
        await asyncio.wait_for(held.caught_up("a:acme", 60.0), 5.0)
        breaker.worked()
        await until(lambda: counters.told() == {"ends told": 1})
        assert post.came == ["r"]

    asyncio.run(run())


def test_whoever_waits_for_an_end_waits_no_longer_than_he_says_or_until_it_fails() -> None:
    async def run() -> None:
        post = Post()
        post.gate = asyncio.Event()
        held, _, counters = ends(post)
        held.add(Ask("acme", request_id="r"))
        await held.caught_up("a:acme", 0.01)
        await held.caught_up("a:another", 60.0)
        post.status = 0
        waits = asyncio.ensure_future(held.caught_up("a:acme", 60.0))
        await asyncio.sleep(0)
        post.gate.set()
        await asyncio.wait_for(waits, 5.0)
        assert counters.told() == {"ends failed": 1} and len(held) == 1
        held.close()
        assert counters.told() == {"ends failed": 1, "ends dropped": 1} and not len(held)

    asyncio.run(run())


def test_what_the_service_has_forgotten_by_itself_is_not_told() -> None:
    async def run() -> None:
        now, post, counters = [0.0], Post(), Counters()
        held = Ends(post, Breaker(1, 0.0, 60.0, 60.0), counters, lambda: now[0])
        post.status = 500
        held.add(Ask("acme", request_id="old"))
        await until(lambda: counters.told().get("ends failed") == 1)
        now[0] = LEASE
        post.status = 200
        held.add(Ask("acme", request_id="new"))
        await until(lambda: counters.told() == {"ends dropped": 1, "ends failed": 1, "ends told": 1})
        assert post.came == ["old", "new"]

    asyncio.run(run())


def test_an_end_without_a_loop_waits_for_one_and_another_loop_tells_what_the_first_could_not() -> None:
    post = Post()
    post.status = 0
    held, _, counters = ends(post)
    held.add(Ask("acme", request_id="first"))

    async def add(name: str) -> None:
        held.add(Ask("acme", request_id=name))
        await until(lambda: not post.status or counters.told().get("ends failed", 0) > 0)

    asyncio.run(add("second"))
    post.status = 200

    async def rest() -> None:
        await add("third")
        await until(lambda: counters.told().get("ends told") == 3)

    asyncio.run(rest())
    assert post.came[-3:] == ["first", "second", "third"] and not len(held)


def test_where_the_server_shuts_down_what_is_left_is_told() -> None:
    async def run(service: Service) -> list[str]:
        client = patient(service)
        told: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await echo(scope, receive, send)
                return
            assert (await receive())["type"] == "lifespan.startup"
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
            await send({"type": "lifespan.shutdown.complete"})

        gate = StillwatchMiddleware(app, client)
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            told.append(f"{message['type']} {len(service.ended)}")

        for _ in range(5):
            await call(gate, CHAT, KEY, BODY)
        client.ended(Ask("acme", request_id="last"))
        await gate({"type": "lifespan"}, receive, send)
        return told

    with serving(Service(LEASED)) as service:
        assert asyncio.run(run(service))[-1] == "lifespan.shutdown.complete 6"


@given(st.text(st.characters(), max_size=600), st.text(st.characters(), max_size=1100))
def test_no_two_requests_have_one_name_and_an_end_is_named_as_it_was_asked_about(told: str, account: str) -> None:
    one, other = (Ask(account, "key", request_id=unique(told), reports_end=True) for _ in range(2))
    said, ended = json.loads(one.body()), json.loads(one.end_body())
    assert said["request_id"] == ended["request_id"] != json.loads(other.body())["request_id"]
    assert len(said["request_id"]) <= LONGEST and said["request_id"].startswith(ended["request_id"])
    asks, ends_ = question(one.body()), end(one.end_body())
    assert (asks.account_id, asks.api_key_id, asks.request_id) == (ends_.account_id, ends_.api_key_id, ends_.request_id)
    assert asks.reports_end
