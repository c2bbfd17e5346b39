"""A world under construction: populations and operators sign accounts up here and say when these ask what.

Every draw depends on the seed and on names (cohort, number, purpose). Honest people are built first and read nothing of
operators, so the honest population of a seed is the same whether or not a campaign hides in it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.worlds import calendar, clients, people, places
from stillwatch.worlds.chance import Dice, generator, key, token
from stillwatch.worlds.clients import Client
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.places import Place
from stillwatch.worlds.plan import Account, Plan, Tables
from stillwatch.worlds.voices import Bank, Voice, bank
from stillwatch.worlds.words import Script

PATHWAYS = ("api", "console", "bedrock", "vertex", "foundry", "openrouter")
MODELS = ("aster-4", "aster-4-mini", "aster-5")
NEWEST = len(MODELS) - 1
OLDEST_DAYS = 620
"""When the provider opened its doors, in days before the simulated month."""

Array = npt.NDArray[Any]


class Draft:
    """Accounts, plan and the tables behind the plan's numbers."""

    def __init__(self, seed: int, scale: float, corpus: Corpus) -> None:
        self.seed = seed
        self.scale = scale
        self.corpus = corpus
        self.accounts: list[Account] = []
        self.plan = Plan()
        self.tables = Tables()
        self.tables.blocks.update((block, number) for number, block in enumerate(corpus.blocks))
        self.permissions: list[dict[str, Any]] = []
        self._conversations = 0

    @cached_property
    def bank(self) -> Bank:
        """Human prompts, cut for recombination."""
        return bank(self.corpus)

    def dice(self, *names: object) -> Dice:
        """A stream of draws for a purpose."""
        return Dice(key(self.seed, *names))

    def voice(self, *names: object) -> Voice:
        """A writer."""
        return Voice(self.bank, key(self.seed, *names))

    def script(self, script: Script) -> int:
        """Register a script; its number goes into the plan."""
        self.tables.scripts.append(script)
        return len(self.tables.scripts) - 1

    def sizes(self, groups: int, size: int) -> list[int]:
        """``groups`` groups of ``size`` accounts at scale 1; at small scales fewer groups, then smaller ones."""
        count = max(1, round(groups * self.scale))
        return [max(4, round(groups * size * self.scale / count))] * count

    def volume(self, dice: Dice, mean: float, sigma: float = 1.15) -> int:
        """A heavy-tailed number of exchanges with about the given mean."""
        return max(1, min(3000, round(dice.heavy(mean * np.exp(-sigma * sigma / 2), sigma))))

    def sign_up(
        self,
        cohort: str,
        kind: str,
        names: tuple[object, ...],
        *,
        country: str | None = None,
        homes: Sequence[Place] = (),
        using: Sequence[Client] = (),
        day: str = "wide",
        created: int | None = None,
        closed: int | None = None,
        always: bool = False,
        pathways: Sequence[str] = (),
        signup_place: Place | None = None,
        **known: Any,
    ) -> Account:
        """Add an account. ``names`` tells it from every other; ``known`` overrides columns of its registration.

        ``day`` is a person's kind of day, or `machine`. ``created`` (µs) is drawn where it is not given; at ``closed``
        the provider suspends the account. About half of the accounts are active in a part of the month only, unless
        ``always``.
        """
        dice = self.dice("account", cohort, *names)
        where = country or places.country(dice)
        homes = tuple(homes) or places.person(self.corpus, dice, where)
        created = self.birth(dice) if created is None else created
        starts, ends = self._span(dice, created, always)
        if closed is not None:
            starts, ends = min(starts, closed - calendar.DAY), closed
            starts = max(starts, calendar.START_US, created)
        account = Account(
            number=len(self.accounts),
            account_id=f"acct_{token(self.seed, 'account', cohort, *names)}",
            kind=kind,
            cohort=cohort,
            row=people.registration(dice, where, signup_place or homes[0], **known),
            created=created,
            starts=starts,
            ends=ends,
            adopts=self._adoption(dice),
            model=int(dice.true(0.35)),
            rhythm=self._rhythm(day, where, starts, ends, (cohort, *names)),
            places=homes,
            clients=self._clients(dice, using),
            habits=tuple(clients.habit(dice) for _ in range(1 + dice.below(5))),
            pathways=tuple(pathways) or (self.pathway(dice),),
        )
        if closed is not None or dice.true(0.03):
            account.suspended = account.ends
        self.accounts.append(account)
        return account

    def birth(self, dice: Dice) -> int:
        """When an account signs up: more of late, as services grow; one in ten within the month itself."""
        if dice.true(0.1):
            return calendar.START_US + int(dice.unit() * 24 * calendar.DAY)
        return calendar.START_US - int(OLDEST_DAYS * dice.unit() ** 1.6 * calendar.DAY)

    def pathway(self, dice: Dice) -> str:
        """The door that an account uses: the provider's API, or a cloud platform's."""
        return "api" if dice.true(0.72) else dice.pick(PATHWAYS[2:])

    def say(
        self,
        account: Account,
        at: Sequence[int] | Array,
        script: int,
        items: Sequence[int],
        turns: Sequence[int],
        *,
        conversations: Sequence[int] = (),
        client: Client | None = None,
        places: Sequence[Place] = (),
        habit: int | None = None,
        campaign: int = -1,
        end_users: Sequence[int] = (),
        model: int | None = None,
        pathway: str | None = None,
    ) -> None:
        """Let an account ask. Sequences run in step; equal neighbours in ``conversations`` are one conversation.

        A conversation has one place, client and set of parameters. Without ``conversations`` each exchange is one.
        """
        dice = self.dice("say", account.account_id, account.said)
        account.said += 1
        where, plan = tuple(places) or account.places, self.plan
        last: int | None = None
        for place, moment in enumerate(at):
            label = conversations[place] if conversations else place
            if label != last:
                last = label
                self._conversations += 1
                spot = _weighted(where, dice)
                host = spot.host or 1 + dice.below(254)
                used = client or dice.popular(account.clients, 1.8)
                number = self.tables.clients.number(used)
                sampled = habit if habit is not None else dice.popular(account.habits, 1.6)
                path = "console" if used.product.console else pathway or dice.popular(account.pathways, 2.0)
                path_number = self.tables.pathways.number(path)
            plan.account.append(account.number)
            plan.at.append(int(moment))
            plan.script.append(script)
            plan.item.append(items[place])
            plan.turn.append(turns[place])
            plan.conversation.append(self._conversations)
            plan.block.append(self.tables.blocks[spot.block])
            plan.host.append(host)
            plan.client.append(number)
            plan.habit.append(sampled)
            plan.pathway.append(path_number)
            plan.model.append(self.model_at(account, int(moment)) if model is None else model)
            plan.campaign.append(campaign)
            plan.end_user.append(end_users[place] if end_users else -1)

    def model_at(self, account: Account, moment: int) -> int:
        """The model that an account asks for at a time."""
        return NEWEST if moment >= account.adopts else account.model

    def _span(self, dice: Dice, created: int, always: bool) -> tuple[int, int]:
        start = max(created + calendar.HOUR // 6, calendar.START_US)
        if always or dice.true(0.45):
            return start, calendar.END_US
        length = (calendar.END_US - start) * dice.between(0.15, 1.0)
        first = start if start > calendar.START_US else start + (calendar.END_US - start - length) * dice.unit()
        return int(first), int(first + length)

    def _adoption(self, dice: Dice) -> int:
        if dice.true(0.3):
            return calendar.RELEASED_US + int(dice.unit() ** 2 * calendar.DAY)
        return calendar.RELEASED_US + int(dice.unit() * 25 * calendar.DAY)

    def _rhythm(self, day: str, where: str, starts: int, ends: int, names: tuple[object, ...]) -> calendar.Rhythm:
        rng = generator(self.seed, "rhythm", *names)
        if day == "machine":
            weights = calendar.of_machine(self.corpus.shapes, rng)
        else:
            weights = calendar.of_person(day, where, rng)
        return calendar.rhythm(weights, starts, ends)

    def _clients(self, dice: Dice, using: Sequence[Client]) -> tuple[Client, ...]:
        own = list(using) or [clients.developer(dice)]
        if dice.true(0.45):
            own.append(clients.newer(own[0], dice))
        while len(own) < 5 and dice.true(0.4):
            own.append(clients.browser(dice) if dice.true(0.4) else clients.developer(dice))
        return tuple(own)

    def times(self, account: Account, count: int, *names: object) -> Array:
        """Sorted times (µs) of a number of events in the account's rhythm."""
        return account.rhythm.times(generator(self.seed, "times", account.account_id, *names).random(count))

    def converse(
        self, account: Account, script: int, exchanges: int, *, turns: float = 2.2, gap: float = 70.0, **how: Any
    ) -> None:
        """Let an account hold conversations until about that many exchanges are said.

        ``turns`` is the mean length of a conversation, ``gap`` the median pause in seconds between turns.
        """
        dice = self.dice("converse", account.account_id, account.said)
        lengths: list[int] = []
        while sum(lengths) < exchanges:
            length = 1
            while length < 9 and dice.true(1 - 1 / turns):
                length += 1
            lengths.append(min(length, exchanges - sum(lengths)))
        at, items, order, labels = [], [], [], []
        for number, (start, length) in enumerate(
            zip(self.times(account, len(lengths), "converse", account.said), lengths, strict=True)
        ):
            moment = int(start)
            for turn in range(length):
                at.append(min(moment, account.ends - 1))
                items.append(number)
                order.append(turn)
                labels.append(number)
                moment += int(dice.heavy(gap, 0.9) * calendar.SECOND)
        self.say(account, at, script, items, order, conversations=labels, **how)


def _weighted(found: Sequence[Place], dice: Dice) -> Place:
    if len(found) == 1:
        return found[0]
    point = dice.unit() * sum(place.weight for place in found)
    for place in found:
        point -= place.weight
        if point < 0:
            return place
    return found[-1]
