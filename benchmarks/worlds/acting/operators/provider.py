"""Hydra providers: exits, programs, mailboxes and cards that several operators and honest strangers rent."""

from dataclasses import dataclass

from acting import places, tools
from acting.acts import DAY, Account, Talk, Way
from acting.chance import Dice
from acting.places import Place
from acting.world import VIRTUAL_BINS, World, own_domain

NEVER = 0.25
"""Share of members that never touch the shared exits."""
SLIPS = 0.12
"""Share of members whose tunnel fails at times, so that the provider's own office shows, in a country not served."""


@dataclass
class Provider:
    """Who rents out access: shared exits, one gateway's program, a few mail domains, cards, a desk of its own."""

    name: str
    exits: list[Place]
    client: tools.Client
    ja4: str
    agent: str
    domains: list[str]
    cards: list[str]
    desk: Place


def found(world: World, name: str, size: int) -> Provider:
    """A provider with its pool: machines side by side at two hosts, and home lines behind which others live."""
    throw = world.dice("provider", name)
    racks = [world.atlas.fleet(throw, 24) for _ in range(2)]
    exits = [
        Place("hosting", rack.first + n, 1, 0.0, throw.getrandbits(60)) for rack in racks for n in range(size // 4)
    ]
    exits += [world.atlas.home(throw, throw.weighted(places.COUNTRIES)) for _ in range(size // 2)]
    client = throw.pick((tools.GO_SDK, tools.HTTPX, tools.AIOHTTP, tools.NODE_SDK))
    domains = [own_domain(throw) for _ in range(5)]
    cards = [throw.token("pm_", 10) for _ in range(max(3, size))]
    desk = world.atlas.office(throw, throw.pick(("CN", "CN", "RU", "HK")), 2)
    return Provider(name, exits, client, client.fingerprint(throw), client.agent(throw), domains, cards, desk)


def enlist(world: World, provider: Provider, account: Account) -> None:
    """Make an account look like an unrelated person's: own mailbox, mostly an own card, a door that checks little."""
    throw = account.dice
    rotation = world.number("rotation", 0.5)
    if throw.happens(0.3 * (1.3 - rotation)):
        account.email = f"{account.email.split('@')[0]}@{throw.pick(provider.domains)}"
    if account.payment is not None:
        account.card_bin = throw.pick(VIRTUAL_BINS) if throw.happens(0.4) else account.card_bin
        if throw.happens(0.5 * (1 - rotation)):
            account.payment = throw.pick(provider.cards)
    if throw.happens(0.15):
        account.programme = throw.pick(("education", "startup", "research", "trial"))
    if throw.happens(0.25):
        account.phone_country = throw.pick(("GB", "ID", "PH", "LV", "US"))
    account.places = [(place, 1, 1) for place in rented(world, account, throw.whole(1, 3))]
    alone = throw.happens(NEVER)
    if throw.happens(SLIPS):
        account.persona["slips"] = "yes"
    account.persona["exits"] = "own" if alone else "shared"
    first = throw.pick(provider.exits) if not alone and throw.happens(1 - rotation) else account.places[0][0]
    browser = tools.BROWSERS[0]
    account.signup = Way(first.address(account.born), browser.fingerprint(throw), browser.agent(throw), "console")
    account.pathway = throw.weighted((("", 5), ("api", 3), (throw.pick(tools.CLOUDS), 2)))
    account.leave = Leaving(world, provider, rotation, account.account_id)


def rented(world: World, account: Account, count: int) -> list[Place]:
    """Home lines in the country that the account pretends to be in, rented for this account alone."""
    return [world.atlas.home(account.dice, account.country) for _ in range(count)]


@dataclass
class Leaving:
    """How a member's exchanges leave: each by itself, by a shared exit or, where it rotates, by a rented one."""

    world: World
    provider: Provider
    rotation: float
    owner: str

    def __call__(self, account: Account, at: float, talk: Talk, dice: Dice) -> Way:
        address = self.exit(account, at, dice)
        if account.persona["exits"] == "own" or dice.happens(self.rotation):
            client = talk.form.client or account.dice.weighted(account.clients)
            agent = account.persona.setdefault(f"agent {client.name}", client.agent(dice))
            tls = account.persona.setdefault(f"tls {client.name}", client.fingerprint(dice))
            return Way(address, tls, agent, account.pathway or client.pathway)
        provider = self.provider
        return Way(address, provider.ja4, provider.agent, account.pathway or provider.client.pathway)

    def exit(self, account: Account, at: float, dice: Dice) -> str:
        if "slips" in account.persona and dice.happens(0.03):
            return self.provider.desk.address(at)
        if account.persona["exits"] == "own":
            return account.dice.weighted([(place, a) for place, a, _ in account.places]).address(at)
        if not dice.happens(self.rotation):
            return dice.pick(self.provider.exits).address(at)
        if dice.happens(0.5):
            return account.places[0][0].address(at)
        net, _ = dice.pick(self.world.atlas.homes[account.country])
        return places.dotted(net.first + dice.whole(0, net.size - 1))


@dataclass
class Theft:
    """A stolen key: the owner's own exchanges leave as ever, the thief's by the thief's provider."""

    leaving: Leaving

    def __call__(self, account: Account, at: float, talk: Talk, dice: Dice) -> Way:
        if not talk.turns[0].campaign:
            held, account.leave = account.leave, None
            way = account.way(at, talk)
            account.leave = held
            return way
        account.persona.setdefault("exits", "shared")
        provider = self.leaving.provider
        return Way(dice.pick(provider.exits).address(at), provider.ja4, provider.agent, "api")


def pivot(account: Account, dice: Dice) -> None:
    """Move to a new model within a day of its release."""
    account.adopts = dice.uniform(1.5, 23) * 3600 / DAY
