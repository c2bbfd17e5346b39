"""How items are dealt out: counted by hand, against chance, and against honest look-alikes."""

import math

import numpy as np
import pytest

from stillwatch.assess.items import as_facts, breadth, crossings, dealt, log_poisson_at_most, near_copies

SWEEP = np.arange(100, dtype=np.uint64)
TEN = np.arange(100) % 10
"""A hundred items, dealt out to ten members."""


def test_pairs_are_counted_by_hand() -> None:
    found = crossings(np.array([1, 1, 1, 2, 2, 3], np.uint64), np.array([0, 0, 1, 2, 2, 1]))
    assert found is not None
    assert (found.pairs, found.met) == (4, 2)
    assert found.expected == pytest.approx(4 * (1 - (2 + 2 + 2) / 30))


def test_items_that_each_member_repeats_for_itself_meet_less_than_chance() -> None:
    own = crossings(np.repeat(SWEEP, 3), np.repeat(TEN, 3))
    shuffled = crossings(np.repeat(SWEEP, 3), np.random.default_rng(1).permutation(np.repeat(TEN, 3)))
    assert own is not None and shuffled is not None
    assert own.met == 0 < own.expected
    assert shuffled.met == pytest.approx(shuffled.expected, rel=0.1)


def test_items_that_occur_once_say_nothing() -> None:
    assert crossings(SWEEP, TEN) is None


def test_a_sweep_of_a_known_set_is_dealt_out() -> None:
    found = dealt(SWEEP, TEN, 150)
    assert found is not None
    assert (found.covered, found.met) == (100, 0)
    assert found.expected == pytest.approx((100**2 - 10 * 10**2) / 300)
    assert found.log_chance == pytest.approx(-found.expected)


@pytest.mark.parametrize("seed", range(5))
def test_members_who_choose_by_themselves_are_not(seed: int) -> None:
    """Evenly or by popularity: benchmark users and classes."""
    rng = np.random.default_rng(seed)
    popular = 1.0 / np.arange(1, 151)
    for weights in (None, popular / popular.sum()):
        items = np.concatenate([rng.choice(150, 30, replace=False, p=weights) for _ in range(10)])
        found = dealt(items.astype(np.uint64), np.repeat(np.arange(10), 30), 150)
        assert found is not None and found.log_chance > -3.0


def test_few_items_or_a_set_too_large_for_chance_to_meet_abstain() -> None:
    assert dealt(SWEEP[:15], TEN[:15], 150) is None
    assert dealt(SWEEP, TEN, 100_000) is None


def test_the_poisson_tail_is_the_sum_written_out() -> None:
    written = sum(math.exp(-4.5) * 4.5**k / math.factorial(k) for k in range(4))
    assert log_poisson_at_most(3, 4.5) == pytest.approx(math.log(written))
    assert log_poisson_at_most(60, 2.0) == pytest.approx(0.0, abs=1e-12)


def minhashes(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 16, (n, 16)).astype(np.uint16)


def test_near_copies_want_another_member_and_another_text() -> None:
    values, exact, owner = minhashes(200), np.arange(200, dtype=np.uint64), np.arange(200) % 10
    assert near_copies(values, exact, owner) == 0.0
    values[1, :8] = values[0, :8]
    assert near_copies(values, exact, owner) == pytest.approx(2 / 200)
    exact[1] = exact[0]
    assert near_copies(values, exact, owner) == 0.0
    exact[1], owner[1] = 1, owner[0]
    assert near_copies(values, exact, owner) == 0.0


def test_a_band_that_the_template_makes_is_no_near_copy() -> None:
    values = minhashes(200)
    values[:50, :4] = values[0, :4]
    assert near_copies(values, np.arange(200, dtype=np.uint64), np.arange(200) % 10) == 0.0
    assert near_copies(values[:9], np.arange(9, dtype=np.uint64), np.arange(9)) is None


def test_own_data_is_narrower_than_its_group_and_a_pool_is_not() -> None:
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(8), 50)
    pool, own = breadth(owner, rng.integers(0, 8, 400)), breadth(owner, owner)
    assert pool is not None and own is not None
    assert pool[1] > 0.9 * pool[0]
    assert own[1] == pytest.approx(1.0) and own[0] > 7.5
    assert breadth(owner[:60], owner[:60]) is None


def test_what_is_not_known_has_no_key() -> None:
    assert as_facts(None, None, None, None) == {}
    assert set(as_facts(None, dealt(SWEEP, TEN, 150), 0.5, None)) == {
        "known", "covered", "known_met", "known_met_by_chance", "log_chance", "near_copies"
    }  # fmt: skip
