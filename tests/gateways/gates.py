"""Each gateway as one thing: a function that puts one request of an account through it and says what came of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from stillwatch_gateway.answers import Ask
from stillwatch_gateway.asgi import StillwatchMiddleware
from stillwatch_gateway.client import AsyncClient, Client
from stillwatch_gateway.envoy import Authorizer, HttpService
from stillwatch_gateway.envoy_grpc import started
from stillwatch_gateway.guardrail import PATH, Guardrail
from stillwatch_gateway.settings import Settings

from tests.gateways.envoys import METHOD, check_request, read

Request = Callable[[str], Awaitable[str]]
"""From an account to `on`, `on, told` (with the cap that the service answers) or what went wrong."""

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "large", "messages": [{"role": "user", "content": "Say it"}]}).encode()
CAP = "cap_max_tokens"


async def call(app: Any, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """One POST of an ASGI application, without a network."""
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": raw, "client": ("203.0.113.9", 1)}
    await app(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """A server that answers with the body that it got."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": message["body"]})


def _threads(settings: Settings) -> Request:
    client = Client(settings)

    async def request(account: str) -> str:
        held = client.decide(Ask(account, model="large"))
        return "on, told" if held.decision.obligation(CAP) else "on"

    return request


def _asyncio(settings: Settings) -> Request:
    client = AsyncClient(settings)

    async def request(account: str) -> str:
        held = await client.decide(Ask(account, model="large"))
        return "on, told" if held.decision.obligation(CAP) else "on"

    return request


def _middleware(settings: Settings) -> Request:
    app = StillwatchMiddleware(echo, AsyncClient(settings))

    async def request(account: str) -> str:
        status, headers, body = await call(app, CHAT, {"authorization": f"Bearer {account}"}, BODY)
        capped = json.loads(body).get("max_completion_tokens") == 64
        wrong = capped != ("x-stillwatch-notice" in headers)
        return str(status) if status != 200 or wrong else "on, told" if capped else "on"

    return request


def _guardrail(settings: Settings) -> Request:
    app = Guardrail(AsyncClient(settings))

    async def request(account: str) -> str:
        body = {"input_type": "request", "request_data": {"user_api_key_user_id": account}, "texts": ["Say it"]}
        status, _, raw = await call(app, PATH, {}, json.dumps(body).encode())
        return "on" if (status, json.loads(raw)) == (200, {"action": "NONE"}) else str(status)

    return request


def _http(settings: Settings) -> Request:
    app = HttpService(Authorizer(AsyncClient(settings)))

    async def request(account: str) -> str:
        status, headers, _ = await call(app, CHAT, {"authorization": f"Bearer {account}"}, BODY)
        told = CAP in headers.get("x-stillwatch-obligations", "")
        return str(status) if status != 200 else "on, told" if told else "on"

    return request


GATES: dict[str, Callable[[Settings], Request]] = {
    "client, threads": _threads, "client, asyncio": _asyncio, "ASGI middleware": _middleware,
    "LiteLLM guardrail wire": _guardrail, "Envoy over HTTP": _http,
}  # fmt: skip
GRPC = "Envoy over gRPC"
NAMES = (*GATES, GRPC)


@asynccontextmanager
async def gate(name: str, settings: Settings) -> AsyncIterator[Request]:
    """A gateway by its name; Envoy's over gRPC with a server and a channel on loopback."""
    if name != GRPC:
        yield GATES[name](settings)
        return
    server, port = await started(Authorizer(AsyncClient(settings)), "127.0.0.1:0")
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_unary(METHOD)

            async def request(account: str) -> str:
                raw = check_request(CHAT, {"authorization": f"Bearer {account}"}, BODY)
                held = read(await method(raw, timeout=10))
                told = CAP in held.headers.get("x-stillwatch-obligations", "")
                return str(held.status) if not held.ok else "on, told" if told else "on"

            yield request
    finally:
        await server.stop(None)


def run(main: Awaitable[Any]) -> Any:
    """Run a coroutine to its end."""

    async def outer() -> Any:
        return await main

    return asyncio.run(outer())
