"""Candidate groups: Leiden on the graph of strong pairs, at several resolutions, and the holders of one wording, with
nothing of the left-out families."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from stillwatch.leiden import labels_of, symmetric
from stillwatch.linkage.incidence import Floats, Incidence, Indices
from stillwatch.linkage.kernels import first_of_alike, strongest_edges
from stillwatch.linkage.pairs import Pairs, Weigher, Weights, total_weight
from stillwatch.linkage.templates import Templates
from stillwatch.linkage.wordings import wording_groups
from stillwatch.records import EXACT_FAMILIES, Family

LEAST_WEIGHT = 6.0
"""Summed match weight, in nats, below which a pair is no edge."""

LOOSE_WEIGHT = 2.0
"""The same for the loose groups whose own popularity is left out when their pairs are weighed again."""

PROMISING = 0.5
"""Nats that a pair needs to be weighed again: the others would not become edges; above `HEAVIEST` no edge changes."""

NEIGHBOURS = 32
LEAST_NEIGHBOURS = 8
EDGES = 1 << 22
"""Of each row's pairs, at least NEIGHBOURS of the strongest are kept, as are those that are among the other row's;
fewer where the rows would keep more than EDGES together, and never fewer than LEAST_NEIGHBOURS."""

HEAVIEST = 30.0
"""Nats at which an edge's weight is capped: one pair of copies must not make a cluster by itself."""

LINK = 1.0
ENOUGH = 2
"""Nats from which a family speaks for a pair or for a member, and families that must where no text is seen."""

ALIKE = 0.7
"""Jaccard similarity of two candidates of one left-out set from which the smaller is dropped as a repetition."""

LEAST_ACCOUNTS = 8
"""Accounts, not entities, that make a group."""

MODULARITY = (1.0, 8.0)
CPM = (1.0, 5.0)
"""Resolutions. CPM's are mean edge weights, in nats, that a group must exceed between its members."""


@dataclass(frozen=True)
class Candidate:
    """A group that clustering proposes, with the families of which it used nothing. `rows` ascend."""

    rows: Indices
    left_out: frozenset[Family]


def left_out_sets(families: tuple[Family, ...]) -> tuple[frozenset[Family], ...]:
    """The sets of families to leave out: every two exact families that hold tokens, content always with work.

    Two at a time, since "confirmed by two families" means that a candidate found without both is confirmed by both.
    With fewer than three families nothing could be found, so each is left out alone.
    """
    exact = [family for family in EXACT_FAMILIES if family in families]
    chosen = combinations(exact, 2) if len(exact) > 2 else combinations(exact, 1)
    return tuple(frozenset(c) | ({Family.WORK} if Family.CONTENT in c else frozenset()) for c in chosen)


