"""How actions are chosen and told, for people and programs alike: commands and the service say the same."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stillwatch.acting.actions import Proposed
from stillwatch.errors import UsageError, first_of
from stillwatch.records import Obligation, Rung
from stillwatch.respond.action import Action, State, is_appealed, person_named
from stillwatch.respond.hits import NEW_KEY
from stillwatch.respond.ladder import needed
from stillwatch.respond.notices import notice_of
from stillwatch.store.casebook.casebook import Account, Casebook

MOST_NAMED = 3
"""Ids that a line of words names."""

MOST_LETTERS = 350
"""Letters of a line of reasons in a table, which cuts what is longer."""

ID = re.compile(r"\bR-[0-9a-f]{12}\b")

ROTATE_KEY = "rotate_key"
"""The step that asks for new API keys and for nothing else, as owners of stolen keys are asked."""

STEPS = tuple(name for rung in Rung for name in (rung.name.lower(), *((ROTATE_KEY,) if rung == Rung.VERIFY else ())))
"""What people choose actions by: the rungs of the ladder, mildest first, and the request for new keys apart."""


def step_of(action: Action) -> str:
    """The rung's name; of a step-up that asks for new keys and for nothing else, `rotate_key`."""
    is_new_key = action.hit.rung == Rung.VERIFY and action.hit.obligations == (NEW_KEY,)
    return ROTATE_KEY if is_new_key else action.hit.rung.name.lower()


@dataclass(frozen=True)
class Which:
    """Which actions somebody means: one by its id (`action`), those of an account by any of its names, or all of a
    campaign, of which it is said how many accounts that is, and how many `actions` where these are more; of one `step`
    where that is said, and of what one person proposed by hand (`proposed_by`)."""

    action: str | None = None
    account: Account = None
    campaign: str | None = None
    accounts: int | None = None
    actions: int | None = None
    step: str | None = None
    proposed_by: str | None = None


def chosen(casebook: Casebook, states: Sequence[State], which: Which, *, approving: bool = False) -> list[str]:
    """The ids of the actions that are meant.

    Of step-ups that were passed those alone are meant whose appeal is open: nothing else is left to do about them. Of a
    campaign the numbers have to be as `review` told: nobody acts on a group that grew meanwhile. Who is
    `approving` may not mean several steps at once, and an account or a campaign means what rules propose alone, unless
    it is said who proposed. Raises UsageError where nothing is meant, a number is another, or several steps are.
    """
    if sum(one is not None for one in (which.action, which.account, which.campaign)) != 1:
        raise UsageError("it is not said which actions", wanted="ACTION, or --account ID, or --campaign ID")
    if which.step is not None and which.step not in STEPS:
        raise UsageError("no such rung", found=ascii(which.step)[1:-1][:40], wanted=", ".join(STEPS))
    if which.action is None:
        held = casebook.find(states, account=which.account, campaign=which.campaign)
        held = [one for one in held if one.state != State.PASSED or is_appealed(one)]
    else:
        held = [casebook.get(which.action)]
    found = [one for one in held if which.step in (None, step_of(one))]
    if which.proposed_by is not None:
        found = [one for one in found if one.proposed_by == person_named(which.proposed_by)]
    elif approving and which.action is None:
        found = _of_rules(found)
    if not found:
        wanted = ", ".join(state.value for state in states)
        there = f"of that rung or person none; {_by_step(held)}" if held else "none"
        raise UsageError("no action fits", found=there, wanted=f"one that is {wanted}", next_step="stillwatch actions")
    if approving and len({step_of(one) for one in found}) > 1:
        raise UsageError(
            f"several rungs wait ({_by_step(found)}), and each is approved by itself", wanted=rungs_of(found),
            next_step="stillwatch review",
        )  # fmt: skip
    if which.campaign is not None:
        _check_count(found, which.accounts, which.actions)
    return [one.action_id for one in found]


def rungs_of(actions: Sequence[Action]) -> str:
    """The options that choose one step of these, in words."""
    return " or ".join(f"--rung {name}" for name in STEPS if name in set(map(step_of, actions)))


def _of_rules(actions: Sequence[Action]) -> list[Action]:
    """Those that rules proposed. Raises UsageError where people proposed all of them by hand."""
    by_hand = [one for one in actions if one.proposed_by]
    if by_hand and len(by_hand) == len(actions):
        raise UsageError(
            "what people proposed by hand is approved by its id, or by who proposed it", found=_by_person(by_hand),
            wanted=f"{by_hand[0].action_id}, or --proposed-by {by_hand[0].proposed_by}",
            next_step="stillwatch review",
        )  # fmt: skip
    return [one for one in actions if not one.proposed_by]


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
    casebook: Casebook, done: Sequence[Action], account: Account, campaign: str | None, step: str | None
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
    return first_of([f"{one.action_id} by {one.proposed_by}" for one in actions], MOST_NAMED)


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
    return list(dict.fromkeys(_reasons(actions, radius)))


def why_in_brief(actions: Sequence[Action], radius: int | None = None) -> str:
    """The same on one line: what differs in an action's id alone is said once, with how many actions it is said of
    where these are not all."""
    return in_brief(_reasons(actions, radius), len(actions))


def _reasons(actions: Sequence[Action], radius: int | None) -> list[str]:
    """Why proposals wait, in the order in which it is told; each reason as often as there are actions of which it is
    true."""
    two = [one for one in actions if needs_of(one, radius) > 1]
    reaches = sorted((max(radius or 0, one.radius), one.terms.cap) for one in two)
    why = [f"two people: the campaign's actions reach {reach:,} accounts, cap {cap:,}" for reach, cap in reaches]
    why += ["one of two has approved" for one in two if one.approvals]
    by_hand = sorted(one.proposed_by for one in actions if one.proposed_by)
    why += [f"proposed by {who}: another person approves" for who in by_hand]
    why += sorted(one.person for one in actions if one.person)
    return why or ["a person approves" for _ in actions]


def in_brief(sentences: Iterable[str], of: int) -> str:
    """Sentences of single actions, `of` so many, on one line: those that differ in an action's id alone as one, with
    how many there are where these are not all. What has no room is counted; `--json` has all of it."""
    alike: dict[str, list[str]] = {}
    for one in sentences:
        alike.setdefault(ID.sub("R-…", one), []).append(one)
    told = []
    for common, held in alike.items():
        words = held[0] if len(set(held)) == 1 else common
        told.append(words if len(held) == of else f"{words} ({len(held):,} of {of:,} actions)")
    shown = told[:1]
    for words in told[1:]:
        if len("; ".join((*shown, words))) > MOST_LETTERS:
            return "; ".join((*shown, f"and {len(told) - len(shown):,} more reasons (--json)"))
        shown.append(words)
    return "; ".join(shown)


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
