"""Agent trajectories: tasks with tools, whose calls and thoughts are kept as training data.

Imitates the harvest of agentic coding and tool use (S3): each task from a public set (ToolBench, BFCL), each run
for a few turns with observations of a simulator, every thought asked for in writing.
"""

from collections.abc import Sequence

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.operators.wording import Manner, Wording, wordings
from stillwatch.worlds.words import Message, Words

ACT = wordings("act")
REPAIR = wordings("repair")
"""Another operator's words for coding."""


class Trajectories:
    """Tasks of public tool-use sets, run for a few turns each."""

    capability = "agentic_coding"

    def __init__(
        self, corpus: Corpus, seed: int, manner: Manner, words: Sequence[Wording] = (), *, tools: bool
    ) -> None:
        self.capability = "tool_use" if tools else "agentic_coding"
        pairs = [pair for name, found in corpus.pairs_by_capability.items() if "tool" in name for pair in found]
        self._tasks = [pair.prompt for pair in pairs] + corpus.prompts["tool_eval"]
        self._schemas = [schema for pair in pairs if pair.system and (schema := _schema(pair.system))]
        self._steps = corpus.steps
        self._answers = corpus.answers["code"]
        self._wordings = words or (ACT[:2] if tools else ACT[1:])
        self._seed = seed
        self.manner = manner
        self._with_tools = tools

    def write(self, item: int, turn: int) -> Words:
        """The words of a task at its ``turn``."""
        dice = Dice(key("trajectory", self._seed, item))
        wording = dice.popular(self._wordings, 1.4)
        task = self._tasks[(item * 7919 + self._seed) % len(self._tasks)]
        asked, system = self.manner.asked(wording, f"Task: {task}", dice)
        messages = list(asked)
        for step in range(turn):
            messages += (
                Message("assistant", self._thought(dice).words),
                Message("user", escaped(f"Observation {step + 1}: {self._seen(dice)}")),
            )
        tools = dice.pick(self._schemas) if self._with_tools and self._schemas and dice.true(0.6) else None
        reply = dice.pick(self._answers) if dice.true(0.4) else self._thought(dice)
        return Words(tuple(messages), reply, system, tools)

    def _thought(self, dice: Dice) -> Answer:
        text = dice.pick(self._steps["assistant"])[:700]
        return Answer(escaped(text), max(1, len(text) // 4))

    def _seen(self, dice: Dice) -> str:
        return dice.pick(self._steps["user"])[-400:]


def _schema(text: str) -> str | None:
    """Tool definitions that fit a request, if the text of a pair's system words is whole JSON."""
    return text if text.startswith("[{") and text.endswith("}]") else None
