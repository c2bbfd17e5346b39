"""How a campaign works: batches of work handed out over its accounts, hidden among replayed honest conversations."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from stillwatch.worlds import calendar, clients
from stillwatch.worlds.chance import Dice, generator, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.draft import NEWEST, Draft
from stillwatch.worlds.operators.agentic import REPAIR, Trajectories
from stillwatch.worlds.operators.coercion import Coercion
from stillwatch.worlds.operators.grading import Grading
from stillwatch.worlds.operators.members import Member, Operation
from stillwatch.worlds.operators.pipeline import STAGES, Stage
from stillwatch.worlds.operators.reasoning import DERIVE, Reasoning
from stillwatch.worlds.operators.rewriting import Rewrites
from stillwatch.worlds.operators.stock import Line, Stock
from stillwatch.worlds.operators.synthesis import Synthesis
from stillwatch.worlds.operators.wording import Instructed, Manner, reworded
from stillwatch.worlds.places import Place
from stillwatch.worlds.plan import Account
from stillwatch.worlds.scenario import Campaign

BATCHES = 44
AGENTIC = ("tools", "coding", "repair")
TURNS = (1, 1, 1, 2, 3)
"""Turns of an agent's trajectory; every other task is asked once."""
SLIPS = 0.06
"""Share of traffic outside of the pools that leaves from the operator's own country, where that is not served."""
END_USERS = 40
"""Users that a member names who says that it resells."""
NAMED = 1 << 20
"""Numbers of users apart from one campaign's to the next one's, where a network names them."""

SCRIPTS: dict[str, Callable[[Corpus, int, Manner], Instructed]] = {
    "cot": Reasoning, "post_hoc": partial(Reasoning, explain=True), "rubric": Grading,
    "pairs": partial(Grading, compare=True), "tools": partial(Trajectories, tools=True),
    "coding": partial(Trajectories, tools=False), "derive": partial(Reasoning, words=DERIVE),
    "repair": partial(Trajectories, words=REPAIR, tools=False), "synthesis": Synthesis,
    "coerce": Coercion, "rewrite": Rewrites, **{stage: partial(Stage, stage=stage) for stage in STAGES},
}  # fmt: skip
"""What each aim of a campaign asks."""


@dataclass
class Spent:
    """What hiding cost, counted while the campaign runs."""

    extraction: int = 0
    cover: int = 0
    rented: int = 0
    wordings: int = 0


@dataclass(frozen=True)
class Slot:
    """A moment at which an account is to extract, and its draws."""

    member: Member
    start: int
    dice: Dice
    stolen: bool
    scripts: list[int]
    end_user: int


