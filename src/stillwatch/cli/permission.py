"""`stillwatch permission`: who may openly do what; given, listed and ended."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import By, CasebookUrl, KeyFile, StoreFolder

if TYPE_CHECKING:
    from stillwatch.acting.grants import Permission
    from stillwatch.acting.known import Concerned

MOST_TOLD = 8
"""Actions that a warning names one by one."""

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


class Does(StrEnum):
    """What `stillwatch permission` does."""

    ADD = "add"
    LIST = "list"
    END = "end"


def permission(
    does: Annotated[
        Does,
        typer.Argument(help="add: give one. list: those of the store. end: all of a reference, now, for good."),
    ],
    store: StoreFolder,
    reference: Annotated[str, typer.Argument(help="add, end: the contract's or ticket's name.")] = "",
    account: Annotated[str | None, typer.Option(help="Whose: an account's id.")] = None,
    org: Annotated[str | None, typer.Option(help="Whose: an organisation's id, for all of its accounts.")] = None,
    purpose: Annotated[
        str | None, typer.Option(help="distillation, evaluation, synthetic_data, research or resale.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="add: of which models; may be given again.")] = None,
    exchange_cap: Annotated[int | None, typer.Option(help="add: at most so many exchanges.", min=0)] = None,
    token_cap: Annotated[int | None, typer.Option(help="add: at most so many tokens.", min=0)] = None,
    starts: Annotated[datetime | None, typer.Option(help="add: from when on (UTC).", formats=FORMATS)] = None,
    ends: Annotated[datetime | None, typer.Option(help="add: until when (UTC).", formats=FORMATS)] = None,
    by: By = "",
    reason: Annotated[str, typer.Option(help="add, end: why, in a sentence.")] = "",
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/permission/v1.")] = False,
) -> None:
    """Give, list and end permissions; the answer lists them as they are now. `detect` reads them anew.

    `state`: it `holds`, is `coming`, or has `ended`. One that a person ended stays ended when the file that brought it
    is ingested again; what was asked before stays covered. `given by` is empty where a file brought it. `add` says
    where the store does not know the holder, which then permits nobody yet, and which actions concern it: these stay
    until somebody takes them back.
    """
    from functools import partial

    from stillwatch.acting import grants
    from stillwatch.acting.known import concerned
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store

    kept, begun = Store.open(store, key_file), partial(Casebook.begun, store, casebook)
    now, via = acts.now(), acts.login()
    given = None
    if does == Does.ADD:
        if purpose is None:
            raise UsageError("it is not said for what", wanted="--purpose")
        wanted = _wanted(account, org, purpose, reference, model, exchange_cap, token_cap, starts, ends)
        given = grants.add_permission(kept, begun, wanted, by, reason, now, via=via)
    elif does == Does.END:
        grants.end_permissions(
            kept, begun, reference, by, reason, now, account=account, org=org, purpose=purpose, via=via
        )
    with acts.opened(store, casebook) as (_, book):
        whom = concerned(kept, book, given) if given else None
        rows = grants.permissions_now(kept, book, now)
    if whom:
        _warn(whom, store)
    _print(rows, whom, json=json)


def _wanted(
    account: str | None, org: str | None, purpose: str, reference: str, models: list[str] | None,
    exchange_cap: int | None, token_cap: int | None, starts: datetime | None, ends: datetime | None,
) -> "Permission":  # fmt: skip
    from datetime import UTC

    from stillwatch.acting.grants import Permission

    times = [time.replace(tzinfo=UTC) if time else None for time in (starts, ends)]
    return Permission(account, org, purpose, reference, tuple(models or ()), exchange_cap, token_cap, *times)


def _warn(whom: "Concerned", store: Path) -> None:
    """Say whom a permission does not reach, and what stays in its way."""
    from stillwatch.acting.telling import step_of
    from stillwatch.cli.output import counted, say, typed

    for kind, names in (("account", whom.unknown_accounts), ("organisation", whom.unknown_orgs)):
        for name in names:
            say(
                f"the store does not know the {kind} {ascii(name)[1:-1][:80]}: this permits nobody until it comes; "
                "is it spelled as in your logs?"
            )
    if not whom.actions:
        return
    say(f"{counted(len(whom.actions), 'action')} of whom this permits stay until somebody takes them back:")
    for one in whom.actions[:MOST_TOLD]:
        verb = "undo" if one.state == "in_force" else "decline"
        command = typed(verb, one.action_id, "--store", str(store))
        say(f"  {one.action_id}, {step_of(one)}, {one.state.value}: {command} --by NAME --reason TEXT")
    if len(whom.actions) > MOST_TOLD:
        say(f"  and {len(whom.actions) - MOST_TOLD:,} more: --json lists all")


def _print(rows: list[dict[str, Any]], whom: "Concerned | None", *, json: bool) -> None:
    from stillwatch.acting.telling import told
    from stillwatch.cli.output import emit_json, say, table

    if json:
        plain = [{k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
        more: dict[str, Any] = {}
        if whom:
            more = {"unknown_accounts": list(whom.unknown_accounts), "unknown_orgs": list(whom.unknown_orgs),
                    "actions": [told(one) for one in whom.actions]}  # fmt: skip
        emit_json({"schema": "stillwatch/permission/v1", "permissions": plain, **more})
        return
    if not rows:
        say("nobody holds a permission")
        return
    heads = ["holder", "purpose", "reference", "state", "starts", "ends", "exchanges", "tokens", "given by", "ended by"]
    table(heads, [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[str]:
    times = [row[name].strftime("%Y-%m-%dT%H:%MZ") if row[name] else "-" for name in ("starts_at", "ends_at")]
    caps = [f"{row[name]:,}" if row[name] is not None else "-" for name in ("exchange_cap", "token_cap")]
    people = [row.get(name, "-") for name in ("granted_by", "ended_by")]
    return [row["account_id"] or row["org_id"], row["purpose"], row["reference"], row["state"], *times, *caps, *people]
