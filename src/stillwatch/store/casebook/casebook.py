"""The casebook as everything else uses it: what is in force, what waits, and one writer at a time that changes it.

Every change is an event of the ladder. It is applied to the action as it is in the database now, written with a check
of its version, and noted in the audit trail in the same transaction: all three, or none.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from stillwatch.errors import StoreError, UsageError, first_of
from stillwatch.records import InForce, Rung
from stillwatch.respond import ladder
from stillwatch.respond.action import LAST_TIME, OPEN, Action, State
from stillwatch.respond.bounds import groups_of
from stillwatch.respond.notices import in_force_of
from stillwatch.respond.written import action_read, action_text
from stillwatch.store.casebook import trail
from stillwatch.store.casebook.database import Database
from stillwatch.store.casebook.schema import ACTIONS, APPEALS, APPROVALS, mark
from stillwatch.store.casebook.trail import Entry

AT_ONCE = 400
"""Values in one question to the database."""

LEAST_LETTERS = 6
"""Letters after `R-` by which an action may be named: fewer may be another's tomorrow."""

START = re.compile(rf"R-[0-9a-f]{{{LEAST_LETTERS},12}}")

MOST_NAMED = 8
"""Actions that an error names."""


Account: TypeAlias = "str | tuple[str, ...] | None"
"""An account by its name, or by any of the names under which a store keeps it (`store.names`)."""


class Casebook:
    """One store's casebook. `open` brings it up to date; `writing` is the one way to change it. Whoever writes first
    begins it, who reads does not."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, folder: Path, url: str | None = None, *, begins: bool = False) -> "Casebook":
        """The casebook of a store: `casebook.db` in its folder, or that of a URL's server. As `Database.open`."""
        return cls(Database.open(folder, url, begins=begins))

    @classmethod
    @contextmanager
    def begun(cls, folder: Path, url: str | None = None) -> "Iterator[Casebook]":
        """The same for a while, begun where the store has none yet: for whoever is about to write."""
        with closing(cls.open(folder, url, begins=True)) as casebook:
            yield casebook

    @classmethod
    @contextmanager
    def seen(cls, folder: Path, url: str | None = None) -> "Iterator[Casebook]":
        """The same for whoever reads or decides: where the store has none yet, an empty one elsewhere that goes."""
        held = cls.there(folder, url)
        with closing(held) if held else cls.none() as casebook:
            yield casebook

    @classmethod
    @contextmanager
    def none(cls) -> "Iterator[Casebook]":
        """An empty casebook of no store's, for a while."""
        with tempfile.TemporaryDirectory(prefix="stillwatch-") as folder, cls.begun(Path(folder)) as casebook:
            yield casebook

    @classmethod
    def there(cls, folder: Path, url: str | None = None, *, rehearses: bool = False) -> "Casebook | None":
        """The same where the store has one; None where it has none yet. Nothing is begun. Whoever `rehearses` changes
        nothing: each transaction is taken back."""
        database = Database.there(folder, url, rehearses=rehearses)
        return cls(database) if database else None

    def close(self) -> None:
        """Let go of its connections."""
        self.database.close()

    # ------------------------------------------------------------------------------------------------ reading

    def in_force(self, now: int, *, shadow: bool = False, coming: bool = False) -> list[InForce]:
        """What is in force at a time (microseconds since 1970), by account and id; with `shadow`, what would be; with
        `coming`, also what begins after that time, by another clock or a moment later.

        What has expired, or whose appeal has waited too long, is left out also where nobody has noted that yet. A
        campaign has another id in each run, so `group` is the least of those that share an account: one budget for all.
        What a person proposed by hand has a budget of its own, since it may be of somebody whom no finding accuses.
        """
        wanted = State.SHADOW if shadow else State.IN_FORCE
        where = and_(
            ACTIONS.c.state == wanted, ACTIONS.c.expires_at > now,
            ACTIONS.c.starts_at <= (LAST_TIME if coming else now),
            or_(ACTIONS.c.due_at.is_(None), ACTIONS.c.due_at > now),
        )  # fmt: skip
        with self.database.reading() as connection:
            held = _actions(connection, where)
        at = {one.action_id: max(now, one.starts_at or 0) if coming else now for one in held}
        stands = [one for one in held if one.state == wanted and ladder.stands(one, at[one.action_id])]
        # Who is only labelled joins no budgets, nor whoever a person limits by hand, whom a finding may only name.
        limits = [one for one in stands if one.hit.rung >= Rung.LIMIT and not one.proposed_by]
        links = [(name, one.hit.account_id) for one in limits for name in one.seen_as if name]
        groups = groups_of(links)
        told = [replace(row, group=groups.get(row.group, row.group)) for row in map(in_force_of, stands)]
        by_hand = {one.action_id for one in stands if one.proposed_by}
        told = [replace(row, group="") if row.action_id in by_hand else row for row in told]
        return sorted(told, key=lambda one: (one.account_id, one.action_id))

    def find(
        self, states: Iterable[State] = tuple(State), *, account: Account = None, campaign: str | None = None
    ) -> list[Action]:
        """Actions in one of the states, of an account by any of its names, of a campaign; by time of proposal and
        id."""
        with self.database.reading() as connection:
            return found(connection, states, account=account, campaign=campaign)

    def get(self, start: str) -> Action:
        """The one action whose id this is, or starts so. Raises UsageError where none or several do, or it is short."""
        return self.get_all([start])[0]

    def get_all(self, starts: Sequence[str]) -> list[Action]:
        """The actions whose ids these are, or start so, in their order. Raises UsageError as `get`."""
        with self.database.reading() as connection:
            return named(connection, starts)

    def of_accounts(self, accounts: Iterable[str]) -> dict[str, list[Action]]:
        """All actions of these accounts, whatever became of them, by account."""
        with self.database.reading() as connection:
            return of_accounts(connection, accounts)

    def history(self, *, action_id: str | None = None, last: int | None = None) -> list[dict[str, Any]]:
        """The audit trail, oldest first: all of it, one action's, or the last rows."""
        with self.database.reading() as connection:
            return trail.rows(connection, action_id=action_id, last=last)

    def head(self) -> str:
        """The hash of the audit trail's newest row, which every change gives another; empty where there is none."""
        with self.database.reading() as connection:
            return trail.head(connection)

    def verify(self, expected: str = "") -> trail.Checked:
        """Whether the audit trail is whole and tells how each action came to be what it is."""
        with self.database.reading() as connection:
            checked, after = trail.verify(connection, expected)
            return checked if checked.fault else replace(checked, fault=_other_than(connection, after))

    # ------------------------------------------------------------------------------------------------ writing

    @contextmanager
    def writing(self, by: str = "", via: str = "") -> "Iterator[Writer]":
        """A transaction that changes the casebook: whole or not at all. `by` acts, through the login `via`."""
        with self.database.writing() as connection:
            writer = Writer(connection, by, via)
            yield writer
            writer.flush()


