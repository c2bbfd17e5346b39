"""LiteLLM's generic guardrail wire, as an ASGI application that runs beside the proxy.

    granian --interface asgi --factory stillwatch_gateway.guardrail:application

The wire carries texts, images and tools, not the request's settings: so it can refuse (`BLOCKED`), and take traces out
of answers' texts (`GUARDRAIL_INTERVENED`) where LiteLLM has not parted them off itself. That is all. What else a
decision obliges to it counts as `not done`; for limits of length, log-probabilities and other models use the native
plugin.
"""

import hmac
import json
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stillwatch_gateway.answers import Ask, tidy
from stillwatch_gateway.asgi import encoded, header, parsed_body, plain, read_body, refuse
from stillwatch_gateway.client import AsyncClient, Outcome
from stillwatch_gateway.limits import Limiter
from stillwatch_gateway.obligations import CHANGES, OPENAI, ruled
from stillwatch_gateway.reasoning import without_think
from stillwatch_gateway.settings import from_environment

PATH = "/beta/litellm_basic_guardrail_api"
MOST_BODY = 64 << 20
"""Bytes of a call: LiteLLM sends texts and images with it."""

MOST_RUNNING = 50_000
"""Calls whose answers may be awaited at once."""

MASKED = "[present]"
"""What stands instead of a header that LiteLLM does not pass on."""

ADDRESS_HEADERS = ("x-forwarded-for", "x-real-ip")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Json = dict[str, Any]


class Guardrail:
    """Answers each call with an action. `key`, where it is set, must come with the call, as LiteLLM's `api_key`."""

    def __init__(self, client: AsyncClient, key: str = "", limiter: Limiter | None = None) -> None:
        self.client = client
        self._key = key
        self._limiter = limiter or Limiter()
        self._hides: OrderedDict[tuple[str, str], bool] = OrderedDict()

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        if scope["path"] == "/health":
            await _say(send, {"status": "ok", "counters": self.client.counters.told()})
        elif scope["method"] != "POST" or scope["path"].rstrip("/") != PATH:
            await refuse(send, plain(404, f"POST {PATH}", OPENAI))
        elif self._key and not hmac.compare_digest(header(scope, "x-api-key").encode(), self._key.encode()):
            await refuse(send, plain(401, "The key is not the guardrail's.", OPENAI))
        elif (raw := await read_body(receive, MOST_BODY)) is not None:
            body = parsed_body(raw) if len(raw) <= MOST_BODY else None
            if body is None:
                await refuse(send, plain(400, "The call is no JSON object, or too long.", OPENAI))
            else:
                await _say(send, await self.act(body))

    async def act(self, call: Json) -> Json:
        """The action for one call of the wire."""
        ask = asked(call)
        place = (ask.who, ask.request_id)
        if call.get("input_type") == "response":
            if (hides := self._hides.get(place)) is None:
                hides = _hides(await self.client.decide(ask))
            return self._about_answer(call, hides)
        outcome = await self.client.decide(ask)
        if ask.request_id:  # its answer is not asked about: it would be charged to a budget a second time
            self._hides[place] = _hides(outcome)
            self._hides.move_to_end(place)
            while len(self._hides) > MOST_RUNNING:
                self._hides.popitem(last=False)
        ruling = ruled(outcome, ask, self._limiter)
        if ruling.limit is not None:
            self._limiter.gives_back(ask.who, ruling.limit)  # the wire does not tell when a request has ended
        if ruling.refusal is not None:
            told = ruling.refusal.message
            if ruling.decision.appeal_url:
                told += f" {ruling.decision.appeal_url}"
            return {"action": "BLOCKED", "blocked_reason": told}
        if any(ruling.decision.obligation(type) for type in CHANGES if type != "hide_reasoning"):
            self.client.counters.add("not done")
        return {"action": "NONE"}

    def _about_answer(self, call: Json, hides: bool) -> Json:
        """Take traces out of an answer's texts. Whoever is refused is so before the model answers, not after it."""
        texts = call.get("texts")
        if not hides or not isinstance(texts, list):
            return {"action": "NONE"}
        left = [without_think(text) if isinstance(text, str) else text for text in texts]
        return {"action": "GUARDRAIL_INTERVENED", "texts": left} if left != texts else {"action": "NONE"}


def _hides(outcome: Outcome) -> bool:
    return outcome.decision.obligation("hide_reasoning") is not None


def asked(call: Json) -> Ask:
    """The question that a call stands for. The account is the key's user, else its team, else the key, as in
    LiteLLM's logs."""
    about = held if isinstance(held := call.get("request_data"), dict) else {}
    key = _text(about, "user_api_key_hash")
    account = _text(about, "user_api_key_user_id") or _text(about, "user_api_key_team_id") or key
    return Ask(
        account, key, tidy(about.get("user_api_key_end_user_id")), tidy(call.get("model")), "chat",
        _address(call.get("request_headers")), _length(call.get("texts")) // 4, tidy(call.get("litellm_call_id")),
    )  # fmt: skip


def _text(held: Json, name: str) -> str:
    value = held.get(name)
    return value if isinstance(value, str) else ""


def _address(headers: Any) -> str:
    """The client's address, where LiteLLM was told to pass the header on (`extra_headers`): the last one, which the
    proxy nearest to it has written."""
    named = {str(name).lower(): value for name, value in headers.items()} if isinstance(headers, dict) else {}
    for name in ADDRESS_HEADERS:
        value = named.get(name)
        if isinstance(value, str) and value != MASKED:
            return value.rpartition(",")[2].strip()
    return ""


def _length(texts: Any) -> int:
    return sum(len(text) for text in texts if isinstance(text, str)) if isinstance(texts, list) else 0


async def _say(send: Callable[[Message], Awaitable[None]], body: Json) -> None:
    raw = json.dumps(body).encode("ascii")
    headers = encoded({"content-type": "application/json", "content-length": str(len(raw))})
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


def application() -> Guardrail:
    """The application with its settings from the environment; STILLWATCH_GUARDRAIL_KEY is LiteLLM's `api_key`."""
    return Guardrail(AsyncClient(from_environment()), os.environ.get("STILLWATCH_GUARDRAIL_KEY", ""))
