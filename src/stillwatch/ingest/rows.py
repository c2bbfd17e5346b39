"""Rows of one table out of one file: Parquet or JSON lines, plain or compressed; bounded memory; bad rows set aside.

A bad row never harms its neighbours. A file that breaks off keeps what came before the break.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.ingest import parquet
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.json_text import is_twice, items_of, loaded, values
from stillwatch.ingest.jsonl import TWICE, JsonLines, known_id
from stillwatch.ingest.lines import Block, Fault, blocks, first_line, packing_of, unpacked, unreadable
from stillwatch.ingest.reading import Batch, Faults, Read, Reading, put_together, size_of
from stillwatch.ingest.values import Unfit, kind_of

__all__ = ["Batch", "ending_of", "read_rows", "size_of"]

BATCH_ROWS = 32_768

FOREIGN_ROWS = 4_096
"""Records of another format that are held as Python objects at a time."""

HOPELESS = 100_000
"""Bad rows after which a file with fewer than one good row in ten is given up: it is of another kind, or an attack."""

ENDINGS = {
    ".parquet": "parquet", ".jsonl": "", ".ndjson": "", ".jsonl.gz": "gz", ".ndjson.gz": "gz", ".jsonl.zst": "zst",
    ".ndjson.zst": "zst", ".json": "", ".json.gz": "gz", ".json.zst": "zst",
}  # fmt: skip
"""How a file's name ends, and how what it holds is packed."""

OTHERS = (
    ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".log", ".log.gz", ".txt.gz", ".tar", ".tar.gz", ".tgz", ".zip", ".7z",
    ".bz2", ".xz", ".lz4", ".br", ".avro", ".orc", ".arrow", ".feather", ".xlsx", ".db", ".sqlite",
)  # fmt: skip
"""How the names of files end that a folder of logs may hold too. They are named, so that nobody thinks them read."""

DOCUMENTS = (".json", ".json.gz", ".json.zst")
"""Endings of files that may hold one JSON value instead of one a line."""

LONGEST_DOCUMENT = 64 << 20
"""Bytes of one JSON value that is read as a whole. Lines have no such bound."""

SAMPLE = 200
"""Records by which a file's format is told."""


def ending_of(path: Path) -> str | None:
    """The ending by which a file's name tells that this reader knows it, in any case; None where it does not."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), None)


def is_passed_by(path: Path) -> bool:
    """Whether a file's name says that it holds data, of a kind that this reader does not know."""
    return ending_of(path) is None and path.name.lower().endswith(OTHERS)


def read_rows(path: Path, label: str, schema: pa.Schema, foreign: ForeignReader | None = None) -> Iterator[Batch]:
    """Batches of one file under one schema, in the order of its rows. Never raises for what a file holds.

    `label` is the file's name in quarantine; `foreign` reads records of another format than the contract's. Every row
    is in a batch or in quarantine, but for the rest of a file that breaks off or is hopeless: that stands in
    quarantine as one row that says so.
    """
    reading = Reading(path, label, schema, foreign)
    good = bad = 0
    for batch in _batches(reading):
        yield batch
        good += batch.rows.num_rows
        bad += len(batch.quarantined)
        if bad >= HOPELESS and bad > 9 * good:
            why = f"the rest of the file, after {HOPELESS:,} bad rows and more than nine bad ones for each good one"
            yield reading.refused(None, why, "rows of the data contract", batch.bytes_read)
            return


def _batches(reading: Reading) -> Iterator[Batch]:
    why = unreadable(reading.path)
    if why:
        return iter([reading.refused(None, why, "readable file")])
    if is_passed_by(reading.path):
        return iter([reading.refused(None, "a kind of file that is not read", ", ".join(ENDINGS))])
    packing = _packing(reading.path)
    if packing == "parquet":
        return parquet.batches(reading)
    whole = _whole_items(reading.path, packing)
    return _json_lines(reading, packing) if whole is None else _whole(reading, *whole)


def _packing(path: Path) -> str:
    return packing_of(path, ENDINGS[ending_of(path) or ".jsonl"])


def _whole_items(path: Path, packing: str) -> tuple[list[Any], Fault | None] | None:
    """The items of a file that is one JSON value, or several over many lines; and where it breaks off. None for lines.

    A file is looked at so where its name says `.json`, or where its first line opens a value and does not close it.
    """
    head = first_line(path, packing)
    if ending_of(path) not in DOCUMENTS and head not in (b"[", b"{", b"[{"):
        return None
    held = unpacked(path, packing, LONGEST_DOCUMENT)
    if held is None:
        return ([], Fault(1, *TOO_LONG)) if head in (b"{", b"[{") else None
    data, broken = held
    try:
        value = loaded(data)
        return (value if isinstance(value, list) else [value]), broken
    except Unfit:
        if not data.strip() or _is_value(head):
            return None
    items, why = values(data)
    if not items:
        return None
    why = Unfit(broken.found, broken.wanted) if broken else why
    return items, Fault(len(items) + 1, why.found, why.wanted) if why else None


