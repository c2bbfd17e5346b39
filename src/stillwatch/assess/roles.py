"""What part each account plays in a group. `operator` and `provider` accuse; the other roles name without accusing.

Victim (a stolen key): the shared work comes through egress foreign to the account's own life, begins after that life
did, and the registration is unlinked. Customer and bystander: linked by access, but without the shared work.
"""

from dataclasses import dataclass

from stillwatch.records import Step
from stillwatch.stats import logistic

OWN_LIFE = 5
"""Exchanges of its own that an account needs before "foreign to its history" means anything."""

FOREIGN = 0.2
TEMPER = 0.5
"""Membership ratios are not calibrated (tokens of one row depend on each other): half of the log-odds is shown."""

DEPARTURE_STEPS = [
    Step(
        "own_network",
        """
        SELECT DISTINCT e.account, g.grp, e.asn, e.block FROM exchange e
        JOIN (SELECT DISTINCT grp, account FROM group_exchange) g ON g.account = e.account
        WHERE NOT EXISTS (SELECT 1 FROM group_exchange s WHERE s.x = e.x AND s.grp = g.grp)
        """,
    ),
    Step(
        "departure",
        """
        SELECT g.grp, g.account, count(*) AS shared, count(*) FILTER (e.block IS NOT NULL) AS placed,
               avg(CASE WHEN e.block IS NULL THEN NULL
                        WHEN EXISTS (SELECT 1 FROM own_network o WHERE o.account = g.account AND o.grp = g.grp
                                     AND (o.block = e.block)) THEN 1.0 ELSE 0.0 END) AS at_home,
               min(e.asked_at) AS first_shared, max(e.asked_at) AS last_shared
        FROM group_exchange g JOIN exchange e ON e.x = g.x GROUP BY g.grp, g.account
        """,
    ),
    Step(
        "member_fact",
        """
        SELECT d.grp, d.account, any_value(d.shared) AS shared, any_value(d.at_home) AS at_home,
               count(*) FILTER (s.x IS NULL) AS own,
               count(*) FILTER (s.x IS NULL AND e.asked_at < d.first_shared) AS own_before,
               max(n.home) AS home
        FROM departure d JOIN exchange e ON e.account = d.account
        LEFT JOIN group_exchange s ON s.x = e.x AND s.grp = d.grp
        LEFT JOIN (SELECT grp, account, max(n) / sum(n) AS home FROM (
              SELECT d.grp, e.account, e.block, count(*) AS n FROM departure d
              JOIN exchange e ON e.account = d.account LEFT JOIN group_exchange s ON s.x = e.x AND s.grp = d.grp
              WHERE s.x IS NULL AND e.block IS NOT NULL GROUP BY d.grp, e.account, e.block)
            GROUP BY grp, account) n ON n.grp = d.grp AND n.account = d.account
        GROUP BY d.grp, d.account
        """,
    ),
]


@dataclass(frozen=True)
class MemberFacts:
    """One account in one group: membership log-odds, the registration's own ratio, and where its work came from.

    `shared` counts exchanges that the group's templates explain, `own` the others; `at_home` is the share of the
    shared ones that came from a block which the others use (None where no block is known); `linked` says that the
    account's infrastructure, registration, client or timing speaks for the group.
    """

    account_id: str
    core: bool
    log_odds: float
    registration: float
    access: float
    shared: int
    own: int
    own_before: int
    at_home: float | None
    reseller: bool
    permitted: bool
    exclusive: int


@dataclass(frozen=True)
class Part:
    """A member with its role and the probability of belonging to the group."""

    account_id: str
    probability: float
    role: str
    core: bool
    exchanges: int


def part_of(member: MemberFacts) -> Part:
    """The member's role. Without shared work nobody is an operator, whatever links the account."""
    probability = logistic(TEMPER * member.log_odds)
    role = _role(member)
    if role == "operator" and member.access <= 0.0 and member.exclusive < 3:
        probability = min(probability, 0.49)
    shown = round(probability, 4)
    return Part(member.account_id, shown, role, member.core, member.shared)


def _role(member: MemberFacts) -> str:
    if member.reseller:
        return "reseller"
    if member.permitted:
        return "customer"
    if member.shared == 0:
        return "customer" if member.registration > 0 else "bystander"
    if is_victim(member):
        return "victim"
    return "operator"


def is_victim(member: MemberFacts) -> bool:
    """An ordinary life of its own, and shared work that comes from elsewhere, by a registration that is unlinked."""
    return (
        member.own >= OWN_LIFE
        and member.own_before > 0
        and member.at_home is not None
        and member.at_home <= FOREIGN
        and member.registration <= 1.0
    )
