"""Whether what a proposal rests on still holds: the newest run accuses the account, no permission speaks of it, and
what the proposal's run saw is not long ago."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stillwatch.acting.actions import approve
from stillwatch.acting.grants import permissions_now
from stillwatch.acting.known import accounts_of_org
from stillwatch.errors import UsageError
from stillwatch.records import is_accused
from stillwatch.respond.action import Action, stated, why_a_person
from stillwatch.respond.bounds import taken_back_since
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

WITHIN = 7
"""Days after which what a run saw is too old to act on: the longest that a rule's action lasts."""

MOST_NAMED = 3
"""Actions that a refusal names."""


@dataclass(frozen=True)
class Newest:
    """The newest run, empty where there is none, and the accounts that it accuses."""

    run_id: str
    accused: frozenset[str]

    def clears(self, account: str) -> str:
        """In words, that it does not accuse an account; empty where it does."""
        if account in self.accused:
            return ""
        return f"the newest run, {self.run_id}, does not accuse this account" if self.run_id else "there is no run"


def newest_run(store: Store) -> Newest:
    """The newest run of a store, as it accuses."""
    try:
        answer = read_run(store)
    except UsageError:  # there is none
        return Newest("", frozenset())
    named = ((one["status"], member) for one in answer["campaigns"] for member in one["members"])
    accused = (m["account_id"] for status, m in named if is_accused(status, m["role"], m["probability"]))
    return Newest(str(answer["run"]["run_id"]), frozenset(accused))


def check_age(store: Store, answer: dict[str, Any], now: datetime, within: int = WITHIN) -> None:
    """Raise UsageError where a run's period ended more than `within` days ago."""
    until = datetime.fromisoformat(answer["run"]["until"])
    if now - until > timedelta(days=within):
        raise UsageError(
            "the run is too old to act on", where=str(answer["run"]["run_id"]),
            found=f"it saw what was asked until {until:%Y-%m-%d}, {_days(now - until)} ago",
            wanted=f"at most {_days(timedelta(days=within))} ago (--within)",
            next_step=f"stillwatch detect --store {store.folder}, or --within DAYS",
        )  # fmt: skip


def _days(time: timedelta) -> str:
    return "1 day" if time.days == 1 else f"{time.days:,} days"


def permitted(store: Store, casebook: Casebook, now: int) -> dict[str, str]:
    """The reference of a permission that holds at a time, by the account of which it speaks."""
    held = [row for row in permissions_now(store, casebook, now) if row["state"] == "holds"]
    told: dict[str, str] = {}
    for row in held:
        named = [row["account_id"]] if row["account_id"] else accounts_of_org(store, row["org_id"])
        for account in named:
            told.setdefault(account, str(row["reference"]))
    return told


def doubts(store: Store, casebook: Casebook, actions: Sequence[Action], now: int) -> dict[str, str]:
    """Why a proposal does not stand as it was made, by the action's id: something on its account was taken back since;
    or, of what only a person may put in force, the newest run or a permission says otherwise.
    """
    since = {one.action_id: taken_back_since(casebook.find(account=one.hit.account_id), one) for one in actions}
    told = {name: why for name, why in since.items() if why}
    harsh = [one for one in actions if why_a_person(one.hit) and one.action_id not in told]
    if not harsh:
        return told
    newest, open_to = newest_run(store), permitted(store, casebook, now)
    for one in harsh:
        account = one.hit.account_id
        permission = f"a permission in force speaks of it: {open_to[account]}" if account in open_to else ""
        why = "; ".join(filter(None, (newest.clears(account), permission)))
        if why:
            told[one.action_id] = why
    return told


def approve_what_holds(
    store: Store, casebook: Casebook, names: Sequence[str], by: str, reason: str, now: int, *, via: str = "",
    although: bool = False,
) -> list[Action]:  # fmt: skip
    """Approve as `approve` does, if nothing was taken back of the accounts meanwhile, the newest run still accuses whom
    harsh actions touch, and no permission speaks of them. `although` approves all the same, and the reason says in
    spite of what. Raises UsageError else.
    """
    said = stated("reason", reason)
    doubted = doubts(store, casebook, [casebook.get(name) for name in names], now)
    if doubted and not although:
        first = "; ".join(f"{name}: {why}" for name, why in sorted(doubted.items())[:MOST_NAMED])
        more = f"; and {len(doubted) - MOST_NAMED:,} more" if len(doubted) > MOST_NAMED else ""
        raise UsageError(
            f"what {len(doubted):,} of these {len(names):,} actions rest on does not hold any more", found=first + more,
            wanted="whom the newest run accuses, nothing permits, and nothing was taken back of; decline the others",
            next_step="--although approves all the same, and the trail says so with the reason",
        )  # fmt: skip
    reasons = {name: f"{said} (although {why})" for name, why in doubted.items()}
    return approve(casebook, names, by, said, now, via=via, reasons=reasons)
