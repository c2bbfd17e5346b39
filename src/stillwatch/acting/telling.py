"""How actions are chosen and told, for people and programs alike: commands and the service say the same."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from stillwatch.acting.actions import Proposed
from stillwatch.errors import UsageError
from stillwatch.records import Obligation, Rung
from stillwatch.respond.action import Action, State, person_named
from stillwatch.respond.hits import NEW_KEY
from stillwatch.respond.ladder import needed
from stillwatch.respond.notices import notice_of
from stillwatch.store.casebook.casebook import Casebook

MOST_NAMED = 3
"""Ids that a line of words names."""

ROTATE_KEY = "rotate_key"
"""The step that asks for new API keys and for nothing else, as owners of stolen keys are asked."""

STEPS = tuple(name for rung in Rung for name in (rung.name.lower(), *((ROTATE_KEY,) if rung == Rung.VERIFY else ())))
"""What people choose actions by: the rungs of the ladder, mildest first, and the request for new keys apart."""


def step_of(action: Action) -> str:
    """The rung's name; of a step-up that asks for new keys and for nothing else, `rotate_key`."""
    is_new_key = action.hit.rung == Rung.VERIFY and action.hit.obligations == (NEW_KEY,)
    return ROTATE_KEY if is_new_key else action.hit.rung.name.lower()


def chosen(
    casebook: Casebook, states: Iterable[State], action: str | None, account: str | None, campaign: str | None,
    accounts: int | None, step: str | None = None, *, actions: int | None = None, proposed_by: str | None = None,
    approving: bool = False,
) -> list[str]:  # fmt: skip
    """The ids of the actions that are meant: one, those of an account, or all of a campaign; of one `step` where that
    is said, and of what one person proposed by hand (`proposed_by`).

    Of a campaign it has to be said how many accounts that is, and how many actions where these are more, as `review`
    told: nobody acts on a group that grew meanwhile. Who is `approving` may not mean several steps at once, and an
    account or a campaign means what rules propose alone, unless it is said who proposed. Raises UsageError where
    nothing is meant, a number is another, or several steps are.
    """
    if sum(one is not None for one in (action, account, campaign)) != 1:
        raise UsageError("it is not said which actions", wanted="ACTION, or --account ID, or --campaign ID")
    if step is not None and step not in STEPS:
        raise UsageError("no such rung", found=ascii(step)[1:-1][:40], wanted=", ".join(STEPS))
    held = casebook.find(states, account=account, campaign=campaign) if action is None else [casebook.get(action)]
    found = [one for one in held if step in (None, step_of(one))]
    if proposed_by is not None:
        found = [one for one in found if one.proposed_by == person_named(proposed_by)]
    elif approving and action is None:
        by_hand = [one for one in found if one.proposed_by]
        found = [one for one in found if not one.proposed_by]
        if by_hand and not found:
            raise UsageError(
                "what people proposed by hand is approved by its id, or by who proposed it", found=_by_person(by_hand),
                wanted=f"{by_hand[0].action_id}, or --proposed-by {by_hand[0].proposed_by}",
                next_step="stillwatch review",
            )  # fmt: skip
    if not found:
        wanted = ", ".join(state.value for state in states)
        there = f"of that rung or person none; {_by_step(held)}" if held else "none"
        raise UsageError("no action fits", found=there, wanted=f"one that is {wanted}", next_step="stillwatch actions")
    if approving and len({step_of(one) for one in found}) > 1:
        raise UsageError(
            f"several rungs wait ({_by_step(found)}), and each is approved by itself",
            wanted=" or ".join(f"--rung {name}" for name in STEPS if name in set(map(step_of, found))),
            next_step="stillwatch review",
        )  # fmt: skip
    if campaign is not None:
        _check_count(found, accounts, actions)
    return [one.action_id for one in found]


def _check_count(found: Sequence[Action], accounts: int | None, actions: int | None) -> None:
    """Raise UsageError unless it was said how many accounts these reach, and how many they are where that differs."""
    reached = len({one.hit.account_id for one in found})
    if accounts != reached:
        raise UsageError(
            f"the campaign's actions reach {reached:,} accounts", found=f"--accounts {accounts}",
            wanted=f"--accounts {reached}", next_step="look at stillwatch review first",
        )  # fmt: skip
    if (accounts if actions is None else actions) != len(found):
        raise UsageError(
            f"these are {len(found):,} actions, on {reached:,} accounts",
            found=f"--actions {actions}" if actions is not None else "no --actions",
            wanted=f"--accounts {reached} --actions {len(found)}", next_step="look at stillwatch review first",
        )  # fmt: skip


def by_hand_beside(
    casebook: Casebook, done: Sequence[Action], account: str | None, campaign: str | None, step: str | None
) -> list[Action]:
    """Proposals by hand of an account or a campaign (of one `step`) that wait on beside those that were approved."""
    if account is None and campaign is None:
        return []
    approved = {one.action_id for one in done}
    held = casebook.find((State.PROPOSED,), account=account, campaign=campaign)
    fitting = [one for one in held if one.proposed_by and one.action_id not in approved]
    return [one for one in fitting if step in (None, step_of(one))]


