"""Sources on disk: a folder with exchanges/, accounts.*, permissions.*, releases.*, or single files, of any format."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import SourceError
from stillwatch.ingest.foreign import ForeignReader
from stillwatch.ingest.formats import BY_NAME, Record, checked, recognised
from stillwatch.ingest.lines import unreadable
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.rows import ENDINGS, Batch, column_names, ending_of, is_passed_by, read_rows, sample, size_of
from stillwatch.records import QuarantinedRow
from stillwatch.tables import ACCOUNTS, EXCHANGES, PERMISSIONS, RELEASES

TABLES: dict[str, pa.Schema] = {
    "exchanges": EXCHANGES, "accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES,
}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: the table it holds, its path as given (for messages), its size in bytes, and its format.

    `foreign` reads records of another format than the contract's.
    """

    path: Path
    table: str
    label: str
    size: int = 0
    format: str = "canonical"
    foreign: ForeignReader | None = None


@dataclass(frozen=True)
class Wanted:
    """What the caller said of the sources: a format, or `auto`, and a mapping, or none."""

    format: str = "auto"
    fields: FieldMap | None = None

    def __post_init__(self) -> None:
        checked(self.format)


def source_files(source: Path, wanted: Wanted | None = None) -> list[SourceFile]:
    """The files of one source, small tables first, names ascending. Raises SourceError where there is none.

    Which table a file holds is told by its name or a folder's (`accounts.jsonl`, `accounts/…`), else by its columns. A
    folder `truth` is never read; names that begin with `.` or `_` are other programs' bookkeeping.
    """
    wanted = wanted or Wanted()
    if not source.exists():
        raise SourceError("no such file or folder", where=str(source), wanted="a file or folder of the data contract")
    if source.is_dir():
        files = [_source_file(path, source, wanted) for path in _walk(source) if ending_of(path) or is_passed_by(path)]
        if not any(ending_of(file.path) for file in files):
            raise SourceError("the folder holds no file that can be read", where=str(source), wanted=", ".join(ENDINGS))
        return sorted(files, key=lambda file: (file.table == "exchanges", file.label))
    if not source.is_file() or ending_of(source) is None:
        raise SourceError("unknown kind of file", where=str(source), found=source.suffix, wanted=", ".join(ENDINGS))
    return [_source_file(source, source.parent, wanted)]


def _walk(root: Path) -> list[Path]:
    """What stands below a folder. Links to folders are followed, each folder once, so that none leads in a circle.

    What is no regular file is listed too: its reader says so. Raises SourceError for a folder that cannot be read.
    """
    out: list[Path] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_unread):
        real = os.path.realpath(folder)
        folders[:] = [] if real in seen else [name for name in sorted(folders) if _is_ours(name) and name != "truth"]
        out += [Path(folder, name) for name in names if real not in seen and _is_ours(name)]
        seen.add(real)
    return out


def _is_ours(name: str) -> bool:
    return not name.startswith((".", "_"))


def _unread(error: OSError) -> None:
    raise SourceError("the folder cannot be read", where=str(error.filename), found=type(error).__name__) from None


def _source_file(path: Path, root: Path, wanted: Wanted) -> SourceFile:
    named = _by_name(path.relative_to(root).parts)
    label = os.fsencode(path).decode("utf-8", "replace")
    size = size_of(path)
    if named not in ("", "exchanges") or unreadable(path) or is_passed_by(path):
        return SourceFile(path, named or "exchanges", label, size)
    records = sample(path)
    format = _format_of(records, wanted)
    table = named or _table_of(_columns(path, records), format, wanted)
    if table != "exchanges":
        return SourceFile(path, table, label, size)
    if format == "canonical" and (wanted.fields is None or wanted.fields.dialect != "canonical"):
        return SourceFile(path, table, label, size)
    return SourceFile(path, table, label, size, format, ForeignReader(format, _fields(wanted)))


def _table_of(names: set[str], format: str, wanted: Wanted) -> str:
    """The table of a file whose name does not tell: foreign records and those that a mapping fits are exchanges."""
    if format != "canonical":
        return "exchanges"
    mapped = wanted.fields.columns.values() if wanted.fields else ()
    return "exchanges" if any(path[0] in names for paths in mapped for path in paths) else _by_columns(names)


def _format_of(records: Sequence[Record], wanted: Wanted) -> str:
    """The format that was asked for, else the one of most records; a mapping of bodies tells what to take them for."""
    if wanted.format != "auto":
        return wanted.format
    found = recognised(records).name
    if wanted.fields is None or wanted.fields.dialect == "canonical":
        return found if wanted.fields is None else "canonical"
    if found in ("canonical", "litellm") and records and all(map(BY_NAME[found].is_record, records)):
        return found
    return {"auto": "openai"}.get(wanted.fields.dialect, wanted.fields.dialect)


def _fields(wanted: Wanted) -> FieldMap:
    """The mapping, with the format that was asked for as its dialect."""
    fields = wanted.fields or FieldMap()
    return replace(fields, dialect=wanted.format) if wanted.format in ("openai", "anthropic") else fields


def _by_name(parts: tuple[str, ...]) -> str:
    """The table that a name or a folder above it stands for: `accounts.jsonl`, `accounts-2.parquet`, `accounts/x`."""
    for part in reversed(parts):
        for table in TABLES:
            if part.lower() == table or part.lower().startswith((f"{table}.", f"{table}-", f"{table}_")):
                return table
    return ""


def _by_columns(names: set[str]) -> str:
    """The table whose required columns are there; exchanges where none fits, so that quarantine names what lacks."""
    if "exchange_id" in names or "asked_at" in names:
        return "exchanges"
    if {"purpose", "reference"} <= names:
        return "permissions"
    if {"model", "released_at"} <= names:
        return "releases"
    return "accounts" if "account_id" in names else "exchanges"


def _columns(path: Path, records: Sequence[Record]) -> set[str]:
    """The names in a file: of a Parquet file without a row, too."""
    return {name for record in records for name in record} or set(column_names(path))


def read(file: SourceFile) -> Iterator[Batch]:
    """The batches of one file, under its table's schema."""
    for batch in read_rows(file.path, file.label, TABLES[file.table], file.foreign):
        yield _owned(batch, file.label) if file.table == "permissions" else batch


def _owned(batch: Batch, label: str) -> Batch:
    """A permission must name an account or an organisation."""
    nobody = pc.and_(pc.is_null(batch.rows["account_id"]), pc.is_null(batch.rows["org_id"]))
    mask = nobody.to_numpy(zero_copy_only=False)
    found = ("null, and org_id too", "account_id or org_id")
    bad = [QuarantinedRow(label, int(row), "account_id", *found) for row in batch.places[mask]]
    kept = batch.rows.filter(pa.array(np.logical_not(mask)))
    return replace(batch, rows=kept, quarantined=batch.quarantined + bad, places=batch.places[~mask])
