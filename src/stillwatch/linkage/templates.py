"""Templates that a group shares, and the parts into which they split it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stillwatch.linkage.incidence import Channel, Floats, Incidence, Indices, Ints
from stillwatch.linkage.leiden import labels_of
from stillwatch.records import Family

LEAST_SHARE = 0.05
LEAST_SHARE_TO_SPLIT = 0.01
LEAST_SHARE_OWN = 0.01
LEAST_HOLDERS_OWN = 5
LEAST_LIFT = 8.0
OWN = 50
"""Holders inside for one outside from which a wording is the group's own."""

LEAST_HOLDERS = 3
LEAST_COSINE = 0.1
"""Cosine of two members' wordings under which they are no link: the resolution at which parts are cut."""

SAMPLE = 800
"""Rows of a large group that are clustered; the others are assigned. Bounds a cost that grows with the square."""


ALIKE = 0.35
"""Overlap of wordings from which two parts are one programme, whatever their size."""

ALIKE_SMALL = 0.15
"""The same where one of the two is small: a part of few members is mostly a paraphrase of its programme."""

SMALL_SHARE = 0.15
SMALL_MEMBERS = 8
"""A part is small below this share of the whole, or below this many members."""


@dataclass(frozen=True)
class SharedToken:
    """A token in which a group is enriched: its channel's name and dense id, holders inside and outside."""

    channel: str
    token: int
    inside: int
    outside: int

    @property
    def exclusive(self) -> bool:
        """Whether hardly anybody outside uses it: one for `OWN` inside, and one by chance."""
        return bool(_exclusive(np.array(self.inside), np.array(self.outside)))


