"""The accounts of a campaign: made to look unrelated, yet bought in waves, with cards, devices and exits reused.

Ages follow those of honest accounts: each wave takes its date from a quantile of honest sign-ups. What links members
in part: sign-up blocks and devices of a wave, a few reused cards and prepaid issuers, one way of making mail addresses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stillwatch.worlds import calendar, clients, people, places
from stillwatch.worlds.chance import Dice
from stillwatch.worlds.clients import Client
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.operators.honesty import Honest
from stillwatch.worlds.people import Card
from stillwatch.worlds.places import Place
from stillwatch.worlds.plan import OPERATOR, Account
from stillwatch.worlds.scenario import Campaign, Scenario

A_WAVE = 22
ABROAD = 0.3
"""Share of members whose stated country is not where their requests come from."""
WEAK_DOOR = 0.3


@dataclass
class Kit:
    """What one campaign bought: cards, sign-up exits and devices, mail patterns, exits, client programs."""

    cards: list[Card]
    signups: list[Place]
    devices: list[Client]
    domains: list[str]
    pattern: int
    exits: list[Place]
    programs: list[Client]
    issued: set[str | None] = field(default_factory=set)


@dataclass(frozen=True)
class Operation:
    """One campaign in one world: where it hides, how well, what it knows of the honest, what it bought."""

    draft: Draft
    campaign: Campaign
    number: int
    scenario: Scenario
    honest: Honest
    bought: Kit
    size: int


@dataclass(frozen=True)
class Member:
    """A member: its account, the exchanges it will make, and by what it works.

    ``exits`` are those of the shared pool that its traffic is balanced over (none for who stays aloof of the pool),
    ``rented`` its private ones, ``programs`` what runs its work.
    """

    account: Account
    exchanges: int
    exits: tuple[Place, ...]
    rented: tuple[Place, ...]
    programs: tuple[Client, ...]


def kit(draft: Draft, campaign: Campaign, size: int, exits: Sequence[Place]) -> Kit:
    """Buy what a campaign of a size needs."""
    dice = draft.dice("kit", campaign.name)
    waves = _waves(size)
    return Kit(
        cards=[_card(dice, campaign.name) for _ in range(max(2, size // 5))],
        signups=[_signup_exit(draft, dice) for _ in range(3 * waves)],
        devices=[clients.browser(dice) for _ in range(2 * waves)],
        domains=[dice.pick(people.MAIL), dice.pick(people.MAIL), people.company_domain(dice)],
        pattern=dice.below(len(PATTERNS)),
        exits=list(exits),
        programs=[clients.developer(dice) for _ in range(3 + size // 60)],
    )


PATTERNS = (
    "{first}{last}{number:04d}",
    "{last}.{first}{number:03d}",
    "{first}{number:05d}",
    "{first}_{last}{number:02d}",
)


def _card(dice: Dice, name: str) -> Card:
    return Card(
        people.card(dice, name).fingerprint,
        str(486_200 + dice.popular(range(12))) if dice.true(0.5) else people.card_bin(dice, "US"),
    )


def _signup_exit(draft: Draft, dice: Dice) -> Place:
    if dice.true(0.5):
        return places.spot(draft.corpus, dice, "residential", places.country(dice), 1.0, fixed=0.2)
    return places.server(draft.corpus, dice, 1.0, fixed=0.2)


def _waves(size: int) -> int:
    return max(3, round(size / A_WAVE))


def recruit(operation: Operation) -> list[Member]:
    """Sign the members up, suspend some of them within the month, and sign their replacements up."""
    members = []
    for number in range(operation.size):
        dice = operation.draft.dice("member", operation.campaign.name, number)
        wave = number % _waves(operation.size)
        created = _birth(operation, wave, dice)
        closed = None
        if dice.true(operation.scenario.banned) and created < calendar.START_US + 3 * calendar.DAY:
            closed = calendar.START_US + int(dice.between(5, 22) * calendar.DAY)
        members.append(_member(operation, (number,), wave, created, closed))
        if closed is not None:
            again = closed + int(dice.heavy(14, 0.8) * calendar.HOUR)
            members.append(_member(operation, (number, "again"), wave, again, None))
    return members


def _birth(operation: Operation, wave: int, dice: Dice) -> int:
    """A wave's date at its quantile of honest sign-ups, and some hours to days for this member."""
    within = operation.draft.dice("wave", operation.campaign.name, wave).unit()
    centre = operation.honest.birth((wave + within) / _waves(operation.size))
    created = centre + int(dice.normal(0, 20) * calendar.HOUR)
    return min(created, calendar.END_US - 4 * calendar.DAY)


def _member(operation: Operation, names: tuple[object, ...], wave: int, created: int, closed: int | None) -> Member:
    draft, campaign, bought = operation.draft, operation.campaign, operation.bought
    dice = draft.dice("member account", campaign.name, *names)
    country = places.country(dice)
    here = places.country(dice) if dice.true(ABROAD) else country
    browses = dice.true(0.45)
    own = (places.person if browses else places.developer)(draft.corpus, dice, here)
    known = _registration(dice, operation, wave)
    known["signup_place"] = bought.signups[3 * wave + dice.below(3)] if dice.true(0.6) else own[0]
    account = draft.sign_up(
        campaign.name, OPERATOR, names, country=country, homes=own, created=created, closed=closed,
        day=dice.pick(calendar.PEOPLE) if dice.true(0.8) else "machine",
        using=(clients.browser(dice) if browses else clients.developer(dice),),
        pathways=(dice.popular(campaign.pathways, 1.6),), **known,
    )  # fmt: skip
    bought.issued.add(account.row["payment_fingerprint"])
    exchanges = dice.pick(operation.honest.volumes)
    if closed or "again" in names:
        exchanges = max(1, exchanges // 2)
    return equipped(operation, account, exchanges, aloof=dice.true(operation.scenario.aloof))


def equipped(operation: Operation, account: Account, exchanges: int, *, aloof: bool = False) -> Member:
    """An account with its part of the campaign's pools and some private addresses."""
    dice = operation.draft.dice("equipment", account.account_id)
    corpus, where = operation.draft.corpus, places.country(dice)
    return Member(
        account,
        exchanges,
        exits=() if aloof else tuple(dice.few(operation.bought.exits, 4)),
        rented=tuple(places.spot(corpus, dice, "residential", where, 1.0, fixed=0.2) for _ in range(2)),
        programs=(account.clients[0],) if aloof else tuple(dice.few(operation.bought.programs, 1 + dice.below(2))),
    )


def _registration(dice: Dice, operation: Operation, wave: int) -> dict[str, Any]:
    known: dict[str, Any] = {}
    bought, linked = operation.bought, operation.scenario.linked
    if dice.true(linked):
        paid = dice.pick(bought.cards)
        known |= {"payment_fingerprint": paid.fingerprint, "card_bin": paid.bin}
    if dice.true(linked):
        device = bought.devices[2 * wave + dice.below(2)]
        known |= {"signup_ja4": device.ja4, "signup_user_agent": device.user_agent}
    if dice.true(0.5):
        domain = dice.pick(bought.domains)
        name = PATTERNS[bought.pattern].format(
            first=dice.pick(people.FIRST), last=dice.pick(people.LAST), number=dice.below(9999)
        )
        known |= {"email_domain": domain, "email": f"{name}@{domain}"}
    if dice.true(WEAK_DOOR):
        known["programme"] = dice.pick(operation.campaign.doors)
    return known
