"""`stillwatch undo`: a person takes back what is in force."""

from typing import Annotated

import typer

from stillwatch.cli.options import (
    Acted,
    By,
    CasebookUrl,
    KeyFile,
    OfAccount,
    OfAccounts,
    OfActions,
    OfCampaign,
    OfRung,
    Reason,
    StoreFolder,
)


def undo(
    store: StoreFolder,
    by: By,
    reason: Reason,
    action: Acted = None,
    account: OfAccount = None,
    campaign: OfCampaign = None,
    accounts: OfAccounts = None,
    actions: OfActions = None,
    rung: OfRung = None,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/undo/v1.")] = False,
) -> None:
    """Take back what is in force, at once; the answer shows each as it is now. For ninety days no rule acts on
    the account by itself: a person approves.
    """
    from stillwatch.acting import undo as run_undo
    from stillwatch.acting.telling import Which, chosen
    from stillwatch.cli import acts
    from stillwatch.respond.action import State

    with acts.opened(store, casebook, key_file) as (kept, book):
        names = chosen(
            book, (State.IN_FORCE,), Which(action, acts.named(kept, account), campaign, accounts, actions, rung)
        )
        done = run_undo(book, names, by, reason, acts.now(), via=acts.login())
        acts.published(kept, book)
    acts.tell(done, "undo", json=json)
