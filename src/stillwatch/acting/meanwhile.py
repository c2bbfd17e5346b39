"""Whether what somebody judged by is still what is there, once it is their turn to write.

Who judges before they have the casebook's lock may wait for it, while a permission comes or ends, a run comes, or an
account is erased from one. The casebook itself is read again within the transaction; files are compared by what is
known of them without reading them, since everybody waits for whoever has the lock.
"""

from pathlib import Path
from typing import TypeAlias

from stillwatch.errors import UsageError
from stillwatch.store.permits import ENDS
from stillwatch.store.store import Store

PERMITS = ("permissions", ENDS)
"""Folders of a store that say who may do what."""

Stamp: TypeAlias = frozenset[tuple[str, int, int, int]]
"""Files by name, number, time of change (nanoseconds) and length in bytes: a file written anew is another one."""


class Changed(UsageError):
    """What was judged by is not what is there any more."""


def stamp(store: Store, *more: str) -> Stamp:
    """The files that hold permissions and findings, and those of more of the store's folders, as they are now."""
    tables = [path for name in (*PERMITS, *more) for path in (store.folder / name).glob("[!.]*.parquet")]
    return frozenset(filter(None, map(_known, [*tables, *(store.folder / "runs").glob("[!.]*/campaigns.json")])))


def _known(path: Path) -> tuple[str, int, int, int] | None:
    try:
        held = path.stat()
    except OSError:  # gone meanwhile
        return None
    return str(path), held.st_ino, held.st_mtime_ns, held.st_size


def check_unchanged(store: Store, seen: Stamp) -> None:
    """Raise Changed where permissions or findings are not as they were seen."""
    if stamp(store) != seen:
        raise Changed(
            "permissions or findings changed while the casebook was awaited, again and again; nothing is done",
            where=str(store.folder), next_step="the same command again, once nobody writes to the store",
        )  # fmt: skip
