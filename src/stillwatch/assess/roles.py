"""What part each account plays in a group. `operator` and `provider` accuse; the other roles name without accusing.

Victim (a stolen key): the shared work comes in a short window through egress foreign to the account's own life, begins
after that life did, and the registration is unlinked. Customer and bystander: linked by access, without the shared
work.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stillwatch.assess.estimates import of_possible_victim, of_stranger
from stillwatch.assess.terms import clipped, ramp
from stillwatch.records import Step
from stillwatch.stats import logistic

TENURE_DAYS = 5.0
"""Age of an account before its window of shared work: a key must be issued before it is stolen."""

FOREIGN = 0.1
UNLINKED = 2.0
"""Nats of registration evidence under which an account is not linked by its registration."""

PLAIN = 5.5
COINCIDENCE = 5.0
"""Nats of likeness, of seven, that show a victim's every trait; and nats of registration evidence that a shared day or
issuer gives by chance, as a shared card does not."""

ALIKE = 2.5
"""Nats under which nobody looks like a victim."""

UNDECIDED = 0.2
"""Probability of a stolen key, by the high estimate, from which an account is named, not accused."""

LEAST_SHARERS = 2
OWN_BLOCK = 0.2
"""Other members whose shared work used an address block, and their share of all its accounts, from which the block is
the group's own and no carrier's."""

LEAST_BLOCKS = 3
"""Such blocks in an account's own life from which it counts: a proxy's exit may stand in an owner's street."""

LEAST_GROUP_DAYS = 7.0
"""A group that worked for less than a week is not long enough for a short window to mean much."""

ACCUSING = ("operator", "provider")
"""The roles that accuse where the probability is one half or more."""

BARELY = 0.75
"""Probability of membership under which an account is named, not accused: the probability is not calibrated, and of
3,675 operators in eight simulated worlds three stood between one half and this."""

UNSHOWN = 0.49
"""The most that a membership may say which is not shown well enough to accuse."""

