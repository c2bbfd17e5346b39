"""`stillwatch approve`: a person approves what is proposed."""

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


def approve(
    store: StoreFolder,
    by: By,
    reason: Reason,
    action: Acted = None,
    account: OfAccount = None,
    campaign: OfCampaign = None,
    accounts: OfAccounts = None,
    actions: OfActions = None,
    rung: OfRung = None,
    proposed_by: Annotated[
        str | None, typer.Option("--proposed-by", help="--account, --campaign: what this person proposed by hand.")
    ] = None,
    although: Annotated[
        bool,
        typer.Option(
            "--although", help="Approve though a later run clears it, a permission holds, or more was taken back."
        ),
    ] = False,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/approve/v1.")] = False,
) -> None:
    """Approve proposals. Those that have enough approvals are in force from now on; the answer shows each as it is now.

    `needs` says how many different people approve: one above limit, two where the campaign's actions reach more
    accounts than the policy's cap. Nobody approves what they proposed. All that is named is approved, or nothing.
    Where several rungs wait, each is approved by itself: --rung says which. --account and --campaign mean what rules
    propose; what people proposed by hand is approved by its id, or with --proposed-by, and is listed where it waits
    on (`by_hand`). What `review` says to stand against an action is refused: above a step-up, that a permission in
    force speaks of the account or a newer run does not accuse it; of a step-up, that the customer has passed it since;
    of any, that something on the account was taken back, or its finding cannot be looked up any more. --although
    approves it all the same, and the trail says so beside the reason. In what the approved actions differ, stderr says.
    """
    from stillwatch.acting import approve_what_holds
    from stillwatch.acting.telling import Which, by_hand_beside, chosen, differences, told
    from stillwatch.cli import acts
    from stillwatch.cli.output import emit_json, say
    from stillwatch.respond.action import State

    with acts.opened(store, casebook, key_file) as (kept, book):
        who = acts.named(kept, account)
        which = Which(action, who, campaign, accounts, actions, rung, proposed_by)
        names = chosen(book, (State.PROPOSED,), which, approving=True)
        done = approve_what_holds(kept, book, names, by, reason, acts.now(), via=acts.login(), although=although)
        left = [] if proposed_by else by_hand_beside(book, done, who, campaign, rung)
        acts.published(kept, book)
    if json:
        emit_json(
            {"schema": "stillwatch/approve/v1", "actions": [told(one) for one in done],
             "by_hand": [one.action_id for one in left]}
        )  # fmt: skip
    else:
        acts.tell(done, "approve", json=False)
    for words in differences(done):
        say(words)
    for one in left:
        say(
            f"not approved: {one.action_id}, which {one.proposed_by} proposed by hand: it is approved by its id, or "
            f"with --proposed-by {one.proposed_by}"
        )
    waits = sum(one.state == State.PROPOSED for one in done)
    if waits:
        say(f"not in force yet: {waits:,} of {len(done):,} wait for another person's approval")
