"""Texts as vectors, their nearest neighbours, and clusters of those as tokens."""

import re
from collections.abc import Sequence

import graspologic_native
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, diags

from paraphrase.nats import Tokens

NEAREST = 20
"""Neighbours that a text keeps."""
RESOLUTION = 0.05
CHUNK = 1_000
WORDS = re.compile(r"\w\w+")
COMMON = 0.15
"""A word of more texts than this share tells nothing apart."""


def tfidf(texts: Sequence[str]) -> csr_matrix:
    """Rows of length one: 1 + ln(count) times ln(n / texts that have the word)."""
    numbers: dict[str, int] = {}
    rows, columns = [], []
    for row, text in enumerate(texts):
        for word in WORDS.findall(text.lower()):
            rows.append(row)
            columns.append(numbers.setdefault(word, len(numbers)))
    shape = (len(texts), max(len(numbers), 1))
    counts = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    counts.data = 1 + np.log(counts.data)
    having = np.bincount(counts.indices, minlength=shape[1])
    weight = np.where(having <= max(COMMON * shape[0], 2), np.log(shape[0] / np.maximum(having, 1)), 0.0)
    weighted = (counts @ diags(weight.astype(np.float32))).tocsr()
    weighted.eliminate_zeros()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return (diags(1.0 / np.maximum(length, 1e-9)) @ weighted).tocsr().astype(np.float32)


def nearest(vectors: csr_matrix | NDArray[np.float32], least: float) -> tuple[NDArray, NDArray, NDArray]:
    """Pairs (left < right) of rows among each other's NEAREST with a cosine of at least so much."""
    n = vectors.shape[0]
    left, right, alike = [], [], []
    turned = vectors.T.tocsc() if isinstance(vectors, csr_matrix) else vectors.T
    for start in range(0, n, CHUNK):
        part = vectors[start : start + CHUNK] @ turned
        close = part.toarray() if isinstance(part, csr_matrix) or hasattr(part, "toarray") else part
        close[np.arange(len(close)), start + np.arange(len(close))] = -1.0
        best = np.argpartition(close, -min(NEAREST, n - 1), axis=1)[:, -min(NEAREST, n - 1) :]
        value = np.take_along_axis(close, best, 1)
        row, column = np.nonzero(value >= least)
        left.append(start + row)
        right.append(best[row, column])
        alike.append(value[row, column])
    a, b = np.concatenate(left), np.concatenate(right)
    low, high = np.minimum(a, b), np.maximum(a, b)
    _, first = np.unique(low * n + high, return_index=True)
    return low[first], high[first], np.concatenate(alike)[first].astype(np.float64)


def clustered(
    entity: NDArray[np.integer], vectors: csr_matrix | NDArray[np.float32], thresholds: Sequence[float]
) -> list[Tokens]:
    """One channel a threshold: clusters of two texts and more, by Leiden with CPM on the neighbours above it."""
    left, right, alike = nearest(vectors, min(thresholds))
    given = []
    for threshold in thresholds:
        kept = alike >= threshold
        labels = communities(left[kept], right[kept], alike[kept], len(entity))
        shared = np.bincount(labels, minlength=len(entity))[labels] > 1
        given.append((np.asarray(entity)[shared], labels[shared]))
    return given


def communities(left: NDArray, right: NDArray, alike: NDArray, n: int) -> NDArray[np.int64]:
    """A label for each of n texts: Leiden with CPM, seed fixed."""
    if not len(left):
        return np.arange(n)
    both = (np.concatenate([left, right]), np.concatenate([right, left]))
    graph = coo_matrix((np.concatenate([alike, alike]), both), (n, n)).tocsr()
    graph.sort_indices()
    places = (graph.indptr.astype(np.int64), graph.indices.astype(np.int32))
    _, found = graspologic_native.leiden_csr(
        *places, graph.data, n, resolution=RESOLUTION, use_modularity=False, iterations=1, seed=1
    )
    return np.fromiter((found[node] for node in range(n)), dtype=np.int64, count=n)
