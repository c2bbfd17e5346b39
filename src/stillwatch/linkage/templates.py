"""Templates that a group shares, and the parts into which they split it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack

from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.leiden import labels_of
from stillwatch.records import Family

LEAST_SHARE = 0.05
LEAST_SHARE_TO_SPLIT = 0.01
LEAST_LIFT = 8.0
LEAST_HOLDERS = 3


@dataclass(frozen=True)
class SharedToken:
    """A token in which a group is enriched: its channel's name and dense id, holders inside and outside."""

    channel: str
    token: int
    inside: int
    outside: int


def shared_tokens(
    incidence: Incidence, rows: Indices, family: Family, least_share: float = LEAST_SHARE
) -> list[SharedToken]:
    """Tokens that the group shows and others hardly: at least 3 holders and 5 % of it, and 8 times the share
    outside."""
    inside = np.zeros(incidence.n, dtype=np.bool_)
    inside[rows] = True
    out: list[SharedToken] = []
    for channel in incidence.scored(family):
        within = channel.document_frequency(inside)
        beyond = channel.document_frequency(~inside)
        share = within / max(len(rows), 1)
        base = (beyond + 0.5) / max(incidence.n - len(rows), 1)
        kept = (within >= LEAST_HOLDERS) & (share >= least_share) & (share >= LEAST_LIFT * base)
        out += [SharedToken(channel.name, int(t), int(within[t]), int(beyond[t])) for t in np.flatnonzero(kept)]
    return out


def split_by_templates(incidence: Incidence, rows: Indices) -> list[Indices]:
    """Parts of a group that share templates with each other: Leiden on cosine similarity over shared content tokens.

    Members that hold no shared template belong to no part. Parts are in descending order of size.
    """
    held = _template_matrix(incidence, rows)
    if held.shape[1] == 0:
        return []
    norm = np.sqrt(np.asarray(held.multiply(held).sum(axis=1)).ravel())
    with_any = np.flatnonzero(norm > 0)
    if len(with_any) < 2:
        return []
    unit = csr_matrix(held[with_any].multiply(1.0 / norm[with_any][:, None]))
    graph = (unit @ unit.T).tocsr()
    graph.setdiag(0)
    graph.eliminate_zeros()
    graph.sort_indices()
    labels = labels_of(graph, 0.1, modularity=False)
    parts = [rows[with_any[labels == label]] for label in np.unique(labels)]
    return sorted(parts, key=lambda part: (-len(part), part.tolist()))


def _template_matrix(incidence: Incidence, rows: Indices) -> csr_matrix:
    """Members x shared content tokens, weighted by ln(1 + 1 / share inside): what all share separates nobody."""
    columns: list[csr_matrix] = []
    shared = shared_tokens(incidence, rows, Family.CONTENT, LEAST_SHARE_TO_SPLIT)
    for channel in incidence.scored(Family.CONTENT):
        mine = np.array([s.token for s in shared if s.channel == channel.name], dtype=np.int64)
        matrix = csr_matrix(
            (np.ones(len(channel.tokens)), channel.tokens, channel.indptr), (incidence.n, channel.n_tokens)
        )[rows][:, mine]
        share = np.asarray(matrix.sum(axis=0)).ravel() / max(len(rows), 1)
        columns.append(csr_matrix(matrix.multiply(np.log1p(1.0 / np.maximum(share, 1e-9)))))
    return csr_matrix(hstack(columns)) if columns else csr_matrix((len(rows), 0))
