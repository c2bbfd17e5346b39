"""Step-ups: what is asked of a customer before requests go on, what of it was passed, and when it may be asked again.

Until a challenge is passed gateways refuse every request of the account. So whoever checks it (a page where keys are
replaced, a service that checks identities) says when it was passed, and the same rule does not ask for it again from
what it knew then.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from stillwatch.records import Obligation, Rung
from stillwatch.respond.action import Action, Passed

URGENT = "key_security"
"""The reason code of what protects the customer: it is never delayed."""


def asked_by(rung: Rung, obligations: Iterable[Obligation], reason_code: str) -> tuple[str, ...]:
    """Which challenges an action sets, in its order. A step-up that names none means new keys where somebody else may
    use the present ones, else the identity."""
    kinds = [str(value) for one in obligations if one.type == "challenge" for _, value in one.settings]
    if rung == Rung.VERIFY and not kinds:
        kinds = ["rotate_key" if reason_code == URGENT else "identity"]
    return tuple(dict.fromkeys(kinds))


def left_of(action: Action) -> tuple[str, ...]:
    """Which of an action's challenges nobody has passed yet."""
    passed = {one.kind for one in action.passed}
    hit = action.hit
    return tuple(kind for kind in asked_by(hit.rung, hit.obligations, hit.reason_code) if kind not in passed)


def obligations_left(action: Action) -> tuple[Obligation, ...]:
    """What an action still obliges gateways to: all but the challenges that were passed."""
    gone = {Obligation("challenge", (("kind", one.kind),)) for one in action.passed}
    return tuple(one for one in action.hit.obligations if one not in gone)


def still_passed(earlier: Iterable[Action], is_new: Callable[[int], bool]) -> tuple[Passed, ...]:
    """What of these actions was passed and is not to be asked again, by kind, the latest of each. `earlier` are actions
    of one rule on one account; `is_new` says whether what the rule rests on now is new since a time."""
    latest: dict[str, Passed] = {}
    for one in sorted((p for action in earlier for p in action.passed), key=lambda p: (p.at, p.by)):
        latest[one.kind] = one
    return tuple(latest[kind] for kind in sorted(latest) if not is_new(latest[kind].at))


def with_passed(action: Action, passed: Iterable[Passed]) -> Action:
    """A new action with what of its challenges was passed before."""
    asked = left_of(action)
    return replace(action, passed=tuple(one for one in passed if one.kind in asked))


def is_done(action: Action) -> bool:
    """Whether it is a step-up of which nothing is left to ask."""
    return action.hit.rung == Rung.VERIFY and not left_of(action)


def passed_since(earlier: Iterable[Action], action: Action) -> str:
    """In words, that all that a step-up asks was passed after it was proposed; empty where something is left.
    `earlier` are actions of its account."""
    asked = left_of(action)
    done = {one.kind for other in earlier for one in other.passed if one.at >= action.proposed_at}
    return ", ".join(asked) if action.hit.rung == Rung.VERIFY and asked and done.issuperset(asked) else ""
