"""Who operates a campaign: an unknown operator, or an organisation of a dossier, as hypotheses with likelihood ratios.

What it catches: accused accounts that carry what is known of an organisation, where hardly anybody else does. How it is
evaded: by carrying nothing of one's own. How it is abused: by carrying what is another's (framing). So what an account
writes of itself hardly counts, what one source says counts as far as such sources are right, and one family names
nobody. It accuses no account and changes no finding.

Accused accounts are not independent: one operator chose for all of them. That most of them carry an indicator shows
that the choice was this one, and no more, however many they are. See `weighed`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stillwatch.assess.finding import LIKELIHOOD, LIKELY
from stillwatch.records import Family
from stillwatch.stats import Floats, log_mean_exp

NAMED_PRIOR = 0.25
"""Probability, before evidence, that the operator is any of the organisations of a dossier; they share it evenly. Set
by hand: nobody publishes how often a suspicion that made it into a dossier was right."""

USES_ITS_OWN = 0.5
"""How often an organisation that hides would still carry what is known of it."""

IN_PART = 0.25
"""How often a part of a campaign's accounts carries an organisation's indicator though another operates it: its
customers were accused in error, or two campaigns are told as one. Falls to nothing where all accounts carry it."""

RENTED = 0.3
"""Chance that somebody else comes to a network that hosts or hides whoever pays."""

SPEAKS = math.log(3.0)
"""Nats from which a family speaks for a name. What an account writes of itself never reaches it."""

LEAST = 3
"""Accused accounts that carry an indicator, below which its family speaks for nobody."""

FAMILIES_NEEDED = 2
EVEN, MOST = 0.5, 0.949
"""The most that a name is given by fewer families, and at all: within "roughly even", and within "very likely". "Almost
certain" would need a calibration on campaigns whose operators are known, and there is none."""

PARTNERS = "partners"
"""The channel, and the source, that all partners together are."""


@dataclass(frozen=True)
class Kind:
    """A kind of indicator: its family, and the chance that an unknown operator carries another's on purpose, by what
    that costs."""

    family: Family
    planted: float
    means: str


KINDS: dict[str, Kind] = {
    "verified_domain": Kind(Family.REGISTRATION, 0.03, "a domain that the provider verified"),
    "payment_fingerprint": Kind(Family.REGISTRATION, 0.05, "one card or payment account"),
    "card_bin": Kind(Family.REGISTRATION, 0.3, "the first digits of a card: a bank's product"),
    "email_domain": Kind(Family.REGISTRATION, 0.5, "what stands behind the @"),
    "email": Kind(Family.REGISTRATION, 0.5, "a mail address"),
    "org_id": Kind(Family.REGISTRATION, 0.5, "an organisation that the account says it is of"),
    "address": Kind(Family.INFRASTRUCTURE, 0.05, "addresses of exchanges, a block"),
    "asn": Kind(Family.INFRASTRUCTURE, 0.3, "an autonomous system of exchanges"),
    "signup_address": Kind(Family.INFRASTRUCTURE, 0.05, "the address of the sign-up, a block"),
    "signup_asn": Kind(Family.INFRASTRUCTURE, 0.3, "the autonomous system of the sign-up"),
    "ja4": Kind(Family.CLIENT, 0.3, "how the client begins TLS"),
    "signup_ja4": Kind(Family.CLIENT, 0.3, "the same at the sign-up"),
    "user_agent": Kind(Family.CLIENT, 0.5, "what the client calls itself"),
    "signup_user_agent": Kind(Family.CLIENT, 0.5, "the same at the sign-up"),
}
"""Chances set by hand: what is observed costs an operator, what it writes is free. Content, work and timing have no
kind: wordings and hours are anybody's."""

GRADES = {"A": 0.95, "B": 0.85, "C": 0.7, "D": 0.4, "E": 0.2, "F": 0.3}
"""How often what a source of each reliability says is so (the Admiralty system, NATO AJP-2.1: A completely reliable, B
usually, C fairly, D not usually, E unreliable, F cannot be judged). The letters are the standard's, the numbers are
ours."""

ODDS = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
"""ln of the odds ratios between accused and others that the alternative to chance mixes evenly."""


@dataclass(frozen=True)
class Counted:
    """How many accused accounts, and how many others, carry any of one source's indicators of one kind.

    `organisation` is empty for a sighting that names nobody. `rented` is the share of all accounts that carry it which
    do so from networks that host or hide. `of_accused` 0 means that nothing was logged of them.
    """

    organisation: str
    kind: str
    source: str
    grade: str
    partner: bool
    accused: int
    of_accused: int
    others: int
    of_others: int
    rented: float = 0.0

    @property
    def family(self) -> str:
        """The family that it belongs to."""
        return str(KINDS[self.kind].family)


@dataclass(frozen=True)
class Channel:
    """A count with what it says: `log_e` against chance, `log_ratio` for the name, `most` that it could have said; in
    nats. None where nothing was logged."""

    counted: Counted
    log_e: float | None
    log_ratio: float | None
    most: float


