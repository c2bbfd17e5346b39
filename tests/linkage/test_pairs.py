"""Match weights against their formula in plain Python; blocking by what it must and must not nominate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.linkage import blocking
from stillwatch.linkage.blocking import CROWDED, PARTNERS, nominated_pairs, nominated_parts
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.pairs import Weigher, joined, total_weight
from stillwatch.records import Family
from tests.linkage.worlds import token_world

ROWS = st.lists(st.sets(st.integers(0, 12), max_size=6), min_size=2, max_size=9)


def world(rows: list[set[int]], family: Family = Family.CLIENT, aside: np.ndarray | None = None) -> Incidence:
    pairs = [(row, token) for row, held in enumerate(rows) for token in held]
    owner = np.array([p[0] for p in pairs], dtype=np.int64)
    tokens = np.array([p[1] for p in pairs], dtype=np.int64)
    keys = np.arange(1, len(rows) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    made = channel("t", (family,), owner, tokens, len(rows))
    return Incidence(keys, np.ones(len(rows), dtype=np.int64), (made,), (), aside)


def slow_weight(rows: list[set[int]], i: int, j: int, outside: list[set[int]] | None = None) -> float:
    """Section 2 of the design, as it stands there: popularity over all rows but one, or over the rows outside."""
    df = {t: sum(t in row for row in (rows if outside is None else outside)) for t in set().union(*rows)}
    total = max(sum(df.values()), 1)
    less = 1 if outside is None else 0

    def one_way(a: set[int], b: set[int], rate: float) -> float:
        value = 1.0
        for token in a:
            p = 1.0 - math.exp(-len(b) * max(df[token] - less, 0.5) / total)
            value *= 1.0 + rate * (1.0 - p) / p if token in b else 1.0 - rate
        return value

    mean = 0.0
    for rate, share in ((0.0, 0.5), (0.02, 0.1), (0.05, 0.1), (0.15, 0.1), (0.4, 0.1), (0.8, 0.1)):
        mean += share * 0.5 * (one_way(rows[i], rows[j], rate) + one_way(rows[j], rows[i], rate))
    return math.log(mean)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(ROWS)
def test_pair_weight_is_its_formula(rows: list[set[int]]) -> None:
    made = world(rows)
    left, right = np.triu_indices(len(rows), 1)
    found = Weigher(made, (Family.CLIENT,)).weights(left.astype(np.int32), right.astype(np.int32))[:, 0]
    for i, j, weight in zip(left, right, found, strict=True):
        wanted = slow_weight(rows, i, j) if rows[i] and rows[j] else 0.0
        assert math.isclose(weight, wanted, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(ROWS, st.integers(1, 3))
def test_a_group_left_out_of_popularity_is_as_if_it_were_not_there(rows: list[set[int]], many: int) -> None:
    """Each pair's weight beside the formula in a world whose counts lack the pair's own group."""
    made = world(rows)
    groups = np.arange(len(rows), dtype=np.int32) % many
    left, right = np.triu_indices(len(rows), 1)
    same = groups[left] == groups[right]
    left, right = left[same].astype(np.int32), right[same].astype(np.int32)
    found = Weigher(made, (Family.CLIENT,)).within(left, right, groups, (Family.CLIENT,))[:, 0]
    for i, j, weight in zip(left, right, found, strict=True):
        outside = [held for row, held in enumerate(rows) if groups[row] != groups[i]]
        wanted = slow_weight(rows, i, j, outside) if rows[i] and rows[j] else 0.0
        assert math.isclose(weight, wanted, rel_tol=1e-9, abs_tol=1e-9)


def test_no_agreement_is_hardly_evidence() -> None:
    rows = [{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}]
    weight = Weigher(world(rows), (Family.CLIENT,)).weights(np.array([0], np.int32), np.array([1], np.int32))[0, 0]
    assert math.log(0.5) <= weight < 0


def test_rare_tokens_nominate_every_pair_and_common_ones_few() -> None:
    rows = [{place if place >= PARTNERS else 1_000, 2_000} for place in range(400)]
    found = nominated_pairs(world(rows), 1)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == {(i, j) for j in range(PARTNERS) for i in range(j)}, "a token that all hold nominates nobody"


def test_blocking_costs_a_constant_for_each_token_held() -> None:
    rows = [{place % 20, 100 + place // 2} for place in range(2_000)]
    found = nominated_pairs(world(rows), 1)
    assert len(found.left) <= PARTNERS * 2 * len(rows)
    assert (found.left < found.right).all()


def test_where_nominations_are_too_many_rows_with_much_in_common_name_fewer_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first forty rows hold 400 tokens of their own together, the others three of a few that many hold."""
    chance = np.random.default_rng(1)
    rows = [set(range(400)) if place < 40 else set(chance.integers(1_000, 1_060, 3).tolist()) for place in range(600)]
    every = nominated_pairs(world(rows), 1)
    monkeypatch.setattr(blocking, "NOMINATIONS", 0)
    fewer = nominated_pairs(world(rows), 1)
    named, before = ({*zip(p.left.tolist(), p.right.tolist(), strict=True)} for p in (fewer, every))
    assert named <= before
    assert {pair for pair in before if min(pair) >= 40} == {pair for pair in named if min(pair) >= 40}
    within = [pair for pair in named if max(pair) < 40]
    assert {row for pair in within for row in pair} == set(range(40))
    monkeypatch.setattr(blocking, "nominate", lambda *given: counted.append(given[4]) or np.zeros(0, np.int64))
    counted: list[np.ndarray] = []
    nominated_pairs(world(rows), 1)
    assert counted[0][:40].tolist() == [max(1, PARTNERS * CROWDED // 400)] * 40
    assert counted[0][40:].tolist() == [PARTNERS] * 560


def test_a_pair_that_only_the_left_out_family_nominates_is_not_used() -> None:
    base = token_world(3)
    pairs = nominated_pairs(base, 1)
    for family in base.families():
        stripped = Incidence(
            base.keys, base.accounts, tuple(c for c in base.channels if family not in c.families), base.stratifications
        )
        wanted = nominated_pairs(stripped, 1)
        allowed = pairs.without(frozenset({family}))
        assert pairs.left[allowed].tolist() == wanted.left.tolist()
        assert pairs.right[allowed].tolist() == wanted.right.tolist()


@pytest.mark.parametrize("at_once", [1, 50, 1_000, 10**9])
def test_how_many_nominations_are_held_at_once_changes_no_pair(at_once: int) -> None:
    whole, parts = nominated_pairs(token_world(4), 1), list(nominated_parts(token_world(4), 1, at_once))
    assert len(parts) > 1 or at_once > 1_000
    again = joined(parts)
    for name in ("left", "right", "nominated_by"):
        assert getattr(again, name).tolist() == getattr(whole, name).tolist()
    keys = whole.left.astype(np.int64) * 260 + whole.right
    assert (np.diff(keys) > 0).all() and (whole.left < whole.right).all()


def test_where_nothing_is_held_no_pair_is_nominated() -> None:
    assert len(nominated_pairs(world([set(), set(), {1}]), 1).left) == 0


def test_rows_put_aside_stand_in_no_pair_but_count_in_popularity() -> None:
    rows = [{1, 2}, {1, 2}, {1, 2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}]
    aside = np.array([place == 1 for place in range(len(rows))])
    found = nominated_pairs(world(rows, aside=aside), 1)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 2)]
    both = (np.array([0], np.int32), np.array([2], np.int32))
    with_it, without = (Weigher(world(rows, aside=held), (Family.CLIENT,)) for held in (aside, None))
    assert with_it.weights(*both) == without.weights(*both)


def test_content_and_work_count_once() -> None:
    weights = np.array([[5.0, 7.0, 2.0]])
    families = (Family.CONTENT, Family.WORK, Family.TIMING)
    assert total_weight(weights, families, frozenset()).tolist() == [9.0]
    assert total_weight(weights, families, frozenset({Family.CONTENT, Family.WORK})).tolist() == [2.0]
