"""No reader asks for more words than a store counts, and every reader is known here."""

import re
from pathlib import Path

import pytest

import stillwatch
from stillwatch.content.counts import COUNTED_OF_SEGMENT, COUNTED_OF_TEXT
from stillwatch.content.families import family_steps
from stillwatch.content.fillers import filler_steps
from stillwatch.content.preamble import preamble_steps
from stillwatch.content.sketch import sketch
from stillwatch.worked import STEPS as WORKED_STEPS
from tests.content.exchanges import KEY, asked

SOURCE = Path(stillwatch.__file__).parent
READERS = {
    "text_words": {
        "content/families.py", "content/capabilities.py", "detection.py", "training.py",
    },
    "segment_words": {"content/preamble.py"},
}  # fmt: skip
"""Where a count is read. The sketch makes them and the tables name them."""

MAKERS = {"content/sketch.py", "content/counts.py", "tables.py"}
THRESHOLD = r"\b(?:p\.)?(text_words|words)\s*(>=|<=|<>|=|<|>)\s*(\d+)"


def test_no_threshold_is_beyond_the_count() -> None:
    asked_for = [
        (name, sign, int(number))
        for step in [*preamble_steps(), *family_steps(), *filler_steps(), *WORKED_STEPS]
        for name, sign, number in re.findall(THRESHOLD, step.sql)
    ]
    assert {name for name, _, _ in asked_for} == {"text_words", "words"}
    for name, sign, number in asked_for:
        assert sign == ">=" and number <= (COUNTED_OF_TEXT if name == "text_words" else COUNTED_OF_SEGMENT)


@pytest.mark.parametrize("column", sorted(READERS))
def test_every_reader_of_a_count_is_known(column: str) -> None:
    naming = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if re.search(rf"\b{column}\b", path.read_text())
    }
    assert naming - MAKERS == READERS[column], "say of a new reader that it asks for no more than is counted"


@pytest.mark.parametrize("name", ["content/capabilities.py", "detection.py"])
def test_others_ask_only_whether_a_text_was_logged(name: str) -> None:
    signs = re.findall(r"\btext_words\"?\]?\s*(>=|<=|==|!=|<|>)\s*(\w+)", (SOURCE / name).read_text())
    assert signs and set(signs) <= {(">=", "0"), ("<", "0")}


def test_counts_end_where_detection_stops_to_ask() -> None:
    row = sketch(asked("one two. one two three four five six. " + "word " * 50), KEY).to_pylist()[0]
    assert row["text_words"] == COUNTED_OF_TEXT
    assert row["segment_words"] == [2, COUNTED_OF_SEGMENT, COUNTED_OF_SEGMENT]
