"""The worlds that can be simulated, fixed so that nobody simulates an easy one by accident.

What a campaign can do is data here: who carries it out reads these fields and asks for no campaign by name.
"""

from dataclasses import dataclass, replace

from stillwatch.errors import UsageError
from stillwatch.worlds.honest import town
from stillwatch.worlds.lacking import ACCOUNTS, NETWORK, NOTHING, TEXTS, TIMES, Lack


@dataclass(frozen=True)
class Disguise:
    """What a campaign does to look like an explanation that excuses an honest group.

    Args:
        organisation: members declare one made-up organisation and prove its mail domain.
        office: share of extraction that leaves by an office address of that organisation.
        repeated: chance that an item goes out which another account has asked already, as homework does.
        framed: the instruction stands in a retrieval framework's default prompt.
        own_data: material is cast in topics of the member's own.
        product: members' work bears one app's preamble and client string.
        resells: members say that they resell, and name end users.
        leaked: honest people, for each member, who post the instruction in the first days.
    """

    organisation: bool = False
    office: float = 0.0
    repeated: float = 0.0
    framed: bool = False
    own_data: bool = False
    product: bool = False
    resells: bool = False
    leaked: float = 0.0


DISGUISES = {
    "none": Disguise(),
    "affiliated": Disguise(organisation=True, office=0.7),
    "same-items": Disguise(repeated=0.5),
    "template": Disguise(framed=True),
    "own-data": Disguise(own_data=True),
    "product": Disguise(product=True),
    "reseller": Disguise(resells=True),
    "viral": Disguise(leaked=1.0),
}


@dataclass(frozen=True)
class Campaign:
    """One campaign.

    Args:
        size: members at scale 1.
        aims: what it extracts, with shares; stages of one pipeline, in order, where ``staged``.
        provider: whose exits it uses; two campaigns may share one.
        pathways: doors of the provider's that its members use.
        doors: programmes with weak checks that some members sign up through.
        victims: keys it steals, at scale 1.
        imitates: a name in DISGUISES.
        staged: every item passes all aims, each on another account and at least a day later.
        region: where its people sit, if the provider does not serve that country; some traffic slips out there.
        exchanges: mean exchanges of a member; None as honest customers.
        members: members at any scale; None where ``size`` and the scale decide.
        tenant: it has no accounts of its own: all of its work goes through networks.
    """

    name: str
    size: int
    aims: tuple[tuple[str, float], ...]
    provider: str
    pathways: tuple[str, ...]
    doors: tuple[str, ...]
    victims: int
    imitates: str = "none"
    staged: bool = False
    region: str | None = None
    exchanges: float | None = None
    members: int | None = None
    tenant: bool = False

    @property
    def disguise(self) -> Disguise:
        """What it does to look benign."""
        return DISGUISES[self.imitates]


@dataclass(frozen=True)
class Network:
    """A provider of access: accounts that carry the work of several operators among that of honest customers.

    Args:
        size: accounts at scale 1.
        serves: campaigns, each with its share of the network's exchanges.
        exchanges: mean exchanges of an account.
        customers: honest customers, for each account.
        named: share of customers whose `end_user_id` it passes on.
        neighbours: honest people with accounts of their own who reach the provider through its exits, at scale 1.
    """

    name: str
    size: int
    serves: tuple[tuple[str, float], ...]
    doors: tuple[str, ...] = ("startup", "trial")
    pathways: tuple[str, ...] = ("api", "openrouter")
    exchanges: float = 100.0
    customers: float = 4.0
    named: float = 0.15
    neighbours: int = 20


