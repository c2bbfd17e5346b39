"""Take reasoning out of answers, whole or streamed, of OpenAI's, Anthropic's and vLLM's shapes."""

import json
import re
from collections.abc import Iterator
from typing import Any

TRACES = (
    "reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "reasoning_text",
)  # fmt: skip
"""Keys of a message or a delta that hold a trace."""

KINDS = ("reasoning", "thinking", "redacted_thinking", "reasoning_text", "summary_text")
"""Kinds of blocks that hold one."""

TEXTS = ("content", "text")
"""Keys of a choice, a message or a block that hold what is said."""

WORDS = ("thinking", "text", "data", "encrypted_content")
THINK = re.compile(r"<think>.*?(?:</think>\s*|\Z)", re.DOTALL)

MOST_EVENT = 1 << 20
"""Bytes of an event of a stream."""
DEEPEST = 50


def without(value: Any, depth: int = 0) -> Any:
    """An answer without its traces. Blocks stay, empty, so that what counts or numbers them still fits."""
    if depth > DEEPEST:
        return None
    if isinstance(value, list):
        return [without(one, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in KINDS:
        blank = {"content": [], "summary": [], **dict.fromkeys(WORDS, "")}
        return {name: blank.get(name, held) for name, held in value.items()}
    out = {}
    for name, held in value.items():
        if name in TRACES and (depth > 1 or "role" in value):  # above that it is a setting that is told back
            continue
        out[name] = without(held, depth + 1)
    if out.get("type") == "thinking_delta":
        out["thinking"] = ""
    if str(out.get("type", "")).startswith(("response.reasoning", "reasoning")):
        out.update({name: "" for name in ("delta", "text") if name in out})
    for name in TEXTS:
        if isinstance(out.get(name), str):
            out[name] = without_think(out[name])
    return out


def without_think(text: str) -> str:
    """A text without what stands between <think> and </think>, as servers that tell no traces apart write them."""
    return THINK.sub("", text) if "<think>" in text else text


def whole(raw: bytes) -> bytes:
    """The body of an answer without its traces. Raises ValueError where it is no JSON."""
    try:
        return json.dumps(without(json.loads(raw))).encode("ascii")
    except RecursionError as error:
        raise ValueError("too deep") from error


class Stream:
    """A stream of server-sent events without its traces; an event that cannot be read is left out."""

    def __init__(self) -> None:
        self._held = b""
        self._skips = False

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What may go out of the bytes so far."""
        self._held += data
        if last and self._held:
            self._held += b"\n\n"
        return b"".join(self._events())

    def _events(self) -> Iterator[bytes]:
        while match := re.search(rb"\r\n\r\n|\n\n|\r\r", self._held):
            event, self._held = self._held[: match.start()], self._held[match.end() :]
            if self._skips:
                self._skips = False
                continue
            yield self._event(event)
        if len(self._held) > MOST_EVENT:
            self._held, self._skips = b"", True

    def _event(self, event: bytes) -> bytes:
        lines = event.splitlines()
        data = b"\n".join(line[5:].lstrip(b" ") for line in lines if line.startswith(b"data:"))
        others = [line for line in lines if not line.startswith(b"data:")]
        if data and data.strip() != b"[DONE]":
            try:
                data = whole(data)
            except ValueError:
                return b""
        return b"\n".join([*others, *([b"data: " + data] if data else [])]) + b"\n\n"
