"""Erasure in the casebook: the content of rows goes, and of the trail only hashes stay, so that its chain still holds.

A row of the trail that speaks of the account loses content, salt and what it is filed under. Its salted hash stays and
tells nothing. Where a text of somebody else's action names the account, the name becomes `erased`.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, and_, select

from stillwatch.respond.action import HOUR, OPEN
from stillwatch.respond.bounds import KEPT_HOURS
from stillwatch.respond.written import action_read, written
from stillwatch.store.casebook import trail
from stillwatch.store.casebook.casebook import AT_ONCE, action_row
from stillwatch.store.casebook.database import Database
from stillwatch.store.casebook.schema import ACTIONS, APPEALS, APPROVALS, ATTRIBUTIONS, GRANTS, REVIEWS, TRAIL, mark
from stillwatch.store.casebook.trail import Entry

LEAST_LETTERS = 4
"""Names shorter than this are not looked for inside of sentences."""

GONE = "erased"

SENTENCES = ("reason", "statement")
"""Keys under which people's sentences stand. Other values are words of ours, which an id may be spelled like."""

Changed = Callable[[Any], Any]


@dataclass
class Forgotten:
    """What went from a casebook, or would go: actions (and how many of them were in force), reviews, grants, the
    content of rows of the trail, and sentences of others that named the account."""

    actions: int = 0
    in_force: int = 0
    reviews: int = 0
    grants: int = 0
    trail: int = 0
    mentions: int = 0


def forget_account(folder: Path, names: Iterable[str], now: int, url: str | None, *, dry_run: bool) -> Forgotten:
    """Erase an account, given by every name that it may have; nothing where the store has no casebook yet. Raises as
    `Database.open`."""
    told = Forgotten()
    database = Database.there(folder, url)
    if database is None:
        return told
    marks = sorted(map(mark, names))
    changed = _unnamed(tuple(names))

    def work(connection: Connection) -> None:
        own = _bodies(connection, ACTIONS.c.action_id, ACTIONS.c.account, marks)
        told.in_force = sum(json.loads(body)["state"] == "in_force" for body in own.values())
        told.actions = _remove_actions(connection, sorted(own))
        told.reviews = _remove(connection, REVIEWS, REVIEWS.c.account, marks)
        told.grants = _remove(connection, GRANTS, GRANTS.c.account, marks)
        rows = _erased_rows(connection)
        others = _erase_rows(connection, changed, marks, sorted(own))
        told.trail = _erased_rows(connection) - rows
        told.mentions = _mentions(connection, changed, others, now) + _mentions_elsewhere(connection, changed)
        if told != Forgotten():
            trail.append(connection, [Entry("erased", now, more=(("actions", told.actions), ("rows", told.trail)))])

    _run(database, work, dry_run=dry_run)
    return told


def forget_ended(folder: Path, before: int, now: int, url: str | None, *, dry_run: bool) -> Forgotten:
    """Erase the cases that ended before a time, and at least `KEPT_HOURS` ago."""
    told = Forgotten()
    database = Database.there(folder, url)
    if database is None:
        return told
    last = min(before, now - KEPT_HOURS * HOUR)

    def work(connection: Connection) -> None:
        ended = and_(ACTIONS.c.state.not_in(OPEN), ACTIONS.c.touched_at < last)
        names = sorted(connection.execute(select(ACTIONS.c.action_id).where(ended)).scalars().all())
        told.actions = _remove_actions(connection, names)
        rows = _erased_rows(connection)
        _erase_rows(connection, lambda held: held, [], names)
        told.trail = _erased_rows(connection) - rows
        if told.actions:
            trail.append(connection, [Entry("expired cases", now, more=(("actions", told.actions),))])

    _run(database, work, dry_run=dry_run)
    return told


class _DryRun(Exception):
    """Takes the transaction back."""


