"""Whole columns at a time: rows of any shape into a table of the contract, bad rows into quarantine.

A column of the wanted type passes in a few Arrow calls. Only a column of another type, or one with a bad value, is
converted value by value (`values.py`), and only a row with a value that cannot be converted leaves.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.ingest.values import (
    CONVERTERS,
    EARLIEST,
    EPOCH_UNITS,
    LATEST,
    LONGEST_ID,
    LONGEST_WORD,
    Unfit,
    extra_text,
)
from stillwatch.records import QuarantinedRow
from stillwatch.tables import EXCHANGES, IP_CLASSES, PURPOSES, STATUSES, TIMESTAMP

Column = Any
"""An Arrow array, a list of Python values, or None where the source lacks the column."""

Found = dict[int, Unfit]

_JSON_COLUMNS = frozenset(("system", "messages", "tools", "output", "response_format", "tool_choice"))
_COUNTS = frozenset(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "exchange_cap", "token_cap"))
_CHOICES = {"status": STATUSES, "ip_class": IP_CLASSES, "purpose": PURPOSES}


_COUNTRIES = frozenset(("country", "phone_country", "billing_country", "verified_country"))
_NO_COUNTRY = ("XX", "ZZ", "T1")
"""What networks write where they know no country (T1: through Tor)."""


class _Slow(Exception):
    """The column needs the slow way."""


def kind_of_column(field: pa.Field) -> str:
    """Which converter of `values.CONVERTERS` reads a column of the contract."""
    if field.name in _JSON_COLUMNS:
        return "json"
    if pa.types.is_string(field.type):
        return "word" if field.nullable else "id"
    if pa.types.is_int32(field.type):
        return "small"
    if pa.types.is_int64(field.type):
        return "count" if field.name in _COUNTS else "int"
    for test, kind in (
        (pa.types.is_floating, "float"),
        (pa.types.is_boolean, "bool"),
        (pa.types.is_timestamp, "time"),
        (pa.types.is_map, "extra"),
    ):
        if test(field.type):
            return kind
    return "words"


def conform(
    columns: Mapping[str, Column], count: int, schema: pa.Schema, file: str, rows: NDArray[np.int64]
) -> tuple[pa.RecordBatch, NDArray[np.int64], list[QuarantinedRow]]:
    """A batch of `schema` from columns of any type, the 1-based places of its rows, and what went to quarantine.

    `columns` maps names to Arrow arrays or lists of `count` values; an absent one reads as null, and one that the
    schema does not know goes to `extra` where the schema has it. `rows` are the places of the rows in the file.
    """
    built: dict[str, pa.Array] = {}
    unfit: dict[int, tuple[str, Unfit]] = {}
    for field in schema:
        source = columns.get(field.name)
        if pa.types.is_map(field.type):
            source = _extra(columns, schema, source, count, unfit)
        array, found = _checked(source, field, count)
        built[field.name] = array
        for row, why in found.items():
            unfit.setdefault(row, (field.name, why))
    batch = pa.record_batch([built[field.name] for field in schema], schema=_nullable(schema))
    ids = built.get("exchange_id")
    bad = [
        QuarantinedRow(file, int(rows[row]), column, why.found, why.wanted, _known_id(ids, row))
        for row, (column, why) in sorted(unfit.items())
    ]
    if bad:
        keep = np.ones(count, dtype=bool)
        keep[list(unfit)] = False
        batch, rows = batch.filter(pa.array(keep)), rows[keep]
    return batch.cast(schema), rows, bad


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _known_id(ids: pa.Array | None, row: int) -> str | None:
    if ids is None:
        return None
    known: str | None = ids[row].as_py()
    return known


def _checked(source: Column, field: pa.Field, count: int) -> tuple[pa.Array, Found]:
    """The column as the contract wants it, and the rows that it does not accept (null in the array)."""
    if source is None:
        array, found = pa.nulls(count, field.type), Found()
    else:
        array, found = _converted(source, field)
    if not field.nullable and array.null_count:
        why = Unfit("no such column" if source is None else "null, or no such key", f"{field.type}, always")
        for row in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(row, why)
    if field.name in _COUNTRIES:
        array = _countries(array, found)
    choices = _CHOICES.get(field.name)
    if choices is not None:
        known = pc.or_kleene(pc.is_in(array, pa.array(choices)), pc.is_null(array))
        for row in np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(row, Unfit("another word", ", ".join(choices)))
    return array, found


def _countries(array: pa.Array, found: Found) -> pa.Array:
    """Two capital letters; null where no country is meant. Two spellings of one country would look like two."""
    upper = pc.utf8_upper(array)
    array = pc.if_else(pc.is_in(upper, pa.array(_NO_COUNTRY)), pa.scalar(None, pa.string()), upper)
    known = pc.fill_null(pc.match_substring_regex(array, "^[A-Z]{2}$"), True)
    for row in np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist():
        found.setdefault(row, Unfit("another word", "two letters of ISO 3166, such as DE"))
    return array


def _converted(source: pa.Array | list[Any], field: pa.Field) -> tuple[pa.Array, Found]:
    kind = kind_of_column(field)
    if isinstance(source, list):
        return _slowly(source, kind, field.type)
    if pa.types.is_dictionary(source.type):
        source = source.dictionary_decode()
    if pa.types.is_null(source.type):
        return pa.nulls(len(source), field.type), {}
    try:
        return _FAST[kind](source, field.type), {}
    except (_Slow, pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        return _slowly(values_of(source), kind, field.type)


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


def _slowly(values: list[Any], kind: str, wanted: pa.DataType) -> tuple[pa.Array, Found]:
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
    if shortest == 0 or _longest(array) > LONGEST_ID:
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


def _extra(
    columns: Mapping[str, Column], schema: pa.Schema, given: Column, count: int, unfit: dict[int, tuple[str, Unfit]]
) -> Column:
    """The `extra` column: what the source gave under that name, and every column that the schema does not know."""
    unknown = sorted(set(columns) - set(schema.names))
    texts: dict[str, pa.Array] = {}
    for name in unknown:
        source = columns[name]
        if source is not None:
            texts[name] = _texts(source, unfit)
    if not texts:
        return given
    merged = _maps(texts, count)
    if given is None or (not isinstance(given, list) and given.null_count == len(given)):
        return merged
    values = given if isinstance(given, list) else values_of(given)
    return [_merged(mine, theirs) for mine, theirs in zip(values, merged.to_pylist(), strict=True)]


def _merged(mine: Any, theirs: list[tuple[str, str]] | None) -> Any:
    """A row's own `extra` with its unknown columns, which win; something that is no map is left to the converter."""
    try:
        held = CONVERTERS["extra"](mine)
    except Unfit:
        return mine
    return [*{**dict(held or ()), **dict(theirs or ())}.items()]