TOO_LONG = (f"one JSON value of over {LONGEST_DOCUMENT >> 20} MiB", "one JSON object a line (jq -c '.[]' writes them)")


def _is_value(line: bytes) -> bool:
    """Whether a line is an object or an array by itself."""
    try:
        return isinstance(loaded(line), dict | list)
    except Unfit:
        return False


@dataclass(frozen=True)
class Sample:
    """The first records of a file, at most SAMPLE; the lines (or items of one value) that were looked at for them, and
    how many of those are no record, or hold something beside records that is none."""

    records: Sequence[Mapping[str, Any]] = ()
    lines: int = 0
    unread: int = 0


def sampled(path: Path) -> Sample:
    """The first records of a file; none where it cannot be read."""
    if unreadable(path):
        return Sample()
    packing = _packing(path)
    if packing == "parquet":
        records = parquet.records_of(path, SAMPLE)
        return Sample(records, len(records))
    whole = _whole_items(path, packing)
    if whole is not None:
        found: list[tuple[list[Any], Unfit | None]] = [([item], None) for item in whole[0][:SAMPLE]]
    else:
        found = [items_of(line) for line in next(blocks(path, packing)).lines[:SAMPLE]]
    records = [item for items, _ in found for item in items if isinstance(item, dict)][:SAMPLE]
    bad = sum(why is not None or not all(isinstance(item, dict) for item in items) for items, why in found)
    return Sample(records, len(found), bad)


def sample(path: Path) -> Sequence[Mapping[str, Any]]:
    """The first records of a file, at most SAMPLE; none where it cannot be read."""
    return sampled(path).records


def column_names(path: Path) -> list[str]:
    """The columns that a Parquet file declares; none for other files, or where it cannot be read."""
    return parquet.names_of(path) if not unreadable(path) and _packing(path) == "parquet" else []


# ------------------------------------------------------------------------------------------------ lines of JSON


def _json_lines(reading: Reading, packing: str) -> Iterator[Batch]:
    reader = JsonLines(reading.schema)
    for block in blocks(reading.path, packing):
        faults: Faults = [(fault, None) for fault in block.faults]
        if reading.foreign is not None:
            for part in _foreign_lines(reading.foreign, block):
                yield put_together(reading, iter([part]), faults, block.consumed)
                faults = []
            continue
        for start in range(0, max(1, len(block.lines)), BATCH_ROWS):
            stop = start + BATCH_ROWS
            part_of = Block(block.lines[start:stop], block.rows[start:stop])
            yield put_together(reading, reader.read(part_of), faults if start == 0 else [], block.consumed)


def _foreign_lines(foreign: ForeignReader, block: Block) -> Read:
    """The records of a block's lines, FOREIGN_ROWS at a time; a line may hold an array of them."""
    faults: Faults = []
    records = _records_of_lines(zip(block.lines, block.rows, strict=True), faults)
    for first in itertools.chain(records, [None]):
        part = [first] if first is not None else []
        columns, bad = foreign.columns(
            itertools.chain(part, itertools.islice(records, FOREIGN_ROWS - len(part))), from_json=True
        )
        yield columns, faults + [(fault, None) for fault in bad]
        faults.clear()


def _records_of_lines(lines: Iterable[tuple[bytes, int]], faults: Faults) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of lines, one at a time, so that a line's objects are gone before the next line is read."""
    for line, row in lines:
        items, why = items_of(line)
        if why is not None:
            faults.append((Fault(row, why.found, why.wanted), None))
        yield from _fit(items, itertools.repeat(row), faults)


def _fit(items: Sequence[Any], rows: Iterable[int], faults: Faults) -> Iterator[tuple[dict[str, Any], int]]:
    """The items that are objects without a key twice, with their places; each other one is a fault."""
    for item, row in zip(items, rows, strict=False):
        if not isinstance(item, dict):
            faults.append((Fault(row, kind_of(item), "JSON object"), None))
        elif is_twice(item):
            faults.append((Fault(row, *TWICE), known_id(item)))
        else:
            yield item, row


def _whole(reading: Reading, items: list[Any], broken: Fault | None) -> Iterator[Batch]:
    """Batches of a file that is one JSON value, or several. A place is the item's, from 1 on."""
    size = size_of(reading.path)
    reader = JsonLines(reading.schema)
    for start in range(0, max(1, len(items)), FOREIGN_ROWS):
        part = items[start : start + FOREIGN_ROWS]
        faults: Faults = []
        fit = _fit(part, range(start + 1, start + 1 + len(part)), faults)
        if reading.foreign is not None:
            columns, bad = reading.foreign.columns(fit, from_json=True)
        else:
            pairs = list(fit)
            columns, bad = reader.gathered([item for item, _ in pairs], [row for _, row in pairs]), []
        read = columns, faults + [(fault, None) for fault in bad]
        done = size * min(len(items), start + FOREIGN_ROWS) // max(1, len(items))
        yield put_together(reading, iter([read]), [], done)
    if broken is not None:
        share = "rest of the" if items else "whole"
        yield reading.refused(broken.row, f"the {share} file: {broken.found}", broken.wanted, size)
