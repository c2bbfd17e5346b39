"""Within which rows are exchangeable: strata of region, tier, age band and the row's own size in a family.

Every input is invariant under a permutation of one family's rows within these strata; so is the answer.
"""

import numpy as np

from stillwatch.linkage.incidence import Incidence, Indices, Ints
from stillwatch.records import Family
from stillwatch.stats import distinct

LEAST_STRATUM = 40
"""Rows below which a stratum is joined with its kin at the next coarser level."""

PARTS = 10


def strata_of(incidence: Incidence, family: Family, which: int) -> Indices:
    """Dense stratum codes of all rows for one family under one of the incidence's stratifications.

    Sizes |S^F| fall into parts, about tenths, that depend on all sizes together. Within a part, from fine to coarse:
    all attributes; then attributes dropped from the last; then the part alone. A row stays at the finest level at which
    its cell has `LEAST_STRATUM` rows; whoever is left in a part stands together. No stratum joins parts: what moves
    within strata then moves to rows of the same part, so that every count, and with it every stratum, stays.
    """
    size = np.zeros(incidence.n, dtype=np.int64)
    for channel in incidence.scored(family):
        size += channel.sizes
    return strata_by(size, incidence.stratifications[which] if incidence.stratifications else ())


def strata_by(size: Ints, attributes: tuple[Indices, ...]) -> Indices:
    """The same for rows of any size: `attributes` are codes of all rows, the most important first."""
    part = _parts(size)
    levels = [
        _cells([*(codes.astype(np.int64) for codes in attributes[:kept]), part])
        for kept in range(len(attributes), 0, -1)
    ]
    return _finest(levels, part)


def _parts(size: Ints) -> Ints:
    """About tenths of the sizes, each of `LEAST_STRATUM` rows or more. Equal sizes share one; empty rows are apart."""
    held = np.sort(size[size > 0])
    out = np.zeros(len(size), dtype=np.int64)
    if len(held) == 0:
        return out
    edges: list[int] = []
    begun = 0
    for edge in distinct(np.quantile(held, np.linspace(0, 1, PARTS + 1)[1:-1], method="lower")):
        ended = int(np.searchsorted(held, edge, side="right"))
        if ended - begun >= LEAST_STRATUM and len(held) - ended >= LEAST_STRATUM:
            edges.append(int(edge))
            begun = ended
    return np.where(size > 0, 1 + np.searchsorted(np.array(edges, dtype=np.int64), size, side="left"), 0)


def _cells(codes: list[Ints]) -> Ints:
    """One code for each distinct combination."""
    if not codes:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def _finest(levels: list[Ints], last: Ints) -> Indices:
    """Fix rows level by level where their cell, among rows not yet fixed, is large enough; the rest stand by `last`."""
    out = np.full(len(last), -1, dtype=np.int64)
    base = 0
    for level in levels:
        open_rows = np.flatnonzero(out < 0)
        if len(open_rows) == 0:
            break
        counts = np.bincount(level[open_rows], minlength=int(level.max()) + 1)
        large = open_rows[counts[level[open_rows]] >= LEAST_STRATUM]
        out[large] = base + level[large]
        base += int(level.max()) + 1
    out = np.where(out < 0, base + last, out)
    return np.unique(out, return_inverse=True)[1].astype(np.int32)
