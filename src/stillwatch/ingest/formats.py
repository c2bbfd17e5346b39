"""The formats that ingest reads: the whole list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stillwatch.errors import UsageError
from stillwatch.ingest import canonical
from stillwatch.ingest.reading import Chunk
from stillwatch.ingest.sources import SourceFile


@dataclass(frozen=True)
class Format:
    """A format's name, how it is recognised, and the function from a file to chunks of tables.EXCHANGES."""

    name: str
    recognised_by: str
    read: Callable[[SourceFile], Iterator[Chunk]]


FORMATS = (Format("canonical", "the contract's own column names", canonical.read_exchanges),)

AUTO = "canonical"
"""What `auto` means."""


def format_named(name: str) -> Format:
    """The format of that name, or the one that `auto` stands for. Raises UsageError with the list."""
    wanted = AUTO if name == "auto" else name
    for known in FORMATS:
        if known.name == wanted:
            return known
    names = ", ".join(["auto", *(known.name for known in FORMATS)])
    raise UsageError("no such format", found=name, wanted=names)
