"""Exchanges of the contract as a provider's own logger would have written them: the samples of the other formats.

The inverse of the readers in `ingest`, written apart from them, so that a sample that reads back checks both.
Streamed exchanges are logged as the events of their streams. What a format has no place for is left out: OpenAI's has
none for a budget of reasoning, LiteLLM's none for TLS fingerprints.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
Record = dict[str, Any]

CHUNK = 600
"""Characters of one event of a stream."""


def lines(rows: Iterable[Row], format: str) -> Iterator[str]:
    """One line of JSON for each row of `tables.EXCHANGES`, in a format of SHAPES."""
    shape = SHAPES[format]
    for row in rows:
        yield json.dumps(shape(row), ensure_ascii=False, separators=(",", ":"))


def _present(**values: Any) -> Record:
    return {name: value for name, value in values.items() if value is not None}


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _parts(item: Any) -> list[Any]:
    """The parts of a message of the contract, which may also be a bare string or have `content`."""
    if isinstance(item, str):
        return [{"type": "text", "content": item}]
    if "parts" in item:
        return list(item["parts"])
    content = item.get("content")
    return content if isinstance(content, list) else [{"type": "text", "content": content or ""}]


def _text(parts: Iterable[Any], kind: str = "text") -> str:
    return "\n".join(part["content"] for part in parts if part.get("type") == kind)


def _items(text: str | None) -> list[Any]:
    held = _json(text) if text and text[:1] in "[{" else text
    return held if isinstance(held, list) else [] if held is None else [held]


def _envelope(row: Row, request: Record, response: Any) -> Record:
    edge = _present(asn=row["asn"], country=row["country"], ip_class=row["ip_class"], ja4=row["ja4"])
    return {
        "request_id": row["exchange_id"], "timestamp": row["asked_at"].isoformat(), **_present(
            finished_at=row["finished_at"] and row["finished_at"].isoformat(), account_id=row["account_id"],
            org_id=row["org_id"], project_id=row["project_id"], api_key_id=row["api_key_id"],
            session_id=row["session_id"], conversation_id=row["conversation_id"], turn_index=row["turn_index"],
            platform=row["pathway"], client_ip=row["client_ip"],
        ), **edge, "headers": _present(**{"user-agent": row["user_agent"]}), "status_code": _CODES[row["status"]],
        "request": request, "response": response,
    }  # fmt: skip


_CODES = {"ok": 200, "refused": 200, "error": 500, "blocked": 400, "cancelled": 499}


# -------------------------------------------------------------------------------------------------------- OpenAI


def openai(row: Row) -> Record:
    """A request and its answer of OpenAI's chat completions."""
    return _envelope(row, _openai_request(row), _openai_response(row))


def _openai_request(row: Row) -> Record:
    system = _text(_items(row["system"]))
    given = [{"role": "system", "content": system}] if system else []
    for item in _items(row["messages"]):
        given += _openai_messages(item)
    return _present(
        model=row["model_requested"], messages=given, tools=_json(row["tools"]), stream=row["stream"],
        temperature=row["temperature"], top_p=row["top_p"], max_completion_tokens=row["max_tokens"], n=row["n"],
        seed=row["seed"], logprobs=row["logprobs"], reasoning_effort=row["reasoning_effort"],
        response_format=_word_or_json(row["response_format"]), tool_choice=_word_or_json(row["tool_choice"]),
        user=row["end_user_id"],
    )  # fmt: skip


def _word_or_json(text: str | None) -> Any:
    return _json(text) if text and text[:1] in "[{" else text


