"""A finding: a group with three answers, alternatives, a status, and the words for how sure that is.

`as_json` writes the object that other programs read: `stillwatch/campaigns/v1`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from stillwatch.assess.alternatives import AFFILIATED, Alternative, explanation, log_ratio
from stillwatch.assess.estimates import of_group
from stillwatch.assess.roles import Part
from stillwatch.records import ACCESS, Score
from stillwatch.stats import logistic

REFUTED = -2.0
"""Log-odds under which purpose or concealment is not merely unproved: the evidence speaks against it."""

ASKS_OPENLY = 2.0
"""Log-odds of extraction from which a group that openly belongs together is for review, and not explained: a name costs
ten dollars, and an honest house that makes training data has a permission to show."""

ACTIVE_DAYS = 3
"""Days before the end of the period within which the last shared work makes a finding active."""

HALF = 0.5

LIKELIHOOD = (
    ("almost no chance", 0.0, 0.05),
    ("very unlikely", 0.05, 0.20),
    ("unlikely", 0.20, 0.45),
    ("roughly even", 0.45, 0.55),
    ("likely", 0.55, 0.80),
    ("very likely", 0.80, 0.95),
    ("almost certain", 0.95, 1.0),
)
"""The words and intervals of ICD 203 (the office of the US Director of National Intelligence, 2015)."""


LIKELY = next(low for word, low, _ in LIKELIHOOD if word == "likely")
"""Where the word "likely" begins. Three answers that each lean to yes may together be less likely than not: such a
group is for review."""


def is_active(last_seen: str, end: str) -> bool:
    """Whether work last seen on one day counts as going on at the end of the period. Both begin with an ISO date."""
    if not last_seen:
        return False
    return date.fromisoformat(last_seen[:10]) >= date.fromisoformat(end[:10]) - timedelta(days=ACTIVE_DAYS)


@dataclass(frozen=True)
class Confirmed:
    """A family's agreement as a finding shows it. `guarantee` is exact or model-based."""

    family: str
    log_e: float
    discovered: bool
    guarantee: str


@dataclass(frozen=True)
class Finding:
    """A campaign or a single-entity finding, complete; `details` holds bypass, pathways, pivots and days."""

    campaign_id: str
    kind: str
    status: str
    capabilities: Mapping[str, float]
    exchanges: tuple[int, int, int]
    tokens: int
    first_seen: str
    last_seen: str
    active: bool
    parts: tuple[Part, ...]
    scores: tuple[Score, Score, Score]
    found_by: tuple[str, ...]
    confirmed_by: tuple[Confirmed, ...]
    twice: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    details: Mapping[str, Any]
    provider: Score | None = None
    """That the accused are a network provider's; None where nobody is accused."""


def status_of(
    scores: tuple[Score, Score, Score],
    twice: tuple[str, ...],
    agreed: frozenset[str],
    others: list[Alternative],
    permitted: float,
    said_resold: float = 0.0,
) -> str:
    """`suspected`, `permitted`, `ambiguous` or `dismissed`, from the three questions, each by itself and all together.

    `twice` are the families that together confirmed one candidate found without both, `agreed` all that confirmed it or
    one like it: two must, and one of all of them by access. `permitted` is the share of
    the extraction that permissions cover, `said_resold` the share that comes through accounts which say that they
    resell: they are asked first, so that such a group is for review and no further.
    """
    coordinated, extracting, concealed = (score.log_odds >= 0.0 for score in scores)
    if permitted >= HALF:
        return "permitted"
    two = len(twice) >= 2 and not agreed.union(twice).isdisjoint(ACCESS)
    innocent = explanation(others)
    if (
        said_resold < HALF
        and coordinated
        and two
        and extracting
        and concealed
        and not innocent
        and probability(scores) >= LIKELY
    ):
        return "suspected"
    if coordinated and two and innocent == AFFILIATED and scores[1].log_odds >= ASKS_OPENLY:
        return "ambiguous"
    refuted = any(score.log_odds < REFUTED for score in scores[1:])
    if coordinated and not innocent and not refuted and (extracting or concealed):
        return "ambiguous"
    return "dismissed"


