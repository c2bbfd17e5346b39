"""Messages and answers of the plain shapes, read by type: several times as quick as reading any JSON.

Plain is a list of objects with a role of `Speaker` and a string or text parts, and with nothing else that matters.
Anything else is answered by None, and read by `parts.py`, which says the same of what is plain.
"""

from typing import Literal

import msgspec

Speaker = Literal["user", "assistant", "system", "developer"]


class _Part(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    content: str


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Speaker
    content: str | None = None
    parts: list[_Part] | msgspec.UnsetType = msgspec.UNSET
    finish_reason: str | None = None


_DECODER = msgspec.json.Decoder(list[_Message])


def plain(text: str) -> list[tuple[str, str]] | None:
    """Who says what, in order; empty where a message says nothing. None where the text is not plain."""
    try:
        return [(one.role, _text(one)) for one in _DECODER.decode(text)]
    except (ValueError, RecursionError):
        return None


def _text(message: _Message) -> str:
    parts = message.parts
    if isinstance(parts, msgspec.UnsetType):
        return message.content or ""
    return parts[0].content if len(parts) == 1 else "\n".join([part.content for part in parts if part.content])
