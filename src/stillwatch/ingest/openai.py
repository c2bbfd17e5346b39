"""OpenAI's bodies: chat completions, text completions, embeddings and the Responses API, whole or streamed.

A request body and a response body in, columns of the contract out. Fields as in OpenAI's API reference; a body of
another provider that speaks the same dialect reads the same.
"""

from collections.abc import Mapping
from typing import Any

from stillwatch.ingest.messages import Message, is_redacted, kept, message, messages
from stillwatch.ingest.paths import at, listing, mapping, parsed, picked
from stillwatch.ingest.streams import BROKEN_OFF

Body = Mapping[str, Any]

_SETTINGS = {
    name: [parsed(path) for path in paths]
    for name, paths in {
        "model_requested": ("model",),
        "stream": ("stream",),
        "temperature": ("temperature",),
        "top_p": ("top_p",),
        "max_tokens": ("max_completion_tokens", "max_output_tokens", "max_tokens"),
        "n": ("n",),
        "seed": ("seed",),
        "reasoning_effort": ("reasoning_effort", "reasoning.effort"),
        "response_format": ("response_format", "text.format"),
        "tool_choice": ("tool_choice",),
        "end_user_id": ("safety_identifier", "user", "metadata.user_id"),
        "conversation_id": ("conversation.id", "conversation"),
        "tools": ("tools", "functions"),
    }.items()
}
_USAGE = {
    name: [parsed(path) for path in paths]
    for name, paths in {
        "input_tokens": ("prompt_tokens", "input_tokens"),
        "output_tokens": ("completion_tokens", "output_tokens"),
        "reasoning_tokens": ("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"),
        "cached_tokens": ("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
    }.items()
}

BLOCKED = ("content_filter", "content_policy_violation", "moderation_blocked")
"""Codes of errors by which a filter stopped a request."""


def is_request(body: Body) -> bool:
    """Whether the body looks like a request of this API."""
    return "messages" in body or "input" in body or "prompt" in body


def is_response(body: Body) -> bool:
    """Whether the body looks like an answer of this API."""
    kind = body.get("object")
    if isinstance(kind, str) and (kind.startswith(("chat.completion", "text_completion")) or kind == "response"):
        return True
    return isinstance(body.get("choices"), list) or (kind == "list" and isinstance(body.get("data"), list))


def fields(request: Body, response: Body) -> dict[str, Any]:
    """Columns of the contract from one request and its answer; what neither says is absent."""
    out = picked(request, _SETTINGS)
    out["logprobs"] = _logprobs(request)
    if isinstance(request.get("instructions"), str) and not is_redacted(request["instructions"]):
        out["system"] = request["instructions"]
    out["operation"], asked = _asked(request, response)
    out["messages"] = kept(asked)
    usage = mapping(response.get("usage"))
    out |= picked(usage, _USAGE)
    out["model_served"] = response.get("model")
    out["model_requested"] = out.get("model_requested") or response.get("model")
    out["output"] = kept(_answer(response)) or None
    out["finish_reason"], out["status"] = _end(response)
    out["asked_at"] = response.get("created") or response.get("created_at")
    out["exchange_id"] = response.get("id")
    return {name: value for name, value in out.items() if value is not None}


def _logprobs(request: Body) -> bool | None:
    """Chat completions say true or false, text completions how many."""
    given = request.get("logprobs")
    return given if given is None or isinstance(given, bool) else bool(given)


def _asked(request: Body, response: Body) -> tuple[str | None, list[Message] | None]:
    if "messages" in request:
        return "chat", messages(listing(request["messages"]))
    if "prompt" in request:
        return "text_completion", _texts(request["prompt"])
    if "input" not in request:
        return None, None
    given = request["input"]
    if response.get("object") == "list" or "encoding_format" in request or "dimensions" in request:
        return "embeddings", _texts(given)
    return "chat", messages(given)


def _texts(given: Any) -> list[Message]:
    """Bare texts as one message of the user. Lists of token numbers are no text."""
    texts = [item for item in (given if isinstance(given, list) else [given]) if isinstance(item, str)]
    return [message({"role": "user", "content": texts})] if texts else []


def _answer(response: Body) -> list[Message] | None:
    choices = response.get("choices")
    if isinstance(choices, list):
        return [_choice(choice) for choice in choices if isinstance(choice, dict)]
    output = response.get("output")
    return messages(output) if isinstance(output, list) else None


def _choice(choice: Mapping[str, Any]) -> Message:
    held = choice.get("message")
    if isinstance(held, dict):
        return message({"role": "assistant", **held})
    return message({"role": "assistant", "content": choice.get("text")})


def _end(response: Body) -> tuple[str | None, str | None]:
    """Why the answer ended, and the contract's status; (None, None) where there is no answer to tell by."""
    if response.get("error"):
        return None, "blocked" if at(response, ("error", "code")) in BLOCKED else "error"
    reasons = [at(choice, ("finish_reason",)) for choice in listing(response.get("choices"))]
    reason = next((r for r in reasons if isinstance(r, str)), None)
    state = response.get("status")
    if isinstance(state, str) and reason is None and state != "in_progress":
        reason = at(response, ("incomplete_details", "reason")) or ("stop" if state == "completed" else state)
    if response.get(BROKEN_OFF) or state == "cancelled":
        return reason, "cancelled"
    if reason == "content_filter":
        return reason, "blocked"
    if state == "failed":
        return reason, "error"
    return reason, "refused" if _refused(response) else "ok" if response else None


def _refused(response: Body) -> bool:
    """Whether a choice, or a part of an item of the Responses API, is a refusal."""
    if any(at(choice, ("message", "refusal")) for choice in listing(response.get("choices"))):
        return True
    parts = [part for item in listing(response.get("output")) for part in listing(at(item, ("content",)))]
    return any(isinstance(part, dict) and part.get("type") == "refusal" for part in parts)
