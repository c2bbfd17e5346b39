"""What bounds actions together, what customers are told, and that an action survives being written down."""

import random
import string
from dataclasses import replace

import pytest

from stillwatch.records import CHALLENGES, REASON_CODES, Obligation, Rung
from stillwatch.respond import ladder, notices
from stillwatch.respond.action import HOUR, State
from stillwatch.respond.bounds import changed_since, past_of, radii, reach
from stillwatch.respond.challenges import is_done, still_passed, with_passed
from stillwatch.respond.ladder import AnswerAppeal, Approve, Begin, Expire, OpenAppeal, Pass, Undo, propose, step
from stillwatch.respond.written import action_read, action_text
from tests.respond.hits import NOW, OF_RUNG, TERMS, hit, run_id

HOSTILE = (
    "a\x00b",
    "a\ud800b",
    "\x1b[2J",
    "=cmd|' /C calc'!A1",
    "<script>alert(1)</script>",
    "\u202egnp",
    "x" * 100_000,
    "a\r\nb",
)


def slow_radii(links: list[tuple[str, str]]) -> dict[str, int]:
    """The same by walking from each campaign until nothing is new."""
    told = {}
    for start, _ in links:
        campaigns, accounts = {start}, set()
        while True:
            more = {a for c, a in links if c in campaigns}
            wider = campaigns | {c for c, a in links if a in more}
            if (more, wider) == (accounts, campaigns):
                break
            accounts, campaigns = more, wider
        told[start] = len(accounts)
    return told


def test_radii_are_those_of_a_slow_walk() -> None:
    for seed in range(200):
        draw = random.Random(seed)
        links = [(f"C-{draw.randrange(6)}", f"a{draw.randrange(12)}") for _ in range(draw.randrange(15))]
        assert dict(radii(links)) == slow_radii(links), seed
        assert radii(draw.sample(links, len(links))) == radii(links), seed


def test_what_nobody_approved_by_hand_counts_for_what_is_by_hand_alone() -> None:
    rules = [propose(hit(account_id=f"a{n}"), NOW, TERMS) for n in range(2)]
    by_hand = propose(hit(account_id="b"), NOW, TERMS, by="mallory")
    told = reach([*rules, by_hand])
    assert (told(rules[0]), told(by_hand)) == (2, 3)
    approved = step(by_hand, Approve("bob", "x"), NOW)
    assert reach([*rules, approved])(rules[0]) == 3


def begun(at: int = NOW, **given: object) -> ladder.Action:
    action = propose(hit(**given), at, TERMS)  # type: ignore[arg-type]
    action = step(action, Approve("alice", "Seen."), at) if action.needs else action
    return step(action, Begin(), at)


def test_automatic_hours_are_counted_once_where_they_overlap() -> None:
    held = [begun(hours=100), begun(hours=100, rule_id="other"), begun(NOW + 50 * HOUR, hours=60, rule_id="third")]
    assert past_of(held, NOW + 60 * HOUR).automatic_left == 168 - 110
    assert past_of(held, NOW + 800 * HOUR).automatic_left == 168
    assert past_of([begun(rung=Rung.SUSPEND), begun(rung=Rung.LABEL)], NOW).automatic_left == 168, "a person, no touch"
    ended = step(begun(hours=100), Undo("bob", "No."), NOW + 10 * HOUR)
    assert past_of([ended], NOW + 60 * HOUR).automatic_left == 158


def test_what_people_took_back_needs_a_person_for_ninety_days() -> None:
    undone = step(begun(), Undo("bob", "No."), NOW)
    waits = step(begun(), OpenAppeal("No."), NOW)
    moot = step(waits, Expire(), NOW + 24 * HOUR)
    upheld, rejected = (step(waits, AnswerAppeal(yes, "bob", "x"), NOW) for yes in (True, False))
    for action in (undone, waits, moot, upheld):
        assert past_of([action], NOW + 30 * HOUR).person, action.ended
        assert not past_of([action], NOW + 3000 * HOUR).person
    for action in (
        begun(),
        rejected,
        step(begun(), Expire(), NOW + 24 * HOUR),
        propose(hit(mode="shadow"), NOW, TERMS),
    ):
        assert not past_of([action], NOW + 30 * HOUR).person


def test_what_was_passed_speaks_against_no_other_rule() -> None:
    """Nor does an appeal that was open then, until it is upheld: else an appeal, and the step-up a day later, is ninety
    days of quiet."""
    passed = step(begun(rung=Rung.VERIFY), Pass("payment", "kyc", "Done."), NOW + HOUR)
    waits = step(begun(rung=Rung.VERIFY), OpenAppeal("No."), NOW)
    both = step(waits, Pass("payment", "kyc", "Done."), NOW + HOUR)
    rejected = step(both, AnswerAppeal(False, "bob", "x"), NOW + 2 * HOUR)
    for action in (passed, both, rejected):
        assert past_of([action], NOW + 2 * HOUR).person == ""
        assert past_of([action], NOW + 2 * HOUR).automatic_left == 167, "what it lasted counts"
        assert changed_since([action], propose(hit(), NOW, TERMS)) == []
    upheld = step(both, AnswerAppeal(True, "bob", "x"), NOW + 20 * HOUR)
    said = past_of([upheld], NOW + 30 * HOUR)
    assert "appeal upheld" in said.person and said.automatic_left == 167, "it touched nobody while the appeal waited"
    assert not past_of([upheld], NOW + 3000 * HOUR).person
    assert "taken back" in changed_since([upheld], propose(hit(), NOW, TERMS))[0]


