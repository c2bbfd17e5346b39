"""The real service as a process, and each gateway as its users run it: in processes, over sockets, before a model."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
from stillwatch_gateway.answers import Ask
from stillwatch_gateway.client import AsyncClient, Client, Outcome
from stillwatch_gateway.settings import Settings

from stillwatch.records import InForce
from stillwatch.store.decisions import publish
from stillwatch.store.store import Store
from tests.gateways.envoys import METHOD, check_request, read
from tests.gateways.served import ROOT, free_port, running
from tests.gateways.service import LOOPBACK
from tests.real.answers import chat
from tests.real.litellm_proxy import Proxy
from tests.real.litellm_proxy import running as running_proxy
from tests.real.peers import Provider, served

Json = dict[str, Any]
CHAT = "/v1/chat/completions"
CLI = "import sys; from stillwatch.cli import main; main()"
PATIENT_MS = 2500
"""Milliseconds within which gateways answer where what they say is looked at, not how soon."""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Real:
    """`stillwatch serve` over a store of its own, which may be killed, stopped and started again on the same port."""

    def __init__(self, folder: Path, key: Path, *words: str, within_ms: int = PATIENT_MS) -> None:
        self.store = Store.create(folder, key)
        self.port = free_port()
        self.within_ms = within_ms
        self._words = words
        self.token_id, self.token = self.new_token("decide")
        self._viewer = self.new_token("viewer")[1]
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    def new_token(self, role: str) -> tuple[str, str]:
        """The id and the secret of a token, made as users make it."""
        held = json.loads(self._command("token", "new", "--role", role, "--json"))
        return held["id"], held["token"]

    def end_token(self, name: str) -> None:
        """End a token."""
        self._command("token", "end", name)

    def _command(self, *words: str) -> str:
        line = [sys.executable, "-c", CLI, "serve", *words, "--store", str(self.store.folder)]
        return subprocess.run(line, check=True, capture_output=True, text=True, timeout=60).stdout

    def start(self) -> None:
        """Start it, and wait until it answers."""
        line = [sys.executable, "-c", CLI, "serve", "--store", str(self.store.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*line, "--delay", "0", *self._words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._until(lambda: self._state() is not None, "it does not come up")

    def signal(self, sent: int) -> None:
        """Send a signal to its processes: the worker that answers, and the one that watches it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, sent)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def publish(self, *actions: InForce, aliases: Mapping[str, str] | None = None) -> None:
        """Put these actions in force, and no others; wait until the service has read them."""
        at = now()
        publish(self.store, actions, at, aliases)
        self._until(lambda: (self._state() or {}).get("snapshot_made_at") == at / 1e6, "the snapshot is not read")

    def _state(self) -> Json | None:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = httpx.get(f"{self.url}/v1/state", headers={"authorization": f"Bearer {self._viewer}"})
            return dict(answer.json()) if answer.status_code == 200 else None
        return None

    def _until(self, holds: Callable[[], bool], why: str) -> None:
        until = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < until and self.process.poll() is None, why
            time.sleep(0.05)


@dataclass
class Seen:
    """What a request came to: the status and the headers of ours that the customer saw, the error's message and the
    rest of it, the answer's body, and what the model's server was asked (None where it was not)."""

    status: int
    told: dict[str, str] = field(default_factory=dict)
    message: str = ""
    error: Json = field(default_factory=dict)
    body: str = ""
    upstream: Json | None = None


Send = Callable[[str, Json], Seen]
"""One request of an account through a gateway."""


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-stillwatch-") or name == "retry-after"}


def _error(raw: str | bytes) -> Json:
    held = json.loads(raw)["error"]
    return {**held, **(held.get("provider_specific_fields") or {})}


def _refused(status: int, headers: Mapping[str, str], raw: str | bytes) -> Seen:
    error = _error(raw)
    return Seen(status, _told(headers), error["message"], error, raw if isinstance(raw, str) else raw.decode())


def through_middleware(url: str) -> Send:
    """The ASGI middleware before the Starlette app, which answers with what it was asked. Who begins with sk- is no
    account, but shows that key."""

    def send(account: str, body: Json) -> Seen:
        by_key = account.startswith("sk-")
        headers = {"authorization": f"Bearer {account if by_key else 'sk-any'}"}
        headers |= {} if by_key else {"x-account": account}
        answer = httpx.post(f"{url}{CHAT}", json=body, headers=headers, timeout=20)
        if answer.status_code != 200:
            return _refused(answer.status_code, answer.headers, answer.text)
        asked = json.loads(answer.json()["choices"][0]["message"]["content"])
        return Seen(200, _told(answer.headers), body=answer.text, upstream=asked)

    return send


def through_envoy_http(url: str) -> Send:
    """Envoy's question over HTTP: where it is allowed, `upstream` holds the headers that the upstream gets."""

    def send(account: str, body: Json) -> Seen:
        headers = {"x-account": account, "authorization": "Bearer sk-any", "x-stillwatch-obligations": "forged"}
        answer = httpx.post(f"{url}{CHAT}", json=body, headers=headers, timeout=20)
        if answer.status_code != 200:
            return _refused(answer.status_code, answer.headers, answer.text)
        return Seen(200, _told(answer.headers), upstream=dict(answer.headers))

    return send


def through_envoy_grpc(port: int) -> Send:
    """Envoy's question over gRPC."""
    channel = grpc.insecure_channel(f"{LOOPBACK}:{port}")
    method = channel.unary_unary(METHOD)

    def send(account: str, body: Json) -> Seen:
        raw = check_request(CHAT, {"x-account": account, "x-stillwatch-model": "forged"}, json.dumps(body).encode())
        held = read(method(raw, timeout=20, wait_for_ready=True))
        if not held.ok:
            return _refused(held.status, held.headers, held.body)
        return Seen(200, _told(held.response_headers), upstream={**held.headers, "metadata": held.metadata})

    return send


