"""What a group runs at once, counted by the real service: the gateways tell it when a request has ended."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from stillwatch_gateway.answers import Ask
from stillwatch_gateway.asgi import Scope, StillwatchMiddleware, header
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.settings import Settings

from stillwatch.records import InForce, Rung
from tests.conftest import key_in
from tests.gateways.gates import BODY, CHAT, call, echo
from tests.gateways.real import Real, environment, gateway
from tests.gateways.served import running
from tests.gateways.test_real import BUILT, live
from tests.gateways.test_real import limit as limited_to

pytestmark = pytest.mark.slow
MOST = 3


def group(name: str, *accounts: str, most: int = MOST) -> list[InForce]:
    """Accounts that may run so many at once together."""
    return [live(one, Rung.LIMIT, limited_to(concurrency=most), group=name, reason_code="usage_limit")
            for one in accounts]  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("real")
    held = Real(folder / "store", key_in(folder), "--ttl", "0")
    yield held
    held.kill()


def who(scope: Scope) -> Ask:
    return Ask(header(scope, "x-account"))


class Model:
    """A server of models that answers when it is told to, in one of several ways."""

    def __init__(self) -> None:
        self.gates: list[tuple[asyncio.Event, list[str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        leaves, how = asyncio.Event(), ["well"]
        self.gates.append((leaves, how))
        await leaves.wait()
        if how[0] == "raises":
            raise RuntimeError("the model is gone")
        if how[0] == "is left":
            raise asyncio.CancelledError
        await echo(scope, receive, send)

    def leave(self, how: str) -> None:
        """Let the request end that runs longest."""
        leaves, told = self.gates.pop(0)
        told[0] = how
        leaves.set()


def test_a_group_runs_no_more_at_once_than_it_may_through_two_gateways(real: Real) -> None:
    """Three of two accounts run, through two gateways that do not know each other: the fourth is one too many, from
    whichever account; each end lets one more in, however it came to be."""
    real.publish(*group("C-once", "one", "two"))

    async def run() -> None:
        model = Model()
        clients = [AsyncClient(Settings(real.url, real.token, within=6.0, ask_within=5.0)) for _ in range(2)]
        gates = [StillwatchMiddleware(model, client, who=who) for client in clients]
        place = 0

        async def begin() -> "asyncio.Future[Any]":
            """The next request, of the next account through the next gateway; all call themselves the same."""
            nonlocal place
            place += 1
            headers = {"x-account": ("one", "two")[place % 2], "x-request-id": "same"}
            request = asyncio.ensure_future(call(gates[place // 2 % 2], CHAT, headers, BODY))
            before = len(model.gates)
            async with asyncio.timeout(20):
                while not request.done() and len(model.gates) == before:
                    await asyncio.sleep(0.002)
            return request

        running_ = [await begin() for _ in range(MOST)]
        assert not any(one.done() for one in running_)
        for how in ("well", "raises", "is left", "well"):
            for _ in range(4):  # of either account, through either gateway
                status, headers, body = (await begin()).result()
                assert (status, headers["retry-after"]) == (429, "1")
                assert json.loads(body)["error"]["type"] == "rate_limit_error"
            told = sum(client.counters.told().get("ends told", 0) for client in clients)
            model.leave(how)
            with contextlib.suppress(RuntimeError, asyncio.CancelledError):
                await running_.pop(0)
            async with asyncio.timeout(20):
                while sum(client.counters.told().get("ends told", 0) for client in clients) == told:
                    await asyncio.sleep(0.002)
            running_.append(await begin())
            assert not running_[-1].done()
        for _ in range(MOST):
            model.leave("well")
        assert [one[0] for one in await asyncio.gather(*running_)] == [200] * MOST
        for client in clients:
            await client.aclose()
        assert sum(client.counters.told()["ends told"] for client in clients) == MOST + 4

    asyncio.run(run())


def test_one_after_another_is_never_one_too_many(real: Real) -> None:
    """Whoever may run one at once, and waits for each answer, is never told to wait."""
    real.publish(*group("C-chain", "chain", most=1))

    async def run() -> set[int]:
        client = AsyncClient(Settings(real.url, real.token, within=6.0, ask_within=5.0))
        gate = StillwatchMiddleware(echo, client, who=who)
        came = {(await call(gate, CHAT, {"x-account": "chain"}, BODY))[0] for _ in range(500)}
        await client.aclose()
        assert client.counters.told()["ends told"] == 500
        return came

    assert asyncio.run(run()) == {200}


def test_a_served_stream_holds_its_place_until_it_is_over_or_left(real: Real) -> None:
    """The middleware before granian's Starlette, over sockets."""
    real.publish(*group("C-served", "first", "second", most=1))
    body = {"model": "large", "messages": [], "stream": True, "pause": 0.4}
    with ExitStack() as stack:
        url = stack.enter_context(running("tests.gateways.served_app:app", environment(real)))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=20))

        def other() -> int:
            return client.post(CHAT, json={**body, "stream": False}, headers={"x-account": "second"}).status_code

        for reads_all in (True, False):
            with client.stream("POST", CHAT, json=body, headers={"x-account": "first"}) as answer:
                lines = answer.iter_lines()
                assert next(lines)
                assert other() == 429
                if reads_all:
                    assert [line for line in lines if line][-1] == "data: [DONE]"
            comes_to(other, 200)


@BUILT
def test_a_proxy_with_the_plugin_tells_the_service_too(real: Real, tmp_path: Path) -> None:
    """One at once for two accounts: one after another, each time the other's, all pass."""
    real.publish(*group("C-plugin", "p1", "p2", most=1))
    with ExitStack() as stack:
        send = gateway("plugin", stack, tmp_path / "proxy", real, ("p1", "p2"))
        for place in range(8):
            comes_to(lambda account=f"p{1 + place % 2}": send(account, {"model": "large", "messages": [
                {"role": "user", "content": "Say it"}]}).status, 200, within=2.0)  # fmt: skip


def comes_to(asks: Callable[[], int], status: int, within: float = 20.0) -> None:
    """Ask until the end has come to the service, which takes some milliseconds."""
    until = time.monotonic() + within
    while asks() != status:
        assert time.monotonic() < until
        time.sleep(0.02)