def _by_person(actions: Sequence[Action]) -> str:
    """Proposals by hand by their ids, with who made them, in words."""
    first = ", ".join(f"{one.action_id} by {one.proposed_by}" for one in actions[:MOST_NAMED])
    return first + (f" and {len(actions) - MOST_NAMED:,} more" if len(actions) > MOST_NAMED else "")


def differences(actions: Sequence[Action], addresses: Collection[str] = ()) -> list[str]:
    """In what actions that are approved together differ, in words: for how long, to what they oblige, where customers
    appeal. Of what is proposed by hand, which no policy bounds, all of it is told in any case. `addresses` are the
    appeal addresses of all that waits: where these are several, each is told."""
    appeals = {one.terms.appeal_url for one in actions}
    least = 1 if any(one.proposed_by for one in actions) else 2
    told = [
        *_each("hours", [(f"{one.hit.hours:,}", one) for one in actions], least),
        *_each("obligations", [(_obliged(one.hit.obligations), one) for one in actions], least),
        *_each("appeal goes to", [(one.terms.appeal_url, one) for one in actions], least),
    ]
    is_another = least > 1 and len(appeals) == 1 and not appeals.issuperset(addresses)
    return told + [f"appeal goes to {name}" for name in appeals if is_another]


def _each(what: str, said: Sequence[tuple[str, Action]], least: int = 2) -> list[str]:
    """Which actions each of several things is said of, in words; nothing where there are fewer than `least`."""
    groups: dict[str, list[Action]] = {}
    for name, one in said:
        groups.setdefault(name, []).append(one)
    return [f"{what} {name}: {_which(held)}" for name, held in sorted(groups.items())] if len(groups) >= least else []


def _which(actions: Sequence[Action]) -> str:
    """How many, and the first ones' ids."""
    names = sorted(one.action_id for one in actions)
    first = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
    return f"{len(names):,} {'action' if len(names) == 1 else 'actions'} ({first})"


def _obliged(obligations: Iterable[Obligation]) -> str:
    said = (
        one.type + (":" + ",".join(f"{name}={value}" for name, value in one.settings) if one.settings else "")
        for one in obligations
    )
    return " ".join(said) or "none"


def _by_step(actions: Sequence[Action]) -> str:
    """How many accounts there are on each step, in words, mildest first."""
    reached = {name: {one.hit.account_id for one in actions if step_of(one) == name} for name in STEPS}
    return "; ".join(
        f"{name}, {len(held):,} {'account' if len(held) == 1 else 'accounts'}" for name, held in reached.items() if held
    )


def became(action: Action) -> str:
    """What a new action is: `in_force`, `shadow`, or `waiting` for a person."""
    return action.state.value if action.state in (State.IN_FORCE, State.SHADOW) else "waiting"


def by_step(proposed: Proposed) -> list[dict[str, Any]]:
    """What became of hits, or would, by step, the harshest first: how many are in force at once, wait, are in shadow or
    renewed, why those wait, and the accounts, ascending."""
    steps: list[dict[str, Any]] = []
    for name in reversed(STEPS):
        new = [one for one in proposed.new if step_of(one) == name]
        renewed = [one for one in proposed.renewed if step_of(one) == name]
        if not new and not renewed:
            continue
        waiting = [one for one in new if became(one) == "waiting"]
        steps.append(
            {
                "step": name, "at_once": sum(became(one) == "in_force" for one in new), "waiting": len(waiting),
                "shadow": sum(became(one) == "shadow" for one in new), "renewed": len(renewed),
                "why": why_waiting(waiting), "accounts": sorted({one.hit.account_id for one in (*new, *renewed)}),
            }
        )  # fmt: skip
    return steps


def why_waiting(actions: Sequence[Action], radius: int | None = None) -> list[str]:
    """Why proposals wait for a person, each reason once: what makes two people of one, then why a rule does not begin
    them by itself. `radius` counts the accounts of their campaign now; else it is as when they were proposed."""
    two = [one for one in actions if needs_of(one, radius) > 1]
    reaches = sorted({(max(radius or 0, one.radius), one.terms.cap) for one in two})
    why = [f"two people: the campaign's actions reach {reach:,} accounts, cap {cap:,}" for reach, cap in reaches]
    if any(one.approvals for one in two):
        why.append("one of two has approved")
    by_hand = sorted({one.proposed_by for one in actions if one.proposed_by})
    why += [f"proposed by {who}: another person approves" for who in by_hand]
    why += sorted({one.person for one in actions if one.person})
    return why or ["a person approves"] * bool(actions)


def needs_of(action: Action, radius: int | None = None) -> int:
    """How many people approve it: a campaign that grew beyond the cap since asks for the second."""
    if radius is None:
        return action.needs
    return max(action.needs, needed(action.hit, action.proposed_by, action.person, radius, action.terms.cap))


def told(action: Action) -> dict[str, Any]:
    """An action as programs read it: times in microseconds since 1970, and what the customer is told."""
    hit = {**asdict(action.hit), "rung": action.hit.rung.name.lower()}
    about = {name: value for name, value in asdict(action).items() if name != "hit"}
    return {**about, **hit, "notice": notice_of(action).as_dict()}
