"""Who checks a step-up says that a customer has passed it: the step-up ends, and everything else stays as it is."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from stillwatch.acting.actions import note_time
from stillwatch.errors import UsageError
from stillwatch.records import CHALLENGES
from stillwatch.respond import ladder
from stillwatch.respond.action import Action, State, moment, person_named, stated
from stillwatch.respond.challenges import left_of
from stillwatch.store.casebook.casebook import Casebook

MOST_ACCOUNTS = 1_000
"""Accounts that one call names at most."""


@dataclass(frozen=True)
class Passing:
    """What came of it: the actions that ask less now, each once with the account as it was named first, and the
    accounts of which nothing of this kind was asked by whatever name."""

    kind: str
    actions: tuple[tuple[str, Action], ...]
    nothing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What programs read: no finding, no rule, since who checks step-ups need not know why they were set."""
        return {
            "schema": "stillwatch/passed/v1", "kind": self.kind,
            "passed": [
                {
                    "account_id": name, "action_id": one.action_id, "state": one.state.value,
                    "left": list(left_of(one)),
                }
                for name, one in self.actions
            ],
            "nothing": list(self.nothing),
        }  # fmt: skip


def passed(
    casebook: Casebook, accounts: Collection[str], kind: str, by: str, reason: str, now: int, *, via: str = "",
    names: Callable[[str], Iterable[str]] | None = None,
) -> Passing:  # fmt: skip
    """These accounts have passed a challenge of a kind. What is in force and asks for it asks for it no more; a step-up
    that asks for nothing else ends. Said again, it changes nothing; nor does it where nothing of the kind is asked:
    of an account that nobody knows, of a proposal, of what is in shadow or over.

    `names` gives the pseudonyms of an id where the store keeps them. Raises UsageError for no such kind, no account or
    too many, and where who says so or the reason is missing; then nothing is changed.
    """
    if kind not in CHALLENGES:
        raise UsageError("no such challenge", found=ascii(kind)[:80], wanted=", ".join(CHALLENGES))
    named = sorted(set(accounts))
    if not named or len(named) > MOST_ACCOUNTS or not all(named):
        raise UsageError(
            "it is not said which accounts", found=f"{len(named):,}", wanted=f"1 to {MOST_ACCOUNTS:,} ids of accounts"
        )
    event = ladder.Pass(kind, person_named(by), stated("reason", reason))
    kept = {name: sorted({name, *(names(name) if names else ())}) for name in named}
    done: dict[str, tuple[str, Action]] = {}
    with casebook.writing(event.by, via) as writer:
        note_time(writer, moment(now))
        held = writer.of_accounts(each for several in kept.values() for each in several)
        for name, several in kept.items():
            for one in (action for each in several for action in held.get(each, ())):
                if one.action_id not in done and one.state == State.IN_FORCE and kind in left_of(one):
                    done[one.action_id] = name, writer.apply(one, event, now)
    reached = {one.hit.account_id for _, one in done.values()}
    return Passing(kind, tuple(done.values()), tuple(name for name in named if reached.isdisjoint(kept[name])))
