"""`stillwatch approve`: a person approves what is proposed."""

from typing import Annotated

import typer

from stillwatch.cli.options import (
    Acted,
    By,
    CasebookUrl,
    OfAccount,
    OfAccounts,
    OfCampaign,
    OfRung,
    Reason,
    StoreFolder,
)


def approve(
    store: StoreFolder,
    by: By,
    reason: Reason,
    action: Acted = None,
    account: OfAccount = None,
    campaign: OfCampaign = None,
    accounts: OfAccounts = None,
    rung: OfRung = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/approve/v1.")] = False,
) -> None:
    """Approve proposals. Those that have enough approvals are in force from now on; the answer shows each as it is now.

    `needs` says how many different people approve: one above limit, two where the campaign's actions reach more
    accounts than the policy's cap. Nobody approves what they proposed. All that is named is approved, or nothing. Where
    several rungs wait, each is approved by itself: --rung says which.
    """
    from stillwatch.acting import approve as run_approve
    from stillwatch.acting.telling import chosen
    from stillwatch.cli import acts
    from stillwatch.cli.output import say
    from stillwatch.respond.action import State

    with acts.opened(store, casebook) as (kept, book):
        names = chosen(book, (State.PROPOSED,), action, account, campaign, accounts, rung, one_step=True)
        done = run_approve(book, names, by, reason, acts.now(), via=acts.login())
        acts.published(kept, book)
    acts.tell(done, "approve", json=json)
    waits = sum(one.state == State.PROPOSED for one in done)
    if waits:
        say(f"not in force yet: {waits:,} of {len(done):,} wait for another person's approval")
