"""A running LiteLLM proxy asks Stillwatch, by the native plugin and by the generic guardrail wire."""

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.guardrail import PATH, Guardrail
from stillwatch_gateway.settings import Settings

from tests.gateways.conftest import SOURCE
from tests.gateways.served import running as serving_app
from tests.gateways.service import ALLOW, TOKEN, WORST, Service, decision, serving
from tests.real.answers import chat, chunks, events, failed, message, responded, said, usage
from tests.real.litellm_proxy import COMMAND, Answer, Proxy, running
from tests.real.peers import Provider, served

Json = dict[str, Any]
needs_litellm = pytest.mark.skipif(not COMMAND.exists(), reason="no LiteLLM proxy: `make litellm` builds .venv-litellm")
KEYS = {"sk-alice": {"user_id": "alice", "team_id": "team-1"}, "sk-team": {"team_id": "team-2"}, "sk-nobody": {}}
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
TRACE = "SECRET-TRACE"


@dataclass
class Stage:
    """The proxy, the provider behind it, and the service that it asks."""

    proxy: Proxy
    provider: Provider
    service: Service
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, body: Json, *answers: tuple[int, Any], path: str = CHAT, key: str = "sk-alice") -> Answer:
        """One call; the provider must have been asked as often as it has answers."""
        self.provider.answers[:] = answers
        self.provider.asked.clear()
        self.service.asked.clear()
        self.service.ended.clear()
        headers = {"authorization": f"Bearer {key}", "x-forwarded-for": "203.0.113.7", **self.headers}
        answer = self.proxy.ask(path, body, headers)
        assert not self.provider.answers, f"the proxy did not ask the provider: {answer.body[:500]!r}"
        return answer


def models(up: str) -> list[Json]:
    """Two models and one of Anthropic's at the provider."""
    named = {"large": "openai/large-2", "small": "openai/small-1", "claude": "anthropic/claude-x-1"}
    return [
        {"model_name": name, "litellm_params": {
            "model": to, "api_key": "sk-up", "api_base": up if to.startswith("anthropic") else f"{up}/v1"}}
        for name, to in named.items()
    ]  # fmt: skip


