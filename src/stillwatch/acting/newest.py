"""Whether what a proposal rests on still holds: the newest run accuses the account, no permission speaks of it, and
what the proposal's run saw is not long ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stillwatch.acting.actions import approve
from stillwatch.acting.grants import permissions_now
from stillwatch.acting.known import accounts_of_orgs
from stillwatch.acting.meanwhile import Stamp, stamp
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.records import Rung, is_accused
from stillwatch.respond.action import LONGEST, Action, stated, why_a_person
from stillwatch.respond.bounds import changed_since
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
    of_orgs = accounts_of_orgs(store, {row["org_id"] for row in held if not row["account_id"]})
    told: dict[str, str] = {}
    for row in held:
        for account in [row["account_id"]] if row["account_id"] else of_orgs[row["org_id"]]:
            told.setdefault(account, str(row["reference"]))
    return told


@dataclass(frozen=True)
class Basis:
    """What proposals are held against outside the casebook, as the store said at one time: the newest run, permissions
    in force by account, and the findings that are in the proposals' own runs or in the newest, each as its run and its
    id. `seen` tells whether the store says the same later."""

    seen: Stamp
    newest: Newest
    open_to: Mapping[str, str]
    findings: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, store: Store, casebook: Casebook, actions: Sequence[Action], now: int) -> "Basis":
        """All that these actions rest on; of permissions and whom the newest run accuses nothing where no action is
        above a step-up."""
        seen, limits = stamp(store, "accounts"), any(one.hit.rung > Rung.VERIFY for one in actions)
        newest = newest_run(store) if limits else Newest("", frozenset())
        open_to = permitted(store, casebook, now) if limits else {}
        own = {one.hit.run_id for one in actions if one.hit.campaign_id}
        return cls(seen, newest, open_to, frozenset(pair for name in sorted(own) for pair in _findings(store, name)))

    def holds(self, store: Store) -> bool:
        """Whether the store still says the same."""
        return stamp(store, "accounts") == self.seen

    def stands_against(self, one: Action, earlier: Sequence[Action]) -> tuple[str, ...]:
        """What stands against a proposal, in sentences. `earlier` are all actions of its account."""
        account, why = one.hit.account_id, changed_since(earlier, one)
        if one.hit.campaign_id and (one.hit.run_id, one.hit.campaign_id) not in self.findings:
            why.append(
                f"its run has no finding {one.hit.campaign_id} any more, so nobody can look it up: detect and act"
            )
        if one.hit.rung > Rung.VERIFY:
            is_asked = why_a_person(one.hit) or one.hit.run_id < self.newest.run_id
            why.append(self.newest.clears(account) if is_asked else "")
            why.append(
                f"a permission in force speaks of it: {self.open_to[account]}" if account in self.open_to else ""
            )
        return tuple(filter(None, why))


def _findings(store: Store, run_id: str) -> set[tuple[str, str]]:
    """The findings of a run by its id, which stands beside each; none where the run is gone."""
    try:
        answer = read_run(store, run_id)
    except StillwatchError:
        return set()
    return {(str(answer["run"]["run_id"]), str(one["campaign_id"])) for one in answer["campaigns"]}


def doubts(store: Store, casebook: Casebook, actions: Sequence[Action], now: int) -> dict[str, tuple[str, ...]]:
    """What stands against approving proposals, in sentences by the action's id; nothing of those that stand as made.

    Of any, that something on its account was taken back since, that the customer has passed since all that it asks, or
    that its run has no finding of that name any more, as after an erasure: nobody could look at what is approved.
    Above a step-up, that a permission in force speaks of
    the account, or that a later run than the proposal's does not accuse it; and of what only a person may put in force,
    that the newest does not, whichever it is. `review` tells it, and `approve` refuses for it and for nothing else.
    """
    earlier = casebook.of_accounts(one.hit.account_id for one in actions)
    return _doubted(Basis.read(store, casebook, actions, now), actions, earlier)


def _doubted(
    basis: Basis, actions: Sequence[Action], earlier: Mapping[str, list[Action]]
) -> dict[str, tuple[str, ...]]:  # fmt: skip
    told = {one.action_id: basis.stands_against(one, earlier.get(one.hit.account_id, [])) for one in actions}
    return {name: why for name, why in told.items() if why}


def approve_what_holds(
    store: Store, casebook: Casebook, names: Sequence[str], by: str, reason: str, now: int, *, via: str = "",
    although: bool = False,
) -> list[Action]:  # fmt: skip
    """Approve as `approve` does, if nothing stands against it (`doubts`). `although` approves all the same, and the
    reason says in spite of what. Raises UsageError else.

    It is judged in the transaction that approves: what the store says is read before, so that nobody waits for that,
    and again where it has changed since.
    """
    said = stated("reason", reason)
    before = Basis.read(store, casebook, casebook.get_all(names), now)

    def judge(actions: Sequence[Action], earlier: Mapping[str, list[Action]]) -> dict[str, str]:
        basis = before if before.holds(store) else Basis.read(store, casebook, actions, now)
        doubted = _doubted(basis, actions, earlier)
        if doubted and not although:
            raise _doubtful(doubted, len(names))
        return {name: _although(said, name, why) for name, why in sorted(doubted.items())}

    return approve(casebook, names, by, said, now, via=via, judge=judge)


def _doubtful(doubted: Mapping[str, Sequence[str]], of: int) -> UsageError:
    told = [f"{name}: {'; '.join(why)}" for name, why in sorted(doubted.items())[:MOST_NAMED]]
    more = f"; and {len(doubted) - MOST_NAMED:,} more" if len(doubted) > MOST_NAMED else ""
    return UsageError(
        f"what {len(doubted):,} of these {of:,} actions rest on does not hold any more",
        found="; ".join(told) + more,
        wanted="whom the newest run accuses, nothing permits, nothing was taken back of, who has not passed "
        "what is asked, and whose finding can be looked up; decline the others",
        next_step="--although approves all the same, and the trail says so with the reason; review lists all",
    )  # fmt: skip


def _although(reason: str, name: str, why: Sequence[str]) -> str:
    """A reason with what it is given in spite of. Raises UsageError where both together are too long for one."""
    joined, longest = f"{reason} (although {'; '.join(why)})", LONGEST["reason"]
    if len(joined) > longest:
        raise UsageError(
            "the reason is too long together with what --although notes beside it",
            found=f"--reason has {len(reason):,} letters, --although adds {len(joined) - len(reason):,} for {name}",
            wanted=f"at most {longest:,} together", next_step="a shorter --reason",
        )  # fmt: skip
    return joined
