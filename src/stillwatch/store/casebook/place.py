"""Where a store's casebook is: in its folder, or on the PostgreSQL server that a URL names, and nowhere else.

An empty casebook that is begun beside the store's own is dangerous: whoever erases an account there erases nothing, and
gateways are told that nothing is in force. So another file, a second casebook, and a server without this store's are
refused. Which casebook on a server is the store's, a note in its folder knows by the casebook's identity: chosen by the
store when it begins one (of casebooks of earlier versions, the first row of the audit trail), and never changed.
"""

import os
import secrets
import sqlite3
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from stillwatch.errors import StoreError, UsageError
from stillwatch.store.files import PRIVATE, write_whole

FILE = "casebook.db"
ELSEWHERE = "casebook.elsewhere"
"""A file in the store's folder that says that its casebook is a server's, which has to be named to be reached: the
casebook's identity. Empty where a person put it there to take a server's casebook for the store's."""

BEGINS = "casebook.begins"
"""A file with the identity of a casebook that the store is about to begin on a server, until that is done."""

SERVER = "postgresql+psycopg://NAME@HOST/DATABASE"

NAME_IT = "name it with --casebook URL, or STILLWATCH_CASEBOOK in the environment"

BEGIN_ONE = "`act`, `propose` and `permission add` begin one"

BUSY = 10
"""Seconds for which a look into a file waits for who writes there."""


def server_of(folder: Path, url: str | None) -> URL | None:
    """The server that a URL names; None where the casebook is the one in the store's folder.

    Raises UsageError where the URL is none, names another file than the store's, or where the store has its casebook
    elsewhere.
    """
    address = _address(url) if url else None
    if address is not None and address.get_backend_name() == "postgresql":
        _has_none_itself(folder)
        return address
    if address is not None and not _is_own(folder, address):
        raise UsageError(
            "--casebook names a file that is not this store's casebook", found=_told(address),
            wanted=f"nothing, for {FILE} in the store, or {SERVER}", next_step="leave --casebook away",
        )  # fmt: skip
    if (folder / ELSEWHERE).exists():
        raise UsageError("this store's casebook is on a server", where=str(folder), next_step=NAME_IT)
    return None


def noted(folder: Path) -> str | None:
    """The identity of the store's casebook on a server; None where the store has none there, empty where a person says
    that it has one."""
    try:
        return (folder / ELSEWHERE).read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return None


def intended(folder: Path) -> str:
    """The identity of the casebook that the store is about to begin, the same for all processes that begin it."""
    path = folder / BEGINS
    if not path.exists():
        draft = folder / f".{secrets.token_hex(8)}.tmp"
        try:
            write_whole(draft, secrets.token_hex(32).encode("ascii"))
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    try:
        return path.read_text("ascii", "replace").strip()
    except FileNotFoundError:  # another process has begun it meanwhile, and noted it
        return noted(folder) or ""


def note(folder: Path, first: str) -> None:
    """Note that the store's casebook is on a server, and by which identity it is known."""
    known = noted(folder)
    if known is None or (first and first != known):
        write_whole(folder / ELSEWHERE, first.encode("ascii"))
    (folder / BEGINS).unlink(missing_ok=True)


def check_file(folder: Path) -> None:
    """Raise UsageError where the store's folder holds no casebook yet."""
    if not (folder / FILE).exists():
        raise UsageError("no casebook is there", where=str(folder / FILE), next_step=BEGIN_ONE)


def make_file(folder: Path) -> None:
    """Make the store's casebook an empty file that nobody else may read, where there is none: SQLite, which gives what
    it puts beside it the same mode, would let others read it. Raises StoreError where the disk refuses."""
    try:
        os.close(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT, PRIVATE))
    except OSError as error:
        raise StoreError(f"the casebook cannot be made ({error.strerror})", where=str(folder / FILE)) from error


def check_server(where: str, known: str | None, first: str | None, *, begins: bool) -> None:
    """Raise UsageError where a server's database is not this store's casebook. `known` is what the store has `noted`,
    `first` the identity of the casebook in it, None where it holds none, empty for one of before identities; `begins`:
    whoever asks may begin one."""
    if first is None and (known is not None or not begins):
        raise UsageError(
            "no casebook is there", where=where,
            found="a database without one" + ("" if known is None else ", though this store has one on a server"),
            wanted="the database that holds this store's casebook",
            next_step=BEGIN_ONE if known is None else "",
        )  # fmt: skip
    if known is None and first:
        raise UsageError(
            "that is not this store's casebook, as far as the store knows", where=where,
            found="a casebook, though this store has begun none on a server",
            wanted="a database without a casebook, or none",
            next_step=f"leave --casebook away; where it is this store's after all, put an empty file {ELSEWHERE} into "
            "the store's folder",
        )  # fmt: skip
    if known and first is not None and first != known:
        raise UsageError(
            "that is not this store's casebook", where=where,
            found="a casebook of another identity" if first else "an audit trail without a row",
            wanted="the database that holds this store's casebook",
        )  # fmt: skip


def trail_rows(path: Path) -> int | None:
    """Rows on the audit trail of a casebook's file: none in a file that holds no casebook, None where it cannot be
    told."""
    if not path.exists():
        return 0
    try:
        held = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY)
    except sqlite3.Error:
        return None
    try:
        if not held.execute("SELECT 1 FROM sqlite_master WHERE name = 'trail'").fetchone():
            return 0
        return int(held.execute("SELECT count(*) FROM trail").fetchone()[0])
    except sqlite3.Error:
        return None
    finally:
        held.close()


def _has_none_itself(folder: Path) -> None:
    """Raise UsageError where the store's folder holds a casebook that a server's would hide."""
    rows = trail_rows(folder / FILE)
    if rows == 0:
        return
    found = f"{rows:,} rows on its audit trail" if rows else "a file that cannot be read"
    raise UsageError(
        "this store has its casebook in its folder, and a server's would pass it by", where=str(folder / FILE),
        found=found, wanted="no --casebook, and no STILLWATCH_CASEBOOK",
        next_step=f"where its rows were moved to the server, remove {FILE} first",
    )  # fmt: skip


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UsageError("--casebook is no URL of a database", wanted=f"nothing, or {SERVER}") from error
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("postgresql+psycopg", "sqlite", "sqlite+pysqlite"):
        raise UsageError("no such database", found=ascii(address.drivername)[1:-1][:39], wanted=f"nothing, or {SERVER}")
    return address


def _is_own(folder: Path, address: URL) -> bool:
    own = folder / FILE
    return not address.query and bool(address.database) and Path(str(address.database)).resolve() == own.resolve()


def _told(address: URL) -> str:
    """What is where a SQLite URL points, in words."""
    if not address.database or address.database == ":memory:" or address.query:
        return "a database in memory, or of options that a file does not have"
    path = Path(address.database)
    if not path.exists():
        return "no file there"
    rows = trail_rows(path)
    return f"a casebook with {rows:,} rows on its audit trail" if rows else "a file that holds no casebook"
