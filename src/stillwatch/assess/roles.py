"""What part each account plays in a group. `operator` and `provider` accuse, and are told of nobody else; the other
roles name without accusing.

Victim (a stolen key): the shared work comes in a short window through egress foreign to the account's own life, begins
after that life did, and the registration is unlinked; or it may be so, and the account is rather not the operator's
own. Bystander: linked by access without the shared work, or with too little shown to accuse it. Customer: linked by its
registration without the shared work, permitted, or of a finding that accuses nobody.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from stillwatch.assess.estimates import of_possible_victim, of_stranger
from stillwatch.assess.terms import clipped, ramp
from stillwatch.records import ACCUSING, EVEN
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

BURST_DAYS, BURST_SHARE, BURST_OF_LIFE = 1.0, 0.15, 0.5
"""Days in which all of a member's shared work falls, and its share of the account's own, under which the member is
named, not accused; and that share where the registration says nothing of the account."""

WEEK_DAYS, SURPRISE = 7.0, 2.0
AMONG, UNREGISTERED = 0.1, 0.5
"""Days within which a key is likely to be found out, and nats of surprise that all shared work falls into a window so
short; share of an account's own exchanges through the group's exits, and nats of registration evidence, up to which
neither says anything of the account. What else links it, a thief would have left behind."""

ALIKE = 2.5
"""Nats under which nobody looks like a victim."""

UNDECIDED = 0.2
"""Probability of a stolen key, by the high estimate, from which an account is named, not accused."""

LEAST_GROUP_DAYS = 7.0
"""A group that worked for less than a week is not long enough for a short window to mean much."""

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
"""Nats of access evidence (infrastructure, registration, client) from which an account is linked by more than its
prompts. Timing is none: who sends prompts through another's service chooses when."""

TEMPER = 0.5
"""Membership ratios are not calibrated (tokens of one row depend on each other): half of the log-odds is shown."""


@dataclass(frozen=True)
class MemberFacts:
    """One account in one group: membership log-odds, the registration's own ratio, and where its work came from.

    `shared` counts exchanges that the group's templates explain, `own` the others. `asks` is false where a finding is
    about the part that asks for training material, and the account shares other wordings of its programme alone
    and is not joined to those who ask (`gather.joined_to_asking`). `at_home` is the share of the shared ones that came
    from a block which the others use, `own_client` the same for the client (None where nothing is
    known). `among` is the share of the others that came from blocks which other members' shared work used and hardly
    anybody else (0 where these blocks are fewer than three). `access` is what infrastructure, registration and client
    together say for the group, in nats, `beyond_client` the same without client, `text` the greater of what
    content and work say, and `company` the share of those with its wordings that access links
    (None where no text is seen); `shared_times` counts the distinct times of shared work (each exchange
    of a session, which holds more accounts for victims than hours would), and the exchanges themselves where logs keep
    days alone; `group_days` is how long the group worked; `cover` is ln of how much likelier the account's other
    exchanges are as the group's cover than as an ordinary customer's life (`lives.cover_log_ratio`); `behind`
    is 1 where programs do its shared work although the account looks like a person's (`automation`).
    """

    account_id: str
    core: bool
    log_odds: float
    registration: float
    access: float
    beyond_client: float
    text: float
    company: float | None
    shared: int
    asks: bool
    own: int
    own_before: int
    at_home: float | None
    own_client: float | None
    among: float | None
    shared_days: float
    shared_times: int
    group_days: float
    days_before: float | None
    cover: float
    reseller: bool
    permitted: bool
    behind: float | None = None


@dataclass(frozen=True)
class Part:
    """A member with its role and the probability of belonging to the group, at most `UNSHOWN` of whoever shares the
    work and is not accused.

    `estimate` is how likely it is the operator's own: the probability itself where that accuses, a calibrated figure
    that accuses nobody where that is not shown well enough, and nothing elsewhere; a victim's is below one half.
    `automated` says that programs do its shared work although the account looks like a person's; None where it does not
    look so, or nothing tells.
    """

    account_id: str
    probability: float
    role: str
    core: bool
    exchanges: int
    estimate: float | None = None
    automated: bool | None = None


def parts_of(members: Sequence[MemberFacts]) -> list[Part]:
    """Every member's role. Without shared work nobody is an operator, whatever links the account."""
    return [_part(member, *stolen) for member, stolen in zip(members, victim_probabilities(members), strict=True)]


