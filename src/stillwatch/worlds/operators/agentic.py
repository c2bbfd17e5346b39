"""Agent trajectories: tasks with tools, whose calls and thoughts are kept as training data.

Imitates the harvest of agentic coding and tool use (S3): each task from a public set (ToolBench, BFCL), each run
for a few turns with observations of a simulator, every thought asked for in writing.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.operators.wording import Wording
from stillwatch.worlds.words import Message, Words, system, user

ACT = (
    Wording((
        ("You control the tools listed for this task.", "Tools for the task below are at your disposal.", "Use the listed tools on this task.", "The task is to be done with the tools given."),
        ("Before every call write a thought that says what you know, what is missing and why this call helps.", "Precede each call with a thought: known facts, gaps, purpose of the call.", "Think in writing ahead of each call about facts, gaps and purpose.", "A thought comes first every time: what is known, what is not, why this tool."),
        ("Continue until the task is complete, then answer with [DONE].", "Go on to the end; close with [DONE].", "When complete, write [DONE].", "Mark the end by [DONE]."),
    )),
    Wording((
        ("Produce an agent trajectory for the task.", "Write out an agent's trajectory that solves this.", "Generate the trajectory of an agent on this task."),
        ("Use the format Thought / Action / Action Input / Observation, one block a step.", "One block a step: Thought, Action, Action Input, Observation.", "Blocks of Thought, Action, Action Input and Observation, in order."),
        ("Cover planning, a failed attempt and its recovery.", "Show a plan, a failure, a recovery.", "Include a plan, then an attempt that fails and how you recover."),
    ), frame=2, system="You are a capable autonomous agent."),
    Wording((
        ("A repository has the issue described below.", "Consider the issue of a code base below.", "This issue was filed against a repository."),
        ("Locate the cause, plan the edit, show every shell command with its purpose, then the patch.", "Find the cause, then plan, commands with reasons, patch.", "Give cause, plan, each command and what it is for, and the final patch."),
        ("Keep all thoughts in the transcript.", "The transcript keeps every thought.", "Do not leave thoughts out."),
    )),
)  # fmt: skip


class Trajectories:
    """Tasks of public tool-use sets, run for a few turns each."""

    capability = "agentic_coding"

    def __init__(self, corpus: Corpus, seed: int, paraphrase: float, *, tools: bool) -> None:
        self.capability = "tool_use" if tools else "agentic_coding"
        pairs = [pair for name, found in corpus.pairs_by_capability.items() if "tool" in name for pair in found]
        self._tasks = [pair.prompt for pair in pairs] + corpus.prompts["tool_eval"]
        self._schemas = [schema for pair in pairs if pair.system and (schema := _schema(pair.system))]
        self._steps = corpus.steps
        self._answers = corpus.answers["code"]
        self._wordings = ACT[:2] if tools else ACT[1:]
        self._seed = seed
        self._paraphrase = paraphrase
        self._with_tools = tools

    def write(self, item: int, turn: int) -> Words:
        """The words of a task at its ``turn``."""
        dice = Dice(key("trajectory", self._seed, item))
        wording = dice.popular(self._wordings, 1.4)
        task = self._tasks[(item * 7919 + self._seed) % len(self._tasks)]
        messages = [user(wording.text(f"Task: {task}", dice, dice.true(self._paraphrase)))]
        for step in range(turn):
            messages += (
                Message("assistant", self._thought(dice).words),
                Message("user", escaped(f"Observation {step + 1}: {self._seen(dice)}")),
            )
        tools = dice.pick(self._schemas) if self._with_tools and self._schemas and dice.true(0.6) else None
        reply = dice.pick(self._answers) if dice.true(0.4) else self._thought(dice)
        return Words(tuple(messages), reply, system(wording.system) if wording.system else None, tools)

    def _thought(self, dice: Dice) -> Answer:
        text = dice.pick(self._steps["assistant"])[:700]
        return Answer(escaped(text), max(1, len(text) // 4))

    def _seen(self, dice: Dice) -> str:
        return dice.pick(self._steps["user"])[-400:]


def _schema(text: str) -> str | None:
    """Tool definitions that fit a request, if the text of a pair's system words is whole JSON."""
    return text if text.startswith("[{") and text.endswith("}]") else None
