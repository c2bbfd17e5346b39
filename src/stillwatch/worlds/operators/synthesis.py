"""Data synthesis: instructions, answers and harder versions made from seeds.

Imitates self-instruct and Evol-Instruct pipelines (S21): seeds are real role-play and task prompts, the model invents
the rest. Instructions are written by hand after distilabel's and self-instruct's templates; answers are a teacher's.
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.operators.wording import Manner, wordings
from stillwatch.worlds.words import Words

MAKE = wordings("make")


class Synthesis:
    """Seeds under a campaign's instructions, each used once."""

    capability = "data_synthesis"

    def __init__(self, corpus: Corpus, seed: int, manner: Manner) -> None:
        self._pairs = corpus.pairs_by_capability["roleplay"]
        self._seed = seed
        self.manner = manner

    def write(self, item: int, turn: int) -> Words:
        """The words for one seed."""
        dice = Dice(key("synthesis", self._seed, item))
        seed = self._pairs[(item * 7919 + self._seed) % len(self._pairs)].prompt[:500]
        wording = dice.popular(MAKE, 1.5)
        messages, system = self.manner.asked(wording, f"Seed: {seed}", dice)
        return Words(messages, dice.pick(self._pairs).response, system)
