"""What people and rules do by way of the ladder: propose, approve, decline, undo, appeal; and what time does.

Each function is one transaction of the casebook: all of it happens, or nothing. Time is passed in, microseconds since
1970. Whatever time has ended is noted first, so that nobody acts on what is over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from stillwatch.acting.evidence import Evidence
from stillwatch.errors import StillwatchError, UsageError
from stillwatch.records import Hit, Rung, is_accused
from stillwatch.respond import ladder
from stillwatch.respond.action import (
    HOUR,
    Action,
    State,
    Terms,
    checked,
    id_of,
    is_appealed,
    is_open,
    key_of,
    moment,
    person_named,
    too_little_for,
    touches,
    why_a_person,
)
from stillwatch.respond.bounds import (
    MOST_BY_HAND,
    beyond_all,
    changed_since,
    links_of,
    past_of,
    radii,
    reach,
    sharing,
    was_declined,
)
from stillwatch.respond.challenges import asked_by, is_done, still_passed, with_passed
from stillwatch.respond.written import written
from stillwatch.store.casebook.casebook import Casebook, Writer
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

CONTINUE_HOURS = 48
"""Hours before the end of what cannot be renewed in which a run that still hits proposes to go on."""

APPEALED = (State.IN_FORCE, State.PASSED)
"""States in which an appeal may wait for its answer."""

Judge: TypeAlias = Callable[[Sequence[Action], Mapping[str, list[Action]]], Mapping[str, str]]
"""Of actions, and all of their accounts' by account, what is said of single ones, by id; or it raises."""

NOT_ACCUSED = "the finding does not accuse this account"
PASSED = "the customer has passed what it asks, and hardly anything is new since"


@dataclass(frozen=True)
class Proposed:
    """What became of hits: the actions that are new, those that a later run renewed or repeated, and why others were
    passed over (action or hit id, reason)."""

    new: tuple[Action, ...]
    renewed: tuple[Action, ...]
    passed_over: tuple[tuple[str, str], ...]


def propose(
    store: Store, casebook: Casebook, hits: Sequence[Hit], now: int, terms: Terms, *, by: str = "", via: str = "",
    still: Callable[[], None] | None = None,
) -> Proposed:  # fmt: skip
    """Bring the hits of a run into the casebook. What a rule may do by itself is in force at once, for a time.

    The same hits again change nothing, in any order. `by` is a person who proposes by hand; such a proposal never
    begins by itself. `still` is asked once nobody else writes, and raises where what the hits rest on has changed. A
    casebook that rehearses takes all of it back. Raises UsageError where a hit lacks what an action must have, or a
    person asks for a higher cap than what is proposed by hand has; then nothing is changed.
    """
    if by and terms.cap > MOST_BY_HAND:
        raise UsageError(
            "who proposes cannot raise the cap beyond which two people approve", found=f"{terms.cap:,} accounts",
            wanted=f"{MOST_BY_HAND} at most",
        )  # fmt: skip
    who, accused = person_named(by) if by else "", accused_in(store, hits)
    work = _Proposing(hits, moment(now), terms, who, accused, Evidence(store))
    work.run(casebook, via, still)
    return Proposed(tuple(work.new), tuple(work.renewed), tuple(work.passed))


def accused_in(store: Store, hits: Iterable[Hit]) -> set[tuple[str, str, str]]:
    """Which (run, finding, account) of the hits are accused: suspected, operator or provider, even odds or more."""
    accused = set()
    for run_id in sorted({hit.run_id for hit in hits}):
        for finding in _findings(store, run_id):
            accused |= {
                (run_id, finding["campaign_id"], member["account_id"])
                for member in finding["members"]
                if is_accused(finding["status"], member["role"], member["probability"])
            }
    return accused


def _findings(store: Store, run_id: str) -> list[dict[str, Any]]:
    """The findings of a run; none where the run is gone."""
    try:
        answer = read_run(store, run_id)
    except StillwatchError:
        return []
    findings: list[dict[str, Any]] = answer["campaigns"]
    return findings if answer["run"]["run_id"] == run_id else []


