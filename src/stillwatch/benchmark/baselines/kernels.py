"""The loops that NumPy cannot express: single linkage, greedy peeling, hypergeometric tails, sums of hashed words."""

import math

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


@njit(cache=True, nogil=True)
def hypergeometric_tails(count: Ints, first: Ints, second: Ints, total: int) -> Floats:
    """ln P(X >= count) of each pair: `second` draws without replacement from `total`, of which `first` are marked.

    A count that is not above the mean is no evidence, and answers 0 without a sum.
    """
    out = np.zeros(len(count))
    for at in range(len(count)):
        k, marked, draws = count[at], first[at], second[at]
        if k <= marked * draws / total:
            continue
        log_first = (
            math.lgamma(marked + 1.0) - math.lgamma(k + 1.0) - math.lgamma(marked - k + 1.0)
            + math.lgamma(total - marked + 1.0) - math.lgamma(draws - k + 1.0)
            - math.lgamma(total - marked - draws + k + 1.0)
            - math.lgamma(total + 1.0) + math.lgamma(draws + 1.0) + math.lgamma(total - draws + 1.0)
        )  # fmt: skip
        term, tail, x = 1.0, 1.0, k
        while x < min(marked, draws) and term > 1e-16 * tail:
            term *= (marked - x) * (draws - x) / ((x + 1.0) * (total - marked - draws + x + 1.0))
            tail += term
            x += 1
        out[at] = min(log_first + math.log(tail), 0.0)
    return out


@njit(cache=True, nogil=True)
def word_buckets(data: NDArray[np.uint8], offsets: Ints, buckets: int, most: int) -> tuple[Ints, Indices]:
    """The distinct hash buckets of each text's words, as (indptr, buckets), ascending within a text never required.

    A word is a run of letters and digits (any byte above 127 counts as a letter), ASCII upper case lowered, at most 16
    bytes; texts are read up to `most` distinct buckets.
    """
    n = len(offsets) - 1
    seen = np.full(buckets, -1, dtype=np.int64)
    indptr = np.zeros(n + 1, dtype=np.int64)
    held = np.empty(1024, dtype=np.int32)
    at = 0
    for text in range(n):
        begun, length, value = at, 0, np.uint64(14695981039346656037)
        for place in range(offsets[text], offsets[text + 1] + 1):
            byte = data[place] if place < offsets[text + 1] else np.uint8(32)
            if 65 <= byte <= 90:
                byte = np.uint8(byte + 32)
            letter = byte > 127 or 97 <= byte <= 122 or 48 <= byte <= 57
            if letter:
                value = (value ^ np.uint64(byte)) * np.uint64(1099511628211)
                length += 1
            if length and (not letter or length == 16):
                bucket = np.int64((value ^ (value >> np.uint64(32))) % np.uint64(buckets))
                if seen[bucket] != text and at - begun < most:
                    seen[bucket] = text
                    if at == len(held):
                        held = np.concatenate((held, np.empty(len(held), dtype=np.int32)))
                    held[at] = bucket
                    at += 1
                length, value = 0, np.uint64(14695981039346656037)
        indptr[text + 1] = at
    return indptr, held[:at].copy()


@njit(cache=True, nogil=True)
def growing_distances(distance: Floats) -> Floats:
    """PRADA's sequence: the distance of each query, in order, to the nearest of the growing set of earlier ones.

    A query joins the set when its distance exceeds the mean less one standard deviation of those that joined, which
    may only rise. `distance` is square; the answer is one shorter than its side.
    """
    n = len(distance)
    member = np.zeros(n, dtype=np.bool_)
    member[0] = True
    out = np.empty(max(n - 1, 0))
    joined, total, squares, bar = 1.0, 0.0, 0.0, 0.0
    for query in range(1, n):
        least = np.inf
        for other in range(query):
            if member[other] and distance[query, other] < least:
                least = distance[query, other]
        out[query - 1] = least
        if least > bar:
            member[query] = True
            joined, total, squares = joined + 1.0, total + least, squares + least * least
            mean = total / joined
            bar = max(bar, mean - math.sqrt(max(squares / joined - mean * mean, 0.0)))
    return out
