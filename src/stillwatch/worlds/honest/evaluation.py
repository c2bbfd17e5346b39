"""Evaluation: strangers who ask the model the same public benchmark, and strangers who let it judge.

Harness users send MMLU and GSM8K items in the wording of lm-evaluation-harness, so that their fillers agree to the letter;
each asks a part of the benchmark in order. Judges use the templates of MT-bench and AlpacaEval on answers of their own
systems. Both look like extraction: reasoning asked for, items swept, grades collected.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds import clients, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Answer, Corpus, escaped
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Message, Words, system, user

HARNESS, JUDGES = 80, 60
MEAN = 90.0

KNOWLEDGE = (
    "The following are multiple choice questions (with answers).\n\n{item}\nAnswer:",
    "{item}\nAnswer:",
    "Answer the following multiple choice question. The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering.\n\n{item}",
)  # fmt: skip
MATHS = (
    "Question: {item}\nAnswer:",
    "Given the following problem, reason and give a final answer to the problem.\nProblem: {item}\nYour response should end with \"The final answer is [answer]\" where [answer] is the response to the problem.",
    "Q: {item}\nA: Let's think step by step.",
)  # fmt: skip
JUDGE_ROLES = (
    "You are a helpful and precise assistant for checking the quality of the answer.",
    "You are a helpful assistant.",
)
JUDGE = (
    "[System]\nPlease act as an impartial judge and evaluate the quality of the response provided by an AI assistant to the user question displayed below. Your evaluation should consider factors such as the helpfulness, relevance, accuracy, depth, creativity, and level of detail of the response. Begin your evaluation by providing a short explanation. Be as objective as possible. After providing your explanation, please rate the response on a scale of 1 to 10 by strictly following this format: \"[[rating]]\".\n\n[Question]\n{question}\n\n[The Start of Assistant's Answer]\n{first}\n[The End of Assistant's Answer]",
    "Select the output (a) or (b) that best matches the given instruction. Choose your preferred output, which can be subjective. Your answer should ONLY contain: Output (a) or Output (b).\n\n# Task:\n## Instruction:\n{question}\n\n## Output (a):\n{first}\n\n## Output (b):\n{second}\n\n## Which is best, Output (a) or Output (b)?",
    "[Question]\n{question}\n\n[The Start of Assistant 1's Answer]\n{first}\n\n[The End of Assistant 1's Answer]\n\n[The Start of Assistant 2's Answer]\n{second}\n\n[The End of Assistant 2's Answer]\n\n[System]\nWe would like to request your feedback on the performance of two AI assistants in response to the user question displayed above. Please rate the helpfulness, relevance, accuracy, level of details of their responses. Each assistant receives an overall score on a scale of 1 to 10.",
)  # fmt: skip


class Benchmark:
    """A public benchmark in a harness's wording. ``item`` is the row of the benchmark."""

    capability = "evaluation"

    def __init__(self, corpus: Corpus, kind: str, wording: str) -> None:
        self._items = corpus.prompts[kind]
        self._answers = corpus.answers["math"]
        self._letter = kind == "eval_knowledge" and "step by step" not in wording
        self._wording = wording

    def write(self, item: int, turn: int) -> Words:
        """The words for one row."""
        dice = Dice(key("benchmark", self._wording, item))
        reply = Answer(dice.pick("ABCD"), 1) if self._letter else dice.pick(self._answers)
        return Words((user(self._wording.replace("{item}", self._items[item % len(self._items)])),), reply)


class Judging:
    """Somebody's own questions and the answers of systems under test."""

    capability = "evaluation"

    def __init__(self, corpus: Corpus, voice: Voice, seed: int, wording: str, role: str | None) -> None:
        self._answers = corpus.answers["chat"]
        self._voice = voice
        self._seed = seed
        self._wording = wording
        self._system = system(role) if role else None

    def write(self, item: int, turn: int) -> Words:
        """The words for one question."""
        dice = Dice(key("judge", self._seed, item))
        text = escaped(self._wording).replace("{question}", escaped(self._voice.prompt(dice)))
        for slot in ("{first}", "{second}"):
            text = text.replace(slot, clipped(dice.pick(self._answers), 700))
        return Words((Message("user", text),), verdict(dice, self._voice), self._system)


def clipped(answer: Answer, length: int) -> str:
    """The first characters of an answer, cut behind a space (never within an escape)."""
    return answer.words if len(answer.words) <= length else answer.words[: answer.words.rfind(" ", 0, length)]


def verdict(dice: Dice, voice: Voice) -> Answer:
    """A judge's answer: some sentences and a grade."""
    text = f"{voice.prose(dice, 1 + dice.below(3))} Rating: [[{1 + dice.below(10)}]]"
    return Answer(escaped(text), len(text) // 4)


def populate(draft: Draft) -> None:
    """Add the evaluators."""
    for number in range(round(HARNESS * draft.scale)):
        _harness(draft, number)
    for number in range(round(JUDGES * draft.scale)):
        _judge(draft, number)


def _harness(draft: Draft, number: int) -> None:
    dice = draft.dice("harness", number)
    where = places.country(dice)
    account = draft.sign_up(
        "evaluation_harness", LOOK_ALIKE, (number,), country=where, homes=places.developer(draft.corpus, dice, where),
        using=(clients.run(dice.pick(clients.EVALUATORS), dice),), day="wide",
    )  # fmt: skip
    kind, wordings = ("eval_knowledge", KNOWLEDGE) if dice.true(0.55) else ("eval_math", MATHS)
    script = draft.script(Benchmark(draft.corpus, kind, dice.popular(wordings, 1.4)))
    count = draft.volume(dice, MEAN, 1.2)
    first = dice.pick((0, 0, dice.below(5000)))
    # An evaluation runs in a few sittings, each as fast as the API allows.
    sittings = draft.times(account, 1 + count // 60, "sittings").repeat(60)[:count]
    pace = dice.between(0.5, 20) * 1e6
    at = [min(int(start + place % 60 * pace), account.ends - 1) for place, start in enumerate(sittings)]
    draft.say(
        account,
        at,
        script,
        range(first, first + count),
        [0] * count,
        conversations=[place // 60 for place in range(count)],
    )


def _judge(draft: Draft, number: int) -> None:
    dice = draft.dice("judge", number)
    where = places.country(dice)
    account = draft.sign_up(
        "llm_judge", LOOK_ALIKE, (number,), country=where, homes=places.developer(draft.corpus, dice, where),
        day="machine" if dice.true(0.4) else "office",
    )  # fmt: skip
    role = dice.pick(JUDGE_ROLES) if dice.true(0.6) else None
    judging = Judging(
        draft.corpus, draft.voice("judge", number), key(draft.seed, "judge", number), dice.pick(JUDGE), role
    )
    count = draft.volume(dice, MEAN * 0.7, 1.2)
    draft.say(account, draft.times(account, count, "judging"), draft.script(judging), range(count), [0] * count)
