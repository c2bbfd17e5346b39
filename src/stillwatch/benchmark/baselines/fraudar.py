"""FRAUDAR: the densest block of accounts and of what they share, weighted so that popular things count little.

Source: Hooi, Song, Beutel, Shah, Shin and Faloutsos, "FRAUDAR: Bounding Graph Fraud in the Face of Camouflage", KDD
2016. Density is the weight of edges inside divided by the nodes of both sides; a column of degree d weighs
1 / log(d + 5). Greedy peeling keeps at least half of the best density, in O(E log V). Further blocks: the edges of a
found block go, columns are weighed anew, and peeling starts again, as the authors' code does.
Added in the method's favour: within a block rows are ordered by their weight into it, so that an oracle may cut a block
short. Simplified: no prior suspicion of nodes. Rows are taken in the order of their keys, so ties do not depend on it.
Catches large lockstep groups. Evaded by staying smaller or sparser than the honest crowds (a campus, a product with
many customers), which are the densest blocks of ordinary traffic.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stillwatch.benchmark.baselines.kernels import peel
from stillwatch.benchmark.baselines.projection import EVERY, biadjacency, chosen
from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.linkage.incidence import Incidence
from stillwatch.records import Family

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCKS = 24
"""How many blocks are peeled, one after the other."""

INNER = 1e-6
"""How far the order within a block moves a score: never past another block's."""


def fraudar(
    incidence: Incidence, families: tuple[Family, ...] = EVERY, *, blocks: int = BLOCKS, most: int | None = None
) -> Scored:
    """Score each row by the density of the densest block that it stands in; groups are the blocks in which it first is.

    `most` leaves out tokens that more rows hold; None keeps all, as the paper does.
    """
    order = np.argsort(incidence.keys, kind="stable")
    graph = biadjacency(incidence, chosen(incidence, families), most)[order]
    score = np.full(incidence.n, -np.inf)
    group = np.full(incidence.n, -1, dtype=np.int64)
    for block in range(blocks):
        graph.eliminate_zeros()
        if graph.nnz == 0:
            break
        density, rows, strength, graph = densest(graph)
        value = density * (1.0 + INNER * strength / max(strength.max(), 1e-300))
        score[rows] = np.maximum(score[rows], value)
        group[rows[group[rows] < 0]] = block
    back = np.argsort(order, kind="stable")
    return Scored(score[back], group[back])


def densest(graph: csr_matrix) -> tuple[float, Ints, Floats, csr_matrix]:
    """The densest block that peeling finds: its density, its rows, their weight into it, and the graph without it."""
    used_rows, used_columns = np.flatnonzero(np.diff(graph.indptr)), np.unique(graph.indices)
    small = graph[used_rows][:, used_columns].tocsr()
    by_column = small.tocsc()
    n = small.shape[0]
    weight = 1.0 / np.log(np.diff(by_column.indptr) + 5.0)
    order, gone = peel(
        small.indptr.astype(np.int64), small.indices.astype(np.int32),
        by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32), weight,
    )  # fmt: skip
    kept = order[gone:]
    inside = np.zeros(n + small.shape[1], dtype=np.bool_)
    inside[kept] = True
    owner = np.repeat(np.arange(n), np.diff(small.indptr))
    within = inside[owner] & inside[n + small.indices]
    strength = np.bincount(owner[within], weights=weight[small.indices[within]], minlength=n).astype(np.float64)
    rest = csr_matrix(
        ((~within).astype(np.float32), (used_rows[owner], used_columns[small.indices])), shape=graph.shape
    )
    block = np.flatnonzero(inside[:n])
    return float(strength.sum() / len(kept)), used_rows[block].astype(np.int64), strength[block], rest
