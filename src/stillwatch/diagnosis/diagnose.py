"""What a source would be read as, before it is read: the columns that a sample fills, those that lack, and a mapping
file for what could stand in their place.

Looks at names and at the kinds of values; never repeats a value. Names that stand inside of a request or an answer are
its sender's, and are not proposed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import yaml

from stillwatch.diagnosis.proposals import bodies, proposals, times_at
from stillwatch.ingest.columns import conform
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.jsonl import JsonLines
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.paths import Path, parsed
from stillwatch.ingest.rows import sampled
from stillwatch.ingest.sources import TABLES, SourceFile
from stillwatch.tables import EXCHANGES

REQUIRED = tuple(field.name for field in EXCHANGES if not field.nullable)
FEW = 10
"""Records from which on one account in all of them is worth a word."""


@dataclass(frozen=True)
class Diagnosis:
    """One file: its table, format, records looked at, records that keep the contract, and what the sample holds.

    `filled` counts the records with a value, by column; `found_at` names the paths of those that were looked for;
    `proposed` are paths that could hold a column that lacks; `times` counts the records where a path that is proposed
    for asked_at holds a time; `lines` were sampled, of which `unread` hold no record; `request` and `response` are
    paths of bodies that stand in unusual places; `one_account` says that all records name the same account.
    """

    label: str
    table: str
    format: str
    records: int
    fit: int
    filled: Mapping[str, int]
    found_at: Mapping[str, tuple[str, ...]]
    proposed: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, int]
    request: str | None = None
    response: str | None = None
    one_account: bool = False
    times: Mapping[str, int] = field(default_factory=dict)
    lines: int = 0
    unread: int = 0

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required columns that not every record fills."""
        required = tuple(field.name for field in TABLES[self.table] if not field.nullable)
        return tuple(name for name in required if self.filled.get(name, 0) < self.records)


def diagnose(file: SourceFile) -> Diagnosis:
    """Read the first records of a file and say what they hold. Raises nothing for what is in it."""
    held = sampled(file.path)
    records = held.records
    found = replace(_looked_at(file, records), lines=held.lines, unread=held.unread)
    if file.table != "exchanges" or found.filled.get("messages") or found.filled.get("output"):
        return found
    request, response = bodies(records)
    if request is None and response is None:
        return found
    mapped = FieldMap() if file.foreign is None else file.foreign.fields
    fields = replace(mapped, request=_path(request) or mapped.request, response=_path(response) or mapped.response)
    again = _looked_at(replace(file, format="openai", foreign=ForeignReader("openai", fields)), records)
    return replace(again, request=request, response=response, lines=held.lines, unread=held.unread)


def _path(dotted: str | None) -> Path | None:
    return None if dotted is None else parsed(dotted)


def _looked_at(file: SourceFile, records: Sequence[Mapping[str, Any]]) -> Diagnosis:
    schema = TABLES[file.table]
    rows = np.arange(1, len(records) + 1, dtype=np.int64)
    if file.foreign is None:
        columns = JsonLines(schema).gathered([dict(record) for record in records], rows.tolist())
    else:
        columns, _ = file.foreign.columns(zip(records, rows.tolist(), strict=True), from_json=False)
    count = len(columns.rows)
    batch, _, bad, _ = conform(columns.columns, count, schema, file.label, columns.rows)
    given = {name: _given(columns.columns.get(name)) for name in schema.names}
    paths = {name: tuple(sorted(path for column, path in columns.places if column == name)) for name in given}
    alone = len(records) >= FEW and len(set(map(str, _values(columns.columns.get("account_id"))))) == 1
    lacking = [name for name, filled in given.items() if not filled or (name in REQUIRED and filled < len(records))]
    reasons: dict[str, int] = {}
    for row in bad:
        said = f"{row.column or 'row'}: {row.found}"
        reasons[said] = reasons.get(said, 0) + 1
    proposed = proposals(records, [*lacking, *(["account_id"] if alone else [])]) if file.table == "exchanges" else {}
    return Diagnosis(
        file.label, file.table, file.format, len(records), batch.num_rows,
        {name: filled for name, filled in given.items() if filled},
        {name: held for name, held in paths.items() if held}, proposed, reasons,
        one_account=alone and file.table == "exchanges",
        times={path: times_at(records, path) for path in proposed.get("asked_at", ())},
    )  # fmt: skip


def mapping_text(diagnosis: Diagnosis, used: FieldMap | None = None) -> str:
    """A mapping file, as YAML, with the paths that were used and those that are proposed; comments say which.

    A column whose place is known keeps it, and what else it could be is a comment. The mapping that was `used` stands
    in it whole.
    """
    used = used or FieldMap()
    canonical = diagnosis.format == "canonical" and used == FieldMap()
    lines = [f"format: {'canonical' if canonical else used.dialect}"]
    for name, path, proposed in (
        ("request", used.request, diagnosis.request),
        ("response", used.response, diagnosis.response),
    ):
        if proposed is not None:
            lines.append(f"{name}: {_quoted(proposed)}  # proposed: check it")
        elif path is not None:
            lines.append(f"{name}: {_quoted('.'.join(path))}  # in use")
    lines.append("columns:")
    for name in sorted({*diagnosis.found_at, *diagnosis.proposed, *used.columns}):
        lines += _column(name, diagnosis, [".".join(path) for path in used.columns.get(name, ())])
    given = {*diagnosis.proposed, *used.columns, *used.constants}
    missing = [name for name in REQUIRED if name in diagnosis.lacking and name not in given]
    lines += [f"  # {name}: PATH  # required, and nothing in the sample looks like it" for name in missing]
    if lines[-1] == "columns:":
        lines[-1] = "columns: {}"
    if used.constants:
        lines += ["constants:", *(f"  {name}: {json.dumps(value)}  # in use" for name, value in used.constants.items())]
    elif missing:
        lines += ["# constants:  # what is the same for every line", *(f"#   {name}: VALUE" for name in missing[:1])]
    return "\n".join(lines) + "\n"


def _column(name: str, diagnosis: Diagnosis, mapped: list[str]) -> list[str]:
    """The lines of one column: the paths in use, or the likeliest that is proposed; then what else it could be."""
    known = mapped or list(diagnosis.found_at.get(name, ())[:1])
    others = [path for path in diagnosis.proposed.get(name, ()) if path not in known]
    if known:
        said = "in use" if name in diagnosis.found_at else "in use, and nothing in the sample stands there"
        held = ", ".join(map(_quoted, known))
        lines = [f"  {name}: {held if len(known) == 1 else f'[{held}]'}  # {said}"]
    else:
        lines = [f"  {name}: {_quoted(others[0])}  # proposed: {_likely(diagnosis, name, others[0])}check it"]
        others = others[1:]
    return lines + [f"  # {name}: {_quoted(path)}  # could be it as well" for path in others[:2]]


def _likely(diagnosis: Diagnosis, name: str, path: str) -> str:
    times = diagnosis.times.get(path, diagnosis.records) if name == "asked_at" else diagnosis.records
    return "" if times == diagnosis.records else f"{times} of {diagnosis.records} look like a time; "


def _values(column: Any) -> list[Any]:
    return (
        [] if column is None else [str(held) for held in (column if isinstance(column, list) else column.to_pylist())]
    )


def _given(column: Any) -> int:
    if column is None:
        return 0
    values = column if isinstance(column, list) else column.to_pylist()
    return sum(value is not None and value != "" for value in values)


def _quoted(path: str) -> str:
    """A path as YAML can hold it whatever it is made of."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", path) and yaml.safe_load(path) == path
    return path if plain else "'" + path.replace("'", "''") + "'"
