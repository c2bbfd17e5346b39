"""The middleware before a server of models: what is changed, what is refused, what is told."""

import asyncio
import hashlib
import json
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from stillwatch_gateway.asgi import StillwatchMiddleware
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.settings import Settings

from tests.gateways.app import TRACE, bare
from tests.gateways.served import running
from tests.gateways.service import ALLOW, TOKEN, WORST, Service, decision, serving

Json = dict[str, Any]
CHAT = "/v1/chat/completions"
KEY = {"authorization": "Bearer sk-customer"}


def chat(**more: Any) -> Json:
    return {"model": "large", "messages": [{"role": "user", "content": "Say it"}], **more}


def asked(service: Service, body: Any, path: str = CHAT, **more: Any) -> httpx.Response:
    """One request through the middleware, in this process."""

    async def run() -> httpx.Response:
        settings = Settings(service.url, TOKEN, within=6.0, ask_within=5.0)
        options = {name: more.pop(name) for name in ("most_body", "who") if name in more}
        app = StillwatchMiddleware(bare(), AsyncClient(settings), **options)
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.post(path, content=content, headers={**KEY, **more.get("headers", {})})

    return asyncio.run(run())


def seen(answer: httpx.Response) -> Json:
    """The body that the server of models was asked."""
    held = answer.json()
    content = held["choices"][0]["message"]["content"] if "choices" in held else held["content"][1]["text"]
    return dict(json.loads(content))


def test_what_is_asked_names_the_key_by_its_hash() -> None:
    with serving(Service()) as service:
        answer = asked(service, chat(max_tokens=100, user="u-7"), headers={"x-request-id": "r-9"})
    assert answer.status_code == 200 and seen(answer) == chat(max_tokens=100, user="u-7")
    assert not [name for name in answer.headers if name.startswith("x-stillwatch")]
    said = service.asked[0]
    assert said.pop("estimated_tokens") > 100
    assert said.pop("request_id").startswith("r-9~")
    assert said == {
        "api_key_id": hashlib.sha256(b"sk-customer").hexdigest(), "end_user_id": "u-7", "model": "large",
        "operation": "chat", "client_ip": "203.0.113.9", "reports_end": True,
    }  # fmt: skip
    assert b"sk-customer" not in service.heads[0]


def test_obligations_are_done_and_told() -> None:
    held = decision(
        {"type": "cap_max_tokens", "max_tokens": 64}, {"type": "strip_logprobs"}, {"type": "hide_reasoning"},
        {"type": "fallback_model", "to": "small"}, notice="Your use is under review.", appeal_url="https://x/appeal",
    )  # fmt: skip
    body = chat(max_tokens=9000, n=2, logprobs=True, top_logprobs=5, fallbacks=["large"], extra_body={"max_tokens": 1})
    with serving(Service(held)) as service:
        answer = asked(service, body)
    assert seen(answer) == {**chat(max_tokens=32, n=2, extra_body={}), "model": "small"}
    assert TRACE not in answer.text and answer.json()["usage"] == {"total_tokens": 3}
    assert answer.headers["x-stillwatch-model"] == "small"
    assert answer.headers["x-stillwatch-appeal"] == "https://x/appeal"
    notice = answer.headers["x-stillwatch-notice"]
    assert notice.startswith("Your use is under review.; ") and "another model answers" in notice
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_an_accounts_header_is_read_as_the_logs_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWATCH_ACCOUNT_HEADER", "X-Account")
    for raw, wanted in (("café".encode(), "café"), ("café".encode("latin-1"), "café"), (b"acct_1", "acct_1")):
        with serving(Service()) as service:
            asked(service, chat(), headers={b"x-account": raw})
            assert service.asked[0]["account_id"] == wanted


def test_a_decision_in_shadow_changes_nothing() -> None:
    for held in (
        decision({"type": "hold"}, verdict="deny", mode="shadow"), decision({"type": "strip_logprobs"}, mode="shadow"),
        {**ALLOW, "obligations": [{"type": "hold"}]},
    ):  # fmt: skip
        with serving(Service(held)) as service:
            answer = asked(service, chat(logprobs=True))
        assert (answer.status_code, seen(answer)) == (200, chat(logprobs=True))
        assert not [name for name in answer.headers if name.startswith("x-stillwatch")]