Begun: TypeAlias = Callable[[], AbstractContextManager[Casebook]]
"""Begins a store's casebook where it has none yet, for whoever finds nothing left to refuse."""


class Writer:
    """Changes in one transaction. What was read through it nobody else changes before it ends."""

    def __init__(self, connection: Connection, by: str, via: str) -> None:
        self.connection = connection
        self.by = by
        self.via = via
        self._entries: list[Entry] = []
        self._new: list[Action] = []

    def find(
        self, states: Iterable[State] = tuple(State), *, account: Account = None, campaign: str | None = None
    ) -> list[Action]:
        """As the casebook's `find`, within the transaction."""
        self._insert()
        return found(self.connection, states, account=account, campaign=campaign)

    def get_all(self, starts: Sequence[str]) -> list[Action]:
        """As the casebook's `get_all`, within the transaction."""
        self._insert()
        return named(self.connection, starts)

    def of_accounts(self, accounts: Iterable[str]) -> dict[str, list[Action]]:
        """As the casebook's `of_accounts`, within the transaction."""
        return of_accounts(self.connection, accounts)

    def over(self, now: int) -> list[Action]:
        """Open actions that time has ended and nobody has noted."""
        late = or_(ACTIONS.c.expires_at <= now, ACTIONS.c.due_at <= now)
        return _actions(self.connection, and_(ACTIONS.c.state.in_(OPEN), late))

    def add(self, action: Action, *, begins: bool = False) -> Action:
        """Put a new action into the casebook, and in force where it `begins` at once."""
        self.note("proposed" if action.state == State.PROPOSED else "shadow", action, action.hit.reason)
        if begins:
            action = ladder.step(action, ladder.Begin(), action.touched_at)
            self.note(ladder.WORDS[ladder.Begin], action)
        self._new.append(action)
        return action

    def apply(self, action: Action, event: ladder.Event, now: int) -> Action:
        """Bring an event upon an action, and note it. Raises UsageError where the ladder refuses it."""
        after = ladder.step(action, event, now)
        self._insert()
        self._update(action, after)
        said = getattr(event, "reason", "") or getattr(event, "statement", "")
        more = (("kind", event.kind),) if isinstance(event, ladder.Pass) else ()
        self.note(ladder.WORDS[type(event)], after, said, more)
        return after

    def note(self, what: str, action: Action, reason: str = "", more: tuple[tuple[str, str], ...] = ()) -> None:
        """Put a row about an action on the trail."""
        self.say(Entry(what, action.touched_at, self.by, self.via, reason, action, more=more))

    def say(self, entry: Entry) -> None:
        """Put any row on the trail."""
        self._entries.append(entry)

    def flush(self) -> None:
        """Write what was collected."""
        self._insert()
        trail.append(self.connection, self._entries)
        self._entries = []

    def _insert(self) -> None:
        if self._new:
            self.connection.execute(ACTIONS.insert(), [action_row(action) for action in self._new])
            self._new = []

    def _update(self, before: Action, after: Action) -> None:
        at_version = and_(ACTIONS.c.action_id == before.action_id, ACTIONS.c.version == before.version)
        if self.connection.execute(ACTIONS.update().where(at_version).values(action_row(after))).rowcount != 1:
            raise StoreError(
                f"somebody else changed action {before.action_id} meanwhile", next_step="look at it again and repeat"
            )
        for one in after.approvals[len(before.approvals) :]:
            self.connection.execute(APPROVALS.insert().values(action_id=after.action_id, by=one.by, at=one.at))
        if after.appeal != before.appeal and after.appeal is not None:
            self._write_appeal(after, is_new=before.appeal is None)

    def _write_appeal(self, action: Action, *, is_new: bool) -> None:
        appeal = action.appeal
        if appeal is None:
            return
        values = {
            "opened_at": appeal.opened_at, "due_at": appeal.due_at, "outcome": appeal.outcome.value, "by": appeal.by,
            "answered_at": appeal.answered_at,
        }  # fmt: skip
        if is_new:
            self.connection.execute(APPEALS.insert().values(action_id=action.action_id, **values))
        else:
            self.connection.execute(APPEALS.update().where(APPEALS.c.action_id == action.action_id).values(values))