@contextmanager
def staged(folder: Path, settings: Json, environment: dict[str, str], service: Service) -> Iterator[Stage]:
    """A proxy with these settings beside its models."""
    provider = Provider()
    with ExitStack() as stack:
        up = stack.enter_context(served(provider))
        settings = {
            "model_list": models(up), "router_settings": {"num_retries": 0},
            "general_settings": {"custom_auth": "keyring.told", "use_x_forwarded_for": True}, **settings,
        }  # fmt: skip
        yield Stage(stack.enter_context(running(folder, settings, KEYS, environment)), provider, service)


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A proxy with the native plugin."""
    settings = {"litellm_settings": {"callbacks": ["stillwatch_gateway.litellm_plugin.stillwatch"], "num_retries": 0}}
    with serving(Service()) as service:
        reached = {"STILLWATCH_URL": service.url, "STILLWATCH_TOKEN": TOKEN, "PYTHONPATH": str(SOURCE)}
        with staged(tmp_path_factory.mktemp("plugged"), settings, reached, service) as stage:
            yield stage


def asked(words: str = "Say it", model: str = "large", **more: Any) -> Json:
    return {"model": model, "messages": [{"role": "user", "content": words}], **more}


@pytest.mark.slow
@needs_litellm
def test_the_plugin_asks_about_the_account_that_the_logs_name(plugged: Stage) -> None:
    plugged.service.script = dict(ALLOW)
    answer = plugged.ask(asked(user="u-7", max_tokens=100), chat("Yes."))
    assert (answer.status, "x-stillwatch-notice" in answer.headers) == (200, False)
    said_of_it = plugged.service.asked[0]
    assert said_of_it.pop("request_id").startswith(answer.headers["x-litellm-call-id"] + "~")
    assert said_of_it.pop("estimated_tokens") > 100
    hashed = hashlib.sha256(b"sk-alice").hexdigest()
    assert said_of_it == {
        "account_id": "alice", "api_key_id": hashed, "end_user_id": "u-7", "model": "large", "operation": "chat",
        "client_ip": "203.0.113.7", "reports_end": True,
    }  # fmt: skip
    plugged.ask(asked(), chat("Yes."), key="sk-team")
    assert plugged.service.asked[0]["account_id"] == "team-2"
    plugged.ask(asked(), chat("Yes."), key="sk-nobody")
    assert plugged.service.asked[0]["account_id"] == hashlib.sha256(b"sk-nobody").hexdigest()


@pytest.mark.slow
@needs_litellm
def test_the_plugin_does_what_it_is_obliged_to_and_tells(plugged: Stage) -> None:
    plugged.service.script = decision(
        {"type": "cap_max_tokens", "max_tokens": 64}, {"type": "strip_logprobs"}, {"type": "hide_reasoning"},
        {"type": "fallback_model", "to": "small"}, notice="Under review.",
    )  # fmt: skip
    traced = chat("It.", reasoning_content=TRACE, counted=usage(completion_tokens_details={"reasoning_tokens": 4}))
    body = asked(max_tokens=9000, logprobs=True, top_logprobs=5, fallbacks=["large"], extra_body={"max_tokens": 999})
    answer = plugged.ask(body, traced)
    _, upstream = plugged.provider.asked[0]
    assert (upstream["model"], upstream["max_tokens"]) == ("small-1", 64)
    assert not {"logprobs", "top_logprobs", "fallbacks"} & upstream.keys()
    assert answer.status == 200 and TRACE.encode() not in answer.body and b"It." in answer.body
    assert answer.headers["x-stillwatch-model"] == "small"
    assert answer.headers["x-stillwatch-notice"].startswith("Under review.; ")

    deltas = ({"role": "assistant", "reasoning_content": TRACE}, {"content": "It."})
    stream = plugged.ask(asked(stream=True), chunks(*deltas))
    assert TRACE.encode() not in stream.body and b"It." in stream.body and b"[DONE]" in stream.body
    assert plugged.provider.asked[0][1]["max_completion_tokens"] == 64
    assert stream.headers["x-stillwatch-model"] == "small"


@pytest.mark.slow
@needs_litellm
def test_the_plugin_knows_anthropics_and_the_responses_shape(plugged: Stage) -> None:
    plugged.service.script = decision({"type": "cap_max_tokens", "max_tokens": 64}, {"type": "hide_reasoning"})
    thinking = {"type": "thinking", "thinking": TRACE, "signature": "s"}
    answer = plugged.ask(
        asked(model="claude", max_tokens=9000), message(thinking, {"type": "text", "text": "It."}), path=MESSAGES
    )
    assert plugged.provider.asked[0][1]["max_tokens"] == 64
    assert TRACE.encode() not in answer.body and b"It." in answer.body
    stream = plugged.ask(
        asked(model="claude", max_tokens=9000, stream=True),
        events(
            ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": TRACE}),
            ({"type": "text", "text": ""}, {"type": "text_delta", "text": "It."}),
        ),
        path=MESSAGES,
    )
    assert TRACE.encode() not in stream.body and b"It." in stream.body and b"message_stop" in stream.body
    summary = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": TRACE}]}
    answer = plugged.ask({"model": "large", "input": "Say it"}, (200, responded(summary, said("It."))), path=RESPONSES)
    assert plugged.provider.asked[0][1]["max_output_tokens"] == 64
    assert TRACE.encode() not in answer.body and b"It." in answer.body


@pytest.mark.slow
@needs_litellm
def test_the_plugin_refuses_with_a_reason_and_where_to_appeal(plugged: Stage) -> None:
    held = {"notice": "Please write to us.", "appeal_url": "https://x/appeal"}
    plugged.service.script = decision({"type": "hold"}, verdict="deny", **held)
    answer = plugged.ask(asked())
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["message"], error["type"]) == (403, "Please write to us.", "permission_error")
    assert error["provider_specific_fields"]["appeal_url"] == "https://x/appeal"
    assert answer.headers["x-stillwatch-appeal"] == "https://x/appeal"
    assert not plugged.provider.asked
    plugged.service.script = decision({"type": "rate_limit", "requests_per_minute": 1}, **held)
    assert plugged.ask(asked(), chat("Yes."), key="sk-team").status == 200
    again = plugged.ask(asked(), key="sk-team")
    assert (again.status, int(again.headers["retry-after"]) > 1) == (429, True)
    plugged.service.script = decision({"type": "rate_limit", "concurrency": 1}, **held)
    calls = [
        (asked(), chat("Yes."), 200),
        (asked(stream=True), chunks({"content": "It."}), 200),
        (asked(), failed(500, "x"), 500),
    ]
    for body, told, status in calls * 3:  # each has ended before the next begins
        assert plugged.ask(body, told, key="sk-nobody").status == status


LEASED = decision({"type": "rate_limit", "concurrency": 1}, counted=True)


def ended(stage: Stage, call: str) -> None:
    """The one call that was asked about has ended, within some seconds, and ends no second time."""
    until = time.monotonic() + 30
    while not stage.service.ended:
        assert time.monotonic() < until, f"nobody says that {call} has ended"
        time.sleep(0.02)
    time.sleep(0.1)
    (one,) = stage.service.asked
    assert one["reports_end"] is True
    told = {"request_id": one["request_id"], "account_id": one["account_id"], "api_key_id": one["api_key_id"]}
    assert stage.service.ended == [told], call


@pytest.mark.slow
@needs_litellm
def test_the_plugin_tells_once_that_a_call_has_ended(plugged: Stage) -> None:
    plugged.service.script = dict(LEASED)
    thought = ({"type": "text", "text": ""}, {"type": "text_delta", "text": "It."})
    embedded = {"object": "list", "model": "large-2", "usage": {"prompt_tokens": 1, "total_tokens": 1},
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}  # fmt: skip
    calls: dict[str, tuple[Json, Any, str, int]] = {
        "an answer": (asked(), chat("Yes."), CHAT, 200),
        "a stream": (asked(stream=True), chunks({"content": "It."}), CHAT, 200),
        "a failure": (asked(), failed(500, "x"), CHAT, 500),
        "a stream that fails": (asked(stream=True), failed(500, "x"), CHAT, 500),
        "Anthropic's answer": (asked(model="claude", max_tokens=9), message({"type": "text", "text": "It."}),
                               MESSAGES, 200),
        "Anthropic's stream": (asked(model="claude", max_tokens=9, stream=True), events(thought), MESSAGES, 200),
        "a response": ({"model": "large", "input": "Say it"}, (200, responded(said("It."))), RESPONSES, 200),
        "vectors": ({"model": "large", "input": "Say it"}, (200, embedded), "/v1/embeddings", 200),
    }  # fmt: skip
    plugged.headers.update({"x-litellm-call-id": "same"})
    try:
        for name, (body, told, path, status) in calls.items():
            assert plugged.ask(body, told, path=path).status == status, name
            ended(plugged, name)
        assert plugged.ask({**asked(), "messages": "none"}, key="sk-nobody").status >= 400
        ended(plugged, "a call that the proxy refuses itself")
        assert plugged.ask({"model": "large", "input": "Say it"}, (200, {}), path="/v1/moderations").status < 600
        assert "reports_end" not in plugged.service.asked[0]
        plugged.service.script = {**LEASED, "verdict": "deny", "retry_after_s": 1}
        assert plugged.ask(asked(), key="sk-alice").status == 429
        time.sleep(0.3)
        assert not plugged.service.ended
    finally:
        plugged.headers.clear()


@pytest.mark.slow
@needs_litellm
@pytest.mark.parametrize("name", ["a stream under way", "a stream before its first piece", "an answer"])
def test_the_plugin_tells_that_a_caller_has_left(plugged: Stage, name: str) -> None:
    plugged.service.script = dict(LEASED)
    plugged.service.asked.clear()
    plugged.service.ended.clear()
    piece = {"content": "word " * 50}
    pieces = [2.0, piece] if name == "a stream before its first piece" else [piece, 2.0, piece]
    plugged.provider.answers[:] = [chat("Yes.") if name == "an answer" else chunks(*pieces)]
    body = json.dumps(asked(stream=name != "an answer"))
    host, _, port = plugged.proxy.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        if name == "an answer":
            stack.enter_context(slowly(plugged.provider, 2.0))
        line = f"POST {CHAT} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sk-alice\r\n"
        held = stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
        about = f"{line}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
        held.sendall(about.encode())
        while not plugged.provider.asked or not plugged.service.asked:
            time.sleep(0.01)
        if name == "a stream under way":
            assert b"200 OK" in held.recv(64)
        held.close()
        ended(plugged, name)


@contextmanager
def slowly(provider: Provider, seconds: float) -> Iterator[None]:
    """A provider that thinks so long before it answers."""
    quick = provider.reply

    def reply(path: str, raw: bytes) -> Any:
        told = quick(path, raw)
        time.sleep(seconds)
        return told

    provider.reply = reply  # type: ignore[method-assign]
    try:
        yield
    finally:
        provider.reply = quick  # type: ignore[method-assign]


EVADING = {"x-litellm-disable-callbacks": "StillwatchLogger,stillwatch,custom_callback", "x-litellm-call-id": "same"}
OPTING_OUT = {
    "guardrails": [], "disable_global_guardrails": True, "callbacks": [], "litellm_call_id": "same",
    "metadata": {"guardrails": [], "disable_global_guardrails": True},
    "litellm_metadata": {"requester_ip_address": "8.8.8.8"},
}  # fmt: skip


@pytest.mark.slow
@needs_litellm
def test_a_customer_cannot_opt_out_of_the_plugin(plugged: Stage) -> None:
    plugged.service.script = decision({"type": "hold"}, verdict="deny")
    plugged.headers.update(EVADING)
    try:
        assert plugged.ask(asked(**OPTING_OUT)).status == 403
        assert plugged.service.asked[0]["client_ip"] == "203.0.113.7"
    finally:
        plugged.headers.clear()


@pytest.mark.slow
@needs_litellm
@pytest.mark.parametrize("what", ["garbage", "nothing comes", "broken", "a slow drip"])
def test_the_plugin_goes_on_where_the_service_does_its_worst(plugged: Stage, what: str) -> None:
    plugged.service.script = WORST[what]
    for place in range(8):
        assert plugged.ask(asked(user=f"u-{place}"), chat("Yes."), key="sk-nobody").status == 200


@pytest.mark.slow
@needs_litellm
def test_the_guardrail_wire_of_a_running_proxy(tmp_path: Path) -> None:
    """The proxy asks the application that granian serves, which asks the service; last, the application is gone."""
    with serving(Service()) as service:
        reached = {"STILLWATCH_URL": service.url, "STILLWATCH_TOKEN": TOKEN, "STILLWATCH_GUARDRAIL_KEY": "gk"}
        with ExitStack() as stack:
            app = ExitStack()
            stack.enter_context(app)
            url = app.enter_context(serving_app("stillwatch_gateway.guardrail:application", reached, factory=True))
            guard = {
                "guardrail": "generic_guardrail_api", "mode": ["pre_call", "post_call"], "default_on": True,
                "api_base": url, "api_key": "gk", "extra_headers": ["x-forwarded-for"],
                "unreachable_fallback": "fail_open",
            }  # fmt: skip
            settings = {"guardrails": [{"guardrail_name": "stillwatch", "litellm_params": guard}]}
            stage = stack.enter_context(staged(tmp_path, settings, {}, service))
            assert stage.ask(asked(), chat("Yes.")).status == 200
            said_of_it = service.asked[0]
            assert (said_of_it["account_id"], said_of_it["client_ip"]) == ("alice", "203.0.113.7")
            assert said_of_it["model"] == "large"
            service.script = decision(
                {"type": "hold"}, verdict="deny", notice="Please write to us.", appeal_url="https://x/a"
            )
            answer = stage.ask(asked())
            assert answer.status == 400 and b"Please write to us. https://x/a" in answer.body
            stage.headers.update(EVADING)
            assert stage.ask(asked(**OPTING_OUT)).status == 400
            stage.headers.clear()
            service.script = decision({"type": "hide_reasoning"})
            answer = stage.ask(asked(), chat(f"Well. <think>{TRACE}</think>It."))
            assert answer.status == 200 and TRACE.encode() not in answer.body and b"It." in answer.body
            service.script = WORST["garbage"]
            assert stage.ask(asked(), chat("Yes."), key="sk-team").status == 200
            app.close()
            assert stage.ask(asked(), chat("Yes."), key="sk-team").status == 200


def call(service: Service, body: Any, path: str = PATH, key: str = "gk", **more: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        client = AsyncClient(Settings(service.url, TOKEN, within=6.0, ask_within=5.0))
        transport = httpx.ASGITransport(Guardrail(client, "gk"))
        async with httpx.AsyncClient(transport=transport, base_url="http://guard") as asks:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await asks.post(path, content=raw, headers={"x-api-key": key, **more})

    return asyncio.run(run())


ABOUT = {"user_api_key_user_id": "alice", "user_api_key_hash": "h"}


def test_calls_of_the_guardrail_wire() -> None:
    asks = {"input_type": "request", "request_data": ABOUT, "model": "large", "texts": ["x" * 400]}
    answers = {**asks, "input_type": "response", "texts": ["<think>no</think> yes", "plain", 7]}
    with serving(Service()) as service:
        assert call(service, asks).json() == call(service, answers).json() == {"action": "NONE"}
        assert service.asked[0]["estimated_tokens"] == 100
        service.script = decision({"type": "hide_reasoning"}, {"type": "cap_max_tokens", "max_tokens": 5})
        assert call(service, asks).json() == {"action": "NONE"}
        assert call(service, answers).json() == {"action": "GUARDRAIL_INTERVENED", "texts": ["yes", "plain", 7]}
        service.script = decision({"type": "hold"})
        told = call(service, asks).json()
        assert (told["action"], told["blocked_reason"]) == ("BLOCKED", "This account is on hold.")
        assert call(service, answers).json() == {"action": "NONE"}
        service.script = decision({"type": "hold"}, mode="shadow")
        assert call(service, asks).json() == {"action": "NONE"}


def test_an_answer_is_not_asked_about_a_second_time() -> None:
    """Each question is charged to the budget of a group: two a request would halve its rate."""

    async def acts(client: AsyncClient, service: Service) -> list[Json]:
        app = Guardrail(client)
        asks = {"input_type": "request", "request_data": ABOUT, "litellm_call_id": "c-1", "texts": ["x"]}
        answers = {**asks, "input_type": "response", "texts": ["<think>no</think>yes"]}
        told = [await app.act(asks), await app.act(answers), await app.act(answers)]
        assert len(service.asked) == 1
        return [*told, await app.act({**answers, "litellm_call_id": "c-2"})]

    with serving(Service(decision({"type": "hide_reasoning"}))) as service:
        client = AsyncClient(Settings(service.url, TOKEN, within=6.0, ask_within=5.0))
        told = asyncio.run(acts(client, service))
        assert [one["action"] for one in told] == ["NONE", *["GUARDRAIL_INTERVENED"] * 3] and len(service.asked) == 2


def test_hostile_calls_of_the_guardrail_wire() -> None:
    with serving(Service(decision({"type": "hold"}))) as service:
        for body in (b"", b"[]", b"{" * 9000, b"\xff"):
            assert call(service, body).status_code == 400
        assert call(service, {}, key="other").status_code == 401
        assert call(service, {}, path="/elsewhere").status_code == 404
        for about in (None, [], "x", {"user_api_key_user_id": 7}, {"user_api_key_hash": {"a": 1}}):
            assert call(service, {"request_data": about, "request_headers": about, "texts": about}).json() == {
                "action": "NONE"
            }
        assert not service.asked
        masked = {"request_data": ABOUT, "request_headers": {"X-Forwarded-For": "[present]"}, "model": ["x"]}
        assert call(service, masked).json()["action"] == "BLOCKED"
        assert "client_ip" not in service.asked[0] and service.asked[0]["model"] == "unknown"
