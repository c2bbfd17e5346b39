"""Grades and preference pairs: the model as a reward model.

Imitates S6: answers of a student are graded against rubrics, or two of them compared. Rubrics are written by hand after
UltraFeedback's and Prometheus's; the graded answers are real answers of models (Arena).
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.operators.wording import Manner, wordings
from stillwatch.worlds.words import Words

GRADE = wordings("grade")
COMPARE = wordings("compare")
RUBRICS = (
    "Correctness: are all claims right and supported?", "Depth: does it explain causes, not only facts?",
    "Instruction following: are all constraints met?", "Style: is it clear, ordered and free of filler?",
    "Honesty: does it say what it does not know?", "Code: would it run, and handle edge cases?",
)  # fmt: skip


class Grading:
    """Prompts with a student's answers under a campaign's rubrics."""

    def __init__(self, corpus: Corpus, seed: int, manner: Manner, *, compare: bool = False) -> None:
        self.capability = "preference_pairs" if compare else "rubric_grading"
        self._wordings = COMPARE if compare else GRADE
        self._prompts = [pair.prompt for pair in corpus.pairs] + corpus.prompts["human_chat"]
        self._answers = corpus.answers["chat"]
        self._seed = seed
        self.manner = manner
        self._compare = compare

    def write(self, item: int, turn: int) -> Words:
        """The words for one graded prompt."""
        dice = Dice(key("grading", self._seed, item))
        prompt = self._prompts[(item * 7919 + self._seed) % len(self._prompts)][:600]
        first, second = (self._student(dice) for _ in range(2))
        if self._compare:
            material = f"### Prompt\n{prompt}\n\n### Answer 1\n{first}\n\n### Answer 2\n{second}"
        else:
            material = f"Rubric: {dice.pick(RUBRICS)}\n\nInstruction: {prompt}\n\nResponse: {first}"
        wording = dice.popular(self._wordings, 1.5)
        messages, system = self.manner.asked(wording, material, dice)
        return Words(messages, self._verdict(dice), system)

    def _student(self, dice: Dice) -> str:
        text = dice.pick(self._answers).words
        return text[: text.rfind(" ", 0, 500)].replace("\\n", "\n").replace('\\"', '"')

    def _verdict(self, dice: Dice) -> Answer:
        reason = self._student(dice)[: 120 + dice.below(240)]
        text = f'{{"feedback": "{reason}", "grade": {1 + dice.below(5)}}}'
        return Answer(escaped(text), max(1, len(text) // 4))
