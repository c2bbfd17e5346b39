"""How a campaign works: batches of work handed out over its accounts, hidden among replayed honest conversations."""

from bisect import bisect_left
from dataclasses import dataclass

from stillwatch.worlds import calendar, clients
from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.draft import NEWEST, Draft
from stillwatch.worlds.operators.agentic import Trajectories
from stillwatch.worlds.operators.grading import Grading
from stillwatch.worlds.operators.members import Member, Operation
from stillwatch.worlds.operators.reasoning import Reasoning
from stillwatch.worlds.operators.synthesis import Synthesis
from stillwatch.worlds.plan import Account
from stillwatch.worlds.words import Script

BATCHES = 44
TURNS = (1, 1, 1, 2, 3)
"""Turns of an agent's trajectory; every other task is asked once."""


@dataclass
class Spent:
    """What hiding cost, counted while the campaign runs."""

    extraction: int = 0
    cover: int = 0
    rented: int = 0


class Work:
    """A campaign at work: its scripts, its stock of items (each handed out once), its batches, its pools."""

    def __init__(self, operation: Operation) -> None:
        draft, campaign, scenario = operation.draft, operation.campaign, operation.scenario
        self.spent = Spent()
        self._draft, self._number, self._scenario = draft, operation.number, scenario
        self._honest = operation.honest
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
            self.extract(member, start, dice)
        self._cover(member, dice, member.exchanges - extraction)

    def extract(self, member: Member, start: int, dice: Dice, *, stolen: bool = False) -> None:
        """One item of the stock through one account. With a ``stolen`` key it never leaves from the owner's places."""
        account = member.account
        script, aim, _ = self._drawn(dice)
        item, self._next = self._next, self._next + 1
        turns = dice.pick(TURNS) if aim in ("tools", "coding") else 1
        rotated = not member.exits or (not stolen and dice.true(self._scenario.rotation))
        self.spent.rented += rotated
        self.spent.extraction += turns
        at = [min(start + turn * 40 * calendar.SECOND, account.ends - 1) for turn in range(turns)]
        self._draft.say(
            account, at, script, [item] * turns, list(range(turns)), conversations=[0] * turns, campaign=self._number,
            places=(dice.pick((*member.rented, dice.pick(account.places)) if rotated else member.exits),),
            client=dice.pick(member.programs) if stolen or not rotated else None,
            habit=dice.pick(self._habits) if dice.true(0.4) else None,
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
        drawn = self._draft.times(account, max(1, left), "cover").tolist()
        starts = iter(dice.few(drawn, len(drawn)))
        while left > 0:
            talk = talks[place % len(talks)]
            start = next(starts)
            turns = talk.turns[: min(left, 40)]
            at = [min(int(start) + after, account.ends - 1) for after in talk.after[: len(turns)]]
            agent = talk.donor.clients[0] if talk.donor.clients[0].product.sessions else None
            shared = bool(member.exits) and dice.true(0.15)
            self._draft.say(
                account, at, talk.script, [talk.item] * len(turns), turns, conversations=[0] * len(turns), client=agent,
                places=(dice.pick(member.exits),) if shared else (),
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
