"""Strings of others made inert: what an attacker wrote is shown, and neither a page nor a terminal obeys it."""

import re
import unicodedata

UNSAFE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Controls, bidi and zero-width, lone surrogates, private, unassigned, and line breaks of Unicode."""

STACK = 4
"""Combining marks in a row that a living script needs; more of them climb over the neighbouring lines."""

_PLAIN = re.compile(r"[ -~]*")


def visible(text: str, limit: int = 400) -> str:
    """The text on one line: controls, bidi, breaks and piled-up marks become escapes such as ``\\u202e``.

    Attackers choose account names, headers and file names. Longer than ``limit`` characters is cut, with an ellipsis.
    Doing it twice changes nothing.
    """
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    if not _PLAIN.fullmatch(short):
        short = _escaped(short)
    return short if len(short) <= limit else short[: limit - 1] + "…"


def shortened(text: str, limit: int = 96, tail: int = 16) -> str:
    """A long name with its middle left out, and how long it was: its beginning and its end tell it from others."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - tail]} … {text[-tail:]} ({len(text):,} characters)"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`: the number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(part: float) -> str:
    """A share as a percentage, `under 1 %` where it would round to nothing."""
    return "under 1 %" if 0 < part < 0.005 else f"{part:.0%}".replace("%", " %")


def percent(part: float) -> str:
    """A share as a percentage that says neither none nor all where it is not: `0.21 %`, `98.6 %`, `under 0.01 %`."""
    near = min(part, 1.0 - part)
    if 0.0 < near < 0.0001:
        return "under 0.01 %" if part < 0.5 else "over 99.99 %"
    places = 0 if near == 0.0 else 2 if near < 0.01 else 1
    return f"{100.0 * part:.{places}f} %"


def signed(value: float, places: int = 2) -> str:
    """`+1.50`, `−0.02`: with a true minus, which is as wide as the plus."""
    return f"{value:+.{places}f}".replace("-", "−")


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), "".join(words[-1:]))))


def _escaped(text: str) -> str:
    shown, marks = [], 0
    for character in text:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        shown.append(_escape(character) if kind in UNSAFE or marks > STACK else character)
    return "".join(shown)


def _escape(character: str) -> str:
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
