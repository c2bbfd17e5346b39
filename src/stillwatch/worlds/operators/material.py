"""What operators ask about: public problems, swept once and sharded over accounts, and variants made from them."""

import math
import re

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus

_NUMBER = re.compile(r"\d+")
VARIED = 0.4
"""Share of items that are a public problem with other numbers (as augmented data sets hold)."""


class Problems:
    """Problems with a short answer, by number; equal numbers give equal problems, different ones different problems."""

    def __init__(self, corpus: Corpus, seed: int, kinds: tuple[str, ...] = ("eval_math", "eval_knowledge")) -> None:
        self._items = [text for kind in kinds for text in corpus.prompts[kind]]
        self._seed = seed
        self._stride = 7919
        while math.gcd(self._stride, len(self._items)) > 1:
            self._stride += 2

    def __getitem__(self, number: int) -> str:
        dice = Dice(key("problem", self._seed, number))
        text = self._items[(number * self._stride + self._seed) % len(self._items)]
        if number < len(self._items) and not dice.true(VARIED):
            return text
        return _NUMBER.sub(lambda match: str(max(2, int(int(match.group()[:9]) * dice.between(0.4, 2.5)))), text)


def short_answer(dice: Dice, problem: str) -> str:
    """A final answer that fits the form of the problem."""
    if "\nA. " in problem:
        return dice.pick("ABCD")
    return str(dice.pick((2, 3, 4, 5, 10, 12)) * (1 + dice.below(60)))
