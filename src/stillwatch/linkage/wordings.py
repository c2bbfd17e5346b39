"""Candidates from content alone: the rows that share the tokens of one wording.

A pair of accounts that share one template of many holders says little, and covered, paraphrased campaigns are many such
pairs; the template's holders together are the campaign. A wording shows in several tokens (head, tail, sentences) with
nearly the same holders: tokens are joined where their holders are alike, by MinHash, and whoever holds two tokens of
three or more is proposed. A mined family stands for many wordings: it is a wording by itself, and whoever shows it is
proposed. Nothing but content is read, so every other family may confirm. Catches templates that a
share of the members' exchanges bear. Evaded by wordings of which no three tokens survive in eight accounts.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from stillwatch.linkage.incidence import Incidence, Indices, Ints
from stillwatch.linkage.kernels import alike_sets
from stillwatch.records import MINED_CHANNELS, Family

LEAST_HOLDERS = 8
MOST_COMMON = 0.05
"""Rows, and the share of all rows, between which a token's holders may be a campaign."""

LEAST_TOKENS = 3
SHOWN = 2
"""Tokens that make a wording, and of them those that a row must hold: one shared phrase is no wording."""

ALIKE = 0.5
"""Jaccard similarity of two tokens' holders from which both are of one wording."""

HASHES = 8
"""MinHashes of a token's holders: of two tokens as alike as `ALIKE`, 1 - .5^8 have one in common."""


def wording_groups(incidence: Incidence) -> list[Indices]:
    """For each wording the linkable rows that show it, ascending; wordings in the order of their first tokens."""
    tokens, holders, mined = _rare(incidence)
    if tokens == 0:
        return []
    left, right = alike_sets(holders.indptr.astype(np.int64), holders.indices, incidence.keys, HASHES, ALIKE)
    graph = coo_matrix((np.ones(len(left)), (left, right)), (tokens, tokens))
    label = connected_components(graph, directed=False)[1]
    wide = np.flatnonzero(np.bincount(label) >= LEAST_TOKENS)
    wording = np.full(label.max() + 1, -1, np.int64)
    wording[wide] = np.arange(len(wide))
    shown = _shown(incidence, holders, wording[label], len(wide), SHOWN)
    return shown + _shown(incidence, holders, np.where(mined, np.cumsum(mined) - 1, -1), int(mined.sum()), 1)


def _shown(incidence: Incidence, holders: csr_matrix, wording: Ints, count: int, least: int) -> list[Indices]:
    """The linkable rows of each wording that hold `least` of its tokens."""
    kept = np.flatnonzero(wording >= 0)
    member = csr_matrix((np.ones(len(kept), np.int32), (wording[kept], kept)), (count, holders.shape[0]))
    held = csr_matrix(member @ holders)
    linkable = incidence.linkable()
    groups = (held.indices[a:b][held.data[a:b] >= least] for a, b in zip(held.indptr, held.indptr[1:], strict=False))
    return [np.sort(rows[linkable[rows]]).astype(np.int32) for rows in groups]


def _rare(incidence: Incidence) -> tuple[int, csr_matrix, NDArray[np.bool_]]:
    """Tokens x rows of the content channels, tokens that are too rare or too common left out; how many are left, and
    which of them are mined."""
    tokens, rows, width, mined = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0, [np.zeros(0, np.bool_)]
    for channel in incidence.scored(Family.CONTENT):
        df = channel.document_frequency
        rare = (df >= LEAST_HOLDERS) & (df <= max(MOST_COMMON * incidence.n, LEAST_HOLDERS))
        place = np.cumsum(rare) - 1 + width
        kept = rare[channel.tokens]
        tokens.append(place[channel.tokens[kept]])
        rows.append(np.repeat(np.arange(incidence.n), np.diff(channel.indptr))[kept])
        width += int(rare.sum())
        mined.append(np.full(int(rare.sum()), channel.name in MINED_CHANNELS))
    at = (np.concatenate(tokens), np.concatenate(rows))
    held = csr_matrix((np.ones(len(at[0]), np.int32), at), (width, incidence.n))
    return width, held, np.concatenate(mined)
