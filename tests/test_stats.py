"""Pure arithmetic against values known by hand or by an obvious loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats import (
    clopper_pearson,
    dirichlet_multinomial,
    distinct,
    distinct_pairs,
    e_bh,
    largest_remainder,
    log_mean_exp,
    log_odds,
    logistic,
    precision,
)


def slow_e_bh(log_e: list[float], alpha: float) -> list[bool]:
    """The definition: the largest k such that k e-values reach K / (alpha k)."""
    for k in range(len(log_e), 0, -1):
        bar = np.log(len(log_e) / (alpha * k))
        if sum(value >= bar - 1e-12 for value in log_e) >= k:
            chosen = sorted(range(len(log_e)), key=lambda i: (-log_e[i], i))[:k]
            return [i in chosen for i in range(len(log_e))]
    return [False] * len(log_e)


@given(st.lists(st.floats(-20, 60), max_size=30), st.sampled_from([0.01, 0.05, 0.5]))
def test_e_bh_is_its_definition(log_e: list[float], alpha: float) -> None:
    assert e_bh(log_e, alpha).tolist() == slow_e_bh(log_e, alpha)


@given(st.lists(st.tuples(st.floats(-20, 60), st.floats(0.01, 100)), min_size=1, max_size=30))
def test_weighted_e_bh_is_e_bh_of_weighted_e_values(pairs: list[tuple[float, float]]) -> None:
    log_e, weights = [p[0] for p in pairs], np.array([p[1] for p in pairs])
    shifted = [e + float(np.log(w / weights.mean())) for e, w in zip(log_e, weights, strict=True)]
    assert e_bh(log_e, 0.05, weights).tolist() == slow_e_bh(shifted, 0.05)
    assert e_bh(log_e, 0.05, np.ones(len(pairs))).tolist() == e_bh(log_e, 0.05).tolist()


def test_weights_do_not_buy_false_discoveries() -> None:
    """Nulls with e-values of mean 1 that are as heavy as they may be, and weights that favour some of them."""
    rng = np.random.default_rng(11)
    weights = np.where(np.arange(50) < 5, 100.0, 1.0)
    false_worlds = 0
    for _ in range(4_000):
        log_e = np.where(rng.random(50) < 1e-3, np.log(1e3), -np.inf)
        false_worlds += bool(e_bh(log_e, 0.05, weights).any())
    assert clopper_pearson(false_worlds, 4_000, 0.99)[0] <= 0.05
    assert false_worlds > 0, "the nulls never reached the bar: the test would say nothing"


def test_exact_bounds() -> None:
    assert clopper_pearson(0, 300_000)[1] == pytest.approx(1.23e-5, rel=0.01)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(5, 5)[1] == 1.0


def test_log_mean_exp_survives_large_and_empty_values() -> None:
    assert float(log_mean_exp(np.array([1000.0, 1000.0]))) == pytest.approx(1000.0)
    assert float(log_mean_exp(np.array([-np.inf, 0.0]))) == pytest.approx(np.log(0.5))


@given(st.floats(0.001, 0.999))
def test_log_odds_and_logistic_undo_each_other(p: float) -> None:
    assert logistic(log_odds(p)) == pytest.approx(p)


def test_dirichlet_multinomial_sums_to_one_over_sequences() -> None:
    alpha = np.array([0.4, 1.3])
    total = sum(np.exp(dirichlet_multinomial(np.array([k, 3 - k]), alpha)) * [1, 3, 3, 1][k] for k in range(4))
    assert total == pytest.approx(1.0)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.integers(0, 1000))
def test_largest_remainder_adds_up(shares: list[float], total: int) -> None:
    assert sum(largest_remainder(shares, total)) == total


def test_precision_falls_with_the_base_rate() -> None:
    """24,000 bad in ten million, and 40 in one million, at a recall of .8."""
    assert precision(24_000, 10_000_000, 0.8, 1e-3) == pytest.approx(0.66, abs=0.005)
    assert precision(24_000, 10_000_000, 0.8, 1e-4) == pytest.approx(0.95, abs=0.005)
    assert precision(40, 1_000_000, 0.8, 1e-4) == pytest.approx(0.24, abs=0.005)
    assert np.isnan(precision(0, 10, 0.8, 0.0))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40))
def test_distinct_values_and_pairs_are_those_of_a_set(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
    assert distinct(first).tolist() == sorted(set(first.tolist()))
    assert list(zip(*(held.tolist() for held in distinct_pairs(first, second)), strict=True)) == sorted(set(pairs))
