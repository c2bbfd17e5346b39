"""Louvain on large sparse graphs, with a pass back over the nodes: a third to a seventh of Leiden's time, and as dense
groups but for CPM's loosest (docs/decisions/0031). All loops release the GIL.

Blondel, Guillaume, Lambiotte and Lefebvre 2008; nodes wait in a queue until a neighbour moves, as in Traag, Waltman and
van Eck 2019. Nothing is drawn by chance: the same graph gives the same partition.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]

LEAST_GAIN = 1e-9
"""What a move must gain at least, in edge weight: below, two groups may take a node from each other for ever."""


@njit(cache=True, nogil=True)
def _moved(indptr: Ints, indices: Indices, weights: Floats, size: Floats, share: float, label: Indices) -> float:
    """Move nodes to the neighbouring group that gains most until none gains, in place, and say what was gained.

    A group is worth the weight of its edges less `share` times the square of its size, by halves.
    """
    n = len(label)
    held = np.zeros(n)
    for node in range(n):
        held[label[node]] += size[node]
    link, touched = np.zeros(n), np.empty(n, np.int32)
    queue, waits = np.arange(n).astype(np.int32), np.ones(n, np.bool_)
    head, waiting, gained = 0, n, 0.0
    while waiting > 0:
        node = queue[head]
        head = head + 1 if head + 1 < n else 0
        waiting -= 1
        waits[node] = False
        own, count = label[node], 0
        for at in range(indptr[node], indptr[node + 1]):
            to = label[indices[at]]
            if indices[at] != node and weights[at] > 0.0:
                if link[to] == 0.0:
                    touched[count] = to
                    count += 1
                link[to] += weights[at]
        held[own] -= size[node]
        cost = size[node] * share
        stays = link[own] - cost * held[own]
        best, most = own, stays + LEAST_GAIN
        for at in range(count):
            to = touched[at]
            value = link[to] - cost * held[to]
            if value > most:
                best, most = to, value
            link[to] = 0.0
        held[best] += size[node]
        if best == own:
            continue
        gained += most - stays
        label[node] = best
        for at in range(indptr[node], indptr[node + 1]):
            other = indices[at]
            if label[other] != best and not waits[other]:
                waits[other] = True
                queue[(head + waiting) % n] = other
                waiting += 1
    return gained


@njit(cache=True, nogil=True)
def _numbered(label: Indices) -> int:
    """Number the groups by their first node, in place, and count them."""
    number, count = np.full(len(label), -1, np.int32), 0
    for node in range(len(label)):
        if number[label[node]] < 0:
            number[label[node]] = count
            count += 1
        label[node] = number[label[node]]
    return count


@njit(cache=True, nogil=True)
def _folded(
    indptr: Ints, indices: Indices, weights: Floats, size: Floats, label: Indices, groups: int
) -> tuple[Ints, Indices, Floats, Floats]:
    """The graph whose nodes are the groups, without the edges within them."""
    start = np.zeros(groups + 1, np.int64)
    for group in label:
        start[group + 1] += 1
    start = np.cumsum(start)
    members, at = np.empty(len(label), np.int32), start[:-1].copy()
    folded_size = np.zeros(groups)
    for node in range(len(label)):
        members[at[label[node]]] = node
        at[label[node]] += 1
        folded_size[label[node]] += size[node]
    folded = np.zeros(groups + 1, np.int64)
    seen = np.full(groups, -1, np.int32)
    for group in range(groups):
        folded[group + 1] = folded[group]
        for node in members[start[group] : start[group + 1]]:
            for to in indices[indptr[node] : indptr[node + 1]]:
                if label[to] != group and seen[label[to]] != group:
                    seen[label[to]] = group
                    folded[group + 1] += 1
    others, between = np.empty(folded[groups], np.int32), np.zeros(folded[groups])
    place = np.full(groups, -1, np.int64)
    for group in range(groups):
        end = folded[group]
        for node in members[start[group] : start[group + 1]]:
            for edge in range(indptr[node], indptr[node + 1]):
                to = label[indices[edge]]
                if to == group:
                    continue
                if place[to] < folded[group]:
                    place[to] = end
                    others[end] = to
                    end += 1
                between[place[to]] += weights[edge]
    return folded, others, between, folded_size


@njit(cache=True, nogil=True)
def louvain(
    indptr: Ints, indices: Indices, weights: Floats, size: Floats, share: float, enough: float, rounds: int
) -> Indices:
    """One label a node of a symmetric graph: groups whose edges weigh most, less `share` times their squared size.

    A round moves nodes, folds groups to nodes and moves those, until that gains `enough` or less; the next begins with
    single nodes and the groups so far. Labels are numbered by their first node.
    """
    labels = np.arange(len(indptr) - 1).astype(np.int32)
    for _ in range(rounds):
        gained = _moved(indptr, indices, weights, size, share, labels)
        groups = _numbered(labels)
        graph = _folded(indptr, indices, weights, size, labels, groups)
        while True:
            label = np.arange(groups).astype(np.int32)
            more = _moved(graph[0], graph[1], graph[2], graph[3], share, label)
            fewer = _numbered(label)
            for node in range(len(labels)):
                labels[node] = label[labels[node]]
            gained += more
            if fewer == groups or more <= enough:
                break
            graph = _folded(graph[0], graph[1], graph[2], graph[3], label, fewer)
            groups = fewer
        if gained <= enough:
            break
    _numbered(labels)
    return labels
