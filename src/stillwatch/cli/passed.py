"""`stillwatch passed`: a customer has passed what a step-up asks."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stillwatch.cli.options import By, CasebookUrl, KeyFile, Reason, StoreFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillwatch.acting.passing import Passing
    from stillwatch.store.names import Names
    from stillwatch.store.store import Store

MOST_NAMED = 8
"""Accounts that a line names."""


class Kind(StrEnum):
    """What may be asked of a customer (`stillwatch.records.CHALLENGES`)."""

    PAYMENT = "payment"
    IDENTITY = "identity"
    ORGANISATION = "organisation"
    ROTATE_KEY = "rotate_key"


def passed(
    accounts: Annotated[list[str], typer.Argument(metavar="ACCOUNT...", help="Accounts, as the logs have them.")],
    store: StoreFolder,
    kind: Annotated[Kind, typer.Option(help="Which challenge they have passed.")],
    by: By,
    reason: Reason,
    key_file: KeyFile = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/passed/v1.")] = False,
) -> None:
    """Say that accounts have passed a challenge: replaced their keys, shown who they are. Step-ups that ask for it end.

    The answer shows each action that asked for it, its state, and what it asks still. Limits, suspensions and proposals
    stay as they are. The same rule asks the same account again for what is new alone: from a run of which at least
    half of what it counts of the account was asked afterwards. Of accounts of which nothing of the kind was asked
    nothing is changed, so it may be said again.
    """
    from stillwatch import acting
    from stillwatch.cli import acts
    from stillwatch.cli.output import emit_json, say

    with acts.opened(store, casebook, key_file) as (kept, book):
        names = _names(kept, accounts)
        done = acting.passed(book, accounts, kind.value, by, reason, acts.now(), via=acts.login(), names=names)
        if done.actions:
            acts.published(kept, book)
        unknown = _unknown(kept, done.nothing, names)
    if json:
        emit_json(done.as_dict())
    else:
        _print(done)
    if unknown:
        say(f"no such account is known here: {_told(unknown)}")


def _names(kept: "Store", accounts: "Sequence[str]") -> "Names":
    """How the store names an id; where that takes a key that is not at hand, ids are taken for pseudonyms, and that is
    said."""
    from stillwatch.cli.output import say
    from stillwatch.store.names import names_of

    names = names_of(kept.folder, kept.key_file)
    if names.lost and any(map(names.hides, accounts)):
        say(f"ids are taken as the pseudonyms that they are kept under: {names.lost}")
    return names


def _unknown(kept: "Store", accounts: "Sequence[str]", names: "Names") -> list[str]:
    """Which of these accounts the store does not know under any name."""
    from stillwatch.acting.known import unknown_accounts

    several = {one: set(names(one)) for one in accounts}
    gone = set(unknown_accounts(kept, {name for held in several.values() for name in held}))
    return [one for one in accounts if several[one] <= gone]


def _print(done: "Passing") -> None:
    from stillwatch.cli.output import say, table
    from stillwatch.respond.challenges import left_of

    if done.actions:
        rows = [
            [name, one.action_id, one.hit.rung.name.lower(), one.state.value, ", ".join(left_of(one)) or "-"]
            for name, one in done.actions
        ]
        table(["account", "action", "rung", "state", "asks still"], rows)
    if done.nothing:
        say(f"nothing in force asks for {done.kind} of: {_told(done.nothing)}")


def _told(accounts: "Sequence[str]") -> str:
    from stillwatch.errors import first_of
    from stillwatch.respond.notices import inert

    return first_of([inert(one) for one in accounts], MOST_NAMED)
