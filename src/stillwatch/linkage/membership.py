"""Who belongs to a confirmed group: posterior membership by all families, and the split by shared templates.

Outside the guarantee: the e-value belongs to the tested core. Not calibrated until it is fitted on reviewed cases.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from stillwatch.linkage.clusters import labels_of
from stillwatch.linkage.confirm import FamilyMatrix, family_matrix
from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices
from stillwatch.linkage.kernels import member_log_ratios
from stillwatch.linkage.pairs import popularity
from stillwatch.records import Family

ROUNDS = 12
CAP = 9.0
"""Most nats that one family may add to or take from a membership: tokens of one row depend on each other."""

LEAST_SHARE = 0.05
LEAST_LIFT = 8.0
LEAST_HOLDERS = 3


@dataclass(frozen=True)
class Membership:
    """Posterior log-odds of membership over all entities that share anything with the group.

    `ratios[:, f]` is the capped log-likelihood ratio of family `families[f]`; `log_odds` adds them to the prior
    ln(|C| / N). `rows` ascend.
    """

    rows: Indices
    log_odds: Floats
    ratios: Floats
    families: tuple[Family, ...]

    def of(self, family: Family) -> Floats:
        """One family's ratios; zeros where the family is blind."""
        if family not in self.families:
            return np.zeros(len(self.rows))
        return np.asarray(self.ratios[:, self.families.index(family)])


def membership(
    incidence: Incidence, core: Indices, families: tuple[Family, ...], matrices: list[FamilyMatrix]
) -> Membership:
    """Expectation-maximisation from a core to convergence, the group left out of popularity, own tokens left out.

    Content and work count once: content's ratio, plus work's where work has one to add.
    """
    inside = np.zeros(incidence.n, dtype=np.bool_)
    inside[core] = True
    weight = inside.astype(np.float64)
    everyone = np.arange(incidence.n, dtype=np.int32)
    ratios = np.zeros((incidence.n, len(families)))
    log_odds = np.zeros(incidence.n)
    for _ in range(ROUNDS):
        for place, family in enumerate(families):
            matrix = _seen_from_outside(matrices[place], incidence.scored(family), inside)
            ratios[:, place] = np.clip(_ratios(matrix, everyone, inside, weight), -CAP, CAP)
        log_odds = ratios.sum(axis=1) + np.log(max(weight.sum(), 1.0) / incidence.n)
        renewed = log_odds >= 0
        weight = np.where(renewed, 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))), 0.0)
        if (renewed == inside).all() or not renewed.any():
            break
        inside = renewed
    rows = np.flatnonzero(log_odds > -3.0).astype(np.int32)
    return Membership(rows, log_odds[rows], ratios[rows], families)


def matrices_of(incidence: Incidence, families: tuple[Family, ...]) -> list[FamilyMatrix]:
    """Each family's matrix: made once, used for every group."""
    return [family_matrix(incidence.scored(family)) for family in families]


def _seen_from_outside(matrix: FamilyMatrix, channels: tuple[Channel, ...], inside: NDArray[np.bool_]) -> FamilyMatrix:
    """The same matrix with popularity counted outside of the group."""
    return replace(matrix, frequency=np.concatenate([popularity(c, ~inside) for c in channels]))


def _ratios(matrix: FamilyMatrix, rows: Indices, inside: NDArray[np.bool_], weight: Floats) -> Floats:
    return np.asarray(
        member_log_ratios(
            rows, inside, weight, matrix.indptr, matrix.tokens, matrix.channel_of, matrix.frequency,
            matrix.mean_sizes, matrix.sizes, len(inside),
        )
    )  # fmt: skip


@dataclass(frozen=True)
class SharedToken:
    """A token in which a group is enriched: its channel's name and dense id, holders inside and outside."""

    channel: str
    token: int
    inside: int
    outside: int


def shared_tokens(incidence: Incidence, rows: Indices, family: Family) -> list[SharedToken]:
    """Tokens that the group shows and others hardly: at least 3 holders and 5 % of it, and 8 times the share outside."""
    inside = np.zeros(incidence.n, dtype=np.bool_)
    inside[rows] = True
    out: list[SharedToken] = []
    for channel in incidence.scored(family):
        within = channel.document_frequency(inside)
        beyond = channel.document_frequency(~inside)
        share = within / max(len(rows), 1)
        base = (beyond + 0.5) / max(incidence.n - len(rows), 1)
        kept = (within >= LEAST_HOLDERS) & (share >= LEAST_SHARE) & (share >= LEAST_LIFT * base)
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
    shared = shared_tokens(incidence, rows, Family.CONTENT)
    for channel in incidence.scored(Family.CONTENT):
        mine = np.array([s.token for s in shared if s.channel == channel.name], dtype=np.int64)
        matrix = csr_matrix(
            (np.ones(len(channel.tokens)), channel.tokens, channel.indptr), (incidence.n, channel.n_tokens)
        )[rows][:, mine]
        share = np.asarray(matrix.sum(axis=0)).ravel() / max(len(rows), 1)
        columns.append(csr_matrix(matrix.multiply(np.log1p(1.0 / np.maximum(share, 1e-9)))))
    return csr_matrix(hstack(columns)) if columns else csr_matrix((len(rows), 0))
