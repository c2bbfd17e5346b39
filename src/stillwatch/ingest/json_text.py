"""JSON text into values and back: a quick way (msgspec) and a slow, obvious one (the standard library).

Both give the same values and the same text. The quick reader is stricter than the slow one, so what it refuses (NaN,
half a surrogate pair, a number beyond a float) goes the slow way, and so does an object in which a key may stand twice,
which only the slow way can tell. The quick writer is given only what came from JSON.
"""

import json
import re
from typing import Any

import msgspec

from stillwatch.ingest.values import Unfit, to_json_text

NOT_UTF8 = ("bytes that are not UTF-8", "JSON in UTF-8")
TOO_DEEP = ("JSON nested too deeply", "flatter JSON object")
NO_JSON = ("text that is not JSON", "one JSON object a line")
CUT = ("JSON that breaks off", "one whole JSON object a line")
NULS = ("NUL bytes alone", "one JSON object a line")

_BOM = b"\xef\xbb\xbf"


class Object(dict[str, Any]):
    """A JSON object that remembers whether a key stood in it twice."""

    twice = False


class _Float(float):
    """A float that msgspec would write otherwise than the standard library: below 1e-4, from 1e16 on, or not finite."""


def loaded(data: bytes) -> Any:
    """The JSON value of some bytes; an object in which a key may stand twice is an `Object`. Raises Unfit."""
    try:
        value = _DECODER.decode(data)
        if _has_every_key(data, value):
            return value
    except (ValueError, RecursionError):
        pass
    return slowly_loaded(data)


def slowly_loaded(data: bytes) -> Any:
    """The JSON value of some bytes by the standard library alone, its objects as `Object`. Raises Unfit.

    A byte order mark before it and NULs around it, as a log has them that was cut while somebody wrote, are left out.
    """
    bare = data.removeprefix(_BOM).strip(b"\0")
    if not bare and data:
        raise Unfit(*NULS)
    try:
        return _SLOW.decode(bare.decode())
    except UnicodeDecodeError:
        raise Unfit(*NOT_UTF8) from None
    except RecursionError:
        raise Unfit(*TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise Unfit(*(CUT if _is_cut(error) else NO_JSON)) from None
    except ValueError:
        raise Unfit(*NO_JSON) from None


def _is_cut(error: json.JSONDecodeError) -> bool:
    """Whether JSON was fine as far as it went."""
    return error.doc[:1] in ("{", "[") and (
        error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    )


def values(data: bytes) -> tuple[list[Any], Unfit | None]:
    """JSON values that follow each other, or the items of one array, up to the first fault; and that fault.

    For what is not one whole value: objects that were joined without a line between, or pretty-printed one after
    another, and an array that breaks off. Commas between them are passed over.
    """
    try:
        text = data.removeprefix(_BOM).strip(b"\0").decode()
    except UnicodeDecodeError:
        return [], Unfit(*NOT_UTF8)
    found: list[Any] = []
    at = _BETWEEN.match(text).end()  # type: ignore[union-attr]
    inside = text.startswith("[", at)
    at += inside
    while (at := _BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        if inside and text.startswith("]", at):
            inside, at = False, at + 1
            continue
        try:
            value, at = _SLOW.raw_decode(text, at)
        except RecursionError:
            return found, Unfit(*TOO_DEEP)
        except json.JSONDecodeError as error:
            return found, Unfit(*(CUT if _is_cut(error) else NO_JSON))
        except ValueError:
            return found, Unfit(*NO_JSON)
        found.append(value)
    return found, Unfit(*CUT) if inside else None


SHORTEST_ITEM = 32
"""Bytes of an item, on average, of an array or of values on one line. Shorter ones are no records, and many faults."""


def items_of(line: bytes) -> tuple[list[Any], Unfit | None]:
    """What stands on a line: one value, the items of one array, or objects without a line between; and what lacks."""
    why = None
    try:
        value = loaded(line)
        items = value if isinstance(value, list) else [value]
    except Unfit as fault:
        items, why = values(line) if line.lstrip(b" \t\r\0\xef\xbb\xbf").startswith(b"{") else ([], fault)
        if not items:
            return [], fault
    if len(items) > 16 and len(line) < SHORTEST_ITEM * len(items):
        return [], Unfit("values too short to be records", "one JSON object a line")
    return items, why


def is_twice(held: dict[str, Any]) -> bool:
    """Whether a key stood twice in this object itself. In an object inside of it the last one counts."""
    return isinstance(held, Object) and held.twice


def opened(text: str) -> Any:
    """The JSON value of a string; of a key that stands twice the last one counts. Raises ValueError, RecursionError."""
    try:
        return _DECODER.decode(text)
    except ValueError:
        return json.loads(text, parse_float=_number, parse_constant=_Float)


def dumped(value: Any) -> str:
    """Compact JSON with sorted keys of a value that came from JSON, as `values.to_json_text` has it. Raises Unfit."""
    try:
        return _ENCODER.encode(value).decode()
    except (ValueError, TypeError, RecursionError):
        return to_json_text(value) or ""


def _has_every_key(data: bytes, value: Any) -> bool:
    """Whether the value surely holds each pair of its text: then no key stood twice.

    Quotes are counted. The source and what is written of the value have the same ones around and inside of each string,
    unless a source writes one as `\\u0022`, and a pair that was dropped takes its key's two away.
    """
    return b"\\u0022" not in data and data.count(b'"') == _UNSORTED.encode(value).count(b'"')


def _number(text: str) -> float:
    value = float(text)
    return value if 1e-4 <= value < 1e16 or -1e16 < value <= -1e-4 or value == 0 else _Float(value)


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, _Float):
        return msgspec.Raw(json.dumps(value).encode())
    raise TypeError


def _object(pairs: list[tuple[str, Any]]) -> Object:
    held = Object(pairs)
    held.twice = len(held) != len(pairs)
    return held


_BETWEEN = re.compile(r"[\s,]*")
_SLOW = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_Float)
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=_written)
_UNSORTED = msgspec.json.Encoder(enc_hook=_written)