def through_proxy(proxy: Proxy, provider: Provider) -> Send:
    """A LiteLLM proxy before a provider; a trace stands beside its answer, and one in it."""

    def send(account: str, body: Json) -> Seen:
        provider.answers[:] = [chat("It. <think>SECRET-TRACE</think>", reasoning_content="SECRET-TRACE")]
        provider.asked.clear()
        answer = proxy.ask(CHAT, body, {"authorization": f"Bearer sk-{account}"})
        upstream = provider.asked[0][1] if provider.asked else None
        if answer.status != 200:
            return _refused(answer.status, answer.headers, answer.body)
        return Seen(200, _told(answer.headers), body=answer.body.decode(), upstream=upstream)

    return send


def through_clients(kind: str, real: "Real", stack: ExitStack) -> Send:
    """The client that blocks, or the one that awaits: 403 where it says to hold, as gateways built on it would."""
    settings = Settings(real.url, real.token)
    if kind == "threads":
        decide = Client(settings).decide
    else:
        runner, client = stack.enter_context(asyncio.Runner()), AsyncClient(settings)

        def decide(ask: Ask, *, closed: bool = False) -> Outcome:
            return runner.run(client.decide(ask, closed=closed))

    def send(account: str, _: Json) -> Seen:
        outcome = decide(Ask(account, model="large"))
        return Seen(403 if outcome.decision.obligation("hold") else 200, {"source": outcome.source}, outcome.why)

    return send


def environment(real: Real) -> dict[str, str]:
    """How a gateway reaches the service, as docs/gateways.md says it."""
    return {
        "STILLWATCH_URL": real.url, "STILLWATCH_TOKEN": real.token, "STILLWATCH_ACCOUNT_HEADER": "x-account",
        "STILLWATCH_WITHIN_MS": str(real.within_ms),
    }  # fmt: skip


@contextmanager
def grpc_process(held: Mapping[str, str]) -> Iterator[int]:
    """`stillwatch-envoy-grpc` in a process; gives its port."""
    port = free_port()
    path = os.pathsep.join([str(ROOT / "gateways" / "src"), str(ROOT / "src")])
    line = [sys.executable, "-m", "stillwatch_gateway.envoy_grpc", "--listen", f"{LOOPBACK}:{port}"]
    child = subprocess.Popen(line, env={**os.environ, "PYTHONPATH": path, **held})
    try:
        yield port
    finally:
        child.terminate()
        child.wait(10)


def _proxied(stack: ExitStack, folder: Path, more: Json, accounts: Sequence[str], env: Mapping[str, str]) -> Send:
    provider = Provider()
    up = stack.enter_context(served(provider))
    folder.mkdir()
    named = {"large": "openai/large-2", "small": "openai/small-1"}
    models = [
        {"model_name": n, "litellm_params": {"model": to, "api_key": "sk-up", "api_base": f"{up}/v1"}}
        for n, to in named.items()
    ]
    settings = {
        "model_list": models, "router_settings": {"num_retries": 0},
        "general_settings": {"custom_auth": "keyring.told"}, **more,
    }  # fmt: skip
    keys = {f"sk-{account}": {"user_id": account} for account in accounts}
    return through_proxy(stack.enter_context(running_proxy(folder, settings, keys, env)), provider)


def plugin(stack: ExitStack, folder: Path, real: Real, accounts: Sequence[str]) -> Send:
    """A LiteLLM proxy with the native plugin."""
    settings = {"litellm_settings": {"callbacks": ["stillwatch_gateway.litellm_plugin.stillwatch"], "num_retries": 0}}
    env = {**environment(real), "PYTHONPATH": str(ROOT / "gateways" / "src")}
    return _proxied(stack, folder, settings, accounts, env)


def guardrail(stack: ExitStack, folder: Path, real: Real, accounts: Sequence[str]) -> Send:
    """A LiteLLM proxy with the generic guardrail, which asks our application."""
    env = {**environment(real), "STILLWATCH_GUARDRAIL_KEY": "gk"}
    url = stack.enter_context(running("stillwatch_gateway.guardrail:application", env, factory=True))
    guard = {
        "guardrail": "generic_guardrail_api", "mode": ["pre_call", "post_call"], "default_on": True, "api_base": url,
        "api_key": "gk", "extra_headers": ["x-forwarded-for"], "unreachable_fallback": "fail_open",
    }  # fmt: skip
    settings = {"guardrails": [{"guardrail_name": "stillwatch", "litellm_params": guard}]}
    return _proxied(stack, folder, settings, accounts, {})


def gateway(name: str, stack: ExitStack, folder: Path, real: Real, accounts: Sequence[str]) -> Send:
    """A gateway of this name as its users run it."""
    env = environment(real)
    if name.startswith("client, "):
        return through_clients(name.removeprefix("client, "), real, stack)
    if name == "middleware":
        return through_middleware(stack.enter_context(running("tests.gateways.served_app:app", env)))
    if name == "envoy http":
        return through_envoy_http(
            stack.enter_context(running("stillwatch_gateway.envoy:application", env, factory=True))
        )
    if name == "envoy grpc":
        return through_envoy_grpc(stack.enter_context(grpc_process(env)))
    return {"plugin": plugin, "guardrail": guardrail}[name](stack, folder, real, accounts)
