"""The audit trail: a row for everything that happens, each bound to the row before by a hash.

A row's hash is of the row before, of its number, time and kind, and of a salted hash of its content. So content can be
erased, with its salt, and nobody can test a guess of it, while the chain still holds. What an erasure leaves of a row
is said again by a row at the end, bound as all are: `restated` for another account's, `erased` for who acted. The chain
shows any change but one: the newest rows cut off, or all rows made anew. Against that, write the newest row's number
and hash down where whoever holds the database cannot reach, and have them compared.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from stillwatch.respond.action import Action
from stillwatch.respond.written import action_text, written
from stillwatch.store.casebook.schema import TRAIL, mark

START = "0" * 64
"""The hash before the first row."""

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Entry:
    """What happened, to be put on the trail. `action` is as it is afterwards, or `action_id` what it is filed under;
    `more` holds further facts."""

    what: str
    at: int
    by: str = ""
    via: str = ""
    reason: str = ""
    action: Action | None = None
    account_id: str = ""
    action_id: str = ""
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Checked:
    """What a check of the trail found. `fault` is empty where all holds; `head` is the newest row's hash."""

    rows: int
    erased: int
    head: str
    fault: str
    fault_at: int | None


def append(connection: Connection, entries: Iterable[Entry]) -> None:
    """Put entries on the trail, in their order. The caller holds the writers' lock."""
    last = connection.execute(select(TRAIL.c.seq, TRAIL.c.hash).order_by(TRAIL.c.seq.desc()).limit(1)).first()
    seq, before = (last.seq, last.hash) if last else (0, START)
    rows = []
    for entry in entries:
        seq += 1
        row = _row(entry, seq, before)
        before = row["hash"]
        rows.append(row)
    if rows:
        connection.execute(TRAIL.insert(), rows)


def head(connection: Connection) -> str:
    """The newest row's hash; empty where there is no row."""
    return str(connection.execute(select(TRAIL.c.hash).order_by(TRAIL.c.seq.desc()).limit(1)).scalar() or "")


def _row(entry: Entry, seq: int, before: str) -> dict[str, Any]:
    action = entry.action
    account = action.hit.account_id if action else entry.account_id
    said = {"by": entry.by, "via": entry.via, "reason": entry.reason, **dict(entry.more)}
    if account:
        said["account_id"] = account
    if entry.action_id:
        said["action_id"] = entry.action_id
    content = written(said | (_told(action) if action else {}))
    salt = secrets.token_hex(16)
    content_hash = _hash(salt, content)
    return {
        "seq": seq, "at": entry.at, "what": entry.what,
        "action_id": action.action_id if action else entry.action_id or None,
        "account": mark(account) if account else None, "salt": salt, "content": content, "content_hash": content_hash,
        "hash": _hash(before, str(seq), str(entry.at), entry.what, content_hash),
    }  # fmt: skip


def _told(action: Action) -> dict[str, Any]:
    """What a row tells of an action."""
    hit = action.hit
    return {
        "action_id": action.action_id, "state": action.state.value, "ended": action.ended, "mode": hit.mode,
        "rung": hit.rung.name.lower(), "campaign_id": hit.campaign_id, "run_id": hit.run_id,
        "expires_at": action.expires_at, "version": action.version, "after": digest(action_text(action)),
    }  # fmt: skip


def digest(text: str) -> str:
    """A hash of an action's text, by which the trail knows the action again."""
    return _hash(text)


def _hash(*parts: str) -> str:
    return hashlib.blake2b("|".join(parts).encode("utf-8"), digest_size=32).hexdigest()


def entries_of(row: "Row[Any]") -> dict[str, Any]:
    """A row as people and programs read it; without content where that was erased."""
    told = {"seq": row.seq, "at": row.at, "what": row.what, "hash": row.hash, "erased": row.content is None}
    return told | (json.loads(row.content) if row.content is not None else {})


def rows(connection: Connection, *, action_id: str | None = None, last: int | None = None) -> list[dict[str, Any]]:
    """Rows of the trail, oldest first: of one action, or the last ones, or all. A row that an erasure changed tells
    what a later one says of it."""
    query = select(TRAIL).order_by(TRAIL.c.seq.desc())
    if action_id is not None:
        query = query.where(TRAIL.c.action_id == action_id)
    told = {row.seq: entries_of(row) for row in reversed(connection.execute(query.limit(last)).all())}
    restated = [row for row in told.values() if "restates" in row]
    if action_id is not None:
        told |= {row.seq: entries_of(row) for row in _numbered(connection, {row["restates"][0] for row in restated})}
    for row in restated:
        said, first = row.pop("said"), row["restates"][0]
        if first in told and told[first]["erased"]:
            told[first] |= said | {"erased": False, "restated": row["seq"]}
    for row in list(told.values()):
        for seq, by, via in row.get("acted", ()):
            if seq in told:
                told[seq] |= {"by": by, "via": via}
    return [told[seq] for seq in sorted(told)]


def _numbered(connection: Connection, numbers: set[int]) -> "list[Row[Any]]":
    wanted = sorted(numbers)
    parts = (wanted[at : at + ROWS_AT_ONCE // 4] for at in range(0, len(wanted), ROWS_AT_ONCE // 4))
    return [row for part in parts for row in connection.execute(select(TRAIL).where(TRAIL.c.seq.in_(part)))]


def verify(connection: Connection, expected: str = "") -> tuple[Checked, dict[str, str]]:
    """Check every row against the row before; and for each action, the digest that the last row left it with.

    What is restated does not count as erased. `expected` is a hash that was the newest once: it must still be in the
    chain.
    """
    rows, before = 0, START
    gone: set[int] = set()
    after: dict[str, str] = {}
    seen = not expected
    for row in every(connection):
        rows += 1
        fault = _fault(row, rows, before)
        if fault:
            return Checked(rows, len(gone), before, fault, rows), after
        before = row.hash
        seen = seen or row.hash == expected
        if row.content is None:
            gone.add(row.seq)
            continue
        held = json.loads(row.content)
        gone -= set(held.get("restates", ()))
        if row.action_id and "restates" not in held:
            after[row.action_id] = held.get("after", "")
    fault = "" if seen else f"no row has the hash {expected[:64]}: rows were cut off or made anew"
    return Checked(rows, len(gone), before, fault, None), after


def every(connection: Connection) -> "Iterator[Row[Any]]":
    """All rows of the trail, oldest first, read in parts."""
    last = 0
    while True:
        found = connection.execute(
            select(TRAIL).where(TRAIL.c.seq > last).order_by(TRAIL.c.seq).limit(ROWS_AT_ONCE)
        ).all()
        yield from found
        if len(found) < ROWS_AT_ONCE:
            return
        last = found[-1].seq


def _fault(row: "Row[Any]", wanted: int, before: str) -> str:
    if row.seq != wanted:
        return f"row {wanted} is missing"
    if row.hash != _hash(before, str(row.seq), str(row.at), row.what, row.content_hash):
        return f"row {wanted} does not follow from the row before"
    if row.content is None:
        return f"row {wanted} is half erased" if row.salt or row.action_id or row.account else ""
    if row.salt is None or _hash(row.salt, row.content) != row.content_hash:
        return f"the content of row {wanted} was changed"
    held = json.loads(row.content)
    account = held.get("account_id")
    filed = (held.get("action_id"), mark(account) if account else None)
    return "" if (row.action_id, row.account) == filed else f"row {wanted} is filed under another action"
