"""Which candidates are repetitions: the kernel beside the rule written with sets."""

import numpy as np
import pytest

from stillwatch.linkage.clusters import ALIKE, _distinct
from stillwatch.linkage.incidence import Indices


def by_sets(groups: list[Indices]) -> list[list[int]]:
    """Largest first, then by their rows; each dropped that is alike to one that stays."""
    stays: list[set[int]] = []
    for rows in sorted({tuple(g.tolist()) for g in groups}, key=lambda rows: (-len(rows), rows)):
        if all(len(one & set(rows)) < ALIKE * len(one | set(rows)) or not one & set(rows) for one in stays):
            stays.append(set(rows))
    return [sorted(one) for one in stays]


@pytest.mark.parametrize("seed", range(40))
def test_repetitions_are_dropped_as_the_rule_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    groups: list[Indices] = []
    for _ in range(int(rng.integers(0, 40))):
        rows = np.flatnonzero(rng.random(n) < rng.choice([0.05, 0.3, 0.6])).astype(np.int32)
        thinner = rows[rng.random(len(rows)) < 0.85]
        groups += [some for some in (rows, thinner) if len(some)]
    rng.shuffle(groups)
    assert [rows.tolist() for rows in _distinct(groups, n)] == by_sets(groups)


def test_exactly_as_alike_as_the_bound_is_a_repetition() -> None:
    whole, seven, six = (np.arange(k, dtype=np.int32) for k in (10, 7, 6))
    assert [len(rows) for rows in _distinct([six, whole, seven], 10)] == [10, 6]
