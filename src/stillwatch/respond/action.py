"""An action: what is done, or proposed, or would have been done, about one account, and what people said of it.

Times are whole microseconds since 1970. Nobody changes an action: `ladder.step` answers the next one.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stillwatch.errors import UsageError
from stillwatch.records import (
    AUTOMATIC_CEILING,
    CHALLENGES,
    MODES,
    OBLIGATIONS,
    REASON_CODES,
    Hit,
    Obligation,
    Rung,
)

HOUR = 3_600_000_000
"""Microseconds."""

MOST_AUTOMATIC = 168
"""Hours for which an action that no person approved lasts at most, renewals counted."""

MOST_HOURS = 2160
"""Hours for which any action lasts at most: ninety days. Who wants more decides again."""

PROPOSAL_HOURS = 336
"""Hours after which a proposal that nobody decided on, and no run repeated, is over."""

LAST_TIME = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""

LOWEST = {"requests_per_minute": 10, "tokens_per_minute": 10_000, "concurrency": 1, "max_tokens": 256}
"""Limits below these shut an account out in effect, so a person approves them."""

MOST_SHARING = {"requests_per_minute": 25, "tokens_per_minute": 25, "concurrency": 5}
"""Accounts of a group among whom the lowest limit may be shared: one budget for more shuts them out as well, one by
one. One of those that run at once may hold its place for minutes, so a place is for fewer."""

LONGEST = {"reason": 4_000, "clause": 1_000}
"""Letters that people's texts may have."""

NAME = re.compile(r"[a-z0-9]+([._@+-][a-z0-9]+)*")
"""How a person is named: a login or an address, in small letters. Look-alike letters would make one person two, and so
would a full stop at the end."""

LONGEST_NAME = 64

TAG = re.compile(r"\+[^@]*(?=@|$)")
"""What stands after `+` in an address: the same letter box, and so no other person."""


class State(StrEnum):
    """Where an action is. The first three are open; an action that ended stays ended. A step-up that was
    passed while an appeal was open may still be found wrong: then it has lapsed."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    SHADOW = "shadow"
    """What would have been in force: it touches nobody."""
    DECLINED = "declined"
    EXPIRED = "expired"
    UNDONE = "undone"
    LAPSED = "lapsed"
    """An appeal ended it; `ended` says whether it was upheld or not answered in time."""
    PASSED = "passed"
    """A step-up: the customer did what was asked. Nothing was taken back, so it speaks against no other rule."""


OPEN = (State.PROPOSED, State.IN_FORCE, State.SHADOW)


class Outcome(StrEnum):
    """What became of an appeal."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    MOOT = "moot"
    """The action ended before anybody answered."""


@dataclass(frozen=True)
class Approval:
    """One person's approval, with the reason."""

    by: str
    reason: str
    at: int


@dataclass(frozen=True)
class Passed:
    """A challenge that the customer has passed: which, who says so, and when."""

    kind: str
    by: str
    at: int


@dataclass(frozen=True)
class Appeal:
    """A customer's appeal. Where nobody has answered by `due_at`, the action lapses. `taken_by` is who took it in;
    empty where nobody says, as in records from before that was kept."""

    opened_at: int
    due_at: int
    statement: str
    outcome: Outcome = Outcome.OPEN
    by: str = ""
    reason: str = ""
    answered_at: int | None = None
    taken_by: str = ""


@dataclass(frozen=True)
class Terms:
    """What a policy says of all its actions: how many accounts of one campaign may be acted on before a second person
    is needed, where customers appeal, and within how many hours they are answered."""

    cap: int
    appeal_url: str
    automatic_hours: int = 72
    person_hours: int = 168


@dataclass(frozen=True)
class Action:
    """An action as it is now.

    `needs` says how many people approve it; 0 begins by itself. `person` says why a person is needed where the rung
    does not. `seen_as` are all campaigns that runs have found it in. `radius` counts the accounts of its campaign that
    were proposed or in force with it. `bound_at` is the time beyond which no run renews it. `touched_at` is the latest
    time that anything happened to it. `passed` are those of its challenges that the customer has passed.
    """

    action_id: str
    hit: Hit
    proposed_by: str
    needs: int
    person: str
    radius: int
    seen_as: tuple[str, ...]
    terms: Terms
    state: State
    proposed_at: int
    starts_at: int | None
    expires_at: int
    bound_at: int | None
    touched_at: int
    approvals: tuple[Approval, ...] = ()
    appeal: Appeal | None = None
    ended: str = ""
    version: int = 1
    passed: tuple[Passed, ...] = ()


def is_open(action: Action) -> bool:
    """Whether anything can still become of it."""
    return action.state in OPEN


def is_appealed(action: Action) -> bool:
    """Whether an appeal against it waits for an answer."""
    return action.appeal is not None and action.appeal.outcome == Outcome.OPEN


def touches(hit: Hit) -> bool:
    """Whether the customer notices: from a step-up on, and not in shadow."""
    return hit.mode == "enforce" and hit.rung >= Rung.VERIFY


def key_of(hit: Hit, proposed_by: str = "") -> str:
    """What stays the same of an action from run to run: account, rule, rung, obligations, mode; and who proposed it."""
    said = [
        hit.account_id, hit.policy.id, hit.rule_id, int(hit.rung), hit.mode,
        [[o.type, [list(s) for s in o.settings]] for o in hit.obligations], proposed_by,
    ]  # fmt: skip
    return _hash(said, 16)


