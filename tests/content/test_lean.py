"""How far an exchange leans to harvest: what a prompt says of itself for nothing must not outweigh what it asks for."""

import numpy as np

from stillwatch.content.capabilities import FEATURES, HARMLESS, lean
from stillwatch.content.tags import tag_bits


def leaning(*names: str) -> float:
    """The ratio of one exchange whose last human turn shows these tags."""
    bits = tag_bits()
    tags = np.array([sum(bits[name] for name in names)], np.uint64)
    words = np.array([50], np.int32)
    none = np.zeros(1, np.uint32), np.zeros(1, np.uint64)
    return float(lean(tags, *none, words, words, np.zeros(1, np.int16)).sum())


def test_one_more_harmless_sentence_takes_little() -> None:
    asks = leaning("reasoning")
    disguised = leaning("reasoning", "context", "summary", "translation", "homework", "evaluation")
    assert asks > disguised > 0
    assert disguised == leaning("reasoning", "context")


def test_harmless_work_alone_counts_in_full_and_once() -> None:
    assert leaning("summary") == leaning("summary", "translation") == leaning("context", "summary", "translation")
    assert leaning("translation") < 0


def test_the_named_slices_hold_what_they_say() -> None:
    assert [value < 0 for _, value in FEATURES[HARMLESS]] == [True] * 5
    assert FEATURES[HARMLESS][0][0] == "answers from a given context"
