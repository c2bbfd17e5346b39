"""Envoy's external authorization: who asks for what, and what Envoy is told; over HTTP, as an ASGI application.

    granian --interface asgi --factory stillwatch_gateway.envoy:application

Envoy cannot change a body for us. So a refusal is a refusal; limits are counted here or, from dynamic metadata, by
Envoy's own filters; and everything else goes to the upstream, or to routing, in headers that no client can forge.
"""

import os
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from stillwatch_gateway.answers import Ask, Decision, Obligation, tidy
from stillwatch_gateway.asgi import OPERATIONS, encoded, parsed_body, plain, read_body, refuse
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.keys import hashed_key, named
from stillwatch_gateway.limits import Limiter
from stillwatch_gateway.obligations import ANTHROPIC, OPENAI, Ruling, estimated, ruled
from stillwatch_gateway.protobuf import Value
from stillwatch_gateway.settings import from_environment

PREFIX = "x-stillwatch-"
HEALTH = "/stillwatch/health"
MOST_BODY = 4 << 20
MODEL_HEADER = "x-ai-eg-model"
"""Where Envoy AI Gateway names the model. It counts where Envoy does not pass the body on."""

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]


@dataclass(frozen=True)
class Checked:
    """One request that Envoy asks about. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    client_ip: str = ""
    request_id: str = ""
    closed: bool = False

    @property
    def dialect(self) -> str:
        """The provider's shape, for errors."""
        path = self.path.partition("?")[0].rstrip("/")
        return ANTHROPIC if path.endswith("/messages") or "anthropic-version" in self.headers else OPENAI


@dataclass(frozen=True)
class Told:
    """What Envoy is told: the ruling, headers for the upstream, headers to drop, and metadata for its other filters."""

    ruling: Ruling
    upstream: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    metadata: dict[str, Value] = field(default_factory=dict)


class Authorizer:
    """Checks requests. `account_header` names the header in which a gateway before this one puts the account."""

    def __init__(self, client: AsyncClient, account_header: str = "", limiter: Limiter | None = None) -> None:
        self.client = client
        self._account_header = account_header.lower()
        self._limiter = limiter or Limiter()

    async def check(self, request: Checked) -> Told:
        """What holds for a request."""
        ask = self._about(request)
        closed = request.closed or self.client.settings.closed(ask.operation, request.path)
        ruling = ruled(await self.client.decide(ask, closed=closed), ask, self._limiter, request.dialect)
        if ruling.limit is not None:
            self._limiter.gives_back(ask.who, ruling.limit)  # Envoy does not tell when a request has ended
        upstream = {} if ruling.refusal is not None else upstream_headers(ruling.decision)
        forged = tuple(sorted(name for name in request.headers if name.startswith(PREFIX) and name not in upstream))
        return Told(ruling, upstream, forged, metadata(ask, ruling.decision))

    def _about(self, request: Checked) -> Ask:
        headers = request.headers
        body = parsed_body(request.body) or {}
        path = request.path.partition("?")[0].rstrip("/")
        return Ask(
            named(headers.get(self._account_header, "")) if self._account_header else "",
            hashed_key(headers.get("authorization", ""), headers.get("x-api-key", "")),
            tidy(body.get("user")), tidy(body.get("model")) or tidy(headers.get(MODEL_HEADER)),
            OPERATIONS.get(path.rpartition("/")[2], "other"), request.client_ip,
            estimated(body, len(request.body)), request.request_id or uuid.uuid4().hex,
        )  # fmt: skip


def upstream_headers(decision: Decision) -> dict[str, str]:
    """What the upstream, and routing, are told of a request that goes on; nothing where nothing binds."""
    if not decision.binding:
        return {}
    held = [one for one in decision.obligations if decision.obligation(one.type) is one]
    named = {
        "decision": decision.decision_id, "obligations": ", ".join(map(_said, held)),
        "model": next((one.word("to") for one in held if one.type == "fallback_model"), ""),
    }  # fmt: skip
    return {
        PREFIX + name: "".join(letter if " " <= letter <= "~" else "?" for letter in value)[:2000]
        for name, value in named.items() if value
    }  # fmt: skip


def _said(one: Obligation) -> str:
    return ";".join([one.type, *(f"{name}={value}" for name, value in sorted(one.settings.items()))])


def metadata(ask: Ask, decision: Decision) -> dict[str, Value]:
    """Dynamic metadata: the tenant, and its limits as numbers, for Envoy's rate limits, routing and access log."""
    out: dict[str, Value] = {
        "tenant": ask.account_id or ask.api_key_id, "decision_id": decision.decision_id, "verdict": decision.verdict,
        "mode": decision.mode,
    }  # fmt: skip
    for one in decision.obligations:
        if decision.obligation(one.type) is one:
            out |= {name: value for name, value in one.settings.items() if isinstance(value, int)}
            out |= {"fallback_model": one.word("to")} if one.type == "fallback_model" else {}
    out["obligations"] = [one.type for one in decision.obligations if decision.obligation(one.type) is one]
    return out


class HttpService:
    """`ext_authz` with an `http_service`: 200 lets a request on, any other status is the client's answer."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        if scope["path"] == HEALTH:
            await _allow(send, {})
            return
        raw = await read_body(receive, MOST_BODY)
        if raw is None:
            return
        headers = _merged(scope["headers"])
        request = Checked(scope["path"], headers, raw[:MOST_BODY], client_address(headers), _id(headers))
        if len(raw) > MOST_BODY:
            await refuse(send, plain(413, "The request is too large.", request.dialect))
            return
        told = await self._authorizer.check(request)
        if told.ruling.refusal is not None:
            await refuse(send, told.ruling.refusal)
            return
        numbers = {
            f"{PREFIX}limit-{name.replace('_', '-')}": str(value)
            for name, value in told.metadata.items() if isinstance(value, int)
        }  # fmt: skip
        forged = ",".join(name for name in told.dropped if name not in numbers)  # Envoy removes after it has set
        dropped = {"x-envoy-auth-headers-to-remove": forged} if forged else {}
        await _allow(send, {**told.ruling.headers, **told.upstream, **numbers, **dropped})


def _merged(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in raw:
        key, held = name.decode("latin-1").lower(), value.decode("latin-1")
        out[key] = f"{out[key]},{held}" if key in out else held
    return out


def client_address(headers: Mapping[str, str]) -> str:
    """The client's address as Envoy has found it, else the last that was forwarded."""
    return headers.get("x-envoy-external-address") or headers.get("x-forwarded-for", "").rpartition(",")[2].strip()


def _id(headers: Mapping[str, str]) -> str:
    return headers.get("x-request-id", "")


async def _allow(send: Callable[[Message], Awaitable[None]], headers: dict[str, str]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": encoded({**headers, "content-length": "0"})})
    await send({"type": "http.response.body", "body": b""})


def authorizer() -> Authorizer:
    """What checks, with its settings from the environment; STILLWATCH_ACCOUNT_HEADER names the account's header."""
    return Authorizer(AsyncClient(from_environment()), os.environ.get("STILLWATCH_ACCOUNT_HEADER", ""))


def application() -> HttpService:
    """The ASGI application."""
    return HttpService(authorizer())
