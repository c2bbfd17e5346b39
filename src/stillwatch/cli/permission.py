"""`stillwatch permission`: who may openly do what; given, listed and ended."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import By, CasebookUrl, KeyFile, StoreFolder

if TYPE_CHECKING:
    from stillwatch.acting.grants import Permission

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
    is ingested again; what was asked before stays covered. `given by` is empty where a file brought it.
    """
    from stillwatch.acting import grants
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.store.store import Store

    with acts.opened(store, casebook) as (_, book):
        kept, now, via = Store.open(store, key_file), acts.now(), acts.login()
        if does == Does.ADD:
            if purpose is None:
                raise UsageError("it is not said for what", wanted="--purpose")
            wanted = _wanted(account, org, purpose, reference, model, exchange_cap, token_cap, starts, ends)
            grants.add_permission(kept, book, wanted, by, reason, now, via=via)
        elif does == Does.END:
            grants.end_permissions(
                kept, book, reference, by, reason, now, account=account, org=org, purpose=purpose, via=via
            )
        _print(grants.permissions_now(kept, book, now), json=json)


def _wanted(
    account: str | None, org: str | None, purpose: str, reference: str, models: list[str] | None,
    exchange_cap: int | None, token_cap: int | None, starts: datetime | None, ends: datetime | None,
) -> "Permission":  # fmt: skip
    from datetime import UTC

    from stillwatch.acting.grants import Permission

    times = [time.replace(tzinfo=UTC) if time else None for time in (starts, ends)]
    return Permission(account, org, purpose, reference, tuple(models or ()), exchange_cap, token_cap, *times)


def _print(rows: list[dict[str, Any]], *, json: bool) -> None:
    from stillwatch.cli.output import emit_json, say, table

    if json:
        plain = [{k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
        emit_json({"schema": "stillwatch/permission/v1", "permissions": plain})
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
