"""Where requests come from: homes, phones, offices, campuses, servers and exits, on real address blocks."""

from dataclasses import dataclass

from stillwatch.worlds.chance import Dice
from stillwatch.worlds.corpus import Block, Corpus

GATEWAY_CLASS = {"hosting": "hosting", "vpn": "vpn", "residential": "residential", "mobile": "mobile"}
"""What a gateway's address service says of a kind of block; it knows no class for offices and campuses."""

POPULATIONS = (
    ("US", 30), ("IN", 9), ("DE", 8), ("GB", 7), ("JP", 6), ("BR", 5), ("FR", 5), ("CA", 4), ("KR", 3), ("NL", 3),
    ("SG", 3), ("ES", 2), ("IT", 2), ("AU", 2), ("PL", 2), ("SE", 2), ("VN", 2), ("ID", 2), ("TR", 1), ("UA", 1),
    ("MX", 2), ("TW", 2), ("CH", 1), ("HK", 2),
)  # fmt: skip
_WEIGHTED = [country for country, weight in POPULATIONS for _ in range(weight)]


@dataclass(frozen=True)
class Place:
    """A block that an account uses. ``host`` is the last octet; 0 means another one for each conversation."""

    block: Block
    host: int
    weight: float

    @property
    def address(self) -> str:
        """An address in the block, the one used most."""
        return dotted(self.block.start + (self.host or 1 + self.block.start // 256 % 250))


def dotted(address: int) -> str:
    """An IPv4 address as text."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def country(dice: Dice) -> str:
    """A country where customers live."""
    return dice.pick(_WEIGHTED)


def spot(corpus: Corpus, dice: Dice, kind: str, where: str, weight: float, *, fixed: float = 0.5) -> Place:
    """A place of a kind, in a country where blocks of that kind are known there, with a fixed host by a chance."""
    found = corpus.blocks_at.get((kind, where)) or corpus.blocks_by_kind[kind]
    return Place(dice.pick(found), 1 + dice.below(254) if dice.true(fixed) else 0, weight)


def person(corpus: Corpus, dice: Dice, where: str) -> tuple[Place, ...]:
    """Places of one private person: a home; for some a phone, a second home, a VPN exit, a journey."""
    places = [spot(corpus, dice, "residential", where, 1.0)]
    if dice.true(0.5):
        places += [spot(corpus, dice, "mobile", where, 0.15, fixed=0.0) for _ in range(1 + dice.below(3))]
    if dice.true(0.35):
        places.append(spot(corpus, dice, "residential", where, dice.between(0.1, 0.6)))
    if dice.true(0.17):
        places += vpn(corpus, dice, dice.between(0.2, 1.5))
    if dice.true(0.13):
        places.append(spot(corpus, dice, "residential", country(dice), dice.between(0.1, 0.5)))
    return tuple(places)


def vpn(corpus: Corpus, dice: Dice, weight: float) -> list[Place]:
    """A few exits of one VPN customer: popular ones first, a changing host for most."""
    blocks = corpus.blocks_by_kind["vpn"]
    return [Place(dice.popular(blocks), 1 + dice.below(40), weight / 2) for _ in range(2 + dice.below(3))]


def developer(corpus: Corpus, dice: Dice, where: str) -> tuple[Place, ...]:
    """Places of someone who programs: a person's, and for more than half a server at a cloud."""
    places = list(person(corpus, dice, where))
    if dice.true(0.55):
        places += [server(corpus, dice, dice.between(0.5, 5.0)) for _ in range(1 + dice.below(2))]
    return tuple(places)


def server(corpus: Corpus, dice: Dice, weight: float, fixed: float = 0.75) -> Place:
    """A machine at a hosting company; the popular companies hold most."""
    return Place(
        dice.popular(corpus.blocks_by_kind["hosting"], 1.6), 1 + dice.below(254) if dice.true(fixed) else 0, weight
    )


def machines(corpus: Corpus, dice: Dice, where: str) -> tuple[Place, ...]:
    """Places of a program in production: one to four servers, and the developer's home now and then."""
    places = [server(corpus, dice, 1.0, fixed=0.8) for _ in range(1 + dice.below(4))]
    return (*places, spot(corpus, dice, "residential", where, 0.1))