@dataclass(frozen=True)
class Said:
    """What one family, or all partners together, say for a name, in nats; None where nothing was logged."""

    family: str
    log_ratio: float | None
    speaks: bool
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class Hypothesis:
    """One answer to who operates the campaign. `log_ratio` is ln of how much better it explains what was counted than
    an unknown operator does, 0 for the latter. `held` says what kept the probability down."""

    name: str
    is_cluster: bool
    prior: float
    log_ratio: float
    probability: float
    confidence: str
    said: tuple[Said, ...] = ()
    held: tuple[str, ...] = ()
    speak: tuple[str, ...] = ()

    @property
    def likelihood(self) -> tuple[str, float, float]:
        """The word of ICD 203 with its interval."""
        return word_of(self.probability)

    @property
    def can_be_signed(self) -> bool:
        """Whether a person may put its name to it: two families speak for it, and it is at least likely."""
        return not self.is_cluster and len(self.speak) >= FAMILIES_NEEDED and self.likelihood[1] >= LIKELY


def cluster_of(campaign_id: str) -> str:
    """The name of an unknown operator: the finding's, as a cluster."""
    return f"U-{campaign_id.partition('-')[2][:6] or 'unknown'}"


def word_of(probability: float) -> tuple[str, float, float]:
    """The word of ICD 203 for a probability, with its interval."""
    return next((held for held in LIKELIHOOD if probability < held[2]), LIKELIHOOD[-1])


# ------------------------------------------------------------------------------------------------------- one channel


def _chance(accused: int, others: int, carry: int) -> tuple[Floats, Floats]:
    """How many of the accused may carry an indicator that `carry` of all do, and ln of the chance of each number if
    accounts were exchanged at random (hypergeometric)."""
    from scipy.special import gammaln  # noqa: PLC0415

    def choose(n: Floats | int, k: Floats | int) -> Floats:
        return np.asarray(gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n, k) + 1))

    k = np.arange(max(0, carry - others), min(accused, carry) + 1, dtype=np.float64)
    return k, choose(carry, k) + choose(accused + others - carry, accused - k) - choose(accused + others, accused)


def _log_e_values(k: Floats, log_chance: Floats) -> Floats:
    """ln of the e-value of each number: the mean over `ODDS` of Fisher's noncentral likelihood over the null's."""
    tilted = ODDS[:, None] * k[None, :]
    whole = tilted + log_chance[None, :]
    top = whole.max(axis=1, keepdims=True)
    total = np.log(np.exp(whole - top).sum(axis=1, keepdims=True)) + top
    return log_mean_exp(tilted - total, axis=0)


def log_e(counted: Counted) -> float:
    """ln of an e-value against chance: 1 on average, exactly, if accounts were exchanged at random."""
    return weighed(counted)[0]


def planted_of(counted: Counted) -> float:
    """Chance that an unknown operator carries it on purpose."""
    return max(KINDS[counted.kind].planted, RENTED if counted.rented >= 0.5 else 0.0)


def use_of(counted: Counted) -> float:
    """Chance that the accounts carry it because the organisation operates them, if it does."""
    return GRADES[counted.grade] * USES_ITS_OWN


def most_of(counted: Counted) -> float:
    """The most that a channel can say for a name, in nats."""
    use = use_of(counted)
    return math.log(1.0 - use + use / planted_of(counted))


def log_ratio(counted: Counted) -> float:
    """ln of how much better one channel is explained by the organisation than by an unknown operator."""
    return weighed(counted)[1]


def weighed(counted: Counted) -> tuple[float, float]:
    """`log_e` and `log_ratio` of a count of which something was logged on both sides.

    With e the e-value against chance, u the chance that the organisation carries its own indicator (`use_of`), and s
    the chance that somebody else does (planted, as common as it is among others, or in a part of the accounts only),
    an unknown operator explains the count q = 1 - s + s e times as well as chance does, and the organisation
    u e + (1 - u) q times: the ratio is 1 - u + u e / q. It is 1 where e is, hardly below 1 - u, and never above
    1 - u + u/s, however many accounts carry the indicator. It is concave in e, so that its mean over exchanged
    accounts is at most 1; since s depends on the count a little, the mean is computed, and divided by where it is above
    1 (by up to 1.02). Where nobody carries it, chance explains the count (e is 1), and the organisation, if it is the
    operator, does not carry its own: 1 - u.
    """
    carry, u = counted.accused + counted.others, use_of(counted)
    if carry == 0:
        return 0.0, math.log(1.0 - u)
    k, log_chance = _chance(counted.of_accused, counted.of_others, carry)
    values = _log_e_values(k, log_chance)
    e = np.exp(np.minimum(values, 700.0))
    common = (carry - k + 1.0) / (counted.of_others + 1.0)
    part = IN_PART * (1.0 - k / counted.of_accused)
    s = np.minimum(np.maximum(np.maximum(common, part), planted_of(counted)), 1.0)
    ratios = 1.0 - u + u * e / (1.0 - s + s * e)
    mean = float((np.exp(log_chance) * ratios).sum())
    place = counted.accused - int(k[0])
    return float(values[place]), float(np.log(ratios[place]) - math.log(max(mean, 1.0)))


