"""Who belongs to a confirmed group: posterior membership by all families.

Outside the guarantee: the e-value belongs to the tested core. Not calibrated until it is fitted on reviewed cases.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import ENOUGH, LINK
from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices
from stillwatch.linkage.matrix import family_matrix, unmarked
from stillwatch.linkage.member_kernel import enriched_tokens, member_log_ratios, spoken, with_holders
from stillwatch.records import Family

ROUNDS = 6
TEXT = (Family.CONTENT, Family.WORK)
MOST_GROWN = 5.0
"""Members for each row of the tested core from which a round goes too far, unless MOSTLY of them have links of access
as well: what was tested is no more than a corner of such a group, and growth from wording to wording ends at
everybody."""
MOSTLY = 0.5

CAP = 9.0
"""Most nats that one family may add to or take from a membership: tokens of one row depend on each other."""


@dataclass(frozen=True)
class Membership:
    """Posterior log-odds of membership over all entities that share anything with the group.

    `ratios[:, f]` is the capped log-likelihood ratio of family `families[f]`; `log_odds` adds them to the prior
    ln(|C| / N). `rows` ascend.
    """

    rows: Indices
    log_odds: Floats
    ratios: Floats
    families: tuple[Family, ...]

    @cached_property
    def is_certain(self) -> NDArray[np.bool_]:
        """Which rows share the work and belong with a probability of at least one half."""
        return np.asarray((self.log_odds >= 0) & _shares_work(self.ratios, self.families))

    def certain(self) -> Indices:
        """The rows of `is_certain`."""
        return np.asarray(self.rows[self.is_certain])

    def access(self, without: tuple[Family, ...] = TEXT) -> Floats:
        """What the families other than these say together, in nats."""
        return _access(self.ratios, self.families, without)

    def linked(self) -> float | None:
        """The share of certain members with more than a nat of access beside their work and their client, which one
        product's users share as well; nothing where there are no members."""
        certain = self.is_certain
        return _borne(self.ratios[certain], self.families) if certain.any() else None

    def borne(self) -> Indices:
        """Certain members with links of access beyond one client."""
        near = self.rows[self.access((*TEXT, Family.CLIENT)) > LINK]
        return np.intersect1d(self.certain(), near, assume_unique=True)

    def within(self, part: Indices) -> "Membership":
        """The same without the certain members that lie outside of a part."""
        kept = ~self.is_certain | np.isin(self.rows, part)
        return Membership(self.rows[kept], self.log_odds[kept], self.ratios[kept], self.families)

    def of(self, family: Family) -> Floats:
        """One family's ratios; zeros where the family is blind."""
        if family not in self.families:
            return np.zeros(len(self.rows))
        return np.asarray(self.ratios[:, self.families.index(family)])


def membership(
    incidence: Incidence, core: Indices, families: tuple[Family, ...], matrices: list["MemberMatrix"]
) -> Membership:
    """Expectation-maximisation from a core (`ROUNDS`, `MOST_GROWN`), the group left out of popularity, own tokens
    left out.

    Looked at are the core, the group, and the rows that show a wording or material of it (where no text is seen, any
    token of it): the others' ratios are never above zero, so that they cannot belong. Rows whose work does not speak
    for the group are not asked about the other families, whose ratios then stay zero. Content and work count once, by
    the greater of the two ratios; a row that shows no material has a ratio of work of zero, so content then takes
    nothing from it either.
    """
    weight, members = np.ones(len(core)), core
    rows, log_odds, ratios = core, np.zeros(len(core)), np.zeros((len(core), len(families)))
    first = [place for place, family in enumerate(families) if family in TEXT]
    known: tuple[Indices, Floats, Floats] | None = None
    for _ in range(ROUNDS):
        profiles = [matrix.profile(members, weight) for matrix in matrices]
        asked = np.union1d(core, members)
        for place in first or range(len(families)):
            asked = matrices[place].with_holders(profiles[place], asked)
        rows = incidence.linked(np.sort(asked))
        own, inside = _spread(rows, members, weight)
        ratios = np.zeros((len(rows), len(families)))
        for place in sorted(range(len(families)), key=lambda at: at not in first):
            speaks = (
                np.ones(len(rows), np.bool_)
                if place in first or not first
                else (_shares_work(ratios, families) | inside | _among(rows, core))
            )
            ratio = matrices[place].ratios(rows[speaks], own[speaks], profiles[place])
            ratios[speaks, place] = np.clip(ratio, -CAP, CAP)
        log_odds = _summed(ratios, families) + np.log(max(weight.sum(), 1.0) / incidence.n)
        belongs = (log_odds >= 0) & _shares_work(ratios, families)
        if known and belongs.sum() > MOST_GROWN * len(core) and _borne(ratios[belongs], families) < MOSTLY:
            rows, log_odds, ratios = known
            break
        known = rows, log_odds, ratios
        if np.array_equal(rows[belongs], members) or not belongs.any():
            break
        weight = 1.0 / (1.0 + np.exp(-np.clip(log_odds[belongs], -30, 30)))
        members = rows[belongs]
    near = log_odds > -3.0
    return Membership(rows[near], log_odds[near], ratios[near], families)


