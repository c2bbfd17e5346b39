"""Online tutors: a teaching platform whose freelance tutors ask for step-by-step solutions of their pupils' homework.

Imitates marketplaces for private lessons: one handbook's instruction in seven languages, exercises of textbooks that
many pupils share, afternoons and evenings, many follow-ups. Reasoning asked for all day over public-looking problems,
by strangers with homes and mailboxes of their own. Words are written by hand (`data/words/tutors.json`), a third of the
English exercises are GSM8K rows; volumes and lengths of conversations are assumed.
"""

from typing import Any

from stillwatch.worlds import people
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus, escaped, lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import own_clients, small_talk
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.words import Message, Words

TUTORS, MEAN, TURNS = 90, 75.0, 3.4
BOOK = 60
"""Exercises that a textbook makes of one pattern."""


class Lesson:
    """Lessons of one tutor: an exercise, the handbook's instruction, and the pupil's questions."""

    capability = "chat"

    def __init__(self, corpus: Corpus, words: dict[str, Any], seed: int) -> None:
        self._words = words
        self._problems = corpus.prompts["eval_math"]
        self._answers = corpus.answers["math"]
        self._seed = seed

    def write(self, item: int, turn: int) -> Words:
        """The words of lesson ``item`` up to its ``turn``."""
        dice = Dice(key("lesson", self._seed, item))
        asked = dice.popular(self._words["instructions"], 1.6)
        text = asked.replace("{grade}", str(3 + dice.below(8))).replace("{exercise}", self._exercise(dice))
        messages, reply = [Message("user", escaped(text))], dice.pick(self._answers)
        for _ in range(turn):
            question = _numbered(dice.pick(self._words["questions"]), dice)
            messages += (Message("assistant", reply.words), Message("user", escaped(question)))
            reply = dice.pick(self._answers)
        return Words(tuple(messages[-9:]), reply)

    def _exercise(self, dice: Dice) -> str:
        if self._words["language"] == "en" and dice.true(0.33):
            return dice.pick(self._problems)
        pattern = dice.pick(self._words["exercises"])
        return _numbered(pattern, Dice(key("textbook", pattern, dice.below(BOOK))))


def _numbered(text: str, dice: Dice) -> str:
    for slot in ("a", "b", "c"):
        text = text.replace(f"{{{slot}}}", str(2 + dice.below(90)))
    name = dice.pick(people.FIRST).title()
    return text.replace("{name}", name).replace("{n}", str(1 + dice.below(5))).replace("{age}", str(8 + dice.below(9)))


def populate(draft: Draft) -> None:
    """Add the platform's tutors."""
    platform = people.company_domain(draft.dice("tutors"))
    for number in range(max(8, round(TUTORS * draft.scale))):
        dice = draft.dice("tutor", number)
        words = dice.popular(lexicon("tutors"), 1.3)
        account = draft.sign_up(
            "tutor", LOOK_ALIKE, (number,), country=dice.pick(words["countries"]),
            day=dice.pick(("student", "evening")), using=own_clients(dice),
            email_domain=platform if dice.true(0.3) else None, programme="education" if dice.true(0.2) else None,
        )  # fmt: skip
        exchanges = draft.volume(dice, MEAN)
        lessons = max(1, int(exchanges * dice.between(0.5, 1.0)))
        script = draft.script(Lesson(draft.corpus, words, key(draft.seed, "tutor", number)))
        draft.converse(account, script, lessons, turns=TURNS, gap=110.0)
        small_talk(draft, account, exchanges - lessons)
