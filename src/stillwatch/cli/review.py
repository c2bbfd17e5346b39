"""`stillwatch review`: what waits for a person, with whom it reaches; and what people say of findings."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stillwatch.cli.options import By, CasebookUrl, KeyFile, Run, StoreFolder

if TYPE_CHECKING:
    from stillwatch.acting.collateral import Collateral
    from stillwatch.store.casebook.reviews import Review


MOST_NAMED = 8
"""Actions that a line names."""


class Label(StrEnum):
    """What a person says of a finding."""

    TRUE = "true"
    BENIGN = "benign"
    FALSE = "false"


def review(
    store: StoreFolder,
    campaign: Annotated[str | None, typer.Argument(help="A finding's id, or the start of one, to label.")] = None,
    label: Annotated[
        Label | None,
        typer.Option(help="true: as it says. benign: what triggered it is there and harmless. false: it is not there."),
    ] = None,
    account: Annotated[str, typer.Option(help="Label one account of the finding, not all of it.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")] = "",
    by: By = "",
    run: Run = None,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/review/v1.")] = False,
) -> None:
    """List the proposals that wait for a person, by finding and rung, with the collateral; or label a finding.

    A row is what `approve --campaign … --rung …` approves at once; what people proposed by hand are rows of their
    own, by person (`proposed by`), and approved by the action's id or with `--proposed-by`. In what the actions of a
    row differ, hours, obligations and where customers appeal, stderr says. `rotate_key` asks for new API keys and for
    nothing else, as owners of stolen keys are asked. `why it waits` says why a person is needed, or two. `accounts`
    are those that approving reaches. `may be honest` is how many of them are expected not to be of the campaign: the
    sum of one minus each member's probability, owners of stolen keys, customers and accounts that the finding does
    not name counted whole. `exchanges` are those that the finding counts of them. `radius` counts the accounts of the
    campaign, and of those that share an account with it, that are proposed or in force. `reviewed` is what people say
    of the finding; a second person who agrees makes it a second opinion, one who does not a dispute. `stands against
    it` says for what `approve` would refuse which of them now: the newest run does not accuse an account, a permission
    covers it, something was taken back of it meanwhile, or the customer has passed what a step-up asks.
    """
    from stillwatch.acting import sweep
    from stillwatch.acting.collateral import queue
    from stillwatch.acting.labelling import review_of
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.store.casebook.reviews import label as note_label
    from stillwatch.store.casebook.reviews import reviews_of
    from stillwatch.store.store import Store

    if (campaign is None) != (label is None):
        raise UsageError("a label needs a finding, and a finding a label", wanted="CAMPAIGN --label true|benign|false")
    said = None
    if campaign is not None and label is not None:  # before a casebook is begun
        said = review_of(Store.open(store, key_file), run, campaign, account, label.value, by, reason, acts.now())
    with acts.opened(store, casebook, key_file, begins=said is not None) as (kept, book):
        now = acts.now()
        if said is not None:
            note_label(book, said, via=acts.login())
        sweep(book, now)
        _print(queue(kept, book, now), reviews_of(book), json=json)


def _print(waiting: "list[Collateral]", said: "list[Review]", *, json: bool) -> None:
    from dataclasses import asdict

    from stillwatch.acting.telling import ROTATE_KEY
    from stillwatch.cli.output import counted, emit_json, say, table
    from stillwatch.errors import first_of

    if json:
        emit_json(
            {"schema": "stillwatch/review/v1", "proposals": [one.as_dict() for one in waiting],
             "reviews": [asdict(one) for one in said]}
        )  # fmt: skip
        return
    if waiting:
        heads = [
            "finding",
            "rung",
            "proposed by",
            "accounts",
            "may be honest",
            "exchanges",
            "radius",
            "needs",
            "approved by",
            "reviewed",
            "why it waits",
            "stands against it",
        ]
        table(heads, [_row(one) for one in waiting])
        for one in waiting:
            if one.step == ROTATE_KEY and one.campaign_id:
                by_hand = f" --proposed-by {one.proposed_by}" if one.proposed_by else ""
                more = f" --actions {len(one.actions)}" if len(one.actions) != one.accounts else ""
                say(
                    f"{one.campaign_id}: of {counted(one.accounts, 'account')} new API keys are asked and nothing "
                    "else, as of owners of stolen keys. This is approved by itself: stillwatch approve --campaign "
                    f"{one.campaign_id} --rung {one.step}{by_hand} --accounts {one.accounts}{more}"
                )
            row = f"{one.campaign_id or 'no finding'}, {one.step}, of {one.proposed_by or 'rules'}"
            for words in one.differs:
                say(f"{row}: {words}")
            if one.doubts:
                names = first_of([doubt.action_id for doubt in one.doubts], MOST_NAMED)
                say(
                    f"{row}: approve refuses {len(one.doubts):,} of {counted(len(one.actions), 'action')}, for what "
                    f"stands against it ({names}): decline these, or --although"
                )
    else:
        say("no proposal waits for a person")
    if said:
        table(["finding", "account", "label", "by", "reason"],
              [[r.campaign_id, r.account_id or "all", r.label, r.by, r.reason] for r in said])  # fmt: skip


def _row(one: "Collateral") -> list[str]:
    from stillwatch.acting.telling import in_brief, why_in_brief

    honest = "unknown" if one.honest is None else f"{one.honest:,.1f}"
    exchanges = "unknown" if one.exchanges is None else f"{one.exchanges:,}"
    return [
        one.campaign_id, one.step, one.proposed_by or "rules", _reached(one), honest, exchanges, f"{one.radius:,}",
        str(one.needs),
        ", ".join(one.approved_by) or "-", one.reviewed or "-", why_in_brief(one.actions, one.radius),
        in_brief((why for doubt in one.doubts for why in doubt.because), len(one.actions)) or "-",
    ]  # fmt: skip


def _reached(one: "Collateral") -> str:
    """How many accounts a row reaches; and by how many actions, where these are more."""
    more = f" ({len(one.actions):,} actions)" if len(one.actions) != one.accounts else ""
    return f"{one.accounts:,}{more}"
