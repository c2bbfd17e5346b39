"""The formats that ingest reads: a written list, no plugins; and how a file's format is told from its first records."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stillwatch.errors import UsageError
from stillwatch.ingest import envelope, litellm
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.paths import Path, at
from stillwatch.tables import EXCHANGES

Record = Mapping[str, Any]
Places = Mapping[str, Path]
Exchange = Callable[[Record, FieldMap], tuple[dict[str, Any], Places]]
"""One record in, columns of the contract out, and where those were that could have been elsewhere."""


@dataclass(frozen=True)
class Format:
    """A format: its name on the command line, what it is, whether a record is of it, and its reader.

    `read` is None for the data contract itself, which whole columns are read of.
    """

    name: str
    title: str
    is_record: Callable[[Record], bool]
    read: Exchange | None


def _litellm(record: Record, _: FieldMap) -> tuple[dict[str, Any], Places]:
    return litellm.exchange(record), {}


def _bodies(record: Record, fields: FieldMap) -> tuple[dict[str, Any], Places]:
    if fields.dialect == "auto" and litellm.is_record(record):
        return _litellm(record, fields)
    read = envelope.exchange(record, fields)
    return read.columns, read.places


def renamed(record: Record, fields: FieldMap) -> tuple[dict[str, Any], Places]:
    """A record of the contract under other names: a mapped column is taken from its path, others by their own name."""
    out = {name: value for name, value in record.items() if name in _NAMES}
    for name, paths in fields.columns.items():
        out[name] = next((value for path in paths if (value := at(record, path)) is not None), None)
    if "status" in fields.columns:
        out["status"] = envelope.status_of(out["status"])
    return {**out, **fields.constants}, {name: paths[0] for name, paths in fields.columns.items()}


_NAMES = frozenset(EXCHANGES.names)


def _is_canonical(record: Record) -> bool:
    return len({"exchange_id", "asked_at", "account_id", "model_requested"} & record.keys()) >= 3


def _is_small(record: Record) -> bool:
    return "reference" in record or "released_at" in record or ("account_id" in record and "created_at" in record)


FORMATS = (
    Format("canonical", "the data contract", _is_canonical, None),
    Format("litellm", "LiteLLM's logging payload", litellm.is_record, _litellm),
    Format("openai", "requests and answers of OpenAI's API", envelope.has_bodies, _bodies),
    Format("anthropic", "requests and answers of Anthropic's API", envelope.has_bodies, _bodies),
)
"""In the order in which a record is asked. `auto` decides a file at a time, and a body's dialect a line at a time."""

NAMES = ("auto", *(one.name for one in FORMATS))
BY_NAME = {one.name: one for one in FORMATS}


def checked(name: str) -> str:
    """The format's name, or UsageError with the list."""
    if name not in NAMES:
        raise UsageError("unknown format", found=name, wanted=", ".join(NAMES))
    return name


def recognised(records: Iterable[Record]) -> Format:
    """The format of most of these records; where none is known the contract, so that quarantine says what lacks."""
    votes: Counter[str] = Counter()
    for record in records:
        votes.update([_of(record)])
    best = max(FORMATS, key=lambda one: votes[one.name])
    return best if votes[best.name] else FORMATS[0]


def _of(record: Record) -> str:
    for one in FORMATS[:2]:
        if one.is_record(record):
            return one.name
    if _is_small(record) and not envelope.has_bodies(record):
        return "canonical"
    if not envelope.has_bodies(record):
        return ""
    return envelope.exchange(record, FieldMap()).dialect
