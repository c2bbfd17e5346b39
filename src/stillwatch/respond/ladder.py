"""The ladder as a state machine: what may become of an action, by whom, and when. Pure: the clock is passed in.

proposed ──approve…begin──▶ in_force ──▶ expired · undone · passed · lapsed (appeal upheld, or unanswered in time)
   └──▶ declined · expired          shadow (what would have been) ──▶ expired · undone
passed ──▶ lapsed (the appeal that was open is upheld all the same)

Nothing above `AUTOMATIC_CEILING` begins without a named person, nothing begins without reason, clause, expiry and a way
to appeal, and undoing is always possible. A clock that goes backwards never makes an action last longer: what happens
is noted at the latest time that the action has seen.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from stillwatch.errors import UsageError
from stillwatch.records import Hit
from stillwatch.respond.action import (
    HOUR,
    LAST_TIME,
    MOST_AUTOMATIC,
    MOST_HOURS,
    PROPOSAL_HOURS,
    Action,
    Appeal,
    Approval,
    Outcome,
    Passed,
    State,
    Terms,
    checked,
    id_of,
    is_appealed,
    key_of,
    moment,
    person_named,
    stated,
    touches,
    why_a_person,
)
from stillwatch.respond.address import appeal_address
from stillwatch.respond.challenges import is_done, left_of


@dataclass(frozen=True)
class Approve:
    """A person approves. `radius` counts the accounts of the campaign that are proposed or in force now."""

    by: str
    reason: str
    radius: int = 1


@dataclass(frozen=True)
class Decline:
    """A person says no to a proposal."""

    by: str
    reason: str


@dataclass(frozen=True)
class Begin:
    """It is put in force: by itself, or since enough people approved."""


@dataclass(frozen=True)
class HitAgain:
    """A later run says the same. An automatic action is renewed within its bound; others note it."""

    hit: Hit


@dataclass(frozen=True)
class Expire:
    """Its time is over."""


@dataclass(frozen=True)
class Undo:
    """A person takes it back."""

    by: str
    reason: str


@dataclass(frozen=True)
class Pass:
    """Who checks it says that the customer has passed a challenge of this kind. A step-up ends with its last one."""

    kind: str
    by: str
    reason: str


@dataclass(frozen=True)
class OpenAppeal:
    """The customer appeals; `by` is who took it in, if anybody did."""

    statement: str
    by: str = ""


@dataclass(frozen=True)
class AnswerAppeal:
    """A person who neither approved the action nor took the appeal in answers it."""

    upheld: bool
    by: str
    reason: str


@dataclass(frozen=True)
class AppealOverdue:
    """Nobody has answered the appeal in time."""


Event: TypeAlias = (
    Approve | Decline | Begin | HitAgain | Expire | Undo | Pass | OpenAppeal | AnswerAppeal | AppealOverdue
)  # fmt: skip


def needed(hit: Hit, by: str, person: str, radius: int, cap: int) -> int:
    """How many people approve: two beyond the blast radius, one where a rule alone may not, else nobody."""
    if hit.mode != "enforce":
        return 0
    if touches(hit) and radius > cap:
        return 2
    return int(bool(by or person or why_a_person(hit)))


def propose(
    hit: Hit, now: int, terms: Terms, *, by: str = "", radius: int = 1, person: str = "", most_hours: int | None = None
) -> Action:
    """The action that a hit makes: proposed, or noted as what would have been. It is not in force yet.

    `by` is the person who proposes by hand, empty for a rule; `person` says why this one needs a person though its rung
    does not; `most_hours` is what is left of the account's automatic hours. Raises UsageError where the hit, the terms
    or the time do not make an action.
    """
    at = moment(now)
    proposer = person_named(by) if by else ""
    hit = checked(hit)
    most = MOST_AUTOMATIC if most_hours is None else min(most_hours, MOST_AUTOMATIC)
    person = person or ("its automatic hours are used up" if most < 1 else why_a_person(hit))
    appeal_address(terms.appeal_url)
    if min(terms.cap, terms.automatic_hours, terms.person_hours) < 0 or radius < 1:
        raise UsageError("the policy's terms are wrong", found=ascii(terms)[:200], wanted="numbers from nought")
    shadow = hit.mode != "enforce"
    needs = needed(hit, proposer, person, radius, terms.cap)
    hours = hit.hours if needs or shadow else min(hit.hours, most)
    lasts = hours if shadow else PROPOSAL_HOURS
    return Action(
        action_id=id_of(hit, proposer), hit=replace(hit, hours=hours), proposed_by=proposer, needs=needs,
        person=person, radius=radius, seen_as=(hit.campaign_id,), terms=terms,
        state=State.SHADOW if shadow else State.PROPOSED, proposed_at=at, starts_at=at if shadow else None,
        expires_at=min(at + lasts * HOUR, LAST_TIME),
        bound_at=None if needs or shadow else min(at + most * HOUR, LAST_TIME),
        touched_at=at,
    )  # fmt: skip


def step(action: Action, event: Event, now: int) -> Action:
    """The action after an event. Raises UsageError, and changes nothing, where the event is not allowed."""
    at = max(moment(now), action.touched_at)
    if not isinstance(event, Event):
        raise UsageError("no event of the ladder", found=type(event).__name__)
    states = ALLOWED[type(event)]
    if action.state not in states:
        raise _refused(action, event)
    after = _step(action, event, at)
    return replace(after, touched_at=at, version=action.version + 1)


def _step(action: Action, event: Event, at: int) -> Action:  # noqa: PLR0911
    match event:
        case Approve():
            return _approved(action, event, at)
        case Begin():
            return _begun(action, at)
        case HitAgain():
            return _hit_again(action, event, at)
        case Expire():
            return _expired(action, at)
        case Decline():
            person_named(event.by), stated("reason", event.reason)
            return replace(action, state=State.DECLINED, ended="declined")
        case Undo():
            person_named(event.by), stated("reason", event.reason)
            return _closed(action, State.UNDONE, "undone", at)
        case Pass():
            return _passed(action, event, at)
        case OpenAppeal():
            return _appealed(action, event, at)
        case AnswerAppeal():
            return _answered(action, event, at)
        case AppealOverdue():
            return _overdue(action, at)


ALLOWED: dict[type, tuple[State, ...]] = {
    Approve: (State.PROPOSED,),
    Begin: (State.PROPOSED,),
    Decline: (State.PROPOSED,),
    HitAgain: (State.PROPOSED, State.IN_FORCE, State.SHADOW),
    Expire: (State.PROPOSED, State.IN_FORCE, State.SHADOW),
    Undo: (State.IN_FORCE, State.SHADOW),
    Pass: (State.IN_FORCE,),
    OpenAppeal: (State.IN_FORCE,),
    AnswerAppeal: (State.IN_FORCE, State.PASSED),
    AppealOverdue: (State.IN_FORCE,),
}
"""In which states each event may come."""

WORDS = {
    Approve: "approved", Begin: "begun", Decline: "declined", HitAgain: "renewed", Expire: "expired", Undo: "undone",
    Pass: "passed", OpenAppeal: "appealed", AnswerAppeal: "answered", AppealOverdue: "overdue",
}  # fmt: skip
"""What an event made of an action, as the audit trail says it."""

_NEXT = {
    Undo: {State.PROPOSED: "stillwatch decline takes a proposal back"},
    Decline: {State.IN_FORCE: "stillwatch undo takes back what is in force"},
    OpenAppeal: {State.PROPOSED: "nothing is done to the account yet", State.SHADOW: "nothing was done to the account"},
}


def _refused(action: Action, event: Event) -> UsageError:
    told = f"{action.state.value}{f' ({action.ended})' if action.ended else ''}"
    return UsageError(
        f"action {action.action_id} cannot be {WORDS[type(event)]}", found=told,
        wanted=" or ".join(state.value for state in ALLOWED[type(event)]),
        next_step=_NEXT.get(type(event), {}).get(action.state, ""),
    )  # fmt: skip


def is_over(action: Action, now: int) -> bool:
    """Whether its time is over, though nobody has noted it yet."""
    return now >= action.expires_at


def is_overdue(action: Action, now: int) -> bool:
    """Whether its appeal has waited too long, though nobody has noted it yet."""
    return is_appealed(action) and action.appeal is not None and now >= action.appeal.due_at


def due(action: Action, now: int) -> Event | None:
    """What time has made of the action and nobody has noted: it expired, or its appeal waited too long; the earlier."""
    if action.state not in ALLOWED[Expire]:
        return None
    if is_overdue(action, now) and action.appeal and action.appeal.due_at <= action.expires_at:
        return AppealOverdue()
    return Expire() if is_over(action, now) else None


def _in_time(action: Action, at: int) -> None:
    if due(action, at) is not None:
        raise UsageError(f"the time of action {action.action_id} is over", wanted="an action that is still open")


def _approved(action: Action, event: Approve, at: int) -> Action:
    _in_time(action, at)
    by = person_named(event.by)
    reason = stated("reason", event.reason)
    if by == action.proposed_by:
        raise UsageError(
            "nobody approves what they proposed", found=by, wanted="another person", next_step="ask a colleague"
        )
    if any(by == one.by for one in action.approvals):
        raise UsageError(
            f"{by} has approved action {action.action_id} already", wanted=f"{action.needs} different people"
        )
    radius = max(event.radius, 1)
    needs = max(action.needs, needed(action.hit, action.proposed_by, action.person, radius, action.terms.cap))
    approvals = (*action.approvals, Approval(by, reason, at))
    return replace(action, approvals=approvals, needs=needs, radius=max(radius, action.radius))


def _begun(action: Action, at: int) -> Action:
    _in_time(action, at)
    lacking = action.needs - len({one.by for one in action.approvals})
    if lacking > 0:
        raise UsageError(
            f"action {action.action_id} needs {lacking} more {'person' if lacking == 1 else 'people'} to approve it",
            found=", ".join(one.by for one in action.approvals) or "nobody's approval",
            wanted=f"{action.needs} different people" if action.needs > 1 else "a named person",
        )  # fmt: skip
    if not action.approvals and why_a_person(action.hit):
        raise UsageError(f"a rule cannot begin action {action.action_id}", wanted="a named person")
    ends = min(at + action.hit.hours * HOUR, LAST_TIME)
    bound = ends if action.approvals else action.bound_at
    return replace(action, state=State.IN_FORCE, starts_at=at, expires_at=min(ends, bound or ends), bound_at=bound)


def is_automatic(action: Action) -> bool:
    """Whether no person stands behind it."""
    return action.needs == 0 and not action.approvals


def _hit_again(action: Action, event: HitAgain, at: int) -> Action:
    """A later finding takes the earlier one's place. Where no person is needed the end moves, within the bound. A
    proposal waits on, but not one that somebody has approved: an approval is of what was known then."""
    _in_time(action, at)
    hit = checked(event.hit)
    if key_of(hit, action.proposed_by) != key_of(action.hit, action.proposed_by):
        raise UsageError(f"the hit is not that of action {action.action_id}", found=ascii(hit.rule_id)[:80])
    if hit.run_id <= action.hit.run_id:
        raise UsageError("the run is not a later one", found=hit.run_id[:80], wanted=f"after {action.hit.run_id[:80]}")
    seen_as = tuple(sorted({*action.seen_as, hit.campaign_id}))
    seen = replace(action, seen_as=seen_as, hit=replace(action.hit, run_id=hit.run_id, campaign_id=hit.campaign_id))
    if action.state == State.PROPOSED and action.approvals:
        return seen
    if action.state == State.PROPOSED:
        return replace(seen, expires_at=min(at + PROPOSAL_HOURS * HOUR, LAST_TIME))
    waits = action.appeal is not None and action.appeal.outcome == Outcome.OPEN
    if action.state == State.SHADOW or not is_automatic(action) or waits or action.bound_at is None:
        return seen
    wanted = min(at + min(hit.hours, MOST_AUTOMATIC) * HOUR, action.bound_at)
    return replace(seen, expires_at=max(action.expires_at, wanted))


def _passed(action: Action, event: Pass, at: int) -> Action:
    _in_time(action, at)
    by, left = person_named(event.by), left_of(action)
    stated("reason", event.reason)
    if event.kind not in left:
        raise UsageError(
            f"action {action.action_id} asks for no such challenge", found=ascii(event.kind)[:80],
            wanted=" or ".join(left) or "an action that asks for one",
        )  # fmt: skip
    after = replace(action, passed=(*action.passed, Passed(event.kind, by, at)))
    return replace(after, state=State.PASSED, ended="passed") if is_done(after) else after


def _expired(action: Action, at: int) -> Action:
    if not isinstance(due(action, at), Expire):
        raise UsageError(
            f"action {action.action_id} has not expired", found=str(at), wanted=f"{action.expires_at} or later"
        )
    ended = "nobody decided" if action.state == State.PROPOSED else "its time was over"
    return _closed(action, State.EXPIRED, ended, at)


def _closed(action: Action, state: State, ended: str, at: int, outcome: Outcome = Outcome.MOOT) -> Action:
    appeal = action.appeal
    if appeal is not None and appeal.outcome == Outcome.OPEN:
        appeal = replace(appeal, outcome=outcome, answered_at=at)
    return replace(action, state=state, ended=ended, appeal=appeal)


def _appealed(action: Action, event: OpenAppeal, at: int) -> Action:
    _in_time(action, at)
    if action.appeal is not None:
        waits = action.appeal.outcome == Outcome.OPEN
        raise UsageError(
            f"action {action.action_id} has been appealed against", found=action.appeal.outcome.value,
            wanted="one appeal an action", next_step="it is answered by its term" if waits else "",
        )  # fmt: skip
    hours = action.terms.automatic_hours if is_automatic(action) else action.terms.person_hours
    taken_by = person_named(event.by) if event.by else ""
    appeal = Appeal(at, min(at + hours * HOUR, LAST_TIME), stated("statement", event.statement), taken_by=taken_by)
    return replace(action, appeal=appeal)


def _answered(action: Action, event: AnswerAppeal, at: int) -> Action:
    by, reason = person_named(event.by), stated("reason", event.reason)
    if action.appeal is None or not is_appealed(action):
        raise UsageError(
            f"action {action.action_id} has no open appeal", found=action.appeal.outcome.value if action.appeal else ""
        )
    _in_time(action, at)
    if by == action.proposed_by or any(by == one.by for one in action.approvals):
        raise UsageError(
            "nobody answers an appeal against what they proposed or approved", found=by, wanted="another person"
        )
    if by == action.appeal.taken_by:
        raise UsageError("nobody answers an appeal that they took in", found=by, wanted="another person")
    outcome = Outcome.UPHELD if event.upheld else Outcome.REJECTED
    appeal = replace(action.appeal, outcome=outcome, by=by, reason=reason, answered_at=at)
    if event.upheld:
        return replace(action, state=State.LAPSED, ended="appeal upheld", appeal=appeal)
    return replace(action, appeal=appeal)


def _overdue(action: Action, at: int) -> Action:
    if not isinstance(due(action, at), AppealOverdue):
        raise UsageError(f"no appeal against action {action.action_id} is overdue", found=str(at))
    return _closed(action, State.LAPSED, "appeal not answered in time", at, Outcome.UNANSWERED)


def stands(action: Action, now: int) -> bool:
    """Whether it holds at a time: begun, not over, and as the ladder makes it. What somebody wrote past the ladder,
    say a suspension that nobody approved, or a limit without end, does not stand."""
    if action.starts_at is None or action.starts_at > now:
        return False
    people = len({one.by for one in action.approvals} - {action.proposed_by})
    rightful = action.state == State.SHADOW or (people >= action.needs and (people > 0 or not why_a_person(action.hit)))
    most = MOST_HOURS if people or action.state == State.SHADOW else MOST_AUTOMATIC
    bounded = action.expires_at - action.starts_at <= most * HOUR
    return action.state in (State.IN_FORCE, State.SHADOW) and bounded and due(action, now) is None and rightful
