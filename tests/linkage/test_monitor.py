"""Evidence over windows: what is new alone, at most 1 on average and at any time where nothing is common, growing where
a group goes on together."""

from collections.abc import Callable

import numpy as np
import pytest

from stillwatch.linkage.incidence import Incidence, Indices, channel
from stillwatch.linkage.monitor import MONITORED, accrued, first_seen, log_mean, new_channel, window_log_e
from stillwatch.records import Family
from stillwatch.stats import clopper_pearson, e_lond_level
from tests.linkage.worlds import permuted_within_strata, token_world

LEVEL = 0.05
WINDOWS = 6
FROZEN = np.arange(26, dtype=np.int32)

Chosen = Callable[[Incidence], Indices]


def test_only_what_a_row_never_showed_is_new() -> None:
    within = np.array([0, 0, 1, 2, 2]), np.array([5, 6, 5, 7, 7], np.uint64)
    before = np.array([0, 2, 1]), np.array([5, 9, 6], np.uint64)
    rows, tokens = first_seen(within, before)
    assert list(zip(rows.tolist(), tokens.tolist(), strict=True)) == [(0, 6), (1, 5), (2, 7)]


def test_what_one_row_alone_held_before_is_not_new_to_it_when_others_show_it() -> None:
    like = channel("ja4", (Family.CLIENT,), np.array([0]), np.array([1], np.uint64), 3)
    new = new_channel(
        like, (np.array([0, 1, 2]), np.full(3, 4, np.uint64)), (np.array([0]), np.array([4], np.uint64)), 3
    )
    assert new.sizes.tolist() == [0, 1, 1] and new.document_frequency.tolist() == [2]


def test_hashes_of_64_bits_stay_apart() -> None:
    most = (1 << 64) - 1
    rows, tokens = first_seen(
        (np.array([0, 0]), np.array([most, most - 1], np.uint64)), (np.array([0]), np.array([most], np.uint64))
    )
    assert (rows.tolist(), tokens.tolist()) == ([0], [most - 1])


def test_the_mean_of_families_is_that_of_their_products() -> None:
    one, other = Family.CLIENT, Family.INFRASTRUCTURE
    assert log_mean({}) == 0.0
    assert np.isclose(np.exp(log_mean({one: np.log(9.0), other: np.log(0.5)})), (9 + 0.5 + 1) / 3)
    assert log_mean({one: 2_000.0}) == pytest.approx(2_000.0 - np.log(3))
    assert accrued({one: 1.0}, {one: -3.0, other: 2.0}) == {one: -2.0, other: 2.0}


def test_levels_of_a_stream_sum_to_alpha_and_grow_with_discoveries() -> None:
    levels = [e_lond_level(place, 0, LEVEL) for place in range(1, 100_000)]
    assert 0.0499 < sum(levels) < LEVEL
    assert e_lond_level(7, 3, LEVEL) == pytest.approx(4 * e_lond_level(7, 0, LEVEL))


def products(seed: int, chosen: Chosen, *, permuted: bool) -> list[float]:
    """ln of the mean over families after each window, of one group."""
    so_far: dict[Family, float] = {}
    out = []
    for window in range(WINDOWS):
        world = token_world(1_000 * seed + window, groups=(26,))
        for family in MONITORED if permuted else ():
            world = permuted_within_strata(world, family, 77 * seed + window)
        so_far = accrued(so_far, window_log_e(world, [chosen(world)], 1_000 + window)[0])
        out.append(log_mean(so_far))
    return out


def ever_crossed(chosen: Chosen, replications: int) -> tuple[int, float, float]:
    """How many of so many null streams ever reach 1/LEVEL; the mean of what they end with, and its standard error."""
    streams = [products(seed, chosen, permuted=True) for seed in range(replications)]
    ends = np.exp([stream[-1] for stream in streams])
    crossed = sum(max(stream) >= -np.log(LEVEL) for stream in streams)
    return crossed, float(ends.mean()), float(ends.std() / np.sqrt(replications))


@pytest.mark.slow
def test_a_frozen_group_of_strangers_hardly_ever_crosses() -> None:
    """Ville: over all windows together, at most LEVEL; 200 streams."""
    crossed, mean, error = ever_crossed(lambda _: FROZEN, 200)
    assert clopper_pearson(crossed, 200, 0.99)[0] <= LEVEL
    assert mean - 3.0 * error <= 1.0


@pytest.mark.slow
def test_a_group_that_is_chosen_when_the_window_was_seen_would_be_noticed() -> None:
    """The same check fails where the group is not frozen: whoever shares the window's commonest rare token."""

    def seen(world: Incidence) -> Indices:
        held = next(one for one in world.scored(Family.INFRASTRUCTURE))
        indptr, rows = held.holders()
        count = np.diff(indptr)
        token = int(np.flatnonzero(count == count[count <= 40].max())[0])
        return np.unique(rows[indptr[token] : indptr[token + 1]]).astype(np.int32)

    crossed, _, _ = ever_crossed(seen, 40)
    assert clopper_pearson(crossed, 40, 0.99)[0] > LEVEL


def test_a_group_that_goes_on_together_crosses() -> None:
    crossed = [max(products(seed, lambda _: FROZEN, permuted=False)) >= -np.log(LEVEL) for seed in range(8)]
    assert sum(crossed) >= 7


def test_who_shows_hardly_anything_new_says_nothing() -> None:
    world = token_world(1, groups=())
    assert window_log_e(world, [np.array([3, 9, 11], np.int32)], 1) == [{}]


def test_hours_are_no_evidence_since_each_days_are_new() -> None:
    """Whoever works at night does so tomorrow: a habit would be shown anew each day."""
    world = token_world(1, groups=(26,))
    assert Family.TIMING in world.families()
    assert Family.TIMING not in window_log_e(world, [FROZEN], 1)[0]


def test_a_trait_that_lasts_is_agreement_too() -> None:
    """What the evidence does not show, kept here so that nobody claims it: customers of one provider of addresses, each
    with addresses of its own, who were chosen for it, agree in what is new without knowing each other."""
    rng = np.random.default_rng(3)
    rows = np.repeat(np.arange(260), 4)
    pool = np.where(rows < 26, 0, rng.integers(1, 12, len(rows)))
    blocks = channel("block", (Family.INFRASTRUCTURE,), rows, 100 * pool + rng.integers(0, 20, len(rows)), 260)
    like = token_world(1, groups=())
    world = Incidence(like.keys, like.accounts, (blocks,), like.stratifications)
    assert window_log_e(world, [FROZEN], 1)[0][Family.INFRASTRUCTURE] > -np.log(LEVEL)
