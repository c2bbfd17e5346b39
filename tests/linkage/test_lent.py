"""Scratch that threads borrow: a borrower that fails neither passes its marks on nor lets the others wait."""

import numpy as np
import pytest

from stillwatch.linkage import confirm
from stillwatch.linkage.matrix import family_matrix, unmarked
from stillwatch.records import Family
from tests.linkage.worlds import token_world


def test_what_a_failed_borrower_marked_is_not_lent_again() -> None:
    slots = unmarked(4)
    with slots.one() as array:
        kept = array
    with slots.one() as array:
        assert array is kept
    with pytest.raises(ZeroDivisionError), slots.one() as array:
        array[1] = 7
        raise ZeroDivisionError
    with slots.one() as array:
        assert array.tolist() == [-1] * 4


def test_confirmation_ends_with_the_error_of_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(confirm, "group_log_e", fails)
    monkeypatch.setattr(confirm, "TOGETHER", 1)
    world = token_world(3, n=120, groups=(20, 20))
    groups = [np.arange(first, first + 10, dtype=np.int32) for first in range(8)]
    matrix = family_matrix(world.scored(Family.CLIENT))
    with pytest.raises(MemoryError):
        confirm.log_e(groups, world.keys, matrix, np.zeros(120, np.int32), 1)
