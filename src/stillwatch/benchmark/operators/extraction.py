"""How a campaign works: batches of work handed out over its accounts, hidden among replayed honest conversations."""

from bisect import bisect_left
from dataclasses import dataclass

from stillwatch.benchmark import calendar, clients, places
from stillwatch.benchmark.chance import Dice, key
from stillwatch.benchmark.draft import NEWEST, Draft
from stillwatch.benchmark.operators.agentic import Trajectories
from stillwatch.benchmark.operators.grading import Grading
from stillwatch.benchmark.operators.members import Member, Operation
from stillwatch.benchmark.operators.reasoning import Reasoning
from stillwatch.benchmark.operators.synthesis import Synthesis
from stillwatch.benchmark.places import Place
from stillwatch.benchmark.plan import Account
from stillwatch.benchmark.words import Script

BATCHES = 44
TURNS = (1, 1, 1, 2, 3)
"""Turns of an agent's trajectory; every other task is asked once."""


@dataclass
class Spent:
    """What hiding cost, counted while the campaign runs."""

    extraction: int = 0
    cover: int = 0
    paraphrased: int = 0
    rented: int = 0


class Work:
    """A campaign at work: its scripts, its stock of items (each handed out once), its batches, its pools."""

    def __init__(self, operation: Operation) -> None:
        draft, campaign, scenario = operation.draft, operation.campaign, operation.scenario
        self.spent = Spent()
        self._draft, self._number, self._scenario = draft, operation.number, scenario
        self._honest, self._bought = operation.honest, operation.bought
        dice = draft.dice("work", campaign.name)
        self._scripts = [
            (draft.script(_script(draft, campaign.name, aim, scenario.paraphrase)), aim, share)
            for aim, share in campaign.aims
        ]
        self._next = 0
        self._batches = sorted(self._honest.moment(dice) for _ in range(BATCHES))
        self._pivot = calendar.RELEASED_US + int(dice.between(2, 10) * calendar.HOUR)
        self._habits = (clients.habit(dice), clients.habit(dice))

    def employ(self, member: Member) -> None:
        """Let a member do its share of the work, and its cover traffic."""
        dice = self._draft.dice("employ", member.account.account_id)
        extraction = sum(dice.true(1 - self._scenario.cover) for _ in range(member.exchanges))
        for start in self._moments(member.account, dice, extraction):
            self.extract(member.account, start, dice, aloof=member.aloof)
        self._cover(member, dice, member.exchanges - extraction)

    def extract(self, account: Account, start: int, dice: Dice, *, aloof: bool = False, foreign: bool = False) -> None:
        """One item of the stock through one account. ``foreign``: with a stolen key, never from the owner's places."""
        script, aim, _ = self._drawn(dice)
        item, self._next = self._next, self._next + 1
        turns = dice.pick(TURNS) if aim in ("tools", "coding") else 1
        rotated = not foreign and (aloof or dice.true(self._scenario.rotation))
        self.spent.rented += rotated
        self.spent.extraction += turns
        self.spent.paraphrased += dice.true(self._scenario.paraphrase)
        at = [min(start + turn * 40 * calendar.SECOND, account.ends - 1) for turn in range(turns)]
        self._draft.say(
            account, at, script, [item] * turns, list(range(turns)), conversations=[0] * turns, campaign=self._number,
            places=(self._rented(account, dice) if rotated else dice.pick(self._bought.exits),),
            client=dice.pick(self._bought.programs) if foreign or not rotated else None,
            habit=dice.pick(self._habits) if dice.true(0.6) else clients.habit(dice),
            model=NEWEST if start > self._pivot + dice.unit() * 12 * calendar.HOUR else account.model,
        )  # fmt: skip

    def capabilities(self) -> dict[str, float]:
        """What the campaign is after: the share of each capability in its orders."""
        scripts = self._draft.tables.scripts
        return {scripts[number].capability: share for number, _, share in self._scripts}

    def _drawn(self, dice: Dice) -> tuple[int, str, float]:
        point = dice.unit()
        for script in self._scripts:
            point -= script[2]
            if point < 0:
                return script
        return self._scripts[-1]

    def _rented(self, account: Account, dice: Dice) -> Place:
        """An address of nobody else's: the account's own now and then, else one rented for a while."""
        if dice.true(0.4):
            return dice.pick(account.places)
        return places.spot(self._draft.corpus, dice, "residential", places.country(dice), 1.0, fixed=0.0)

    def _moments(self, account: Account, dice: Dice, count: int) -> list[int]:
        """Times around batches that fall into the account's life."""
        first, last = (bisect_left(self._batches, edge) for edge in (account.starts, account.ends))
        known = self._batches[first:last] or [(account.starts + account.ends) // 2]
        found = []
        for _ in range(count):
            moment = dice.pick(known) + int(dice.normal(0, self._scenario.jitter) * calendar.HOUR)
            if not account.starts <= moment < account.ends:
                moment = account.starts + int(dice.unit() * (account.ends - account.starts - 1))
            found.append(moment)
        return sorted(found)

    def _cover(self, member: Member, dice: Dice, left: int) -> None:
        account = member.account
        self.spent.cover += max(0, left)
        donor = dice.pick(self._honest.donors)
        talks = self._honest.talks(donor)
        place = dice.below(len(talks))
        starts = iter(self._draft.times(account, max(1, left), "cover").tolist()[:: max(1, len(talks[place].turns))])
        while left > 0:
            talk = talks[place % len(talks)]
            start = next(starts, None)
            if start is None:
                start = account.starts + int(dice.unit() * (account.ends - account.starts - 1))
            turns = talk.turns[: min(left, 40)]
            at = [min(int(start) + after, account.ends - 1) for after in talk.after[: len(turns)]]
            agent = talk.donor.clients[0] if talk.donor.clients[0].product.sessions else None
            shared = not member.aloof and dice.true(0.15)
            self._draft.say(
                account, at, talk.script, [talk.item] * len(turns), turns, conversations=[0] * len(turns), client=agent,
                places=(dice.pick(self._bought.exits),) if shared else (),
            )  # fmt: skip
            left -= len(turns)
            place += 1
            if dice.true(0.12):
                donor = dice.pick(self._honest.donors)
                talks, place = self._honest.talks(donor), 0


def _script(draft: Draft, name: str, aim: str, paraphrase: float) -> Script:
    corpus, seed = draft.corpus, key(draft.seed, "campaign", name, aim) % (1 << 31)
    if aim in ("cot", "post_hoc"):
        return Reasoning(corpus, seed, paraphrase, explain=aim == "post_hoc")
    if aim in ("rubric", "pairs"):
        return Grading(corpus, seed, paraphrase, compare=aim == "pairs")
    if aim in ("tools", "coding"):
        return Trajectories(corpus, seed, paraphrase, tools=aim == "tools")
    return Synthesis(corpus, seed, paraphrase)
