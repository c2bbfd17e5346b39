"""Do what a decision obliges to, on a request of OpenAI's or Anthropic's shape. Nothing of it is hidden.

Whoever's request is changed or refused is told so: in headers of the answer, or in an error of the provider's own
shape, with a coarse reason and where to appeal.
"""

import json
import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from stillwatch_gateway.answers import Ask, Decision, Obligation
from stillwatch_gateway.client import SERVICE, Outcome
from stillwatch_gateway.limits import MINUTE, Limiter

OPENAI, ANTHROPIC = "openai", "anthropic"

LIMITED = "usage_limit"
LONGEST_HEADER = 2000
NOTICES = {
    "hold": "This account is on hold.", "challenge": "This account needs to be verified before it can go on.",
    "rate_limit": "This account has reached its limit for now.", "deny": "This request is not answered.",
}  # fmt: skip
"""What a customer is told where the decision brings no words of its own."""

CHANGES = {
    "cap_max_tokens": "the length of answers is limited", "strip_logprobs": "log-probabilities are left out",
    "hide_reasoning": "reasoning is left out", "fallback_model": "another model answers",
}  # fmt: skip

CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens")
CHOICES = ("n", "best_of")
LOGPROBS = (
    "logprobs", "top_logprobs", "prompt_logprobs", "return_logprob", "top_logprobs_num", "logprob_start_len",
    "token_ids_logprob",
)  # fmt: skip
"""Settings of a request that ask for log-probabilities: OpenAI's, vLLM's and SGLang's."""
OTHER_MODELS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "models", "route")
"""Settings by which a request names models besides `model`."""


@dataclass(frozen=True)
class Refusal:
    """A request that is not answered: the HTTP status, the error in the provider's shape, headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def message(self) -> str:
        """What the customer is told."""
        return str(self.body["error"]["message"])

    def encoded(self) -> bytes:
        """The error as bytes."""
        return json.dumps(self.body).encode("ascii")


@dataclass(frozen=True)
class Ruling:
    """What is to be done with a request: refuse it, or let it go on with these changes and headers.

    `limit` is what was taken from and must be given back when the request has ended. `leased`: the service counts the
    request too, or may, and must be told that it has ended, refused or not.
    """

    decision: Decision
    refusal: Refusal | None = None
    headers: dict[str, str] = field(default_factory=dict)
    limit: Obligation | None = None
    leased: bool = False

    @property
    def rewrites(self) -> bool:
        """Whether the request's body must be changed."""
        return self.refusal is None and any(self.decision.obligation(type) for type in CHANGES)

    @property
    def hides_reasoning(self) -> bool:
        """Whether reasoning must be taken out of the answer."""
        return self.refusal is None and self.decision.obligation("hide_reasoning") is not None


def ruled(outcome: Outcome, ask: Ask, limiter: Limiter, dialect: str = OPENAI) -> Ruling:
    """What a decision means for one request. Limits are counted here; minutes where the service has not done so."""
    ruling = _ruled(outcome, ask, limiter, dialect)
    return replace(ruling, leased=True) if ask.reports_end and outcome.leased else ruling


def _ruled(outcome: Outcome, ask: Ask, limiter: Limiter, dialect: str) -> Ruling:
    decision = outcome.decision
    if outcome.unavailable:
        return Ruling(decision, _refusal(decision, 503, "overloaded_error", "unavailable", dialect, "deny"))
    if not decision.binding:
        return Ruling(decision)
    limit = decision.obligation("rate_limit")
    why = next((type for type in ("hold", "challenge") if decision.obligation(type) is not None), "")
    spent = limit is not None or LIMITED in decision.reason_codes
    if why or (decision.verdict == "deny" and not spent):
        return Ruling(decision, _refusal(decision, 403, "permission_error", _code(decision), dialect, why or "deny"))
    if decision.verdict == "deny":
        return Ruling(decision, _limited(decision, decision.retry_after or MINUTE, dialect))
    counted = decision.counted and outcome.source == SERVICE
    if limit is not None and (wait := limiter.takes(ask.who, limit, ask.estimated_tokens or 0, counted=counted)) > 0:
        return Ruling(decision, _limited(decision, wait, dialect))
    return Ruling(decision, None, told(decision), limit)


def _limited(decision: Decision, wait: float, dialect: str) -> Refusal:
    refusal = _refusal(decision, 429, "rate_limit_error", "rate_limit_exceeded", dialect, "rate_limit")
    refusal.headers["retry-after"] = str(max(1, math.ceil(min(wait, 3600))))
    return refusal


def _code(decision: Decision) -> str:
    return next(iter(decision.reason_codes), "usage_review")


def _refusal(decision: Decision, status: int, type: str, code: str, dialect: str, why: str) -> Refusal:
    challenge = decision.obligation("challenge")
    error: dict[str, Any] = {"type": type, "message": decision.notice or NOTICES[why]}
    more = {
        "appeal_url": decision.appeal_url, "decision_id": decision.decision_id,
        "verification": challenge.word("kind") if challenge and why == "challenge" else "",
    }  # fmt: skip
    if dialect == OPENAI:
        error |= {"param": None, "code": code}
    error |= {name: value for name, value in more.items() if value}
    body = {"type": "error", "error": error} if dialect == ANTHROPIC else {"error": error}
    return Refusal(status, body, _headers(decision, error["message"]))


