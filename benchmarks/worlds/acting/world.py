"""A world in the making: the material, the map, the axes, and the desk where accounts are opened."""

from collections.abc import Callable
from dataclasses import dataclass, field

from acting import calendars, material, places, tools
from acting.acts import DAYS, SPAN, Account, Begun, Talk, Way
from acting.chance import Dice, dice
from acting.words import lists

MAIL = (("gmail.com", 46), ("outlook.com", 14), ("hotmail.com", 6), ("yahoo.com", 7), ("icloud.com", 8),
        ("proton.me", 5), ("gmx.de", 3), ("qq.com", 2), ("web.de", 1.5), ("mail.ru", 1), ("free.fr", 1.5))  # fmt: skip
BINS = (
    "411111",
    "424242",
    "453201",
    "471604",
    "516730",
    "520082",
    "542418",
    "547383",
    "378282",
    "371449",
    "601100",
    "431940",
)
VIRTUAL_BINS = ("556150", "428837", "532610", "440393")
"""Issuers of virtual cards: freelancers and small firms use them as operators do."""


@dataclass
class World:
    """What all agents of one simulation have in common."""

    seed: int
    scale: float
    settings: dict[str, str]
    stuff: material.Material
    atlas: places.Atlas
    accounts: list[Account] = field(default_factory=list)
    permissions: list[dict[str, object]] = field(default_factory=list)
    campaigns: list[dict[str, object]] = field(default_factory=list)

    def dice(self, *names: object) -> Dice:
        return dice(self.seed, *names)

    def number(self, axis: str, usual_value: float) -> float:
        return float(self.settings[axis]) if axis in self.settings else usual_value

    def many(self, count: float, least: int = 2) -> int:
        """How many agents of a kind there are at this world's scale."""
        return max(least, round(count * self.scale))


def born(throw: Dice) -> float:
    """Seconds from the month's begin to sign-up: a service that grows, a seventh of its accounts new this month."""
    if throw.happens(0.14):
        return float(throw.random() ** 1.3) * (DAYS - 4) * 86400
    return -throw.expovariate(1 / 170) * 86400


def open_account(world: World, cohort: str, number: int, kind: str, country: str = "") -> Account:
    """Sign up as an ordinary person does: a home, a card, a mailbox."""
    throw = world.dice("account", cohort, number)
    country = country or throw.weighted(places.COUNTRIES)
    account = Account(
        account_id=f"acct_{throw.getrandbits(56):014x}",
        cohort=cohort,
        kind=kind,
        dice=throw,
        country=country,
        born=born(throw),
    )
    account.offset = places.OFFSET[country]
    account.billing_country = country
    account.phone_country = country if throw.happens(0.8) else None
    account.tier = throw.weighted((("free", 3), ("pay-as-you-go", 5), ("plus", 2)))
    account.programme = throw.weighted(((None, 88), ("trial", 6), ("startup", 3), ("education", 2), ("research", 1)))
    account.email = mailbox(throw, throw.weighted(MAIL) if throw.happens(0.85) else own_domain(throw))
    account.payment = throw.token("pm_", 10) if account.tier != "free" else None
    account.card_bin = (
        (throw.pick(VIRTUAL_BINS) if throw.happens(0.12) else throw.pick(BINS)) if account.payment else None
    )
    if throw.happens(0.015):
        account.suspended = max(account.born, 0) + throw.random() * SPAN
    account.adopts = throw.weighted(((0.1, 1.5), (throw.expovariate(1 / 8), 6), (99.0, 2.5)))
    account.keys = [throw.token("key_", 10) for _ in range(throw.weighted(((1, 6), (2, 3), (4, 1))))]
    account.project = throw.token("proj_", 6) if throw.happens(0.3) else None
    world.accounts.append(account)
    return account


def mailbox(throw: Dice, domain: str) -> str:
    first, last = throw.pick(lists("firms")["first"]), throw.pick(lists("firms")["last"])
    name = throw.pick(
        (f"{first}.{last}", f"{first}{throw.whole(1, 999)}", f"{last}{throw.whole(60, 99)}", f"{first[0]}{last}")
    )
    return f"{name.lower().replace(chr(39), '').replace('í', 'i')}{throw.whole(0, 99)}@{domain}"


def own_domain(throw: Dice) -> str:
    words = [w for w in lists("issues")["repo"]]
    return f"{throw.pick(words)}{throw.whole(1, 999)}.{throw.pick(('com', 'io', 'dev', 'de', 'co', 'net'))}"


def live_at_home(world: World, account: Account) -> None:
    """A home, a phone's carrier, for some an office; signed up from one of them."""
    throw = account.dice
    home = (
        world.atlas.sixth(throw, account.country) if throw.happens(0.08) else world.atlas.home(throw, account.country)
    )
    account.places = [(home, 3, 8)]
    if throw.happens(0.55):
        account.places.append((world.atlas.carrier(throw, account.country), 2, 3))
    if throw.happens(0.35):
        account.places.append((world.atlas.office(throw, account.country, 2), 8, 0.3))


def sign_up(account: Account) -> None:
    """How the sign-up form was sent: by a browser, whatever the account does later."""
    client = account.dice.weighted(list(zip(tools.BROWSERS, (6, 1, 3), strict=True)))
    place = account.dice.pick(account.places)[0]
    account.signup = Way(
        place.address(account.born), client.fingerprint(account.dice), client.agent(account.dice), "console"
    )


def people_volume(world: World, account: Account, mean: float) -> int:
    """Requests in the month of a person whose kind makes so many on average: real posters' shares, and chance."""
    share = account.dice.pick(world.stuff.people_volume)
    return volume(world, account, mean * share * account.dice.around(0.75, 0.75))


def machine_volume(world: World, account: Account, mean: float) -> int:
    """The same of a program, by the spread of real API customers' rates."""
    return volume(world, account, mean * account.dice.pick(world.stuff.machine_volume))


def volume(world: World, account: Account, amount: float) -> int:
    """Who signed up during the month has had less of it."""
    there = min(1.0, 1 - max(account.born, 0) / SPAN + 0.1)
    return max(1, round(amount * there * world.number("exchanges", 60) / 60))


def fill_up(job: Callable[[], Talk], count: int) -> list[Talk]:
    """Talks until there are so many requests; the last one ends early."""
    talks = []
    while count > 0:
        talk = job()
        talk.turns = talk.turns[:count]
        count -= len(talk.turns)
        talks.append(talk)
    return talks


def as_person(world: World, account: Account, job: Callable[[], Talk], count: int) -> list[Begun]:
    """Talks at the hours when people are there."""
    hours = calendars.person_hours(world.stuff.week, account, account.dice)
    talks = fill_up(job, count)
    return calendars.spread(talks, calendars.moments(hours, len(talks), account.dice, account.born))


def as_program(world: World, account: Account, job: Callable[[], Talk], count: int, pause: float = 20) -> list[Begun]:
    """Work at a customer's rates: a few runs of a batch, or calls that trickle in."""
    throw = account.dice
    hours = calendars.machine_hours(world.stuff.machines, throw)
    talks = fill_up(job, count)
    size = throw.weighted(((1, 4), (5, 3), (25, 3), (80, 1)))
    starts = calendars.moments(hours, -(-len(talks) // size), throw, account.born)
    return calendars.runs(talks, starts, throw.around(pause, 0.8), throw)
