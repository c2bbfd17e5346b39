"""Anthropic's bodies: the Messages API, whole or streamed, and the results of its batches.

A request body and a response body in, columns of the contract out. Fields as in Anthropic's API reference.
"""

from collections.abc import Mapping
from typing import Any

from stillwatch.ingest.messages import Message, is_redacted, kept, message, messages
from stillwatch.ingest.paths import listing, mapping, parsed, picked
from stillwatch.ingest.streams import BROKEN_OFF

Body = Mapping[str, Any]

_SETTINGS = {
    name: [parsed(path) for path in paths]
    for name, paths in {
        "model_requested": ("model",),
        "stream": ("stream",),
        "temperature": ("temperature",),
        "top_p": ("top_p",),
        "max_tokens": ("max_tokens",),
        "reasoning_effort": ("output_config.effort",),
        "reasoning_budget": ("thinking.budget_tokens",),
        "response_format": ("output_config.format", "output_format"),
        "tool_choice": ("tool_choice",),
        "end_user_id": ("metadata.user_id",),
        "system": ("system",),
        "tools": ("tools",),
    }.items()
}
_STOPS = ("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal")
_BLOCKS = ("thinking", "redacted_thinking", "tool_use", "tool_result", "document", "server_tool_use")
"""Kinds of parts that only this API has."""


def is_request(body: Body) -> bool:
    """Whether the body could not be a request of another API that has `messages`."""
    if not isinstance(body.get("messages"), list):
        return False
    if isinstance(body.get("system"), str | list) or isinstance(body.get("thinking"), dict):
        return True
    if any(isinstance(tool, dict) and "input_schema" in tool for tool in listing(body.get("tools"))):
        return True
    return any(
        isinstance(part, dict) and part.get("type") in _BLOCKS
        for item in body["messages"] if isinstance(item, dict)
        for part in listing(item.get("content"))
    )  # fmt: skip


def is_response(body: Body) -> bool:
    """Whether the body looks like an answer of this API."""
    if body.get("type") == "message":
        return True
    return body.get("stop_reason") in _STOPS or (body.get("type") == "error" and isinstance(body.get("error"), dict))


def fields(request: Body, response: Body) -> dict[str, Any]:
    """Columns of the contract from one request and its answer; what neither says is absent."""
    out = picked(request, _SETTINGS)
    if "messages" in request:
        out["operation"], out["messages"] = "chat", kept(messages(listing(request["messages"])))
    told = out.get("system")
    blocks = told if isinstance(told, list) else [{"text": told}]
    if all(isinstance(block, dict) and is_redacted(block.get("text")) for block in blocks):
        out["system"] = None
    out |= _tokens(mapping(response.get("usage")))
    out["model_served"] = response.get("model")
    out["model_requested"] = out.get("model_requested") or response.get("model")
    out["output"] = kept(_answer(response))
    out["finish_reason"], out["status"] = _end(response)
    out["exchange_id"] = response.get("id") or response.get("request_id")
    return {name: value for name, value in out.items() if value is not None}


def _answer(response: Body) -> list[Message] | None:
    content = response.get("content")
    return None if content is None else [message({"role": "assistant", "content": content})]


def _tokens(usage: Body) -> dict[str, Any]:
    """Token counts. Anthropic counts what came from its cache apart; the contract's input is all of it."""
    read = [usage.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    whole = [count for count in read if isinstance(count, int) and not isinstance(count, bool)]
    return {
        "input_tokens": sum(whole) if whole else None,
        "output_tokens": usage.get("output_tokens"),
        "cached_tokens": usage.get("cache_read_input_tokens"),
    }


def _end(response: Body) -> tuple[str | None, str | None]:
    if response.get("error"):
        return None, "error"
    reason = response.get("stop_reason")
    reason = reason if isinstance(reason, str) else None
    if response.get(BROKEN_OFF):
        return reason, "cancelled"
    return reason, "refused" if reason == "refusal" else "ok" if response else None
