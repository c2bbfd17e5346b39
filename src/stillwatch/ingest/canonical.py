"""The canonical format: files that hold the contract's own columns, as Parquet or JSON lines."""

from collections.abc import Iterator

from stillwatch.ingest.reading import Chunk, read_file
from stillwatch.ingest.sources import SourceFile
from stillwatch.tables import EXCHANGES


def read_exchanges(file: SourceFile) -> Iterator[Chunk]:
    """Chunks of tables.EXCHANGES from one file. Text is in memory only; missing columns are null."""
    return read_file(file, EXCHANGES)