def test_a_warning_is_told_and_nothing_else() -> None:
    with serving(Service(decision({"type": "hold"}, verdict="warn", notice="Mind the terms\r\nx: y"))) as service:
        answer = asked(service, chat())
    assert (answer.status_code, seen(answer), answer.headers["x-stillwatch-notice"][:18]) == (
        200,
        chat(),
        "Mind the terms??x:",
    )


@pytest.mark.parametrize(
    ("held", "status", "code"),
    [
        (decision({"type": "hold"}), 403, "usage_review"),
        (decision({"type": "challenge", "kind": "payment"}, reason_codes=["key_security"]), 403, "key_security"),
        (decision(verdict="deny"), 403, "usage_review"),
        (decision({"type": "rate_limit", "requests_per_minute": 5}, verdict="deny"), 429, "rate_limit_exceeded"),
        (decision(verdict="deny", reason_codes=["usage_limit"]), 429, "rate_limit_exceeded"),
    ],
)  # fmt: skip
def test_refusals_are_errors_of_the_providers_own_shape(held: Json, status: int, code: str) -> None:
    held = {**held, "notice": "Please write to us.", "appeal_url": "https://x/appeal"}
    with serving(Service(held)) as service:
        openai, anthropic = asked(service, chat()), asked(service, chat(), "/v1/messages")
    error = openai.json()["error"]
    assert (openai.status_code, error["code"], error["param"]) == (status, code, None)
    assert (error["message"], error["appeal_url"], error["decision_id"]) == (
        "Please write to us.",
        "https://x/appeal",
        "D-1",
    )
    other = anthropic.json()
    assert (anthropic.status_code, other["type"], "code" in other["error"]) == (status, "error", False)
    assert other["error"]["type"] == ("rate_limit_error" if status == 429 else "permission_error")
    assert ("retry-after" in openai.headers) == (status == 429)


def test_a_limit_is_counted_here() -> None:
    with serving(Service(decision({"type": "rate_limit", "requests_per_minute": 2}, ttl_s=60))) as service:

        async def run() -> list[int]:
            settings = Settings(service.url, TOKEN, within=6.0, ask_within=5.0)
            app = StillwatchMiddleware(bare(), AsyncClient(settings))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://model") as client:
                keys = ["sk-a"] * 3 + ["sk-b"]
                answers = [
                    await client.post(CHAT, json=chat(), headers={"authorization": f"Bearer {key}"}) for key in keys
                ]
                return [one.status_code for one in answers]

        assert asyncio.run(run()) == [200, 200, 429, 200]


def test_a_body_that_cannot_be_changed_is_refused_where_it_must_be() -> None:
    cap = decision({"type": "cap_max_tokens", "max_tokens": 8})
    bodies = [b"", b"[1]", b"{" * 5000, b'{"max_tokens": ' + b"9" * 5000 + b"}", b"\xff\xfe\x00"]
    with serving(Service(cap)) as service:
        assert {asked(service, body).status_code for body in bodies} == {400}
        form = {"content-type": "multipart/form-data; boundary=x"}
        assert asked(service, b"--x--", "/v1/audio/transcriptions", headers=form).text == "5"
        bom = b"\xef\xbb\xbf" + json.dumps(chat(max_tokens=99)).encode()
        assert seen(asked(service, bom))["max_tokens"] == 8
        twice = b'{"model": "large", "max_tokens": 1, "max_tokens": 9999}'
        assert seen(asked(service, twice))["max_tokens"] == 8
        assert (
            seen(asked(service, chat(max_tokens=99), CHAT, headers={"content-type": "text/plain"}))["max_tokens"] == 8
        )


def test_bodies_are_bounded_and_what_is_exempt_is_not_asked_about() -> None:
    with serving(Service()) as service:
        assert asked(service, b" " * 1001, most_body=1000).status_code == 413
        assert asked(service, b"", "/health").text == "ok"
        assert not service.asked


def test_anthropic_requests_and_answers() -> None:
    held = decision({"type": "cap_max_tokens", "max_tokens": 2000}, {"type": "hide_reasoning"})
    body = {**chat(max_tokens=9000, thinking={"type": "enabled", "budget_tokens": 4000}), "metadata": {"user_id": "u"}}
    with serving(Service(held)) as service:
        answer = asked(service, body, "/v1/messages")
    assert seen(answer) == {**chat(max_tokens=2000), "metadata": {"user_id": "u"}}
    assert answer.json()["content"][0] == {"type": "thinking", "thinking": "", "signature": "s"}
    assert service.asked[0]["end_user_id"] == "u"


