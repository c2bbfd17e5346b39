"""Tags against a slow reference: every run of words looked up one by one, every rule read as it stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.content.kernel_words import LONGEST_PHRASE, PARTS, UNIT
from stillwatch.content.lexicon import expanded, rules, spelled, word_classes
from stillwatch.content.sketch import sketch
from stillwatch.content.tags import tag_bits, tag_phrases
from tests.content.exchanges import KEY, asked

ENGLISH = sorted(
    {
        p
        for _, phrases in (*word_classes(), *tag_phrases())
        for p in phrases
        if p.replace(" ", "").isalnum() and p.isascii()
    }
)
WORDS = st.sampled_from([*ENGLISH[:: max(1, len(ENGLISH) // 400)], "write", "thoughts", "tags", "all the", "rate",
                         "answer", "scale", "generate", "questions", "new", "dataset", "table", "green"])  # fmt: skip
SENTENCES = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)


def slow(sentences: list[str]) -> list[int]:
    """The tag bits of each sentence of a text that has at most twelve."""
    lists = {"tag": tag_phrases(), "class": word_classes()}
    known = {
        (kind, tuple(phrase.split()[:LONGEST_PHRASE])): set()
        for kind, listed in lists.items() for _, phrases in listed for phrase in phrases
    }  # fmt: skip
    for kind, listed in lists.items():
        for name, phrases in listed:
            for phrase in phrases:
                known[kind, tuple(phrase.split()[:LONGEST_PHRASE])].add(name)
    words = [word for sentence in sentences for word in sentence.split()]
    answer, at, before = [], 0, set[str]()
    for sentence in sentences:
        found, end = set[str](), at + len(sentence.split())
        for unit in range(at, end, UNIT):
            classes = set[str]()
            for place in range(unit, min(unit + UNIT, end)):
                for length in range(1, LONGEST_PHRASE + 1):
                    run = tuple(words[place : place + length])
                    found |= known.get(("tag", run), set())
                    classes |= known.get(("class", run), set())
            for rule in rules():
                read = classes | before if rule.wide else classes
                if classes and all(read & set(part) for part in rule.parts) and not read & set(rule.unless):
                    found.add(rule.tag)
            before = classes
        answer.append(sum(tag_bits()[name] for name in found))
        at = end
    return answer


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(SENTENCES, min_size=1, max_size=12))
def test_tags_are_those_of_the_slow_reference(sentences: list[str]) -> None:
    row = sketch(asked(". ".join(sentences) + "."), KEY).column("segment_tags").to_pylist()[0]
    assert row == slow(sentences)


def test_every_rule_names_classes_and_a_tag_that_exist_and_each_can_be_met() -> None:
    names = {name: phrases for name, phrases in word_classes()}
    for rule in rules():
        assert rule.tag in tag_bits()
        assert 2 <= len(rule.parts) <= PARTS
        text = " ".join(names[part[0]][0] for part in rule.parts)
        row = sketch(asked(text), KEY).column("segment_tags").to_pylist()[0]
        assert row[0] & tag_bits()[rule.tag], text


def test_bits_suffice() -> None:
    assert len(word_classes()) <= 64
    assert len(tag_phrases()) <= 64, "segment_tags are 64 bits"


@pytest.mark.parametrize(
    ("listed", "phrases"),
    [
        ("mark", ["mark"]),
        ("grade{,s}, mark out of", ["grade", "grades", "mark out of"]),
        ("{a,b}c{,d}", ["ac", "acd", "bc", "bcd"]),
    ],
)
def test_braces_stand_for_each_alternative(listed: str, phrases: list[str]) -> None:
    assert expanded(listed) == phrases


def test_marks_that_stick_to_words_and_letters_without_an_accent() -> None:
    assert spelled("hi", ["लिखो"]) == ["लिखो", "लिखो।"]
    assert spelled("tr", ["adim", "yaz"]) == ["adim", "yaz", "adım"]
    assert set(spelled("vi", ["da dang"])) == {"da dang", "đa dang", "da đang", "đa đang"}
    assert spelled("en", ["write"]) == ["write"]
