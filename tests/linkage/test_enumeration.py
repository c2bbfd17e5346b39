"""E[E] <= 1 by exact enumeration: every arrangement of the rows of a family over eight entities."""

from itertools import permutations

import numpy as np
import pytest

from stillwatch.linkage import confirm as confirm_module
from stillwatch.linkage.confirm import log_e
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.matrix import family_matrix
from stillwatch.records import Family

KEYS = np.arange(11, 19, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def world(rows: list[list[int]]) -> Incidence:
    pairs = [(row, token) for row, held in enumerate(rows) for token in held]
    owner, tokens = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    made = channel("t", (Family.CLIENT,), owner, tokens, len(rows))
    return Incidence(KEYS[: len(rows)], np.ones(len(rows), dtype=np.int64), (made,), ())


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
def test_mean_e_over_all_arrangements_is_at_most_one(
    rows: list[list[int]], size: int, compared: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where members are compared with the first one or three rows of their stratum and with themselves."""
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