def _run(database: Database, work: Callable[[Connection], None], *, dry_run: bool) -> None:
    try:
        with database.writing() as connection:
            work(connection)
            if dry_run:
                raise _DryRun
        database.clean()  # also where a repeat finds nothing: the first may have been stopped here
    except _DryRun:
        return
    finally:
        database.close()


def _bodies(connection: Connection, name: "Column[Any]", by: "Column[Any]", values: Sequence[str]) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(select(name, ACTIONS.c.body).where(by.in_(values)))}


def _erased_rows(connection: Connection) -> int:
    return len(connection.execute(select(TRAIL.c.seq).where(TRAIL.c.content.is_(None))).all())


def _remove_actions(connection: Connection, names: Sequence[str]) -> int:
    for table in (APPROVALS, APPEALS):
        _remove(connection, table, table.c.action_id, names)
    return _remove(connection, ACTIONS, ACTIONS.c.action_id, names)


def _remove(connection: Connection, table: Table, column: "Column[Any]", values: Sequence[str]) -> int:
    return sum(
        connection.execute(table.delete().where(column.in_(part))).rowcount
        for part in (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
    )


def _erase_rows(connection: Connection, changed: Changed, marks: Sequence[str], names: Sequence[str]) -> set[str]:
    """Erase the content of the trail's rows that are filed under the account or its actions, or whose words name it;
    of which other actions they spoke."""
    own, filed = set(marks), set(names)
    rows = connection.execute(select(TRAIL.c.seq, TRAIL.c.action_id, TRAIL.c.account, TRAIL.c.content)).all()
    gone = [
        row
        for row in rows
        if row.content is not None and (row.account in own or row.action_id in filed or _names(row.content, changed))
    ]
    for at in range(0, len(gone), AT_ONCE):
        nothing = {"content": None, "salt": None, "action_id": None, "account": None}
        some = [row.seq for row in gone[at : at + AT_ONCE]]
        connection.execute(TRAIL.update().where(TRAIL.c.seq.in_(some)).values(nothing))
    return {row.action_id for row in gone if row.action_id} - filed


def _names(content: str, changed: Changed) -> bool:
    held = json.loads(content)
    return bool(changed(held) != held)


def _mentions(connection: Connection, changed: Changed, others: set[str], now: int) -> int:
    """Sentences of other accounts' actions that name it. What is left of an action whose rows were erased is noted, or
    the trail would not know it any more."""
    count, entries = 0, []
    for name, body in connection.execute(select(ACTIONS.c.action_id, ACTIONS.c.body)).all():
        held = json.loads(body)
        new = changed(held)
        if new == held and name not in others:
            continue
        action = action_read(written(new))
        connection.execute(ACTIONS.update().where(ACTIONS.c.action_id == name).values(action_row(action)))
        entries.append(Entry("name erased", max(now, action.touched_at), action=action))
        count += new != held
    trail.append(connection, entries)
    return count


def _mentions_elsewhere(connection: Connection, changed: Changed) -> int:
    count = 0
    for table, keys in ((REVIEWS, ("subject", "by")), (GRANTS, ("grant_id",)), (ATTRIBUTIONS, ("subject", "by"))):
        for row in connection.execute(select(table)).all():
            held = json.loads(row.body)
            new = changed(held)
            if new != held:
                is_row = and_(*(table.c[key] == getattr(row, key) for key in keys))
                connection.execute(table.update().where(is_row).values(body=written(new)))
                count += 1
    return count


def _unnamed(names: tuple[str, ...]) -> Changed:
    """A function that puts `erased` for the names in every sentence of a JSON value."""
    long = sorted((name for name in names if len(name) >= LEAST_LETTERS), key=lambda name: (-len(name), name))
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in long) or r"(?!)")

    def changed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: changed(held, name) for name, held in value.items()}
        if isinstance(value, list):
            return [changed(held, key) for held in value]
        return pattern.sub(GONE, value) if isinstance(value, str) and key in SENTENCES else value

    return changed
