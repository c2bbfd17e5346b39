"""The ladder of actions: each state with each event, and random walks beside the rules written a second time."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stillwatch.errors import UsageError
from stillwatch.records import AUTOMATIC_CEILING, CHALLENGES, OBLIGATIONS, Hit, Obligation, Rung
from stillwatch.respond import action as actions
from stillwatch.respond import ladder
from stillwatch.respond.action import HOUR, LAST_TIME, Action, Outcome, State, Terms
from stillwatch.respond.challenges import left_of
from stillwatch.respond.ladder import (
    AnswerAppeal,
    AppealOverdue,
    Approve,
    Begin,
    Decline,
    Event,
    Expire,
    HitAgain,
    OpenAppeal,
    Pass,
    Undo,
    propose,
    step,
)
from stillwatch.respond.notices import CHALLENGE, in_force_of, notice_of
from tests.respond.hits import NOW, OF_RUNG, TERMS, hit, run_id
from tests.respond.slow_ladder import Slow

WHY = "Looked at the exchanges; the finding holds."
SEED = 7

LATER = NOW + 30 * HOUR


def begun(rung: Rung = Rung.SUSPEND, **given: Any) -> Action:
    action = propose(hit(rung, **given), NOW, TERMS)
    if action.needs:
        action = step(action, Approve("alice", WHY), NOW)
    return step(action, Begin(), NOW)


def in_state(state: State) -> Action:
    if state == State.SHADOW:
        return propose(hit(mode="shadow"), NOW, TERMS)
    proposed = propose(hit(Rung.SUSPEND), NOW, TERMS)
    if state == State.PROPOSED:
        return proposed
    if state == State.DECLINED:
        return step(proposed, Decline("bob", WHY), NOW)
    action = begun()
    ends = {
        State.UNDONE: Undo("bob", WHY), State.EXPIRED: Expire(), State.LAPSED: AnswerAppeal(True, "bob", WHY),
    }  # fmt: skip
    if state == State.PASSED:
        return step(begun(Rung.VERIFY), Pass("payment", "kyc", WHY), NOW)
    if state == State.LAPSED:
        action = step(action, OpenAppeal("It is not us."), NOW)
        return step(action, ends[state], NOW)
    return action if state == State.IN_FORCE else step(action, ends[state], LATER)


def appealed(action: Action) -> Action:
    return step(action, OpenAppeal("It is not us."), NOW) if action.state == State.IN_FORCE else action


EVENTS: dict[str, tuple[Event, bool, int]] = {
    "approve": (Approve("carol", WHY), False, NOW),
    "begin": (Begin(), False, NOW),
    "decline": (Decline("carol", WHY), False, NOW),
    "again": (HitAgain(hit(Rung.SUSPEND, run_id=run_id(9))), False, NOW),
    "expire": (Expire(), False, NOW + 400 * HOUR),
    "undo": (Undo("carol", WHY), False, NOW),
    "pass": (Pass("payment", "kyc", WHY), False, NOW),
    "appeal": (OpenAppeal("It is not us."), False, NOW),
    "uphold": (AnswerAppeal(True, "carol", WHY), True, NOW),
    "reject": (AnswerAppeal(False, "carol", WHY), True, NOW),
    "overdue": (AppealOverdue(), True, NOW + 168 * HOUR),
}

MAY = {
    State.PROPOSED: {"approve", "decline", "again", "expire"},
    State.IN_FORCE: {"again", "expire", "undo", "pass", "appeal", "uphold", "reject", "overdue"},
    State.SHADOW: {"again", "expire", "undo"},
    State.DECLINED: set(),
    State.EXPIRED: set(),
    State.UNDONE: set(),
    State.LAPSED: set(),
    State.PASSED: {"uphold", "reject"},
}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", State)
def test_every_state_with_every_event(state: State, name: str) -> None:
    event, on_appeal, now = EVENTS[name]
    action = in_state(state)
    if name == "overdue" and state == State.IN_FORCE:
        action = begun(hours=1000)
    if name == "pass" and state == State.IN_FORCE:
        action = begun(Rung.VERIFY)
    if on_appeal and state == State.PASSED:
        action = step(appealed(begun(Rung.VERIFY)), Pass("payment", "kyc", WHY), NOW)
    action = appealed(action) if on_appeal else action
    if state == State.SHADOW and name == "again":
        event = HitAgain(hit(mode="shadow", run_id=run_id(9)))
    if name in MAY[state]:
        after = step(action, event, now)
        assert after.version == action.version + 1 and after.touched_at == max(now, action.touched_at)
        return
    with pytest.raises(UsageError) as refused:
        step(action, event, now)
    told = str(refused.value)
    assert action.action_id in told and ("found" in told or "needs" in told)


def test_the_words_of_each_end() -> None:
    assert [in_state(s).ended for s in State] == [
        "", "", "", "declined", "its time was over", "undone", "appeal upheld", "passed",
    ]  # fmt: skip
    late = step(appealed(begun(hours=1000)), AppealOverdue(), NOW + 168 * HOUR)
    assert (late.state, late.ended) == (State.LAPSED, "appeal not answered in time")
    assert late.appeal is not None and late.appeal.outcome == Outcome.UNANSWERED


@pytest.mark.parametrize("rung", Rung)
def test_a_rule_alone_reaches_the_ceiling_and_no_further(rung: Rung) -> None:
    action = propose(hit(rung), NOW, TERMS)
    if rung <= AUTOMATIC_CEILING:
        assert step(action, Begin(), NOW).state == State.IN_FORCE
        return
    with pytest.raises(UsageError, match="1 more person"):
        step(action, Begin(), NOW)
    with pytest.raises(UsageError, match="a rule cannot"):
        step(replace(action, needs=0), Begin(), NOW)


@pytest.mark.parametrize(
    ("rung", "obligation", "words"),
    [
        (Rung.LIMIT, Obligation("hold"), "above the action's rung"),
        (Rung.LABEL, Obligation("challenge", (("kind", "payment"),)), "above the action's rung"),
        (Rung.SUSPEND, Obligation("delete"), "no such obligation"),
        (Rung.LIMIT, Obligation("rate_limit"), "lacks its settings"),
        (Rung.LIMIT, Obligation("rate_limit", (("requests_per_minute", 0),)), "is wrong"),
        (Rung.LIMIT, Obligation("rate_limit", (("requests_per_minute", True),)), "is wrong"),
        (Rung.LIMIT, Obligation("rate_limit", (("requests_per_second", 5),)), "is wrong"),
        (Rung.VERIFY, Obligation("challenge", (("kind", "blood"),)), "is wrong"),
        (Rung.SUSPEND, Obligation("hold", (("a", 1),)), "lacks its settings"),
        (Rung.FALLBACK, Obligation("fallback_model", (("to", " "),)), "is wrong"),
    ],
)
def test_an_obligation_that_the_rung_does_not_carry_makes_no_action(rung: Rung, obligation: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        propose(hit(rung, obligations=(obligation,)), NOW, TERMS)


def test_every_obligation_passes_on_its_own_rung() -> None:
    settings = {"challenge": (("kind", "rotate_key"),), "fallback_model": (("to", "m"),)}
    for name, (rung, wants) in OBLIGATIONS.items():
        one = Obligation(name, settings.get(name, ((wants[0], 4096),) if wants else ()))
        assert propose(hit(rung, obligations=(one,)), NOW, TERMS).hit.obligations == (one,)


@pytest.mark.parametrize("low", [("requests_per_minute", 1), ("max_tokens", 1), ("tokens_per_minute", 5)])
def test_a_limit_that_shuts_out_in_effect_needs_a_person(low: tuple[str, int]) -> None:
    name = "cap_max_tokens" if low[0] == "max_tokens" else "rate_limit"
    action = propose(hit(obligations=(Obligation(name, (low,)),)), NOW, TERMS)
    assert action.needs == 1 and "in effect" in action.person
    with pytest.raises(UsageError):
        step(action, Begin(), NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " "}, {"reason": "!!"}, {"clause": ""}, {"hours": 0}, {"hours": 2161}, {"hours": True},
        {"reason_code": "because"}, {"mode": "silent"}, {"account_id": ""}, {"run_id": ""}, {"rung": 6},
        {"reason": "x" * 4001}, {"rule_id": ""},
    ],
)  # fmt: skip
def test_no_action_without_what_it_must_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        propose(replace(hit(), **wrong), NOW, TERMS)


@pytest.mark.parametrize("url", ["", "  ", "#"])
def test_no_action_without_a_way_to_appeal(url: str) -> None:
    with pytest.raises(UsageError, match="appeal"):
        propose(hit(), NOW, replace(TERMS, appeal_url=url))


@pytest.mark.parametrize("now", [0, -1, LAST_TIME + 1, 1.5, True, None])
def test_no_time_of_this_calendar(now: Any) -> None:
    with pytest.raises(UsageError, match="calendar"):
        propose(hit(), now, TERMS)
    with pytest.raises(UsageError, match="calendar"):
        step(begun(), Undo("bob", WHY), now)


def test_times_at_the_end_of_the_calendar_do_not_overflow() -> None:
    assert propose(hit(), LAST_TIME, TERMS).expires_at == LAST_TIME


def test_nobody_is_two_people() -> None:
    action = propose(hit(Rung.SUSPEND), NOW, TERMS, radius=6)
    assert action.needs == 2
    once = step(action, Approve("alice", WHY, 6), NOW)
    for again in ("alice", "Alice", " ALICE ", "alice+second", "\u00a0alice\u3000", "ALICE+"[:5]):
        with pytest.raises(UsageError, match="already"):
            step(once, Approve(again, WHY, 6), NOW)
    for unclear in (
        "аlice",
        "alice\u200b",
        "al ice",
        "",
        "ａlice",
        "alice\x00",
        "a" * 65,
        "-alice",
        "alice.",
        "alice+",
        "ali..ce",
        "alice@",
        "al\u0131ce",
        "alice\u0301",
        "\U000e0061lice",
        b"alice",
    ):
        with pytest.raises(UsageError, match=r"person is named|another's"):
            step(once, Approve(unclear, WHY, 6), NOW)
    tagged = step(propose(hit(Rung.SUSPEND), NOW, TERMS, radius=6), Approve("al@x.com", WHY, 6), NOW)
    with pytest.raises(UsageError, match="already"):
        step(tagged, Approve("al+work@x.com", WHY, 6), NOW)
    kelvin = step(propose(hit(Rung.SUSPEND), NOW, TERMS, radius=6), Approve("kim", WHY, 6), NOW)
    with pytest.raises(UsageError, match="already"):
        step(kelvin, Approve("\u212aim", WHY, 6), NOW)
    with pytest.raises(UsageError, match="1 more person"):
        step(once, Begin(), NOW)
    assert step(step(once, Approve("bob", WHY, 6), NOW), Begin(), NOW).state == State.IN_FORCE


def test_a_group_that_grew_needs_the_second_person_at_the_second_look() -> None:
    action = step(propose(hit(Rung.SUSPEND), NOW, TERMS, radius=5), Approve("alice", WHY, 6), NOW)
    with pytest.raises(UsageError, match="1 more person"):
        step(action, Begin(), NOW)


def test_who_proposed_by_hand_neither_approves_nor_answers() -> None:
    action = propose(hit(), NOW, TERMS, by="Mallory")
    assert action.needs == 1
    with pytest.raises(UsageError, match="nobody approves"):
        step(action, Approve("mallory", WHY), NOW)
    action = step(step(step(action, Approve("alice", WHY), NOW), Begin(), NOW), OpenAppeal("no"), NOW)
    for who in ("mallory", "alice"):
        with pytest.raises(UsageError, match="nobody answers"):
            step(action, AnswerAppeal(False, who, WHY), NOW)
    assert step(action, AnswerAppeal(False, "bob", WHY), NOW).state == State.IN_FORCE


def test_who_took_an_appeal_in_does_not_answer_it() -> None:
    action = step(begun(), OpenAppeal("Please.", " Carl "), NOW)
    assert action.appeal is not None and action.appeal.taken_by == "carl"
    for upheld in (True, False):
        with pytest.raises(UsageError, match="took in"):
            step(action, AnswerAppeal(upheld, "CARL", WHY), NOW)
    assert step(action, AnswerAppeal(False, "bob", WHY), NOW).appeal.outcome == Outcome.REJECTED  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="another's"):
        step(begun(), OpenAppeal("Please.", "c\u0430rl"), NOW)


def challenge(kind: str) -> Obligation:
    return Obligation("challenge", (("kind", kind),))


def test_a_step_up_ends_with_the_last_of_its_challenges() -> None:
    both = (challenge("payment"), challenge("identity"))
    action = begun(Rung.VERIFY, obligations=both)
    once = step(action, Pass("identity", "KYC", "Document read."), NOW + HOUR)
    assert (once.state, left_of(once), once.passed[0].by) == (State.IN_FORCE, ("payment",), "kyc")
    assert in_force_of(once).obligations == both[:1]
    assert CHALLENGE["payment"] in notice_of(once).text and CHALLENGE["identity"] not in notice_of(once).text
    with pytest.raises(UsageError, match="asks for no such challenge"):
        step(once, Pass("identity", "kyc", WHY), NOW + HOUR)
    again = step(once, HitAgain(hit(Rung.VERIFY, obligations=both, run_id=run_id(9))), NOW + 2 * HOUR)
    assert left_of(again) == ("payment",), "a run that says the same asks no more than before"
    done = step(again, Pass("payment", "kyc", WHY), NOW + 3 * HOUR)
    assert (done.state, done.ended, [one.kind for one in done.passed]) == (
        State.PASSED, "passed", ["identity", "payment"],
    )  # fmt: skip
    assert not ladder.stands(done, NOW + 3 * HOUR) and not notice_of(done).text


def test_a_step_up_that_names_no_challenge_is_passed_by_what_gateways_are_told() -> None:
    for code, kind in (("key_security", "rotate_key"), ("verification_needed", "identity")):
        action = begun(Rung.VERIFY, obligations=(), reason_code=code)
        assert left_of(action) == (kind,) and CHALLENGE[kind] in notice_of(action).text
        with pytest.raises(UsageError, match="no such challenge"):
            step(action, Pass("payment", "kyc", WHY), NOW)
        assert step(action, Pass(kind, "kyc", WHY), NOW).state == State.PASSED


def test_what_stands_beside_a_challenge_goes_on_when_it_is_passed() -> None:
    limit = (*OF_RUNG[Rung.LIMIT], challenge("identity"))
    after = step(begun(Rung.LIMIT, obligations=limit), Pass("identity", "kyc", WHY), NOW)
    assert after.state == State.IN_FORCE and in_force_of(after).obligations == OF_RUNG[Rung.LIMIT]
    assert after.expires_at == begun(Rung.LIMIT).expires_at and ladder.stands(after, NOW)


def test_nothing_is_passed_without_who_says_so_and_why_or_after_its_time() -> None:
    action = begun(Rung.VERIFY)
    for event in (Pass("payment", "", WHY), Pass("payment", "kyc", " "), Pass("blood", "kyc", WHY)):
        with pytest.raises(UsageError):
            step(action, event, NOW)
    with pytest.raises(UsageError, match="is over"):
        step(action, Pass("payment", "kyc", WHY), action.expires_at)
    shadow = propose(hit(Rung.VERIFY, mode="shadow"), NOW, TERMS)
    with pytest.raises(UsageError, match="cannot be passed"):
        step(shadow, Pass("payment", "kyc", WHY), NOW)


def test_an_appeal_against_what_was_passed_is_answered_all_the_same() -> None:
    """Who appeals and complies has not given the appeal up: without end, since nothing is in force meanwhile."""
    action = step(appealed(begun(Rung.VERIFY)), Pass("payment", "kyc", WHY), NOW + HOUR)
    assert action.appeal is not None and (action.state, action.appeal.outcome) == (State.PASSED, Outcome.OPEN)
    for now in (NOW + HOUR, NOW + 1000 * HOUR):
        assert ladder.due(action, now) is None and not ladder.stands(action, now)
        upheld, rejected = (step(action, AnswerAppeal(yes, "bob", WHY), now) for yes in (True, False))
        assert (upheld.state, upheld.ended, upheld.passed) == (State.LAPSED, "appeal upheld", action.passed)
        assert (rejected.state, rejected.ended) == (State.PASSED, "passed")
        for after in (upheld, rejected):
            with pytest.raises(UsageError):
                step(after, AnswerAppeal(True, "carol", WHY), now)
    taken = step(begun(Rung.VERIFY), OpenAppeal("No.", "carl"), NOW)
    with pytest.raises(UsageError, match="took in"):
        step(step(taken, Pass("payment", "kyc", WHY), NOW), AnswerAppeal(False, "carl", WHY), NOW)
    with pytest.raises(UsageError, match="no open appeal"):
        step(in_state(State.PASSED), AnswerAppeal(True, "bob", WHY), NOW)
    with pytest.raises(UsageError, match="cannot be appealed"):
        step(in_state(State.PASSED), OpenAppeal("late"), NOW)


def test_a_limit_whose_challenge_was_passed_is_still_appealed_against() -> None:
    held = (*OF_RUNG[Rung.LIMIT], challenge("identity"))
    waits = step(appealed(begun(Rung.LIMIT, obligations=held)), Pass("identity", "kyc", WHY), NOW + HOUR)
    assert waits.appeal is not None and waits.appeal.outcome == Outcome.OPEN, "the limit is still appealed against"


def test_where_an_appeal_is_due_as_the_action_ends_it_lapses() -> None:
    waits = appealed(begun(Rung.LIMIT, hours=72))
    assert waits.appeal is not None and waits.appeal.due_at == waits.expires_at
    assert ladder.due(waits, waits.expires_at) == AppealOverdue() and ladder.due(waits, waits.expires_at - 1) is None


def test_an_appeal_is_made_once() -> None:
    action = step(appealed(begun()), AnswerAppeal(False, "bob", WHY), NOW)
    for _ in range(10):
        with pytest.raises(UsageError, match="has been appealed"):
            step(action, OpenAppeal("again"), NOW)


def test_a_clock_that_goes_back_makes_nothing_last_longer() -> None:
    action = begun(Rung.LIMIT)
    again = step(action, HitAgain(hit(run_id=run_id(9))), NOW - 1000 * HOUR)
    assert again.expires_at == action.expires_at and again.touched_at == NOW
    waits = step(again, OpenAppeal("no"), 1)
    assert waits.appeal is not None and waits.appeal.due_at == NOW + 72 * HOUR
    assert step(waits, Undo("bob", WHY), 1).state == State.UNDONE
    assert not ladder.stands(action, NOW - 1) and ladder.stands(action, NOW)


def test_nobody_approves_or_begins_what_is_over() -> None:
    action, late = propose(hit(Rung.SUSPEND), NOW, TERMS), NOW + 336 * HOUR
    for moment, event in ((late, Approve("alice", WHY)), (late, Begin())):
        with pytest.raises(UsageError, match="is over"):
            step(step(action, Approve("bob", WHY), NOW), event, moment)
    assert step(action, Approve("alice", WHY), late - 1).approvals


def test_renewal_ends_at_the_bound() -> None:
    action = begun(Rung.LIMIT, hours=100)
    for number in range(9, 40):
        now = NOW + (number - 8) * 12 * HOUR
        if ladder.due(action, now):
            break
        action = step(action, HitAgain(hit(run_id=run_id(number), hours=100)), now)
    assert action.expires_at == NOW + 168 * HOUR


def test_no_run_renews_what_a_person_approved_or_a_customer_appeals_against() -> None:
    approved = begun(Rung.SUSPEND)
    assert (
        step(approved, HitAgain(hit(Rung.SUSPEND, run_id=run_id(9))), LATER - 10 * HOUR).expires_at
        == approved.expires_at
    )
    waits = appealed(begun(Rung.LIMIT))
    assert step(waits, HitAgain(hit(run_id=run_id(9))), LATER - 10 * HOUR).expires_at == waits.expires_at


def test_runs_keep_no_approval_alive_for_months() -> None:
    """Alice approved what was known in March; Bob cannot add his to it in June."""
    once = step(propose(hit(Rung.SUSPEND), NOW, TERMS, radius=6), Approve("alice", WHY, 6), NOW)
    late = NOW + 335 * HOUR
    again = step(once, HitAgain(hit(Rung.SUSPEND, run_id=run_id(9))), late)
    assert again.expires_at == once.expires_at == NOW + 336 * HOUR and again.hit.run_id == run_id(9)
    with pytest.raises(UsageError, match="is over"):
        step(again, Approve("bob", WHY, 6), NOW + 336 * HOUR)
    waits = step(propose(hit(Rung.SUSPEND), NOW, TERMS), HitAgain(hit(Rung.SUSPEND, run_id=run_id(9))), late)
    assert waits.expires_at == late + 336 * HOUR, "nobody has approved it, and it waits on"


def test_a_hit_of_another_rule_or_an_earlier_run_renews_nothing() -> None:
    action = begun(Rung.LIMIT)
    for other in (hit(rule_id="x"), hit(account_id="acct_2"), hit(Rung.VERIFY), hit(mode="shadow")):
        with pytest.raises(UsageError, match="not that of action"):
            step(action, HitAgain(replace(other, run_id=run_id(9))), NOW)
    with pytest.raises(UsageError, match="not a later one"):
        step(action, HitAgain(hit()), NOW)


# ---------------------------------------------------------------------------------------------- random walks

PEOPLE = ("alice", "bob", "carol")


def random_hit(draw: random.Random) -> Hit:
    rung = draw.choice(tuple(Rung))
    low = Obligation("rate_limit", (("requests_per_minute", 2),))
    obligations = (low,) if rung == Rung.LIMIT and draw.random() < 0.2 else OF_RUNG[rung]
    if rung >= Rung.VERIFY and draw.random() < 0.3:
        obligations = (*obligations, Obligation("challenge", (("kind", draw.choice(CHALLENGES[1:])),)))
    if rung == Rung.VERIFY and draw.random() < 0.2:
        obligations = ()
    return hit(
        rung, mode=draw.choice(("enforce",) * 6 + ("shadow",)), hours=draw.choice((1, 24, 100, 168, 169, 700, 2160)),
        obligations=obligations, run_id=run_id(1),
    )  # fmt: skip


def random_event(draw: random.Random, slow: Slow, turn: int, now: int) -> tuple[str, Event, dict[str, Any]]:
    by, radius, hours = draw.choice(PEOPLE), draw.choice((1, 1, 5, 6, 40)), draw.choice((1, 24, 168, 2000))
    run = run_id(draw.choice((1, turn + 2, turn + 2, turn + 2)))
    taken_by = by if turn % 2 else ""
    kind = draw.choice((*slow.asked(), draw.choice(CHALLENGES)))
    makers: dict[str, Callable[[], Event]] = {
        "approve": lambda: Approve(by, WHY, radius), "begin": Begin, "decline": lambda: Decline(by, WHY),
        "again": lambda: HitAgain(replace(slow.hit, run_id=run, hours=hours)), "expire": Expire,
        "undo": lambda: Undo(by, WHY), "pass": lambda: Pass(kind, by, WHY),
        "appeal": lambda: OpenAppeal("It is not us.", taken_by),
        "uphold": lambda: AnswerAppeal(True, by, WHY), "reject": lambda: AnswerAppeal(False, by, WHY),
        "overdue": AppealOverdue,
    }  # fmt: skip
    facts = {"by": by, "taken_by": taken_by, "radius": radius, "run": run, "hours": hours, "kind": kind}
    likely = [name for name in makers if slow.may(name, now, facts) and name not in ("decline", "undo")]
    what = draw.choice(likely if likely and draw.random() < 0.6 else tuple(makers))
    if "pass" in likely and slow.appeal_waits() and draw.random() < 0.5:
        what = "pass"  # who appeals and complies is rare otherwise
    return what, makers[what](), facts


def check_rightful(action: Action, cap: int) -> None:
    """What must hold of every action at any time."""
    people = {one.by for one in action.approvals}
    assert action.hit.reason and action.hit.clause and action.terms.appeal_url
    assert action.expires_at > action.proposed_at
    assert action.proposed_by not in people
    assert len(people) == len(action.approvals)
    if action.starts_at is not None and action.hit.mode == "enforce":
        assert action.hit.rung <= AUTOMATIC_CEILING or people
        assert action.radius <= cap or action.hit.rung < Rung.VERIFY or len(people) >= 2
        assert not action.proposed_by or people
        most = actions.MOST_HOURS if people else actions.MOST_AUTOMATIC
        assert action.expires_at - action.starts_at <= most * HOUR
    if action.appeal is not None and action.appeal.by:
        assert action.appeal.by not in people | {action.proposed_by, action.appeal.taken_by}
    if action.hit.mode == "shadow":
        assert action.state in (State.SHADOW, State.EXPIRED, State.UNDONE)


SPOILED: tuple[dict[str, Any], ...] = (
    {"reason": ""}, {"reason": " \n"}, {"clause": ""}, {"clause": "…"}, {"hours": 0}, {"hours": 10**9},
    {"hours": None}, {"account_id": ""}, {"reason_code": ""}, {"mode": ""}, {"run_id": ""},
)  # fmt: skip
"""What an action must have, taken from a hit."""


def check_refused(draw: random.Random, first: Hit, terms: Terms, action: Action | None, now: int) -> None:
    """A hit without reason, clause, end, or anything else makes no action and renews none; nor do terms without a way
    to appeal."""
    spoiled = replace(first, **draw.choice(SPOILED))
    with pytest.raises(UsageError):
        propose(spoiled, now, terms, by=draw.choice(("", "alice")))
    with pytest.raises(UsageError):
        propose(first, now, replace(terms, appeal_url=draw.choice(("", " ", "/"))))
    if action is not None:
        with pytest.raises(UsageError):
            step(action, HitAgain(replace(spoiled, run_id=spoiled.run_id and run_id(99))), now)


def check_ways_out(action: Action, now: int) -> None:
    """Who is touched is told until when and how to appeal, can appeal once, and anybody named can take it back."""
    if action.state != State.IN_FORCE:
        assert not notice_of(action).text
        return
    assert step(action, Undo("dora", WHY), now).state == State.UNDONE
    told = notice_of(action).text
    assert not actions.touches(action.hit) or (action.action_id in told and "p.example" in told and "ends on" in told)
    assert all(CHALLENGE[kind] in told for kind in left_of(action))
    at = max(now, action.touched_at)
    if action.appeal is None and ladder.due(action, at) is None:
        after = step(action, OpenAppeal("It is not us."), now)
        assert after.appeal is not None
        late = max(at, min(after.appeal.due_at, after.expires_at))
        assert not ladder.stands(after, late), "nobody answers, and it ends"


def walk(seed: int) -> Counter[str]:
    """One walk, with the rules written a second time beside it; what happened in it, and how often."""
    draw = random.Random(seed)
    first, by = random_hit(draw), draw.choice(("", "", "alice"))
    person, left = draw.random() < 0.15, draw.choice((None, None, 0, 5, 168))
    radius, now = draw.choice((1, 1, 5, 6, 40)), NOW
    action = propose(
        first, now, Terms(5, "https://p.example"), by=by, radius=radius, person="x" if person else "", most_hours=left
    )
    slow = Slow(first, by, person, left, radius, 5, now)
    seen: Counter[str] = Counter(actions=1)
    for turn in range(draw.randrange(4, 16)):
        now += draw.choice((-50, 0, 0, 0, 0, 0, 1, 1, 6, 24, 80, 200)) * HOUR
        now = max(now, 1)
        what, event, facts = random_event(draw, slow, turn, now)
        may = slow.may(what, now, facts)
        before = action
        try:
            action = step(action, event, now)
            assert may, f"seed {seed}: {what} was allowed in {slow.state()} at turn {turn}"
            slow.do(what, now, facts)
            seen[what] += 1
        except UsageError:
            assert not may, f"seed {seed}: {what} was refused in {slow.state()} at turn {turn}"
            seen["refused"] += 1
        told = f"seed {seed}, turn {turn}, {what}"
        assert action.state == slow.state(), told
        assert action.needs == slow.needs(), told
        assert left_of(action) == tuple(slow.asked_still()), told
        if not slow.ended():
            assert action.expires_at == slow.expiry(), told
            due = action.appeal.due_at if action.appeal and action.appeal.outcome == Outcome.OPEN else None
            assert due == slow.due(), told
        answered = before.state == State.PASSED and what in ("uphold", "reject")
        assert not before.ended or action == before or answered, told
        seen["answered after it was passed"] += answered and action != before
        assert action.touched_at >= before.touched_at, told
        check_rightful(action, 5)
        check_ways_out(action, now)
        if draw.random() < 0.2:
            check_refused(draw, first, action.terms, action, now)
            seen["spoiled"] += 1
        seen[f"{action.state}"] += 1
        seen["suspended"] += action.state == State.IN_FORCE and action.hit.rung == Rung.SUSPEND
        seen["suspended by nobody"] += (
            action.starts_at is not None and action.hit.mode == "enforce" and action.hit.rung > AUTOMATIC_CEILING
            and not action.approvals
        )  # fmt: skip
    if action.starts_at is not None and action.hit.mode == "enforce":
        seen["began by itself" if not action.approvals else "began by people"] += 1
    return seen


def walks(count: int) -> Counter[str]:
    print(f"walks of seeds {SEED} to {SEED + count - 1}")
    total: Counter[str] = Counter()
    for seed in range(SEED, SEED + count):
        total += walk(seed)
    print(dict(sorted(total.items())))
    return total


NAMES = (*EVENTS, *map(str, State), "refused", "suspended", "spoiled", "answered after it was passed")
"""What walks have to come upon."""


@pytest.mark.slow
def test_random_walks_follow_the_rules() -> None:
    total = walks(600)
    assert all(total[name] > 0 for name in NAMES), total
    assert total["suspended by nobody"] == 0


@pytest.mark.slow
def test_ten_thousand_random_walks_and_no_automatic_suspension() -> None:
    total = walks(10_000)
    assert all(total[name] > 20 for name in NAMES), total
    assert total["actions"] == 10_000 and total["suspended by nobody"] == 0
    assert total["began by itself"] > 500 and total["began by people"] > 500
