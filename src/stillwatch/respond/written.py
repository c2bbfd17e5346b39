"""An action as JSON, and back. ASCII only, so that a NUL or half a surrogate in an id passes through any database."""

import json
from dataclasses import asdict
from typing import Any

from stillwatch.records import Hit, Obligation, PolicyRef, Rung
from stillwatch.respond.action import Action, Appeal, Approval, Outcome, Passed, State, Terms


def written(value: object) -> str:
    """JSON in ASCII with ascending keys: equal values give equal text."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def action_text(action: Action) -> str:
    """An action as text. What records from before had not is left out where it is empty, so that these stay equal."""
    held = asdict(action)
    if action.appeal is not None and not action.appeal.taken_by:
        del held["appeal"]["taken_by"]
    if not action.passed:
        del held["passed"]
    return written(held)


def action_read(text: str) -> Action:
    """The action of a text. Raises ValueError, KeyError or TypeError where it is none."""
    held: dict[str, Any] = json.loads(text)
    _check_numbers(held)
    appeal = held["appeal"]
    return Action(
        **{
            **held, "hit": hit_read(held["hit"]), "terms": Terms(**held["terms"]), "state": State(held["state"]),
            "seen_as": tuple(held["seen_as"]), "approvals": tuple(Approval(**one) for one in held["approvals"]),
            "passed": tuple(Passed(**one) for one in held.get("passed", ())),
            "appeal": Appeal(**{**appeal, "outcome": Outcome(appeal["outcome"])}) if appeal else None,
        }
    )  # fmt: skip


WHOLE = ("needs", "radius", "proposed_at", "expires_at", "touched_at", "version")
WHOLE_OR_NONE = ("starts_at", "bound_at")


def _check_numbers(held: dict[str, Any]) -> None:
    """Raise TypeError where a time or a count is none: whoever writes into the table shall not stop its readers."""
    times = [held[name] for name in WHOLE_OR_NONE if held[name] is not None]
    if any(type(one) is not int for one in (*times, *(held[name] for name in WHOLE))):
        raise TypeError("a time or a count that is no whole number")


def hit_read(held: dict[str, Any]) -> Hit:
    """The hit of its JSON."""
    obligations = tuple(Obligation(one["type"], tuple(map(tuple, one["settings"]))) for one in held["obligations"])
    return Hit(
        **{**held, "policy": PolicyRef(**held["policy"]), "rung": Rung(held["rung"]), "obligations": obligations}
    )
