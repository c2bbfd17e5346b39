"""Trace coercion: the model is told, in many languages, to print the reasoning that it does not show.

Imitates S5: public reports tell of prompts in several languages that ask for hidden reasoning verbatim, so that a
filter for one language misses the rest. Wordings in eight languages are written by hand for this simulation
(`data/words/operators.json`); questions are the public problems of the other reasoning campaigns.
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus
from stillwatch.worlds.operators.material import Problems, short_answer
from stillwatch.worlds.operators.wording import Manner, wordings
from stillwatch.worlds.words import Words

COERCE = wordings("coerce")


class Coercion:
    """Problems under an order to show hidden reasoning, each in one of the campaign's languages."""

    capability = "trace_coercion"

    def __init__(self, corpus: Corpus, seed: int, manner: Manner) -> None:
        self._problems = Problems(corpus, seed)
        self._answers = corpus.answers["math"]
        self._seed = seed
        self.manner = manner

    def write(self, item: int, turn: int) -> Words:
        """The words for one problem."""
        dice = Dice(key("coercion", self._seed, item))
        wording = dice.popular(COERCE, 1.3)
        problem = self._problems[item]
        messages, system = self.manner.asked(wording, problem, dice)
        traced = dice.pick(self._answers)
        reply = Answer(f"<inner>{traced.words}</inner> {short_answer(dice, problem)}", traced.tokens + 9)
        return Words(messages, reply, system)
