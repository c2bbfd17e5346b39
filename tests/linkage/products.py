"""The kernel's product by itself, as the tests of its guarantee ask for it: no order is left out or counts as zero."""

import numpy as np

from stillwatch.linkage.confirm_kernel import batch_ends, prequential, shuffled
from stillwatch.linkage.incidence import Floats, Incidence, Indices, Ints
from stillwatch.linkage.matrix import FamilyMatrix

ORDERS = 8


def products(
    world: Incidence, group: Indices, matrix: FamilyMatrix, strata: Indices, *,
    most: int = 512, ends: Ints | None = None, orders: int = ORDERS,
) -> Floats:  # fmt: skip
    """ln E for each order and betting fraction, against at most so many rows of a stratum beside the group's own."""
    tokens, n = len(matrix.channel_of), world.n
    borders = np.concatenate([[0], np.cumsum(np.bincount(strata))]).astype(np.int64)
    rows = np.lexsort((world.keys, strata)).astype(np.int32)
    rank = np.argsort(rows) - borders[strata]
    return np.stack(
        [
            prequential(
                group[shuffled(world.keys[group], order)], batch_ends(len(group)) if ends is None else ends,
                n / len(group), most,
                matrix.indptr, matrix.tokens, matrix.channel_of, matrix.chance, matrix.odds, len(matrix.sizes),
                matrix.holder_indptr, matrix.holders, matrix.holder_odds,
                strata, borders, rows, rank, np.zeros(len(borders) - 1),
                np.zeros(tokens, np.int32), np.full(tokens, -1, np.int32), np.zeros(n, np.bool_),
                np.full(n, -1, np.int32), np.full(n, np.nan),
            )
            for order in range(orders)
        ]
    )  # fmt: skip
