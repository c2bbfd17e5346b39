"""A store with actions in force, and an ASGI client that calls the application without a network."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stillwatch.records import InForce, Obligation, PolicyRef, Rung
from stillwatch.service.app import build
from stillwatch.service.auth import new_token
from stillwatch.service.clock import Clock
from stillwatch.service.decisions import Decisions
from stillwatch.service.state import Config, State
from stillwatch.store.decisions import publish
from stillwatch.store.store import Store

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
POLICY = PolicyRef("house", "3", "a" * 64)
QUESTION = {"account_id": "acct_1", "model": "large-2", "operation": "chat", "request_id": "req_1"}


def action(account: str = "acct_1", rung: Rung = Rung.LIMIT, **more: Any) -> InForce:
    """An action that began an hour ago and lasts a day."""
    held: dict[str, Any] = {
        "action_id": f"A-{account}-{rung.name}", "account_id": account, "group": "C-1", "rung": rung,
        "obligations": (), "mode": "enforce", "reason_code": "usage_review", "notice": "A notice.",
        "appeal_url": "https://example.com/appeal", "starts_at": NOW - HOUR, "expires_at": NOW + 24 * HOUR,
        "policy": POLICY,
    }  # fmt: skip
    return InForce(**{**held, **more})


def limited(account: str, per_minute: int, group: str = "C-1", **more: Any) -> InForce:
    """A limit of requests a minute."""
    obliged = (Obligation("rate_limit", (("requests_per_minute", per_minute),)),)
    return action(account, Rung.LIMIT, group=group, obligations=obliged, reason_code="usage_limit", **more)


class Hand:
    """A clock that is moved by hand: microseconds."""

    def __init__(self, at: int = NOW) -> None:
        self.at = at
        self.steady = 0

    def clock(self) -> Clock:
        return Clock(lambda: self.at, lambda: self.steady)

    def pass_(self, microseconds: int) -> None:
        self.at += microseconds
        self.steady += microseconds


class Service:
    """The application over a store in a folder, called in process."""

    def __init__(self, folder: Path, key: Path, actions: Sequence[InForce] = (), **config: Any) -> None:
        self.store = Store.create(folder, key)
        self.hand = Hand()
        publish(self.store, actions, NOW)
        self.tokens = {role: new_token(folder, role)[1] for role in ("decide", "viewer", "analyst", "lead", "ingest")}
        self.state = State(Config(folder, **({"delay": 0} | config)), self.hand.clock())
        self.state.load()
        self.app: Decisions = build(self.state)

    def ask(self, body: bytes | dict[str, Any] | None = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON of one request; `more` as `call` takes it."""
        status, _, said = call(self.app, body=body, **({"token": self.tokens["decide"]} | more))
        return status, json.loads(said)

    def decide(self, account: str = "acct_1", **more: Any) -> Any:
        """The decision about one request of an account."""
        status, said = self.ask({**QUESTION, "account_id": account, **more})
        assert status == 200, said
        return said


def call(
    app: Any,
    body: bytes | dict[str, Any] | None = None,
    method: str = "POST",
    path: str = "/v1/decisions",
    token: str | None = None,
    query: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (),
    parts: Sequence[bytes] | None = None,
    *,
    measured: bool = True,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of one request to an ASGI application. `parts` are pieces of a body."""
    raw = json.dumps(body).encode() if isinstance(body, dict) else (body or b"")
    pieces = list(parts) if parts is not None else [raw]
    length = [(b"content-length", str(len(raw)).encode())] if measured and parts is None else []
    held = [*headers, *length, *([(b"authorization", f"Bearer {token}".encode())] if token else [])]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query,
        "headers": held, "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 1), "root_path": "",
        "client": ("127.0.0.1", 2), "asgi": {"version": "3.0"},
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        part = pieces.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start = next(message for message in sent if message["type"] == "http.response.start")
    said = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return start["status"], dict(start["headers"]), said
