"""`stillwatch actions`: what is in force, what was, and the audit trail of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import CasebookUrl, KeyFile, OfAccount, OfCampaign, StoreFolder

if TYPE_CHECKING:
    from stillwatch.store.casebook.casebook import Casebook

LAST = 50


def actions(
    store: StoreFolder,
    action: Annotated[str | None, typer.Argument(help="An action's id, or its start: its own history.")] = None,
    account: OfAccount = None,
    campaign: OfCampaign = None,
    everything: Annotated[bool, typer.Option("--all", help="List what ended too, and what is in shadow.")] = False,
    trail: Annotated[bool, typer.Option("--trail", help="List the audit trail instead: its last rows.")] = False,
    last: Annotated[int, typer.Option(help="How many rows of the trail, from the newest.", min=1)] = LAST,
    verify: Annotated[bool, typer.Option("--verify", help="Check the audit trail, row by row.")] = False,
    expect: Annotated[
        str, typer.Option(help="--verify: a hash that was the newest once and must still be in the trail.")
    ] = "",
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/actions/v1, trail/v1 or verify/v1.")] = False,
) -> None:
    """List what is in force and proposed: against whom, which rung, until when, who approved it, the appeal's state.

    With ACTION, everything that happened to it, and what the customer is told. With --trail, the newest rows of the
    audit trail. With --verify, whether each row follows from the row before and each action is as the trail left it;
    exit code 1 where not. Write the hash that it prints down elsewhere, and give it back with --expect: that shows rows
    that were cut off.
    """
    from stillwatch.acting import sweep
    from stillwatch.cli import acts
    from stillwatch.respond.action import State

    with acts.opened(store, casebook, key_file) as (kept, book):
        if verify or expect:
            _verify(book, expect, json=json)
            return
        sweep(book, acts.now())
        if action is not None:
            _history(book, action, json=json)
        elif trail:
            _trail(book.history(last=last), json=json)
        else:
            wanted = tuple(State) if everything else (State.PROPOSED, State.IN_FORCE)
            held = book.find(wanted, account=acts.named(kept, account), campaign=campaign)
            acts.tell(held, "actions", json=json)


def _verify(book: "Casebook", expect: str, *, json: bool) -> None:
    from dataclasses import asdict

    from stillwatch.cli.output import counted, emit_json
    from stillwatch.errors import StoreError

    found = book.verify(expect)
    if json:
        emit_json({"schema": "stillwatch/verify/v1", "holds": not found.fault, **asdict(found)})
    if found.fault:
        raise StoreError("the audit trail does not hold", found=found.fault, where=book.database.where)
    if not json:
        print(f"{counted(found.rows, 'row')}, {found.erased:,} of them erased: all hold; the newest is {found.head}")


def _history(book: "Casebook", start: str, *, json: bool) -> None:
    from stillwatch.acting.telling import told as told_action
    from stillwatch.cli import acts
    from stillwatch.cli.output import clean, emit_json

    one = book.get(start)
    rows = book.history(action_id=one.action_id)
    if json:
        emit_json({"schema": "stillwatch/actions/v1", "actions": [{**told_action(one), "trail": rows}]})
        return
    acts.tell([one], "actions", json=False)
    told = told_action(one)
    for name in ("reason", "clause", "person"):
        print(f"{name}: {clean(str(told[name]) or '-')}")
    print(f"the customer is told: {clean(told['notice']['text'], 2000) or 'nothing'}")
    if one.appeal is not None:
        print(f"appeal: {clean(one.appeal.statement)}")
    _rows(rows)


def _trail(rows: list[dict[str, Any]], *, json: bool) -> None:
    from stillwatch.cli.output import emit_json

    if json:
        emit_json({"schema": "stillwatch/trail/v1", "rows": rows})
    else:
        _rows(rows)


def _rows(rows: list[dict[str, Any]]) -> None:
    from stillwatch.cli import acts
    from stillwatch.cli.output import table

    heads = ["row", "at", "what", "by", "action", "account", "state", "reason"]
    told = [
        [str(row["seq"]), acts.at(row["at"]), row["what"], *(str(row.get(key) or "-") for key in (
            "by", "action_id", "account_id", "state", "reason"))]
        for row in rows
    ]  # fmt: skip
    table(heads, told)
