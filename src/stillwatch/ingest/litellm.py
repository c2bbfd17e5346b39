"""LiteLLM's StandardLoggingPayload, as its `generic_api` callback posts it: one object a line, or arrays of them.

Read from version 1.106 (the payload of a running proxy) and from the documented fields of older ones. `id` is the
answering provider's id, which a cached or mocked answer repeats; `litellm_call_id` is the call's own.
"""

from collections.abc import Mapping
from typing import Any

from stillwatch.ingest import openai
from stillwatch.ingest.paths import at, listing, mapping, parsed, picked

REDACTED = "redacted-by-litellm"
"""What LiteLLM writes for a text that it was told not to log. Read as words it would be every account's template."""

NOBODY = ("default_user_id", "")
"""Users that LiteLLM names where the key belongs to none."""

_CALLS = {
    "completion": "chat", "acompletion": "chat", "anthropic_messages": "chat", "responses": "chat",
    "aresponses": "chat", "text_completion": "text_completion", "atext_completion": "text_completion",
    "embedding": "embeddings", "aembedding": "embeddings",
}  # fmt: skip

_BLOCKED = ("ContentPolicyViolationError", "GuardrailRaisedException", "BlockedPiiEntityError")

_COLUMNS = {
    name: [parsed(path) for path in paths]
    for name, paths in {
        "asked_at": ("startTime",),
        "finished_at": ("endTime",),
        "org_id": ("metadata.user_api_key_org_id",),
        "project_id": ("metadata.user_api_key_project_id", "metadata.user_api_key_team_id"),
        "api_key_id": ("metadata.user_api_key_hash",),
        "end_user_id": ("end_user", "metadata.user_api_key_end_user_id"),
        "session_id": ("session_id",),
        "conversation_id": ("trace_id",),
        "model_requested": ("model_group", "model"),
        "stream": ("stream",),
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "client_ip": ("requester_ip_address", "metadata.requester_ip_address"),
        "user_agent": ("user_agent", "metadata.user_agent", "metadata.requester_metadata.headers.user-agent"),
    }.items()
}


def is_record(record: Mapping[str, Any]) -> bool:
    """Whether the record is such a payload."""
    if "litellm_call_id" in record and "startTime" in record:
        return True
    return {"call_type", "startTime"} <= record.keys() and bool({"model_group", "model_parameters"} & record.keys())


def exchange(record: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the contract from one payload. `account_id` is the key's user, else its team, else the key."""
    settings = mapping(record.get("model_parameters"))
    request = {**settings, "messages": _logged(record.get("messages"))}
    if request["messages"] is None:
        del request["messages"]
    response = _response(record.get("response"))
    out = openai.fields(request, response)
    out |= picked(record, _COLUMNS)
    out["account_id"] = _account(mapping(record.get("metadata")))
    out["exchange_id"] = _id(record)
    out["operation"] = _CALLS.get(str(record.get("call_type")), record.get("call_type"))
    out["model_served"] = response.get("model") or (record.get("model") if response else None)
    out["reasoning_budget"] = at(settings, ("thinking", "budget_tokens"))
    out["status"] = _status(record, out.get("status"))
    if _is_redacted(out.get("output")):
        out.pop("output", None)
    return out


def _id(record: Mapping[str, Any]) -> Any:
    own = record.get("litellm_call_id")
    if own:
        return own
    given = record.get("id")
    return f"{given}@{record.get('startTime')}" if record.get("cache_hit") is True and given else given


def _account(metadata: Mapping[str, Any]) -> Any:
    user = metadata.get("user_api_key_user_id")
    if user and user not in NOBODY:
        return user
    return metadata.get("user_api_key_team_id") or metadata.get("user_api_key_hash")


def _status(record: Mapping[str, Any], told: Any) -> Any:
    if record.get("status") == "success":
        return told if told in ("refused", "blocked", "cancelled") else "ok"
    if record.get("status") == "failure":
        blocked = at(record, ("error_information", "error_class")) in _BLOCKED
        return "blocked" if blocked else "error"
    return record.get("status")


def _logged(messages: Any) -> Any:
    """The request's messages, or None where they were not logged."""
    if isinstance(messages, str):
        messages = listing(messages) or ([{"role": "user", "content": messages}] if messages else None)
    if isinstance(messages, dict):
        messages = [messages]
    if not isinstance(messages, list) or not messages:
        return None
    texts = [at(item, ("content",)) for item in messages]
    return None if all(text in (REDACTED, None, "") for text in texts) else messages


def _response(given: Any) -> Mapping[str, Any]:
    """The answer's body; older versions may log its text alone."""
    held = mapping(given)
    if isinstance(given, str) and given and not held:
        return {"choices": [{"message": {"role": "assistant", "content": given}}]}
    return held


def _is_redacted(output: Any) -> bool:
    texts = [at(item, ("parts", "0", "content")) for item in listing(output)]
    return REDACTED in texts or not any(at(item, ("parts",)) for item in listing(output))