def _part(member: MemberFacts, stolen_low: float, stolen_high: float) -> Part:
    probability = logistic(TEMPER * member.log_odds)
    role = _role(member, stolen_low)
    estimate = probability if role == "operator" else None
    maybe_stolen = stolen_high >= UNDECIDED or _plain(member) or _is_one_burst(member) or _is_one_week(member)
    maybe_stolen = maybe_stolen or _is_a_little_from_elsewhere(member)
    if role == "operator" and (maybe_stolen or _is_unshown(member, probability)):
        probability, estimate = min(probability, UNSHOWN), _estimated(member)
        role = "victim" if maybe_stolen and estimate < EVEN else "bystander"
    shown, said = round(probability, 4), None if estimate is None else round(estimate, 4)
    automated = None if member.behind is None else bool(member.behind)
    return Part(member.account_id, shown, role, member.core, member.shared, said, automated)


def _is_unshown(member: MemberFacts, probability: float) -> bool:
    """Whether too little is shown to accuse a member that shares the work, for another reason than a stolen key."""
    if probability < BARELY or shares_a_tool(member) or shares_exits(member) or at_home(member) or not member.asks:
        return True
    return is_stranger(member.access, member.company)


def _estimated(member: MemberFacts) -> float:
    """How likely a held account is the operator's own. Who neither asks for training material nor is linked by more
    than wordings may be somebody whose words the campaign copied: no more than even."""
    if is_stranger(member.access, member.company):
        likely = of_stranger(member.access + company_odds(member.company))
        return likely if member.asks or member.access > ALONE else min(likely, EVEN)
    return of_possible_victim(victim_likeness(member), member.registration)