def _texts(source: pa.Array | list[Any], unfit: dict[int, tuple[str, Unfit]]) -> pa.Array:
    """An unknown column as text. Strings, integers and booleans have one text; others are written as JSON."""
    if isinstance(source, pa.Array):
        if pa.types.is_dictionary(source.type):
            source = source.dictionary_decode()
        if pa.types.is_boolean(source.type) or pa.types.is_integer(source.type) or pa.types.is_string(source.type):
            array = source.cast(pa.string())
            try:
                array.validate(full=True)
                return array
            except pa.ArrowInvalid:
                pass
    values = source if isinstance(source, list) else values_of(source)
    out: list[str | None] = []
    for row, value in enumerate(values):
        try:
            out.append(extra_text(value))
        except Unfit as why:
            out.append(None)
            unfit.setdefault(row, ("extra", why))
    return pa.array(out, pa.string())


def _maps(texts: Mapping[str, pa.Array], count: int) -> pa.Array:
    """A map column from text columns: the keys of each row in ascending order, absent values left out."""
    names = sorted(texts)
    values = pa.concat_arrays([texts[name] for name in names])
    order = np.arange(len(names) * count).reshape(len(names), count).T.ravel()
    values = values.take(pa.array(order))
    there = values.is_valid().to_numpy(zero_copy_only=False)
    keys = pa.array(names).take(pa.array(np.tile(np.arange(len(names)), count)))
    held = there.reshape(count, len(names)).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(held)]).astype(np.int32)
    mask = np.append(held == 0, False)
    kept = pa.array(there)
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32(), mask=mask), keys.filter(kept), values.filter(kept)
    ).cast(EXCHANGES.field("extra").type)


def places(first: int, count: int) -> NDArray[np.int64]:
    """The 1-based places of `count` rows that follow each other from `first` on."""
    return np.arange(first, first + count, dtype=np.int64)
