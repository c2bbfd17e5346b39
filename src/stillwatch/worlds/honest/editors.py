"""Newsrooms and course studios: teams whose honest work resembles a campaign's, each from one office.

Imitates editors who put sensitive questions into neutral words (as S7 looks, for readers and with sources), and
authors of courses who write a question, its worked solution and a check of it on three desks (as S8 looks, on chapters
of their own). Tasks are written by hand (`data/words/newsrooms.json`, `studios.json`); sensitive questions come from
`data/words/sensitive.json`, as the operators' do; chapters are recombined real sentences; sizes are assumed.
"""

from collections.abc import Callable

from stillwatch.worlds import people, places
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import lexicon
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest.chat import own_clients, small_talk
from stillwatch.worlds.honest.process import headline
from stillwatch.worlds.plan import LOOK_ALIKE
from stillwatch.worlds.sensitive import sensitive
from stillwatch.worlds.voices import Voice
from stillwatch.worlds.words import Script, Words, user

NEWSROOMS, STUDIOS = (2, 22), (3, 14)
MEAN = 50.0


class Desk:
    """What one team's editor or author asks, about the team's own material."""

    capability = "chat"

    def __init__(self, draft: Draft, cohort: str, team: int, step: int) -> None:
        self._answers = draft.corpus.answers["chat"]
        self._voice: Voice = draft.voice(cohort, team)
        self._tasks = lexicon(cohort)["steps" if cohort == "studios" else "tasks"]
        self._seed = key(draft.seed, cohort, team)
        self._step = step

    def write(self, item: int, turn: int) -> Words:
        """The words for one question of readers, or one step of a course's question."""
        dice, made = Dice(key("desk", self._seed, self._step, item)), Dice(key("made", self._seed, item))
        task = self._tasks[self._step] if self._step >= 0 else dice.pick(self._tasks)
        slots: dict[str, Callable[[], str]] = {
            "{question}": lambda: sensitive(dice), "{notes}": lambda: self._voice.prose(dice, 2),
            "{title}": lambda: self._voice.prompt(made), "{text}": lambda: self._voice.prose(made, 3 + made.below(4)),
            "{key}": lambda: headline(made, self._voice).strip(), "{solution}": lambda: self._voice.prose(dice, 4),
        }  # fmt: skip
        for slot, fill in slots.items():
            task = task.replace(slot, fill()) if slot in task else task
        return Words((user(task),), dice.pick(self._answers))


def newsrooms(draft: Draft) -> None:
    """Add the newsrooms."""
    for team, size in enumerate(draft.sizes(*NEWSROOMS)):
        script = draft.script(Desk(draft, "newsrooms", team, -1))
        _team(draft, "newsrooms", team, [script] * size)


def studios(draft: Draft) -> None:
    """Add the studios; each member sits on one of three desks."""
    for team, size in enumerate(draft.sizes(*STUDIOS)):
        steps: list[Script] = [Desk(draft, "studios", team, step) for step in range(3)]
        numbers = [draft.script(step) for step in steps]
        _team(draft, "studios", team, [numbers[member % 3] for member in range(size)])


def _team(draft: Draft, cohort: str, team: int, scripts: list[int]) -> None:
    dice = draft.dice(cohort, team)
    where = places.country(dice)
    office, domain = places.spot(draft.corpus, dice, "office", where, 3.0, fixed=0.5), people.company_domain(dice)
    for member, script in enumerate(scripts):
        draw = draft.dice(cohort, team, member)
        account = draft.sign_up(
            cohort.removesuffix("s"), LOOK_ALIKE, (team, member), country=where, using=own_clients(draw), day="office",
            homes=(office, *places.person(draft.corpus, draw, where)[:1]), email_domain=domain,
        )  # fmt: skip
        exchanges = draft.volume(draw, MEAN)
        work = max(1, int(exchanges * draw.between(0.3, 0.9)))
        items = [
            1000 * (member // 3) + place if cohort == "studios" else 1000 * member + place for place in range(work)
        ]
        draft.say(account, draft.times(account, work, "desk"), script, items, [0] * work)
        small_talk(draft, account, exchanges - work)