def _openai_messages(item: Any) -> list[Record]:
    parts = _parts(item)
    role = item.get("role", "user") if isinstance(item, dict) else "user"
    results = [part for part in parts if part["type"] == "tool_call_response"]
    if results:
        return [
            {"role": "tool", "tool_call_id": part["id"], "content": part.get("response", part.get("result"))}
            for part in results
        ]
    if any(part["type"] in ("blob", "uri", "file") for part in parts):
        content = [
            {"type": "text", "text": part["content"]} if part["type"] == "text"
            else {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
            for part in parts
        ]  # fmt: skip
        return [{"role": role, "content": content}]
    return [_openai_message(role, parts)]


def _openai_message(role: str, parts: list[Any]) -> Record:
    calls = [
        {"id": part["id"], "type": "function",
         "function": {"name": part["name"], "arguments": json.dumps(part["arguments"])}}
        for part in parts if part["type"] == "tool_call"
    ]  # fmt: skip
    return _present(
        role=role,
        content=_text(parts) or ("" if not calls else None),
        reasoning_content=_text(parts, "reasoning") or None,
        tool_calls=calls or None,
    )


def _openai_response(row: Row) -> Any:
    about = {"id": f"chatcmpl-{row['exchange_id']}", "model": row["model_served"] or row["model_requested"],
             "created": int(row["asked_at"].timestamp())}  # fmt: skip
    if row["status"] in ("error", "blocked"):
        return {"error": {"code": "content_filter" if row["status"] == "blocked" else "server_error"}}
    usage = _present(
        prompt_tokens=row["input_tokens"], completion_tokens=row["output_tokens"],
        completion_tokens_details=_present(reasoning_tokens=row["reasoning_tokens"]),
        prompt_tokens_details=_present(cached_tokens=row["cached_tokens"]),
    )  # fmt: skip
    if row["output"] is None:
        return {**about, "object": "chat.completion", "choices": [], "usage": usage}
    choices = [
        {"index": place, "message": _openai_message("assistant", _parts(item)), "finish_reason": row["finish_reason"]}
        for place, item in enumerate(_items(row["output"]))
    ]
    if row["status"] == "refused":
        for choice in choices:
            choice["message"]["refusal"] = choice["message"].pop("content", "")
    if row["stream"]:
        return [*_openai_chunks(about, choices, row["status"] == "cancelled"), {**about, "choices": [], "usage": usage}]
    return {**about, "object": "chat.completion", "choices": choices, "usage": usage}


def _openai_chunks(about: Record, choices: list[Record], broken_off: bool) -> Iterator[Record]:
    for choice in choices:
        message = choice["message"]
        deltas: list[Record] = [{"role": "assistant", "content": ""}]
        for name in ("reasoning_content", "content", "refusal"):
            deltas += [{name: piece} for piece in _pieces(message.get(name) or "")]
        deltas += [{"tool_calls": [{"index": n, **call}]} for n, call in enumerate(message.get("tool_calls", []))]
        for delta in deltas:
            yield {**about, "object": "chat.completion.chunk", "choices": [{"index": choice["index"], "delta": delta}]}
        end = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        if not broken_off:
            yield {**about, "object": "chat.completion.chunk", "choices": [end]}


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + CHUNK] for start in range(0, len(text), CHUNK))


# ----------------------------------------------------------------------------------------------------- Anthropic


def anthropic(row: Row) -> Record:
    """A request and its answer of Anthropic's Messages API."""
    return _envelope(row, _anthropic_request(row), _anthropic_response(row))


def _anthropic_request(row: Row) -> Record:
    budget, effort = row["reasoning_budget"], row["reasoning_effort"]
    given = _word_or_json(row["tool_choice"])
    choice = {"type": given} if isinstance(given, str) else given
    config = _present(effort=effort, format=_word_or_json(row["response_format"]))
    return _present(
        model=row["model_requested"], max_tokens=row["max_tokens"], system=_text(_items(row["system"])) or None,
        messages=[_anthropic_message(item) for item in _items(row["messages"])], tools=_json(row["tools"]),
        stream=row["stream"], temperature=row["temperature"], top_p=row["top_p"], tool_choice=choice,
        thinking=None if budget is None else {"type": "enabled", "budget_tokens": budget},
        output_config=config or None, metadata={"user_id": row["end_user_id"]} if row["end_user_id"] else None,
    )  # fmt: skip


def _anthropic_message(item: Any) -> Record:
    role = item.get("role", "user") if isinstance(item, dict) else "user"
    return {"role": "user" if role == "tool" else role, "content": [_block(part) for part in _parts(item)]}


