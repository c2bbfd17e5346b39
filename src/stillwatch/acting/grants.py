"""Permissions that people give and end: who, when and why stands in the casebook, the permission in the store."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import select

from stillwatch.errors import UsageError
from stillwatch.ingest.pseudonyms import protected
from stillwatch.respond.action import moment, person_named, stated
from stillwatch.respond.written import written
from stillwatch.store.casebook.casebook import Begun, Casebook, Writer
from stillwatch.store.casebook.schema import GRANTS, mark
from stillwatch.store.casebook.trail import Entry
from stillwatch.store.names import Names
from stillwatch.store.permits import ENDS, ends_of, ends_table, identity, permissions_held
from stillwatch.store.small import write_ends
from stillwatch.store.store import Store
from stillwatch.tables import PERMISSIONS, PURPOSES

LONGEST = 1_000
"""Letters of a reference."""

MOST = 2**62


@dataclass(frozen=True)
class Permission:
    """What somebody may openly do: one account or organisation, for a purpose, by a contract or ticket."""

    account_id: str | None
    org_id: str | None
    purpose: str
    reference: str
    models: tuple[str, ...] = ()
    exchange_cap: int | None = None
    token_cap: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def add_permission(
    store: Store, begun: Begun, wanted: Permission, by: str, reason: str, now: int, *, via: str = ""
) -> dict[str, Any]:
    """Give a permission; the same again changes nothing. The row as the store keeps it. The casebook is `begun` only
    once nothing is left to refuse.

    Raises UsageError where it is none, or was ended and would begin before that.
    """
    by, reason, at = person_named(by), stated("reason", reason), moment(now)
    row = _kept(store, _row(_checked(wanted)))
    earlier = [end for end in ends_of(store.folder).get(identity(row), []) if _begins_by(row, end)]
    if earlier:
        raise UsageError(
            "this permission was ended, and files that are read again do not bring it back",
            found=f"ended at {max(earlier).isoformat()}", wanted="another reference, or a beginning after that",
            next_step="--starts",
        )  # fmt: skip
    with begun() as casebook, casebook.writing(by, via) as writer:
        batch = pa.RecordBatch.from_pylist([row], schema=PERMISSIONS)
        if store.add_small("permissions", batch):
            _note(writer, "granted", row, by, reason, at)
    return row


def end_permissions(
    store: Store, begun: Begun, reference: str, by: str, reason: str, now: int,
    *, account: str | None = None, org: str | None = None, purpose: str | None = None, via: str = "",
) -> list[dict[str, Any]]:  # fmt: skip
    """End every permission of a reference that has not ended (of one holder, for one purpose): now, for good. The
    casebook is `begun` only where one is: also of a permission that a file brought, who ended it stands there.

    Raises UsageError where none is.
    """
    by, reason, at = person_named(by), stated("reason", reason), moment(now)
    time = time_of(at)
    fitting = [
        row
        for row in permissions_held(store.folder).to_pylist()
        if row["reference"] == reference
        and (row["ends_at"] is None or row["ends_at"] > time)
        and (account is None or row["account_id"] in _names(store, account))
        and (org is None or row["org_id"] in _names(store, org))
        and purpose in (None, row["purpose"])
    ]
    if not fitting:
        raise UsageError(
            "no permission of that reference holds", found=ascii(reference)[:80], next_step="stillwatch permission list"
        )
    with begun() as casebook, casebook.writing(by, via) as writer:
        write_ends(store.folder / ENDS, ends_table(fitting, time))
        for row in fitting:
            _note(writer, "ended", row, by, reason, at)
    return fitting


def permissions_now(store: Store, casebook: Casebook, now: int) -> list[dict[str, Any]]:
    """Every permission with whether it holds at a time, and who gave and ended it where a person did here."""
    with casebook.database.reading() as connection:
        said = {row.grant_id: row.body for row in connection.execute(select(GRANTS))}
    return [
        {**row, "state": _state(row, time_of(moment(now))), **json.loads(said.get(_grant_id(row), "{}"))}
        for row in permissions_held(store.folder).to_pylist()
    ]


def _state(row: dict[str, Any], time: datetime) -> str:
    if row["ends_at"] is not None and row["ends_at"] <= time:
        return "ended"
    return "coming" if row["starts_at"] is not None and row["starts_at"] > time else "holds"


def time_of(at: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)


def _begins_by(row: dict[str, Any], time: datetime) -> bool:
    return row["starts_at"] is None or row["starts_at"] <= time


def _checked(wanted: Permission) -> Permission:
    if bool(wanted.account_id) == bool(wanted.org_id):
        raise UsageError("whose permission is not said", wanted="either --account or --org")
    if wanted.purpose not in PURPOSES:
        raise UsageError("no such purpose", found=ascii(wanted.purpose)[:40], wanted=", ".join(PURPOSES))
    if not wanted.reference.strip() or len(wanted.reference) > LONGEST:
        raise UsageError("the reference is missing or too long", wanted="a contract's or ticket's name")
    for name in ("exchange_cap", "token_cap"):
        value = getattr(wanted, name)
        if value is not None and not 0 <= value < MOST:
            raise UsageError(f"the {name.replace('_', ' ')} is wrong", found=str(value)[:40], wanted="from nought")
    for name in ("starts_at", "ends_at"):
        _utc(name, getattr(wanted, name))
    if wanted.starts_at and wanted.ends_at and wanted.ends_at <= wanted.starts_at:
        raise UsageError("it ends before it begins", found=wanted.ends_at.isoformat())
    for text in (wanted.account_id, wanted.org_id, wanted.reference, *wanted.models):
        if text and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise UsageError("half a character in a name", found=ascii(text)[:80], wanted="text that UTF-8 can say")
    return wanted


def _utc(name: str, at: datetime | None) -> None:
    """Raises UsageError for a time that is none in UTC: near the ends of the calendar."""
    try:
        at.astimezone(UTC) if at is not None else None
    except OverflowError:
        raise UsageError(f"{name} is no time in UTC", found=str(at), wanted="years 1 to 9999") from None


def _row(wanted: Permission) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in PERMISSIONS.names} | {
        "models": list(wanted.models) or None, "account_id": wanted.account_id or None, "org_id": wanted.org_id or None,
    }  # fmt: skip


def _kept(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    """The row as the store keeps it: with pseudonyms where it keeps ids so."""
    batch = pa.RecordBatch.from_pylist([row], schema=PERMISSIONS)
    kept, _ = protected(batch, store.pseudonym_key(), store.epoch.epoch, every_name=store.pseudonymous)
    held: dict[str, Any] = kept.to_pylist()[0]
    return held


def _names(store: Store, name: str) -> set[str]:
    """A name as it is, and as the store keeps it in each epoch whose key is at hand."""
    return set(Names(store.keys_at_hand("pseudonym"), store.pseudonymous)(name))


def _grant_id(row: dict[str, Any]) -> str:
    return mark(written(identity(row)))


def _note(writer: Writer, what: str, row: dict[str, Any], by: str, reason: str, at: int) -> None:
    """Who gave or ended it, beside what was noted before, and on the trail."""
    table, name = GRANTS, _grant_id(row)
    body = writer.connection.execute(select(table.c.body).where(table.c.grant_id == name)).scalar()
    said = json.loads(body or "{}") | {f"{what}_by": by, f"{what}_at": at, f"{what}_because": reason}
    values = {"at": at, "body": written(said), "account": mark(row["account_id"]) if row["account_id"] else None}
    if body is None:
        writer.connection.execute(table.insert().values(grant_id=name, **values))
    else:
        writer.connection.execute(table.update().where(table.c.grant_id == name).values(values))
    facts = tuple((key, value) for key, value in _plain(row).items() if key != "account_id" and value is not None)
    writer.say(Entry(what, at, by, writer.via, reason, account_id=row["account_id"] or "", more=facts))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
