"""Bodies of all routes: within a time and a size, and a bound of requests that wait."""

import asyncio
import logging
import time
from typing import Any

import pytest

from stillwatch.service.decisions import Decisions
from stillwatch.service.reading import AtOnce, Awaited
from stillwatch.service.wire import Refused
from tests.service.helpers import Service, call

JSON = (b"content-type", b"application/json")


def scope_of(token: str, path: str = "/v1/undo", length: int = 100) -> dict[str, Any]:
    """A request whose body is still to come."""
    held = [JSON, (b"authorization", f"Bearer {token}".encode()), (b"content-length", str(length).encode())]
    return {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": held, "http_version": "1.1", "scheme": "http", "server": None, "client": None, "root_path": "",
        "asgi": {"version": "3.0"},
    }  # fmt: skip


def never_come(app: Decisions, scope: dict[str, Any], times: int) -> tuple[list[Any], list[int]]:
    """Requests whose bodies never come: what was sent, and how many were ended at once and after six seconds."""
    sent: list[Any] = []
    ended: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    async def slow() -> None:
        tasks = [asyncio.get_running_loop().create_task(app(dict(scope), receive, send)) for _ in range(times)]
        await asyncio.sleep(0)
        ended.extend((app.sweep(time.monotonic()), app.sweep(time.monotonic() + 6)))
        await asyncio.wait_for(asyncio.gather(*tasks), 5)

    asyncio.run(slow())
    return [one for one in sent if one["type"] == "http.response.start"], ended


@pytest.mark.parametrize("path", ["/v1/undo", "/v1/review", "/v1/propose", "/v1/appeals", "/v1/challenges/passed"])
def test_a_body_that_does_not_come_is_ended_on_every_route(service: Service, path: str) -> None:
    role = "lead" if path == "/v1/challenges/passed" else "analyst"
    starts, ended = never_come(service.app, scope_of(service.tokens[role], path), 1)
    assert [one["status"] for one in starts] == [408] and ended == [0, 1]
    assert (b"connection", b"close") in starts[0]["headers"]
    assert not service.app.others and not service.app.waiting


def test_bodies_that_do_not_come_hold_some_places_and_no_decision(service: Service) -> None:
    starts, ended = never_come(service.app, scope_of(service.tokens["analyst"]), 40)
    assert sorted(one["status"] for one in starts) == [408] * 16 + [503] * 24 and ended == [0, 16]
    assert all((b"retry-after", b"1") in one["headers"] for one in starts if one["status"] == 503)
    assert service.decide()["verdict"] == "allow"


def test_who_lets_go_is_no_fault(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    with caplog.at_level(logging.DEBUG, "stillwatch.service"):
        asyncio.run(service.app(scope_of(service.tokens["analyst"]), receive, send))
    assert sent[0]["status"] == 400 and not caplog.records


def test_a_body_longer_than_it_says_is_not_read_on(service: Service) -> None:
    said = [JSON, (b"content-length", b"10")]
    status, headers, _ = call(
        service.app, path="/v1/undo", token=service.tokens["lead"], headers=said, parts=[b" " * 131_000] * 9
    )
    assert status == 413 and headers[b"connection"] == b"close"


def test_places_are_bounded_for_all_and_for_each() -> None:
    places = AtOnce(3, 2)
    with places.place("a"), places.place("a"):
        with pytest.raises(Refused, match="overloaded"), places.place("a"):
            pass
        with places.place("b"), pytest.raises(Refused, match="overloaded"), places.place("c"):
            pass
        with places.place("c"):
            pass
    with places.place("a"), places.place("b"), places.place("c"):
        pass


def test_a_body_in_time_is_whole() -> None:
    pieces = [b"a", b"b", b""]

    async def receive() -> dict[str, Any]:
        part = pieces.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(pieces)}

    assert asyncio.run(Awaited(2).body(receive)) == b"ab"
