"""Everybody in an article world, an array a property: honest customers of three kinds, and three campaigns.

Rates are heavy-tailed and places real blocks, as in the other worlds; nobody imitates anybody, and no honest customer
looks like a campaign, so how well detection does here says nothing of how well it does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.worlds import calendar
from stillwatch.worlds.chance import generator
from stillwatch.worlds.clients import AGENTS, BROWSERS, HABITS, SDKS, Product, fingerprint
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.places import POPULATIONS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CONSUMER, DEVELOPER, PRODUCT, OPERATOR = range(4)
KINDS = ("consumer", "developer", "product", "operator")
SHARES = (0.68, 0.27, 0.05)
TURNS = (3.0, 2.0, 1.0, 1.0)
"""Mean exchanges of a conversation, by kind."""

EXITS = 8
"""Places that each account has; an honest one's are mostly one and the same."""

AROUND = 256
"""Networks of 256 addresses around each of the corpus' residential ones, which alone would be crowded."""


@dataclass(frozen=True)
class Reported:
    """A campaign as it was reported: accounts and exchanges of extraction."""

    name: str
    accounts: int
    exchanges: int


REPORTED = (
    Reported("deneb", 1_000, 150_000),
    Reported("altair", 7_000, 3_400_000),
    Reported("vega", 16_000, 13_000_000),
)
"""The three of February 2026: 24,000 accounts in all, which the report does not share out among them."""

COVER = 0.3
"""Share of an operator's exchanges that are like an honest customer's."""


@dataclass(frozen=True)
class Population:
    """A row an account. `campaign` is -1 for the honest, `office` for those who work in none, `suspended` for those who
    are not; `places` are rows of the corpus' blocks, and `hosts` how far from their first an address lies (0: another
    each time); `rate` is the share of all exchanges; `home` is where in the word stream its texts come from, and `head`
    the instruction that stands first in them, -1 for none."""

    kind: Ints
    campaign: Ints
    country: Ints
    places: Ints
    hosts: Ints
    rate: Floats
    home: Ints
    client: Ints
    habit: Ints
    created: Ints
    suspended: Ints
    office: Ints
    bin: Ints
    head: Ints

    def __len__(self) -> int:
        return len(self.kind)


CLIENTS: tuple[tuple[Product, str, str], ...] = tuple(
    (product, product.agent.format(version), fingerprint(product.name, platform))
    for product in (*BROWSERS, *SDKS, *AGENTS)
    for version in product.versions[:6]
    for platform in range(3)
)
BROWSERS_ROWS = sum(min(len(product.versions), 6) for product in BROWSERS) * 3
"""The first rows of CLIENTS, which are browsers."""
COUNTRIES = tuple(country for country, _ in POPULATIONS)
HONEST_HEADS, CAMPAIGN_HEADS = 4_000, 8
"""Instructions that products send before what they ask, and programmes of a campaign."""

BINS = 36


