"""The canonical contract on disk: a folder with exchanges/, accounts.*, permissions.*, releases.*, or single files."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import SourceError
from stillwatch.ingest.lines import blocks
from stillwatch.ingest.rows import ENDINGS, Batch, ending_of, read_rows
from stillwatch.records import QuarantinedRow
from stillwatch.tables import ACCOUNTS, EXCHANGES, PERMISSIONS, RELEASES

TABLES: dict[str, pa.Schema] = {
    "exchanges": EXCHANGES, "accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES,
}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: the table it holds, its path as given (for messages), and its size in bytes."""

    path: Path
    table: str
    label: str
    size: int = 0


def source_files(source: Path) -> list[SourceFile]:
    """The files of one source, small tables first, names ascending. Raises SourceError where there is none.

    Which table a file holds is told by its name or a folder's (`accounts.jsonl`, `accounts/…`), else by its columns. A
    folder `truth` is never read; names that begin with `.` or `_` are other programs' bookkeeping.
    """
    if not source.exists():
        raise SourceError("no such file or folder", where=str(source), wanted="a file or folder of the data contract")
    if source.is_dir():
        files = [_source_file(path, source) for path in _walk(source) if ending_of(path)]
        if not files:
            raise SourceError("the folder holds no file that can be read", where=str(source), wanted=", ".join(ENDINGS))
        return sorted(files, key=lambda file: (file.table == "exchanges", file.label))
    if not source.is_file() or ending_of(source) is None:
        raise SourceError("unknown kind of file", where=str(source), found=source.suffix, wanted=", ".join(ENDINGS))
    return [_source_file(source, source.parent)]


def _walk(root: Path) -> list[Path]:
    """Regular files below a folder; links to folders are not followed, so that none leads back."""
    out: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "_")) and name != "truth"]
        out += [Path(folder, name) for name in names if not name.startswith((".", "_"))]
    return [path for path in out if path.is_file()]


def _source_file(path: Path, root: Path) -> SourceFile:
    inside = path.relative_to(root)
    table = _by_name(inside.parts) or _by_columns(_columns(path))
    label = os.fsencode(path).decode("utf-8", "replace")
    return SourceFile(path, table, label, path.stat().st_size)


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


def _columns(path: Path) -> set[str]:
    packing = ENDINGS[ending_of(path) or ".jsonl"]
    try:
        if packing == "parquet":
            return set(pq.read_schema(path).names)
        lines = next(blocks(path, packing)).lines
        held = json.loads(lines[0]) if lines else {}
    except (OSError, pa.ArrowException, ValueError, RecursionError):
        return set()
    return set(held) if isinstance(held, dict) else set()


def read(file: SourceFile) -> Iterator[Batch]:
    """The batches of one file, under its table's schema."""
    for batch in read_rows(file.path, file.label, TABLES[file.table]):
        yield _owned(batch, file.label) if file.table == "permissions" else batch


def _owned(batch: Batch, label: str) -> Batch:
    """A permission must name an account or an organisation."""
    nobody = pc.and_(pc.is_null(batch.rows["account_id"]), pc.is_null(batch.rows["org_id"]))
    mask = nobody.to_numpy(zero_copy_only=False)
    found = ("null, and org_id too", "account_id or org_id")
    bad = [QuarantinedRow(label, int(row), "account_id", *found) for row in batch.places[mask]]
    kept = batch.rows.filter(pa.array(np.logical_not(mask)))
    return replace(batch, rows=kept, quarantined=batch.quarantined + bad, places=batch.places[~mask])
