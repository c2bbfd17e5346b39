"""From who showed what to who shared how much with whom: the one-mode projection that graph baselines weigh."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from stillwatch.benchmark.baselines.kernels import joined_at
from stillwatch.benchmark.baselines.verdict import Scored, sized
from stillwatch.leiden import labels_of, symmetric
from stillwatch.linkage.incidence import Channel, Incidence
from stillwatch.records import Family

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVERY = tuple(Family)

LEAST_ROWS = 8
"""Rows that make a group by itself: the same least size as the product's own."""

MOST_HOLDERS = 1000
"""A token held by more rows is a stop word: pairs would grow with the square of its holders."""

CHUNK = 512
"""Rows projected at a time: memory is bounded by so many times all rows."""


@dataclass(frozen=True)
class Shared:
    """Pairs of rows, left < right, with how many of the chosen tokens they share; `size` counts each row's tokens.

    `vocabulary` counts the chosen channels' distinct tokens, those of one row alone included; tokens held by more than
    the allowed number of rows are in neither `count`, `size` nor `vocabulary`.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    count: Ints
    size: Ints
    vocabulary: int


def chosen(incidence: Incidence, families: tuple[Family, ...]) -> tuple[Channel, ...]:
    """The channels all of whose families are among these: compounds (one block in one hour) as well."""
    return tuple(c for c in incidence.channels if set(c.families) <= set(families))


def biadjacency(incidence: Incidence, channels: tuple[Channel, ...], most: int | None = None) -> csr_matrix:
    """Rows × tokens of these channels side by side, ones; a row that is judged elsewhere, and a stop word, is empty."""
    held = incidence.linkable()
    rows, columns, offset = [], [], 0
    for c in channels:
        owner = np.repeat(np.arange(incidence.n), np.diff(c.indptr))
        kept = held[owner] & (c.document_frequency[c.tokens] <= (most or incidence.n))
        rows.append(owner[kept])
        columns.append(c.tokens[kept].astype(np.int64) + offset)
        offset += c.n_tokens
    row, column = np.concatenate([[], *rows]).astype(np.int64), np.concatenate([[], *columns]).astype(np.int64)
    return coo_matrix((np.ones(len(row), dtype=np.float32), (row, column)), (incidence.n, max(offset, 1))).tocsr()


def shared(incidence: Incidence, families: tuple[Family, ...], most: int = MOST_HOLDERS, least: int = 2) -> Shared:
    """All pairs that share at least `least` tokens."""
    channels = chosen(incidence, families)
    matrix = biadjacency(incidence, channels, most)
    parts = list(_pairs(matrix, least))
    left, right, count = (np.concatenate([np.zeros(0, dtype=np.int64), *(p[at] for p in parts)]) for at in range(3))
    heavy = [c.document_frequency > most for c in channels]
    size = np.zeros(incidence.n, dtype=np.int64)
    for c, stop in zip(channels, heavy, strict=True):
        owner = np.repeat(np.arange(incidence.n), np.diff(c.indptr))
        size += c.sizes - np.bincount(owner[stop[c.tokens]], minlength=incidence.n)
    vocabulary = sum(c.vocabulary for c in channels) - sum(int(stop.sum()) for stop in heavy)
    return Shared(left.astype(np.int32), right.astype(np.int32), count, size, vocabulary)


def _pairs(matrix: csr_matrix, least: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    transposed = matrix.T.tocsr()
    for first in range(0, matrix.shape[0], CHUNK):
        product = (matrix[first : first + CHUNK] @ transposed).tocoo()
        row = product.row.astype(np.int64) + first
        kept = (product.col > row) & (product.data >= least)
        yield row[kept], product.col[kept].astype(np.int64), product.data[kept].astype(np.int64)


def linked(pairs: Shared, weight: Floats, n: int, *, natural: float, least_rows: int) -> Scored:
    """Single linkage over weighted pairs: a row's score is the largest threshold at which it lies in a large component.

    `least_rows` of 2 makes the score the row's strongest edge. The groups are the components at the threshold
    `natural`, of at least `LEAST_ROWS` rows.
    """
    order = np.argsort(-weight, kind="stable")
    score = joined_at(pairs.left[order], pairs.right[order], weight[order], n, least_rows)
    kept = weight >= natural
    graph = coo_matrix((np.ones(int(kept.sum())), (pairs.left[kept], pairs.right[kept])), (n, n))
    labels = connected_components(graph, directed=False)[1].astype(np.int64)
    return Scored(score, sized(labels, LEAST_ROWS))


def communities(
    pairs: Shared, weight: Floats, keys: NDArray[np.uint64], *, natural: float, resolution: float = 1.0
) -> Scored:
    """Leiden communities of the pairs of weight `natural` or more; a row scores what its community does.

    A community's score is its inner weight divided by its rows, and a row's own strength orders it within. Nodes come
    in the order of the rows' keys, so that the partition does not depend on the order of the rows.
    """
    n, kept = len(keys), weight >= natural
    none = Scored(np.full(n, -np.inf), np.full(n, -1, dtype=np.int64))
    if not kept.any():
        return none
    rank = np.argsort(np.argsort(keys, kind="stable"), kind="stable")
    left, right, inner = rank[pairs.left[kept]], rank[pairs.right[kept]], weight[kept]
    graph = symmetric(np.minimum(left, right), np.maximum(left, right), inner, n)
    labels = labels_of(graph, resolution, modularity=True)
    within = labels[left] == labels[right]
    ends = np.concatenate([left[within], right[within]])
    strength = np.bincount(ends, weights=np.tile(inner[within], 2), minlength=n)
    rows = np.bincount(labels)
    density = np.bincount(labels, weights=strength) / rows
    score = density[labels] * (1.0 + 1e-6 * strength / max(strength.max(), 1e-300))
    group = sized(labels, LEAST_ROWS)
    return Scored(np.where(group >= 0, score, -np.inf)[rank], group[rank])
