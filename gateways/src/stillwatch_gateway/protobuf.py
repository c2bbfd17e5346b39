"""Protocol buffers by hand, as far as Envoy's external authorization needs them: fields in, fields out.

A message is read as {field number: values in order}, each a whole number or bytes; what it nests is read in turn.
Source of the format: protobuf.dev, "Encoding".
"""

import struct
from collections.abc import Mapping, Sequence

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 100_000

Fields = dict[int, list[int | bytes]]
Value = str | float | bool | Sequence["Value"] | Mapping[str, "Value"]


class Malformed(ValueError):
    """Bytes that are no message."""


def fields(raw: bytes) -> Fields:
    """The fields of a message. Raises Malformed."""
    found: Fields = {}
    place = 0
    for _ in range(MOST_FIELDS):
        if place == len(raw):
            return found
        tag, place = _varint(raw, place)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise Malformed("field nought")
        value, place = _value(raw, place, kind)
        found.setdefault(number, []).append(value)
    raise Malformed("too many fields")


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = 0
    for step in range(10):
        if place >= len(raw):
            raise Malformed("a number that breaks off")
        value |= (raw[place] & 0x7F) << (7 * step)
        place += 1
        if raw[place - 1] < 0x80:
            return value & (1 << 64) - 1, place
    raise Malformed("a number that does not end")


def _value(raw: bytes, place: int, kind: int) -> tuple[int | bytes, int]:
    if kind == VARINT:
        return _varint(raw, place)
    sizes = {FIXED64: 8, FIXED32: 4}
    if kind == BYTES:
        size, place = _varint(raw, place)
    elif kind in sizes:
        size = sizes[kind]
    else:
        raise Malformed("a kind of field that is not read")
    if size > len(raw) - place:
        raise Malformed("bytes that break off")
    return raw[place : place + size], place + size


def inner(message: Fields, number: int) -> Fields:
    """The message that a field holds; an empty one where the field is missing. Parts are merged, as the format says."""
    parts = [value for value in message.get(number, []) if isinstance(value, bytes)]
    return fields(b"".join(parts))


def text(message: Fields, number: int) -> str:
    """The text of a field, the last where it comes twice; empty where it is missing."""
    value = message.get(number, [b""])[-1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def pairs(message: Fields, number: int) -> dict[str, str]:
    """A map from text to text."""
    entries = [fields(value) for value in message.get(number, []) if isinstance(value, bytes)]
    return {text(entry, 1): text(entry, 2) for entry in entries}


def number(place: int, value: int) -> bytes:
    """A field that holds a whole number, not below nought."""
    return _encoded(place << 3) + _encoded(value)


def nested(place: int, value: bytes) -> bytes:
    """A field that holds bytes, a text or a message."""
    return _encoded(place << 3 | BYTES) + _encoded(len(value)) + value


def words(place: int, value: str) -> bytes:
    """A field that holds text."""
    return nested(place, value.encode("utf-8", "replace"))


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def structure(held: Mapping[str, Value]) -> bytes:
    """A google.protobuf.Struct."""
    return b"".join(nested(1, words(1, name) + nested(2, _any(value))) for name, value in held.items())


def _any(value: Value) -> bytes:
    """A google.protobuf.Value."""
    if isinstance(value, bool):
        return number(4, int(value))
    if isinstance(value, int | float):
        return _encoded(2 << 3 | FIXED64) + struct.pack("<d", value)
    if isinstance(value, str):
        return words(3, value)
    if isinstance(value, Mapping):
        return nested(5, structure(value))
    return nested(6, b"".join(nested(1, _any(one)) for one in value))
