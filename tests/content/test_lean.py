"""How far an exchange leans to harvest: what a prompt says of itself for nothing must not outweigh what it asks for."""

import numpy as np
import pytest

from stillwatch.content.capabilities import AT_LENGTH, FEATURES, HARMLESS, MOST_BESIDE, Requests, lean
from stillwatch.content.tags import tag_bits


def leaning(*names: str, answer: int = 50) -> float:
    """The ratio of one exchange whose last human turn shows these tags and whose answer has so many words."""
    bits = tag_bits()
    tags = np.array([sum(bits[name] for name in names)], np.uint64)
    words = np.array([50], np.int32)
    answered = np.array([answer], np.int32)
    return float(lean(Requests(tags, np.zeros(1, np.uint32), words, answered, np.zeros(1, np.int16))).sum())


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


def test_many_kinds_in_one_text_add_a_nat_at_most() -> None:
    several = ("reasoning", "post_hoc", "trace", "grading", "preference", "reward", "synthesis", "rewrite")
    assert leaning(*several) == pytest.approx(2.3 + MOST_BESIDE)
    assert leaning("trace", "reasoning") == pytest.approx(2.3 + 1.3 / 2)
    assert leaning("trace") == pytest.approx(2.3)


def test_questions_and_lessons_lean_little_and_not_twice() -> None:
    assert leaning("items") == leaning("items", "lesson") == pytest.approx(0.4)
    assert leaning("synthesis", "items") == leaning("synthesis")


def test_an_exam_question_answered_at_length_asks_for_the_working() -> None:
    letter, unseen, working = (leaning("evaluation", answer=words) for words in (1, -1, AT_LENGTH))
    assert letter < unseen < 0 < working
    assert leaning("evaluation", "grading", answer=AT_LENGTH) == leaning("grading", answer=AT_LENGTH)
