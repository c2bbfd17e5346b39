"""E[E] <= 1 by exact enumeration: every arrangement of the rows of a family over eight entities."""

from itertools import permutations

import numpy as np
import pytest

from stillwatch.linkage import confirm as confirm_module
from stillwatch.linkage.confirm import log_e
from stillwatch.linkage.confirm_kernel import ETAS
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.matrix import family_matrix
from stillwatch.records import Family
from tests.linkage.products import products

KEYS = np.arange(11, 19, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def world(rows: list[list[int]]) -> Incidence:
    pairs = [(row, token) for row, held in enumerate(rows) for token in held]
    owner, tokens = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    made = channel("t", (Family.CLIENT,), owner, tokens, len(rows))
    return Incidence(KEYS[: len(rows)], np.ones(len(rows), dtype=np.int64), (made,), ())


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2], [1, 2], [1], [2, 3], [4], [5], [], [1, 5]],
        [[1], [1], [1], [1], [2], [2], [3], [4]],
        [[1, 2, 3], [1, 2, 3], [1, 2, 3], [4, 5, 6], [4, 5, 6], [7], [8], [9]],
    ],
)
@pytest.mark.parametrize("size", [3, 4, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("compared", [None, pytest.param((1, 3), marks=pytest.mark.slow)])
@pytest.mark.parametrize("tested", [8, 3])
def test_mean_e_over_all_arrangements_is_at_most_one(
    rows: list[list[int]], size: int, compared: tuple[int, int] | None, tested: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where members are compared with the first one or three rows of their stratum and with themselves, and where
    some of the members alone are tested."""
    monkeypatch.setattr(confirm_module, "MOST_TESTED", tested)
    if compared:
        monkeypatch.setattr(confirm_module, "COMPARED", compared)
    base = world(rows)
    strata = np.zeros(8, dtype=np.int32)
    group = np.arange(size, dtype=np.int32)
    seen: dict[tuple[tuple[int, ...], ...], float] = {}
    total, count = 0.0, 0
    for order in permutations(range(8)):
        arranged = tuple(tuple(rows[i]) for i in order)
        key = arranged if compared else arranged[:size] + tuple(sorted(arranged[size:]))
        if key not in seen:
            moved = base.permuted(Family.CLIENT, np.array(order))
            matrix = family_matrix(moved.scored(Family.CLIENT))
            seen[key] = float(np.exp(log_e([group], KEYS, matrix, strata, 7)[0]))
        total += seen[key]
        count += 1
    assert total / count <= 1.0 + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("split", [8, 5], ids=["one stratum", "two strata"])
@pytest.mark.parametrize("most", [2, 8], ids=["two compared", "all compared"])
def test_the_products_mean_is_one_where_one_member_is_tested_at_a_time(split: int, most: int) -> None:
    """Batches of one: the product's mean is one to the last digit, so that a small leak shows. Orders that count as
    zero hold the e-value itself far below one, and could hide it."""
    rows = [[1, 2], [1, 2], [1], [2, 3], [1, 4], [5], [2], [1, 5]]
    base, group = world(rows), np.array([0, 1, 6], dtype=np.int32)
    strata = (np.arange(8) >= split).astype(np.int32)
    total, count = np.zeros((2, len(ETAS))), 0
    for first in permutations(range(split)):
        for second in permutations(range(split, 8)):
            moved = base.permuted(Family.CLIENT, np.array(first + second))
            matrix = family_matrix(moved.scored(Family.CLIENT))
            total += np.exp(products(moved, group, matrix, strata, most=most, ends=np.arange(1, 4), orders=2))
            count += 1
    assert total / count == pytest.approx(1.0, abs=1e-9)
