"""Grades and preference pairs: the model as a reward model.

Imitates S6: answers of a student are graded against rubrics, or two of them compared. Rubrics are written by hand after
UltraFeedback's and Prometheus's; the graded answers are real answers of models (Arena).
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.operators.wording import Wording
from stillwatch.worlds.words import Words, user

GRADE = (
    Wording((
        ("Grade the response to the instruction against the rubric.", "Assess how well the response meets the rubric.", "Judge this response with the rubric given.", "Apply the rubric to the response.", "Score the response under the rubric."),
        ("First write feedback that refers to the rubric only, then the grade.", "Begin with feedback tied to the rubric; the grade follows.", "Give reasons in terms of the rubric before the grade.", "Write your critique first, the number afterwards."),
        ("Return JSON: {\"feedback\": str, \"grade\": 1-5}.", "Answer as JSON with feedback and grade (1 to 5).", "Output a JSON object with the keys feedback and grade.", "JSON only: feedback, grade."),
    )),
    Wording((
        ("You label data for a reward model.", "Your labels train a quality estimator.", "These labels are used to tune a ranker."),
        ("For the answer below give separate marks for helpfulness, honesty, instruction following and truth.", "Mark helpfulness, honesty, truth and obedience to the instruction, each by itself.", "Four marks are needed: helpful, honest, true, follows the instruction."),
        ("Each from 1 to 5 with one sentence of justification.", "Use 1 to 5 and justify every mark in a sentence.", "Scale 1-5; a one-sentence reason each."),
    ), frame=2),
)  # fmt: skip
COMPARE = (
    Wording((
        ("Two candidate answers to one prompt are shown.", "Here are a prompt and two answers to it.", "Compare the two answers to this prompt.", "You see one prompt and a pair of answers."),
        ("Decide which one a careful expert would prefer, and by how much.", "Say which an expert prefers and how strongly.", "State the better one and the margin.", "Choose the one that an expert would keep; rate the margin."),
        ("Reply with `chosen`, `rejected`, `margin` (0-3) and a rationale.", "Give chosen, rejected, margin from 0 to 3, rationale.", "Fields: chosen, rejected, margin, rationale.", "Output chosen/rejected, a margin of 0 to 3 and why."),
    ), frame=1),
)  # fmt: skip
RUBRICS = (
    "Correctness: are all claims right and supported?", "Depth: does it explain causes, not only facts?",
    "Instruction following: are all constraints met?", "Style: is it clear, ordered and free of filler?",
    "Honesty: does it say what it does not know?", "Code: would it run, and handle edge cases?",
)  # fmt: skip


class Grading:
    """Prompts with a student's answers under a campaign's rubrics."""

    def __init__(self, corpus: Corpus, seed: int, paraphrase: float, *, compare: bool = False) -> None:
        self.capability = "preference_pairs" if compare else "rubric_grading"
        self._wordings = COMPARE if compare else GRADE
        self._prompts = [pair.prompt for pair in corpus.pairs] + corpus.prompts["human_chat"]
        self._answers = corpus.answers["chat"]
        self._seed = seed
        self._paraphrase = paraphrase
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
        text = dice.popular(self._wordings, 1.5).text(material, dice, dice.true(self._paraphrase))
        return Words((user(text),), self._verdict(dice))

    def _student(self, dice: Dice) -> str:
        text = dice.pick(self._answers).words
        return text[: text.rfind(" ", 0, 500)].replace("\\n", "\n").replace('\\"', '"')

    def _verdict(self, dice: Dice) -> Answer:
        reason = self._student(dice)[: 120 + dice.below(240)]
        text = f'{{"feedback": "{reason}", "grade": {1 + dice.below(5)}}}'
        return Answer(escaped(text), max(1, len(text) // 4))
