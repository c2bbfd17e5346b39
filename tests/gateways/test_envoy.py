"""Envoy asks before a request goes on: over gRPC by a client that speaks the protocol, and over HTTP."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillwatch_gateway import protobuf
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.envoy import HEALTH, Authorizer, HttpService
from stillwatch_gateway.envoy_grpc import answered, checked, started
from stillwatch_gateway.settings import Settings

from tests.gateways.envoys import METHOD, Checked, check_request, read, split
from tests.gateways.service import ALLOW, TOKEN, WORST, Service, decision, serving

CHAT = "/v1/chat/completions?beta=1"
BODY = json.dumps({"model": "large", "max_tokens": 10, "messages": [], "user": "u"}).encode()
HEADERS = {"authorization": "Bearer sk-customer", "x-request-id": "e-7"}
HASHED = hashlib.sha256(b"sk-customer").hexdigest()
Asks = Callable[[bytes], Awaitable[Checked]]


def over_grpc(service: Service, run: Callable[[Asks], Awaitable[Any]], **more: Any) -> Any:
    """Run against a server of ours on loopback, with a channel of grpc."""

    async def main() -> Any:
        settings = Settings(service.url, TOKEN, **{"within": 6.0, "ask_within": 5.0, **more})
        server, port = await started(Authorizer(AsyncClient(settings)), "127.0.0.1:0")
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = channel.unary_unary(METHOD)

                async def asks(raw: bytes) -> Checked:
                    return read(await call(raw, timeout=10))

                return await run(asks)
        finally:
            await server.stop(None)

    return asyncio.run(main())


def one(service: Service, raw: bytes, **more: Any) -> Checked:
    async def run(asks: Asks) -> Checked:
        return await asks(raw)

    held = over_grpc(service, run, **more)
    assert isinstance(held, Checked)
    return held


@pytest.mark.parametrize(("raw_headers", "raw_body"), [(False, False), (True, True)])
def test_what_envoy_asks_is_what_the_service_is_asked(raw_headers: bool, raw_body: bool) -> None:
    with serving(Service()) as service:
        raw = check_request(CHAT, HEADERS, BODY, raw_headers=raw_headers, raw_body=raw_body)
        answer = one(service, raw)
        assert (answer.ok, answer.code, answer.headers, answer.response_headers) == (True, 0, {}, {})
        said = service.asked[0]
        assert said.pop("estimated_tokens") >= 10
        assert said == {
            "api_key_id": HASHED, "model": "large", "operation": "chat", "end_user_id": "u", "request_id": "e-7",
            "client_ip": "198.51.100.4",
        }  # fmt: skip
        assert answer.metadata == {
            "tenant": HASHED, "decision_id": "D-1", "verdict": "allow", "mode": "enforce", "obligations": [],
        }  # fmt: skip


def test_limits_of_a_tenant_are_in_the_metadata_and_other_obligations_in_headers() -> None:
    held = decision(
        {"type": "rate_limit", "requests_per_minute": 600, "tokens_per_minute": 90_000},
        {"type": "cap_max_tokens", "max_tokens": 64}, {"type": "fallback_model", "to": "small"}, notice="Under review.",
    )  # fmt: skip
    forged = {
        **HEADERS,
        "x-stillwatch-decision": "mine",
        "x-stillwatch-skip": "1",
        "x-forwarded-for": "8.8.8.8, 203.0.113.7",
    }
    with serving(Service(held)) as service:
        answer = one(service, check_request(CHAT, forged, BODY))
        assert service.asked[0]["client_ip"] == "203.0.113.7"
    assert answer.ok and answer.removed == ["x-stillwatch-skip"]
    assert answer.headers == {
        "x-stillwatch-decision": "D-1", "x-stillwatch-model": "small",
        "x-stillwatch-obligations": "rate_limit;requests_per_minute=600;tokens_per_minute=90000, "
        "cap_max_tokens;max_tokens=64, fallback_model;to=small",
    }  # fmt: skip
    assert answer.response_headers["x-stillwatch-notice"].startswith("Under review.; ")
    wanted = {
        "requests_per_minute": 600.0,
        "tokens_per_minute": 90_000.0,
        "max_tokens": 64.0,
        "fallback_model": "small",
    }
    assert wanted.items() <= answer.metadata.items()
    assert answer.metadata["obligations"] == ["rate_limit", "cap_max_tokens", "fallback_model"]


def test_refusals_and_limits_over_grpc() -> None:
    hold = decision({"type": "hold"}, verdict="deny", notice="Please write to us.", appeal_url="https://x/appeal")
    with serving(Service(hold)) as service:
        answer = one(service, check_request(CHAT, HEADERS, BODY))
        assert (answer.ok, answer.code, answer.status) == (False, 7, 403)
        assert json.loads(answer.body)["error"]["appeal_url"] == "https://x/appeal"
        assert answer.headers["content-type"] == "application/json"
        service.script = {**hold, "mode": "shadow"}
        answer = one(service, check_request(CHAT, HEADERS, BODY))
        assert (answer.ok, answer.headers, answer.metadata["mode"]) == (True, {}, "shadow")
        service.script = decision({"type": "rate_limit", "requests_per_minute": 2}, ttl_s=60)

        async def thrice(asks: Asks) -> list[int]:
            return [(await asks(check_request(CHAT, HEADERS, BODY))).code for _ in range(3)]

        assert over_grpc(service, thrice) == [0, 0, 8]
        service.script = decision({"type": "rate_limit", "concurrency": 1}, ttl_s=60)
        assert over_grpc(service, thrice) == [0, 0, 0]  # Envoy does not say when a request has ended


def test_a_route_that_is_closed_while_nobody_answers() -> None:
    with serving(Service(WORST["broken"])) as service:
        closed = check_request(CHAT, HEADERS, BODY, extensions={"stillwatch_fail_closed": "true"})
        answer = one(service, closed)
        assert (answer.ok, answer.code, answer.status) == (False, 14, 503)
        assert one(service, check_request(CHAT, HEADERS, BODY)).ok
        path = frozenset({"/v1/chat"})
        assert one(service, check_request(CHAT, HEADERS, BODY), fail_closed=path).status == 503


def test_bytes_that_are_no_request_are_an_error_of_the_call() -> None:
    async def run(asks: Asks) -> list[str]:
        out = []
        for raw in (b"\xff", b"\x0a\x05ab", b"\x0b\x00", check_request(CHAT, HEADERS, BODY)[:-3]):
            try:
                await asks(raw)
            except grpc.aio.AioRpcError as error:
                out.append(error.code().name)
        return out

    with serving(Service()) as service:
        assert over_grpc(service, run) == ["INVALID_ARGUMENT"] * 4
        assert one(service, b"").ok  # an empty request is one: nobody is named


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_malformed(raw: bytes) -> None:
    try:
        held = checked(raw)
    except protobuf.Malformed:
        return
    assert isinstance(held.path, str)


LEAF = st.text(max_size=9) | st.booleans() | st.floats(allow_nan=False)
VALUE = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(st.text(max_size=5), LEAF, max_size=3)


@given(st.dictionaries(st.text(max_size=9), VALUE, max_size=5))
def test_metadata_is_read_as_it_was_meant(held: dict[str, Any]) -> None:
    from stillwatch_gateway.envoy import Told
    from stillwatch_gateway.obligations import Ruling

    from tests.gateways.test_client import parsed

    ruling = Ruling(parsed(json.dumps(ALLOW).encode()))
    assert read(answered(Told(ruling, {}, (), held))).metadata == held


@given(st.integers(1, 2**29 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=300))
def test_fields_are_read_by_another_reader(place: int, value: int, raw: bytes) -> None:
    message = protobuf.number(place, value) + protobuf.nested(place, raw)
    assert split(message) == [(place, value), (place, raw)]
    assert protobuf.fields(message) == {place: [value, raw]}


def over_http(service: Service, path: str, headers: dict[str, str], body: bytes = b"", **more: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        held = Authorizer(AsyncClient(Settings(service.url, TOKEN, within=6.0, ask_within=5.0)), **more)
        transport = httpx.ASGITransport(HttpService(held))
        async with httpx.AsyncClient(transport=transport, base_url="http://check") as client:
            return await client.request("POST", path, content=body, headers=headers)

    return asyncio.run(run())


def test_external_authorization_over_http() -> None:
    with serving(Service()) as service:
        assert over_http(service, HEALTH, {}).status_code == 200
        assert not service.asked
        model = {**HEADERS, "x-ai-eg-model": "large", "x-tenant": "acme", "x-forwarded-for": "9.9.9.9,203.0.113.7"}
        answer = over_http(service, CHAT, model, account_header="X-Tenant")
        assert (answer.status_code, answer.content) == (200, b"")
        asked = service.asked[0]
        assert (asked["account_id"], asked["model"], asked["client_ip"]) == ("acme", "large", "203.0.113.7")
        service.script = decision({"type": "rate_limit", "requests_per_minute": 600}, {"type": "strip_logprobs"})
        answer = over_http(service, CHAT, {**HEADERS, "x-stillwatch-skip": "1"}, BODY)
        assert answer.headers["x-stillwatch-obligations"] == "rate_limit;requests_per_minute=600, strip_logprobs"
        assert answer.headers["x-stillwatch-limit-requests-per-minute"] == "600"
        assert answer.headers["x-envoy-auth-headers-to-remove"] == "x-stillwatch-skip"
        forged = {**HEADERS, "x-stillwatch-limit-requests-per-minute": "9", "x-stillwatch-limit-x": "9"}
        answer = over_http(service, CHAT, forged, BODY)
        assert answer.headers["x-stillwatch-limit-requests-per-minute"] == "600"
        assert answer.headers["x-envoy-auth-headers-to-remove"] == "x-stillwatch-limit-x", "ours must not be removed"
        service.script = decision({"type": "challenge", "kind": "identity"})
        answer = over_http(service, "/v1/messages", HEADERS, BODY)
        assert (answer.status_code, answer.json()["type"]) == (403, "error")
        assert answer.json()["error"]["verification"] == "identity"
        assert over_http(service, CHAT, HEADERS, b"x" * (4 << 20 | 1)).status_code == 413
