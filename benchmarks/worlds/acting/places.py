"""Where requests come from: homes, offices, campuses, mobile carriers, machines for rent, VPNs; real address ranges."""

from dataclasses import dataclass, field
from pathlib import Path

from acting.chance import Dice, digest
from acting.material import rows

COUNTRIES = (
    ("US", 30), ("DE", 9), ("GB", 8), ("FR", 6), ("IN", 9), ("BR", 6), ("JP", 5), ("ES", 4), ("IT", 4), ("NL", 3),
    ("PL", 3), ("TR", 2), ("KR", 3), ("VN", 2), ("SG", 1),
)  # fmt: skip
OFFSET = {
    "US": -6, "DE": 1, "GB": 0, "FR": 1, "IN": 5, "BR": -3, "JP": 9, "ES": 1, "IT": 1, "NL": 1, "PL": 1, "TR": 3,
    "KR": 9, "VN": 7, "SG": 8, "CN": 8, "RU": 3, "HK": 8, "PT": 0,
}  # fmt: skip
NOT_HOMES = (
    "defense", "dod ", "amazon", "microsoft", "google", "hetzner", "ovh", "digitalocean", "university", "universit",
    "research", "ministry", "mercedes", "alibaba", "tencent", "m247", "leaseweb", "datacamp", "contabo", "cloud",
    "hosting", "forschung", "renater", "jisc", "garr", "surf", "academic", "education", "electricite", "samsung",
)  # fmt: skip
HOSTS = (
    "Hetzner Online GmbH", "OVH SAS", "DigitalOcean, LLC", "Contabo GmbH", "Amazon.com, Inc.", "Google LLC",
    "Leaseweb USA, Inc.", "LeaseWeb Netherlands B.V.", "M247 Europe SRL", "Datacamp Limited",
    "Alibaba (US) Technology Co., Ltd.", "Microsoft Corporation",
)  # fmt: skip
CAMPUSES = (
    "%Universitaet Stuttgart%", "%University of California, San Diego%", "Jisc Services Limited", "SURF B.V.",
    "Renater", "Consortium GARR", "%University System of Georgia%",
)  # fmt: skip
V6 = {
    "US": ("2601:0", "2600:17", "2607:fb9"), "DE": ("2003:c", "2a02:810"), "FR": ("2a01:e0a", "2a01:cb0"),
    "GB": ("2a00:23c", "2a02:c7c"), "IN": ("2409:40", "2405:20"),
    "BR": ("2804:7f", "2804:14"), "JP": ("240f:7", "2400:41"),
}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Addresses from first, so many of them, of an organisation."""

    first: int
    size: int
    org: str


@dataclass(frozen=True)
class Place:
    """Somewhere to send from: a range, and for how many hours one keeps an address there (0: for ever).

    `shared` places (carriers' and campuses' NAT) give everyone one of few addresses.
    """

    kind: str
    first: int
    size: int
    lease_hours: float
    salt: int
    prefix: str = ""

    def address(self, at: float) -> str:
        lease = int(at / 3600 / self.lease_hours) if self.lease_hours else 0
        number = digest(self.salt, lease)
        if self.prefix:
            return v6_address(self.prefix, self.salt, number)
        return dotted(self.first + number % self.size)


def dotted(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def v6_address(prefix: str, salt: int, number: int) -> str:
    """A home's /64 stays, the interface part changes (privacy extensions)."""
    head = (prefix.replace(":", "") + f"{salt & 0xFFFFFFFFFFFF:012x}")[:16].ljust(16, "0")
    tail = f"{number & 0xFFFFFFFFFFFFFFFF:016x}"
    return ":".join((head + tail)[i : i + 4] for i in range(0, 32, 4))


