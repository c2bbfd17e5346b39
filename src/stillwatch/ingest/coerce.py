"""One value into one column's type, or a reason. Reasons name kinds of values, never their text."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_NAME = 4096
"""Characters of an id or a name; a longer one is no id."""

TEXT_COLUMNS = frozenset(("system", "messages", "tools", "output"))


class Unfit(Exception):
    """A value that does not fit its column: what was found (a kind) and what was wanted."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(f"found {found}, wanted {wanted}")


def kind_of(value: Any) -> str:
    """What a value is, without its text."""
    names = {bool: "a truth value", int: "a whole number", float: "a number", str: "a text", list: "a list",
             dict: "an object", type(None): "nothing", bytes: "bytes"}  # fmt: skip
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    return names.get(type(value), f"a {type(value).__name__}")


def _string(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unfit(kind_of(value), "a text")
    if len(value) > LONGEST_NAME:
        raise Unfit(kind_of(value), f"a text of at most {LONGEST_NAME} characters")
    return _encodable(value)


def _encodable(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unfit("a text with a lone surrogate", "a text that is valid Unicode") from error
    return value


def text(value: Any) -> str:
    """A text column: a string as it is; anything else as its JSON."""
    return _encodable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _integer(bits: int) -> Callable[[Any], int]:
    def integer(value: Any) -> int:
        if isinstance(value, str) and value.strip().lstrip("-").isdigit() and len(value) < 25:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit(kind_of(value), "a whole number")
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise Unfit(f"a whole number of {value.bit_length()} bits", f"a whole number of {bits} bits")
        return value

    return integer


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(kind_of(value), "a number")
    if isinstance(value, int) and value.bit_length() > 1000:
        raise Unfit(f"a whole number of {value.bit_length()} bits", "a number")
    if not math.isfinite(value):
        raise Unfit(kind_of(value), "a finite number")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit(kind_of(value), "true or false")
    return value


def moment(value: Any) -> datetime:
    """A time: a datetime, ISO 8601 text (UTC where no zone is given), or seconds, milliseconds or microseconds since 1970.

    Which of the three a number is follows from its size: times between 2000 and 2100 never overlap.
    """
    wanted = "a time between 2000 and 2100 (ISO 8601, or seconds, milliseconds or microseconds since 1970)"
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            size = abs(value)
            value = datetime.fromtimestamp(value / (1e6 if size > 1e14 else 1e3 if size > 1e11 else 1.0), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unfit(kind_of(value), wanted) from error
    if not isinstance(value, datetime):
        raise Unfit(kind_of(value), wanted)
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if not EARLIEST <= value < LATEST:
        raise Unfit("a time outside of 2000 to 2100", wanted)
    return value


def _names(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unfit(kind_of(value), "a list of texts")
    return [_string(item) for item in value]


def _pairs(value: Any) -> list[tuple[str, str]]:
    items = value.items() if isinstance(value, dict) else value
    try:
        return sorted((str(name), text(item)) for name, item in items)
    except (TypeError, ValueError) as error:
        raise Unfit(kind_of(value), "an object of texts") from error


def converter(field: pa.Field) -> Callable[[Any], Any]:
    """The function that turns a value into this field's type or raises Unfit."""
    if field.name in TEXT_COLUMNS:
        return text
    kind = field.type
    if pa.types.is_string(kind):
        return _string
    if pa.types.is_timestamp(kind):
        return moment
    if pa.types.is_integer(kind):
        return _integer(kind.bit_width)
    if pa.types.is_floating(kind):
        return _real
    if pa.types.is_boolean(kind):
        return _truth
    return _names if pa.types.is_list(kind) else _pairs
