"""The worlds that can be simulated, fixed so that nobody simulates an easy one by accident."""

from dataclasses import dataclass, replace

from stillwatch.errors import UsageError
from stillwatch.worlds.lacking import ACCOUNTS, NETWORK, NOTHING, TEXTS, TIMES, Lack


@dataclass(frozen=True)
class Campaign:
    """One campaign: members at scale 1, what it extracts (with shares), its provider, and the doors it uses."""

    name: str
    size: int
    aims: tuple[tuple[str, float], ...]
    provider: str
    pathways: tuple[str, ...]
    doors: tuple[str, ...]
    victims: int


@dataclass(frozen=True)
class Scenario:
    """How well campaigns hide.

    Args:
        campaigns: who hides; empty for an honest world.
        cover: share of a member's exchanges that is replayed honest traffic.
        paraphrase: chance that an extraction exchange is worded anew.
        rotation: chance that an extraction exchange leaves by an address and client outside of the shared pools.
        aloof: share of members that never touch the shared pools.
        jitter: standard deviation, in hours, around the hour at which a batch of work was handed out.
        linked: share of members whose card comes from the campaign's reused ones; sign-ups follow.
        banned: share of members that are suspended in the month, and replaced.
        lacks: what the provider does not log.
    """

    name: str
    campaigns: tuple[Campaign, ...]
    cover: float = 0.8
    paraphrase: float = 0.3
    rotation: float = 0.5
    aloof: float = 0.25
    jitter: float = 6.0
    linked: float = 0.35
    banned: float = 0.12
    lacks: Lack = NOTHING


FIVE = (
    Campaign("copper", 300, (("cot", 1.0),), "copper", ("api", "bedrock", "openrouter"), ("education", "trial"), 5),
    Campaign("juniper", 160, (("rubric", 0.6), ("pairs", 0.4)), "lattice", ("api", "vertex"), ("research",), 3),
    Campaign("osprey", 90, (("tools", 0.5), ("coding", 0.5)), "lattice", ("api", "foundry"), ("startup", "trial"), 4),
    Campaign("quartz", 50, (("synthesis", 1.0),), "quartz", ("api", "bedrock"), ("startup",), 2),
    Campaign("willow", 20, (("post_hoc", 1.0),), "willow", ("api",), ("research",), 1),
)  # fmt: skip

MIXED = Scenario("mixed", FIVE)

SCENARIOS = {
    "quiet": Scenario("quiet", ()),
    "open": Scenario("open", FIVE, cover=0.0, paraphrase=0.0, rotation=0.0, aloof=0.0, jitter=0.5, linked=0.6),
    "mixed": MIXED,
    "hard": Scenario("hard", FIVE, cover=0.95, paraphrase=0.6, rotation=0.8),
    "contentless": replace(MIXED, name="contentless", lacks=TEXTS),
    "no-network": replace(MIXED, name="no-network", lacks=NETWORK),
    "no-accounts": replace(MIXED, name="no-accounts", lacks=ACCOUNTS),
    "days-only": replace(MIXED, name="days-only", lacks=TIMES),
}


def named(name: str) -> Scenario:
    """The scenario of a name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in SCENARIOS:
        raise UsageError("no such scenario", found=name, wanted=", ".join(SCENARIOS))
    return SCENARIOS[name]
