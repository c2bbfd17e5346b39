"""The canonical text columns taken apart: whose words are where, and what the exchange carries.

Accepts OpenTelemetry GenAI parts, OpenAI's shape, and a bare string. Never raises: what cannot be read as JSON is a
bare string, and what has an unknown shape contributes nothing.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from stillwatch.content.structure import Structure

MEDIA_TYPES = frozenset(("blob", "file", "uri", "image", "image_url", "input_image", "input_audio", "audio"))
TEXT_KEYS = ("content", "text", "input_text", "output_text")
HISTORY = 4
DEEPEST = 64
"""Nesting beyond which JSON is taken as a bare string: an attacker's depth is not our recursion."""


@dataclass
class Parts:
    """The texts of one exchange, in memory only. `user` is the last human turn; `None` means that none was logged."""

    system: str = ""
    tools: str = ""
    history: list[str] = field(default_factory=list)
    user: str | None = None
    output: str | None = None
    structure: int = 0
    turns: int = 0


def parts_of(system: str | None, messages: str | None, tools: str | None, output: str | None) -> Parts:
    """Take one exchange's text columns apart."""
    parts = Parts()
    if system:
        parts.system = _text(_loaded(system), parts)
        parts.structure |= Structure.SYSTEM if parts.system else 0
    if tools:
        _tools(_loaded(tools), parts)
    if messages:
        _messages(_loaded(messages), parts)
    if output:
        _output(_loaded(output), parts)
    return parts


def _loaded(text: str) -> Any:
    """The JSON value that a column holds, or the text itself where it holds none."""
    head = text.lstrip()[:1]
    if head not in ("[", "{", '"') or _depth(text) > DEEPEST:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _depth(text: str) -> int:
    """An upper bound of the nesting: opening brackets, wherever they stand, where there are suspiciously many."""
    opened = text.count("[") + text.count("{")
    if opened <= DEEPEST:
        return 0
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _tools(value: Any, parts: Parts) -> None:
    """Tool definitions in one stable order, so that a client that shuffles them stays one client."""
    items = value if isinstance(value, list) else [value]
    texts = sorted(item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in items if item)
    parts.tools = "\n".join(texts)
    if parts.tools:
        parts.structure |= Structure.TOOLS
        if '"computer' in parts.tools or '"screenshot' in parts.tools:
            parts.structure |= Structure.COMPUTER_TOOL


def _messages(value: Any, parts: Parts) -> None:
    items = value if isinstance(value, list) else [value]
    turns: list[tuple[str, str]] = []
    for item in items:
        role = str(item.get("role", "user")) if isinstance(item, dict) else "user"
        text = _text(item, parts)
        if role == "tool" or (isinstance(item, dict) and "tool_call_id" in item):
            parts.structure |= Structure.TOOL_RESULT
            continue
        if isinstance(item, dict) and (item.get("tool_calls") or item.get("function_call")):
            parts.structure |= Structure.TOOL_CALL_BEFORE
        if role in ("system", "developer"):
            parts.system = f"{parts.system}\n{text}".strip("\n")
            parts.structure |= Structure.SYSTEM
        elif text:
            turns.append((role, text))
    human = [place for place, (role, _) in enumerate(turns) if role == "user"]
    parts.turns = len(human)
    if human:
        parts.user = turns[human[-1]][1]
        before = [text for _, text in turns[: human[-1]]]
        parts.history = before[:HISTORY]
        parts.structure |= Structure.CODE_IN if "```" in parts.user else 0
    if len(human) > 1:
        parts.structure |= Structure.MULTI_TURN


def _output(value: Any, parts: Parts) -> None:
    items = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for item in items:
        carried = Parts()
        texts.append(_text(item, carried))
        if carried.structure & Structure.TOOL_CALL_BEFORE or (isinstance(item, dict) and item.get("tool_calls")):
            parts.structure |= Structure.TOOL_CALL_OUT
        parts.structure |= carried.structure & Structure.REASONING_OUT
        if isinstance(item, dict) and (item.get("reasoning_content") or item.get("reasoning")):
            parts.structure |= Structure.REASONING_OUT
    parts.output = "\n".join(text for text in texts if text)
    if "```" in parts.output:
        parts.structure |= Structure.CODE_OUT
    if parts.output.lstrip()[:1] in ("{", "["):
        parts.structure |= Structure.JSON_OUT


def _text(value: Any, parts: Parts) -> str:  # noqa: PLR0911 (one return a shape)
    """The visible text of a message, a part, or a list of them; marks in `parts` what is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(text for text in (_text(item, parts) for item in value) if text)
    if not isinstance(value, dict):
        return ""
    kind = str(value.get("type"))
    if kind in ("tool_call", "tool_use", "function_call"):
        parts.structure |= Structure.TOOL_CALL_BEFORE
        return ""
    if kind in ("tool_call_response", "tool_result"):
        parts.structure |= Structure.TOOL_RESULT
        return ""
    if kind in ("reasoning", "thinking"):
        parts.structure |= Structure.REASONING_OUT
        return ""
    if kind in MEDIA_TYPES:
        parts.structure |= Structure.MEDIA
        return ""
    if "parts" in value:
        return _text(value["parts"], parts)
    return next((_text(value[key], parts) for key in TEXT_KEYS if value.get(key)), "")