def parts_in(status: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts as a finding of this status may show them: only a suspected one accuses.

    An ambiguous finding is for review, so nobody in it reaches one half or is called an operator. In a permitted or
    dismissed one the members are customers: where nothing was taken, nobody's key was.
    """
    if status == "suspected":
        return tuple(parts)
    told = ACCUSING if status == "ambiguous" else (*ACCUSING, "victim")
    most = UNSHOWN if status == "ambiguous" else 1.0
    return tuple(
        replace(
            part,
            role="customer" if part.role in told else part.role,
            probability=min(part.probability, most),
            estimate=None,
        )
        for part in parts
    )


def victims_of(parts: Iterable[Part]) -> dict[str, float | None]:
    """The accounts that are held for stolen keys, each with the least estimate of an operator's that stands with it."""
    out: dict[str, float | None] = {}
    for part in parts:
        if part.role == "victim":
            known = [one for one in (out.get(part.account_id), part.estimate) if one is not None]
            out[part.account_id] = min(known, default=None)
    return out


def spared(parts: Iterable[Part], stolen: Mapping[str, float | None]) -> tuple[Part, ...]:
    """The parts of one finding, where accounts that another finding holds for stolen keys are held for them as well: a
    thief may do the work of two campaigns with one key."""
    return tuple(
        replace(part, role="victim", probability=min(part.probability, UNSHOWN), estimate=stolen[part.account_id])
        if part.account_id in stolen and (part.role in ACCUSING or part.estimate is not None)
        else part
        for part in parts
    )


def _plain(member: MemberFacts) -> bool:
    """A victim's picture in nearly every trait, and no link of registration beyond what a shared day or issuer gives by
    chance: not accused, however many of the group's own accounts look alike."""
    return member.registration <= COINCIDENCE and victim_likeness(member) >= PLAIN


def _is_one_burst(member: MemberFacts) -> bool:
    """A little work of the group within a day of an account's longer life, and no link of registration beyond chance:
    so little shows no operator, whoever else of the group looks like that. Where the registration says nothing at all,
    a life twice as large as the work is enough, and what it looks like does not count: where a thief asks in words that
    the group does not share, some of that life is his."""
    if member.shared_days >= BURST_DAYS:
        return False
    if member.registration <= UNREGISTERED:
        return member.shared < BURST_OF_LIFE * member.own
    return member.shared < BURST_SHARE * member.own and member.registration <= COINCIDENCE and member.cover < 0.75


def _is_a_little_from_elsewhere(member: MemberFacts) -> bool:
    """A little work beside a large life, from where that life never was, of an account that no registration links and
    whose life is not led from the group's exits."""
    little = member.shared < BURST_SHARE * member.own and member.registration <= UNREGISTERED
    elsewhere = member.at_home is not None and member.at_home <= FOREIGN
    return little and elsewhere and (member.among or 0.0) < AMONG


def _is_one_week(member: MemberFacts) -> bool:
    """All shared work within a week of a longer programme, and nothing that links the account but where that work came
    from: whoever holds its key leaves the same."""
    brief = member.shared_days <= WEEK_DAYS and _surprise(member) >= SURPRISE
    elsewhere = member.registration <= UNREGISTERED and (member.among or 0.0) < AMONG
    return brief and elsewhere and member.beyond_client >= LINKED


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
    return min(member.at_home, member.own_client) >= NEARLY_ALL and member.beyond_client < LINKED


def shares_a_tool(member: MemberFacts) -> bool:
    """Whether an account shares a program with the group and few of its words, or a program and wordings that strangers
    use as well: so looks the user of a public tool with which the group works as well. A program comes with its
    wordings, so that both must say twice what other access must."""
    nats = member.access + company_odds(member.company)
    return member.beyond_client <= ALONE and min(member.text, nats) < 2.0 * LINKED


def shares_exits(member: MemberFacts) -> bool:
    """Whether an account shares addresses with the group, few of its words and no sign-up: so looks the customer of a
    proxy network that carries the group as well. Where no text is seen, nothing is known of its words."""
    return member.company is not None and member.registration <= UNREGISTERED and member.text < LINKED


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

    Where the account's own addresses are seen, by its likeness beside the group's own accounts; where not, by how many
    of those who are seen with a window like that are stolen keys. If nobody is seen, whoever may be one is held for it.
    """
    found = _beyond_chance(members)
    seen = sorted((_window(member), high) for member, (_, high) in zip(members, found, strict=True) if _is_seen(member))
    windows = [window for window, _ in seen]
    for place, member in enumerate(members):
        if _is_unseen(member):
            alike = [high for _, high in seen[bisect_left(windows, _window(member)) :]]
            share = (sum(alike) + 1.0) / (len(alike) + 1.0)
            found[place] = (min(found[place][0], share), share)
    return found


def _beyond_chance(members: Sequence[MemberFacts]) -> list[tuple[float, float]]:
    """A low and a high estimate of how likely each account is a stolen key, by its likeness to one.

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


def _is_seen(member: MemberFacts) -> bool:
    """An account that could be a stolen key, whose addresses say whether it is."""
    return _may_be_stolen(member) and member.at_home is not None


def _is_unseen(member: MemberFacts) -> bool:
    """One of which no address says whether it is."""
    return _may_be_stolen(member) and member.at_home is None


def _may_be_stolen(member: MemberFacts) -> bool:
    """A life of its own, a window that is not spread over the group's time, and no link of registration beyond
    chance."""
    unlinked = member.registration <= COINCIDENCE and victim_likeness(member) > -math.inf
    return unlinked and member.own > 0 and _window(member) >= 0.0


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
    """What the account's own exchanges say: how many, whether the shared ones come from their blocks and client,
    whether they come themselves from the group's blocks, as an operator's cover does and an owner's life does not, and
    whether they look like the group's cover."""
    home, client = member.at_home or 0.0, member.own_client
    value = 1.5 * ramp(member.own, 5, 20) if member.own >= member.shared else 0.5 * ramp(member.own, 0, 5)
    value += 1.5 * ramp(home, 0.5, FOREIGN) - 3.0 * ramp(home, 0.6, 1.0)
    value -= 2.5 * ramp(member.among or 0.0, 0.03, 0.2) + member.cover
    return value if client is None else value + ramp(client, 0.5, 0.0) - 0.3 * ramp(client, 0.5, 1.0)


def _window(member: MemberFacts) -> float:
    """What the shortness of the shared work's window says."""
    part = _part_of_group(member)
    return clipped(_surprise(member), 0.0, 3.0) * ramp(member.shared_days, 7.0, 3.0) - 3.0 * ramp(part, 0.25, 0.5)


def _surprise(member: MemberFacts) -> float:
    """-ln of a bound of the probability that so many uniform times of the group's duration fall into a window so
    short."""
    times = max(member.shared_times, 1)
    return -math.log(times) - (times - 1) * math.log(min(_part_of_group(member), 1.0))


def _part_of_group(member: MemberFacts) -> float:
    return max(member.shared_days, 0.5) / max(member.group_days, LEAST_GROUP_DAYS)
