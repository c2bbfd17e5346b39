"""Messages of OpenAI's and Anthropic's APIs as the contract's: a role, and parts of OpenTelemetry's GenAI kinds.

The bytes of images, sounds and files are left out: that there was one is the signal, and they are large.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_ITEM = (dict, str)

Part = dict[str, Any]
Message = dict[str, Any]

MEDIA = {
    "image_url": "image", "input_image": "image", "image": "image", "output_image": "image", "input_audio": "audio",
    "audio": "audio", "output_audio": "audio", "video_url": "video", "file": "file", "input_file": "file",
    "document": "file", "container_upload": "file",
}  # fmt: skip
"""Kinds of parts that carry no text, in both APIs, and what they carry."""


REDACTED = re.compile(
    r"[\W_]*redacted(?:[-_ ]by[-_ ]\w+)?[\W_]*|\*{3,}"
    r"|[\[<({_]+(?:content |text )?(?:masked|filtered|scrubbed|hidden|omitted|removed)[\])>}_]+",
    re.IGNORECASE,
)
"""What loggers write for a text that they were told not to keep: `redacted-by-litellm`, OpenInference's `__REDACTED__`,
`[REDACTED]`, `[Filtered]`, `***`. Read as words it would be the template that all accounts share. Whoever sends such a
text as a whole prompt gets nothing for it."""

LONGEST_MARK = 40


def kept(found: list[Message] | None) -> list[Message] | None:
    """Messages without the texts that a logger left out; None where it left out everything."""
    if found is None or not any(_is_left_out(part) for item in found for part in item["parts"]):
        return found
    out = []
    for item in found:
        held = [part for part in item["parts"] if not _is_left_out(part) or part["type"] == "tool_call"]
        held = [{**part, "arguments": None} if _is_left_out(part) else part for part in held]
        if held or not item["parts"]:
            out.append({**item, "parts": held})
    return out or None


def is_redacted(text: Any) -> bool:
    """Whether the whole text is a logger's word for a text that it did not keep."""
    return isinstance(text, str) and len(text) <= LONGEST_MARK and REDACTED.fullmatch(text) is not None


def _is_left_out(part: Part) -> bool:
    return any(is_redacted(part.get(name)) for name in ("content", "arguments", "response"))


def messages(value: Any) -> list[Message]:
    """The messages of a request: a list of them, one, or a bare string (one message of the user)."""
    if isinstance(value, str):
        return [message({"role": "user", "content": value})]
    items = value if isinstance(value, list) else [value]
    return [message(item) for item in items if isinstance(item, _ITEM)]


def message(item: Any) -> Message:
    """One message, or one item of OpenAI's Responses API, which is a message, a call, a result or a thought."""
    if isinstance(item, str):
        return {"role": "user", "parts": [_text(item)]}
    content = item.get("content")
    if len(item) == 2 and isinstance(content, str) and isinstance(role := item.get("role"), str) and role != "tool":
        return {"role": role, "parts": parts(content)}
    lone = _LONE.get(str(item.get("type")))
    if lone is not None:
        role, read = lone
        return {"role": role, "parts": [read(item)]}
    role = item.get("role")
    role = role if isinstance(role, str) else "user"
    if role == "tool":
        return {"role": "tool", "parts": [_result(item)]}
    held = parts(content)
    thought = item.get("reasoning_content") or item.get("reasoning")
    if thought:
        held.insert(0, _thought(thought))
    if item.get("refusal"):
        held.append(_text(item["refusal"]))
    held += [_call(call) for call in _items(item.get("tool_calls"))]
    if isinstance(item.get("function_call"), dict):
        held.append(_call({"function": item["function_call"]}))
    return {"role": role, "parts": held}


def parts(content: Any) -> list[Part]:
    """The parts of one message's content: a string, a list of parts, or one part."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [_text(content)]
    items = content if isinstance(content, list) else [content]
    return [_part(item) for item in items if isinstance(item, _ITEM)]


def _part(item: Any) -> Part:
    if isinstance(item, str):
        return _text(item)
    kind = str(item.get("type", "text"))
    if kind in MEDIA:
        told = _document(item)
        return _text(told) if told else {"type": "blob", "modality": MEDIA[kind]}
    read = _PARTS.get(kind)
    if read is not None:
        return read(item)
    lone = _LONE.get(kind)
    if lone is not None:
        return lone[1](item)
    held = next((item[key] for key in ("text", "content") if isinstance(item.get(key), str)), None)
    held = _texts(item.get("content")) or None if held is None else held
    return {"type": "generic", "kind": kind[:64]} if held is None else _text(held)


def _document(item: Mapping[str, Any]) -> str:
    """The words of a document that is sent as text; a file's bytes hold none that are read."""
    source = item.get("source")
    if not isinstance(source, dict) or source.get("type") not in ("text", "content"):
        return ""
    given = source.get("data") or source.get("content")
    return given if isinstance(given, str) else _texts(given)


def _texts(content: Any) -> str:
    """The texts of a list of parts; nothing where it holds none."""
    given = content if isinstance(content, list) else []
    held = (item if isinstance(item, str) else _string(item, "text", "content") for item in given)
    return "\n".join(text for text in held if text)


def _text(text: Any) -> Part:
    return {"type": "text", "content": text if isinstance(text, str) else ""}


def _thought(value: Any) -> Part:
    if isinstance(value, dict):
        texts = [_string(value, "thinking", "text", "content")]
        texts += [_string(item, "text") for item in _items(value.get("summary"))]
        value = "\n".join(text for text in texts if text)
    return {"type": "reasoning", "content": value if isinstance(value, str) else ""}


def _call(item: Mapping[str, Any]) -> Part:
    named = item.get("function") if isinstance(item.get("function"), dict) else item
    assert isinstance(named, dict)
    given = named.get("arguments", named.get("input"))
    return {
        "type": "tool_call",
        "id": _string(item, "call_id", "id"),
        "name": _string(named, "name"),
        "arguments": given,
    }


def _result(item: Mapping[str, Any]) -> Part:
    given = item.get("content", item.get("output"))
    id = _string(item, "tool_call_id", "tool_use_id", "call_id")
    return {"type": "tool_call_response", "id": id, "response": _without_media(given)}


def _without_media(given: Any) -> Any:
    return parts(given) if isinstance(given, list) else given


def _string(item: Any, *names: str) -> str:
    """The first of these names that holds a string that is not empty."""
    held = item if isinstance(item, dict) else {}
    return next((held[name] for name in names if isinstance(held.get(name), str) and held[name]), "")


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Reader = Callable[[Mapping[str, Any]], Part]

_PARTS: Mapping[str, Reader] = {
    **dict.fromkeys(("text", "input_text", "output_text"), lambda item: _text(_string(item, "text", "content"))),
    **dict.fromkeys(("thinking", "redacted_thinking"), _thought),
    "refusal": lambda item: _text(_string(item, "refusal", "text")),
}
"""Parts inside of a message."""

_LONE: Mapping[str, tuple[str, Reader]] = {
    "reasoning": ("assistant", _thought),
    **dict.fromkeys(
        ("function_call", "custom_tool_call", "tool_use", "server_tool_use", "mcp_tool_use", "computer_call",
         "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "local_shell_call"),
        ("assistant", _call),
    ),
    **dict.fromkeys(
        ("function_call_output", "custom_tool_call_output", "tool_result", "computer_call_output", "mcp_tool_result",
         "web_search_tool_result", "local_shell_call_output"),
        ("tool", _result),
    ),
}  # fmt: skip
"""Items that are a whole message in OpenAI's Responses API. In Anthropic's they are parts of one."""