def strongest(pairs: Pairs, weight: Floats, n: int) -> NDArray[np.int64]:
    """Places of the pairs that can be an edge of one of `n` rows, given their weight without the left-out families."""
    kept = np.flatnonzero(weight >= PROMISING)
    most = min(NEIGHBOURS, max(LEAST_NEIGHBOURS, EDGES // max(n, 1)))
    return kept[strongest_edges(pairs.left[kept], pairs.right[kept], weight[kept], n, most)]


def candidates_without(
    incidence: Incidence,
    pairs: Pairs,
    weights: Weights,
    weigher: Weigher,
    left_out: frozenset[Family],
    templates: Templates,
) -> list[Candidate]:
    """Groups found without the left-out families: blocking, weighing, pruning and clustering use none of their tokens.

    A campaign above some 5 % of the traffic hides behind itself: its own tokens look popular. So pairs are first
    clustered loosely, and weighed again against a popularity that leaves out the loose group of the pair. Where no text
    is seen a loose group may be the holders of one common token, which nobody outside holds: then only pairs for which
    two families speak are weighed again.
    """
    families = weigher.families
    every = weight_without(pairs, weights, families, left_out)
    kept = strongest(pairs, every, incidence.n)
    left, right, total = pairs.left[kept], pairs.right[kept], every[kept]
    del every  # of all pairs, where hardly any may be an edge
    loose = _loose_groups(incidence.n, left, right, total)
    inside = (loose[left] == loose[right]) & (total < HEAVIEST)
    speaking = tuple(family for family in families if family not in left_out)
    if not templates.seen:
        inside &= (weights[kept][:, [families.index(family) for family in speaking]] > LINK).sum(axis=1) >= ENOUGH
    renewed = weigher.within(left[inside], right[inside], loose, speaking)
    total[inside] = np.maximum(total[inside], total_weight(renewed, speaking, left_out))
    groups = _groups(incidence, left, right, total)
    if Family.CONTENT not in left_out:
        groups += [part for rows in _distinct(groups, incidence.n) for part in _parts(incidence, rows, templates)]
    return [Candidate(rows, left_out) for rows in _distinct(groups, incidence.n)]


def weight_without(pairs: Pairs, weights: Weights, families: tuple[Family, ...], left_out: frozenset[Family]) -> Floats:
    """Summed weight of each pair over the families that are not left out; -inf where only those nominated it."""
    return np.where(pairs.without(left_out), total_weight(weights, families, left_out), -np.inf)


def candidates_by_wording(incidence: Incidence, families: tuple[Family, ...]) -> list[Candidate]:
    """Groups by content alone, which every other exact family may confirm; none where fewer than two are seen."""
    others = frozenset(family for family in EXACT_FAMILIES if family in families) - {Family.CONTENT}
    if Family.CONTENT not in families or len(others) < ENOUGH:
        return []
    groups = [rows for rows in wording_groups(incidence) if _large_enough(incidence, rows)]
    return [Candidate(rows, others) for rows in _distinct(groups, incidence.n)]


def _large_enough(incidence: Incidence, rows: Indices) -> bool:
    return len(rows) > 1 and int(incidence.accounts[rows].sum()) >= LEAST_ACCOUNTS


def _parts(incidence: Incidence, rows: Indices, templates: Templates) -> list[Indices]:
    """The parts of a group by templates: one provider serves several operators. Uses content, which is not left out.

    A group so small that every part of it is a repetition of it (`ALIKE`) is not split.
    """
    if ALIKE * len(rows) <= LEAST_ACCOUNTS and incidence.accounts[rows].max() == 1:
        return []
    return [part for part in templates.parts(rows) if incidence.accounts[part].sum() >= LEAST_ACCOUNTS]


def _loose_groups(n: int, left: Indices, right: Indices, total: Floats) -> Indices:
    """A label a row, from pairs of modest weight."""
    linked = total >= LOOSE_WEIGHT
    graph = symmetric(left[linked].astype(np.int64), right[linked].astype(np.int64), total[linked], n)
    return labels_of(graph, 1.0, modularity=True).astype(np.int32)


def _groups(incidence: Incidence, left: Indices, right: Indices, total: Floats) -> list[Indices]:
    """Groups of at least the least number of accounts, over all resolutions."""
    strong = total >= LEAST_WEIGHT
    if not strong.any():
        return []
    rows, place = np.unique(np.concatenate([left[strong], right[strong]]), return_inverse=True)
    half = len(place) // 2
    graph = symmetric(place[:half], place[half:], np.minimum(total[strong], HEAVIEST), len(rows))
    found: list[Indices] = []
    labels = [connected_components(graph, directed=False)[1]]
    labels += [labels_of(graph, resolution, modularity=True) for resolution in MODULARITY]
    labels += [labels_of(graph, resolution, modularity=False) for resolution in CPM]
    for label in labels:
        found += _members(rows.astype(np.int32), label, incidence)
    return found


def _members(rows: Indices, labels: NDArray[np.int64], incidence: Incidence) -> list[Indices]:
    """The rows of each label whose accounts reach the least size of a group."""
    accounts = np.bincount(labels, weights=incidence.accounts[rows])
    entities = np.bincount(labels)
    wanted = np.flatnonzero((accounts >= LEAST_ACCOUNTS) & (entities >= 2))
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], wanted)
    return [np.sort(rows[order[s : s + entities[w]]]) for w, s in zip(wanted, starts, strict=True)]


def _distinct(groups: list[Indices], n: int) -> list[Indices]:
    """Candidates in a canonical order, largest first, repetitions dropped; groups that share no row never meet."""
    unique = {rows.tobytes(): rows for rows in groups}
    ordered = sorted(unique.values(), key=lambda rows: (-len(rows), rows.astype(">i4").tobytes()))
    if not ordered:
        return []
    ends = np.concatenate([[0], np.cumsum([len(rows) for rows in ordered])]).astype(np.int64)
    stays = first_of_alike(ends, np.concatenate(ordered), n, ALIKE)
    return [rows for rows, kept in zip(ordered, stays, strict=True) if kept]
