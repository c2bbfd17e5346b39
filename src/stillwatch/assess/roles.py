"""What part each account plays in a group. `operator` and `provider` accuse, and are told of nobody else; the other
roles name without accusing.

Victim (a stolen key): the shared work comes in a short window through egress foreign to the account's own life, begins
after that life did, and the registration is unlinked; or it may be so, and the account is rather not the operator's
own. Bystander: linked by access without the shared work, or with too little shown to accuse it. Customer: linked by its
registration without the shared work, permitted, or doing the shared work of a finding that accuses nobody.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stillwatch.assess.estimates import of_possible_victim, of_stranger
from stillwatch.assess.member import MemberFacts
from stillwatch.assess.stolen import (
    COINCIDENCE,
    LINKED,
    UNREGISTERED,
    may_be_stolen,
    victim_likeness,
    victim_probabilities,
)
from stillwatch.records import ACCUSING, EVEN
from stillwatch.stats import logistic

BARELY = 0.75
"""Probability of membership under which an account is named, not accused: the probability is not calibrated, and of
3,675 operators in eight simulated worlds three stood between one half and this."""

UNSHOWN = 0.49
"""The most that a membership may say which is not shown well enough to accuse."""

ALONE = 1.0
"""Nats of access evidence up to which an account shares nothing with the group but its prompts: anybody can send those,
a hobbyist with the same public template or a customer whose service relays them."""

NEARLY_ALL = 0.9

TEMPER = 0.5
"""Membership ratios are not calibrated (tokens of one row depend on each other): half of the log-odds is shown."""


@dataclass(frozen=True)
class Part:
    """A member with its role and the probability of belonging to the group, at most `UNSHOWN` of whoever shares the
    work and is neither accused, permitted, a reseller nor a victim beyond doubt.

    `estimate` is how likely it is the operator's own: the probability itself where that accuses, a calibrated figure
    that accuses nobody of strangers and who may be a stolen key, and nothing elsewhere; a victim's is below one half.
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
    said = round(probability, 4) if role == "operator" else None
    maybe_stolen = may_be_stolen(member, stolen_high)
    if role == "operator" and (maybe_stolen or _is_unshown(member, probability)):
        estimate = _estimated(member, maybe_stolen=maybe_stolen)
        probability, said = min(probability, UNSHOWN), None if estimate is None else round(estimate, 4)
        role = "victim" if maybe_stolen and said is not None and said < EVEN else "bystander"
    automated = None if member.behind is None else bool(member.behind)
    return Part(member.account_id, round(probability, 4), role, member.core, member.shared, said, automated)


def _is_unshown(member: MemberFacts, probability: float) -> bool:
    """Whether too little is shown to accuse a member that shares the work, for another reason than a stolen key."""
    if probability < BARELY or shares_a_tool(member) or shares_exits(member) or at_home(member) or not member.asks:
        return True
    return _is_linked_by_chance(member)


def _estimated(member: MemberFacts, *, maybe_stolen: bool) -> float | None:
    """How likely a held account is the operator's own; None where nothing that was fitted says. Who neither asks for
    training material nor is linked by more than wordings may be somebody whose words the campaign copied: no more than
    even. Of who shares a tool, what links it beside the tool speaks."""
    if _is_linked_by_chance(member):
        likely = of_stranger(member.access + company_odds(member.company))
        return likely if member.asks or member.access > ALONE else min(likely, EVEN)
    if maybe_stolen:
        return of_possible_victim(victim_likeness(member), member.registration)
    if shares_a_tool(member):
        return of_stranger(member.beyond_client + company_odds(member.company))
    return None


def parts_in(status: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts as a finding of this status may show them: only a suspected one accuses.

    An ambiguous finding is for review, so nobody in it reaches one half, and whoever does its work is a customer, save
    who looks like a stolen key. In a permitted or dismissed one those are customers too: where nothing was taken,
    nobody's key was.
    """
    if status == "suspected":
        return tuple(parts)
    most = UNSHOWN if status == "ambiguous" else 1.0
    told = ACCUSING if status == "ambiguous" else (*ACCUSING, "victim")
    return tuple(
        replace(
            part,
            role="customer" if part.role in told or (part.role == "bystander" and part.exchanges > 0) else part.role,
            probability=min(part.probability, most),
            estimate=None,
        )
        for part in parts
    )


def victims_of(parts: Iterable[Part]) -> frozenset[str]:
    """The accounts that are stolen keys beyond doubt. Who may be one in one finding is judged in each by itself: an
    operator could look like one in a campaign of its own making."""
    return frozenset(part.account_id for part in parts if part.role == "victim" and part.estimate is None)


def spared(parts: Iterable[Part], stolen: frozenset[str]) -> tuple[Part, ...]:
    """The parts of one finding, where accounts that another finding shows to be stolen keys are told as that: a thief
    may do the work of two campaigns with one key."""
    return tuple(
        replace(part, role="victim", probability=min(part.probability, UNSHOWN), estimate=None)
        if part.account_id in stolen and (part.role in ACCUSING or part.estimate is not None)
        else part
        for part in parts
    )


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
    """Whether an account shares hardly a word and no sign-up with the group, so that addresses or clients alone link
    it: so looks the customer of a proxy network that carries the group as well. Where no text is seen, nothing is known
    of its words."""
    return member.company is not None and member.registration <= UNREGISTERED and member.text < LINKED


def is_stranger(access: float, company: float | None) -> bool:
    """Whether access does not link an account well enough to be accused for the wordings that it shares.

    Among strangers with one wording some are linked by chance. So the odds that an account with these wordings is
    linked at all, and what its own access says, together say at least `LINKED` nats.
    """
    return access <= ALONE or (company is not None and access + company_odds(company) < LINKED)


def _is_linked_by_chance(member: MemberFacts) -> bool:
    """Whether what links an account beside its wordings may as well be chance."""
    return is_stranger(member.access, member.company) or signed_up_alike(member)


def signed_up_alike(member: MemberFacts) -> bool:
    """Whether a sign-up that chance may give is all that links an account beside its wordings: a day, an issuer, a
    programme. Guests of one event sign up on one day and share its prompt. So that and the odds of those with its
    wordings together must say what no chance does."""
    if member.company is None or member.registration > COINCIDENCE or member.access - member.registration > ALONE:
        return False
    return member.access + company_odds(member.company) < COINCIDENCE


def company_odds(company: float | None) -> float:
    """The odds of those with the same wordings, in nats; even where no text is seen."""
    return 0.0 if company is None else math.log(company / (1.0 - company))
