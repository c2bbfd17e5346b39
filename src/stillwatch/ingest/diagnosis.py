"""What a source would be read as, before it is read: the columns that a sample fills, those that lack, and a mapping
file for what could stand in their place.

Looks at names and at the kinds of values; never repeats a value. Names that stand inside of a request or an answer are
its sender's, and are not proposed.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stillwatch.ingest.columns import conform
from stillwatch.ingest.envelope import REQUESTS, RESPONSES, address
from stillwatch.ingest.jsonl import JsonLines
from stillwatch.ingest.paths import Path, at, opened
from stillwatch.ingest.rows import sample
from stillwatch.ingest.sources import TABLES, SourceFile
from stillwatch.ingest.values import Unfit, to_time
from stillwatch.tables import EXCHANGES

REQUIRED = tuple(field.name for field in EXCHANGES if not field.nullable)
DEEPEST = 4
MOST = 400
"""Paths of one record that are looked at."""


@dataclass(frozen=True)
class Diagnosis:
    """One file: its table, format, records looked at, records that keep the contract, and what the sample holds.

    `filled` counts the records with a value, by column; `found_at` names the paths of those that were looked for;
    `proposed` are paths that could hold a column that no record fills.
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

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required columns that not every record fills."""
        required = tuple(field.name for field in TABLES[self.table] if not field.nullable)
        return tuple(name for name in required if self.filled.get(name, 0) < self.records)


def diagnose(file: SourceFile) -> Diagnosis:
    """Read the first records of a file and say what they hold. Raises nothing for what is in it."""
    records = sample(file.path)
    schema = TABLES[file.table]
    rows = np.arange(1, len(records) + 1, dtype=np.int64)
    if file.foreign is None:
        columns = JsonLines(schema).gathered([dict(record) for record in records], rows.tolist())
    else:
        columns, _ = file.foreign.columns(zip(records, rows.tolist(), strict=True), from_json=False)
    count = len(columns.rows)
    batch, _, bad = conform(columns.columns, count, schema, file.label, columns.rows)
    given = {name: _given(columns.columns.get(name)) for name in schema.names}
    paths = {name: tuple(sorted(path for column, path in columns.places if column == name)) for name in given}
    lacking = [name for name, filled in given.items() if not filled]
    reasons: dict[str, int] = {}
    for row in bad:
        said = f"{row.column or 'row'}: {row.found}"
        reasons[said] = reasons.get(said, 0) + 1
    return Diagnosis(
        file.label, file.table, file.format, len(records), batch.num_rows,
        {name: filled for name, filled in given.items() if filled},
        {name: held for name, held in paths.items() if held},
        proposals(records, lacking) if file.table == "exchanges" else {}, reasons,
    )  # fmt: skip


def mapping_text(diagnosis: Diagnosis) -> str:
    """A mapping file, as YAML, with the paths that were used and those that are proposed; comments say which."""
    known = [(name, paths[0], "in use") for name, paths in diagnosis.found_at.items()]
    guessed = [(name, paths[0], "proposed: check it") for name, paths in diagnosis.proposed.items()]
    missing = [name for name in REQUIRED if name in diagnosis.lacking and name not in diagnosis.proposed]
    lines = [f"format: {diagnosis.format if diagnosis.format != 'litellm' else 'auto'}", "columns:"]
    lines += [f"  {name}: {_quoted(path)}  # {why}" for name, path, why in sorted(known + guessed)]
    lines += [f"  # {name}: PATH  # required, and nothing in the sample looks like it" for name in missing]
    return "\n".join(lines) + "\n"


def proposals(records: Sequence[Mapping[str, Any]], lacking: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each column that lacks, the paths whose values and names could be it, the likeliest first."""
    paths: dict[Path, None] = {}
    for record in records[:50]:
        paths.update(dict.fromkeys(_leaves(record)))
    values = {path: [value for record in records if (value := at(record, path)) is not None] for path in paths}
    out: dict[str, tuple[str, ...]] = {}
    for name in lacking:
        test = _TESTS.get(name)
        if test is None:
            continue
        scored = [(_likeness(path, name), path) for path, held in values.items() if held and test(held, len(records))]
        likely = sorted((-score, ".".join(path)) for score, path in scored if score > 0 or name in _TELLING)
        if likely:
            out[name] = tuple(path for _, path in likely[:3])
    return out


def _given(column: Any) -> int:
    if column is None:
        return 0
    values = column if isinstance(column, list) else column.to_pylist()
    return sum(value is not None and value != "" for value in values)


def _leaves(value: Any, above: Path = ()) -> list[Path]:
    """Paths of a record's single values, outside of its request and its answer."""
    if above in _BODIES or len(above) > DEEPEST:
        return []
    value = opened(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        return [above] if above and not isinstance(value, list) else []
    out: list[Path] = []
    for name, held in value.items():
        if isinstance(name, str) and "." not in name and len(out) < MOST:
            out += _leaves(held, (*above, name))
    return out


_BODIES = frozenset((*REQUESTS, *RESPONSES))

_NAMES = {
    "exchange_id": "exchange request req event log call message trace correlation transaction",
    "account_id": "account customer tenant organization organisation org subscriber principal owner user client key",
    "asked_at": "asked time timestamp at when start created received date ts",
    "client_ip": "ip client remote source address addr peer",
    "user_agent": "user agent ua client",
    "ja4": "ja4 tls fingerprint",
    "model_requested": "model engine deployment",
    "status": "status result outcome code",
}
"""Words by which loggers name these columns, the likeliest first."""


def _likeness(path: Path, name: str) -> float:
    """How much a path's last names sound like the column; 0 where they do not."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", " ".join(path[-2:])).lower())
    known = _NAMES[name].split()
    return sum(1.0 - known.index(word) / (2 * len(known)) for word in words if word in known) - 0.1 * len(path)


def _are_words(held: list[Any], records: int) -> bool:
    return 2 * len(held) >= records and all(isinstance(value, str | int) and value != "" for value in held)


def _are_ids(held: list[Any], records: int) -> bool:
    return len(held) == records > 1 and _are_words(held, records) and len(set(map(str, held))) == records


def _are_times(held: list[Any], records: int) -> bool:
    try:
        return len(held) == records and all(to_time(value) is not None for value in held)
    except Unfit:
        return False


def _are_addresses(held: list[Any], records: int) -> bool:
    try:
        return 2 * len(held) >= records and all(ipaddress.ip_address(address(str(value))) for value in held)
    except ValueError:
        return False


def _are_agents(held: list[Any], records: int) -> bool:
    return _are_words(held, records) and all("/" in str(value) for value in held)


_TELLING = ("asked_at", "client_ip")
"""Columns whose values tell by themselves what they are."""

_TESTS: Mapping[str, Callable[[list[Any], int], bool]] = {
    "exchange_id": _are_ids, "account_id": _are_words, "asked_at": _are_times, "client_ip": _are_addresses,
    "user_agent": _are_agents, "ja4": _are_words, "model_requested": _are_words, "status": _are_words,
}  # fmt: skip


def _quoted(path: str) -> str:
    """A path as YAML can hold it whatever it is made of."""
    return path if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", path) else "'" + path.replace("'", "''") + "'"