def _exclusive(inside: Ints, outside: Ints) -> NDArray[np.bool_]:
    return np.asarray(outside <= np.maximum(1, inside // OWN))


def shared_tokens(
    incidence: Incidence, rows: Indices, family: Family, least_share: float = LEAST_SHARE
) -> list[SharedToken]:
    """Tokens that the group shows and others hardly: at least 3 holders and 8 times the share outside, and held by 5 %
    of the group, or by 5 members where hardly anybody outside holds them (one of a paraphraser's many wordings)."""
    out: list[SharedToken] = []
    for channel in incidence.scored(family):
        shared = _shared(incidence, channel, rows, least_share)
        out += [SharedToken(channel.name, *map(int, held)) for held in zip(*shared, strict=True)]
    return out


def _shared(incidence: Incidence, channel: Channel, rows: Indices, least_share: float) -> tuple[Indices, Ints, Ints]:
    """The shared tokens of one channel, ascending, with their holders inside and outside: see `shared_tokens`."""
    tokens, within = channel.counted(rows)
    beyond = channel.document_frequency[tokens] - within
    share = within / max(len(rows), 1)
    base = (beyond + 0.5) / max(incidence.n - len(rows), 1)
    own = (within >= LEAST_HOLDERS_OWN) & (share >= LEAST_SHARE_OWN) & (beyond * OWN <= within)
    kept = (within >= LEAST_HOLDERS) & ((share >= least_share) | own) & (share >= LEAST_LIFT * base)
    return tokens[kept], within[kept], beyond[kept]


def split_by_templates(incidence: Incidence, rows: Indices) -> list[Indices]:
    """Parts of a group that share templates with each other: Leiden on cosine similarity over shared content tokens.

    Members that hold no shared template belong to no part. Parts are in descending order of size. Of a large group a
    sample by the hash of the rows' keys is clustered, and every other row joins the part whose mean it is nearest to.
    """
    held = _template_matrix(incidence, rows)
    if held.shape[1] == 0:
        return []
    norm = np.sqrt(np.asarray(held.multiply(held).sum(axis=1)).ravel())
    with_any = np.flatnonzero(norm > 0)
    if len(with_any) < 2:
        return []
    unit = csr_matrix(held[with_any].multiply(1.0 / norm[with_any][:, None]))
    order = np.argsort(incidence.keys[rows[with_any]], kind="stable")
    sample = np.sort(order[:SAMPLE])
    found = _clustered(csr_matrix(unit[sample]))
    labels = np.full(len(with_any), -1, dtype=np.int64)
    labels[sample] = found
    rest = np.flatnonzero(labels < 0)
    if len(rest):
        parts = csr_matrix((np.ones(len(sample)), (found, np.arange(len(sample)))))
        near = csr_matrix(unit[rest] @ csr_matrix(parts @ unit[sample]).multiply(1.0 / parts.sum(axis=1)).T).toarray()
        labels[rest] = np.where(near.max(axis=1) > 0, near.argmax(axis=1), -1)
    parts_found = [rows[with_any[labels == label]] for label in np.unique(found)]
    return sorted(parts_found, key=lambda part: (-len(part), part.tolist()))


def remembered_parts(incidence: Incidence, rows: Indices, known: dict[bytes, list[Indices]]) -> list[Indices]:
    """`split_by_templates`, once for the same rows."""
    name = rows.tobytes()
    if name not in known:
        known[name] = split_by_templates(incidence, rows)
    return known[name]


def _clustered(unit: csr_matrix) -> Ints:
    """A label for each row of unit length."""
    graph = (unit @ unit.T).tocsr()
    graph.setdiag(0)
    graph.data[graph.data < LEAST_COSINE] = 0
    graph.eliminate_zeros()
    graph.sort_indices()
    return labels_of(graph, 0.1, modularity=False)


def programmes(incidence: Incidence, rows: Indices, known: dict[bytes, list[Indices]] | None = None) -> list[Indices]:
    """The programmes of work in a group: its parts by templates, joined where their wordings overlap.

    Paraphrase breaks one programme into many parts that overlap a little each; two programmes that one provider
    carries, or that use one public template, are two large parts that overlap a little. So small parts join at a
    smaller overlap (`ALIKE_SMALL`) than large ones (`ALIKE`). Only wordings that hardly anybody outside uses join:
    "answer as JSON" makes no programme. Largest first; members without a shared wording are in none. `known` remembers
    parts by templates.
    """
    parts = remembered_parts(incidence, rows, {} if known is None else known)
    if len(parts) < 2:
        return parts
    held = (_template_matrix(incidence, rows, exclusive=True) > 0).astype(np.float64).tocsr()
    shown = np.stack([np.asarray(held[np.searchsorted(rows, part)].mean(axis=0)).ravel() for part in parts])
    sizes = np.array([len(part) for part in parts])
    least = max(SMALL_MEMBERS, SMALL_SHARE * len(rows))
    label = np.arange(len(parts))
    alike = np.stack([_overlap(shown[at], shown) for at in range(len(parts))])
    while True:
        needed = np.where(np.minimum.outer(sizes, sizes) >= least, ALIKE, ALIKE_SMALL)
        merit = np.where(np.tri(len(sizes), k=-1).T > 0, alike / needed, 0.0)
        into, gone = np.unravel_index(int(np.argmax(merit)), merit.shape)
        if merit[into, gone] < 1.0:
            break
        label[label == gone] = into
        shown[into] = (sizes[into] * shown[into] + sizes[gone] * shown[gone]) / (sizes[into] + sizes[gone])
        sizes[into] += sizes[gone]
        sizes[gone] = 0
        alike[gone] = alike[:, gone] = 0.0
        alike[into] = alike[:, into] = np.where(sizes > 0, _overlap(shown[into], shown), 0.0)
    joined = [np.sort(np.concatenate([parts[at] for at in np.flatnonzero(label == k)])) for k in np.unique(label)]
    return sorted(joined, key=lambda part: (-len(part), part.tolist()))


def _overlap(one: Floats, others: Floats) -> Floats:
    """Of each pair's shares of members that show a wording: the common part, over the smaller one's sum."""
    least = np.minimum(one.sum(), others.sum(axis=1))
    return np.asarray(np.minimum(one, others).sum(axis=1) / np.maximum(least, 1e-9))


def _template_matrix(incidence: Incidence, rows: Indices, *, exclusive: bool = False) -> csr_matrix:
    """Members x shared content tokens, weighted by ln(1 + 1 / share inside): what all share separates nobody."""
    members: list[Ints] = []
    columns: list[Ints] = []
    weights: list[Floats] = []
    width = 0
    for channel in incidence.scored(Family.CONTENT):
        tokens, within, beyond = _shared(incidence, channel, rows, LEAST_SHARE_TO_SPLIT)
        if exclusive:
            own = _exclusive(within, beyond)
            tokens, within = tokens[own], within[own]
        if len(tokens) == 0:
            continue
        held = channel.tokens[channel.places(rows)]
        column = np.searchsorted(tokens, held)
        found = tokens[np.minimum(column, len(tokens) - 1)] == held
        members.append(np.repeat(np.arange(len(rows)), channel.sizes_of(rows))[found])
        columns.append(column[found] + width)
        weights.append(np.log1p(len(rows) / within)[column[found]])
        width += len(tokens)
    if width == 0:
        return csr_matrix((len(rows), 0))
    at = (np.concatenate(members), np.concatenate(columns))
    return csr_matrix((np.concatenate(weights), at), (len(rows), width))
