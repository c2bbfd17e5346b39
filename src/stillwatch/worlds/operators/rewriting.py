"""Censorship-safe rewrites: sensitive questions are put in a form that a censor lets pass, with an answer to it.

Imitates S7: reports of February 2026 tell of an operator who had politically sensitive questions (on dissidents,
leaders, one-party rule) turned into safe alternatives, to teach its own model to steer away. Questions are put together
from `data/words/sensitive.json`, written by hand in English and Chinese, and name no real person; answers are real chat
answers.
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.operators.wording import Manner, wordings
from stillwatch.worlds.sensitive import sensitive
from stillwatch.worlds.words import Words

REWRITE = wordings("rewrite")


class Rewrites:
    """Sensitive questions under a campaign's instructions."""

    capability = "sensitive_rewrite"

    def __init__(self, corpus: Corpus, seed: int, manner: Manner) -> None:
        self._answers = corpus.answers["chat"]
        self._seed = seed
        self.manner = manner

    def write(self, item: int, turn: int) -> Words:
        """The words for one question."""
        dice = Dice(key("rewrite", self._seed, item))
        wording = dice.popular(REWRITE, 1.5)
        messages, system = self.manner.asked(wording, f"Question: {sensitive(dice)}", dice)
        return Words(messages, dice.pick(self._answers), system)
