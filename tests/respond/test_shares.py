"""A group's one budget: no member is starved by the others, and nobody gets more by being many."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.respond.budgets import BURST, Budgets
from stillwatch.respond.leases import LEASE, WAITING, Leases
from stillwatch.respond.shares import Shares

RPM = "requests_per_minute"


def crowd(greedy: int, limit: int, seconds: float, every: float, seed: int = 7) -> tuple[Counter[str], float]:
    """Members that ask as often as they can, and one that asks now and then and waits as it is told: how many
    requests of each were let through, and the longest that the one had to wait."""
    budgets, draw, passed, longest = Budgets(), random.Random(seed), Counter[str](), 0.0
    now, ready, asked = 0.0, 30.0, 30.0
    while now < seconds:
        now += draw.uniform(0.0, 0.2)
        if now >= ready:
            wait = budgets.take("g", {RPM: limit}, 0, now, member="honest")
            if wait == 0:
                passed["honest"] += 1
                longest, ready = max(longest, now - asked), now + every
                asked = ready
            else:
                ready = now + float(-int(-wait // 1))
        for number in draw.sample(range(greedy), greedy):
            passed[f"greedy {number}"] += budgets.take("g", {RPM: limit}, 0, now, member=f"greedy {number}") == 0
    return passed, longest


@pytest.mark.slow
@pytest.mark.parametrize(("greedy", "limit", "every"), [(1, 10, 24.0), (4, 10, 60.0), (24, 10, 300.0), (9, 60, 20.0)])
def test_a_member_that_asks_for_less_than_its_part_is_not_starved(greedy: int, limit: int, every: float) -> None:
    """Its part is half of an even one: limit / (2 · members) a minute."""
    assert every >= 60 / (limit / (2 * (greedy + 1)))
    seconds = 8 * every
    passed, longest = crowd(greedy, limit, seconds, every)
    bound = greedy * 60 / limit + 12.0
    assert longest <= bound, "it waits for one request of each other at most"
    assert passed["honest"] >= (seconds - 30) / (every + bound) - 1
    assert sum(passed.values()) <= limit * (seconds + BURST) / 60 + 2, "and the group gets no more than its rate"


def test_who_asks_alone_has_the_whole_rate_and_its_burst() -> None:
    alone, nameless = Budgets(), Budgets()
    for step in range(2000):
        now = step * 0.05
        assert alone.take("g", {RPM: 60}, 0, now, member="one") == nameless.take("g", {RPM: 60}, 0, now)


def test_a_member_who_leaves_gives_its_part_back() -> None:
    budgets = Budgets()
    for step in range(1200):
        for who in ("a", "b"):
            budgets.take("g", {RPM: 60}, 0, step * 0.1, member=who)
    later = [budgets.take("g", {RPM: 60}, 0, 200.0, member="a") == 0 for _ in range(12)]
    assert sum(later) == 11, "a burst as of one that asks alone"


@pytest.mark.slow
@given(
    st.integers(1, 600),
    st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from("abcdef"), st.integers(1, 900)), min_size=50, max_size=200),
)
@settings(max_examples=60, deadline=None)
def test_no_minute_gives_a_group_more_however_many_ask(limit: int, asked: list[tuple[float, str, int]]) -> None:
    budgets, now, passed = Budgets(), 0.0, []
    for gap, who, tokens in asked:
        now += gap
        limits = {RPM: limit, "tokens_per_minute": 1000 * limit}
        if budgets.take("g", limits, tokens, now, member=who) == 0:
            passed.append(now)
    for start in passed:
        assert sum(start <= one < start + 60 for one in passed) <= limit * (60 + BURST) / 60 + 2


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from("abc"), st.integers(0, 3000)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_who_waits_as_told_alone_gets_through(asked: list[tuple[float, str, int]]) -> None:
    """Nobody else asking meanwhile: what is told to a member is when it is let through."""
    budgets, now = Budgets(), 0.0
    limits = {RPM: 12, "tokens_per_minute": 2000}
    for gap, who, tokens in asked:
        now += gap
        wait = budgets.take("g", limits, tokens, now, member=who)
        if wait > 0:
            now += wait + 1e-6
            assert budgets.take("g", limits, tokens, now, member=who) == 0


def test_of_what_runs_at_once_the_last_place_is_for_who_has_less() -> None:
    budgets = Budgets()

    def runs(who: str, name: str, now: float = 0.0, limit: int = 4) -> bool:
        return budgets.take("g", {"concurrency": limit}, 0, now, f"{who} {name}", who) == 0

    assert [runs("greedy", str(n)) for n in range(5)] == [True] * 4 + [False], "alone it has all"
    assert not runs("honest", "1")
    budgets.end("g", "greedy 0")
    assert not runs("greedy", "9") and runs("honest", "1"), "the place that is free is not the greedy one's"
    for number in range(1, 4):
        budgets.end("g", f"greedy {number}")
    assert [runs("greedy", str(n)) for n in range(20, 24)] == [True, True, True, False], "nobody waits: none is kept"
    assert not runs("honest", "2")
    budgets.end("g", "greedy 20")
    assert not runs("greedy", "25") and runs("honest", "2") and not runs("honest", "3"), "two each"
    budgets.end("g", "greedy 21")
    assert runs("greedy", "26"), "who has its part waits for nobody's"
    assert runs("one", "1", limit=1) is False
    assert runs("greedy", "x", 2 * LEASE), "and all that nobody ended is over"


def test_a_limit_of_one_is_one() -> None:
    leases = Leases()
    assert leases.take("g", "a", 1, 9, 0.0, "r1") and not leases.take("g", "b", 1, 9, 0.0, "r2")
    assert leases.take("g", "a", 1, 9, 1.0, "r1") and len(leases) == 1, "the same request once more"
    leases.end("g", "r1")
    leases.end("g", "r1")
    leases.forget(0.0, 9)
    assert (len(leases), leases.groups()) == (0, 1), "who was sent away waits for a moment"
    leases.forget(2 * WAITING, 9)
    assert (len(leases), leases.groups(), leases._own) == (0, 0, {})


def test_what_is_kept_of_members_is_bounded() -> None:
    shares = Shares()
    for number in range(1000):
        shares.asking(f"g{number}", "a", number / 100)
        shares.charge(f"g{number}", RPM, "a", 1.0, 1 + number, number / 100)
    shares.forget(10.0, 100)
    assert len(shares) == 200 and shares.wait("g999", RPM, "a", 10.0) > 0, "who used most is kept"
    shares.forget(10_000.0, 100)
    assert len(shares) == 0
    budgets = Budgets(most=50)
    for number in range(2000):
        budgets.take(f"g{number}", {RPM: 60, "concurrency": 2}, 0, number / 1000, "r", f"m{number}")
        assert max(len(budgets._paid), budgets.leases.groups()) <= 51 and len(budgets._shares) <= 250
