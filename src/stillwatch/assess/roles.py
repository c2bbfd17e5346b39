"""What part each account plays in a group. `operator` and `provider` accuse; the other roles name without accusing.

Victim (a stolen key): the shared work comes through egress foreign to the account's own life, begins after that life
did, and the registration is unlinked. Customer and bystander: linked by access, but without the shared work.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stillwatch.records import Step
from stillwatch.stats import logistic

TENURE_DAYS = 5.0
"""Age of an account before its window of shared work: a key must be issued before it is stolen."""

FOREIGN = 0.1
WINDOW_DAYS = 7.0
SHORT_WINDOW_DAYS = 3.0
LONG_TENURE_DAYS = 60.0
SEVERAL = 5
UNLINKED = 4.0
"""Nats of registration evidence under which an account is not linked: a shared issuer is chance, a card is not."""
ACCUSING = ("operator", "provider")
"""The roles that accuse where the probability is one half or more."""

UNSHOWN = 0.49
"""The most that a membership may say which is not shown well enough to accuse."""

NEARLY_ALL = 0.9
LINKED = 3.0
"""Nats of access evidence (infrastructure, registration, client, timing) from which an account is linked by more than
its prompts."""

TEMPER = 0.5
"""Membership ratios are not calibrated (tokens of one row depend on each other): half of the log-odds is shown."""

DEPARTURE_STEPS = [
    Step(
        "sure_work",
        """
        SELECT g.grp, g.account, g.x FROM group_exchange g
        JOIN (SELECT grp, account, bool_or(exclusive) AS any_exclusive FROM group_exchange GROUP BY grp, account) s
          ON s.grp = g.grp AND s.account = g.account WHERE g.exclusive OR NOT s.any_exclusive
        """,
    ),
    Step(
        "work_window",
        """
        SELECT s.grp, s.account, count(*) AS sure, quantile_disc(e.asked_at, 0.05) AS first_shared,
               quantile_disc(e.asked_at, 0.95) AS last_shared
        FROM sure_work s JOIN exchange e ON e.x = s.x GROUP BY s.grp, s.account
        """,
    ),
    Step(
        "own_life",
        """
        SELECT w.grp, e.account, e.block, e.ja4, e.user_agent, e.asked_at FROM work_window w
        JOIN exchange e ON e.account = w.account
         AND (e.asked_at < w.first_shared - INTERVAL 6 HOURS OR e.asked_at > w.last_shared + INTERVAL 6 HOURS)
        WHERE NOT EXISTS (SELECT 1 FROM sure_work s WHERE s.x = e.x AND s.grp = w.grp)
        """,
    ),
    Step("own_block", "SELECT DISTINCT grp, account, block FROM own_life WHERE block IS NOT NULL"),
    Step("own_client", "SELECT DISTINCT grp, account, ja4, user_agent FROM own_life WHERE ja4 IS NOT NULL"),
    Step(
        "departure",
        """
        SELECT s.grp, s.account,
               avg(CASE WHEN e.block IS NULL THEN NULL WHEN b.block IS NOT NULL THEN 1.0 ELSE 0.0 END) AS at_home,
               avg(CASE WHEN e.ja4 IS NULL THEN NULL WHEN c.ja4 IS NOT NULL THEN 1.0 ELSE 0.0 END) AS own_client
        FROM sure_work s JOIN exchange e ON e.x = s.x
        LEFT JOIN own_block b ON b.grp = s.grp AND b.account = s.account AND b.block = e.block
        LEFT JOIN own_client c ON c.grp = s.grp AND c.account = s.account AND c.ja4 = e.ja4
             AND c.user_agent IS NOT DISTINCT FROM e.user_agent
        GROUP BY s.grp, s.account
        """,
    ),
    Step(
        "member_fact",
        """
        SELECT w.grp, w.account, any_value(n.shared) AS shared, any_value(d.at_home) AS at_home,
               any_value(d.own_client) AS own_client, count(o.asked_at) AS own,
               count(o.asked_at) FILTER (o.asked_at < w.first_shared) AS own_before,
               epoch(any_value(w.last_shared) - any_value(w.first_shared)) / 86400.0 AS shared_days,
               epoch(any_value(w.first_shared) - any_value(a.created_at)) / 86400.0 AS days_before
        FROM work_window w JOIN departure d ON d.grp = w.grp AND d.account = w.account
        JOIN (SELECT grp, account, count(*) AS shared FROM group_exchange GROUP BY grp, account) n
          ON n.grp = w.grp AND n.account = w.account
        JOIN account a ON a.account = w.account
        LEFT JOIN own_life o ON o.grp = w.grp AND o.account = w.account
        GROUP BY w.grp, w.account
        """,
    ),
]


@dataclass(frozen=True)
class MemberFacts:
    """One account in one group: membership log-odds, the registration's own ratio, and where its work came from.

    `shared` counts exchanges that the group's templates explain, `own` the others; `at_home` is the share of the
    shared ones that came from a block which the others use, `own_client` the same for the client (None where nothing is
    known); `access` is what infrastructure, registration, client and timing together say for the group, in nats;
    `exclusive` counts shared exchanges by templates that hardly anybody outside uses.
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
    own_client: float | None
    shared_days: float
    days_before: float | None
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
    alone = member.access <= 0.0 and member.exclusive < 3
    if role == "operator" and (alone or at_home(member) or (member.own > 0 and member.at_home is None)):
        probability = min(probability, UNSHOWN)
    shown = round(probability, 4)
    return Part(member.account_id, shown, role, member.core, member.shared)


def parts_in(status: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts as a finding of this status may show them: only a suspected one accuses.

    An ambiguous finding is for review, so nobody in it reaches one half. In a permitted or dismissed one the members
    are customers.
    """
    if status == "suspected":
        return tuple(parts)
    if status == "ambiguous":
        return tuple(replace(part, probability=min(part.probability, UNSHOWN)) for part in parts)
    return tuple(replace(part, role="customer") if part.role in ACCUSING else part for part in parts)


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


def at_home(member: MemberFacts) -> bool:
    """Shared work from where and by what the account's own, larger life comes, with hardly any link of access.

    So looks an honest customer through whose service somebody sent the campaign's prompts. An operator who wants to
    look like that pays for a life of its own, an address and a card in every account.
    """
    if member.at_home is None or member.own_client is None or member.own < member.shared:
        return False
    return min(member.at_home, member.own_client) >= NEARLY_ALL and member.access < LINKED


def is_victim(member: MemberFacts) -> bool:
    """An older account with a life of its own; then shared work in one window, by egress foreign to that life.

    A foreign client strengthens it; where thief and owner use one popular client, the window must be short and the
    foreign exchanges several. Without any life of its own in the logs, only a long tenure speaks for the owner.
    """
    if member.registration > UNLINKED or member.shared_days > WINDOW_DAYS:
        return False
    if member.own == 0:
        return (member.days_before or 0.0) >= LONG_TENURE_DAYS and member.shared_days <= SHORT_WINDOW_DAYS
    older = member.own_before > 0 if member.days_before is None else member.days_before >= TENURE_DAYS
    if not older or member.at_home is None or member.at_home > FOREIGN:
        return False
    foreign_client = member.own_client is None or member.own_client <= FOREIGN
    return foreign_client or (member.shared_days <= SHORT_WINDOW_DAYS and member.shared >= SEVERAL)
