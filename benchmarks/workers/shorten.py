"""Texts of a simulated world cut to a mean: no text but the last human turn and the answer stays longer than a bound.

The simulator writes coding agents with their preambles, tools and long histories: about 3 KB an exchange. Earlier
messages beyond the first EARLIER, which are those that the sketch reads, are left out, so that long conversations count
fewer turns. Where a mean is asked that this cannot reach, answers are cut too. What stays is a text's beginning, in
valid JSON.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TEXTS = ("system", "tools", "messages", "output")
ROWS = 8192
SAMPLED = 2_000
LARGEST = 1 << 14
EARLIER = 4

Row = tuple[str | None, ...]


def mean_bytes(folder: Path) -> float:
    """Mean bytes of the four text columns of an exchange, of all files of a folder."""
    total = rows = 0
    for file in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(ROWS, columns=list(TEXTS)):
            total += sum(_bytes(batch.column(name)) for name in TEXTS)
            rows += batch.num_rows
    return total / max(rows, 1)


def _bytes(column: pa.Array) -> int:
    return pc.sum(pc.binary_length(column)).as_py() or 0


def shorten(folder: Path, wanted: float, seed: int) -> dict[str, int]:
    """Rewrite every file of a folder so that the mean comes near `wanted`; the bounds in characters, for the record."""
    rows = _sample(folder, seed)
    bounds = {"other": _bound(rows, wanted, lambda bound: (bound, LARGEST)), "answer": LARGEST}
    if _mean(rows, (bounds["other"], LARGEST)) > wanted * 1.02:
        bounds["other"] = bounds["answer"] = _bound(rows, wanted, lambda bound: (bound, bound))
    for file in sorted(folder.glob("*.parquet")):
        _rewrite(file, (bounds["other"], bounds["answer"]))
    return bounds


def _sample(folder: Path, seed: int) -> list[Row]:
    """Some rows of every file, the same for the same seed."""
    files = sorted(folder.glob("*.parquet"))
    chance = np.random.default_rng(seed)
    rows: list[Row] = []
    for file in files:
        batch = next(pq.ParquetFile(file).iter_batches(ROWS, columns=list(TEXTS)))
        chosen = np.sort(chance.permutation(batch.num_rows)[: SAMPLED // len(files) + 1])
        columns = [batch.column(name).take(pa.array(chosen)).to_pylist() for name in TEXTS]
        rows += zip(*columns, strict=True)
    return rows


def _bound(rows: list[Row], wanted: float, bounds: Callable[[int], tuple[int, int]]) -> int:
    """The largest bound whose mean is not above what is wanted, by bisection; at least 32 characters."""
    low, high = 32, LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _mean(rows, bounds(middle)) <= wanted else (low, middle)
    return low


def _mean(rows: list[Row], bounds: tuple[int, int]) -> float:
    return sum(len(text.encode()) for row in rows for text in cut(row, bounds) if text) / max(len(rows), 1)


def _rewrite(file: Path, bounds: tuple[int, int]) -> None:
    source, beside = pq.ParquetFile(file), file.with_suffix(".short")
    remembered: dict[str, str] = {}
    with pq.ParquetWriter(beside, source.schema_arrow, compression="zstd", compression_level=3) as writer:
        for batch in source.iter_batches(ROWS):
            texts = zip(*(batch.column(name).to_pylist() for name in TEXTS), strict=True)
            made = list(zip(*(cut(row, bounds, remembered) for row in texts), strict=True))
            table = pa.Table.from_batches([batch])
            for name, values in zip(TEXTS, made, strict=True):
                field = table.schema.field(name)
                table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
            writer.write_table(table)
    beside.replace(file)


def cut(row: Row, bounds: tuple[int, int], remembered: dict[str, str] | None = None) -> Row:
    """System, tools, messages and answer, cut at (bound of all others, bound of the answer)."""
    known = {} if remembered is None else remembered
    system, tools, messages, answer = row
    return (
        _once(system, known, lambda value: _shorter(value, bounds[0])),
        _once(tools, known, lambda value: _fewer(value, bounds[0])),
        _changed(messages, lambda value: _earlier(value, bounds[0])),
        _changed(answer, lambda value: _shorter(value, bounds[1])),
    )


def _once(text: str | None, known: dict[str, str], change: Callable[[Any], Any]) -> str | None:
    """Texts that repeat from row to row are read once."""
    if not text:
        return text
    if text not in known:
        known[text] = _changed(text, change) or ""
    return known[text]


def _changed(text: str | None, change: Callable[[Any], Any]) -> str | None:
    """The JSON of a text, changed; a bare string is changed as it is."""
    if not text:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return str(change(text))
    return json.dumps(change(value), ensure_ascii=False, separators=(",", ":"))


def _shorter(value: Any, bound: int) -> Any:
    """Every string cut: contents, arguments and results of tools; names are shorter than any bound."""
    if isinstance(value, str):
        return value[:bound]
    if isinstance(value, list):
        return [_shorter(item, bound) for item in value]
    if isinstance(value, dict):
        return {name: _shorter(held, bound) for name, held in value.items()}
    return value


def _fewer(value: Any, bound: int) -> Any:
    """The first tools, as many as stay within the bound, and one at least."""
    if not isinstance(value, list):
        return _shorter(value, bound)
    sizes = np.cumsum([len(json.dumps(tool)) for tool in value])
    return value[: max(1, int(np.searchsorted(sizes, bound, side="right")))]


def _earlier(value: Any, bound: int) -> Any:
    """The last human message and what follows it; of those before the first EARLIER, cut."""
    if not isinstance(value, list):
        return value
    human = [
        place for place, message in enumerate(value) if isinstance(message, dict) and message.get("role") == "user"
    ]
    last = human[-1] if human else len(value) - 1
    before = [_shorter(message, bound) for message in value[:last][:EARLIER]]
    return [*before, value[last], *(_shorter(message, bound) for message in value[last + 1 :])]