def populate(corpus: Corpus, accounts: int, exchanges: int, extraction: float, words: int, seed: int) -> Population:
    """`accounts` in all, the campaigns' among them; `extraction` is what the campaigns ask of all `exchanges` that are
    extraction, their cover apart."""
    rng = generator("article", seed, "population")
    campaign = _campaigns(accounts)
    operators = campaign >= 0
    kind = np.where(operators, OPERATOR, rng.choice(3, accounts, p=SHARES))
    country = rng.choice(
        len(COUNTRIES), accounts, p=np.array([n for _, n in POPULATIONS]) / sum(n for _, n in POPULATIONS)
    )
    office = np.where(
        (kind == DEVELOPER) & (rng.random(accounts) < 0.1), rng.integers(0, max(accounts // 450, 1), accounts), -1
    )
    places, hosts = _places(corpus, kind, campaign, country, office, seed)
    created = calendar.START_US + (rng.normal(-400, 300, accounts).clip(-1500, 26.9) * calendar.DAY).astype(np.int64)
    bursts = rng.integers(-20, 12, (len(REPORTED), 6))[campaign, rng.integers(0, 6, accounts)]
    created = np.where(
        operators, calendar.START_US + bursts * calendar.DAY + rng.integers(0, calendar.DAY, accounts), created
    )
    gone = operators & (rng.random(accounts) < 0.3)
    later = np.maximum(created, calendar.START_US) + rng.integers(4, 16, accounts) * calendar.DAY
    return Population(
        kind, campaign, country, places, hosts,
        _rates(kind, campaign, exchanges, extraction, rng),
        rng.integers(0, words, accounts),
        _clients(kind, campaign, rng),
        rng.choice(len(HABITS), accounts, p=_popular(len(HABITS))),
        created,
        np.where(gone & (later < calendar.END_US), later, -1),
        office,
        _bins(campaign, country, rng),
        np.where(kind == PRODUCT, rng.integers(0, HONEST_HEADS, accounts), -1),
    )  # fmt: skip


def shrunk(accounts: int) -> list[int]:
    """Accounts of each campaign: as reported from a million accounts on, in proportion below."""
    return [max(20, round(one.accounts * min(1.0, accounts / 1_000_000))) for one in REPORTED]


def _campaigns(accounts: int) -> Ints:
    sizes = shrunk(accounts)
    return np.concatenate([np.full(accounts - sum(sizes), -1), np.repeat(np.arange(len(sizes)), sizes)])


def _rates(kind: Ints, campaign: Ints, exchanges: int, extraction: float, rng: np.random.Generator) -> Floats:
    """The share of all exchanges that each account asks."""
    heavy = rng.lognormal(0.0, np.array([0.9, 1.1, 1.5, 0.5])[kind]) * np.array([1.0, 2.0, 10.0, 1.0])[kind]
    total = np.array([one.exchanges for one in REPORTED], dtype=np.float64)
    asked = total / total.sum() * extraction / (1.0 - COVER)
    wanted = np.append(asked, max(exchanges - asked.sum(), 1.0))
    sums = np.bincount(campaign % len(wanted), weights=heavy, minlength=len(wanted))
    rate: Floats = heavy / sums[campaign] * wanted[campaign]
    shares: Floats = rate / rate.sum()
    return shares


def _places(corpus: Corpus, kind: Ints, campaign: Ints, country: Ints, office: Ints, seed: int) -> tuple[Ints, Ints]:
    """Rows of blocks and addresses from their first on, (accounts, EXITS): a home; a phone; a VPN or a server for some;
    the home of one for all of an office; of operators EXITS of their campaign's, which they share with each other and,
    where they are VPN exits, with the honest."""
    rng, n = generator("article", seed, "places"), len(kind)
    by_kind = {name: np.flatnonzero([b.kind == name for b in corpus.blocks]) for name in corpus.blocks_by_kind}
    homes = _at_home(corpus, by_kind["residential"], country, rng)
    places = np.repeat(homes[:, None], EXITS, axis=1)
    hosts = np.repeat((rng.integers(1, 255, n) + 256 * rng.integers(0, AROUND, n))[:, None], EXITS, axis=1)
    phones = (kind == CONSUMER) & (rng.random(n) < 0.5)
    places[phones, 6:], hosts[phones, 6:] = rng.choice(by_kind["mobile"], (phones.sum(), 2)), 0
    served = ((kind == DEVELOPER) & (rng.random(n) < 0.5)) | (kind == PRODUCT)
    places[served, :5] = rng.choice(by_kind["hosting"], (served.sum(), 1), p=_popular(len(by_kind["hosting"])))
    tunnelled = (kind < PRODUCT) & (rng.random(n) < 0.1)
    places[tunnelled, 7] = rng.choice(by_kind["vpn"], tunnelled.sum(), p=_popular(len(by_kind["vpn"])))
    hosts[tunnelled, 7] = rng.integers(1, 41, tunnelled.sum())
    at_work = office >= 0
    places[at_work, :6], hosts[at_work, :6] = places[office[at_work], :1], hosts[office[at_work], :1]
    for number, size in enumerate(np.bincount(campaign[campaign >= 0], minlength=len(REPORTED))):
        pool = _pool(by_kind, int(min(60 + size // 10, 1_000)), rng)
        members = np.flatnonzero(campaign == number)
        chosen = rng.integers(0, len(pool), (len(members), EXITS))
        places[members], hosts[members] = pool[chosen, 0], pool[chosen, 1]
    return places, hosts


def _pool(by_kind: dict[str, Ints], size: int, rng: np.random.Generator) -> Ints:
    """Exits that a proxy network rents, (size, 2): half hosting, a third homes, the rest of a VPN."""
    kinds = [("hosting", size // 2), ("residential", size // 3), ("vpn", size - size // 2 - size // 3)]
    rows = np.concatenate([rng.choice(by_kind[name], count) for name, count in kinds])
    return np.stack([rows, rng.integers(1, 255, size)], axis=1)


def _at_home(corpus: Corpus, residential: Ints, country: Ints, rng: np.random.Generator) -> Ints:
    found = rng.choice(residential, len(country))
    where = np.array([COUNTRIES.index(b.country) if b.country in COUNTRIES else -1 for b in corpus.blocks])[residential]
    for number in range(len(COUNTRIES)):
        there = residential[where == number]
        rows = np.flatnonzero(country == number)
        if len(there):
            found[rows] = rng.choice(there, len(rows))
    return found


def _clients(kind: Ints, campaign: Ints, rng: np.random.Generator) -> Ints:
    """Rows of CLIENTS: browsers for people, libraries and agents for those who program, a few for each campaign."""
    programs = len(CLIENTS) - BROWSERS_ROWS
    people = rng.choice(BROWSERS_ROWS, len(kind), p=_popular(BROWSERS_ROWS))
    own = BROWSERS_ROWS + rng.choice(programs, len(kind), p=_popular(programs))
    kits = BROWSERS_ROWS + rng.integers(0, programs, (len(REPORTED), 4))
    picked = kits[campaign, rng.integers(0, 4, len(kind))]
    return np.where(campaign >= 0, picked, np.where(kind == CONSUMER, people, own))


def _bins(campaign: Ints, country: Ints, rng: np.random.Generator) -> Ints:
    """The issuer of a card: some dozen a country; a few for each campaign, prepaid ones among them."""
    own = country * BINS + rng.choice(BINS, len(country), p=_popular(BINS))
    pools = rng.integers(0, len(COUNTRIES) * BINS, (len(REPORTED), 8))
    return np.where(campaign >= 0, pools[campaign, rng.integers(0, 8, len(country))], own)


def _popular(n: int) -> Floats:
    weights = 1.0 / np.arange(1, n + 1) ** 0.9
    chances: Floats = weights / weights.sum()
    return chances


def programmes(corpus: Corpus) -> list[str]:
    """What stands first in a text: instructions of products, made of real prompts, then the campaigns' programmes, of
    real templates of distillation tools."""
    prompts = [text for texts in corpus.prompts.values() for text in texts if 60 <= len(text) <= 400]
    templates = [text for texts in corpus.templates.values() for text in texts if len(text) >= 60]
    rng = generator("article", "programmes")
    mine = [prompts[at] for at in rng.permutation(len(prompts))[:HONEST_HEADS]]
    theirs = [templates[at] for at in rng.permutation(len(templates))[: CAMPAIGN_HEADS * len(REPORTED)]]
    return [*(" ".join(text.split()[:40]) for text in mine), *(" ".join(text.split()[:40]) for text in theirs)]
