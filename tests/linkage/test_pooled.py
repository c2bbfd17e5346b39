"""Pooling: E[e] <= 1 by enumeration and over many groups, a leak that breaks it, and what the score may and may not
see."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from stillwatch.linkage import pooled
from stillwatch.linkage.confirm_kernel import ETAS
from stillwatch.linkage.pooled import Bet, Pool, learnt, member_log_ratios, pool_of, pooled_log_e

ROWS = np.array(
    [[0.0, 0.1, 0.3], [0.0, 0.0, 0.1], [0.2, 0.1, 0.0], [0.9, 0.8, 0.0], [0.9, 0.7, 0.2], [0.0, 0.0, 0.0],
     [0.0, 0.1, 0.0]]
)  # fmt: skip
KEYS = np.arange(11, 18, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
STRATA = {"one stratum": np.zeros(7, dtype=np.int64), "two strata": np.array([0, 0, 1, 0, 1, 1, 1])}

Teach = Callable[..., Bet]


def keys(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 1 << 63, n).astype(np.uint64)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of three among seven teach and are tested too."""
    monkeypatch.setattr(pooled, "LEAST_MEMBERS", 1)
    monkeypatch.setattr(pooled, "LEAST_SHIFT", 0.0)


def mean_over_arrangements(strata: np.ndarray, group: np.ndarray, of: Callable[[Pool], np.ndarray]) -> np.ndarray:
    """The mean over every way in which the rows can be dealt out within their strata."""
    found = []
    first, second = (np.flatnonzero(strata == at) for at in (0, 1))
    for here in permutations(first):
        for there in permutations(second):
            order = np.arange(len(ROWS))
            order[first], order[second] = here, there
            found.append(of(pool_of(ROWS[order], strata, KEYS)))
    return np.mean(found, axis=0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "both_ways", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["more only", "both ways"]
)
@pytest.mark.parametrize(
    "strata", [STRATA["two strata"], pytest.param(STRATA["one stratum"], marks=pytest.mark.slow)], ids=["two", "one"]
)
def test_mean_e_over_all_arrangements_is_at_most_one(both_ways: bool, strata: np.ndarray) -> None:
    group = np.array([0, 1, 2, 4])
    mean = mean_over_arrangements(
        strata, group, lambda pool: np.exp(np.array(pooled_log_e(pool, group, 5, both_ways=both_ways)))
    )
    assert 0.5 < mean <= 1.0 + 1e-9


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "strata", [STRATA["two strata"], pytest.param(STRATA["one stratum"], marks=pytest.mark.slow)], ids=["two", "one"]
)
def test_the_products_mean_is_one_where_one_member_is_tested_at_a_time(
    strata: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of one: a leak of any size moves the mean."""
    monkeypatch.setattr(pooled, "batch_ends", lambda members: np.arange(1, members + 1))
    group = np.array([4, 0, 2])
    mean = mean_over_arrangements(strata, group, lambda pool: np.exp(pooled._log_product(pool, group, False)))
    assert mean == pytest.approx(np.ones(len(ETAS)), abs=1e-9)


def taught_by_themselves(group: np.ndarray, teach: Teach) -> Teach:
    """The leak that the guarantee forbids: a score that has seen the rows it bets on."""
    return lambda pool, rows, *, both_ways=False: teach(pool, group, both_ways=both_ways)


@pytest.mark.usefixtures("small")
def test_enumeration_tells_a_score_that_has_seen_the_tested_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    group = np.array([4, 0, 2])
    monkeypatch.setattr(pooled, "learnt", taught_by_themselves(group, learnt))
    mean = mean_over_arrangements(
        STRATA["two strata"], group, lambda pool: np.exp(np.array(pooled_log_e(pool, group, 5)))
    )
    assert mean > 1.1


def heavy(rng: np.random.Generator, n: int) -> np.ndarray:
    """Accounts whose figures depend on each other and of which few do nothing else."""
    habit = rng.dirichlet(np.full(6, 0.15), n)
    return rng.binomial(60, habit @ rng.dirichlet(np.full(12, 0.3), 6)) / 60


def exceeds_one(e: list[float]) -> bool:
    """Whether a mean is above 1 by more than three standard errors."""
    return bool(np.mean(e) > 1.0 + 3.0 * np.std(e) / np.sqrt(len(e)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "both_ways", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["more only", "both ways"]
)
@pytest.mark.parametrize("least_shift", [pooled.LEAST_SHIFT, pytest.param(0.0, marks=pytest.mark.slow)])
def test_mean_e_over_many_random_groups_is_at_most_one(
    both_ways: bool, least_shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 8. The same groups with a leaking score are above one, so the test can fail."""
    monkeypatch.setattr(pooled, "LEAST_SHIFT", least_shift)
    rng = np.random.default_rng(8)
    honest, leaking = [], []
    for number in range(300):
        pool = pool_of(heavy(rng, 120), rng.integers(0, 2, 120), keys(120, number))
        group = rng.choice(120, 12, replace=False)
        honest.append(float(np.exp(pooled_log_e(pool, group, 3, both_ways=both_ways))))
        if number < 100:
            with monkeypatch.context() as patched:
                patched.setattr(pooled, "learnt", taught_by_themselves(group, learnt))
                leaking.append(float(np.exp(pooled_log_e(pool, group, 3, both_ways=both_ways))))
    assert not exceeds_one(honest)
    assert np.std(honest) < 10.0
    assert exceeds_one(leaking)


def planted(rng: np.random.Generator, moved: float) -> tuple[Pool, np.ndarray]:
    """Twenty of 420 accounts of whose exchanges a tenth shows three figures more, or less."""
    figures = heavy(rng, 420)
    if moved > 0:
        figures[:20, :3] += rng.binomial(60, moved, (20, 3)) / 60
    else:
        figures[20:, :3] += rng.binomial(60, -moved, (400, 3)) / 60
    return pool_of(figures, np.zeros(420, dtype=np.int64), keys(420)), np.arange(20)


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_traffic_of_twenty_accounts_passes(seed: int) -> None:
    pool, group = planted(np.random.default_rng(seed), 0.1)
    assert pooled_log_e(pool, group, 1) >= np.log(1e4)
    assert (member_log_ratios(pool, group) > 0).mean() >= 0.6


@pytest.mark.parametrize("seed", range(5))
def test_less_of_a_figure_is_a_difference_and_no_training_value(seed: int) -> None:
    pool, group = planted(np.random.default_rng(seed), -0.2)
    assert pooled_log_e(pool, group, 1) <= 0.5
    assert pooled_log_e(pool, group, 1, both_ways=True) >= np.log(1e4)


def test_strata_that_differ_are_no_evidence() -> None:
    """A group of heavy users among heavy users: more than everybody, not more than its stratum."""
    rng = np.random.default_rng(2)
    strata = np.arange(400) // 200
    figures = heavy(rng, 400) + 0.3 * strata[:, None]
    group = np.arange(200, 220)
    assert pooled_log_e(pool_of(figures, np.zeros(400, dtype=np.int64), keys(400)), group, 1) > 4.0
    assert pooled_log_e(pool_of(figures, strata, keys(400)), group, 1) < 1.0


def test_few_members_and_figures_without_spread_say_nothing() -> None:
    pool = pool_of(np.zeros((50, 3)), np.zeros(50, dtype=np.int64), keys(50))
    assert pooled_log_e(pool, np.arange(20), 1) == 0.0
    assert pooled_log_e(pool, np.arange(7), 1) == 0.0


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    pool, group = planted(rng, 0.1)
    order = rng.permutation(420)
    moved = Pool(pool.scores[order], pool.strata[order], pool.keys[order])
    assert pooled_log_e(moved, np.argsort(order)[group], 1) == pytest.approx(pooled_log_e(pool, group, 1), rel=1e-9)
