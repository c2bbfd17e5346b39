"""A staged pipeline: an item is generated, its trace reconstructed, the trace graded, over several accounts and days.

Imitates S8 and S21: reports tell of campaigns in phases, first broad generation, then reconstruction of reasoning, then
grading of what was collected. What one stage answers is what the next one asks about. Seeds are public problems, traces
real step-by-step answers (ZeroEval); instructions are written by hand (`data/words/operators.json`).
"""

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.operators.material import Problems, short_answer
from stillwatch.worlds.operators.wording import Manner, Wording, wordings
from stillwatch.worlds.words import Words

STAGES = {"build": "data_synthesis", "retrace": "post_hoc_reasoning", "accept": "rubric_grading"}
"""Each stage's capability, in order."""
ORDERS = {stage: wordings(stage) for stage in STAGES}


class Stage:
    """One stage of a campaign's pipeline. Stages of one ``seed`` speak of the same items."""

    def __init__(self, corpus: Corpus, seed: int, manner: Manner, stage: str) -> None:
        self.capability = STAGES[stage]
        self._problems = Problems(corpus, seed)
        self._traces = corpus.answers["math"]
        self._seed = seed
        self._stage = stage
        self.manner = manner

    def write(self, item: int, turn: int) -> Words:
        """The words for an item at this stage."""
        dice = Dice(key("stage", self._seed, self._stage, item))
        wording: Wording = dice.popular(ORDERS[self._stage], 1.5)
        messages, system = self.manner.asked(wording, self._material(item), dice)
        return Words(messages, self._reply(item, dice), system)

    def _material(self, item: int) -> str:
        if self._stage == "build":
            return f"Sample: {self._problems[2 * item]}"
        parts = self._built(item)
        if self._stage == "accept":
            parts += f"\n\nTRACE: {self._trace(item).words}".replace("\\n", "\n").replace('\\"', '"')
        return parts

    def _reply(self, item: int, dice: Dice) -> Answer:
        if self._stage == "build":
            return _answer(self._built(item))
        if self._stage == "retrace":
            return self._trace(item)
        marks = ", ".join(f'"{name}": {2 + dice.below(4)}' for name in ("valid", "independent", "clear"))
        return _answer(f'{{{marks}, "keep": {dice.pick(("true", "true", "false"))}}}')

    def _built(self, item: int) -> str:
        problem = self._problems[2 * item + 1]
        return f"ITEM: {problem}\nKEY: {short_answer(Dice(key('key', self._seed, item)), problem)}"

    def _trace(self, item: int) -> Answer:
        return Dice(key("trace", self._seed, item)).pick(self._traces)


def _answer(text: str) -> Answer:
    return Answer(escaped(text), max(1, len(text) // 4))
