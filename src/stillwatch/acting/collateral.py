"""What a person sees before they approve: whom a group of proposals reaches, how many of them may be honest, and why a
person is asked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

from stillwatch.acting.newest import doubts
from stillwatch.acting.telling import differences, needs_of, step_of, told, why_waiting
from stillwatch.errors import StillwatchError
from stillwatch.records import ACCUSING
from stillwatch.respond.action import Action, State
from stillwatch.respond.bounds import reach
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.casebook.reviews import Review, opinion, reviews_of
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store


@dataclass(frozen=True)
class Doubt:
    """What stands against approving one action, in sentences."""

    action_id: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Collateral:
    """The proposals of one campaign at one step that rules made, or one person by hand (`proposed_by`, empty for
    rules): what is approved together. `step` is the rung, or `rotate_key`: new keys of owners of stolen ones
    are asked apart from other step-ups, and approved by themselves. `honest` is how many of the accounts are expected
    to be honest: one minus the probability of whom the finding accuses by its role, and all of the others, owners of
    stolen keys among them; it and `exchanges` are None where the run no longer tells. `persons` says why these wait for
    a person, or for two; `doubts`, what stands against approving single ones, for which `approve` refuses. `differs`
    says in what the row's actions differ, and where their customers appeal if not all that waits has one address."""

    campaign_id: str
    run_id: str
    rung: str
    step: str
    proposed_by: str
    accounts: int
    honest: float | None
    exchanges: int | None
    radius: int
    needs: int
    approved_by: tuple[str, ...]
    reviewed: str
    persons: tuple[str, ...]
    differs: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    actions: tuple[Action, ...]

    def as_dict(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            **vars(self), "doubts": [asdict(one) for one in self.doubts], "actions": [told(one) for one in self.actions]
        }  # fmt: skip


def queue(store: Store, casebook: Casebook, now: int) -> list[Collateral]:
    """Proposals that wait for a person at a time, by campaign and step: the harshest and largest first."""
    held = casebook.find((State.PROPOSED, State.IN_FORCE))
    reached = reach(held)
    said = reviews_of(casebook)
    groups: dict[tuple[int, str, str, str, str], list[Action]] = {}
    addresses = {one.terms.appeal_url for one in held if one.state == State.PROPOSED}
    for action in held:
        if action.state == State.PROPOSED:
            key = (
                -int(action.hit.rung),
                action.hit.campaign_id,
                action.hit.run_id,
                step_of(action),
                action.proposed_by,
            )
            groups.setdefault(key, []).append(action)
    against = doubts(store, casebook, [one for group in groups.values() for one in group], now)
    read = cache(partial(_findings, store))
    rows = [
        _told(read, actions, reached(actions[0]), said, addresses, against) for _, actions in sorted(groups.items())
    ]
    return sorted(
        rows,
        key=lambda one: (
            -int(one.actions[0].hit.rung), -one.accounts, one.campaign_id, one.run_id, one.step, one.proposed_by,
        ),
    )  # fmt: skip


Read = Callable[[str], list[dict[str, Any]]]
"""The findings of a run by its id."""


def _told(
    read: Read, actions: list[Action], radius: int, said: Iterable[Review], addresses: set[str],
    against: Mapping[str, tuple[str, ...]],
) -> Collateral:  # fmt: skip
    first = actions[0].hit
    members = _members(read(first.run_id), first.campaign_id)
    accounts = {one.hit.account_id for one in actions}
    known = [members[name] for name in sorted(accounts & members.keys())]
    missing = len(accounts) - len(known)
    return Collateral(
        campaign_id=first.campaign_id, run_id=first.run_id, rung=first.rung.name.lower(), step=step_of(actions[0]),
        proposed_by=actions[0].proposed_by, accounts=len(accounts),
        honest=round(sum(map(_honest, known)) + missing, 2) if members else None,
        exchanges=sum(int(one["exchanges"]) for one in known) if members else None,
        radius=radius, needs=max(needs_of(one, radius) for one in actions),
        approved_by=tuple(sorted({a.by for one in actions for a in one.approvals})),
        reviewed=opinion([one for one in said if one.campaign_id == first.campaign_id and not one.account_id]),
        persons=tuple(why_waiting(actions, radius)), differs=tuple(differences(actions, addresses)),
        doubts=tuple(Doubt(one.action_id, against[one.action_id]) for one in actions if one.action_id in against),
        actions=tuple(actions),
    )  # fmt: skip


def _honest(member: dict[str, Any]) -> float:
    """The chance that a member is honest: whoever's role accuses nobody is, also who surely belongs to the finding."""
    return 1.0 - float(member["probability"]) if member["role"] in ACCUSING else 1.0


def _members(findings: list[dict[str, Any]], campaign_id: str) -> dict[str, dict[str, Any]]:
    """The members of a finding by account; none where the run does not tell."""
    found = [one for one in findings if one["campaign_id"] == campaign_id]
    return {member["account_id"]: member for one in found for member in one["members"]}


def _findings(store: Store, run_id: str) -> list[dict[str, Any]]:
    """The findings of a run; none where it is gone."""
    try:
        answer = read_run(store, run_id)
    except StillwatchError:
        return []
    findings: list[dict[str, Any]] = answer["campaigns"]
    return findings if answer["run"]["run_id"] == run_id else []
