"""JSON lines into columns: Arrow's reader for blocks of well-formed lines, Python's for the lines around a bad one.

Both ways give the same row for the same line, so a poison line changes nothing for its neighbours: Arrow's reader
takes only lines whose values have the contract's own JSON types, and everything else goes the slow way, alone.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json
from numpy.typing import NDArray

from stillwatch.ingest.arrays import Column
from stillwatch.ingest.columns import JSON_COLUMNS, kind_of_column
from stillwatch.ingest.json_text import dumped, is_twice, items_of
from stillwatch.ingest.lines import Block, Fault
from stillwatch.ingest.values import Unfit, kind_of, to_id

LEAF = 128
"""Lines below which a block that Arrow refuses is not halved again."""

KNOWN_EXTRAS = 64
"""Unknown columns that a file may teach the quick way; more are read the slow way."""

_LOOSE = {"bool": pa.bool_(), "int": pa.int64(), "small": pa.int64(), "count": pa.int64(), "float": pa.float64()}


@dataclass(frozen=True)
class Columns:
    """Columns of `count` rows by name, ready for `columns.conform`, and the 1-based places of the rows."""

    columns: Mapping[str, Column]
    rows: NDArray[np.int64]
    unknown: frozenset[str] = frozenset()
    """Names in the source that stand in `extra` already."""
    places: frozenset[tuple[str, str]] = frozenset()
    """Columns that were looked for, and the dotted path at which each was found."""


TWICE = ("object with the same key twice", "each key once")


class JsonLines:
    """Reads the blocks of one file; learns from its lines which unknown columns hold strings."""

    def __init__(self, schema: pa.Schema) -> None:
        self._known = [pa.field(f.name, _loose(f)) for f in schema if not pa.types.is_nested(f.type)]
        self._names = set(schema.names)
        self._extras: dict[str, pa.Field] = {}
        self._slow_first = False

    def read(self, block: Block) -> Iterator[tuple[Columns, list[tuple[Fault, str | None]]]]:
        """Columns with the faults met on the way, each with the row's exchange_id where one is known."""
        slow = 0
        for start, end, table in self._spans(block.lines, 0, len(block.lines)):
            rows = np.asarray(block.rows[start:end], dtype=np.int64)
            if table is not None:
                yield Columns({name: _array(table[name]) for name in table.column_names}, rows), []
            else:
                slow += end - start
                yield self._slowly(block.lines[start:end], rows)
        self._slow_first = slow * 2 > len(block.lines)

    def _spans(self, lines: list[bytes], start: int, end: int) -> Iterator[tuple[int, int, pa.Table | None]]:
        """Spans of lines in order: with a table where Arrow could read all of them, else for the slow way."""
        pending = [(start, end)]
        slow_from: int | None = None
        while pending:
            start, end = pending.pop()
            table = None if self._slow_first else self._quickly(lines[start:end])
            if table is None and not self._slow_first and end - start > LEAF:
                middle = (start + end) // 2
                pending += [(middle, end), (start, middle)]
                continue
            if table is None:
                slow_from = start if slow_from is None else slow_from
                if not pending or end - slow_from >= 16 * LEAF:
                    yield slow_from, end, None
                    slow_from = None
                continue
            if slow_from is not None:
                yield slow_from, start, None
                slow_from = None
            yield start, end, table

    def _quickly(self, lines: list[bytes]) -> pa.Table | None:
        if b"null" in map(bytes.strip, lines):
            return None  # Arrow takes it for a row without a value
        data = b"\n".join(lines)
        try:
            data.decode()
            table = arrow_json.read_json(
                io.BytesIO(data),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=pa.schema([*self._known, *self._extras.values()]),
                    newlines_in_values=False,
                    unexpected_field_behavior="error",
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowCapacityError, ValueError):
            return None
        return table if table.num_rows == len(lines) else None

    def _slowly(self, lines: list[bytes], rows: NDArray[np.int64]) -> tuple[Columns, list[tuple[Fault, str | None]]]:
        objects: list[dict[str, Any]] = []
        places: list[int] = []
        faults: list[tuple[Fault, str | None]] = []
        for line, row in zip(lines, rows.tolist(), strict=True):
            items, why = parse(line)
            faults += [] if why is None else [(Fault(row, why.found, why.wanted), None)]
            for held in items:
                if is_twice(held):
                    faults.append((Fault(row, *TWICE), known_id(held)))
                    continue
                self._learn(held)
                objects.append(with_texts(held, JSON_COLUMNS))
                places.append(row)
        return self.gathered(objects, places), faults

    def gathered(self, objects: Sequence[Mapping[str, Any]], places: Sequence[int]) -> Columns:
        """Columns of the contract from objects in its own names; a name that it does not know goes to `extra`."""
        names = self._names & set().union(*objects)
        columns = {name: [held.get(name) for held in objects] for name in names}
        extras = [
            {} if held.keys() <= self._names else {key: held[key] for key in held if key not in self._names}
            for held in objects
        ]
        if any(extras):
            columns["extra"] = [_joined(held.get("extra"), extra) for held, extra in zip(objects, extras, strict=True)]
        unknown = frozenset(key for extra in extras for key in extra)
        return Columns(columns, np.asarray(places, dtype=np.int64), unknown)

    def _learn(self, held: dict[str, Any]) -> None:
        """Let Arrow read an unknown column of strings or integers from now on."""
        if len(self._extras) >= KNOWN_EXTRAS:
            return
        for name, value in held.items():
            if name in self._names or name in self._extras or not name.isprintable():
                continue
            if isinstance(value, str) or type(value) is int:
                kind = pa.string() if isinstance(value, str) else pa.int64()
                self._extras[name] = pa.field(name, kind)


def parse(line: bytes) -> tuple[list[dict[str, Any]], Unfit | None]:
    """The objects on one line, and why anything else on it is none. Most lines hold one."""
    items, why = items_of(line)
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < max(1, len(items)) and why is None:
        other = next((item for item in items if not isinstance(item, dict)), items)
        why = Unfit(kind_of(other), "one JSON object a line")
    return objects, why


def with_texts(held: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The object that was read from JSON, with objects and arrays of these columns as their text."""
    for name in names:
        value = held.get(name)
        if isinstance(value, dict | list):
            with suppress(Unfit):  # the contract names it
                held[name] = dumped(value)
    return held


def known_id(held: Mapping[str, Any]) -> str | None:
    """The exchange_id that an object gives, where it gives one that the contract accepts."""
    try:
        return to_id(held.get("exchange_id"))
    except Unfit:
        return None


def _joined(given: Any, extra: dict[str, Any]) -> Any:
    """A row's `extra` with its unknown columns, which win; something that is no object is left for the contract."""
    if not extra:
        return given
    if given is None:
        return extra
    return {**given, **extra} if isinstance(given, dict) else given


def _loose(field: pa.Field) -> pa.DataType:
    """The type that Arrow reads a column's JSON as. Times come as strings and are converted in one place."""
    return _LOOSE.get(kind_of_column(field), pa.string())


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
