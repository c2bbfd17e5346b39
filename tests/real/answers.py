"""Answers of a model provider as its API gives them: OpenAI's chat, whole and in chunks, and Anthropic's events."""

from typing import Any

Json = dict[str, Any]

SERVED = "large-2-0301"
CREATED = 1772359201


def usage(asked: int = 11, answered: int = 5, **more: Any) -> Json:
    """Token counts of a chat completion."""
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered, **more}


def chat(*texts: str | None, end: str = "stop", counted: Json | None = None, **message: Any) -> tuple[int, Json]:
    """A chat completion with these texts as its choices; `message` goes into each."""
    choices = [
        {"index": place, "message": {"role": "assistant", "content": text, **message}, "finish_reason": end}
        for place, text in enumerate(texts)
    ]
    about = {"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": SERVED}
    return 200, {**about, "choices": choices, "usage": counted or usage()}


def chunks(*deltas: Any, end: str | None = "stop", counted: bool = True) -> tuple[int, list[Any]]:
    """A chat completion as a stream of these deltas; a number waits so many seconds. Without `end` it breaks off."""
    about = {"id": "chatcmpl-5", "object": "chat.completion.chunk", "created": CREATED, "model": SERVED}
    out: list[Any] = [
        held if isinstance(held, float) else {**about, "choices": [{"index": 0, "delta": held, "finish_reason": None}]}
        for held in deltas
    ]
    if end is None:
        return 200, out
    out.append({**about, "choices": [{"index": 0, "delta": {}, "finish_reason": end}]})
    return 200, [*out, *([{**about, "choices": [], "usage": usage()}] if counted else []), "[DONE]"]


def called(name: str, arguments: str, id: str = "call_1") -> Json:
    """One call of a tool."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def failed(status: int, message: str, **more: Any) -> tuple[int, Json]:
    """An error of OpenAI's API."""
    return status, {"error": {"message": message, "type": "server_error", "param": None, **more}}


def responded(*output: Json) -> Json:
    """An answer of the Responses API."""
    return {
        "id": "resp_1", "object": "response", "created_at": CREATED, "status": "completed", "model": SERVED,
        "output": list(output), "parallel_tool_calls": True, "tools": [], "tool_choice": "auto",
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5,
                  "output_tokens_details": {"reasoning_tokens": 1}, "input_tokens_details": {"cached_tokens": 0}},
    }  # fmt: skip


def said(text: str) -> Json:
    """A message of an answer of the Responses API."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}


CLAUDE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1-0929"}


def message(*content: Json, end: str = "end_turn") -> tuple[int, Json]:
    """A message of Anthropic's API."""
    counted = {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 3}
    return 200, {**CLAUDE, "content": list(content), "stop_reason": end, "stop_sequence": None, "usage": counted}


def events(*blocks: tuple[Json, Json], end: str = "end_turn") -> tuple[int, list[Any]]:
    """A message of Anthropic's API as events: the start of each block, and its one delta."""
    start = {**CLAUDE, "content": [], "stop_reason": None, "usage": {"input_tokens": 9, "output_tokens": 1}}
    out: list[Any] = [{"type": "message_start", "message": start}]
    for place, (block, delta) in enumerate(blocks):
        out += [
            {"type": "content_block_start", "index": place, "content_block": block},
            {"type": "content_block_delta", "index": place, "delta": delta},
            {"type": "content_block_stop", "index": place},
        ]
    close = {"type": "message_delta", "delta": {"stop_reason": end, "stop_sequence": None}}
    return 200, [*out, {**close, "usage": {"output_tokens": 7}}, {"type": "message_stop"}]
