"""Universities and hackathons: strangers with one place, one time and one task.

A university: one network address range, one mail domain, the education door, the same homework for all, in each one's
own words, and then chat. A hackathon: sign-ups on one day, from one hall, one starter template, one weekend, each team an
idea of its own. Homework items are GSM8K and MMLU rows; hours are students'.
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds import calendar, people, places
from stillwatch.worlds.chance import Dice, generator, key
from stillwatch.worlds.corpus import Corpus, escaped
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import own_clients, small_talk
from stillwatch.worlds.plan import LOOK_ALIKE, Account
from stillwatch.worlds.voices import Chat, Voice
from stillwatch.worlds.words import Message, Words, system

UNIVERSITIES, HACKATHONS = (3, 70), (2, 45)
MEAN = 45.0

WRAPPINGS = (
    "{}", "{}", "solve this: {}", "Can you help me with my homework? {}", "{} show your work please", "explain this one step by step: {}",
    "{}\n\nI got a different result, where is my mistake?", "question 3: {}", "how do i start with this\n{}",
    "{} explain like I'm a beginner", "Solve step by step and show all work:\n{}", "i dont get it. {}", "pls check: {} is it correct?",
)  # fmt: skip
SHEET, SHEETS = 12, 4
STARTER = """You are the assistant of a prototype that a team builds this weekend at {}.
Stay within the team's idea. Answer in short paragraphs. If you need data that you do not have, invent sample data and say so."""


class Homework:
    """The sheets of one course in one student's words, with questions back."""

    capability = "chat"

    def __init__(self, corpus: Corpus, items: list[str], voice: Voice, seed: int) -> None:
        self._items = items
        self._answers = corpus.answers["math"]
        self._voice = voice
        self._seed = seed

    def write(self, item: int, turn: int) -> Words:
        """The words about exercise ``item``, with what was said before ``turn``."""
        dice = Dice(key("homework", self._seed, item))
        messages = [Message("user", escaped(dice.pick(WRAPPINGS).format(self._items[item % len(self._items)])))]
        reply = dice.pick(self._answers)
        for _ in range(turn):
            messages += (Message("assistant", reply.words), Message("user", escaped(self._voice.follow_up(dice))))
            reply = dice.pick(self._answers)
        return Words(tuple(messages[-9:]), reply)


def populate(draft: Draft) -> None:
    """Add universities and hackathons."""
    for number, size in enumerate(draft.sizes(*UNIVERSITIES)):
        _university(draft, number, size)
    for number, size in enumerate(draft.sizes(*HACKATHONS)):
        _hackathon(draft, number, size)


def _university(draft: Draft, number: int, size: int) -> None:
    dice = draft.dice("university", number)
    where = places.country(dice)
    campus = places.spot(draft.corpus, dice, "campus", where, 2.0, fixed=0.4)
    domain = f"{people.company_domain(dice).split('.')[0]}.edu"
    course = dice.few(draft.corpus.prompts["eval_math"] + draft.corpus.prompts["eval_knowledge"][:2500], SHEET * SHEETS)
    for member in range(size):
        draw = draft.dice("university", number, member)
        homes = (campus,) if draw.true(0.5) else (campus, places.spot(draft.corpus, draw, "residential", where, 1.0))
        account = draft.sign_up(
            "university", LOOK_ALIKE, (number, member), country=where, homes=homes, day="student", using=own_clients(draw),
            email_domain=domain if draw.true(0.75) else None, programme="education" if draw.true(0.5) else None,
        )  # fmt: skip
        _studies(draft, account, draw, course)


def _studies(draft: Draft, account: Account, dice: Dice, course: list[str]) -> None:
    exchanges = draft.volume(dice, MEAN)
    homework = min(max(1, int(exchanges * dice.between(0.2, 0.8))), SHEET * SHEETS)
    voice = draft.voice("student", account.account_id)
    script = draft.script(Homework(draft.corpus, course, voice, key(account.account_id)))
    rng = generator(draft.seed, "sheets", account.account_id)
    items = sorted(rng.choice(SHEET * SHEETS, homework, replace=False).tolist())
    # Sheets are due on Sundays: most work on the two days before.
    at, chosen, turns = [], [], []
    for item in items:
        due = calendar.START_US + (7 * (item // SHEET) + 7) * calendar.DAY - 2 * calendar.HOUR
        moment = due - int(dice.heavy(20, 1.0) * calendar.HOUR)
        if not account.starts <= moment < account.ends - calendar.HOUR:
            continue
        for turn in range(1 + dice.below(2)):
            at.append(moment + turn * 90 * calendar.SECOND)
            chosen.append(item)
            turns.append(turn)
    draft.say(account, at, script, chosen, turns, conversations=chosen)
    small_talk(draft, account, exchanges - homework)


def _hackathon(draft: Draft, number: int, size: int) -> None:
    dice = draft.dice("hackathon", number)
    where = places.country(dice)
    hall = places.spot(draft.corpus, dice, "office", where, 2.0, fixed=0.3)
    week = dice.below(4)
    opens = calendar.START_US + (7 * week + 4) * calendar.DAY + (15 - calendar.OFFSETS.get(where, 0)) * calendar.HOUR
    name = people.company_domain(dice).split(".")[0].title()
    for member in range(size):
        draw = draft.dice("hackathon", number, member)
        fresh = draw.true(0.7)
        created = opens + int(draw.heavy(1.5, 0.6) * calendar.HOUR) if fresh else None
        account = draft.sign_up(
            "hackathon", LOOK_ALIKE, (number, member), country=where, homes=places.person(draft.corpus, draw, where),
            using=own_clients(draw) if draw.true(0.3) else (), created=created, signup_place=hall if fresh else None, always=True,
            programme="startup" if draw.true(0.35) else None,
        )  # fmt: skip
        voice = draft.voice("hacker", number, member)
        script = draft.script(
            Chat(draft.corpus, voice, key(draft.seed, "hacker", number, member), system(STARTER.format(name)))
        )
        exchanges = draft.volume(draw, MEAN)
        here = max(1, int(exchanges * draw.between(0.4, 0.9)))
        first = max(opens + 2 * calendar.HOUR, account.starts)
        at = sorted(min(int(first + draw.unit() * 46 * calendar.HOUR), calendar.END_US - 1) for _ in range(here))
        draft.say(account, at, script, range(here), [0] * here, places=(hall,))
        small_talk(draft, account, exchanges - here)