def probability(scores: tuple[Score, ...]) -> float:
    """That all questions are answered yes, if they had nothing to do with each other."""
    return math.prod(logistic(score.log_odds) for score in scores)


def likelihood(stated: float) -> tuple[str, float, float]:
    """The word for a probability, with the word's interval."""
    return next((held for held in LIKELIHOOD if stated < held[2]), LIKELIHOOD[-1])


def stated(kind: str, scores: tuple[Score, ...]) -> float:
    """The probability of a finding's claim: of a group that it is a campaign, calibrated (`estimates.of_group`); of one
    entity that its own work is extraction, as its question has it."""
    return of_group(probability(scores)) if kind == "group" else probability(scores[1:2])


def confidence(twice: tuple[str, ...], confirmed: int, blind: int) -> str:
    """How good the ground is: families that confirmed, and detectors that could not see."""
    if len(twice) >= 2 and confirmed >= 3 and blind == 0:
        return "high"
    return "moderate" if len(twice) >= 2 else "low"


def as_json(finding: Finding, blind: int) -> dict[str, Any]:
    """The finding as `campaigns --json` prints it: keys in the documented order, numbers rounded.

    The likelihood is that of the claim: see `stated`.
    """
    word, low, high = likelihood(stated(finding.kind, finding.scores))
    names = ("coordinated", "extracting", "concealed")
    confirmed = [c for c in finding.confirmed_by if c.discovered]
    exact = sum(c.guarantee == "exact" for c in confirmed)
    return {
        "campaign_id": finding.campaign_id,
        "kind": finding.kind,
        "status": finding.status,
        "capabilities": {name: round(share, 4) for name, share in finding.capabilities.items()},
        "exchanges": finding.exchanges[1],
        "exchanges_low": finding.exchanges[0],
        "exchanges_high": finding.exchanges[2],
        "tokens": finding.tokens,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "active": finding.active,
        "likelihood": {"word": word, "low": low, "high": high},
        "confidence": confidence(finding.twice, exact, blind),
        "members": [
            {
                "account_id": part.account_id,
                "probability": part.probability,
                "estimate": part.estimate,
                "role": part.role,
                "core": part.core,
                "exchanges": part.exchanges,
                "automated": part.automated,
            }
            for part in finding.parts
        ],
        "bypass": finding.details["bypass"],
        "pathways": finding.details["pathways"],
        "pivots": finding.details["pivots"],
        "timeline": finding.details["timeline"],
        "phases": finding.details.get("phases", []),
        "stages": finding.details.get("stages", []),
        "evidence": {
            **{name: round(score.log_odds, 4) for name, score in zip(names, finding.scores, strict=True)},
            "provider": None if finding.provider is None else round(finding.provider.log_odds, 4),
            "found_by": list(finding.found_by),
            "confirmed_by": [
                {"family": c.family, "log_e": round(c.log_e, 4), "guarantee": c.guarantee} for c in confirmed
            ],
            "terms": _terms((*finding.scores, *([finding.provider] if finding.provider else []))),
            "alternatives": [
                {
                    "name": a.name,
                    "for": a.for_it,
                    "against": a.against_it,
                    "verdict": a.verdict,
                    "log_ratio": None if (ratio := log_ratio(a, finding.scores)) is None else round(ratio, 4) + 0.0,
                }
                for a in finding.alternatives
            ],
            "items": dict(finding.details.get("items", {})),
            "training_value": dict(finding.details.get("training_value", {})),
        },
    }


def _terms(scores: tuple[Score, ...]) -> list[dict[str, Any]]:
    """Waterfall rows: for each question its prior, then its terms."""
    rows: list[dict[str, Any]] = []
    for score in scores:
        rows.append({"question": score.question, "name": "prior", "value": score.prior, "because": "before evidence"})
        rows += [
            {"question": t.question, "name": t.name, "value": round(t.value, 4), "because": t.because}
            for t in score.terms
        ]
    return rows