ALONE = 1.0
"""Nats of access evidence up to which an account shares nothing with the group but its prompts: anybody can send those,
a hobbyist with the same public template or a customer whose service relays them."""

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
    Step("clock", "SELECT count(DISTINCT epoch_us(asked_at) % 86_400_000_000) > 1 AS tells FROM exchange"),
    Step(
        "work_window",
        """
        SELECT s.grp, s.account,
               CASE WHEN any_value(c.tells) THEN count(DISTINCT e.asked_at) ELSE count(*) END AS times,
               quantile_disc(e.asked_at, 0.05) AS first_shared, quantile_disc(e.asked_at, 0.95) AS last_shared
        FROM sure_work s JOIN exchange e ON e.x = s.x CROSS JOIN clock c GROUP BY s.grp, s.account
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
        "member_block",
        """
        SELECT DISTINCT s.grp, s.account, e.block FROM sure_work s JOIN exchange e ON e.x = s.x
        WHERE e.block IS NOT NULL
        """,
    ),
    Step(
        "group_block",
        f"""
        SELECT m.grp, m.block, count(*) AS members, any_value(p.accounts) AS accounts FROM member_block m
        JOIN (SELECT block, count(DISTINCT account) AS accounts FROM exchange WHERE block IS NOT NULL GROUP BY block) p
          ON p.block = m.block
        GROUP BY m.grp, m.block HAVING count(*) >= greatest({LEAST_SHARERS}, {OWN_BLOCK} * any_value(p.accounts))
        """,
    ),
    Step(
        "life_among",
        f"""
        SELECT grp, account, CASE WHEN count(DISTINCT block) FILTER (theirs) >= {LEAST_BLOCKS}
                 THEN avg(CASE WHEN theirs THEN 1.0 ELSE 0.0 END) ELSE 0.0 END AS among
        FROM (SELECT o.grp, o.account, o.block,
                     coalesce(b.members - (m.block IS NOT NULL)::INTEGER
                              >= greatest({LEAST_SHARERS}, {OWN_BLOCK} * (b.accounts - 1)), FALSE) AS theirs
              FROM own_life o LEFT JOIN group_block b ON b.grp = o.grp AND b.block = o.block
              LEFT JOIN member_block m ON m.grp = o.grp AND m.account = o.account AND m.block = o.block
              WHERE o.block IS NOT NULL)
        GROUP BY grp, account
        """,
    ),
    Step(
        "departure",
        """
        SELECT s.grp, s.account,
               CASE WHEN any_value(h.blocks) > 0 THEN avg(CASE WHEN e.block IS NULL THEN NULL
                 WHEN b.block IS NOT NULL THEN 1.0 ELSE 0.0 END) END AS at_home,
               CASE WHEN any_value(h.clients) > 0 THEN avg(CASE WHEN e.ja4 IS NULL THEN NULL
                 WHEN c.ja4 IS NOT NULL THEN 1.0 ELSE 0.0 END) END AS own_client
        FROM sure_work s JOIN exchange e ON e.x = s.x
        LEFT JOIN (SELECT grp, account, count(block) AS blocks, count(ja4) AS clients FROM own_life
                   GROUP BY grp, account) h ON h.grp = s.grp AND h.account = s.account
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
               any_value(w.times) AS shared_times, any_value(i.among) AS among,
               epoch(any_value(w.last_shared) - any_value(w.first_shared)) / 86400.0 AS shared_days,
               epoch(any_value(w.first_shared) - any_value(a.created_at)) / 86400.0 AS days_before
        FROM work_window w JOIN departure d ON d.grp = w.grp AND d.account = w.account
        JOIN (SELECT grp, account, count(*) AS shared FROM group_exchange GROUP BY grp, account) n
          ON n.grp = w.grp AND n.account = w.account
        JOIN account a ON a.account = w.account
        LEFT JOIN own_life o ON o.grp = w.grp AND o.account = w.account
        LEFT JOIN life_among i ON i.grp = w.grp AND i.account = w.account
        GROUP BY w.grp, w.account
        """,
    ),
]


@dataclass(frozen=True)
class MemberFacts:
    """One account in one group: membership log-odds, the registration's own ratio, and where its work came from.

    `shared` counts exchanges that the group's templates explain, `own` the others. `at_home` is the share of the shared
    ones that came from a block which the others use, `own_client` the same for the client (None where nothing is
    known). `among` is the share of the others that came from blocks which other members' shared work used and hardly
    anybody else (0 where these blocks are fewer than three). `access` is what infrastructure, registration, client and
    timing together say for the group, in nats, and `company` the share of those with its wordings that access links
    (None where no text is seen); `shared_times` counts the distinct times of shared work (each exchange
    of a session, which holds more accounts for victims than hours would), and the exchanges themselves where logs keep
    days alone; `group_days` is how long the group worked.
    """

    account_id: str
    core: bool
    log_odds: float
    registration: float
    access: float
    company: float | None
    shared: int
    own: int
    own_before: int
    at_home: float | None
    own_client: float | None
    among: float | None
    shared_days: float
    shared_times: int
    group_days: float
    days_before: float | None
    reseller: bool
    permitted: bool


@dataclass(frozen=True)
class Part:
    """A member with its role and the probability of belonging to the group, at most `UNSHOWN` where it is not accused.

    `estimate` is how likely it is the operator's own: the probability itself where that accuses, a calibrated figure
    that accuses nobody where an operator's role is not shown well enough, and nothing elsewhere.
    """

    account_id: str
    probability: float
    role: str
    core: bool
    exchanges: int
    estimate: float | None = None


def parts_of(members: Sequence[MemberFacts]) -> list[Part]:
    """Every member's role. Without shared work nobody is an operator, whatever links the account."""
    stolen = victim_probabilities(members)
    return [_part(member, low, high) for member, (low, high) in zip(members, stolen, strict=True)]


def _part(member: MemberFacts, stolen_low: float, stolen_high: float) -> Part:
    probability = logistic(TEMPER * member.log_odds)
    role = _role(member, stolen_low)
    held = stolen_high >= UNDECIDED or _plain(member) or _unseen(member) or probability < BARELY
    estimate = probability
    if role == "operator" and (is_stranger(member.access, member.company) or at_home(member) or held):
        probability, estimate = min(probability, UNSHOWN), _estimated(member)
    shown = round(probability, 4)
    said = round(estimate, 4) if role in ACCUSING else None
    return Part(member.account_id, shown, role, member.core, member.shared, said)


def _estimated(member: MemberFacts) -> float:
    if is_stranger(member.access, member.company):
        return of_stranger(member.access + company_odds(member.company))
    return of_possible_victim(victim_likeness(member), member.registration)


def parts_in(status: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts as a finding of this status may show them: only a suspected one accuses.

    An ambiguous finding is for review, so nobody in it reaches one half. In a permitted or dismissed one the members
    are customers.
    """
    if status == "suspected":
        return tuple(parts)
    if status == "ambiguous":
        return tuple(replace(part, probability=min(part.probability, UNSHOWN), estimate=None) for part in parts)
    return tuple(replace(part, role="customer", estimate=None) if part.role in ACCUSING else part for part in parts)


def victims_of(parts: Iterable[Part]) -> frozenset[str]:
    """The accounts that are held for stolen keys."""
    return frozenset(part.account_id for part in parts if part.role == "victim")


def spared(parts: Iterable[Part], stolen: frozenset[str]) -> tuple[Part, ...]:
    """The parts of one finding, where accounts that another finding holds for stolen keys are not accused: a thief may
    do the work of two campaigns with one key."""
    return tuple(
        replace(part, probability=min(part.probability, UNSHOWN), estimate=None)
        if part.role in ACCUSING and part.account_id in stolen
        else part
        for part in parts
    )


def _plain(member: MemberFacts) -> bool:
    """A victim's picture in nearly every trait, and no link of registration beyond what a shared day or issuer gives by
    chance: not accused, however many of the group's own accounts look alike."""
    return member.registration <= COINCIDENCE and victim_likeness(member) >= PLAIN


def _unseen(member: MemberFacts) -> bool:
    """A life of its own and no link of registration beyond chance, but no address to tell the two apart by."""
    unlinked = member.registration <= COINCIDENCE and victim_likeness(member) >= 0.0
    return unlinked and member.own > 0 and member.at_home is None


def _role(member: MemberFacts, stolen: float) -> str:
    if member.reseller:
        return "reseller"
    if member.permitted:
        return "customer"
    if member.shared == 0:
        return "customer" if member.registration > 0 else "bystander"
    if stolen >= 0.5:
        return "victim"
    return "operator"


def at_home(member: MemberFacts) -> bool:
    """Shared work from where and by what the account's own, larger life comes, with hardly any link of access.

    So looks an honest customer through whose service somebody sent the campaign's prompts. An operator who wants to
    look like that pays for a life of its own, an address and a card in every account.
    """
    if member.at_home is None or member.own_client is None or member.own == 0:
        return False
    return min(member.at_home, member.own_client) >= NEARLY_ALL and member.access < LINKED


def is_stranger(access: float, company: float | None) -> bool:
    """Whether access does not link an account well enough to be accused for the wordings that it shares.

    Among strangers with one wording some are linked by chance. So the odds that an account with these wordings is
    linked at all, and what its own access says, together say at least `LINKED` nats.
    """
    return access <= ALONE or (company is not None and access + company_odds(company) < LINKED)


def company_odds(company: float | None) -> float:
    """The odds of those with the same wordings, in nats; even where no text is seen."""
    return 0.0 if company is None else math.log(company / (1.0 - company))


def victim_probabilities(members: Sequence[MemberFacts]) -> list[tuple[float, float]]:
    """How likely each account of one group is a stolen key rather than an operator's: a low and a high estimate.

    The members whose registration links them are the group's own, and show how often its own accounts look like a
    victim by chance (`victim_likeness`). Among the unlinked ones, the share that looks so beyond that rate are victims.
    The low estimate counts one more of the group's own accounts than was seen, the high one none. Where no registration
    links anybody, whoever looks like a victim is held for one.
    """
    likeness = [victim_likeness(member) for member in members]
    linked = sorted(value for value, member in zip(likeness, members, strict=True) if member.registration > UNLINKED)
    others = sorted(value for value, member in zip(likeness, members, strict=True) if member.registration <= UNLINKED)
    beyond: dict[float, tuple[float, float]] = {}
    low = high = 0.0
    for place, value in enumerate(others):
        if value >= ALIKE and value not in beyond:
            own = len(linked) - bisect_left(linked, value)
            odds = len(others) / (len(others) - place) / max(len(linked), 1)
            low = max(low, 1.0 - (own + 1 if linked else 0) * odds)
            high = max(high, 1.0 - own * odds)
            beyond[value] = (low, high)
    out: list[tuple[float, float]] = []
    for value, member in zip(likeness, members, strict=True):
        found = (0.0, 0.0) if member.registration > UNLINKED else beyond.get(value, (0.0, 0.0))
        out.append((_less(found[0], member.registration), _less(found[1], member.registration)))
    return out


def _less(probability: float, registration: float) -> float:
    """The same after registration evidence in nats that speaks for the group: a victim's says nothing."""
    kept = probability * math.exp(-max(registration, 0.0))
    return kept / (kept + 1.0 - probability) if probability < 1.0 else probability


def victim_likeness(member: MemberFacts) -> float:
    """How much an account's shared work looks like a thief's beside its owner's life, in nats; weights are set by hand.

    A thief's window is short and comes from elsewhere, and the owner lives on. Few times make a short window by
    chance, so the window speaks by how unlikely it is that so many fall into it. Where the logs hold no life of the
    account's own, or no addresses, nothing can be foreign to it.
    """
    old = member.own_before > 0 if member.days_before is None else member.days_before >= TENURE_DAYS
    if not old:
        return -math.inf
    return _window(member) + (_life(member) if member.own > 0 and member.at_home is not None else 0.0)


def _life(member: MemberFacts) -> float:
    """What the account's own exchanges say: how many, whether the shared ones come from their blocks and client, and
    whether they come themselves from the group's blocks, as an operator's cover does and an owner's life does not."""
    home, client = member.at_home or 0.0, member.own_client
    value = 1.5 * ramp(member.own, 5, 20) if member.own >= member.shared else 0.5 * ramp(member.own, 0, 5)
    value += 1.5 * ramp(home, 0.5, FOREIGN) - 3.0 * ramp(home, 0.6, 1.0)
    value -= 2.5 * ramp(member.among or 0.0, 0.03, 0.2)
    return value if client is None else value + ramp(client, 0.5, 0.0) - 0.3 * ramp(client, 0.5, 1.0)


def _window(member: MemberFacts) -> float:
    """What the shortness of the shared work's window says: a bound of the probability that so many uniform times of the
    group's duration fall into a window so short."""
    part = max(member.shared_days, 0.5) / max(member.group_days, LEAST_GROUP_DAYS)
    times = max(member.shared_times, 1)
    chance = math.log(times) + (times - 1) * math.log(min(part, 1.0))
    return clipped(-chance, 0.0, 3.0) * ramp(member.shared_days, 7.0, 3.0) - 3.0 * ramp(part, 0.25, 0.5)