def channel_of(counted: Counted) -> Channel:
    """A count with what it says."""
    if counted.of_accused == 0 or counted.of_others == 0:
        return Channel(counted, None, None, most_of(counted))
    return Channel(counted, *weighed(counted), most_of(counted))


# ------------------------------------------------------------------------------------------------------- all channels


def said_of(family: str, channels: Sequence[Channel]) -> Said:
    """What one family says: the mean of its channels' ratios, weighed by the most that each could say, so that what is
    dear to plant weighs more, and a mean of ratios that are 1 or less on average is so too."""
    seen = [(c.most, c.log_ratio) for c in channels if c.log_ratio is not None]
    if not seen:
        return Said(family, None, False, tuple(channels))
    weights = sum(most for most, _ in seen)
    value = math.log(sum(most * math.exp(ratio) for most, ratio in seen) / weights)
    carried = max(c.counted.accused for c in channels if c.log_ratio is not None)
    return Said(family, value, family != PARTNERS and value >= SPEAKS and carried >= LEAST, tuple(channels))


def _source_of(channel: Channel) -> str:
    return PARTNERS if channel.counted.partner else channel.counted.source


def sources_for(said: Iterable[Said]) -> dict[str, float]:
    """The sources that speak for a name, and how often each is right; all partners are one, as good as the best."""
    found: dict[str, float] = {}
    for channel in (channel for one in said for channel in one.channels):
        if channel.log_ratio is not None and channel.log_ratio > 0.0:
            source, right = _source_of(channel), GRADES[channel.counted.grade]
            found[source] = max(found.get(source, 0.0), right)
    return found


def _organisation(channels: Sequence[Channel]) -> tuple[tuple[Said, ...], float]:
    """What each family says of one organisation, and all of them together in nats: as much as its sources can carry,
    since what one source got wrong is wrong in every family."""
    groups: dict[str, list[Channel]] = {}
    for channel in sorted(channels, key=lambda c: (c.counted.kind, c.counted.source)):
        groups.setdefault(PARTNERS if channel.counted.partner else channel.counted.family, []).append(channel)
    order = [*map(str, Family), PARTNERS]
    said = tuple(said_of(name, groups[name]) for name in sorted(groups, key=order.index))
    total = sum(one.log_ratio for one in said if one.log_ratio is not None)
    most = sum(-math.log(1.0 - right) for right in sources_for(said).values())
    return said, min(total, most)


def hypotheses(campaign_id: str, names: Iterable[str], counts: Iterable[Counted]) -> list[Hypothesis]:
    """The unknown operator first, then the organisations by probability and name. Order of what is given changes
    nothing. Probabilities sum to one."""
    by_name: dict[str, list[Channel]] = {name: [] for name in sorted(set(names))}
    for counted in counts:
        if counted.organisation:
            by_name[counted.organisation].append(channel_of(counted))
    prior = NAMED_PRIOR / max(len(by_name), 1)
    judged = {name: _organisation(channels) for name, channels in by_name.items()}
    unknown = 1.0 - NAMED_PRIOR if by_name else 1.0
    total = unknown + sum(prior * math.exp(ratio) for _, ratio in judged.values())
    named = [
        _named(name, prior, ratio, prior * math.exp(ratio) / total, said) for name, (said, ratio) in judged.items()
    ]
    rest = 1.0 - sum(one.probability for one in named)
    cluster = Hypothesis(cluster_of(campaign_id), True, unknown, 0.0, rest, _ground(judged))
    return [cluster, *sorted(named, key=lambda one: (-one.probability, one.name))]


def _named(name: str, prior: float, ratio: float, probability: float, said: tuple[Said, ...]) -> Hypothesis:
    speak = tuple(one.family for one in said if one.speaks)
    held = []
    if len(speak) < FAMILIES_NEEDED and probability > EVEN:
        probability = EVEN
        held.append(
            f"of {FAMILIES_NEEDED} families that are needed {len(speak)} speak for it: no more than roughly even"
        )
    elif probability > MOST:
        probability = MOST
        held.append("not calibrated on campaigns whose operators are known: no more than very likely")
    if ratio < sum(one.log_ratio for one in said if one.log_ratio is not None):
        held.append("as much as its sources can carry")
    return Hypothesis(name, False, prior, ratio, probability, _confidence(said, speak), said, tuple(held), speak)


def _confidence(said: tuple[Said, ...], speak: tuple[str, ...]) -> str:
    """How good the ground is: families, sources and accounts, apart from what they say."""
    sources = sources_for(said)
    good = sum(right >= GRADES["B"] for right in sources.values())
    counted = max((c.counted.of_accused for one in said for c in one.channels), default=0)
    enough = len(speak) >= FAMILIES_NEEDED
    if enough and good >= 3 and counted >= 20:
        return "high"
    return "moderate" if enough and len(sources) >= 2 and good and counted >= 5 else "low"


def _ground(judged: Mapping[str, tuple[tuple[Said, ...], float]]) -> str:
    """Confidence in that it is nobody of the dossier: moderate where everything that the dossier holds was logged."""
    said = [one for each, _ in judged.values() for one in each]
    return "moderate" if said and all(one.log_ratio is not None for one in said) else "low"
