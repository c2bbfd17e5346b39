"""Word classes in several languages, and the rules that make tags of them: data in `lexicon.json`.

A rule reads classes, not wordings: a verb of writing, a noun of thought and a mark to write it between, in one
sentence, is trace coercion in whatever words and order. What it catches is told by the classes' breadth, and it is
evaded by words that no class has, by a language that has no list, and by spreading one request over several sentences.
"""

import json
import re
from functools import cache
from importlib import resources
from itertools import product
from typing import Any, NamedTuple

STUCK = {"hi": "।", "ar": "؟،؛"}
LETTERS = {"tr": ("i", "ı"), "vi": ("d", "đ")}
BRACES = re.compile(r"\{([^{}]*)\}")


class Rule(NamedTuple):
    """`tag` is given where each of `parts`, sets of classes, has one in a unit and `unless` none; if `wide`, in it or
    the one before."""

    tag: str
    parts: tuple[tuple[str, ...], ...]
    wide: bool
    unless: tuple[str, ...]


@cache
def _held() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(resources.files("stillwatch.content").joinpath("lexicon.json").read_text("utf-8"))
    return held


@cache
def word_classes() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name, phrases of all languages) in the order of their bits, which are not stored."""
    return tuple(
        (name, tuple(p for language, listed in by_language.items() for p in spelled(language, expanded(listed))))
        for name, by_language in _held()["classes"].items()
    )


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, in the order of the file."""
    return tuple(
        Rule(
            rule["tag"],
            tuple(tuple(part.split("|")) for part in rule["all"]),
            rule["within"] == 2,
            tuple(rule.get("unless", ())),
        )
        for rule in _held()["rules"]
    )


def spelled(language: str, phrases: list[str]) -> list[str]:
    """The phrases as texts have them: with the mark that ends a sentence where the kernel takes it for a letter, and
    each word also with the letter that has no accent to lose, of which a list need not know."""
    found = phrases + [phrase + mark for phrase in phrases for mark in STUCK.get(language, "")]
    plain, other = LETTERS.get(language, ("", ""))
    for phrase in phrases if plain and plain in "".join(phrases) else []:
        choices = [dict.fromkeys((word, word.replace(plain, other))) for word in phrase.split()]
        found += [made for words in product(*choices) if (made := " ".join(words)) != phrase]
    return list(dict.fromkeys(found))


def expanded(listed: str) -> list[str]:
    """The phrases of a list such as "grade{,s}, mark out of".

    >>> expanded("grade{,s}, mark")
    ['grade', 'grades', 'mark']
    """
    found: list[str] = []
    for entry in listed.split(", "):
        pieces = BRACES.split(entry)
        choices = [piece.split(",") if place % 2 else [piece] for place, piece in enumerate(pieces)]
        found += ["".join(chosen) for chosen in product(*choices)]
    return found
