"""Every fact that a condition may speak of, once: name, type, bounds, meaning, whose word it is, when it is unknown."""

import math
from dataclasses import dataclass

from stillwatch.records import CAPABILITIES, EXACT_FAMILIES, Family
from stillwatch.respond.cel_text import Value

MOST_TEXT = 256
"""Characters of a text; a longer one is unknown, since cut it might equal another."""
MOST_LISTED = 64
"""Entries of a list of texts; a longer one is unknown."""
MANY = 10**12
"""The greatest count; a greater one is unknown."""

KINDS = ("group", "entity", "excess")
STATUSES = ("suspected", "ambiguous", "permitted")
"""No rule speaks of a dismissed finding: it is explained, or a question is not shown."""
ROLES = ("operator", "provider", "reseller", "customer", "bystander", "victim")
WORDS = (
    "almost no chance", "very unlikely", "unlikely", "roughly even", "likely", "very likely", "almost certain",
)  # fmt: skip
PURPOSES = ("distillation", "evaluation", "synthetic_data", "research", "resale")


@dataclass(frozen=True)
class FactType:
    """A fact: its type (bool, int, double, text or list), what it means, and its bounds or closed set of words.

    `said_by` is who could choose its value: detection (it follows from evidence), provider (your own tables) or
    account (whoever signs up writes it). `unknown_when` says when nobody can tell.
    """

    name: str
    type: str
    meaning: str
    said_by: str = "detection"
    unknown_when: str = "never"
    low: float = -math.inf
    high: float = math.inf
    words: tuple[str, ...] = ()


def _count(name: str, meaning: str, unknown_when: str = "never", low: int = 0, said_by: str = "detection") -> FactType:
    return FactType(name, "int", meaning, said_by, unknown_when, low, MANY)


def _share(name: str, meaning: str, unknown_when: str = "never") -> FactType:
    return FactType(name, "double", meaning, "detection", unknown_when, 0.0, 1.0)


NOT_LOGGED = "the column was not logged"
UNFITTED = "nothing that was fitted says, and other findings"
EMPTY = "the account's column is empty"
FEW = "fewer than two of the three are there"
HIDEABLE = (EMPTY, FEW)
"""Reasons that hold of one account and not of another: who fills a form in can bring them about."""

