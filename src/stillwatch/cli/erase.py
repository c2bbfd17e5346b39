"""`stillwatch erase`: remove an account from a store."""

from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import By, CasebookUrl, DryRun, KeyFile


def erase(
    account: Annotated[str, typer.Argument(help="The account's id as your logs have it, or its pseudonym.")],
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Also an id that the store does not know, for logs that are still to come."),
    ] = False,
    by: By = "",
    dry_run: DryRun = False,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Remove every row of an account, and every mention of it in runs and in the casebook, from a store.

    The answer counts what was removed, by kind. What is in force against the account ends with it; of its rows of the
    audit trail who acted stays, and of other rows all but its name. An id that neither the store nor its runs nor its
    casebook have as an account's is refused, unless --unknown is given. Findings keep their other numbers and are
    marked `erased`. Rows of the account from before the erasure are passed over when the same logs are ingested again;
    what it does later is read as ever. Stop `ingest` and `detect` on this store first. An erase that was stopped is
    repeated.
    """
    from dataclasses import asdict

    from stillwatch.acting import publish_after_erasure
    from stillwatch.cli import acts
    from stillwatch.cli.output import counted, emit_json, say
    from stillwatch.errors import UsageError
    from stillwatch.store.erase import erase as run_erase
    from stillwatch.store.store import Store

    kept = Store.open(store, key_file)
    refused = False
    try:
        told = run_erase(
            kept, account, dry_run=dry_run, casebook=casebook, unknown=unknown, by=by, via=acts.login()
        )  # fmt: skip
    except UsageError:
        refused = True
        raise
    finally:
        if not (dry_run or refused):
            publish_after_erasure(kept, casebook, acts.now())
    if not (told.files or told.drafts or told.cases.actions or told.cases.trail or told.cases.restated):
        say("the store holds nothing of this account; is the id spelled as in your logs?")
    if not dry_run and not told.epochs_noted:
        say("no key is at hand, so nothing keeps the account's old rows away: do not ingest the same logs again")
    if told.unsearched_epochs:
        epochs = ", ".join(map(str, told.unsearched_epochs))
        say(f"pseudonyms of epoch {epochs} could not be searched for, since their key is not at hand")
    say("out of reach: your logs, backups and snapshots of the store, pages and exports that you made of it")
    if json:
        emit_json({"schema": "stillwatch/erase/v1", "dry_run": dry_run, **asdict(told)})
        return
    print(
        f"{'would remove' if dry_run else 'removed'}: {counted(told.exchanges, 'exchange row')}, "
        f"{counted(told.accounts, 'account row')}, {counted(told.permissions, 'permission row')}, "
        f"{counted(told.quarantine, 'row')} in quarantine, {counted(told.members, 'membership')} and "
        f"{counted(told.findings, 'finding')} of runs, {counted(told.listed, 'row')} in their lists, "
        f"{counted(told.mentions, 'mention')}, "
        f"{counted(told.cases.actions, 'action')} ({told.cases.in_force} in force), "
        f"{counted(told.cases.trail, 'row')} of the audit trail ({told.cases.restated:,} of others restated), "
        f"{counted(told.drafts, 'unfinished file')}; {counted(told.files, 'file')} rewritten or removed"
    )
