"""What bounds actions together: how many accounts of one campaign they touch, and what an account's past says.

A campaign's id changes from run to run. Campaigns that share an account count as one, so that a cap cannot be passed
by and by, a run at a time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stillwatch.records import Hit, Rung
from stillwatch.respond.action import HOUR, MOST_AUTOMATIC, MOST_SHARING, Action, Outcome, State, touches
from stillwatch.respond.challenges import is_done, passed_since
from stillwatch.respond.ladder import is_automatic

AUTOMATIC_WITHIN = 672
"""Hours (28 days) within which what touches an account without a person adds up to `MOST_AUTOMATIC` at most."""

CLEARED_HOURS = 2160
"""Hours (90 days) for which a rule needs a person where people took an earlier action of the account back."""

MOST_BY_HAND = 20
"""Accounts of a campaign beyond which two people approve what was proposed by hand. Who proposes cannot raise it."""

MOST_AT_ONCE = 10
"""Times the blast radius: so many accounts may rules touch at once by themselves, in all campaigns together. Beyond it
a person looks before anything more begins, since a detection that went wrong errs in many groups at once."""

DECLINED_HOURS = 168
"""Hours for which what a person declined is not proposed again."""

KEPT_HOURS = 4320
"""Hours (180 days) for which a case is kept after its end at least: customers may complain, and bounds look back."""

TOUCHED = (State.PROPOSED, State.IN_FORCE)


@dataclass(frozen=True)
class Past:
    """What an account's earlier actions say: the automatic hours that are left, and why a rule needs a person."""

    automatic_left: int
    person: str


def radii(links: Iterable[tuple[str, str]]) -> Mapping[str, int]:
    """For each campaign of (campaign, account) the accounts of it and of all that share one with it."""
    pairs = set(links)
    groups = groups_of(pairs)
    accounts: dict[str, set[str]] = {}
    for campaign, account in pairs:
        accounts.setdefault(groups[campaign], set()).add(account)
    return {campaign: len(accounts[group]) for campaign, group in groups.items()}