def told(decision: Decision) -> dict[str, str]:
    """Headers that tell the customer what was done to a request that goes on."""
    if not decision.binding:
        return {}
    done = ", ".join(words for type, words in CHANGES.items() if decision.obligation(type) is not None)
    room = LONGEST_HEADER - len(done) - 2  # what was done is told, however long the decision's own words are
    said = "; ".join(filter(None, [decision.notice[:room], done]))
    headers = _headers(decision, said)
    if (fallback := decision.obligation("fallback_model")) is not None:
        headers["x-stillwatch-model"] = _latin(fallback.word("to"))
    return headers


def _headers(decision: Decision, notice: str) -> dict[str, str]:
    named = {"notice": notice, "decision": decision.decision_id, "appeal": decision.appeal_url}
    return {f"x-stillwatch-{name}": _latin(value) for name, value in named.items() if value}


def _latin(value: str) -> str:
    """A value as a header can hold it: printable ASCII on one line."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in value)[:LONGEST_HEADER]


def change(body: MutableMapping[str, Any], decision: Decision, dialect: str = OPENAI, path: str = "") -> None:
    """Change a request's body as the decision obliges to, and what a client slips in beside (`extra_body`)."""
    if (cap := decision.obligation("cap_max_tokens")) is not None and (most := cap.number("max_tokens")):
        for params in _sampling(body, path):
            _cap(params, most, dialect, path)
    if decision.obligation("strip_logprobs") is not None:
        _strip(body)
    if decision.obligation("hide_reasoning") is not None:
        _hide(body)
    if (fallback := decision.obligation("fallback_model")) is not None:
        body["model"] = fallback.word("to")
        for name in OTHER_MODELS:
            body.pop(name, None)
    for inner in ("extra_body", "optional_params"):
        if isinstance(held := body.get(inner), dict):
            _change_inner(held, decision)


def _change_inner(held: dict[str, Any], decision: Decision) -> None:
    for type, names in (("cap_max_tokens", (*CAPS, *CHOICES, "min_tokens")), ("strip_logprobs", LOGPROBS),
                        ("hide_reasoning", ("reasoning", "include_reasoning", "include")),
                        ("fallback_model", ("model", *OTHER_MODELS))):  # fmt: skip
        if decision.obligation(type) is not None:
            for name in names:
                held.pop(name, None)


def _sampling(body: MutableMapping[str, Any], path: str) -> list[MutableMapping[str, Any]]:
    """Where a request's settings of length stand: in it, or in SGLang's `sampling_params`, one or one a text."""
    if not path.endswith("/generate"):
        return [body]
    held = body.get("sampling_params")
    if isinstance(held, list) and held and all(isinstance(one, dict) for one in held):
        return held
    if not isinstance(held, dict):
        held = body["sampling_params"] = {}
    return [held]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cap(body: MutableMapping[str, Any], most: int, dialect: str, path: str) -> None:
    """All answers to one request together are no longer than the cap, so that asking for many at once gains nothing."""
    many = max([1, *(_whole(body.get(name)) or 1 for name in CHOICES)])
    if isinstance(prompts := body.get("prompt"), list) and not any(isinstance(one, int) for one in prompts):
        most = max(most // max(len(prompts), 1), 1)
    if many > most:
        body.update({name: min(_whole(body[name]) or 1, most) for name in CHOICES if name in body})
        many = most
    each = most // many
    named = [name for name in CAPS if body.get(name) is not None]
    for name in named or _cap_name(dialect, path, body):
        asked = _whole(body.get(name))
        body[name] = asked if asked is not None and 0 < asked <= each else each
    if (least := _whole(body.get("min_tokens"))) is not None and least > each:
        body["min_tokens"] = each
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and (_whole(thinking.get("budget_tokens")) or 0) >= each:
        del body["thinking"]  # its budget must be below the cap, and a small one is refused


def _cap_name(dialect: str, path: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The setting of a request that says nothing of length; none where it asks for no text (embeddings, speech)."""
    if "messages" in body:
        return ("max_tokens",) if dialect == ANTHROPIC else ("max_completion_tokens",)
    if "prompt" in body and not path.endswith(("/generations", "/edits")):
        return ("max_tokens",)
    if path.endswith("/generate"):
        return ("max_new_tokens",)
    return ("max_output_tokens",) if "input" in body and path.endswith("/responses") else ()


def _strip(body: MutableMapping[str, Any]) -> None:
    for name in LOGPROBS:
        body.pop(name, None)
    _without(body, "logprobs")


def _hide(body: MutableMapping[str, Any]) -> None:
    """Ask for no reasoning where a server lets one ask. What comes all the same is taken out of the answer."""
    if isinstance(reasoning := body.get("reasoning"), dict):
        body["reasoning"] = {
            name: value for name, value in reasoning.items() if name not in ("summary", "generate_summary")
        }
    if "include_reasoning" in body:
        body["include_reasoning"] = False
    _without(body, "reasoning")


def _without(body: MutableMapping[str, Any], word: str) -> None:
    """Drop what `include` of the Responses API asks for besides."""
    if isinstance(held := body.get("include"), list):
        body["include"] = [one for one in held if not (isinstance(one, str) and word in one)]


def estimated(body: Mapping[str, Any], length: int) -> int:
    """Tokens that a request may cost, roughly: a quarter of its bytes, and as many as it lets answer."""
    asked = max([0, *(_whole(body.get(name)) or 0 for name in CAPS)])
    return min(length // 4 + asked, 2**31 - 1)
