"""Filling the slots of a wording with rows of real text; each sentence of the material is used once in a world."""

import re
from collections.abc import Sequence

import numpy as np

from paraphrase.sources import SLOT

SHORT = re.compile(
    r"^(words?\d*|query|category|letter|name\w*|label\w*|\w*lang\w*|target|entity|title|term|topic|subject|number\w*|"
    r"answers?\w*|choices?\w*|relation|aspect|verb|noun|pronoun|text1|text2|object\w*|span\d?_\w*|first|second|"
    r"keywords?|concepts?|country|city|emotion|style|genre|type|event\w*|task|head|tail)$", re.IGNORECASE,
)  # fmt: skip
LONG = re.compile(
    r"^(passage|context|article|document|dialogue|dialog\w*|text|paragraphs?|para|background|situation|story|review\w*|"
    r"body|content|input|highlights|plot|abstract|conversation|table|messages?|email_body|src|premise|support|"
    r"supporting\w*|facts?|history|instructions)$", re.IGNORECASE,
)  # fmt: skip
WORDLIKE = re.compile(r"[A-Za-z][A-Za-z'-]{2,}")


class Exhausted(RuntimeError):
    """The material has no unused sentence left."""


class Rows:
    """Sentences in a seeded order, each handed out once."""

    def __init__(self, sentences: Sequence[str], seed: int) -> None:
        self._order = np.random.default_rng([seed, 1]).permutation(len(sentences))
        self._sentences = sentences
        self._at = 0

    def sentence(self) -> str:
        """The next unused sentence."""
        if self._at == len(self._order):
            raise Exhausted(f"all {self._at:,} sentences are used: make a smaller world")
        self._at += 1
        return self._sentences[int(self._order[self._at - 1])]

    @property
    def used(self) -> int:
        """How many sentences are handed out."""
        return self._at

    def words(self, chance: np.random.Generator, count: int) -> list[str]:
        """Words of one unused sentence; longer ones first when chance says so."""
        own = WORDLIKE.findall(self.sentence())
        while len(own) < count:
            own += WORDLIKE.findall(self.sentence())
        start = int(chance.integers(0, len(own) - count + 1))
        return own[start : start + count]


def filled(wording: str, rows: Rows, chance: np.random.Generator) -> str:
    """The wording with each slot filled; a slot that stands twice is filled alike."""
    values: dict[str, str] = {}
    for name in SLOT.findall(wording):
        if name not in values:
            values[name] = _value(name, rows, chance)
    return SLOT.sub(lambda found: values[found[1]], wording)


def _value(name: str, rows: Rows, chance: np.random.Generator) -> str:
    bare = name.strip().lower()
    if bare.rstrip("_").startswith(("options", "answer_choices", "choices")):
        return _options(rows, chance)
    if bare == "words":
        return ", ".join(rows.words(chance, int(chance.integers(4, 8))))
    if bare == "letter":
        return str(chance.choice(list("abcdefghijklmnoprstuvw")))
    if SHORT.match(bare):
        return " ".join(rows.words(chance, 1 if bare.startswith("word") else int(chance.integers(1, 4))))
    if LONG.match(bare):
        return " ".join(rows.sentence() for _ in range(int(chance.integers(2, 6))))
    return rows.sentence()


def _options(rows: Rows, chance: np.random.Generator) -> str:
    many = int(chance.integers(2, 5))
    marks = [("- ",) * many, ("(A) ", "(B) ", "(C) ", "(D) ")][int(chance.integers(0, 2))]
    own = [" ".join(rows.words(chance, int(chance.integers(1, 5)))) for _ in range(many)]
    return "\n".join(mark + text for mark, text in zip(marks, own, strict=False))
