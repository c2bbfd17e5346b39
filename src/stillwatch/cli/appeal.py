"""`stillwatch appeal`: customers' appeals, taken in, listed and answered."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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
    StoreFolder,
)

if TYPE_CHECKING:
    from stillwatch.acting.telling import Which
    from stillwatch.store.casebook.casebook import Casebook

MOST_NAMED = 8
"""Actions that an error names."""


class Does(StrEnum):
    """What `stillwatch appeal` does."""

    OPEN = "open"
    LIST = "list"
    ANSWER = "answer"


class Answer(StrEnum):
    """How an appeal is answered."""

    UPHELD = "upheld"
    REJECTED = "rejected"


def appeal(
    does: Annotated[
        Does,
        typer.Argument(help="open: a customer appeals. list: what waits, the earliest due first. answer: decide it."),
    ],
    store: StoreFolder,
    action: Acted = None,
    account: OfAccount = None,
    campaign: OfCampaign = None,
    accounts: OfAccounts = None,
    actions: OfActions = None,
    rung: OfRung = None,
    statement: Annotated[str, typer.Option(help="open: what the customer says.")] = "",
    answer: Annotated[Answer | None, typer.Option(help="answer: who is right, the customer (upheld) or not.")] = None,
    by: By = "",
    reason: Annotated[str, typer.Option(help="answer: why, in a sentence that the customer may read.")] = "",
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/appeal/v1.")] = False,
) -> None:
    """Take in, list and answer appeals; the answer shows each action as it is now.

    An appeal that is upheld ends the action. One that nobody answers in time (three days for what a rule did, seven for
    what a person approved) ends it as well. Nobody answers an appeal against what they proposed or approved, nor one
    that they took in. A step-up that the customer passes meanwhile has ended, and its appeal is answered all the same:
    upheld, rules that ask the account again wait for a person. An action is appealed against once. With --campaign, all
    of its open appeals get one answer.
    """
    from stillwatch import acting
    from stillwatch.acting.telling import Which, chosen
    from stillwatch.cli import acts
    from stillwatch.errors import UsageError
    from stillwatch.respond.action import person_named

    with acts.opened(store, casebook, key_file) as (kept, book):
        now, via = acts.now(), acts.login()
        if does == Does.LIST:
            acting.sweep(book, now)
            done = acting.open_appeals(book)
        elif does == Does.OPEN:
            if campaign is not None:
                raise UsageError(
                    "an appeal is against one action", found="--campaign", wanted="ACTION, or --account ID"
                )
            name = _one(book, Which(action=action, account=acts.named(kept, account), step=rung))
            done = [acting.open_appeal(book, name, statement, now, by=person_named(by), via=via)]
        else:
            if answer is None:
                raise UsageError("it is not said who is right", wanted="--answer upheld or --answer rejected")
            waiting = {one.action_id for one in acting.open_appeals(book)}
            which = Which(action, acts.named(kept, account), campaign, accounts, actions, rung)
            named = chosen(book, acting.APPEALED, which)
            names = named if action else [name for name in named if name in waiting]
            done = acting.answer_appeals(book, names, answer == Answer.UPHELD, by, reason, now, via=via)
            acts.published(kept, book)
    acts.tell(done, "appeal", json=json)


def _one(book: "Casebook", which: "Which") -> str:
    """The one action that is appealed against, by its id. Raises UsageError where several are in force."""
    from stillwatch.acting.telling import chosen, rungs_of, step_of
    from stillwatch.errors import UsageError, first_of
    from stillwatch.respond.action import State

    held = book.get_all(chosen(book, (State.IN_FORCE,), which))
    if len(held) == 1:
        return held[0].action_id
    told = [f"{one.action_id} ({step_of(one)})" for one in held]
    rungs = rungs_of(held)
    raise UsageError(
        "several actions are in force, and an appeal is against one", found=first_of(told, MOST_NAMED),
        wanted=f"{rungs}, or an action's id" if " or " in rungs else "an action's id",
    )  # fmt: skip
