"""`stillwatch propose`: a person proposes an action by hand."""

from typing import Annotated

import typer

from stillwatch.cli.options import AppealUrl, By, CasebookUrl, KeyFile, Reason, Run, StoreFolder


def propose(
    account: Annotated[str, typer.Argument(help="The account's id, as your logs or findings have it.")],
    store: StoreFolder,
    by: By,
    reason: Reason,
    rung: Annotated[str, typer.Option(help="observe, label, verify, limit, protect, fallback or suspend.")],
    clause: Annotated[str, typer.Option(help="The term of the contract that it rests on.")],
    hours: Annotated[int, typer.Option(help="For how long, once it is approved.", min=1)],
    obligation: Annotated[
        list[str] | None,
        typer.Option(help="What gateways do, TYPE or TYPE:SETTING=VALUE,…: rate_limit:requests_per_minute=60, hold."),
    ] = None,
    code: Annotated[str, typer.Option(help="The coarse reason that the customer's client is told.")] = "usage_review",
    appeal_url: AppealUrl = "",
    cap: Annotated[
        int, typer.Option(help="Accounts of a campaign beyond which two people approve; at most 20.", min=0, max=20)
    ] = 20,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Take the id as it is, though the store does not know it.")
    ] = False,
    run: Run = None,
    within: Annotated[
        int, typer.Option(help="Above limit: days ago at which what the run saw may end at most.", min=1)
    ] = 7,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/propose/v1.")] = False,
) -> None:
    """Propose an action by hand. It never begins by itself: another person approves it, two beyond the cap.

    The answer shows the proposal. What is above limit, and a limit so low that it shuts the account out, is proposed
    only of an account that a suspected finding accuses, of this run and of the newest; where nothing comes of it,
    stderr says why, and the exit code is 1. The same proposal again, of the same run, changes nothing, and the answer
    shows it as it stands. An id that the store does not know is refused.
    """
    from functools import partial

    from stillwatch import acting
    from stillwatch.acting.by_hand import hit_by_hand, kept_as, propose_by_hand
    from stillwatch.acting.telling import told
    from stillwatch.cli import acts
    from stillwatch.cli.output import emit_json, say
    from stillwatch.errors import StillwatchError
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.runs import read_run
    from stillwatch.store.store import Store

    kept = Store.open(store, key_file)
    answer = read_run(kept, run)
    hit = hit_by_hand(answer, kept_as(kept, answer, account), rung, obligation or [], by, reason, clause, code, hours)
    done = propose_by_hand(
        kept, partial(Casebook.begun, store, casebook), hit, acts.now(), acting.Terms(cap=cap, appeal_url=appeal_url),
        by, via=acts.login(), unknown=unknown, within=within,
    )  # fmt: skip
    for name in done.unknown_accounts:
        say(f"the store does not know the account {ascii(name)[1:-1][:80]}: is it spelled as in your logs?")
    if json:
        emit_json(
            {"schema": "stillwatch/propose/v1", "actions": [told(one) for one in done.actions],
             "passed_over": [{"action_id": one, "because": why} for one, why in done.passed_over],
             "unknown_accounts": list(done.unknown_accounts)}
        )  # fmt: skip
    if done.refused:
        raise StillwatchError("nothing is proposed", found=done.refused)
    for _, because in done.passed_over:
        say(f"nothing new: {because}")
    if not json:
        acts.tell(done.actions, "propose", json=False)
