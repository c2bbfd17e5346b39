"""What a source would be read as, before it is read: the columns that a sample fills, those that lack, and a mapping
file for what could stand in their place.

Looks at names and at the kinds of values; never repeats a value. Names that stand inside of a request or an answer are
its sender's, and are not proposed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stillwatch.diagnosis.proposals import bodies, proposals
from stillwatch.ingest.columns import conform
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.jsonl import JsonLines
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.paths import parsed
from stillwatch.ingest.rows import sample
from stillwatch.ingest.sources import TABLES, SourceFile
from stillwatch.tables import EXCHANGES

REQUIRED = tuple(field.name for field in EXCHANGES if not field.nullable)
FEW = 10
"""Records from which on one account in all of them is worth a word."""


@dataclass(frozen=True)
class Diagnosis:
    """One file: its table, format, records looked at, records that keep the contract, and what the sample holds.

    `filled` counts the records with a value, by column; `found_at` names the paths of those that were looked for;
    `proposed` are paths that could hold a column that lacks; `request` and `response` are paths of bodies that stand in
    unusual places; `one_account` says that all records name the same account.
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

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required columns that not every record fills."""
        required = tuple(field.name for field in TABLES[self.table] if not field.nullable)
        return tuple(name for name in required if self.filled.get(name, 0) < self.records)


def diagnose(file: SourceFile) -> Diagnosis:
    """Read the first records of a file and say what they hold. Raises nothing for what is in it."""
    records = sample(file.path)
    found = _looked_at(file, records)
    if file.table != "exchanges" or found.filled.get("messages") or found.filled.get("output"):
        return found
    request, response = bodies(records)
    if request is None and response is None:
        return found
    fields = FieldMap(request=None if request is None else parsed(request), response=_path(response))
    again = _looked_at(replace(file, format="openai", foreign=ForeignReader("openai", fields)), records)
    return replace(again, request=request, response=response)


def _path(dotted: str | None) -> tuple[str, ...] | None:
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
    )  # fmt: skip


def mapping_text(diagnosis: Diagnosis) -> str:
    """A mapping file, as YAML, with the paths that were used and those that are proposed; comments say which.

    A column whose place is known keeps it, and what else it could be is a comment.
    """
    lines = [f"format: {'canonical' if diagnosis.format == 'canonical' else 'auto'}"]
    for name, path in (("request", diagnosis.request), ("response", diagnosis.response)):
        lines += [] if path is None else [f"{name}: {_quoted(path)}  # proposed: check it"]
    lines.append("columns:")
    for name in sorted({*diagnosis.found_at, *diagnosis.proposed}):
        known = diagnosis.found_at.get(name, ())[:1]
        held = [*known, *(path for path in diagnosis.proposed.get(name, ()) if path not in known)]
        lines.append(f"  {name}: {_quoted(held[0])}  # {'in use' if known else 'proposed: check it'}")
        lines += [f"  # {name}: {_quoted(path)}  # could be it as well" for path in held[1:3]]
    missing = [name for name in REQUIRED if name in diagnosis.lacking and name not in diagnosis.proposed]
    lines += [f"  # {name}: PATH  # required, and nothing in the sample looks like it" for name in missing]
    if missing:
        lines += ["# constants:  # what is the same for every line", *(f"#   {name}: VALUE" for name in missing[:1])]
    return "\n".join(lines) + "\n"


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
    return path if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", path) else "'" + path.replace("'", "''") + "'"
