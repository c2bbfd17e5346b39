"""Groups of sparse graphs by Leiden, and by Louvain where they are large: the same graph gives the same partition, on
every run and machine."""

import graspologic_native
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from stillwatch.louvain_kernel import louvain

Floats = NDArray[np.float64]

LARGE = 1 << 17
"""Nodes above which groups are found by Louvain: Leiden's time grows faster than the graph."""

ROUNDS, ENOUGH = 2, 1e-4
"""Rounds of Louvain, and the share of the graph's weight that another must gain."""


def symmetric(left: NDArray[np.int64], right: NDArray[np.int64], weight: Floats, n: int) -> csr_matrix:
    """The adjacency matrix of undirected weighted edges, each given once."""
    both = coo_matrix(
        (np.concatenate([weight, weight]), (np.concatenate([left, right]), np.concatenate([right, left]))), (n, n)
    )
    graph = both.tocsr()
    graph.sort_indices()
    return graph


def labels_of(graph: csr_matrix, resolution: float, *, modularity: bool) -> NDArray[np.int64]:
    """One label a node: see `labels_of_csr`."""
    return labels_of_csr(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data, resolution, modularity=modularity
    )


def labels_of_csr(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], weights: Floats, resolution: float, *, modularity: bool
) -> NDArray[np.int64]:
    """One label a node. The seed is fixed and the node order canonical: the same graph gives the same partition."""
    n = len(indptr) - 1
    if len(indices) == 0:
        return np.arange(n, dtype=np.int64)
    if n > LARGE:
        return _labels_of_large(indptr, indices, weights, resolution, modularity=modularity)
    _, partition = graspologic_native.leiden_csr(
        indptr, indices, weights, n, resolution=resolution, use_modularity=modularity, iterations=1, seed=1
    )
    return np.fromiter((partition[node] for node in range(n)), dtype=np.int64, count=n)


def _labels_of_large(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], weights: Floats, resolution: float, *, modularity: bool
) -> NDArray[np.int64]:
    """The same by Louvain. Modularity measures a group by the strengths of its nodes, CPM by their number."""
    total = float(weights.sum())
    size, share = np.ones(len(indptr) - 1), resolution
    if modularity:
        edges = np.concatenate([[0.0], np.cumsum(weights)])
        size, share = edges[indptr[1:]] - edges[indptr[:-1]], resolution / total
    return louvain(indptr, indices, weights, size, share, ENOUGH * total, ROUNDS).astype(np.int64)
