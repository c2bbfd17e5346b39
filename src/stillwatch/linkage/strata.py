"""Within which rows are exchangeable: strata of region, tier, age band and the row's own size in a family.

Every input is invariant under a permutation of one family's rows within these strata; so is the answer.
"""

import numpy as np

from stillwatch.linkage.incidence import Incidence, Indices, Ints
from stillwatch.records import Family

LEAST_STRATUM = 40
"""Rows below which a stratum is joined with its kin at the next coarser level."""


def strata_of(incidence: Incidence, family: Family, which: int) -> Indices:
    """Dense stratum codes of all rows for one family under one of the incidence's stratifications.

    Levels from fine to coarse: all attributes with the decile of |S^F|; then attributes dropped from the last; then
    the decile; the quintile; half; all. A row stays at the finest level at which its cell has `LEAST_STRATUM` rows.
    """
    size = np.zeros(incidence.n, dtype=np.int64)
    for channel in incidence.scored(family):
        size += channel.sizes
    attributes = incidence.stratifications[which] if incidence.stratifications else ()
    levels = [
        _cells([*(codes.astype(np.int64) for codes in attributes[:kept]), _quantiles(size, 10)])
        for kept in range(len(attributes), -1, -1)
    ]
    levels += [_quantiles(size, 5), _quantiles(size, 2), np.zeros(incidence.n, dtype=np.int64)]
    return _finest(levels)


def _quantiles(size: Ints, parts: int) -> Ints:
    """Which part of the sorted sizes a size falls in; equal sizes share a part; empty rows stand apart."""
    held = size[size > 0]
    if len(held) == 0:
        return np.zeros(len(size), dtype=np.int64)
    edges = np.unique(np.quantile(held, np.linspace(0, 1, parts + 1)[1:-1], method="lower"))
    return np.where(size > 0, 1 + np.searchsorted(edges, size, side="left"), 0)


def _cells(codes: list[Ints]) -> Ints:
    """One code for each distinct combination."""
    if not codes:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def _finest(levels: list[Ints]) -> Indices:
    """Fix rows level by level where their cell, among rows not yet fixed, is large enough; the rest join the last."""
    n = len(levels[0])
    out = np.full(n, -1, dtype=np.int64)
    base = 0
    for level in levels:
        open_rows = np.flatnonzero(out < 0)
        if len(open_rows) == 0:
            break
        counts = np.bincount(level[open_rows], minlength=int(level.max()) + 1)
        large = open_rows[counts[level[open_rows]] >= LEAST_STRATUM]
        out[large] = base + level[large]
        base += int(level.max()) + 1
    out[out < 0] = base
    return np.unique(out, return_inverse=True)[1].astype(np.int32)
