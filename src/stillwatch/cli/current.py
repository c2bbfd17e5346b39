"""`stillwatch current`: what came of a run's campaigns since."""

from pathlib import Path
from typing import Annotated, Any

import typer

STRANGERS = 5
"""Strangers that are named in the terminal, those with most exchanges."""


def current(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    run: Annotated[str | None, typer.Option(help="A run's id, or the start of one; the newest run.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/current/v1, with all strangers.")] = False,
) -> None:
    """Tell what came of each campaign since a run looked, in seconds: only what was ingested after it is read.

    `more` counts new exchanges of the accounts that the finding names, in its own wordings, and `of accounts` says how
    many of them sent any. `strangers` are accounts that the run does not name and that sent at least two exchanges in
    those wordings: look at them, or run `detect`, which alone accuses and clears. Wordings that are recognised only
    where many are compared are not looked for, so `more` is the least that came, and nothing is no all-clear.
    """
    from stillwatch.cli.output import counted, emit_json, say
    from stillwatch.current import current as came
    from stillwatch.store.store import Store

    answer = came(Store.open(store), run)
    if json:
        emit_json(answer)
        return
    _print(answer)
    if answer["exchanges"]:
        say(f"next: stillwatch detect --store {store}  # {counted(answer['exchanges'], 'exchange')} not yet looked at")


def _print(answer: dict[str, Any]) -> None:
    from stillwatch.cli.output import clean, counted, table

    new = counted(answer["exchanges"], "exchange")
    print(f"{new} in {counted(answer['files'], 'file')} since run {answer['run_id']} (until {answer['until']})")
    if not answer["campaigns"]:
        print("The run told of no finding. That is not an all-clear.")
        return
    rows = [
        [
            one["campaign_id"], one["status"], f"{one['exchanges']:,}", f"{one['more']:,}", f"{one['accounts']:,}",
            f"{len(one['strangers']):,}", one["last_seen"],
        ]
        for one in answer["campaigns"]
    ]  # fmt: skip
    table(["finding", "status", "exchanges", "more", "of accounts", "strangers", "last seen"], rows)
    for one in answer["campaigns"]:
        most = sorted(one["strangers"], key=lambda s: (-s["exchanges"], s["account_id"]))[:STRANGERS]
        if most:
            named = ", ".join(f"{clean(s['account_id'])} ({s['exchanges']:,})" for s in most)
            print(f"{one['campaign_id']}, not named by the run and in its wordings: {named}")
