"""One column of any type into one of the contract's: whole where the types allow it, else value by value.

The quick way takes a column in a few Arrow calls, and gives up for the slow one (`values.py`) at the first value that
it does not know. Both give the same, so a value has one meaning whatever stands beside it in its batch.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.ingest.values import (
    CONVERTERS,
    EARLIEST,
    EPOCH_UNITS,
    LATEST,
    LONGEST_ID,
    LONGEST_WORD,
    Unfit,
)
from stillwatch.tables import TIMESTAMP

Column = Any
"""An Arrow array, a list of Python values, or None where the source lacks the column."""

Found = dict[int, Unfit]
"""The rows of a column that the contract does not accept, and why."""


class _Slow(Exception):
    """The column needs the slow way."""


def converted(source: pa.Array | list[Any], kind: str, wanted: pa.DataType) -> tuple[pa.Array, Found]:
    """The column as `wanted`, by the converter `kind` of `values.CONVERTERS`; what does not fit is null and named."""
    array = _built(source, kind) if isinstance(source, list) else source
    if array is None:
        return slowly(source, kind, wanted)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), wanted), {}
    try:
        return _FAST[kind](array, wanted), {}
    except (_Slow, pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        return slowly(source if isinstance(source, list) else values_of(array), kind, wanted)


_NONE = type(None)
_BUILT: Mapping[str, tuple[tuple[frozenset[type], pa.DataType], ...]] = {
    **dict.fromkeys(("id", "word", "json"), ((frozenset((str, _NONE)), pa.string()),)),
    **dict.fromkeys(("int", "small", "count"), ((frozenset((int, _NONE)), pa.int64()),)),
    "float": ((frozenset((float, int, _NONE)), pa.float64()),),
    "bool": ((frozenset((bool, _NONE)), pa.bool_()),),
    "time": ((frozenset((str, _NONE)), pa.string()), (frozenset((int, _NONE)), pa.int64())),
}
"""Which types of Python values may stand in a list that becomes an array as a whole, by kind of column."""


def _built(values: list[Any], kind: str) -> pa.Array | None:
    """The values as one array, where they are all of the types that JSON has for this kind; else None."""
    kinds = frozenset(map(type, values))
    if kinds <= {_NONE}:
        return pa.nulls(len(values))
    for types, wanted in _BUILT.get(kind, ()):
        if kinds <= types:
            try:
                return pa.array(values, wanted)
            except (ValueError, OverflowError, pa.ArrowException):
                return None
    return None


def values_of(source: pa.Array) -> list[Any]:
    """The values of an array in Python; strings that are not UTF-8 come as bytes."""
    if pa.types.is_timestamp(source.type) and source.type.unit == "ns":
        source = pc.floor_temporal(source, unit="microsecond").cast(pa.timestamp("us", source.type.tz), safe=False)
    try:
        values: list[Any] = source.to_pylist()
    except UnicodeDecodeError:
        raw = source.cast(pa.large_binary()).to_pylist()
        values = [_decoded(value) for value in raw]
    except (ValueError, OverflowError):
        values = [_one(item) for item in source]
    return values


def _one(item: pa.Scalar) -> Any:
    try:
        return item.as_py()
    except (ValueError, OverflowError):
        return object()


def _decoded(value: bytes | None) -> str | bytes | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def slowly(values: list[Any], kind: str, wanted: pa.DataType) -> tuple[pa.Array, Found]:
    """One value at a time; what cannot be converted is null in the array and named beside it."""
    convert = CONVERTERS[kind]
    out: list[Any] = []
    found: Found = {}
    for row, value in enumerate(values):
        try:
            out.append(None if value is None else convert(value))
        except Unfit as why:
            out.append(None)
            found[row] = why
        except RecursionError:
            out.append(None)
            found[row] = Unfit("value nested too deeply", "flatter value")
    return pa.array(out, wanted), found


def _text(source: pa.Array) -> pa.Array:
    """A string array with valid UTF-8, or the slow way."""
    if pa.types.is_integer(source.type):
        return source.cast(pa.string())
    if not any(test(source.type) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        raise _Slow
    array = source.cast(pa.string())
    array.validate(full=True)
    return array


def _longest(array: pa.Array) -> int:
    return pc.max(pc.binary_length(array)).as_py() or 0


def _fast_id(source: pa.Array, _: pa.DataType) -> pa.Array:
    array = _text(source)
    shortest = pc.min(pc.binary_length(array)).as_py()
    if shortest == 0 or _longest(array) > LONGEST_ID or pc.any(pc.utf8_is_space(array)).as_py():
        raise _Slow
    return array


def _fast_word(source: pa.Array, _: pa.DataType) -> pa.Array:
    array = _text(source)
    if _longest(array) > LONGEST_WORD:
        raise _Slow
    if pc.min(pc.binary_length(array)).as_py() == 0:
        return pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, pa.string()), array)
    return array


def _fast_json(source: pa.Array, _: pa.DataType) -> pa.Array:
    if pa.types.is_integer(source.type):
        raise _Slow
    return _text(source)


def _fast_int(source: pa.Array, wanted: pa.DataType) -> pa.Array:
    if not (pa.types.is_integer(source.type) or pa.types.is_floating(source.type)):
        raise _Slow
    return source.cast(wanted)


def _fast_count(source: pa.Array, wanted: pa.DataType) -> pa.Array:
    array = _fast_int(source, wanted)
    if (pc.min(array).as_py() or 0) < 0:
        raise _Slow
    return array


def _fast_float(source: pa.Array, wanted: pa.DataType) -> pa.Array:
    if not (pa.types.is_integer(source.type) or pa.types.is_floating(source.type)):
        raise _Slow
    array = source.cast(wanted)
    if not pc.all(pc.is_finite(array)).as_py() and len(array) != array.null_count:
        raise _Slow
    return array


def _fast_bool(source: pa.Array, _: pa.DataType) -> pa.Array:
    if not pa.types.is_boolean(source.type):
        raise _Slow
    return source


def _fast_time(source: pa.Array, _: pa.DataType) -> pa.Array:
    if pa.types.is_integer(source.type):
        array = _from_epoch(source)
    elif pa.types.is_timestamp(source.type):
        array = _from_timestamp(source)
    elif pa.types.is_string(source.type):
        array = _from_iso(source)
    else:
        raise _Slow
    bounds = pc.min_max(array).as_py()
    if bounds["min"] is not None and not EARLIEST <= bounds["min"] <= bounds["max"] < LATEST:
        raise _Slow
    return array


def _from_timestamp(source: pa.Array) -> pa.Array:
    if source.type.unit == "ns":
        source = pc.floor_temporal(source, unit="microsecond")
    return source.cast(pa.timestamp("us", source.type.tz)).cast(TIMESTAMP)


def _from_epoch(source: pa.Array) -> pa.Array:
    bounds = pc.min_max(source).as_py()
    for low, high, scale in EPOCH_UNITS:
        if bounds["min"] is not None and low <= bounds["min"] <= bounds["max"] < high:
            return pc.multiply_checked(source.cast(pa.int64()), scale).cast(TIMESTAMP)
    raise _Slow


def _from_iso(source: pa.Array) -> pa.Array:
    source.validate(full=True)
    if not pc.all(pc.match_substring_regex(source, r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$")):
        raise _Slow
    cut = pc.replace_substring_regex(source, r"(\.\d{6})\d+", r"\1")
    zoned = pc.match_substring_regex(cut, r"(Z|[+-]\d\d:\d\d)$")
    if not pc.all(zoned).as_py():
        cut = pc.if_else(zoned, cut, pc.binary_join_element_wise(cut, "Z", ""))
    return cut.cast(TIMESTAMP)


def _always_slow(_source: pa.Array, _wanted: pa.DataType) -> pa.Array:
    raise _Slow


def _fast_extra(source: pa.Array, wanted: pa.DataType) -> pa.Array:
    return source if source.type == wanted else _always_slow(source, wanted)


_FAST: Mapping[str, Callable[[pa.Array, pa.DataType], pa.Array]] = {
    "id": _fast_id, "word": _fast_word, "json": _fast_json, "int": _fast_int, "small": _fast_int,
    "count": _fast_count, "float": _fast_float, "bool": _fast_bool, "time": _fast_time, "words": _always_slow,
    "extra": _fast_extra,
}  # fmt: skip