def test_a_client_that_leaves_before_its_body_is_whole_disturbs_nobody() -> None:
    async def run() -> list[Any]:
        app = StillwatchMiddleware(bare(), AsyncClient(Settings("http://127.0.0.1:1", TOKEN)))
        sent: list[Any] = []
        messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message)

        await app({"type": "http", "method": "POST", "path": CHAT, "headers": [], "client": None}, receive, send)
        return sent

    assert asyncio.run(run()) == []


def test_a_websocket_is_refused_where_something_binds() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def run(service: Service, *closed: str) -> str:
        held = Settings(service.url, TOKEN, within=6.0, ask_within=5.0, fail_closed=frozenset(closed))
        app = StillwatchMiddleware(inner, AsyncClient(held))
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/v1/realtime", "headers": [(b"authorization", b"Bearer k")]}
        await app(scope, receive, send)
        return str(sent[0]["type"])

    for held, wanted in (
        (ALLOW, "accept"),
        (decision({"type": "hold"}), "close"),
        (decision({"type": "hide_reasoning"}), "close"),
    ):
        with serving(Service(held)) as service:
            assert asyncio.run(run(service)) == f"websocket.{wanted}"
    with serving(Service(WORST["garbage"])) as service:
        told = [asyncio.run(run(service, *closed)) for closed in ((), ("/v1/other",), ("/v1/real",), ("realtime",))]
    assert told == ["websocket.accept", "websocket.accept", "websocket.close", "websocket.close"]


@pytest.mark.slow
def test_a_served_application_streams_and_its_stream_is_changed() -> None:
    """The real thing: granian, Starlette, a stream; the service first well, then in shadow, then gone."""
    held = decision({"type": "cap_max_tokens", "max_tokens": 64}, {"type": "hide_reasoning"})
    with ExitStack() as stack:
        service = stack.enter_context(serving(Service(held)))
        reached = {"STILLWATCH_URL": service.url, "STILLWATCH_TOKEN": TOKEN}
        url = stack.enter_context(running("tests.gateways.served_app:app", reached))
        client = stack.enter_context(httpx.Client(base_url=url, headers=KEY))
        with client.stream("POST", CHAT, json=chat(stream=True, max_tokens=500)) as answer:
            lines = [line[6:] for line in answer.iter_lines() if line]
            assert answer.headers["x-stillwatch-notice"]
        deltas = [json.loads(line)["choices"][0]["delta"] for line in lines[:-1]]
        assert lines[-1] == "[DONE]" and TRACE[:6] not in str(lines)
        assert json.loads(deltas[-1]["content"]) == chat(stream=True, max_tokens=64)
        whole = client.post(CHAT, json=chat(max_tokens=500))
        assert seen(whole)["max_tokens"] == 64 and TRACE not in whole.text
        big = chat(messages=[{"role": "user", "content": "x" * 3_000_000}], max_tokens=7)
        assert seen(client.post(CHAT, json=big, timeout=30)) == big
        service.script = WORST["garbage"]
        assert seen(client.post(CHAT, json=chat(max_tokens=500)))["max_tokens"] == 64  # remembered
        another = client.post(CHAT, json=chat(max_tokens=500), headers={"authorization": "Bearer sk-other"})
        assert seen(another)["max_tokens"] == 500


def test_streams_in_whatever_pieces() -> None:
    from stillwatch_gateway.reasoning import Stream

    events = [
        {"choices": [{"delta": {"reasoning": TRACE, "content": "é"}}]},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": TRACE}},
        {"type": "response.reasoning_summary_text.delta", "delta": TRACE},
        {"type": "response.completed", "response": {"reasoning": {"effort": "low"}, "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": TRACE}], "encrypted_content": TRACE}]}},
    ]  # fmt: skip
    for end in (b"\n\n", b"\r\n\r\n"):
        raw = b"".join(
            b"event: x" + end[: len(end) // 2] + b"data: " + json.dumps(one).encode() + end for one in events
        )
        raw += b"data: {broken " + TRACE.encode() + end + b": ping" + end + b"data: [DONE]"
        whole = Stream().feed(raw, last=True)
        for size in (1, 7, 50):
            stream = Stream()
            pieces = [stream.feed(raw[place : place + size]) for place in range(0, len(raw), size)]
            assert b"".join([*pieces, stream.feed(b"", last=True)]) == whole
        assert TRACE.encode() not in whole and whole.count(b"event: x") == 4 and whole.endswith(b"data: [DONE]\n\n")
        assert b'"effort": "low"' in whole and b": ping" in whole
