"""`stillwatch expire`: remove the days of a store that are over their time."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import CasebookUrl, DryRun, KeyFile


def expire(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    days: Annotated[int | None, typer.Option(help="Keep today (UTC) and so many days before it.", min=1)] = None,
    before: Annotated[
        datetime | None, typer.Option(help="Remove what was asked before this day (UTC).", formats=["%Y-%m-%d"])
    ] = None,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    dry_run: DryRun = False,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Remove the exchanges of days that are over their time; what stays is not rewritten.

    The answer counts days and exchanges. From then on the store passes over rows of earlier days, also when the same
    logs are ingested again, and runs list their exchanges no more. Cases of the casebook go with
    them once they ended half a year ago. Accounts, permissions, quarantine and findings stay: one of before still tells
    of these days. Stop `ingest` on this store first. An expire that was stopped is repeated.
    """
    from dataclasses import asdict
    from datetime import UTC, timedelta

    from stillwatch.cli.output import counted, emit_json, say
    from stillwatch.errors import UsageError
    from stillwatch.store.retention import expire as run_expire
    from stillwatch.store.store import Store

    if (days is None) == (before is None):
        raise UsageError("it is not said what is over its time", wanted="either --days or --before")
    first = before.date() if before else datetime.now(UTC).date() - timedelta(days=days or 0)
    told = run_expire(Store.open(store, key_file), first, dry_run=dry_run, casebook=casebook)
    say("out of reach: your logs, backups and snapshots of the store, runs, pages and exports that you made of it")
    if json:
        emit_json({"schema": "stillwatch/expire/v1", "dry_run": dry_run, **asdict(told)})
        return
    print(
        f"{'would remove' if dry_run else 'removed'}: {counted(told.exchanges, 'exchange row')} of "
        f"{counted(told.days, 'day')}, {counted(told.listed, 'row')} in lists of runs, {counted(told.cases, 'case')}; "
        f"exchanges are kept from {told.kept_from} on, the first day that is left is "
        f"{told.first_kept}"
    )
