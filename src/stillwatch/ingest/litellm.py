"""LiteLLM's StandardLoggingPayload, as its `generic_api` callback posts it: one object a line, or arrays of them.

Read from version 1.106 (the payload of a running proxy, which a test starts) and from the documented fields of older
ones. `id` is the answering provider's id, which a cached or mocked answer repeats; `litellm_call_id` is the call's own,
and the attempts of one call share it: one that failed before a fallback answered is told apart by its time.
"""

from collections.abc import Mapping
from typing import Any

from stillwatch.ingest import openai
from stillwatch.ingest.paths import at, listing, mapping, parsed, picked

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
    settings = {**mapping(record.get("model_parameters"))}
    if "tools" in settings:
        settings["tools"] = [_as_sent(tool) for tool in listing(settings["tools"])] or None
    asked = _logged(record.get("messages"))
    request = settings if asked is None else {**settings, "messages": asked}
    failed = record.get("status") == "failure"
    response = {} if failed else _response(record.get("response"))
    out = openai.fields(request, response)
    out |= picked(record, _COLUMNS)
    if failed:  # a failed call is logged with zeros for what nobody counted
        out |= {name: None for name in ("input_tokens", "output_tokens") if out.get(name) in (0, "0")}
    out["account_id"] = _account(mapping(record.get("metadata")))
    out["exchange_id"] = _id(record)
    out["operation"] = _CALLS.get(str(record.get("call_type")), record.get("call_type"))
    out["model_served"] = None if failed else _served(record, response)
    out["reasoning_budget"] = at(settings, ("thinking", "budget_tokens"))
    out["status"] = _status(record, out.get("status"))
    if out["status"] == "cancelled":  # the proxy writes `stop` for an answer that its caller left
        out["finish_reason"] = None
    if not any(item["parts"] for item in out.get("output") or ()):
        out.pop("output", None)
    return out


def _as_sent(tool: Any) -> Any:
    """A tool as its caller defined it: the proxy names the default kind of Anthropic's API."""
    named = isinstance(tool, dict) and tool.get("type") == "custom" and "input_schema" in tool
    return {name: value for name, value in tool.items() if name != "type"} if named else tool


def _id(record: Mapping[str, Any]) -> Any:
    """The call's id with its start. The caller may choose `litellm_call_id` (a header), attempts and cached answers
    repeat it, and a caller who repeats one would erase its own earlier exchanges."""
    own = record.get("litellm_call_id")
    given = own or record.get("id")
    repeats = own or record.get("cache_hit") is True
    return f"{given}@{record.get('startTime')}" if repeats and given else given


def _served(record: Mapping[str, Any], response: Mapping[str, Any]) -> Any:
    """The model that answered. The answer's own word is often the group's name, which the proxy puts in its place."""
    told = response.get("model")
    if told and told != record.get("model_group"):
        return told
    own, provider = record.get("model"), str(record.get("custom_llm_provider") or "")
    if not isinstance(own, str) or not provider:
        return told or own
    head, slash, rest = own.partition("/")
    return rest if slash and head in provider else own  # `openai/…` by `text-completion-openai`


def _account(metadata: Mapping[str, Any]) -> Any:
    user = metadata.get("user_api_key_user_id")
    if user and user not in NOBODY:
        return user
    return metadata.get("user_api_key_team_id") or metadata.get("user_api_key_hash")


def _status(record: Mapping[str, Any], told: Any) -> Any:
    if record.get("status") == "success":
        if at(record, ("error_information", "error_code")) == "499":
            return "cancelled"
        return told if told in ("refused", "blocked", "cancelled") else "ok"
    if record.get("status") == "failure":
        about = mapping(record.get("error_information"))
        blocked = about.get("error_class") in _BLOCKED or about.get("error_code") in openai.BLOCKED
        stopped = at(record, ("status_fields", "guardrail_status")) == "guardrail_intervened"
        return "blocked" if blocked or stopped else "error"
    return record.get("status")


def _logged(messages: Any) -> list[Any] | None:
    """The request's messages, or None where they were not logged."""
    if isinstance(messages, str):
        messages = listing(messages) or ([{"role": "user", "content": messages}] if messages else None)
    if isinstance(messages, dict):
        messages = [messages]
    return messages if isinstance(messages, list) and messages else None


def _response(given: Any) -> Mapping[str, Any]:
    """The answer's body; older versions may log its text alone."""
    held = mapping(given)
    if isinstance(given, str) and given and not held:
        return {"choices": [{"message": {"role": "assistant", "content": given}}]}
    if not isinstance(held.get("choices"), list):
        return held
    return {**held, "choices": [_with_refusal(choice) for choice in held["choices"]]}


def _with_refusal(choice: Any) -> Any:
    """A choice whose refusal stands where OpenAI's API has it; the proxy moves it among the provider's own fields."""
    if not isinstance(choice, dict):
        return choice
    held = mapping(choice.get("message"))
    refusal = at(held, ("provider_specific_fields", "refusal"))
    return {**choice, "message": {"refusal": refusal, **held}} if refusal else choice