def groups_of(links: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """For each campaign of (campaign, account) the least id of those that it shares an account with, one by one."""
    root: dict[str, str] = {}

    def found(name: str) -> str:
        root.setdefault(name, name)
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    pairs = set(links)
    for campaign, account in pairs:
        one, other = found("c" + campaign), found("a" + account)
        root[max(one, other)] = min(one, other)
    least: dict[str, str] = {}
    for campaign, _ in pairs:
        here = found("c" + campaign)
        least[here] = min(least.get(here, campaign), campaign)
    return {campaign: least[found("c" + campaign)] for campaign, _ in pairs}


def links_of(actions: Iterable[Action], *, of_rules: bool = False) -> list[tuple[str, str]]:
    """The (campaign, account) pairs of actions that touch somebody or may, by every id that the campaign has had.

    What a person proposed by hand and nobody approved is left out where the links are `of_rules`: nobody alone makes a
    rule's campaign larger than its cap. What is proposed by hand is itself bounded by all.
    """
    held = (action for action in actions if action.state in TOUCHED and touches(action.hit))
    if of_rules:
        held = (action for action in held if not is_one_persons(action))
    return [(campaign, action.hit.account_id) for action in held for campaign in action.seen_as]


def sharing(hits: Iterable[tuple[Hit, Iterable[str]]]) -> Mapping[str, int]:
    """For each campaign how many accounts share the budget of its limits, of rules' hits, each with every id that its
    campaign has had. Campaigns share one if they have an account in common on which anything from a limit on is done.
    """
    held = [(hit, names) for hit, names in hits if touches(hit) and hit.rung >= Rung.LIMIT]
    groups = groups_of((name, hit.account_id) for hit, names in held for name in names if name)
    accounts: dict[str, set[str]] = {}
    for hit, names in held:
        for name in names if is_shared(hit) else ():
            accounts.setdefault(groups.get(name, ""), set()).add(hit.account_id)
    return {name: len(accounts.get(group, ())) for name, group in groups.items()}


def is_shared(hit: Hit) -> bool:
    """Whether it limits what a group has one budget of."""
    return any(name in MOST_SHARING for one in hit.obligations for name, _ in one.settings)


def reach(actions: Sequence[Action]) -> Callable[[Action], int]:
    """For each of the actions how many accounts its campaign's actions reach, as `links_of` has it for rules' and for
    what is proposed by hand."""
    of_rules, of_people = radii(links_of(actions, of_rules=True)), radii(links_of(actions))
    return lambda one: (of_people if one.proposed_by else of_rules).get(one.hit.campaign_id, 1)


def is_one_persons(action: Action) -> bool:
    """Whether one person alone stands behind it: proposed by hand, and approved by nobody."""
    return bool(action.proposed_by) and action.state == State.PROPOSED and not action.approvals


def beyond_all(standing: Iterable[Action], begins: Iterable[Action], cap: int) -> str:
    """Why nothing more begins by itself: rules would touch too many accounts at once, in however many campaigns; empty
    where they would not. `standing` is open, `begins` would begin."""
    held = (one for one in standing if one.state == State.IN_FORCE and is_automatic(one) and touches(one.hit))
    reached = len({one.hit.account_id for part in (held, begins) for one in part})
    if reached <= MOST_AT_ONCE * cap:
        return ""
    return f"rules would act on {reached:,} accounts at once, in all campaigns; {MOST_AT_ONCE * cap:,} at most"


def changed_since(earlier: Sequence[Action], action: Action) -> list[str]:
    """In sentences, what whoever proposed or approved this before did not know: that something of the account was taken
    back after it was proposed, or that the customer has passed since what it asks. `earlier` are actions of its
    account."""
    done = passed_since(earlier, action)
    asked = f"the customer has passed what it asks ({done}) after it was proposed" if done else ""
    return [why for why in (_taken_back_since(earlier, action), asked) if why]


def _taken_back_since(earlier: Iterable[Action], action: Action) -> str:
    """What of an account was undone, or ended by its appeal, after this was proposed; empty where nothing was."""
    for other in earlier:
        ended = other.state in (State.UNDONE, State.LAPSED) and other.hit.mode == "enforce"
        if ended and other.touched_at >= action.proposed_at:
            return f"{other.action_id} on the same account was taken back after it was proposed: {other.ended}"
    return ""


def past_of(earlier: Sequence[Action], now: int) -> Past:
    """What an account's earlier actions say at a time. Actions in shadow say nothing."""
    real = [action for action in earlier if action.hit.mode == "enforce"]
    return Past(max(0, MOST_AUTOMATIC - _automatic_hours(real, now)), _cleared(real, now))


def _automatic_hours(actions: Sequence[Action], now: int) -> int:
    """Hours of the last 28 days, begun ones whole, in which something touched the account without a person."""
    first = now - AUTOMATIC_WITHIN * HOUR
    spans = sorted(
        (max(a.starts_at, first), _end(a))
        for a in actions
        if a.starts_at is not None and is_automatic(a) and a.hit.rung >= Rung.VERIFY and _end(a) > first
    )
    total, reached = 0, first
    for start, end in spans:
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return -(-total // HOUR)


def _end(action: Action) -> int:
    """When it ended; where it is open, when it will. A step-up ended when it was passed, also where its appeal was
    answered later."""
    if action.state == State.IN_FORCE:
        return action.expires_at
    last = max(one.at for one in action.passed) if is_done(action) else action.touched_at
    return min(action.expires_at, last)


def _cleared(actions: Sequence[Action], now: int) -> str:
    """Why a rule needs a person: what people took back, an appeal upheld after the step-up was passed among it. What a
    customer passed says nothing, nor does the appeal while nobody has answered it: else an appeal, and what was asked a
    day later, would be ninety days without any rule."""
    for action in sorted(actions, key=lambda a: (-a.touched_at, a.action_id)):
        if action.state == State.PASSED or now - action.touched_at >= CLEARED_HOURS * HOUR:
            continue
        if action.state in (State.UNDONE, State.LAPSED):
            return f"an earlier action, {action.action_id}, was taken back: {action.ended}"
        if action.appeal is not None and action.appeal.outcome in (Outcome.OPEN, Outcome.MOOT):
            return f"an appeal against an earlier action, {action.action_id}, was not answered"
    return ""


def was_declined(earlier: Iterable[Action], now: int) -> bool:
    """Whether a person declined one of these within the last days."""
    return any(a.state == State.DECLINED and now - a.touched_at < DECLINED_HOURS * HOUR for a in earlier)