def _block(part: Any) -> Record:
    kind = part["type"]
    if kind == "tool_call":
        return {"type": "tool_use", "id": part["id"], "name": part["name"], "input": part["arguments"]}
    if kind == "tool_call_response":
        return {"type": "tool_result", "tool_use_id": part["id"], "content": part.get("response", part.get("result"))}
    if kind == "reasoning":
        return {"type": "thinking", "thinking": part["content"], "signature": "AAAA"}
    if kind in ("blob", "uri", "file"):
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    return {"type": "text", "text": part["content"]}


_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "tool_call": "tool_use"}


def _anthropic_response(row: Row) -> Any:
    if row["status"] in ("error", "blocked"):
        return {"type": "error", "error": {"type": "api_error", "message": ""}}
    cached = row["cached_tokens"] or 0
    read = None if row["input_tokens"] is None else row["input_tokens"] - cached
    usage = _present(
        input_tokens=read, cache_read_input_tokens=row["cached_tokens"], output_tokens=row["output_tokens"]
    )
    stop = "refusal" if row["status"] == "refused" else _STOPS.get(row["finish_reason"] or "", row["finish_reason"])
    blocks = [_block(part) for item in _items(row["output"]) for part in _parts(item)]
    about = {"id": f"msg_{row['exchange_id']}", "type": "message", "role": "assistant",
             "model": row["model_served"] or row["model_requested"]}  # fmt: skip
    if row["stream"]:
        return [*_anthropic_events(about, blocks, usage, stop, row["status"] == "cancelled")]
    return {**about, "content": blocks, "stop_reason": stop, "usage": usage}


def _anthropic_events(
    about: Record, blocks: list[Record], usage: Record, stop: str | None, broken_off: bool
) -> Iterator[Record]:
    yield {"type": "message_start", "message": {**about, "content": [], "usage": usage}}
    for place, block in enumerate(blocks):
        kind, name, field = _DELTAS[block["type"]]
        whole = json.dumps(block[field]) if field == "input" else block[field]
        empty = {**block, field: {} if field == "input" else ""}
        yield {"type": "content_block_start", "index": place, "content_block": empty}
        for piece in _pieces(whole):
            yield {"type": "content_block_delta", "index": place, "delta": {"type": kind, name: piece}}
        yield {"type": "content_block_stop", "index": place}
    if not broken_off:
        yield {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {}}
        yield {"type": "message_stop"}


_DELTAS = {
    "text": ("text_delta", "text", "text"),
    "thinking": ("thinking_delta", "thinking", "thinking"),
    "tool_use": ("input_json_delta", "partial_json", "input"),
}


# ------------------------------------------------------------------------------------------------------- LiteLLM


def litellm(row: Row) -> Record:
    """LiteLLM's logging payload, with the fields that say something.

    Without `litellm_call_id`, as older versions wrote it: beside it the reader counts attempts, and the truth calls.
    """
    request = _openai_request(row)
    messages, model = request.pop("messages"), request.pop("model")
    whole = {**row, "stream": None}
    failed = row["status"] in ("error", "blocked")
    answer: Any = _openai_response(whole)
    blocked = row["status"] == "blocked"
    return {
        "id": row["exchange_id"], "call_type": "acompletion",
        "trace_id": row["conversation_id"], "session_id": row["session_id"] or "", "stream": row["stream"],
        "status": "failure" if failed else "success", "startTime": row["asked_at"].timestamp(),
        "endTime": (row["finished_at"] or row["asked_at"]).timestamp(), "model": f"openai/{model}",
        "custom_llm_provider": "openai", "model_group": model, "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "end_user": row["end_user_id"], "requester_ip_address": row["client_ip"], "user_agent": row["user_agent"],
        "metadata": {"user_api_key_hash": row["api_key_id"], "user_api_key_user_id": row["account_id"],
                     "user_api_key_org_id": row["org_id"], "user_api_key_team_id": row["project_id"]},
        "messages": messages, "response": {} if failed else answer, "model_parameters": request,
        "error_information": {"error_class": "ContentPolicyViolationError" if blocked else ""},
    }  # fmt: skip


SHAPES: Mapping[str, Callable[[Row], Record]] = {"openai": openai, "anthropic": anthropic, "litellm": litellm}
"""The formats that a world can be written in beside the contract's own."""
