"""Letters drawn like ASCII letters: all listed are folded, and a text that is really of another script stays itself."""

import json
import unicodedata
from collections import defaultdict
from importlib import resources

import pytest

from stillwatch.content.normalise import one
from stillwatch.content.tags import tag_phrases

LOOKS = json.loads(resources.files("stillwatch.content").joinpath("confusables.json").read_text("utf-8"))
EVERYWHERE = [(c, letter) for letter, drawn in LOOKS["everywhere"].items() for c in drawn]
BESIDE = [(c, letter) for letter, drawn in LOOKS["beside"].items() for c in drawn]


def test_each_look_alike_is_its_letter_beside_letters_and_those_of_everywhere_are_alone() -> None:
    assert len(EVERYWHERE) > 350 and len(BESIDE) > 250
    drawn = dict(BESIDE)
    for character, letter in EVERYWHERE:
        assert one(character) == letter
        assert one(f"x{character}")[1:] == one(f"{character}x")[:-1] == drawn.get(character, letter)
    for character, letter in BESIDE:
        assert one(f"x{character}") == f"x{letter}" and one(f"{character}x") == f"{letter}x"
        assert one(character) != letter


def test_no_two_letters_of_another_script_become_one() -> None:
    """But for the two pairs that scripts/make_confusables.py names."""
    of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for character, letter in EVERYWHERE:
        if unicodedata.category(character)[0] == "L" and "LATIN" not in unicodedata.name(character):
            of[unicodedata.name(character).split()[0], letter].append(character)
    assert {"".join(same) for same in of.values() if len(same) > 1} == {"\u043d\u04bb", "\u0448\u051d"}


def test_capital_and_small_letters_of_a_language_stay_one_word() -> None:
    for word in ("Вопрос", "НЕТ", "ΕΡΏΤΗΣΗ", "Υπάρχει", "ՈՒՇԱԴԻՐ", "Ыкыбал"):
        assert one(word).lower() == one(word.lower()) or "Σ" in word


def test_phrases_of_other_scripts_stay_different_phrases() -> None:
    phrases = {phrase for _, own in tag_phrases() for phrase in own if not phrase.isascii()}
    assert len(phrases) > 25
    accents = {
        "".join(c for c in unicodedata.normalize("NFKD", p.lower()) if not unicodedata.combining(c)) for p in phrases
    }
    assert len({one(phrase) for phrase in phrases}) == len(accents)


MIXED = [
    ("\u039dea\u03c4 da\u03b3", "neat day"),  # capital nu, tau, small gamma
    ("\u03c3pen", "open"),
    ("\u03bd\u03bd\u03c5x", "vvux"),  # small letters are as they are drawn
    ("\u0e50pen", "open"),  # a digit of Thai
    ("step\u2014\u03c3\u03c4\u03b7", "step\u2014\u03c3th"),  # beyond a dash is another word
    ("\u03c3\u200bpen", "open"),
    ("\u03c3\u03ba\u03cd\u03bb\u03bf\u03c2", "\u03c3ku\u03bbo\u03c2"),  # a word of one script keeps its sigmas
    ("2\u03c3", "2\u03c3"),
]


@pytest.mark.parametrize(("written", "spelled"), MIXED)
def test_words_of_two_scripts_are_read_as_they_are_drawn(written: str, spelled: str) -> None:
    assert one(written).lower() == spelled
