"""Groups that a method names beside rings that people reported: one-to-one, and account by account."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import hop
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from stillwatch.benchmark.measure import Share
from stillwatch.linkage.incidence import Channel, Incidence

HALF = 0.5
THE_SAME = 0.9
"""Jaccard similarity with a component from which a ring is that component."""

Rows = set[int]


@dataclass(frozen=True)
class Outcome:
    """How the groups of one method compare with what is said.

    `rings` are recovered one-to-one with purity and completeness of at least one half, `by_kind` the same for each kind
    of ring. `members` are ring members that are named at all. `false` are eligible accounts that are named; of these,
    `false_alone` are those that no component of Hop's holds; `false_groups` are groups with more than half of them.
    """

    groups: int
    accounts: int
    rings: Share
    by_kind: dict[str, Share]
    precision: Share
    recall: Share
    members: Share
    false: Share
    false_alone: Share
    false_groups: Share


def components(shown: hop.Transfers) -> list[Rows]:
    """Connected components of direct transfers, each of two accounts or more."""
    source, target = hop.ends(shown)
    both = (source >= 0) & (target >= 0)
    n = len(shown.addresses)
    graph = coo_matrix((np.ones(int(both.sum())), (source[both], target[both])), (n, n))
    return [rows for rows in labelled(connected_components(graph, directed=False)[1]) if len(rows) > 1]


def labelled(labels: NDArray[np.int64] | NDArray[np.int32]) -> list[Rows]:
    """The rows of each label that is not negative."""
    found: dict[int, Rows] = {}
    for row, label in enumerate(labels.tolist()):
        if label >= 0:
            found.setdefault(label, set()).add(row)
    return list(found.values())


def rings_of(said: hop.Truth) -> dict[str, Rows]:
    """The members of each ring."""
    found: dict[str, Rows] = {}
    for row, ring in enumerate(said.ring):
        if ring is not None:
            found.setdefault(ring, set()).add(row)
    return found


def kinds(shown: hop.Transfers, said: hop.Truth) -> dict[str, str]:
    """What each ring looks like in the transfers.

    `component`: it is a connected component of direct transfers. `silent`: most members show no transfer at all.
    `inside`: most lie in one component, which is larger or lacks some. `scattered`: the rest.
    """
    parts = components(shown)
    seen = {row for rows in hop.ends(shown) for row in rows.tolist()}
    return {name: _kind(members, parts, seen) for name, members in sorted(rings_of(said).items())}


def _kind(members: Rows, parts: list[Rows], seen: Rows) -> str:
    largest = max(parts, key=lambda part: len(part & members), default=set())
    inside = len(largest & members)
    if inside >= THE_SAME * len(largest | members):
        return "component"
    if len(members & seen) < HALF * len(members):
        return "silent"
    return "inside" if inside >= HALF * len(members) else "scattered"


def reach(incidence: Incidence, said: hop.Truth, channels: tuple[str, ...]) -> dict[str, float]:
    """The largest share of each ring that tokens of these channels join, of tokens that at most 1 % of accounts hold.

    Who links by such tokens alone recovers no ring of which this is below one half.
    """
    most = incidence.n // 100
    return {
        name: _joined(sorted(members), [c for c in incidence.channels if c.name in channels], most)
        for name, members in rings_of(said).items()
    }


def _joined(members: list[int], channels: list[Channel], most: int) -> float:
    place = {row: at for at, row in enumerate(members)}
    left, right = [], []
    for c in channels:
        first: dict[int, int] = {}
        for row in members:
            for token in c.tokens[c.indptr[row] : c.indptr[row + 1]].tolist():
                if c.document_frequency[token] <= most:
                    left.append(first.setdefault(token, place[row]))
                    right.append(place[row])
    graph = coo_matrix((np.ones(len(left)), (left, right)), (len(members), len(members)))
    return float(np.bincount(connected_components(graph, directed=False)[1]).max() / len(members))


def recovered(rings: dict[str, Rows], groups: Sequence[Rows]) -> list[str]:
    """The rings with a group of their own of which they are at least half, and which holds at least half of them.

    Matched one-to-one, the largest overlaps first.
    """
    holders: dict[int, list[int]] = {}
    for at, group in enumerate(groups):
        for row in group:
            holders.setdefault(row, []).append(at)
    pairs = [
        (-n, name, at)
        for name, members in rings.items()
        for at, n in Counter(at for row in members for at in holders.get(row, ())).items()
    ]
    matched: dict[str, int] = {}
    taken: set[int] = set()
    for overlap, name, at in sorted(pairs):
        if name not in matched and at not in taken:
            matched[name] = -overlap if -overlap >= HALF * max(len(groups[at]), len(rings[name])) else 0
            taken.add(at)
    return sorted(name for name, overlap in matched.items() if overlap)


def outcome(groups: Sequence[Rows], said: hop.Truth, kind: dict[str, str]) -> Outcome:
    """Compare groups, which may overlap, with the truth."""
    rings = rings_of(said)
    found = recovered(rings, groups)
    named = set().union(*groups)
    sybil = set(np.flatnonzero(said.sybil).tolist())
    honest = set(range(len(said.ring))) - sybil
    alone = {row for row in honest if said.component[row] is None}
    members = set().union(*rings.values())
    of_kind, all_of_kind = Counter(kind[name] for name in found), Counter(kind.values())
    return Outcome(
        groups=len(groups),
        accounts=len(named),
        rings=Share(len(found), len(rings)),
        by_kind={name: Share(of_kind[name], n) for name, n in sorted(all_of_kind.items())},
        precision=Share(len(named & sybil), len(named)),
        recall=Share(len(named & sybil), len(sybil)),
        members=Share(len(named & members), len(members)),
        false=Share(len(named & honest), len(honest)),
        false_alone=Share(len(named & alone), len(alone)),
        false_groups=Share(sum(len(group & sybil) < HALF * len(group) for group in groups), len(groups)),
    )