def test_a_proposal_of_what_was_passed_since_does_not_stand_as_it_was_made() -> None:
    passed = step(begun(rung=Rung.VERIFY), Pass("payment", "kyc", "Done."), NOW + HOUR)
    for rule in ("limit-operators", "another"):
        waits = propose(hit(Rung.VERIFY, rule_id=rule), NOW, TERMS, person="x")
        (why,) = changed_since([passed], waits)
        assert "has passed what it asks (payment)" in why
    later = propose(hit(Rung.VERIFY), NOW + 2 * HOUR, TERMS)
    other = propose(hit(Rung.VERIFY, obligations=(Obligation("challenge", (("kind", "identity"),)),)), NOW, TERMS)
    assert changed_since([passed], later) == changed_since([passed], other) == []


def test_what_was_passed_is_asked_again_for_what_is_new_alone() -> None:
    passed = step(begun(rung=Rung.VERIFY), Pass("payment", "kyc", "Done."), NOW + HOUR)
    held = still_passed([passed], lambda at: at < NOW)
    assert [one.at for one in held] == [NOW + HOUR] and still_passed([passed], lambda at: at >= NOW) == ()
    again = with_passed(propose(hit(Rung.VERIFY), NOW, TERMS), held)
    assert is_done(again) and action_read(action_text(again)) == again
    assert '"passed"' not in action_text(begun()), "records from before stay as they were"
    other = propose(hit(Rung.VERIFY, obligations=(Obligation("challenge", (("kind", "identity"),)),)), NOW, TERMS)
    assert with_passed(other, held) == other and not is_done(other)


@pytest.mark.parametrize("rung", Rung)
@pytest.mark.parametrize("code", REASON_CODES)
def test_every_notice_says_what_until_when_and_how_to_appeal_and_no_more(rung: Rung, code: str) -> None:
    secret = {"reason": "score 0.97 of the ring C-1", "rule_id": "ring-rule", "severity": "critical-level"}
    action = begun(rung=rung, reason_code=code, **secret)
    told = notices.notice_of(action)
    if rung < Rung.VERIFY:
        assert told.text == ""
        return
    assert all((told.what, told.why, told.until, told.to_do)) and "UTC" in told.until
    assert f"https://provider.example/appeals/{action.action_id}" in told.appeal
    for word in ("0.97", "C-1", "ring", "critical", "alice", "acct_1", "lab"):
        assert word not in told.text
    assert told.as_dict()["text"] == told.text and notices.in_force_of(action).notice == told.text


def test_a_stolen_keys_owner_is_told_to_replace_it_and_a_reseller_is_asked() -> None:
    for kind in CHALLENGES:
        one = (Obligation("challenge", (("kind", kind),)),)
        text = notices.notice_of(begun(rung=Rung.VERIFY, obligations=one, reason_code="key_security")).text
        assert notices.CHALLENGE[kind] in text and "not accused" in text
    assert "Do you serve customers" in notices.notice_of(begun(reason_code="usage_review")).text


def test_a_fallback_is_visible() -> None:
    assert "small-1" in notices.notice_of(begun(rung=Rung.FALLBACK)).text


def test_nobody_is_told_of_what_is_not_in_force() -> None:
    for action in (propose(hit(mode="shadow"), NOW, TERMS), propose(hit(Rung.SUSPEND), NOW, TERMS),
                   step(begun(), Undo("bob", "x"), NOW)):  # fmt: skip
        assert notices.notice_of(action).text == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_ids_are_inert_and_survive_being_written_down(name: str) -> None:
    shown = notices.inert(name)
    assert set(shown) <= set(string.ascii_letters + string.digits + "._:@+-\\") and shown[0] not in "=+-@"
    assert len(shown) <= 80 * 10 + 3
    action = begun(account_id=name, campaign_id=name, rule_id=name, reason=f"Because {name[:99]}")
    text = action_text(action)
    assert text.isascii() and "\x00" not in text and action_read(text) == action


def test_every_kind_of_action_survives_being_written_down() -> None:
    waits = step(begun(), OpenAppeal("It is \ud800 not us."), NOW)
    for rung in Rung:
        assert action_read(action_text(propose(hit(rung), NOW, TERMS))).hit.obligations == OF_RUNG[rung]
    for action in (waits, step(waits, AnswerAppeal(True, "bob", "x"), NOW), begun(rung=Rung.SUSPEND)):
        assert action_read(action_text(action)) == action


def test_an_appeal_from_before_it_was_kept_who_took_it_in_is_written_as_it_was() -> None:
    old = step(begun(), OpenAppeal("No."), NOW)
    assert "taken_by" not in action_text(old) and action_read(action_text(old)) == old
    kept = step(begun(), OpenAppeal("No.", "carl"), NOW)
    assert '"taken_by":"carl"' in action_text(kept) and action_read(action_text(kept)) == kept


def test_what_was_written_past_the_ladder_does_not_stand() -> None:
    proposed = propose(hit(Rung.SUSPEND), NOW, TERMS)
    forged = replace(proposed, state=State.IN_FORCE, starts_at=NOW, needs=0)
    assert not ladder.stands(forged, NOW)
    own = replace(begun(rung=Rung.SUSPEND), proposed_by="alice")
    assert not ladder.stands(own, NOW) and ladder.stands(begun(rung=Rung.SUSPEND), NOW)
    assert ladder.stands(begun(run_id=run_id(3)), NOW)
