"""Whole columns at a time: rows of any shape into a table of the contract, bad rows into quarantine.

A column of the wanted type passes in a few Arrow calls. Only a column of another type, or one with a bad value, is
converted value by value (`values.py`), and only a row with a value that cannot be converted leaves.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.ingest.arrays import Column, Found, converted, values_of
from stillwatch.ingest.values import CONVERTERS, Unfit, extra_text
from stillwatch.records import QuarantinedRow
from stillwatch.tables import EXCHANGES, IP_CLASSES, PURPOSES, STATUSES, TIMESTAMP

JSON_COLUMNS = frozenset(("system", "messages", "tools", "output", "response_format", "tool_choice"))
_COUNTS = frozenset(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "exchange_cap", "token_cap"))
_CHOICES = {"status": STATUSES, "ip_class": IP_CLASSES, "purpose": PURPOSES}


NOTHING = ("-", "null", "NULL", "(null)", "None", "nil", "undefined", "N/A", "n/a", "[object Object]")
"""Words by which loggers say that there is no value. `-` is that of Apache and nginx."""

_ADDRESSES = ("client_ip", "signup_ip")

_COUNTRIES = frozenset(("country", "phone_country", "billing_country", "verified_country"))
_NO_COUNTRY = ("XX", "ZZ", "T1")
"""What networks write where they know no country (T1: through Tor)."""


def kind_of_column(field: pa.Field) -> str:
    """Which converter of `values.CONVERTERS` reads a column of the contract."""
    if field.name in JSON_COLUMNS:
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
) -> tuple[pa.RecordBatch, NDArray[np.int64], list[QuarantinedRow], int]:
    """A batch of `schema` from columns of any type, the 1-based places of its rows, and what went to quarantine; at
    last how many of its rows ended before they were asked, whose `finished_at` is null.

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
    impossible = np.zeros(count, dtype=bool)
    if "finished_at" in built:
        impossible = pc.fill_null(pc.less(built["finished_at"], built["asked_at"]), False).to_numpy(
            zero_copy_only=False
        )
        # Two clocks that disagree, of which neither is known to be right.
        built["finished_at"] = pc.if_else(pa.array(impossible), pa.scalar(None, TIMESTAMP), built["finished_at"])
    batch = pa.record_batch([built[field.name] for field in schema], schema=_nullable(schema))
    ids = built.get("exchange_id")
    bad = [
        QuarantinedRow(file, int(rows[row]), column, why.found, why.wanted, _known_id(ids, row))
        for row, (column, why) in sorted(unfit.items())
    ]
    if bad:
        keep = np.ones(count, dtype=bool)
        keep[list(unfit)] = False
        batch, rows, impossible = batch.filter(pa.array(keep)), rows[keep], impossible[keep]
    return batch.cast(schema), rows, bad, int(impossible.sum())


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
        array, found = converted(source, kind_of_column(field), field.type)
    if not field.nullable and array.null_count:
        why = Unfit("no such column" if source is None else "null, or no such key", f"{field.type}, always")
        for row in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(row, why)
    if pa.types.is_string(field.type) and field.name not in JSON_COLUMNS:
        array = _without_placeholders(array, field, found)
    if field.name in _COUNTRIES:
        array = _countries(array, found)
    choices = _CHOICES.get(field.name)
    if choices is not None:
        known = pc.or_kleene(pc.is_in(array, pa.array(choices)), pc.is_null(array))
        for row in np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(row, Unfit("another word", ", ".join(choices)))
    return array, found


def _without_placeholders(array: pa.Array, field: pa.Field, found: Found) -> pa.Array:
    """Null for words by which loggers say that there is none: an absent signal must not look like a shared one.

    Of required columns it is the account that must not be such a word: all customers would be one. The others may be
    chosen by a sender, who could hide by them.
    """
    words = (*NOTHING, "unknown") if field.name in _ADDRESSES else NOTHING
    if field.nullable:
        there = pc.is_in(array, pa.array(words))
        return pc.if_else(there, pa.scalar(None, pa.string()), array) if pc.any(there).as_py() else array
    if field.name == "account_id":
        for row in np.flatnonzero(pc.is_in(array, pa.array(words)).to_numpy(zero_copy_only=False)).tolist():
            found.setdefault(row, Unfit("a word for nothing, such as null", "id of the account"))
    return array


def _countries(array: pa.Array, found: Found) -> pa.Array:
    """Two capital letters; null where no country is meant. Two spellings of one country would look like two."""
    upper = pc.utf8_upper(array)
    array = pc.if_else(pc.is_in(upper, pa.array(_NO_COUNTRY)), pa.scalar(None, pa.string()), upper)
    known = pc.fill_null(pc.match_substring_regex(array, "^[A-Z]{2}$"), True)
    for row in np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist():
        found.setdefault(row, Unfit("another word", "two letters of ISO 3166, such as DE"))
    return array


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
