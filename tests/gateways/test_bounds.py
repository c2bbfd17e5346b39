"""What bounds memory, and what is read from whom: streams, answers, chunks, keys and addresses."""

import asyncio
from typing import Any

import pytest
from stillwatch_gateway.answers import Garbage
from stillwatch_gateway.asgi import StillwatchMiddleware
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.envoy import client_address
from stillwatch_gateway.guardrail import asked
from stillwatch_gateway.keys import hashed_key
from stillwatch_gateway.reasoning import MOST_EVENT, Stream
from stillwatch_gateway.settings import Settings
from stillwatch_gateway.unreasoned import MOST_ANSWER, Unreasoned
from stillwatch_gateway.wire import Reading

from tests.gateways.gates import BODY, CHAT, call
from tests.gateways.service import TOKEN, Service, decision, serving

HIDES = decision({"type": "hide_reasoning"})


def test_chunks_are_bounded_together_and_bytes_after_an_answer_end_its_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"9c40\r\n" + b"x" * 40_000 + b"\r\n"
    reading = Reading()
    reading.feed(head + chunk)
    with pytest.raises(Garbage, match="too long"):
        reading.feed(chunk[:40_010])
    for more, keeps in ((b"", True), (b"HTTP/1.1 200 OK\r\n", False)):
        reading = Reading()
        reading.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" + more)
        assert (reading.body, reading.keeps) == (b"{}", keeps)
    reading = Reading()
    reading.feed(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
    assert reading.done and not reading.keeps


def test_an_event_without_an_end_is_left_out_and_the_next_one_comes() -> None:
    stream = Stream()
    for _ in range(50):
        assert stream.feed(b"data: " + b"x" * (MOST_EVENT // 20)) == b""
        assert len(stream._held) <= MOST_EVENT
    assert stream.feed(b"tail\n\n" + b'data: {"a": 1}\n\n') == b'data: {"a": 1}\n\n'


def test_a_whole_answer_is_bounded_and_one_that_cannot_be_read_does_not_go_out() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    half = {"type": "http.response.body", "body": b"x" * (MOST_ANSWER // 2), "more_body": True}

    async def sent(*bodies: dict[str, Any]) -> tuple[list[Any], Unreasoned]:
        out: list[Any] = []

        async def send(message: Any) -> None:
            out.append(message)

        held = Unreasoned(send)
        await held.send(dict(start))
        for body in bodies:
            await held.send(body)
        return out, held

    out, held = asyncio.run(sent(half, half, half, half, {"type": "http.response.body", "body": b"end"}))
    assert out[0]["status"] == 502 and sum(map(len, held._held)) <= MOST_ANSWER
    out, _ = asyncio.run(sent({"type": "http.response.body", "body": b'{"reasoning_content": "no'}))
    assert out[0]["status"] == 502 and b"reasoning_content" not in out[1]["body"]


def test_a_server_that_must_be_read_is_not_asked_for_a_compressed_answer() -> None:
    got: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        got.extend(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    for script, wanted in ((HIDES, False), (decision({"type": "strip_logprobs"}), True)):
        got.clear()
        with serving(Service(script)) as service:
            app = StillwatchMiddleware(inner, AsyncClient(Settings(service.url, TOKEN, within=6.0, ask_within=5.0)))
            asyncio.run(call(app, CHAT, {"authorization": "Bearer k", "accept-encoding": "gzip"}, BODY))
        assert (b"accept-encoding" in got) == wanted


def test_a_key_is_a_bearers_and_an_address_is_of_the_nearest_proxy() -> None:
    keys = [hashed_key(*held) for held in (("Bearer k", ""), ("bearer  k ", "x"), ("Basic z", "k"), ("", "k"))]
    assert len(set(keys)) == 1 and len(keys[0]) == 64
    assert hashed_key("Basic k", "") == hashed_key("Bearer ", "") == ""
    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.7"}
    assert client_address(forwarded) == "203.0.113.7"
    assert client_address({**forwarded, "x-envoy-external-address": "203.0.113.8"}) == "203.0.113.8"
    assert asked({"request_headers": {"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}}).client_ip == "203.0.113.7"
