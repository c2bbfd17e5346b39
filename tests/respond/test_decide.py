"""Decisions and budgets, pure: order, jitter, merging, and what a group can get out of a budget."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.records import OBLIGATIONS, REASON_CODES, InForce, Obligation, PolicyRef, Rung
from stillwatch.respond.budgets import BURST, Budgets
from stillwatch.respond.decide import SECOND, VERDICTS, Ask, Timing, begins, decide, merged
from stillwatch.respond.leases import LEASE

NOW = 1_800_000_000 * SECOND
HOUR = 3600 * SECOND
TIMING = Timing(b"s" * 32, 900, 30)
PROMPT = Timing(b"s" * 32, 0, 30)


def action(number: int = 1, rung: Rung = Rung.LIMIT, **more: object) -> InForce:
    held = {
        "action_id": f"A-{number}", "account_id": "a", "group": "", "rung": rung, "obligations": (),
        "mode": "enforce", "reason_code": "usage_review", "notice": f"notice {number}", "appeal_url": "",
        "starts_at": NOW - HOUR, "expires_at": NOW + 24 * HOUR, "policy": PolicyRef("p", "1", "h"),
    }  # fmt: skip
    return InForce(**{**held, **more})  # type: ignore[arg-type]


@st.composite
def actions(draw: st.DrawFn) -> InForce:
    rung = draw(st.sampled_from(list(Rung)))
    kinds = draw(st.lists(st.sampled_from(sorted(OBLIGATIONS)), max_size=3, unique=True))
    obliged = tuple(
        Obligation(
            kind, tuple((name, "identity" if name in ("kind", "to") else 10) for name in OBLIGATIONS[kind][1][:1])
        )
        for kind in kinds
    )
    return action(
        draw(st.integers(1, 30)), rung, obligations=obliged, mode=draw(st.sampled_from(["shadow", "enforce"])),
        group=draw(st.sampled_from(["", "C-1", "C-2"])), reason_code=draw(st.sampled_from(REASON_CODES)),
        starts_at=NOW + draw(st.integers(-10, 10)) * HOUR, expires_at=NOW + draw(st.integers(-10, 10)) * HOUR,
    )  # fmt: skip


@pytest.mark.slow
@given(st.lists(actions(), max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_decision_follows_from_the_set_of_actions(held: list[InForce], chance: random.Random) -> None:
    held = list({one.action_id: one for one in held}.values())
    ruling = decide(Ask("a", "r"), held, NOW, PROMPT, Budgets(), 0.0)
    shuffled = list(held)
    chance.shuffle(shuffled)
    again = decide(Ask("a", "r"), shuffled, NOW, PROMPT, Budgets(), 0.0)
    assert again.decision == ruling.decision
    said = ruling.decision
    standing = [one for one in held if one.starts_at <= NOW < one.expires_at]
    enforced = [one for one in standing if one.mode == "enforce"]
    top = max((one.rung for one in enforced), default=Rung.OBSERVE)
    assert said.verdict == VERDICTS[top], "shadow, expired and future actions say nothing"
    if said.verdict == "allow":
        assert not said.obligations and not said.reason_codes and not said.notice
    assert said.ttl_s * SECOND <= min((one.expires_at - NOW for one in standing), default=HOUR)
    assert 0 <= said.ttl_s <= 38
    assert set(ruling.shadow) == {one for one in standing if one.mode == "shadow"}


def test_a_suspension_is_not_softened_by_what_stands_beside_it() -> None:
    limit = action(1, obligations=(Obligation("rate_limit", (("requests_per_minute", 1),)),), reason_code="usage_limit")
    said = decide(Ask("a", "r"), [limit, action(2, Rung.SUSPEND)], NOW, PROMPT, Budgets(), 0.0).decision
    assert said.verdict == "deny" and [one.type for one in said.obligations] == ["hold"]
    assert said.reason_codes == ("usage_review",) and said.notice == "notice 2" and not said.retry_after_s


def test_a_step_up_beside_others_speaks_for_itself_and_uses_up_nothing() -> None:
    """The customer is stopped for want of a verification: to be told of a limit, or of another model, would mislead."""
    limit = (Obligation("rate_limit", (("requests_per_minute", 1),)),)
    held = [
        action(1, obligations=limit, reason_code="usage_limit", group="G"),
        action(2, Rung.FALLBACK, obligations=(Obligation("fallback_model", (("to", "small"),)),)),
        action(3, Rung.VERIFY, reason_code="verification_needed", group="G"),
    ]
    budgets = Budgets()
    for _ in range(30):
        said = decide(Ask("a", "r"), held, NOW, PROMPT, budgets, 0.0).decision
    assert (said.verdict, said.action, said.notice) == ("modify", "fallback", "notice 3")
    assert said.reason_codes == ("verification_needed", "usage_review", "usage_limit")
    assert not said.retry_after_s and said.ttl_s > 0 and len(budgets) == 0


def test_the_action_whose_budget_is_used_up_speaks() -> None:
    def limit(number: int, a_minute: int, **more: object) -> InForce:
        return action(number, obligations=(Obligation("rate_limit", (("requests_per_minute", a_minute),)),), **more)

    held = [limit(1, 10**6, expires_at=NOW + 9 * SECOND), limit(2, 1, reason_code="usage_limit")]
    budgets = Budgets()
    said = [decide(Ask("a", "r"), held, NOW, PROMPT, budgets, 0.0).decision for _ in range(3)][-1]
    assert (said.verdict, said.notice, said.reason_codes, said.ends_s) == ("deny", "notice 2", ("usage_limit",), 9)


def test_a_step_up_without_a_challenge_has_one() -> None:
    for reason, kind in (("key_security", "rotate_key"), ("verification_needed", "identity")):
        said = decide(Ask("a", "r"), [action(1, Rung.VERIFY, reason_code=reason)], NOW, PROMPT, Budgets(), 0.0).decision
        assert said.obligations == (Obligation("challenge", (("kind", kind),)),)


def test_the_stricter_of_two_limits_holds() -> None:
    def limit(**numbers: int) -> tuple[Obligation, ...]:
        return (Obligation("rate_limit", tuple(sorted(numbers.items()))),)

    both = merged([limit(requests_per_minute=60, concurrency=4), limit(requests_per_minute=30, tokens_per_minute=9)])
    assert both == limit(requests_per_minute=30, concurrency=4, tokens_per_minute=9)


def test_beginnings_are_spread_and_cannot_be_told_without_the_key() -> None:
    held = [action(number) for number in range(400)]
    delays = [begins(one, TIMING) - one.starts_at for one in held]
    assert delays == [begins(one, TIMING) - one.starts_at for one in held]
    assert min(delays) >= 0 and max(delays) <= 900 * SECOND
    quarters = [sum(q * 225 <= delay / SECOND < (q + 1) * 225 for delay in delays) for q in range(4)]
    assert min(quarters) > 60, "over the whole of the time"
    other = Timing(b"t" * 32, 900, 30)
    assert sum(begins(one, other) == begins(one, TIMING) for one in held) < 5
    short = action(1, starts_at=NOW, expires_at=NOW + 400 * SECOND)
    assert begins(short, TIMING) <= NOW + 100 * SECOND
    assert begins(action(1, reason_code="key_security"), TIMING) == NOW - HOUR, "help is not delayed"


def test_an_answer_before_the_beginning_does_not_tell_of_it() -> None:
    """A short ttl would tell an evader that something is about to happen."""
    later = action(1, starts_at=NOW + 5 * SECOND)
    asks = [Ask("a", f"r{n}") for n in range(300)]
    ttls = {decide(ask, [later], NOW, PROMPT, Budgets(), 0.0).decision.ttl_s for ask in asks}
    assert ttls == {decide(ask, [], NOW, PROMPT, Budgets(), 0.0).decision.ttl_s for ask in asks}
    assert min(ttls) >= 23 and max(ttls) <= 37 and len(ttls) > 10


def test_decision_ids_differ() -> None:
    ids = {decide(Ask("a", f"r{n}"), [], NOW, TIMING, Budgets(), 0.0).decision.decision_id for n in range(1000)}
    assert len(ids) == 1000


@given(
    st.integers(1, 600),
    st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from(["a", "b", "c"])), min_size=50, max_size=300),
)
@settings(max_examples=60, deadline=None)
def test_no_minute_gives_a_group_more_than_its_rate_and_burst(limit: int, asked: list[tuple[float, str]]) -> None:
    budgets, now, passed = Budgets(), 0.0, []
    for gap, _ in asked:
        now += gap
        if budgets.take("g", {"requests_per_minute": limit}, 0, now) == 0:
            passed.append(now)
    for start in passed:
        within = sum(start <= one < start + 60 for one in passed)
        assert within <= limit * (60 + BURST) / 60 + 2


def test_who_waits_as_told_gets_through_and_the_rate_is_reached() -> None:
    budgets, now, passed = Budgets(), 0.0, 0
    while now < 600:
        wait = budgets.take("g", {"requests_per_minute": 120}, 0, now)
        passed += wait == 0
        now += wait + 1e-6 if wait else 0.001
    assert 1200 <= passed <= 1200 * 1.05


def test_tokens_are_charged_and_one_huge_request_is_not_for_ever() -> None:
    budgets = Budgets()
    assert budgets.take("g", {"tokens_per_minute": 1000}, 2**31 - 1, 0.0) == 0
    wait = budgets.take("g", {"tokens_per_minute": 1000}, 1, 0.0)
    assert 0 < wait <= 60
    assert budgets.take("g", {"tokens_per_minute": 1000}, 1, wait + 0.001) == 0
    assert budgets.take("h", {"tokens_per_minute": 1000}, 0, 0.0) == 0


def test_a_request_that_is_refused_is_charged_nowhere() -> None:
    budgets = Budgets()
    limits = {"requests_per_minute": 6, "tokens_per_minute": 10**9}
    for _ in range(50):
        budgets.take("g", limits, 10**6, 0.0)
    assert budgets._paid["g", "tokens_per_minute"] <= 1, "two passed: their tokens alone"


def test_two_workers_together_give_no_more_than_the_whole() -> None:
    several = [Budgets(0.25) for _ in range(4)]
    passed = sum(one.take("g", {"requests_per_minute": 60}, 0, now / 10) == 0 for now in range(1200) for one in several)
    assert passed <= 60 * (120 + BURST) / 60 + 8


def test_leases_end_by_themselves_and_twice_is_once() -> None:
    budgets = Budgets()
    assert [budgets.take("g", {"concurrency": 2}, 0, 0.0, name) for name in ("a", "a", "b")] == [0, 0, 0]
    assert budgets.take("g", {"concurrency": 2}, 0, 1.0, "c") > 0
    budgets.end("g", "nobody")
    assert budgets.take("g", {"concurrency": 2}, 0, 1.0, "c") > 0
    assert budgets.take("g", {"concurrency": 2}, 0, LEASE + 0.1, "c") == 0
    budgets.end("g", "c")
    assert len(budgets) == 0


def test_state_is_bounded_and_what_owes_most_is_kept() -> None:
    budgets = Budgets(most=100)
    for _ in range(3):
        budgets.take("evader", {"requests_per_minute": 6}, 0, 0.0)
    for number in range(1000):
        budgets.take(f"g{number}", {"requests_per_minute": 60}, 0, 0.001)
        budgets.take(f"g{number}", {"concurrency": 3}, 0, 0.001, "x")
        assert len(budgets._paid) <= 101 and budgets.leases.groups() <= 101
    assert budgets.take("evader", {"requests_per_minute": 6}, 0, 0.01) > 0


def test_two_limits_on_one_budget_charge_a_request_once_by_the_stricter() -> None:
    held = [
        action(n, group="C-1", obligations=(Obligation("rate_limit", (("requests_per_minute", rate),)),))
        for n, rate in ((1, 60), (2, 20))
    ]
    budgets, let_in = Budgets(), 0
    for number in range(600):
        said = decide(Ask("a", f"r{number}"), held, NOW, PROMPT, budgets, number * 0.1).decision
        let_in += said.verdict != "deny"
        assert said.verdict != "deny" or said.notice == "notice 2"
    assert 20 <= let_in <= 25


def test_a_request_that_one_of_two_groups_has_no_room_for_runs_in_neither() -> None:
    """It is told to wait, so nobody says that it has ended: the other group would be one short for ten minutes."""

    def at_once(number: int, group: str, many: int) -> InForce:
        return action(number, group=group, obligations=(Obligation("rate_limit", (("concurrency", many),)),))

    both = [at_once(1, "C-1", 2), at_once(2, "C-2", 1)]
    budgets = Budgets()

    def asked(name: str, held: list[InForce]) -> str:
        return decide(Ask("a", name, lease=name), held, NOW, PROMPT, budgets, 0.0).decision.verdict

    assert [asked(name, both) for name in ("r1", "r2", "r3")] == ["modify", "deny", "deny"]
    assert [asked(name, both[:1]) for name in ("r4", "r5")] == ["modify", "deny"]
    budgets.end("g:C-1", "r1")
    assert asked("r6", both[:1]) == "modify"


def test_a_member_of_a_group_is_known_by_its_action_whatever_it_is_called() -> None:
    """Keys do not make one account several: its own part of the group's budget stays one."""
    limit = (Obligation("rate_limit", (("requests_per_minute", 10),)),)
    greedy, honest = (action(n, group="C-1", obligations=limit) for n in (1, 2))
    budgets, served = Budgets(), {"greedy": 0, "honest": 0}
    for number in range(6000):
        at = number * 0.1
        for key in range(3):
            ask = Ask(f"key-{key}", f"g{number}-{key}")
            served["greedy"] += decide(ask, [greedy], NOW, PROMPT, budgets, at).decision.verdict != "deny"
        if number % 100 == 99:
            said = decide(Ask("h", f"h{number}"), [honest], NOW, PROMPT, budgets, at).decision
            served["honest"] += said.verdict != "deny"
    assert served["honest"] >= 20 and sum(served.values()) <= 103, served
