"""The casebook's database: SQLite in the store's folder, or PostgreSQL by its URL; brought up to date when opened.

Whoever writes holds one lock for the whole transaction, so that what a person may approve is judged on what is true
then, and the audit trail has one order. Readers wait for nobody.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, NoSuchModuleError, SQLAlchemyError

from stillwatch.errors import StillwatchError, StoreError, UsageError
from stillwatch.store.casebook import place
from stillwatch.store.casebook.place import FILE
from stillwatch.store.casebook.schema import HEAD, IDENTITY, TRAIL

PATIENCE = 60
"""Seconds for which a writer waits for another."""

LOCK = 7_305_843_251
"""PostgreSQL's advisory lock of whoever writes."""

WRITES = "stillwatch_writes"


class Database:
    """An open casebook's engine. `reading` and `writing` are its transactions."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.engine = engine
        self.where = where
        self.rehearses = False

    @classmethod
    def open(
        cls, folder: Path, url: str | None = None, *, begins: bool = False, rehearses: bool = False
    ) -> "Database":  # fmt: skip
        """Open the casebook of a store's folder, or that on a URL's server; whoever `begins` makes it first where the
        store has none yet. Whoever `rehearses` changes nothing: each transaction is taken back.

        Raises UsageError where there is none, the URL is none, names what is not this store's casebook, or its driver
        is missing, StoreError where the database cannot be reached, is damaged, or is of a newer version.
        """
        server = place.server_of(folder, url)
        if server is None and not begins:
            place.check_file(folder)
        elif server is None:
            place.make_file(folder)
        database = cls._of(folder, server)
        database.rehearses = rehearses
        try:
            if server is None:
                database._bring_up_to_date(None)
            else:
                database._reach(folder, begins=begins and not rehearses)
        except StillwatchError:
            database.close()
            raise
        return database

    def _reach(self, folder: Path, *, begins: bool) -> None:
        """Make sure that a server's casebook is this store's, and begin it where it may be begun: its identity is
        written down first, so that a kill leaves nothing that another store could take for its own."""
        known = place.noted(folder)
        wanted = place.intended(folder) if begins and known is None else None
        first = self._first()
        if wanted and first and first != wanted:
            known = place.noted(folder)  # another process of this store has begun it meanwhile
        elif wanted and first:
            known = wanted
        place.check_server(self.where, known, first, begins=begins)
        self._bring_up_to_date(wanted)
        if begins:
            place.check_server(self.where, known or wanted, self._first(), begins=False)
            place.note(folder, self._first() or "")

    @classmethod
    def there(cls, folder: Path, url: str | None = None, *, rehearses: bool = False) -> "Database | None":
        """The same where the store has a casebook; None where it has none yet. Nothing is begun."""
        server = place.server_of(folder, url)
        if server is None:
            return cls.open(folder, rehearses=rehearses) if (folder / FILE).exists() else None
        if place.noted(folder) is None:
            database = cls._of(folder, server)
            try:
                if database._first() is None:
                    return None
            finally:
                database.close()
        return cls.open(folder, url, begins=False, rehearses=rehearses)

    @classmethod
    def _of(cls, folder: Path, server: URL | None) -> "Database":
        if server is None:
            where = str(folder / FILE)
            return cls(_engine(URL.create("sqlite+pysqlite", database=where), where), where)
        where = server.set(query={}).render_as_string(hide_password=True)
        return cls(_engine(server, where), where)

    def _first(self) -> str | None:
        """What the casebook is known by; empty for one of an earlier version without a row on its trail, None where
        there is no casebook."""
        with self._told(), self.engine.connect() as connection:
            if _version(connection) is None:
                return None
            if inspect(connection).has_table(IDENTITY.name):
                return str(connection.execute(select(IDENTITY.c.name)).scalar() or "")
            return str(connection.execute(select(TRAIL.c.hash).order_by(TRAIL.c.seq).limit(1)).scalar() or "")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the casebook. Raises StoreError where the database fails."""
        with self._told(), self.engine.connect() as plain:
            one = {"isolation_level": "REPEATABLE READ"} if self.is_server else {}
            with self._whole(plain.execution_options(**one)) as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the one who writes: whole or not at all. Raises StoreError where the database fails."""
        with self._told(), self.engine.connect() as plain:
            connection = plain.execution_options(**{WRITES: True})
            with self._whole(connection):
                if self.is_server:
                    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                yield connection

    @contextmanager
    def _whole(self, connection: Connection) -> Iterator[Connection]:
        """A transaction; of whoever rehearses one that is taken back, on tables that are brought up to date in it."""
        if not self.rehearses:
            with connection.begin():
                yield connection
            return
        transaction = connection.begin()
        try:
            if _version(connection) != HEAD:
                _migrate(connection, None)
            yield connection
        finally:
            transaction.rollback()

    @property
    def is_server(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Let go of its connections."""
        self.engine.dispose()

    def clean(self) -> None:
        """Leave nothing of removed rows in the database's files, as far as we can reach."""
        with self._told(), self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            if self.is_server:
                for name in ("actions", "approvals", "appeals", "reviews", "grants", "attributions", "trail"):
                    connection.exec_driver_sql(f"VACUUM FULL {name}")
                return
            raw: Any = connection.connection.dbapi_connection
            raw.execute("VACUUM")
            (busy, *_) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StoreError(
                    "what was removed may still stand in the casebook's log, since somebody reads it",
                    where=self.where, next_step="end what reads it, and erase again",
                )  # fmt: skip

    def _bring_up_to_date(self, identity: str | None) -> None:
        with self._told(), self.engine.connect() as connection:
            found = _version(connection)
        if found == HEAD or (self.rehearses and (found is None or found < HEAD)):
            return
        if found is not None and found > HEAD:
            raise StoreError(
                "the casebook is of a newer version", where=self.where, found=found, wanted=f"{HEAD} or before",
                next_step="update stillwatch",
            )  # fmt: skip
        with self.writing() as connection:
            if _version(connection) != HEAD:
                _migrate(connection, identity)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the database as ours. What it says is held back: it quotes the values that it was given."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            busy = "locked" in str(cause)
            raise StoreError(
                f"the casebook cannot be used ({type(cause).__name__})", where=self.where,
                found="another process writes" if busy else "",
                next_step="again in a minute" if busy else "stillwatch actions --verify tells whether it is whole",
            ) from error  # fmt: skip


def _engine(address: URL, where: str) -> Engine:
    try:
        if address.get_backend_name() == "sqlite":
            engine = create_engine(address, connect_args={"timeout": PATIENCE, "isolation_level": None})
            event.listen(engine, "connect", _prepared)
            event.listen(engine, "begin", _begun)
            return engine
        return create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise UsageError(
            "the database's driver is not installed", where=where, next_step="pip install 'stillwatch[postgresql]'"
        ) from error


def _prepared(connection: Any, _: Any) -> None:
    """Every change is on disk before it is acknowledged, and what is removed is overwritten."""
    for setting in (f"busy_timeout = {PATIENCE * 1000}", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}")
    for _ in range(PATIENCE * 20):
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except connection.OperationalError as error:  # two processes make it at once: SQLite does not wait for this
            if "locked" not in str(error):
                raise
            time.sleep(0.05)


def _begun(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection, identity: str | None) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "stillwatch.store.casebook:migrations")
    config.attributes["connection"] = connection
    config.attributes["identity"] = identity
    try:
        command.upgrade(config, "head")
    except DatabaseError as error:
        raise StoreError("the casebook cannot be brought up to date", found=type(error.orig).__name__) from error
