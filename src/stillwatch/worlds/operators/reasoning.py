"""Elicitation of reasoning: solve with all steps, or explain how a finished answer came about.

Imitates S4: the model writes chains of thought over public problems, the student learns them. Instructions are written
by hand after those of distilabel's Math-Shepherd and of published reasoning data sets; answers are real step-by-step
outputs (ZeroEval).
"""

from collections.abc import Sequence

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.operators.material import Problems, short_answer
from stillwatch.worlds.operators.wording import Manner, Wording, wordings
from stillwatch.worlds.words import Words

SOLVE = wordings("solve")
EXPLAIN = wordings("explain")
DERIVE = wordings("derive")
"""Another operator's words for the same aim."""


class Reasoning:
    """Problems under a campaign's instructions. ``explain`` gives the answer along and asks for the way to it."""

    def __init__(
        self, corpus: Corpus, seed: int, manner: Manner, words: Sequence[Wording] = SOLVE, *, explain: bool = False
    ) -> None:
        self.capability = "post_hoc_reasoning" if explain else "cot_elicitation"
        self._wordings = EXPLAIN if explain else words
        self._problems = Problems(corpus, seed)
        self._answers = corpus.answers["math"]
        self._seed = seed
        self.manner = manner
        self._explain = explain

    def write(self, item: int, turn: int) -> Words:
        """The words for one problem."""
        dice = Dice(key("reasoning", self._seed, item))
        wording = dice.popular(self._wordings, 1.5)
        problem = self._problems[item]
        if self._explain:
            problem = f"Problem: {problem}\n\nAnswer: {short_answer(dice, problem)}"
        messages, system = self.manner.asked(wording, problem, dice)
        return Words(messages, dice.pick(self._answers), system)
