"""Erasure in the casebook: the content of rows goes, and of the trail only hashes stay, so that its chain still holds.

A row of the trail that is filed under the account loses content, salt and what it is filed under: its salted hash stays
and tells nothing, and the row of the erasure says who acted. Where a text of another row or of somebody else's action
names the account, the name becomes `erased`, and a new row says what is left of the row, who acted included.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, and_, select

from stillwatch.respond.action import HOUR, OPEN
from stillwatch.respond.bounds import KEPT_HOURS
from stillwatch.respond.written import action_read, written
from stillwatch.store.casebook import trail
from stillwatch.store.casebook.casebook import AT_ONCE, action_row
from stillwatch.store.casebook.database import Database
from stillwatch.store.casebook.schema import ACTIONS, APPEALS, APPROVALS, ATTRIBUTIONS, GRANTS, REVIEWS, TRAIL, mark
from stillwatch.store.casebook.trail import Entry
from stillwatch.store.mentions import Mentions
from stillwatch.store.renames import GONE

WRITTEN = ("reason", "statement", "clause", "granted_because", "ended_because", "reference")
"""Keys under which people's texts stand. Other values are words of ours, which an id may be spelled like."""

Changed = Callable[[Any], Any]


@dataclass(frozen=True)
class Eraser:
    """Who erases, through which login, and when."""

    at: int
    by: str = ""
    via: str = ""


@dataclass
class Forgotten:
    """What went from a casebook, or would go: actions (and how many of them were in force), reviews, grants, the
    content of the account's rows of the trail, rows of others that were `restated` without its name, and texts of
    others that named it."""

    actions: int = 0
    in_force: int = 0
    reviews: int = 0
    grants: int = 0
    trail: int = 0
    restated: int = 0
    mentions: int = 0


def knows_account(folder: Path, names: Iterable[str], url: str | None) -> bool:
    """Whether the casebook holds anything filed under one of the names. Raises as `Database.open`."""
    database = Database.there(folder, url, rehearses=True)
    if database is None:
        return False
    marks = sorted(map(mark, names))
    try:
        with database.reading() as connection:
            tables = (ACTIONS, REVIEWS, GRANTS, TRAIL)
            return any(connection.execute(select(t.c.account).where(t.c.account.in_(marks))).first() for t in tables)
    finally:
        database.close()


def forget_account(
    folder: Path, names: Iterable[str], who: Eraser, url: str | None,
    *, dry_run: bool, renamed: Mapping[str, str] | None = None,
) -> Forgotten:  # fmt: skip
    """Erase an account, given by every name that it may have; nothing where the store has no casebook yet. `renamed`
    are ids of grants that change with their permissions' references. Raises as `Database.open`."""
    told = Forgotten()
    database = Database.there(folder, url, rehearses=dry_run)
    if database is None:
        return told
    held = tuple(names)
    marks = sorted(map(mark, held))
    changed = _unnamed(held)

    def work(connection: Connection) -> None:
        own = _bodies(connection, ACTIONS.c.action_id, ACTIONS.c.account, marks)
        told.in_force = sum(json.loads(body)["state"] == "in_force" for body in own.values())
        told.actions = _remove_actions(connection, sorted(own))
        told.reviews = _remove(connection, REVIEWS, REVIEWS.c.account, marks)
        told.grants = _remove(connection, GRANTS, GRANTS.c.account, marks)
        gone, named = _rows_of(connection, set(marks), set(own), changed)
        told.trail, told.restated = len(gone), len(named)
        _empty(connection, [row.seq for row in (*gone, *(row for row, _ in named))])
        trail.append(connection, [_again(row, left, who) for row, left in named])
        others = {row.action_id for row, _ in named if row.action_id}
        told.mentions = _mentions(connection, changed, others, who) + _mentions_elsewhere(connection, changed)
        _rename_grants(connection, renamed or {})
        if told != Forgotten():
            acted = [each for row in gone for each in _acted(row, held)]
            facts = (("actions", told.actions), ("rows", told.trail), ("restated_rows", told.restated))
            more = (*facts, ("acted", acted)) if acted else facts
            trail.append(connection, [Entry("erased", who.at, who.by, who.via, more=more)])

    _run(database, work)
    return told


def forget_ended(folder: Path, before: int, now: int, url: str | None, *, dry_run: bool) -> Forgotten:
    """Erase the cases that ended before a time, and at least `KEPT_HOURS` ago."""
    told = Forgotten()
    database = Database.there(folder, url, rehearses=dry_run)
    if database is None:
        return told
    last = min(before, now - KEPT_HOURS * HOUR)

    def work(connection: Connection) -> None:
        ended = and_(ACTIONS.c.state.not_in(OPEN), ACTIONS.c.touched_at < last)
        names = sorted(connection.execute(select(ACTIONS.c.action_id).where(ended)).scalars().all())
        told.actions = _remove_actions(connection, names)
        told.trail = _empty(connection, _numbers_of(connection, names))
        if told.actions:
            trail.append(connection, [Entry("expired cases", now, more=(("actions", told.actions),))])

    _run(database, work)
    return told


def _run(database: Database, work: Callable[[Connection], None]) -> None:
    try:
        with database.writing() as connection:
            work(connection)
        if not database.rehearses:
            database.clean()  # also where a repeat finds nothing: the first may have been stopped here
    finally:
        database.close()


def _bodies(connection: Connection, name: "Column[Any]", by: "Column[Any]", values: Sequence[str]) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(select(name, ACTIONS.c.body).where(by.in_(values)))}


