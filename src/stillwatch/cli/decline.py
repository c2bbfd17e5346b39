"""`stillwatch decline`: a person declines what is proposed."""

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


def decline(
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
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/decline/v1.")] = False,
) -> None:
    """Decline proposals; the answer shows each as it is now. For a week no rule says the same again."""
    from stillwatch.acting import decline as run_decline
    from stillwatch.acting.telling import Which, chosen
    from stillwatch.cli import acts
    from stillwatch.respond.action import State

    with acts.opened(store, casebook, key_file) as (kept, book):
        names = chosen(
            book, (State.PROPOSED,), Which(action, acts.named(kept, account), campaign, accounts, actions, rung)
        )
        done = run_decline(book, names, by, reason, acts.now(), via=acts.login())
    acts.tell(done, "decline", json=json)