class Work:
    """A campaign at work: its scripts, its stock of items, its batches, its pools."""

    def __init__(self, operation: Operation) -> None:
        draft, campaign, scenario = operation.draft, operation.campaign, operation.scenario
        self.spent = Spent()
        self.stock: Stock | Line = Line(campaign) if campaign.staged else Stock(campaign)
        self._draft, self._operation, self._scenario = draft, operation, scenario
        self._honest, self._disguise = operation.honest, campaign.disguise
        dice = draft.dice("work", campaign.name)
        self._manner = Manner(
            scenario.paraphrase, frame=operation.bought.outfit.frame, preamble=operation.bought.outfit.preamble,
            carrier=scenario.carrier,
        )  # fmt: skip
        self._orders = [_script(draft, campaign, aim, self._manner) for aim, _ in campaign.aims]
        self.scripts = [draft.script(order) for order in self._orders]
        self._slots: list[Slot] = []
        self._batches = sorted(self._honest.moment(dice) for _ in range(BATCHES))
        self._pivot = calendar.RELEASED_US + int(dice.between(2, 10) * calendar.HOUR)
        self._habits = (clients.habit(dice), clients.habit(dice))

    def employ(self, member: Member) -> None:
        """Let a member do its share of the work, and its cover traffic."""
        dice = self._draft.dice("employ", member.account.account_id)
        extraction = sum(dice.true(1 - self._scenario.cover) for _ in range(member.exchanges))
        scripts = self._own_scripts(member.account)
        for start in self._moments(member.account, dice, extraction):
            self.extract(member, start, dice, scripts=scripts)
        self._cover(member, dice, member.exchanges - extraction)

    def carry(self, member: Member, count: int, dice: Dice, named: float) -> None:
        """Let a network's account do some of the work; a share of it names one of the campaign's users."""
        for start in self._moments(member.account, dice, count):
            user = dice.below(END_USERS) if dice.true(named) else -1
            self.extract(member, start, dice, end_user=NAMED * (1 + self._operation.number) + user if user >= 0 else -1)

    def extract(
        self,
        member: Member,
        start: int,
        dice: Dice,
        *,
        stolen: bool = False,
        scripts: list[int] | None = None,
        end_user: int = -1,
    ) -> None:
        """One item through one account; a staged campaign waits with it until all its moments are known.

        With a ``stolen`` key it never leaves from the owner's places.
        """
        slot = Slot(member, start, dice, stolen, scripts or self.scripts, end_user)
        if self._operation.campaign.staged:
            self._slots.append(slot)
        else:
            self._ask(slot)

    def settle(self) -> None:
        """Hand the items of a staged campaign out, in order of time."""
        for slot in sorted(self._slots, key=lambda slot: (slot.start, slot.member.account.number)):
            self._ask(slot)

    def _ask(self, slot: Slot) -> None:
        member, account, dice = slot.member, slot.member.account, slot.dice
        task = self.stock.take(account.number, slot.start, dice)
        turns = dice.pick(TURNS) if self._operation.campaign.aims[task.aim][0] in AGENTIC else 1
        rotated = not member.exits or (not slot.stolen and dice.true(self._scenario.rotation))
        self.spent.rented += rotated
        self.spent.extraction += turns
        at = [min(slot.start + turn * 40 * calendar.SECOND, account.ends - 1) for turn in range(turns)]
        self._draft.say(
            account, at, slot.scripts[task.aim], [task.item] * turns, list(range(turns)), conversations=[0] * turns,
            campaign=self._operation.number, places=(self._exit(slot, rotated),),
            client=dice.pick(member.programs) if slot.stolen or not rotated else None,
            habit=dice.pick(self._habits) if dice.true(0.4) else None,
            model=NEWEST if slot.start > self._pivot + dice.unit() * 12 * calendar.HOUR else account.model,
            end_users=self._users(slot, turns),
        )  # fmt: skip

    def _users(self, slot: Slot, turns: int) -> list[int]:
        """Whom the exchanges name as their user: one who says that it resells names somebody."""
        if slot.end_user >= 0:
            return [slot.end_user] * turns
        return [slot.dice.below(END_USERS)] * turns if self._disguise.resells and not slot.stolen else []

    def _exit(self, slot: Slot, rotated: bool) -> Place:
        """Where an exchange leaves: the pool, a rented or own address, an office, or by mistake home."""
        member, dice, outfit = slot.member, slot.dice, self._operation.bought.outfit
        exits = (*member.rented, dice.pick(member.account.places)) if rotated else member.exits
        found = dice.pick(exits)
        if outfit.office and not slot.stolen and dice.true(self._disguise.office):
            return outfit.office
        if outfit.homes and rotated and dice.true(SLIPS):
            return dice.pick(outfit.homes)
        return found

    def _own_scripts(self, account: Account) -> list[int]:
        """Scripts of a member that has a wording, or a cast of the material, of its own; else the campaign's."""
        own = self._draft.dice("own wording", account.account_id).true(self._scenario.own_wording)
        if not own and not self._disguise.own_data:
            return self.scripts
        self.spent.wordings += own
        cast = self._draft.voice("own data", account.account_id) if self._disguise.own_data else None
        manner = replace(self._manner, own=key(account.account_id) if own else None, voice=cast)
        return [self._draft.script(reworded(order, manner)) for order in self._orders]

    def capabilities(self) -> dict[str, float]:
        """What the campaign is after: the share of each capability in its orders."""
        aims = self._operation.campaign.aims
        total = sum(share for _, share in aims)
        return {order.capability: share / total for order, (_, share) in zip(self._orders, aims, strict=True)}

    def _moments(self, account: Account, dice: Dice, count: int) -> list[int]:
        """Times around batches that fall into the account's life."""
        first, last = (bisect_left(self._batches, edge) for edge in (account.starts, account.ends))
        known = self._batches[first:last] or [(account.starts + account.ends) // 2]
        found = self._own_hours(account, known, count) if self._scenario.hours == "own" else []
        for _ in range(count - len(found)):
            moment = dice.pick(known) + int(dice.normal(0, self._scenario.jitter) * calendar.HOUR)
            if not account.starts <= moment < account.ends:
                moment = account.starts + int(dice.unit() * (account.ends - account.starts - 1))
            found.append(moment)
        return sorted(found)

    def _own_hours(self, account: Account, known: list[int], count: int) -> list[int]:
        """Times around batches, in proportion to how active the account is at their hours."""
        rng = generator(self._draft.seed, "own hours", account.account_id)
        offered = (
            rng.choice(known, 200 + 20 * count) + rng.normal(0, self._scenario.jitter, 200 + 20 * count) * calendar.HOUR
        )
        offered = offered[(offered >= account.starts) & (offered < account.ends)]
        if not len(offered):
            return []
        return list(map(int, rng.choice(offered, count, p=account.rhythm.at(offered))))

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


def _script(draft: Draft, campaign: Campaign, aim: str, manner: Manner) -> Instructed:
    of_its_own = () if campaign.staged else (aim,)
    seed = key(draft.seed, "campaign", campaign.name, *of_its_own) % (1 << 31)
    return SCRIPTS[aim](draft.corpus, seed, manner)
