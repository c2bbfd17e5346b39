"""The loops of splitting by templates: which wordings a group shares, and how alike its members' are. They release the
GIL."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.linkage.incidence import Floats, Indices, Ints

LEAST_SHARE_TO_SPLIT = 0.01
LEAST_LIFT = 8.0
OWN, OWN_MINED = 50, 5
"""Holders inside for one outside from which a wording is the group's own, and the same of a mined family, which takes
in who words alike by chance."""

LEAST_HOLDERS = 3
LEAST_COSINE = 0.1
"""Cosine of two members' wordings under which they are no link: the resolution at which parts are cut."""


@njit(cache=True, nogil=True)
def _held_at_home(home: Indices, distinct: int, indptr: Ints, tokens: Indices, slot: Indices) -> Ints:
    """How many of these rows hold each token that has a slot."""
    out = np.zeros(distinct, dtype=np.int64)
    for row in home:
        for at in range(indptr[row], indptr[row + 1]):
            if slot[tokens[at]] >= 0:
                out[slot[tokens[at]]] += 1
    return out


@njit(cache=True, nogil=True)
def shared_wordings(
    rows: Indices,
    home: Indices,
    exclusive: bool,
    indptr: Ints,
    tokens: Indices,
    holder_indptr: Ints,
    own_from: Ints,
    slot: Indices,
) -> tuple[Ints, Indices, Floats, int]:
    """Members x the tokens that the group shares, as CSR (ends of the rows, columns, weights), and how many columns.

    A token counts where three members, a hundredth of the group, and eight times the share outside hold it; where
    `exclusive`, only if hardly anybody outside of `home` does, the rows with what they came from. It weighs
    ln(1 + 1 / share inside): what all share separates nobody. `own_from[token]` is its channel's `OWN`. `slot` is a
    scratch array over tokens, all -1, and is left so.
    """
    n, members = len(indptr) - 1, len(rows)
    held = 0
    for row in rows:
        held += indptr[row + 1] - indptr[row]
    seen, within = np.empty(held, dtype=np.int32), np.zeros(held, dtype=np.int64)
    distinct = 0
    for row in rows:
        for at in range(indptr[row], indptr[row + 1]):
            if slot[tokens[at]] < 0:
                slot[tokens[at]] = distinct
                seen[distinct] = tokens[at]
                distinct += 1
            within[slot[tokens[at]]] += 1
    at_home = _held_at_home(home if exclusive else home[:0], distinct, indptr, tokens, slot)
    column, weight = np.full(distinct, -1, dtype=np.int32), np.empty(distinct)
    width = 0
    for place in range(distinct):
        inside = within[place]
        if inside < LEAST_HOLDERS:
            continue
        outside = holder_indptr[seen[place] + 1] - holder_indptr[seen[place]] - inside
        share, beyond = inside / members, (outside + 0.5) / max(n - members, 1)
        abroad = outside + inside - at_home[place]
        own = abroad <= max(1, at_home[place] // own_from[seen[place]])
        if share >= LEAST_SHARE_TO_SPLIT and share >= LEAST_LIFT * beyond and (own or not exclusive):
            column[place], weight[place] = width, np.log1p(members / inside)
            width += 1
    ends = np.zeros(members + 1, dtype=np.int64)
    columns, weights = np.empty(held, dtype=np.int32), np.empty(held)
    kept = 0
    for member in range(members):
        for at in range(indptr[rows[member]], indptr[rows[member] + 1]):
            place = slot[tokens[at]]
            if column[place] >= 0:
                columns[kept], weights[kept] = column[place], weight[place]
                kept += 1
        ends[member + 1] = kept
    slot[seen[:distinct]] = -1
    return ends, columns[:kept], weights[:kept], width


@njit(cache=True, nogil=True)
def to_unit_length(ends: Ints, weights: Floats) -> NDArray[np.bool_]:
    """Scale each row to length 1 in place, and say which rows hold anything."""
    some = np.zeros(len(ends) - 1, dtype=np.bool_)
    for row in range(len(ends) - 1):
        squares = 0.0
        for at in range(ends[row], ends[row + 1]):
            squares += weights[at] * weights[at]
        some[row] = squares > 0
        for at in range(ends[row], ends[row + 1]):
            weights[at] /= np.sqrt(squares)
    return some


@njit(cache=True, nogil=True)
def _by_column(chosen: Ints, ends: Ints, columns: Indices, weights: Floats, width: int) -> tuple[Ints, Indices, Floats]:
    """The chosen rows, numbered from 0, by column, as CSR: (starts, rows, weights)."""
    starts = np.zeros(width + 1, dtype=np.int64)
    for row in chosen:
        for at in range(ends[row], ends[row + 1]):
            starts[columns[at] + 1] += 1
    starts = np.cumsum(starts)
    holders, held, filled = np.empty(starts[-1], np.int32), np.empty(starts[-1]), starts[:-1].copy()
    for place in range(len(chosen)):
        for at in range(ends[chosen[place]], ends[chosen[place] + 1]):
            to = filled[columns[at]]
            holders[to], held[to] = place, weights[at]
            filled[columns[at]] += 1
    return starts, holders, held


@njit(cache=True, nogil=True)
def cosine_graph(
    chosen: Ints, ends: Ints, columns: Indices, weights: Floats, width: int
) -> tuple[Ints, Indices, Floats]:
    """The chosen rows of unit length as a graph, CSR without a diagonal: cosines of at least `LEAST_COSINE`."""
    size = len(chosen)
    starts, holders, held = _by_column(chosen, ends, columns, weights, width)
    alike = np.zeros((size, size))
    for column in range(width):
        for a in range(starts[column], starts[column + 1]):
            for b in range(starts[column], starts[column + 1]):
                if a != b:
                    alike[holders[a], holders[b]] += held[a] * held[b]
    indptr = np.zeros(size + 1, dtype=np.int64)
    for a in range(size):
        indptr[a + 1] = indptr[a] + (alike[a] >= LEAST_COSINE).sum()
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    for a in range(size):
        near = np.flatnonzero(alike[a] >= LEAST_COSINE)
        indices[indptr[a] : indptr[a + 1]] = near
        data[indptr[a] : indptr[a + 1]] = alike[a][near]
    return indptr, indices, data
