"""The loops that NumPy cannot express: single linkage, greedy peeling, hypergeometric tails, sums of hashed words."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def joined_at(left: Indices, right: Indices, weight: Floats, n: int, least: int) -> Floats:
    """The largest weight at which each row lies in a component of `least` rows, -inf where it never does.

    Edges come in descending order of weight. Single linkage: a threshold t keeps the edges of weight t or more. The
    members of a component stand in a ring, so that joining two is one swap.
    """
    parent = np.arange(n)
    size = np.ones(n, dtype=np.int64)
    ring = np.arange(n)
    score = np.full(n, -np.inf)
    for edge in range(len(left)):
        a, b = np.int64(left[edge]), np.int64(right[edge])
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a == b:
            continue
        for root in (a, b):
            if size[a] + size[b] >= least and size[root] < least:
                row = root
                for _ in range(size[root]):
                    score[row] = weight[edge]
                    row = ring[row]
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        size[a] += size[b]
        ring[a], ring[b] = ring[b], ring[a]
    return score


@njit(cache=True, nogil=True)
def _lower(tree: Floats, leaf: int, value: float) -> None:
    """Set a leaf of a tournament tree of minima and renew its path to the root."""
    tree[leaf] = value
    node = leaf >> 1
    while node:
        tree[node] = min(tree[2 * node], tree[2 * node + 1])
        node >>= 1


@njit(cache=True, nogil=True)
def peel(row_indptr: Ints, columns: Indices, column_indptr: Ints, rows: Indices, weight: Floats) -> tuple[Ints, int]:
    """The order in which greedy peeling removes nodes, and after how many the rest is densest.

    Rows are nodes 0..n - 1, columns n..n + m - 1. An edge weighs what its column does; the density of a set is the
    weight of the edges within, divided by its nodes. Removes the node of least weight into the rest, in O(E log V).
    """
    n, m = len(row_indptr) - 1, len(column_indptr) - 1
    width = 1
    while width < n + m:
        width *= 2
    tree = np.full(2 * width, np.inf)
    total = 0.0
    for row in range(n):
        strength = 0.0
        for at in range(row_indptr[row], row_indptr[row + 1]):
            strength += weight[columns[at]]
        tree[width + row] = strength
        total += strength
    for column in range(m):
        tree[width + n + column] = weight[column] * (column_indptr[column + 1] - column_indptr[column])
    for node in range(width - 1, 0, -1):
        tree[node] = min(tree[2 * node], tree[2 * node + 1])
    order = np.empty(n + m, dtype=np.int64)
    best, best_at = total / max(n + m, 1), 0
    for step in range(n + m):
        node = 1
        while node < width:
            node = 2 * node if tree[2 * node] <= tree[2 * node + 1] else 2 * node + 1
        gone = node - width
        total -= tree[node]
        _lower(tree, node, np.inf)
        order[step] = gone
        if gone < n:
            for at in range(row_indptr[gone], row_indptr[gone + 1]):
                leaf = width + n + columns[at]
                if tree[leaf] < np.inf:
                    _lower(tree, leaf, tree[leaf] - weight[columns[at]])
        else:
            for at in range(column_indptr[gone - n], column_indptr[gone - n + 1]):
                leaf = width + rows[at]
                if tree[leaf] < np.inf:
                    _lower(tree, leaf, tree[leaf] - weight[gone - n])
        left = n + m - step - 1
        if left and total / left > best:
            best, best_at = total / left, step + 1
    return order, best_at