def found(
    connection: Connection, states: Iterable[State], *, account: Account = None, campaign: str | None = None
) -> list[Action]:
    """Actions in one of the states, of an account by any of its names, of a campaign; by time of proposal and id."""
    where: list[ColumnElement[bool]] = [ACTIONS.c.state.in_([state.value for state in states])]
    if account is not None:
        several = (account,) if isinstance(account, str) else account
        where.append(ACTIONS.c.account.in_(list(map(mark, several))))
    if campaign is not None:
        where.append(ACTIONS.c.campaign == mark(campaign))
    return _actions(connection, and_(*where))


def named(connection: Connection, starts: Sequence[str]) -> list[Action]:
    """The actions whose ids these are, or start so, in their order: whole ids in one look. Raises UsageError where no
    action's id starts so, several do, or it is too short to tell."""
    whole = sorted(filter(START.fullmatch, set(starts)))
    held = {one.action_id: one for one in _each(connection, ACTIONS.c.action_id, whole)}
    return [held[start] if start in held else _started(connection, start) for start in starts]


def _started(connection: Connection, start: str) -> Action:
    if not START.fullmatch(start):
        raise UsageError(
            "that is no action's id, nor the start of one", found=ascii(start)[1:-1][:40],
            wanted=f"R- and at least {LEAST_LETTERS} letters of an id", next_step="stillwatch actions --all",
        )  # fmt: skip
    fitting = _actions(connection, ACTIONS.c.action_id.startswith(start, autoescape=True))
    if len(fitting) != 1:
        names = sorted(one.action_id for one in fitting)
        raise UsageError(
            f"{len(names)} actions have an id that starts so", found=start,
            wanted=f"one of {first_of(names, MOST_NAMED)}" if names else "an id that `stillwatch actions` lists",
        )  # fmt: skip
    return fitting[0]


def of_accounts(connection: Connection, accounts: Iterable[str]) -> dict[str, list[Action]]:
    """All actions of these accounts, whatever became of them, by account."""
    told: dict[str, list[Action]] = {}
    for one in _each(connection, ACTIONS.c.account, sorted(map(mark, set(accounts)))):
        told.setdefault(one.hit.account_id, []).append(one)
    return told


def _actions(connection: Connection, where: ColumnElement[bool]) -> list[Action]:
    bodies: Sequence[str] = connection.execute(select(ACTIONS.c.body).where(where)).scalars().all()
    return sorted(map(_read, bodies), key=lambda one: (one.proposed_at, one.action_id))


def _each(connection: Connection, column: "ColumnElement[Any]", values: Sequence[str]) -> list[Action]:
    parts = (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
    return [action for part in parts for action in _actions(connection, column.in_(part))]


def _read(body: str) -> Action:
    try:
        return action_read(body)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "an action in the casebook is damaged", next_step="stillwatch actions --verify tells which"
        ) from error


def action_row(action: Action) -> dict[str, Any]:
    """An action as a row of its table."""
    waits = action.appeal is not None and action.appeal.outcome == "open"
    return {
        "action_id": action.action_id, "account": mark(action.hit.account_id),
        "campaign": mark(action.hit.campaign_id), "state": action.state.value, "mode": action.hit.mode,
        "rung": int(action.hit.rung), "starts_at": action.starts_at, "expires_at": action.expires_at,
        "due_at": action.appeal.due_at if waits and action.appeal else None, "touched_at": action.touched_at,
        "version": action.version, "body": action_text(action),
    }  # fmt: skip


def _other_than(connection: Connection, after: dict[str, str]) -> str:
    """The first action that is not as the trail left it, in words."""
    held = {row.action_id: row for row in connection.execute(select(ACTIONS)).all()}
    for name, row in sorted(held.items()):
        if after.get(name) != trail.digest(row.body) or row._asdict() != action_row(_read(row.body)):
            return f"action {name} is not as the trail left it"
    gone = sorted(set(after) - set(held))
    return f"action {gone[0]} is on the trail and nowhere else" if gone else ""
