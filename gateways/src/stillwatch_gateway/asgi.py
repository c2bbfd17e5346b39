"""Middleware for vLLM, SGLang and any other ASGI application that serves a model.

    vllm serve MODEL --middleware stillwatch_gateway.asgi.StillwatchMiddleware
    app.add_middleware(StillwatchMiddleware)

Each POST is asked about, whatever its path, but for those that are exempt; a WebSocket when it opens. The request's
body is read whole (bounded), changed where a decision obliges to, and replayed. A request has ended when the last of
its answer is sent, or when the application returns or raises.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from stillwatch_gateway.answers import Ask, tidy, unique
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.keys import hashed_key, named
from stillwatch_gateway.limits import Limiter
from stillwatch_gateway.obligations import ANTHROPIC, OPENAI, Refusal, Ruling, change, estimated, ruled
from stillwatch_gateway.runs import Run
from stillwatch_gateway.settings import from_environment
from stillwatch_gateway.unreasoned import Unreasoned

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

EXEMPT = frozenset({"/health", "/ping", "/metrics", "/tokenize", "/detokenize", "/v1/messages/count_tokens"})
MOST_BODY = 32 << 20
"""Bytes of a request that are read; a longer one is refused, since what is not read cannot be changed."""

OPERATIONS = {
    "completions": "chat", "messages": "chat", "responses": "chat", "embeddings": "embeddings", "generate": "chat",
}  # fmt: skip


def header(scope: Scope, name: str) -> str:
    """A header of a request, the first of its name; empty where there is none."""
    wanted = name.lower().encode("latin-1")
    return next((value.decode("latin-1") for held, value in scope["headers"] if held.lower() == wanted), "")


def by_key(scope: Scope) -> Ask:
    """Who asks: the key; or the account in the header that STILLWATCH_ACCOUNT_HEADER names, which whoever stands before
    this server must set or remove."""
    wanted = os.environ.get("STILLWATCH_ACCOUNT_HEADER", "")
    client = scope.get("client") or ("",)
    return Ask(
        named(header(scope, wanted)) if wanted else "",
        hashed_key(header(scope, "authorization"), header(scope, "x-api-key")),
        client_ip=str(client[0]),
    )


class StillwatchMiddleware:
    """Ask before the application answers. `who` tells from a scope whose request it is."""

    def __init__(
        self, app: App, client: AsyncClient | None = None, *, who: Callable[[Scope], Ask] = by_key,
        exempt: frozenset[str] = EXEMPT, most_body: int = MOST_BODY, limiter: Limiter | None = None,
    ) -> None:  # fmt: skip
        self.app = app
        self.client = client or AsyncClient(from_environment())
        self._who = who
        self._exempt = exempt
        self._most_body = most_body
        self._limiter = limiter or Limiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] != "http" or scope["method"] != "POST" or scope["path"].rstrip("/") in self._exempt:
            await self.app(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        dialect = ANTHROPIC if path.endswith("/messages") or header(scope, "anthropic-version") else OPENAI
        raw = await read_body(receive, self._most_body)
        if raw is None:
            return
        if len(raw) > self._most_body:
            await refuse(send, plain(413, "The request is too large.", dialect))
            return
        body = parsed_body(raw)
        ask = self._about(scope, path, body or {}, len(raw))
        outcome = await self.client.decide(ask, closed=self.client.settings.closed(ask.operation, path))
        ruling = ruled(outcome, ask, self._limiter, dialect)
        run = Run(self.client, self._limiter, ask, ruling)
        try:
            if ruling.refusal is not None:
                await refuse(send, ruling.refusal)
            elif body is None and ruling.rewrites and "multipart" not in header(scope, "content-type").lower():
                await refuse(send, plain(400, "The request's body is no JSON object.", dialect))
            else:
                if body is not None and ruling.rewrites:
                    change(body, ruling.decision, dialect, path)
                    raw = json.dumps(body).encode("ascii")
                await self._pass_on(scope, receive, send, raw, ruling, run)
        finally:
            run.end()

    def _about(self, scope: Scope, path: str, body: dict[str, Any], length: int) -> Ask:
        operation = OPERATIONS.get(path.rpartition("/")[2], "other")
        about = body.get("metadata")
        user = body.get("user") or (about.get("user_id") if isinstance(about, dict) else "")
        return replace(
            self._who(scope), end_user_id=tidy(user), model=tidy(body.get("model")), operation=operation,
            estimated_tokens=estimated(body, length), request_id=unique(header(scope, "x-request-id")),
            reports_end=True,
        )  # fmt: skip

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, raw: bytes, ruling: Ruling, run: Run
    ) -> None:  # fmt: skip
        """Hand the request to the application as if it had just come, and its answer to the customer."""
        drop = {b"content-length", b"transfer-encoding"} | ({b"accept-encoding"} if ruling.hides_reasoning else set())
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in drop]
        inner = {**scope, "headers": [*kept, (b"content-length", str(len(raw)).encode())]}
        out = Unreasoned(send).send if ruling.hides_reasoning else send
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": raw, "more_body": False}

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *encoded(ruling.headers)]
            await out(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                run.end()  # what the application does in the background is no answer any more

        await self.app(inner, replay, told)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket is refused or let through whole: what is said in it cannot be changed here."""
        ask = replace(self._who(scope), operation="realtime", request_id=unique(), reports_end=True)
        closed = self.client.settings.closed(ask.operation, scope["path"])
        ruling = ruled(await self.client.decide(ask, closed=closed), ask, self._limiter)
        run = Run(self.client, self._limiter, ask, ruling)
        try:
            if ruling.refusal is not None or ruling.rewrites:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
            else:
                await self.app(scope, receive, send)
        finally:
            run.end()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Where the server shuts down, tell what is left."""

        async def told(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.client.aclose()
            await send(message)

        await self.app(scope, receive, told)


async def read_body(receive: Receive, most: int) -> bytes | None:
    """The body of a request, or as much of it as shows that it is longer than `most`; None where the client left."""
    held: list[bytes] = []
    length = 0
    while length <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        held.append(message.get("body", b""))
        length += len(held[-1])
        if not message.get("more_body", False):
            break
    return b"".join(held)


def parsed_body(raw: bytes) -> dict[str, Any] | None:
    """The JSON object in a body, whatever its content type says; None where there is none."""
    try:
        held = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None


def plain(status: int, message: str, dialect: str) -> Refusal:
    """An error about the request itself, in the provider's shape."""
    error: dict[str, Any] = {"type": "invalid_request_error", "message": message}
    return Refusal(status, {"type": "error", "error": error} if dialect == ANTHROPIC else {"error": error}, {})


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answer with an error."""
    body = refusal.encoded()
    fixed = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers = [*fixed, *encoded(refusal.headers)]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