def id_of(hit: Hit, proposed_by: str = "") -> str:
    """The id of the action that a hit of a run makes: the same whenever the same run says the same."""
    return "R-" + _hash([key_of(hit, proposed_by), hit.run_id], 6)


def _hash(said: object, size: int) -> str:
    return hashlib.blake2b(json.dumps(said).encode("ascii"), digest_size=size).hexdigest()


def person_named(name: str) -> str:
    """Who acts, as all comparisons have it. Raises UsageError where the name could be read as another's."""
    plain = name.strip().lower() if isinstance(name, str) else str(name)
    if len(plain) > LONGEST_NAME or not NAME.fullmatch(plain):
        raise UsageError(
            "no person is named" if not plain else "a name that could be read as another's",
            found=ascii(name)[:80],
            wanted="a login or an address: letters a to z, digits, between them . _ @ + -, at most 64",
            next_step="--by NAME, or STILLWATCH_BY in the environment",
        )  # fmt: skip
    return TAG.sub("", plain)


def stated(what: str, text: str) -> str:
    """A text that a person has to give. Raises UsageError where it is empty or too long."""
    words = text.strip() if isinstance(text, str) else ""
    longest = LONGEST.get(what, LONGEST["reason"])
    if not words or not any(letter.isalnum() for letter in words):
        raise UsageError(f"the {what} is missing", wanted="a sentence that the customer and a court may read")
    if len(words) > longest:
        raise UsageError(f"the {what} is too long", found=f"{len(words):,} letters", wanted=f"at most {longest:,}")
    return words


def moment(now: int) -> int:
    """A time that can be told. Raises UsageError for another."""
    if isinstance(now, bool) or not isinstance(now, int) or not 0 < now <= LAST_TIME:
        raise UsageError("no time of this calendar", found=str(now)[:40], wanted="microseconds since 1970")
    return now


def why_a_person(hit: Hit) -> str:
    """Why a rule may not put this in force by itself; empty where it may."""
    return person_for(hit.rung, hit.obligations)


def person_for(rung: Rung, obligations: Iterable[Obligation]) -> str:
    """Why nobody but a person may put a rung with these obligations in force; empty where a rule may."""
    if rung > AUTOMATIC_CEILING:
        return f"{rung.name.lower()}: above {AUTOMATIC_CEILING.name.lower()} a named person approves"
    for one in obligations:
        for name, value in one.settings:
            if isinstance(value, int) and value < LOWEST.get(name, 0):
                return f"{name} {value} shuts the account out in effect"
    return ""


def too_little_for(obligations: Iterable[Obligation], accounts: int) -> str:
    """Why a budget that so many accounts of a group share shuts them out in effect; empty where it does not. What each
    has of it may not be less than where `MOST_SHARING` accounts share the lowest limit."""
    for one in obligations:
        for name, value in one.settings:
            least = -(-LOWEST[name] * accounts // MOST_SHARING[name]) if name in MOST_SHARING else 0
            if isinstance(value, int) and value < least:
                return f"{name} {value} for {accounts:,} accounts together shuts them out in effect: {least:,} at least"
    return ""


def checked(hit: Hit) -> Hit:
    """The hit, if an action can be made of it. Raises UsageError where what an action must have is missing or wrong."""
    where = f"rule {ascii(hit.rule_id)[:80]}"
    stated("reason", hit.reason)
    stated("clause", hit.clause)
    wrong = (
        ("account", hit.account_id, bool(hit.account_id), "an account's id"),
        ("rule", hit.rule_id, bool(hit.rule_id), "a rule's id"),
        ("run", hit.run_id, bool(hit.run_id), "the id of the run that found it"),
        ("mode", hit.mode, hit.mode in MODES, " or ".join(MODES)),
        ("rung", hit.rung, isinstance(hit.rung, Rung), "a rung of the ladder"),
        ("reason code", hit.reason_code, hit.reason_code in REASON_CODES, ", ".join(REASON_CODES)),
        ("hours", hit.hours, type(hit.hours) is int and 1 <= hit.hours <= MOST_HOURS, f"1 to {MOST_HOURS}"),
    )
    for what, found, is_right, wanted in wrong:
        if not is_right:
            raise UsageError(f"the hit's {what} is wrong", where=where, found=ascii(found)[:80], wanted=wanted)
    for one in hit.obligations:
        _check_obligation(hit, one, where)
    return hit


def _check_obligation(hit: Hit, one: Obligation, where: str) -> None:
    least, names = OBLIGATIONS.get(one.type, (None, ()))
    if least is None:
        raise UsageError(
            "no such obligation", where=where, found=ascii(one.type)[:80], wanted=", ".join(sorted(OBLIGATIONS))
        )
    if hit.rung < least:
        raise UsageError(
            f"{one.type} is above the action's rung", where=where, found=hit.rung.name.lower(),
            wanted=f"{least.name.lower()} or above",
        )  # fmt: skip
    if bool(names) != bool(one.settings) or len(dict(one.settings)) < len(one.settings):
        raise UsageError(f"{one.type} lacks its settings", where=where, wanted=", ".join(names) or "no setting")
    for name, value in one.settings:
        if name not in names or not _is_setting(name, value):
            raise UsageError(
                f"a setting of {one.type} is wrong", where=where, found=ascii((name, value))[:80],
                wanted=f"{', '.join(names)}: a whole number above nought, one of {', '.join(CHALLENGES)}, or a model",
            )  # fmt: skip


def _is_setting(name: str, value: int | str) -> bool:
    if name == "kind":
        return value in CHALLENGES
    if name == "to":
        return isinstance(value, str) and bool(value.strip())
    return type(value) is int and 0 < value < 2**63
