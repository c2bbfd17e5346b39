"""People who make training data in the open: permitted distillers, and hobbyists.

Permitted ones are huge and unmistakable, one as a single account and one as an organisation of many, and hold a contract
(a row of permissions). Hobbyists generate a few hundred synthetic rows for a project of their own, with the templates
that everybody copies (self-instruct, Evol-Instruct); nobody permitted it, nobody hides.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from typing import Any

from stillwatch.worlds import clients, people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.plan import LOOK_ALIKE, Account
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Words, system, user

HOBBYISTS = 40
SINGLE_EXCHANGES, TEAM, TEAM_MEAN = 2500, 24, 90.0
COURSE = "Solve the problem. Write out all of your reasoning step by step, then give the final answer on its own line.\n\nProblem: {item}"

HOBBY = (
    "Generate {n} diverse instructions about {topic} that a user could ask an assistant. Number them.",
    "Come up with {n} question and answer pairs about {topic} for a small fine-tune. JSONL please.",
    "I want you act as a Prompt Creator. Your goal is to draw inspiration from the #Given Prompt# to create a brand new prompt in the same domain but more rare.\n\n#Given Prompt#:\n{seed}\n\n#Created Prompt#:",
    "Write a synthetic dialogue between a customer and an expert on {topic}. {n} turns.",
    "You are asked to come up with a set of {n} diverse task instructions. Topic: {topic}. Try not to repeat the verb.",
)  # fmt: skip


class Course:
    """Public problems, each asked about once."""

    capability = "cot_elicitation"

    def __init__(self, corpus: Corpus, role: str | None) -> None:
        self._items = corpus.prompts["eval_math"] + corpus.prompts["eval_knowledge"]
        self._answers = corpus.answers["math"]
        self._system = system(role) if role else None

    def write(self, item: int, turn: int) -> Words:
        """The words for one problem."""
        text = COURSE.replace("{item}", self._items[item % len(self._items)])
        return Words((user(text),), Dice(key("course", item)).pick(self._answers), self._system)


class Hobby:
    """Synthetic data for one's own project."""

    capability = "data_synthesis"

    def __init__(self, corpus: Corpus, voice: Voice, seed: int, wording: str) -> None:
        self._pairs = corpus.pairs_by_capability["roleplay"]
        self._voice = voice
        self._seed = seed
        self._wording = wording

    def write(self, item: int, turn: int) -> Words:
        """The words for one request."""
        dice = Dice(key("hobby", self._seed, item))
        text = self._wording.replace("{n}", str(5 * (1 + dice.below(4)))).replace(
            "{topic}", dice.pick(self._voice.topics)
        )
        return Words((user(text.replace("{seed}", self._voice.prompt(dice))),), dice.pick(self._pairs).response)


def populate(draft: Draft) -> None:
    """Add the permitted distillers and the hobbyists."""
    _single(draft)
    _team(draft)
    for number in range(max(2, round(HOBBYISTS * draft.scale))):
        dice = draft.dice("hobbyist", number)
        account = draft.sign_up("hobbyist", LOOK_ALIKE, (number,), day="evening")
        voice = draft.voice("hobbyist", number)
        script = draft.script(Hobby(draft.corpus, voice, key(draft.seed, "hobbyist", number), dice.pick(HOBBY)))
        count = draft.volume(dice, 70.0)
        draft.say(account, draft.times(account, count, "hobby"), script, range(count), [0] * count)


def _single(draft: Draft) -> None:
    dice = draft.dice("permitted single")
    name = people.company_domain(dice)
    account = _company(draft, dice, name, (0,))
    draft.permissions.append({"account_id": account.account_id, "purpose": "distillation", "reference": "C-2087"})
    count = max(300, round(SINGLE_EXCHANGES * min(1.0, draft.scale)))
    script = draft.script(Course(draft.corpus, None))
    draft.say(account, draft.times(account, count, "course"), script, range(count), [0] * count)


def _team(draft: Draft) -> None:
    dice = draft.dice("permitted team")
    name = people.company_domain(dice)
    org = f"org_{key(draft.seed, name):016x}"
    draft.permissions.append({"org_id": org, "purpose": "distillation", "reference": "C-3141"})
    script = draft.script(Course(draft.corpus, "You are a careful mathematician."))
    item = 4000
    for member in range(max(4, round(TEAM * min(1.0, draft.scale)))):
        account = _company(
            draft, draft.dice("permitted team", member), name, (1, member), org_id=org, verified_domain=name
        )
        count = draft.volume(draft.dice("permitted team volume", member), TEAM_MEAN, 0.6)
        draft.say(account, draft.times(account, count, "course"), script, range(item, item + count), [0] * count)
        item += count


def _company(draft: Draft, dice: Dice, name: str, names: tuple[object, ...], **known: Any) -> Account:
    return draft.sign_up(
        "permitted_distiller", LOOK_ALIKE, names, homes=[places.server(draft.corpus, dice, 1.0, fixed=1.0)], day="machine",
        using=(clients.developer(dice),), email_domain=name, tier="team", always=True, **known,
    )  # fmt: skip
