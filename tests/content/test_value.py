"""Figures of training value: what counts, that harmless work does not, and what an account's rates are."""

import numpy as np

from stillwatch.content.capabilities import Requests
from stillwatch.content.structure import Structure
from stillwatch.content.tags import tag_bits
from stillwatch.content.value import FIGURES, figures, rates


def shown(*names: str, structure: int = 0, output_words: int = -1) -> set[str]:
    """The figures of one exchange whose last human turn shows these tags."""
    bits = tag_bits()
    tags = np.array([sum(bits[name] for name in names)], np.uint64)
    forms, asked, answered = (np.array([n], kind) for n, kind in (
        (structure, np.uint32), (8, np.int32), (output_words, np.int32)))  # fmt: skip
    row = figures(Requests(tags, forms, asked, answered, np.ones(1, np.int16)))
    return {FIGURES[at] for at in np.flatnonzero(row[0])}


def test_a_request_for_a_kind_in_a_form_shows_both_and_the_pair() -> None:
    found = shown("grading", "format")
    assert {"asks: grading", "asks: format", "asks: grading and format", "leans by 1 or more"} <= found
    assert not any("reasoning" in name for name in found)


def test_work_that_leans_to_no_harvest_shows_nothing_whatever_it_is_like() -> None:
    assert shown("summary", "format", "code") == set()
    assert shown("homework", structure=int(Structure.CODE_OUT), output_words=900) == set()


def test_structure_and_long_answers_count_beside_a_request() -> None:
    found = shown("reasoning", structure=int(Structure.CODE_OUT | Structure.REASONING_ASKED), output_words=400)
    assert {"code in the answer", "reasoning switched on", "long answer"} <= found
    assert "long answer" not in shown("reasoning", output_words=40)


def test_every_figure_has_a_column_of_its_own() -> None:
    assert len(set(FIGURES)) == len(FIGURES)
    kinds = (np.uint64, np.uint32, np.int32, np.int32, np.int16)
    assert figures(Requests(*(np.zeros(3, kind) for kind in kinds))).shape == (3, len(FIGURES))


def test_rates_are_shares_of_an_accounts_exchanges() -> None:
    row = np.array([[True, False], [False, False], [True, True]])
    assert rates(row, np.array([0, 0, 2]), 3).tolist() == [[0.5, 0.0], [0.0, 0.0], [1.0, 1.0]]