class _Proposing:
    """One run of `propose`: hits, in the order of their ids, against what the casebook holds."""

    def __init__(
        self, hits: Sequence[Hit], now: int, terms: Terms, by: str, accused: set[tuple[str, str, str]],
        evidence: Evidence,
    ) -> None:  # fmt: skip
        self.now = now
        self.terms = terms
        self.by = by
        self.accused = accused
        self.evidence = evidence
        self.hits = _unique(hits, by)
        self.sharing: Mapping[str, int] = {}
        self.new: list[Action] = []
        self.renewed: list[Action] = []
        self.passed: list[tuple[str, str]] = []

    def run(self, casebook: Casebook, via: str, still: Callable[[], None] | None) -> None:
        """Do it, in one transaction. What the runs count of whoever has passed something is read before it begins, so
        that nobody waits for that; of whoever passes it in between, within."""
        self._read_before(casebook)
        with casebook.writing(self.by, via) as writer:
            if still:
                still()
            note_time(writer, self.now)
            past = writer.of_accounts(hit.account_id for hit in self.hits.values())
            fresh = [name for name in self.hits if self._is_fresh(writer, name, past)]
            standing = writer.find((State.PROPOSED, State.IN_FORCE))
            open_links = links_of(standing, of_rules=not self.by)
            wanted = [(h.campaign_id, h.account_id) for h in (self.hits[name] for name in fresh) if touches(h)]
            radius = radii([*open_links, *wanted, *self._named_beside([*open_links, *wanted])])
            self.sharing = self._sharing(standing, fresh)
            made = {name: self._made(self.hits[name], past, radius) for name in fresh}
            begins = [one for one in made.values() if one.needs == 0 and touches(one.hit)]
            flood = beyond_all(standing, begins, self.terms.cap) if begins else ""
            for one in made.values():
                stopped = flood and one.needs == 0 and touches(one.hit)
                self._add(writer, self._made(one.hit, past, radius, flood) if stopped else one)

    def _sharing(self, standing: Iterable[Action], fresh: Iterable[str]) -> Mapping[str, int]:
        """How many accounts share the budget of each campaign's limits. What is proposed by hand has one of its own."""
        held = [(one.hit, one.seen_as) for one in standing if not one.proposed_by]
        hits = [self.hits[name] for name in fresh]
        return {} if self.by else sharing([*held, *((hit, (hit.campaign_id,)) for hit in hits)])

    def _read_before(self, casebook: Casebook) -> None:
        """Read what step-ups rest on that would be asked again of whoever has passed them."""
        asked = [] if self.by else [h for h in self.hits.values() if asked_by(h.rung, h.obligations, h.reason_code)]
        past = casebook.of_accounts(hit.account_id for hit in asked)
        passed = {account for account, held in past.items() if any(one.passed for one in held)}
        wanted = [(hit.run_id, hit.account_id) for hit in asked if hit.account_id in passed]
        for run_id in sorted({run_id for run_id, _ in wanted}):
            self.evidence.read(run_id, [account for name, account in wanted if name == run_id])

    def _named_beside(self, links: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Campaigns that accuse an account which is acted on under another campaign's name: they are one, though no
        rule hits the account there."""
        reached = {account for _, account in links}
        return [(campaign, account) for _, campaign, account in self.accused if account in reached]

    def _is_fresh(self, writer: Writer, name: str, past: dict[str, list[Action]]) -> bool:
        """Whether a hit makes a new action; one that stands is renewed where a later run says the same."""
        hit = self.hits[name]
        earlier = past.get(hit.account_id, [])
        same = [one for one in earlier if key_of(one.hit, one.proposed_by) == key_of(hit, self.by)]
        if any(one.hit.run_id >= hit.run_id for one in same):
            return self._pass(name, "this run, or a later one, has said so before")
        standing = [one for one in same if is_open(one)]
        renewed = [writer.apply(one, ladder.HitAgain(hit), self.now) for one in standing]
        past[hit.account_id] = [one for one in earlier if one not in standing] + renewed
        self.renewed += renewed
        if renewed and not self._needs_going_on(renewed):
            return False
        if not self.by and was_declined(same, self.now):
            return self._pass(name, "a person declined it a few days ago")
        if why_a_person(hit) and hit.mode == "enforce" and not self._is_accused(hit):
            return self._pass(name, NOT_ACCUSED)
        return not is_done(self._asks_less(ladder.propose(hit, self.now, self.terms), same)) or self._pass(name, PASSED)

    def _asks_less(self, action: Action, earlier: Iterable[Action]) -> Action:
        """A rule's action without what the customer has passed of the same, unless what it rests on is new. `earlier`
        are actions of its account. A person may ask again."""
        key = key_of(action.hit, self.by)
        same = [one for one in earlier if key_of(one.hit, one.proposed_by) == key]
        if self.by or not any(one.passed for one in same):
            return action
        return with_passed(action, still_passed(same, lambda at: self.evidence.is_new(action.hit, at)))

    def _needs_going_on(self, standing: list[Action]) -> bool:
        """Whether all that stands is in force, and ends soon though the run still hits."""
        return all(
            one.state == State.IN_FORCE and one.expires_at - self.now <= CONTINUE_HOURS * HOUR
            and (one.bound_at is not None and one.expires_at >= one.bound_at)
            for one in standing
        )  # fmt: skip

    def _pass(self, name: str, because: str) -> bool:
        self.passed.append((name, because))
        return False

    def _is_accused(self, hit: Hit) -> bool:
        return (hit.run_id, hit.campaign_id, hit.account_id) in self.accused

    def _made(self, hit: Hit, past: Mapping[str, list[Action]], radius: Mapping[str, int], flood: str = "") -> Action:
        """The action of a fresh hit; `flood` says why a person is needed whatever else holds."""
        earlier = past.get(hit.account_id, [])
        said = past_of(earlier, self.now)
        person, most = "", None
        if touches(hit):
            person = flood or self._person(hit, said.person, earlier)
            most = said.automatic_left
        made = ladder.propose(
            hit, self.now, self.terms, by=self.by, person=person, most_hours=most,
            radius=radius.get(hit.campaign_id, 1) if touches(hit) else 1,
        )  # fmt: skip
        return self._asks_less(made, earlier)

    def _add(self, writer: Writer, action: Action) -> None:
        self.new.append(writer.add(action, begins=action.needs == 0 and action.state == State.PROPOSED))

    def _person(self, hit: Hit, cleared: str, earlier: list[Action]) -> str:
        """Why a rule needs a person here though its rung does not."""
        key = key_of(hit, self.by)
        standing = [one for one in earlier if one.state == State.IN_FORCE and key_of(one.hit, one.proposed_by) == key]
        if standing:
            return f"it goes on from {standing[0].action_id}, whose time ends"
        if hit.rung > Rung.VERIFY and not self._is_accused(hit):
            return NOT_ACCUSED
        return cleared or too_little_for(hit.obligations, self.sharing.get(hit.campaign_id, 1))


def _unique(hits: Iterable[Hit], by: str) -> dict[str, Hit]:
    """The hits by the id of the action that each makes, ascending. Of several that make one the first as written."""
    unique: dict[str, Hit] = {}
    for hit in sorted(
        map(checked, hits), key=lambda one: written(vars(one) | {"policy": vars(one.policy), "obligations": []})
    ):
        unique.setdefault(id_of(hit, by), hit)
    return dict(sorted(unique.items()))


def note_time(writer: Writer, now: int) -> list[Action]:
    """Note what time has ended: what expired, and what lapsed since nobody answered the appeal."""
    ended = []
    for action in writer.over(now):
        event = ladder.due(action, max(now, action.touched_at))
        if event is not None:
            ended.append(writer.apply(action, event, now))
    return ended


def sweep(casebook: Casebook, now: int) -> list[Action]:
    """Note what time has ended; the actions that ended. Whichever process comes first does it, once."""
    with casebook.writing() as writer:
        return note_time(writer, moment(now))


def approve(
    casebook: Casebook, names: Sequence[str], by: str, reason: str, now: int, *, via: str = "",
    reasons: Mapping[str, str] | None = None, judge: Judge | None = None,
) -> list[Action]:  # fmt: skip
    """One person approves proposals; those that have enough approvals begin. All of them, or none.

    `reasons` has what is said of single actions in place of `reason`, by id, and names what the person knows to stand
    against them; `judge` answers the same once nobody else writes, or raises. Raises UsageError where the person may
    not approve one of them, or where something on the account of another was taken back, or what it asks was passed,
    since it was proposed.
    """
    with casebook.writing(person_named(by), via) as writer:
        note_time(writer, moment(now))
        reached = reach(writer.find((State.PROPOSED, State.IN_FORCE)))
        after = []
        chosen = _chosen(writer, names)
        known = writer.of_accounts(action.hit.account_id for action in chosen)
        own = {**(reasons or {}), **(judge(chosen, known) if judge else {})}
        for action in chosen:
            said = own.get(action.action_id, reason)
            since = [why for why in changed_since(known[action.hit.account_id], action) if why not in said]
            if since:
                found = f"{action.action_id}: {'; '.join(since)}"
                raise UsageError("this proposal does not stand as it was made", found=found)
            one = writer.apply(action, ladder.Approve(by, said, reached(action)), now)
            enough = len(one.approvals) >= one.needs
            after.append(writer.apply(one, ladder.Begin(), now) if enough else one)
        return after


def decline(casebook: Casebook, names: Sequence[str], by: str, reason: str, now: int, *, via: str = "") -> list[Action]:
    """A person declines proposals, all of them or none."""
    return _each(casebook, names, lambda _: ladder.Decline(by, reason), by, now, via)


def undo(casebook: Casebook, names: Sequence[str], by: str, reason: str, now: int, *, via: str = "") -> list[Action]:
    """A person takes back what is in force, at once, all of it or none."""
    return _each(casebook, names, lambda _: ladder.Undo(by, reason), by, now, via)


def open_appeal(casebook: Casebook, name: str, statement: str, now: int, *, by: str = "", via: str = "") -> Action:
    """A customer appeals; `by` is who took it in, if anybody did."""
    return _each(casebook, [name], lambda _: ladder.OpenAppeal(statement, by), by, now, via)[0]


def answer_appeals(
    casebook: Casebook, names: Sequence[str], upheld: bool, by: str, reason: str, now: int, *, via: str = ""
) -> list[Action]:
    """A person who approved none of them and took none of the appeals in answers these, all of them alike."""
    return _each(casebook, names, lambda _: ladder.AnswerAppeal(upheld, by, reason), by, now, via)


def _each(
    casebook: Casebook, names: Sequence[str], event: Callable[[Action], ladder.Event], by: str, now: int, via: str
) -> list[Action]:
    with casebook.writing(person_named(by) if by else "", via) as writer:
        note_time(writer, moment(now))
        return [writer.apply(action, event(action), now) for action in _chosen(writer, names)]


def _chosen(writer: Writer, names: Sequence[str]) -> list[Action]:
    chosen = {action.action_id: action for action in writer.get_all(names)}
    if not chosen:
        raise UsageError("no action is named", next_step="stillwatch review lists proposals, stillwatch actions others")
    return [chosen[name] for name in sorted(chosen)]


def open_appeals(casebook: Casebook) -> list[Action]:
    """Actions with an appeal that nobody has answered, the earliest due first."""
    waiting = [one for one in casebook.find(APPEALED) if is_appealed(one)]
    return sorted(waiting, key=lambda one: (one.appeal.due_at if one.appeal else 0, one.action_id))