@dataclass
class Atlas:
    """The real address table, cut to what agents use."""

    homes: dict[str, list[tuple[Range, float]]] = field(default_factory=dict)
    hosts: list[Range] = field(default_factory=list)
    vpns: list[Range] = field(default_factory=list)
    campuses: list[Range] = field(default_factory=list)

    def home(self, dice: Dice, country: str) -> Place:
        """A home line: some keep an address for months, some get another every day."""
        net = dice.weighted(self.homes[country])
        start = net.first + dice.whole(0, max(0, net.size - 4096)) // 1024 * 1024
        lease = dice.weighted(((0.0, 0.35), (24.0, 0.2), (168.0, 0.3), (400.0, 0.15)))
        return Place("home", start, min(net.size, 2048), lease, dice.getrandbits(60))

    def carrier(self, dice: Dice, country: str) -> Place:
        """Mobile: some 200 addresses of a carrier's NAT for everybody, another each hour."""
        net = self.homes[country][dice.whole(0, min(2, len(self.homes[country]) - 1))][0]
        return Place("mobile", net.first, min(200, net.size), 1.0, dice.getrandbits(60))

    def office(self, dice: Dice, country: str, size: int = 3) -> Place:
        net = dice.weighted(self.homes[country])
        return Place("office", net.first + dice.whole(0, max(0, net.size - size)), size, 36.0, dice.getrandbits(60))

    def campus(self, dice: Dice) -> Place:
        net = dice.pick(self.campuses)
        return Place("campus", net.first + dice.whole(0, max(0, net.size - 8)), 6, 2.0, dice.getrandbits(60))

    def server(self, dice: Dice) -> Place:
        """A machine for rent: one address, kept."""
        net = dice.pick(self.hosts)
        return Place("hosting", net.first + dice.whole(0, net.size - 1), 1, 0.0, dice.getrandbits(60))

    def fleet(self, dice: Dice, size: int) -> Place:
        """Several machines side by side at one host; requests leave by any of them."""
        net = dice.pick(self.hosts)
        return Place("hosting", net.first + dice.whole(0, max(0, net.size - size)), size, 0.05, dice.getrandbits(60))

    def tunnel(self, dice: Dice) -> Place:
        """A commercial VPN's exit town: a few dozen addresses, another at every connection."""
        net = self.vpns[dice.whole(0, min(len(self.vpns), 60) - 1)]
        return Place("vpn", net.first, min(net.size, 32), 5.0, dice.getrandbits(60))

    def sixth(self, dice: Dice, country: str) -> Place:
        prefix = dice.pick(V6.get(country, V6["US"]))
        return Place("home6", 0, 1, 24.0, dice.getrandbits(60), prefix)


def same_exit(place: Place, dice: Dice) -> Place:
    """The same place for another person, whose turns at its addresses are others."""
    return Place(place.kind, place.first, place.size, place.lease_hours, dice.getrandbits(60), place.prefix)


def load(folder: Path) -> Atlas:
    """Read the ranges that agents use."""
    atlas = Atlas()
    atlas.homes = homes_of(folder)
    ranges = 'SELECT start, "end" - start + 1, org FROM t WHERE '
    named = ", ".join(f"'{org}'" for org in HOSTS)
    query = f'{ranges} org IN ({named}) AND "end" - start >= 255 ORDER BY start'
    by_org: dict[str, list[Range]] = {}
    for found in rows(folder, "5_coordination/ip_asn_v4.parquet", query):
        by_org.setdefault(found[2], []).append(Range(*found))
    atlas.hosts = [net for nets in by_org.values() for net in nets[:: max(1, len(nets) // 12)]]
    for like in CAMPUSES:
        query = f"{ranges} org LIKE '{like}' AND \"end\" - start >= 255 ORDER BY start LIMIT 3"
        atlas.campuses += [Range(*f) for f in rows(folder, "5_coordination/ip_asn_v4.parquet", query)]
    lists = "SELECT value FROM t WHERE list = 'vpn-ipv4' AND value LIKE '%/2%' ORDER BY hash(value), value LIMIT 60"
    atlas.vpns = [cidr(value) for (value,) in rows(folder, "5_coordination/ip_lists_misp.parquet", lists)]
    return atlas


def homes_of(folder: Path) -> dict[str, list[tuple[Range, float]]]:
    """By country the sixteen largest ranges of networks that serve homes, weighted by the root of their size."""
    where = " AND ".join(f"lower(a.org) NOT LIKE '%{word}%'" for word in NOT_HOMES)
    query = f"""
        SELECT c.cc, a.start, least(a."end", c."end") - a.start + 1 AS size, a.org FROM t a
        ASOF JOIN read_parquet('{folder / "5_coordination" / "ip_country_v4.parquet"}') c ON a.start >= c.start
        WHERE {where} AND a."end" - a.start > 2000 AND c."end" > a.start
        QUALIFY row_number() OVER (PARTITION BY c.cc ORDER BY size DESC, a.start) <= 16
        ORDER BY c.cc, size DESC, a.start"""
    homes: dict[str, list[tuple[Range, float]]] = {}
    for country, first, size, org in rows(folder, "5_coordination/ip_asn_v4.parquet", query):
        homes.setdefault(country, []).append((Range(int(first), int(size), org), float(size) ** 0.5))
    return homes


def cidr(value: str) -> Range:
    head, bits = value.split("/")
    a, b, c, d = (int(x) for x in head.split("."))
    return Range(a << 24 | b << 16 | c << 8 | d, 1 << (32 - int(bits)), "vpn")