_FACTS = (
    FactType(
        "finding.kind", "text", "`group`, `entity` for one customer, or `excess`: what exceeds a permission's cap",
        words=KINDS,
    ),
    FactType("finding.status", "text", "what the finding is; dismissed ones are never judged", words=STATUSES),
    FactType("finding.likelihood", "text", "the word of ICD 203 that all questions are answered yes", words=WORDS),
    _share("finding.likelihood_low", "where that word's interval begins, 0 to 1"),
    _share("finding.likelihood_high", "where it ends, 0 to 1"),
    FactType("finding.confidence", "text", "how good the ground is", words=("low", "moderate", "high")),
    FactType("finding.active", "bool", "worked within three days of the end of the period"),
    _count("finding.exchanges", "exchanges of the shared work"),
    _count("finding.exchanges_low", "the low end of its range"),
    _count("finding.exchanges_high", "the high end of its range"),
    _count("finding.tokens", "input and output tokens of the shared work", "no tokens were logged"),
    _count("finding.members", "accounts that it names, in any role"),
    _count("finding.workers", "accounts that share its work"),
    _count("finding.accused", "accounts that it accuses"),
    _count("finding.days", "days from first to last shared work, both counted", "nothing is shared"),
    _count("finding.silent_days", "whole days since the last shared work", "nothing is shared"),
    FactType("finding.coordinated", "double", "log-odds (nats) that its accounts act together", low=-1e6, high=1e6),
    FactType("finding.extracting", "double", "log-odds (nats) that they extract", low=-1e6, high=1e6),
    FactType("finding.concealed", "double", "log-odds (nats) that they hide it", low=-1e6, high=1e6),
    FactType("finding.confirmed_by", "list", "families that confirmed", words=tuple(map(str, Family))),
    FactType(
        "finding.families", "int", "how many families with an exact guarantee confirmed",
        low=0, high=len(EXACT_FAMILIES),
    ),
    FactType(
        "finding.capabilities", "list", "what at least a tenth of the shared work extracts",
        unknown_when="nothing is shared", words=CAPABILITIES,
    ),
    _share("finding.traces", "share of the shared work that asks for reasoning traces", "nothing is shared"),
    FactType(
        "finding.pathways", "list", "doors by which at least a twentieth of the shared work came", "provider",
        "no pathway was logged",
    ),
    _share("finding.outside_country", "share of it from outside of the billing country", NOT_LOGGED),
    _share("finding.hosting", "share of it through hosting networks", NOT_LOGGED),
    _share("finding.proxies", "share of it through vpn, tor and relays", NOT_LOGGED),
    _count("finding.pivots", "releases to which the group moved within 72 hours"),
    _count("finding.open_explanations", "innocent explanations that are still possible"),
    FactType("member.role", "text", "the account's role in the finding", words=ROLES),
    FactType("member.accused", "bool", "suspected finding, role operator or provider, probability of .5 or more"),
    _share("member.probability", "that it belongs to the group"),
    _share("member.estimate", "how likely it is the operator's own; it accuses nobody", UNFITTED),
    FactType("member.core", "bool", "of the tested core, which alone has the e-values"),
    FactType(
        "member.automated", "bool", "programs do its shared work although the account looks like a person's",
        unknown_when="it does not look like a person's, or neither clients nor doors were logged",
    ),
    _count("member.exchanges", "its exchanges of the shared work"),
    _share("member.share", "its part of the shared work", "nothing is shared"),
    _count("account.age_days", "whole days since it was made", "created_at was not logged", 0, "provider"),
    FactType("account.tier", "text", "its tier", "account", EMPTY),
    FactType("account.programme", "text", "the entry programme by which it came", "account", EMPTY),
    FactType(
        "account.in_programme", "bool", "it came by an entry programme", "account", "no account has a programme"
    ),
    FactType("account.country", "text", "its billing country", "account", EMPTY),
    FactType("account.verified_country", "text", "the country that somebody verified", "provider", EMPTY),
    FactType("account.phone_country", "text", "the country of its phone number", "account", EMPTY),
    FactType(
        "account.countries_agree", "bool", "billing, phone and verified country are one", "account",
        FEW,
    ),
    FactType(
        "account.verified", "bool", "a domain or a country of it was verified (a domain costs ten dollars)", "account",
        "no account has a verified domain or country",
    ),
    FactType("account.organisation", "bool", "it names an organisation", "account", "no account names one"),
    FactType("account.reseller", "bool", "it says that it resells", "account", "no account says so"),
    FactType("account.suspended", "bool", "it is suspended already", "provider", "no accounts were read"),
    FactType(
        "account.permissions", "list", "purposes of the permissions in force that name it or its organisation",
        "provider", words=PURPOSES,
    ),
    FactType(
        "account.overran", "bool", "a finding of the same run tells work of its own beyond a permission's cap",
    ),
    FactType(
        "account.permitted", "bool", "such a permission speaks of it, and it overran none; in a finding that is "
        "permitted, such a permission speaks of it", "provider",
    ),
)  # fmt: skip

FACTS: dict[str, FactType] = {fact.name: fact for fact in _FACTS}
"""The catalogue, by name. It is closed: what is not here is no fact."""


def coerced(fact: FactType, value: object) -> Value | None:
    """The value as the fact's type has it; None, unknown, where it is another type, out of bounds, not finite, too
    long, or half a character. Ids and names are an attacker's: nothing is cut, since a part may equal another."""
    match fact.type:
        case "bool":
            return value if isinstance(value, bool) else None
        case "int":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return value if whole and fact.low <= value <= fact.high else None  # type: ignore[operator,return-value]
        case "double":
            return _decimal(fact, value)
        case "text":
            return _text(fact, value)
    if not isinstance(value, list | tuple) or len(value) > MOST_LISTED:
        return None
    texts = [_text(fact, entry) for entry in value]
    return tuple(str(text) for text in texts) if None not in texts else None


def _decimal(fact: FactType, value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not fact.low <= value <= fact.high:
        return None
    return float(value)


def _text(fact: FactType, value: object) -> str | None:
    if not isinstance(value, str) or len(value) > MOST_TEXT or any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        return None
    return value if not fact.words or value in fact.words else None
