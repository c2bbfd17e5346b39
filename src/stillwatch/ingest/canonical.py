"""The canonical contract on disk: a folder with exchanges/, accounts.*, permissions.*, releases.*, or single files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stillwatch.errors import SourceError
from stillwatch.ingest.rows import ENDINGS, Batch, is_table_file, read_rows
from stillwatch.tables import ACCOUNTS, EXCHANGES, PERMISSIONS, RELEASES

TABLES: dict[str, pa.Schema] = {
    "exchanges": EXCHANGES, "accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES,
}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: the table it holds, and its name as messages show it."""

    path: Path
    table: str
    label: str


def source_files(source: Path) -> list[SourceFile]:
    """The files of one source, small tables first, names ascending. Raises SourceError where there is none.

    Which table a file holds is told by its name's start, or its folder's; any other name holds exchanges.
    """
    if not source.exists():
        raise SourceError("no such file or folder", where=str(source), wanted="a file or folder of the data contract")
    if source.is_file():
        if not is_table_file(source):
            raise SourceError("unknown kind of file", where=str(source), found=source.suffix, wanted=", ".join(ENDINGS))
        return [SourceFile(source, _table_of(source, source.parent), source.name)]
    paths = sorted(p for p in source.rglob("*") if p.is_file() and is_table_file(p) and "truth" not in p.parts[:-1])
    if not paths:
        raise SourceError("the folder holds no file that can be read", where=str(source), wanted=", ".join(ENDINGS))
    files = [SourceFile(p, _table_of(p, source), str(p.relative_to(source))) for p in paths]
    return sorted(files, key=lambda f: (f.table == "exchanges", f.label))


def _table_of(path: Path, root: Path) -> str:
    parts = [path.name, *(part for part in path.relative_to(root).parts[:-1])]
    for part in parts:
        for table in ("accounts", "permissions", "releases"):
            if part.lower().startswith(table):
                return table
    return "exchanges"


def read(file: SourceFile) -> Iterator[Batch]:
    """The batches of one file, under its table's schema."""
    yield from read_rows(file.path, file.label, TABLES[file.table])
