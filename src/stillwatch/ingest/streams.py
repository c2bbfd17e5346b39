"""Streamed answers made whole: the events of server-sent streams, as loggers keep them, into one response body.

Takes OpenAI's chat and text chunks, the events of its Responses API, and Anthropic's message events; as a list of
objects, or as the stream's own text (`data: {...}` lines). An answer whose last event lacks was broken off.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stillwatch.ingest.paths import opened

BROKEN_OFF = "stillwatch_broken_off"
"""Key of a response body that says that its stream had no end."""

Event = Mapping[str, Any]


def whole(response: Any) -> Any:
    """The response body: as it is, or put together from the events of a stream. Never raises."""
    if isinstance(response, str):
        response = _events_of_text(response) if _is_stream(response) else opened(response)
    if not isinstance(response, list):
        return response
    events: list[Event] = [event for event in map(_bare, response) if isinstance(event, dict)]
    kinds = {str(event.get("type") or event.get("object")) for event in events}
    if any(kind.startswith(("message_", "content_block_")) for kind in kinds):
        return _anthropic(events)
    if any(kind.startswith("response.") for kind in kinds):
        return _responses(events)
    if any("choices" in event or event.get("error") for event in events):
        return _chunks(events)
    return response


def _is_stream(text: str) -> bool:
    return text.lstrip()[:6] in ("data: ", "event:") or text.lstrip()[:5] == "data:"


def _events_of_text(text: str) -> list[Any]:
    found = []
    for line in text.splitlines():
        if line.startswith("data:"):
            try:
                found.append(json.loads(line[5:]))
            except (ValueError, RecursionError):
                continue
    return found


def _bare(event: Any) -> Any:
    """An event as an object: some loggers keep `{"event": …, "data": {…}}`, or the text of it."""
    if isinstance(event, dict) and ("choices" in event or "type" in event):
        return event
    event = opened(event.removeprefix("data:").strip()) if isinstance(event, str) else event
    held = event.get("data") if isinstance(event, dict) and "type" not in event and "choices" not in event else None
    return (opened(held) if isinstance(held, str) else held) if held is not None else event


# ------------------------------------------------------------------------------------------ OpenAI: chat and text


def _chunks(events: list[Event]) -> dict[str, Any]:
    body: dict[str, Any] = {"choices": []}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        for name in ("id", "model", "created", "usage", "object", "error"):
            value = event.get(name)
            if value:
                body[name] = value
        for choice in _mappings(event.get("choices")):
            place = choice.get("index")
            held = choices.setdefault(place if isinstance(place, int) else 0, {"message": {"role": "assistant"}})
            held["finish_reason"] = choice.get("finish_reason") or held.get("finish_reason")
            if isinstance(choice.get("text"), str):
                held.setdefault("text", []).append(choice["text"])
            if isinstance(choice.get("delta"), dict):
                _grow_message(held["message"], choice["delta"])
    body["choices"] = [_finished(choices[place]) for place in sorted(choices)]
    if not any(choice.get("finish_reason") for choice in body["choices"]):
        body[BROKEN_OFF] = True
    return body


_GROWING = ("content", "reasoning_content", "reasoning", "refusal")
"""Texts of a message that come in pieces."""


def _grow_message(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, piece in delta.items():
        if isinstance(piece, str) and name in _GROWING:
            message.setdefault(name, []).append(piece)
    for call in _mappings(delta.get("tool_calls")):
        place = call.get("index")
        calls = message.setdefault("tool_calls", {})
        held = calls.setdefault(
            place if isinstance(place, int) else len(calls), {"id": "", "name": "", "arguments": []}
        )
        function = call.get("function")
        named = function if isinstance(function, dict) else {}
        held["id"] = held["id"] or call.get("id") or ""
        held["name"] = held["name"] or named.get("name") or ""
        if isinstance(named.get("arguments"), str):
            held["arguments"].append(named["arguments"])


def _finished(choice: dict[str, Any]) -> dict[str, Any]:
    """A choice with its pieces joined. Pieces are kept apart until here: adding to a string is quadratic."""
    if "text" in choice:
        return {"text": "".join(choice["text"]), "finish_reason": choice.get("finish_reason")}
    message: dict[str, Any] = {
        name: "".join(held) if isinstance(held, list) else held for name, held in choice["message"].items()
    }
    calls = message.pop("tool_calls", None)
    if calls:
        message["tool_calls"] = [
            {"id": call["id"], "function": {"name": call["name"], "arguments": "".join(call["arguments"])}}
            for _, call in sorted(calls.items())
        ]
    return {"message": message, "finish_reason": choice.get("finish_reason")}


# --------------------------------------------------------------------------------------------- OpenAI: Responses


def _responses(events: list[Event]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    items: dict[int, dict[str, Any]] = {}
    for event in events:
        held, item, place = event.get("response"), event.get("item"), event.get("output_index")
        if isinstance(held, dict):
            body.update(held)
        elif event.get("type") == "error":
            body["error"] = {name: event.get(name) for name in ("code", "message")}
        kind, grown = str(event.get("type")), items.setdefault(place if isinstance(place, int) else 0, {})
        if isinstance(item, dict):
            grown["item"], grown["done"] = item, kind.endswith(".done")
        elif kind in _GROWS and isinstance(event.get("delta"), str):
            grown.setdefault(_GROWS[kind], []).append(event["delta"])
    ends = {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "error"}
    if not ends & {str(event.get("type")) for event in events}:
        body[BROKEN_OFF] = True
    if not body.get("output"):
        body["output"] = [_item(items[place]) for place in sorted(items) if items[place]]
    return body


_GROWS = {
    "response.output_text.delta": "text", "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "thought", "response.reasoning_text.delta": "thought",
    "response.function_call_arguments.delta": "arguments",
}  # fmt: skip


def _item(held: Mapping[str, Any]) -> dict[str, Any]:
    """One item of an answer that broke off: as it was told whole, else as far as it had grown."""
    item = dict(held.get("item") or {"type": "message", "role": "assistant"})
    if held.get("done"):
        return item
    grown = {name: "".join(held[name]) for name in set(_GROWS.values()) if name in held}
    if "arguments" in grown:
        item["arguments"] = grown["arguments"]
    if "thought" in grown:
        item["summary"] = [{"type": "summary_text", "text": grown["thought"]}]
    if "text" in grown or "refusal" in grown:
        said = [{"type": "output_text", "text": grown["text"]}] if "text" in grown else []
        item["content"] = said + ([{"type": "refusal", "refusal": grown["refusal"]}] if "refusal" in grown else [])
    return item


# ----------------------------------------------------------------------------------------------------- Anthropic


def _anthropic(events: list[Event]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "message", "role": "assistant"}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, place = event.get("type"), event.get("index")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            body.update(event["message"])
        elif kind == "content_block_start" and isinstance(place, int):
            given = event.get("content_block")
            blocks[place] = {**(given if isinstance(given, dict) else {}), "_pieces": []}
        elif kind == "content_block_delta" and isinstance(place, int):
            delta = event.get("delta")
            blocks.setdefault(place, {"type": "text", "_pieces": []})["_pieces"].append(delta)
        elif kind == "message_delta":
            delta, usage = event.get("delta"), event.get("usage")
            body.update(delta if isinstance(delta, dict) else {})
            if isinstance(usage, dict):
                known = body.get("usage")
                body["usage"] = {**(known if isinstance(known, dict) else {}), **usage}
        elif kind == "error":
            body["error"] = event.get("error") or True
    body["content"] = [_block(blocks[place]) for place in sorted(blocks)]
    if not any(event.get("type") in ("message_stop", "error") for event in events):
        body[BROKEN_OFF] = True
    return body


def _block(block: dict[str, Any]) -> dict[str, Any]:
    pieces = [piece for piece in block.pop("_pieces") if isinstance(piece, dict)]
    for name, into in (("text", "text"), ("thinking", "thinking"), ("partial_json", "input")):
        grown = "".join(piece[name] for piece in pieces if isinstance(piece.get(name), str))
        if grown:
            before = block.get(into)
            block[into] = (before if isinstance(before, str) else "") + grown
    return block


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
