"""One value at a time: what the contract accepts for a kind of column, and the name of what it does not.

The vectorised way (`columns.py`) takes whole columns and falls back to these functions, so both must agree: a value
has one meaning whatever stands beside it in its batch. No function here quotes a value, in an error or elsewhere.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside of these are wrong units or clocks that were never set."""

LONGEST_ID = 1024
"""Characters of a required id or name."""

LONGEST_WORD = 4096
"""Characters kept of an optional word, such as a user agent. Senders choose it, so it is cut, never refused."""

EPOCH_UNITS = ((10**8, 10**11, 10**6), (10**11, 10**14, 10**3), (10**14, 10**17, 1))
"""(from, below, microseconds per unit) of whole-number times: seconds, milliseconds, microseconds, for 1973 to 5138.
From 1e17 on they are nanoseconds. The ranges cannot overlap, so no setting is needed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"([.,]\d{6})\d+")
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


class Unfit(Exception):
    """A value that the contract does not accept: the kind that was found, and what was wanted."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(f"found {found}, wanted {wanted}")


def kind_of(value: Any) -> str:
    """The name of a value's kind, for quarantine; never any part of the value."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "infinity" if math.isinf(value) else _fractional(value)
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "value of another type"


def _fractional(value: float) -> str:
    return "number written as a float" if value.is_integer() else "number with a fraction"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"), (int, "integer"), (str, "string"), ((bytes, bytearray), "bytes"), (dict, "object"),
    ((list, tuple), "array"), (Decimal, "decimal number"), ((datetime, date), "time"),
)  # fmt: skip


def scrub(text: str) -> str:
    """The text with each lone surrogate, which UTF-8 cannot say, as U+FFFD. NUL and controls stay as they are."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def to_id(value: Any) -> str:
    """A required id: a string of 1 to LONGEST_ID characters, verbatim; a whole number becomes its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = _digits(value, "string")
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str):
        raise Unfit(kind_of(value), "string")
    if not value or value.isspace():
        raise Unfit("blank string" if value else "empty string", "string of at least one character")
    if len(value) > LONGEST_ID:
        raise Unfit(f"string of over {LONGEST_ID:,} characters", f"string of at most {LONGEST_ID:,} characters")
    if scrub(value) != value:
        raise Unfit("string with half a surrogate pair", "string of whole characters")
    return value


def to_word(value: Any) -> str | None:
    """An optional word: null where empty, since an absent signal must not look like a shared one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = _digits(value, "string")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or isinstance(value, str):
        return scrub(value)[:LONGEST_WORD] or None if value else None
    raise Unfit(kind_of(value), "string")


def to_json_text(value: Any) -> str | None:
    """Text or JSON: a string as it is, an object or array as compact JSON."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or isinstance(value, str):
        return value if value is None else scrub(value)
    if isinstance(value, list | dict):
        return _dumped(value)
    raise Unfit(kind_of(value), "string, object or array")


def to_int(value: Any, low: int = -(2**63), high: int = 2**63 - 1) -> int | None:
    """A whole number in [low, high]; also as digits in a string, or as a number with an empty fraction."""
    if value is None:
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit(kind_of(value), "integer")
    if not low <= value <= high:
        small = "negative integer" if low == 0 and value < 0 else f"integer outside of {low} to {high}"
        raise Unfit(small, "integer of at least 0" if low == 0 and value < 0 else f"integer from {low} to {high}")
    return value


def to_float(value: Any) -> float | None:
    """A finite number; also as a string of one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Unfit(kind_of(value), "number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise Unfit(kind_of(value), "finite number") from None
    if not math.isfinite(number):
        raise Unfit(kind_of(number), "finite number")
    return number


def to_bool(value: Any) -> bool | None:
    """true or false; also 0 and 1, and the words in any case."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Unfit(kind_of(value), "boolean")


def to_time(value: Any) -> datetime | None:
    """A time in UTC, cut to microseconds: a timestamp, ISO 8601 (without a zone: UTC), or a number since 1970.

    Whole numbers are seconds, milliseconds, microseconds or nanoseconds by their size; fractions are seconds.
    """
    if value is None:
        return None
    try:
        moment = _moment(value)
    except (ValueError, OverflowError):
        found = "string that is no time" if isinstance(value, str) else kind_of(value)
        raise Unfit(found, "time in ISO 8601, or since 1970") from None
    if not EARLIEST <= moment < LATEST:
        raise Unfit(f"time outside of {EARLIEST.year} to {LATEST.year}", "time in UTC")
    return moment


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) and len(value) >= 9:
            return _since_1970(int(value))
        value = datetime.fromisoformat(_FRACTION.sub(r"\1", value))
    elif isinstance(value, int) and not isinstance(value, bool):
        return _since_1970(value)
    elif isinstance(value, float) and value.is_integer() and value >= 10**11:
        return _since_1970(int(value))
    elif isinstance(value, float):
        if not 10**8 <= value < 10**11:
            raise ValueError
        return _EPOCH + timedelta(microseconds=round(value * 10**6))
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _since_1970(number: int) -> datetime:
    for low, high, scale in EPOCH_UNITS:
        if low <= number < high:
            return _EPOCH + timedelta(microseconds=number * scale)
    if number < 10**17:
        raise ValueError
    return _EPOCH + timedelta(microseconds=number // 1000)


def to_words(value: Any) -> list[str] | None:
    """A list of strings; one string is a list of one."""
    if value is None:
        return None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise Unfit(kind_of(value), "array of strings")
    return [scrub(item)[:LONGEST_WORD] for item in value if item]


def to_extra(value: Any) -> list[tuple[str, str]] | None:
    """The pairs of a map in the order of their keys: from an object, from Arrow's pairs, or from JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Unfit("string that is no JSON object", "object") from None
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        value = dict(value)
    if not isinstance(value, dict):
        raise Unfit(kind_of(value), "object")
    pairs = ((scrub(str(key)), extra_text(item)) for key, item in value.items())
    return sorted((key, text) for key, text in pairs if text is not None) or None


def extra_text(value: Any) -> str | None:
    """What `extra` holds of a value: a string as it is, anything else as JSON; null for null."""
    if value is None or isinstance(value, str):
        return value if value is None else scrub(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return _dumped(value)


def _dumped(value: Any) -> str:
    try:
        return scrub(json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str))
    except (RecursionError, ValueError, TypeError):
        raise Unfit("value nested too deeply", "flatter value") from None


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unfit("bytes that are not UTF-8", "string in UTF-8") from None


def _digits(value: int, wanted: str) -> str:
    if not -(2**63) <= value < 2**64:
        raise Unfit("integer beyond 64 bits", wanted)
    return str(value)


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "id": to_id,
    "word": to_word,
    "json": to_json_text,
    "int": to_int,
    "small": lambda value: to_int(value, -(2**31), 2**31 - 1),
    "count": lambda value: to_int(value, 0),
    "float": to_float,
    "bool": to_bool,
    "time": to_time,
    "words": to_words,
    "extra": to_extra,
}
"""The function of each kind of column: answers a value of the contract's type or raises Unfit."""
