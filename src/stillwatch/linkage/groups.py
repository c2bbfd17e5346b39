"""From many overlapping confirmed candidates to one group each: tested core, who confirmed it, and its members."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import LEAST_ACCOUNTS
from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.membership import Membership, matrices_of, membership
from stillwatch.linkage.search import Found
from stillwatch.linkage.templates import split_by_templates
from stillwatch.records import EXACT_FAMILIES, Family

SAME = 0.5
"""Share of the smaller of two groups that lies in the larger, from which both are one."""

LEAST_PART = 4
"""Entities below which a part that splits off by templates is not followed up."""


@dataclass(frozen=True)
class Confirmation:
    """One family's agreement: ln e of the best candidate that it tested, and whether e-BH discovered it."""

    family: Family
    log_e: float
    discovered: bool


@dataclass(frozen=True)
class Group:
    """A confirmed group.

    `core` was tested; the other members are attached by `membership`. `twice` holds the families that together
    confirmed one candidate found without both; `found_by` the families that proposed it.
    """

    core: Indices
    confirmations: tuple[Confirmation, ...]
    twice: tuple[Family, ...]
    found_by: tuple[Family, ...]
    members: Membership

    def certain(self) -> Indices:
        """Rows that share the work and belong with a probability of at least one half."""
        return self.members.certain()


@dataclass(frozen=True)
class _Seed:
    rows: Indices
    candidate: int
    strength: float


def confirmed_groups(incidence: Incidence, found: Found) -> list[Group]:
    """The groups that at least one family discovered, overlaps joined, strongest first."""
    seeds = _seeds(incidence, found)
    matrices = matrices_of(incidence, found.families)
    groups: list[Group] = []
    taken: list[NDArray[np.bool_]] = []
    tried: list[NDArray[np.bool_]] = []
    for seed in seeds:
        marks = _marked(incidence.n, seed.rows)
        if any(_overlap(marks, other) >= SAME for other in taken) or any(_alike(marks, other) for other in tried):
            continue
        tried.append(marks)
        members = membership(incidence, seed.rows, found.families, matrices)
        certain = _marked(incidence.n, members.certain())
        if incidence.accounts[certain].sum() < LEAST_ACCOUNTS or _overlap(certain, marks) < SAME:
            continue  # what is left is no group, or not the group that was tested
        if any(_overlap(certain, other) >= SAME for other in taken):
            continue
        group = _group(found, seed, members, certain | marks)
        if any(c.discovered for c in group.confirmations):
            taken.append(certain)
            groups.append(group)
    return groups


def _marked(n: int, rows: Indices) -> NDArray[np.bool_]:
    marks = np.zeros(n, dtype=np.bool_)
    marks[rows] = True
    return marks


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum()) / max(min(int(one.sum()), int(other.sum())), 1)


def _alike(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Two seeds so alike that a second growth would end where the first did; a part of a large seed is another one."""
    return bool((one & other).sum() >= SAME * (one | other).sum())


def _seeds(incidence: Incidence, found: Found) -> list[_Seed]:
    """Parts of discovered candidates that share templates, or the candidate itself where none do; strongest first."""
    seeds: list[_Seed] = []
    seen: set[bytes] = set()
    for place, candidate in enumerate(found.candidates):
        families = _discovering(found, place)
        if not families or candidate.rows.tobytes() in seen:
            continue
        seen.add(candidate.rows.tobytes())
        strength = sum(min(float(found.log_e[family][place]), 200.0) for family in families)
        parts = [part for part in split_by_templates(incidence, candidate.rows) if len(part) >= LEAST_PART]
        for rows in parts or [candidate.rows]:
            share = len(rows) / len(candidate.rows)
            bonus = 100.0 if len([f for f in families if f != Family.CLIENT]) > 1 else 0.0
            seeds.append(_Seed(rows, place, (strength + bonus) * share + 1e-3 * len(rows)))
    return sorted(seeds, key=lambda seed: (-seed.strength, -len(seed.rows), seed.rows.tolist()))


def _discovering(found: Found, place: int) -> list[Family]:
    return [family for family in found.discovered if found.discovered[family][place]]


def _group(found: Found, seed: _Seed, members: Membership, inside: NDArray[np.bool_]) -> Group:
    """Gather every tested candidate that lies mostly inside the group: their families confirm it."""
    best: dict[Family, tuple[float, bool]] = {}
    twice: list[Family] = []
    for place, candidate in enumerate(found.candidates):
        if inside[candidate.rows].mean() < SAME:
            continue
        families = _discovering(found, place)
        for family in found.log_e:
            value = float(found.log_e[family][place])
            if np.isfinite(value):
                known = best.get(family, (-np.inf, False))
                best[family] = (max(known[0], value), known[1] or bool(found.discovered[family][place]))
        if len(families) > 1 and _rank(families) > _rank(twice):
            twice = families
    core = found.candidates[seed.candidate]
    return Group(
        seed.rows,
        tuple(Confirmation(family, *best[family]) for family in EXACT_FAMILIES if family in best),
        tuple(twice),
        tuple(family for family in found.families if family not in core.left_out),
        members,
    )


def _rank(families: list[Family]) -> tuple[int, int]:
    return len([family for family in families if family != Family.CLIENT]), len(families)
