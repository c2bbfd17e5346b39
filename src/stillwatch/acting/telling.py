"""How actions are chosen and told, for people and programs alike: commands and the service say the same."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from stillwatch.acting.actions import Proposed
from stillwatch.errors import UsageError
from stillwatch.records import Rung
from stillwatch.respond.action import Action, State
from stillwatch.respond.hits import NEW_KEY
from stillwatch.respond.ladder import needed
from stillwatch.respond.notices import notice_of
from stillwatch.store.casebook.casebook import Casebook

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
    accounts: int | None, step: str | None = None, *, one_step: bool = False,
) -> list[str]:  # fmt: skip
    """The ids of the actions that are meant: one, those of an account, or all of a campaign; of one `step` where that
    is said.

    Of a campaign it has to be said how many accounts that is, as `review` told: nobody acts on a group that grew
    meanwhile. With `one_step` a person may not mean several steps at once. Raises UsageError where nothing is meant,
    the number is another, or several steps are.
    """
    if sum(one is not None for one in (action, account, campaign)) != 1:
        raise UsageError("it is not said which actions", wanted="ACTION, or --account ID, or --campaign ID")
    if step is not None and step not in STEPS:
        raise UsageError("no such rung", found=ascii(step)[1:-1][:40], wanted=", ".join(STEPS))
    held = casebook.find(states, account=account, campaign=campaign) if action is None else [casebook.get(action)]
    found = [one for one in held if step in (None, step_of(one))]
    reached = len({one.hit.account_id for one in found})
    if not found:
        wanted = ", ".join(state.value for state in states)
        there = f"of that rung none; {_by_step(held)}" if held else "none"
        raise UsageError("no action fits", found=there, wanted=f"one that is {wanted}", next_step="stillwatch actions")
    if one_step and len({step_of(one) for one in found}) > 1:
        raise UsageError(
            f"several rungs wait ({_by_step(found)}), and each is approved by itself",
            wanted=" or ".join(f"--rung {name}" for name in STEPS if name in set(map(step_of, found))),
            next_step="stillwatch review",
        )  # fmt: skip
    if campaign is not None and accounts != reached:
        raise UsageError(
            f"the campaign's actions reach {reached:,} accounts", found=f"--accounts {accounts}",
            wanted=f"--accounts {reached}", next_step="look at stillwatch review first",
        )  # fmt: skip
    return [one.action_id for one in found]


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
