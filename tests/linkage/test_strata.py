"""Strata must stay when the rows of the tested family move within them: else nothing is exchangeable within them."""

import numpy as np
import pytest

from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.strata import LEAST_STRATUM, strata_of
from stillwatch.records import Family
from tests.linkage.worlds import permuted_within_strata


def world(sizes: np.ndarray, attributes: tuple[np.ndarray, ...], seed: int) -> Incidence:
    """Rows that hold so many tokens of one family, with attributes of one stratification."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    made = channel("t", (Family.CLIENT,), rows, np.arange(len(rows)) % 97, len(sizes))
    keys = rng.integers(0, 2**63, len(sizes)).astype(np.uint64)
    return Incidence(keys, np.ones(len(sizes), dtype=np.int64), (made,), (attributes,))


def joined_parts() -> Incidence:
    """Thin cells of two regions whose sizes differ: strata that join parts of sizes fell apart here when rows moved."""
    sizes = np.concatenate([np.full(39, 1), np.full(39, 2), np.full(300, 2)])
    region = np.concatenate([np.zeros(39, np.int32), np.ones(39, np.int32), np.zeros(300, np.int32)])
    return world(sizes, (region,), 1)


def heavy_tailed(seed: int) -> Incidence:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(200, 900))
    sizes = np.minimum(rng.zipf(1.6, n), 60) * (rng.random(n) < 0.9)
    attributes = tuple(rng.choice(4, n, p=[0.55, 0.3, 0.1, 0.05]).astype(np.int32) for _ in range(3))
    return world(sizes, attributes, seed)


@pytest.mark.parametrize("made", [joined_parts(), *(heavy_tailed(seed) for seed in range(12))])
def test_strata_stay_when_rows_move_within_them(made: Incidence) -> None:
    strata = strata_of(made, Family.CLIENT, 0)
    for seed in range(5):
        moved = permuted_within_strata(made, Family.CLIENT, seed)
        assert not np.array_equal(moved.channels[0].tokens, made.channels[0].tokens)
        assert np.array_equal(strata_of(moved, Family.CLIENT, 0), strata)


def test_rows_in_cells_of_their_own_are_compared_within_their_part() -> None:
    """Only what is left of a part may be thinner than a stratum should be."""
    made = heavy_tailed(3)
    counts = np.bincount(strata_of(made, Family.CLIENT, 0))
    assert (counts < LEAST_STRATUM).sum() <= 11