def _remove_actions(connection: Connection, names: Sequence[str]) -> int:
    for table in (APPROVALS, APPEALS):
        _remove(connection, table, table.c.action_id, names)
    return _remove(connection, ACTIONS, ACTIONS.c.action_id, names)


def _remove(connection: Connection, table: Table, column: "Column[Any]", values: Sequence[str]) -> int:
    return sum(
        connection.execute(table.delete().where(column.in_(part))).rowcount
        for part in (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
    )


def _rows_of(
    connection: Connection, marks: set[str], names: set[str], changed: Changed
) -> "tuple[list[Row[Any]], list[tuple[Row[Any], dict[str, Any]]]]":
    """The trail's rows that are filed under the account or under one of its actions; and the others whose texts name
    it, each with what is left of its content. The trail is read once, in parts: nobody else writes meanwhile."""
    gone, named = [], []
    for row in trail.every(connection):
        if row.content is None:
            continue
        if row.account in marks or row.action_id in names:
            gone.append(row)
            continue
        held = json.loads(row.content)
        left = changed(held)
        if left != held:
            named.append((row, left))
    return gone, named


def _numbers_of(connection: Connection, names: Sequence[str]) -> list[int]:
    """The numbers of the trail's rows that are filed under one of the actions and have content."""
    is_whole = TRAIL.c.content.is_not(None)
    parts = (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE))
    queries = (select(TRAIL.c.seq).where(and_(is_whole, TRAIL.c.action_id.in_(part))) for part in parts)
    return sorted(number for query in queries for number in connection.execute(query).scalars())


def _empty(connection: Connection, numbers: Sequence[int]) -> int:
    """Take content, salt and what they are filed under from rows; how many."""
    nothing = {"content": None, "salt": None, "action_id": None, "account": None}
    for at in range(0, len(numbers), AT_ONCE):
        connection.execute(TRAIL.update().where(TRAIL.c.seq.in_(numbers[at : at + AT_ONCE])).values(nothing))
    return len(numbers)


def _again(row: "Row[Any]", left: dict[str, Any], who: Eraser) -> Entry:
    """What is left of a row, to be said at the end of the trail; of one that was said again already, the same."""
    said = left.get("said", left)
    more = (("restates", [*left.get("restates", ()), row.seq]), ("said", said))
    account, action = left.get("account_id", ""), left.get("action_id", "")
    return Entry("restated", who.at, who.by, who.via, account_id=account, action_id=action, more=more)


def _acted(row: "Row[Any]", names: Iterable[str]) -> list[list[Any]]:
    """Who acted in a row whose content goes, and in the row that it restated: number, name, login. A name stays unless
    it is the account's own."""
    held = json.loads(row.content)
    told = [(row.seq, held)] + [(seq, held["said"]) for seq in held.get("restates", ())[:1]]
    own = {name.lower() for name in names}
    return [
        [seq, GONE if one.get("by") in own else one.get("by", ""), one.get("via", "")]
        for seq, one in told
        if one.get("by") or one.get("via")
    ]


def _mentions(connection: Connection, changed: Changed, others: set[str], who: Eraser) -> int:
    """Texts of other accounts' actions that name it. How such an action is afterwards is noted, and of every action of
    which a row was restated, or the trail would not know it any more."""
    count, entries = 0, []
    for name, body in connection.execute(select(ACTIONS.c.action_id, ACTIONS.c.body)).all():
        held = json.loads(body)
        new = changed(held)
        if new == held and name not in others:
            continue
        action = action_read(written(new))
        connection.execute(ACTIONS.update().where(ACTIONS.c.action_id == name).values(action_row(action)))
        entries.append(Entry("name erased", max(who.at, action.touched_at), who.by, who.via, action=action))
        count += new != held
    trail.append(connection, entries)
    return count


def _rename_grants(connection: Connection, renamed: Mapping[str, str]) -> None:
    for old, new in sorted(renamed.items()):
        is_old, is_new = GRANTS.c.grant_id == old, GRANTS.c.grant_id == new
        if connection.execute(select(GRANTS.c.grant_id).where(is_new)).first():
            connection.execute(GRANTS.delete().where(is_old))
        else:
            connection.execute(GRANTS.update().where(is_old).values(grant_id=new))


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
    """A function that puts `erased` for the names in every text that people wrote, in a JSON value of the casebook."""
    mentions = Mentions(names)

    def changed(value: Any, key: str = "", *, ours: bool = False) -> Any:
        if isinstance(value, dict):
            by_rule = _is_rules(value, ours=ours)
            return {name: changed(held, name, ours=by_rule) for name, held in value.items()}
        if isinstance(value, list):
            if key == "models":
                return [GONE if one in names else one for one in value]
            return [changed(held, key, ours=ours) for held in value]
        if not isinstance(value, str):
            return value
        if key == "appeal_url":
            return mentions.out_of_address(value, ours=ours)
        return mentions.out_of(value, ours=ours and key != "statement") if key in WRITTEN else value

    return changed


def _is_rules(held: dict[str, Any], *, ours: bool) -> bool:
    """Whether a rule's words stand in an action or a row of the trail, and no person's: a row of the trail without a
    person holds a customer's appeal as well, but not of an action that just began to be."""
    if "hit" in held:
        return not held.get("proposed_by")
    return not held["by"] and held.get("version") == 1 if "by" in held else ours