def beside_itself(
    incidence: Incidence, rows: Indices, families: tuple[Family, ...], matrices: list["MemberMatrix"]
) -> Membership:
    """How well each of the rows, which ascend, fits all of them together: nobody else is looked at."""
    weight = np.ones(len(rows))
    ratios = np.zeros((len(rows), len(families)))
    for place, matrix in enumerate(matrices):
        ratios[:, place] = matrix.ratios(rows, weight, matrix.profile(rows, weight))
    np.clip(ratios, -CAP, CAP, out=ratios)
    return Membership(rows, _summed(ratios, families) + np.log(len(rows) / incidence.n), ratios, families)


def joined_to(
    incidence: Incidence, core: Indices, rows: Indices, matrices: list["MemberMatrix"], least: float
) -> Indices:
    """Those of the rows that these families join to a core by `least` nats or more, straight or over others of them."""
    joined, members = np.zeros(len(rows), dtype=np.bool_), core
    for _ in range(ROUNDS):
        weight = np.ones(len(members))
        own, _ = _spread(rows, members, weight)
        total = np.zeros(len(rows))
        for matrix in matrices:
            ratio = matrix.ratios(rows, own, matrix.profile(members, weight))
            total += np.clip(ratio, -CAP, CAP)
        more = joined | (total >= least)
        if np.array_equal(more, joined):
            break
        joined = more
        members = np.union1d(core, rows[joined])
    return rows[joined]


def _among(rows: Indices, some: Indices) -> NDArray[np.bool_]:
    """Which of the rows are some of these; both ascend."""
    place = np.searchsorted(some, rows)
    return np.asarray(some[np.minimum(place, len(some) - 1)] == rows) if len(some) else np.zeros(len(rows), np.bool_)


def _spread(rows: Indices, members: Indices, weight: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The members' weights by the rows, 0 for who is none, and which rows are members. Both ascend."""
    place = np.searchsorted(members, rows)
    inside = _among(rows, members)
    own = np.zeros(len(rows))
    own[inside] = weight[place[inside]]
    return own, inside


def _summed(ratios: Floats, families: tuple[Family, ...]) -> Floats:
    """Sum over families; content and work count once, the stronger of the two."""
    one_text = [place for place, family in enumerate(families) if family in TEXT]
    others = [place for place in range(len(families)) if place not in one_text]
    total = ratios[:, others].sum(axis=1)
    return np.asarray(total + ratios[:, one_text].max(axis=1) if one_text else total)


def _access(ratios: Floats, families: tuple[Family, ...], without: tuple[Family, ...]) -> Floats:
    others = [place for place, family in enumerate(families) if family not in without]
    return np.asarray(ratios[:, others].sum(axis=1))


def _borne(ratios: Floats, families: tuple[Family, ...]) -> float:
    """The share of these rows, one at least, with links of access beyond one client."""
    return float((_access(ratios, families, (*TEXT, Family.CLIENT)) > LINK).mean())


def _shares_work(ratios: Floats, families: tuple[Family, ...]) -> NDArray[np.bool_]:
    """Rows whose content or work speaks for the group; where no family of text is seen, rows for which two families
    speak: one address or one day that a group shares says nothing of each who has it."""
    one_text = [place for place, family in enumerate(families) if family in TEXT]
    if not one_text:
        return np.asarray((ratios > LINK).sum(axis=1) >= ENOUGH)
    return np.asarray(ratios[:, one_text].max(axis=1) > 0.0)


class Profile(NamedTuple):
    """What a group shows in one family: see `enriched_tokens`."""

    tokens: Indices
    mass: Floats
    frequency: Floats
    group: Floats


class MemberMatrix:
    """One family's matrix with what membership asks of it again and again. Threads may ask at the same time."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        self._matrix = family_matrix(channels)
        self._held = self._matrix.sizes.sum(axis=1)
        self._vocabulary = np.array([channel.vocabulary for channel in channels])
        self._voices = spoken(self._matrix.sizes)
        self._slots = unmarked(len(self._matrix.channel_of))
        self._places = unmarked(len(self._matrix.indptr) - 1)

    def profile(self, members: Indices, weight: Floats) -> Profile:
        """The tokens in which these rows are enriched, each row with its weight."""
        m = self._matrix
        about = (m.indptr, m.tokens, m.channel_of, m.sizes, m.holder_indptr, self._held, self._vocabulary)
        with self._slots.one() as slot:
            return Profile(*enriched_tokens(members, weight, *about, slot))

    def with_holders(self, profile: Profile, rows: Indices) -> Indices:
        """The rows, none twice, and then all others that hold a token of the profile."""
        with self._places.one() as place:
            held = with_holders(rows, profile.tokens, self._matrix.holder_indptr, self._matrix.holders, place)
        return np.asarray(held)

    def ratios(self, rows: Indices, own: Floats, profile: Profile) -> Floats:
        """How well each of the rows, none twice, fits a group: see `member_log_ratios`."""
        m = self._matrix
        with self._places.one() as place, self._slots.one() as slot:
            found = member_log_ratios(
                rows, own, *profile, m.indptr, m.tokens, m.channel_of, m.sizes, m.holder_indptr, m.holders,
                self._voices, place, slot,
            )  # fmt: skip
        return np.asarray(found)


def matrices_of(incidence: Incidence, families: tuple[Family, ...]) -> list[MemberMatrix]:
    """Each family's matrix: made once, used for every group."""
    return [MemberMatrix(incidence.scored(family)) for family in families]