@dataclass(frozen=True)
class Scenario:
    """How well campaigns hide, and among whom.

    Args:
        campaigns: who hides; empty for an honest world.
        cover: share of a member's exchanges that is replayed honest traffic.
        paraphrase: chance that an extraction exchange is worded anew.
        own_wording: share of members with a wording of their own, used where an exchange is not worded anew.
        carrier: where the prompt stands in a request, one of `wording.CARRIERS`.
        rotation: chance that an extraction exchange leaves by an address and client outside of the shared pools.
        aloof: share of members that never touch the shared pools.
        jitter: standard deviation, in hours, around the hour at which a batch of work was handed out.
        hours: `any` where batches go to whatever account, `own` where to accounts that are active at such hours.
        linked: share of members whose card comes from the campaign's reused ones; sign-ups follow.
        banned: share of members that are suspended in the month, and replaced.
        lacks: what the provider does not log.
        newcomers: honest populations beyond those that every world holds, by their names in `honest.town`.
        networks: providers of access that carry campaigns' work, beside honest resellers that carry none.
    """

    name: str
    campaigns: tuple[Campaign, ...]
    cover: float = 0.8
    paraphrase: float = 0.3
    own_wording: float = 0.0
    carrier: str = "turn"
    rotation: float = 0.5
    aloof: float = 0.25
    jitter: float = 6.0
    hours: str = "any"
    linked: float = 0.35
    banned: float = 0.12
    lacks: Lack = NOTHING
    newcomers: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()


FIVE = (
    Campaign("copper", 300, (("cot", 1.0),), "copper", ("api", "bedrock", "openrouter"), ("education", "trial"), 5),
    Campaign("juniper", 160, (("rubric", 0.6), ("pairs", 0.4)), "lattice", ("api", "vertex"), ("research",), 3),
    Campaign("osprey", 90, (("tools", 0.5), ("coding", 0.5)), "lattice", ("api", "foundry"), ("startup", "trial"), 4),
    Campaign("quartz", 50, (("synthesis", 1.0),), "quartz", ("api", "bedrock"), ("startup",), 2),
    Campaign("willow", 20, (("post_hoc", 1.0),), "willow", ("api",), ("research",), 1),
)  # fmt: skip

MIXED = Scenario("mixed", FIVE)

TEN = (
    FIVE[0],
    replace(FIVE[1], imitates="template"),
    FIVE[2],
    replace(FIVE[3], imitates="own-data"),
    replace(FIVE[4], imitates="same-items"),
    Campaign("heron", 60, (("derive", 1.0),), "heron", ("api", "vertex"), ("startup",), 2, imitates="affiliated"),
    Campaign("linden", 40, (("repair", 1.0),), "lattice", ("api", "foundry"), ("trial",), 1, imitates="product"),
    Campaign("sable", 120, (("coerce", 1.0),), "sable", ("api", "openrouter"), ("trial",), 3, "viral", region="CN"),
    Campaign("tansy", 80, (("rewrite", 1.0),), "tansy", ("api", "bedrock"), ("research",), 2, "reseller", region="CN"),
    Campaign(
        "umber", 140, (("build", 1.0), ("retrace", 1.0), ("accept", 1.0)), "umber", ("api", "vertex", "openrouter"),
        ("education", "startup"), 2, staged=True, exchanges=50.0,
    ),
)  # fmt: skip
CARRIED = (
    replace(FIVE[0], size=120),
    replace(FIVE[1], size=90),
    FIVE[4],
    Campaign("marten", 60, (("synthesis", 1.0),), "weir", ("api",), (), 3, tenant=True),
    Campaign("tern", 40, (("rubric", 1.0),), "sluice", ("api",), (), 2, tenant=True),
    Campaign("teal", 40, (("derive", 1.0),), "sluice", ("api",), (), 1, tenant=True),
)
"""Copper works on accounts of its own and through weir; juniper has two aims and serves nobody; three are tenants."""

WEIR = Network("weir", 60, (("copper", 0.25), ("marten", 0.2)))
SLUICE = Network("sluice", 30, (("tern", 0.25), ("teal", 0.2)), doors=("research", "trial"))

ALL_NEWCOMERS = tuple(town.NEWCOMERS)

SCENARIOS = {
    "quiet": Scenario("quiet", ()),
    "open": Scenario("open", FIVE, cover=0.0, paraphrase=0.0, rotation=0.0, aloof=0.0, jitter=0.5, linked=0.6),
    "mixed": MIXED,
    "hard": Scenario("hard", FIVE, cover=0.95, paraphrase=0.6, rotation=0.8),
    "wide": Scenario("wide", TEN, hours="own", newcomers=ALL_NEWCOMERS),
    "wide-quiet": Scenario("wide-quiet", (), newcomers=ALL_NEWCOMERS),
    "networks": Scenario("networks", CARRIED, networks=(WEIR, SLUICE)),
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
