"""Template families by mining: what recurs in an entity's own prompts is its instruction; instructions that are alike
are one family, whatever their wording.

Three channels of the one content family. `fine` and `coarse` merge instructions over entities: stems weighed by how few
entities' instructions hold them, nearest neighbours by cosine, Leiden with CPM. `profile` merges entities by the stems
that recur in their prompts far more often than in everybody's, and so finds an instruction that is worded anew in each
exchange. All of it reads keyed hashes. Evaded by a new wording in each exchange under nine tenths of cover, and by
another language for each account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.content.mining_kernel import LEAST_RECURRING, Mined, mine, named
from stillwatch.content.neighbours import Floats, Ints, Places, nearest, unit_rows
from stillwatch.leiden import labels_of, symmetric
from stillwatch.stats import distinct, distinct_pairs

Hashes = NDArray[np.uint64]
Words = NDArray[np.uint32]

COARSE, FINE = (0.3, 0.02), (0.4, 0.05)
"""Cosine from which instructions are neighbours, and the density of a family (CPM's resolution): decision 0023."""

PROFILE = (0.2, 0.05)
"""The same of entities' profiles."""

LEAST_SHOWN, SHOWN = 2, 0.25
"""Stems of a profile that a prompt has in common with the family's, and their share of the entity's profile, from which
it shows the family."""

LEAST_HELD = 0.2
"""Share of a family's entities whose profile holds a stem that is the family's."""


AT_ONCE = 1 << 24
"""Stems of a sample that are counted together."""


@dataclass(frozen=True)
class Prompts:
    """A sample of prompts, entity by entity. Prompt p has the stems ends[p]:ends[p + 1], each with a hash of itself and
    what follows it."""

    entity: Places
    ends: Ints
    stems: Words
    pairs: NDArray[np.uint16]


@dataclass(frozen=True)
class Shown:
    """Which prompts show which family, by place in `Prompts`."""

    channel: str
    prompt: Ints
    token: Hashes


def families(prompts: Prompts) -> list[Shown]:
    """The families that at least two entities show. The same prompts give the same families, whatever stands in their
    neighbours' place."""
    if not len(prompts.stems):
        return []
    return [*_instructions(prompts), *_profiles(prompts)]


def _instructions(prompts: Prompts) -> list[Shown]:
    mined = mine(prompts.entity, prompts.ends, prompts.stems, prompts.pairs)
    if not len(mined.entity):
        return []
    prompt = np.flatnonzero(mined.of >= 0)
    out: list[Shown] = []
    for channel, token in merged(mined, len(distinct(prompts.entity))).items():
        shown = prompt[token[mined.of[prompt]] > 0]
        out.append(Shown(channel, shown, token[mined.of[shown]]))
    return out


def merged(mined: Mined, entities: int) -> dict[str, Hashes]:
    """Each instruction's family in either channel, 0 where no other entity is in it. `entities` counts those who asked
    anything."""
    stem, column = np.unique(mined.stems, return_inverse=True)
    vectors = _instruction_vectors(mined, column.astype(np.int32), len(stem), entities)
    names = named(mined.ends, mined.stems)
    nodes = _nodes(mined.ends, column.astype(np.int32), vectors, names)
    left, right, cosine = nearest(nodes.ends, nodes.column, nodes.weight, len(stem), min(COARSE[0], FINE[0]))
    out: dict[str, Hashes] = {}
    for channel, (alike, density) in (("fine", FINE), ("coarse", COARSE)):
        near = cosine >= alike
        label = labels_of(symmetric(left[near], right[near], cosine[near], nodes.n), density, modularity=False)
        out[channel] = _tokens(label[nodes.of], mined.entity, names)
    return out


@dataclass(frozen=True)
class _Nodes:
    """Distinct vectors as CSR, in the order of their names, and which of them each vector is."""

    ends: Ints
    column: Places
    weight: Floats
    of: Ints

    @property
    def n(self) -> int:
        return len(self.ends) - 1


def _nodes(ends: Ints, column: Places, weight: Floats, names: Hashes) -> _Nodes:
    """Vectors with one name have the same columns: they are one node, their mean. So the holders of one instruction are
    together however many they are, and no order of entities decides between equals."""
    _, first, place, size = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
    starts = np.zeros(len(first) + 1, np.int64)
    np.cumsum(np.diff(ends)[first], out=starts[1:])
    owner = np.repeat(np.arange(len(names)), np.diff(ends))
    at = starts[place[owner]] + np.arange(len(column)) - ends[owner]
    columns = np.zeros(int(starts[-1]), np.int32)
    columns[at] = column
    total = np.bincount(at, weights=weight, minlength=int(starts[-1]))
    return _Nodes(starts, columns, unit_rows(starts, total / np.repeat(size, np.diff(starts))), place.astype(np.int64))


def _instruction_vectors(mined: Mined, column: Places, width: int, entities: int) -> Floats:
    """Unit vectors of instructions: a stem's share of the prompts, and how few of all entities hold it in theirs."""
    entity = np.repeat(mined.entity, np.diff(mined.ends)).astype(np.int64)
    held = distinct(entity * width + column) % width
    rare = np.log((entities + 1.0) / (np.bincount(held, minlength=width) + 0.5))
    return unit_rows(mined.ends, np.sqrt(mined.shares) * np.maximum(rare, 0.0)[column])


def _tokens(label: Ints, entity: Places, names: Hashes) -> Hashes:
    """Each node's token, the least name in its community; 0 where one entity alone is in it."""
    size = int(label.max()) + 1
    least = np.full(size, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, label, names)
    shared = np.bincount(distinct_pairs(label, entity)[0], minlength=size) > 1
    return np.where(shared[label], np.maximum(least[label], np.uint64(1)), np.uint64(0))


@dataclass(frozen=True)
class _Profiles:
    """Entities x stems as CSR over `entity`, weighed; the stem of each column."""

    entity: Places
    ends: Ints
    column: Places
    weight: Floats
    stem: Words

    @property
    def width(self) -> int:
        return len(self.stem)


def _profiles(prompts: Prompts) -> list[Shown]:
    known = _profile_vectors(prompts)
    if not len(known.column):
        return []
    unit = unit_rows(known.ends, known.weight)
    names = named(known.ends, known.stem[known.column])
    nodes = _nodes(known.ends, known.column, unit, names)
    left, right, cosine = nearest(nodes.ends, nodes.column, nodes.weight, known.width, PROFILE[0])
    label = labels_of(symmetric(left, right, cosine, nodes.n), PROFILE[1], modularity=False)[nodes.of]
    token = _tokens(label, known.entity, names)
    prompt = _showing(prompts, known, label)
    place = np.searchsorted(known.entity, prompts.entity[prompt])
    kept = token[place] > 0
    return [Shown("profile", prompt[kept], token[place[kept]])]


def _profile_vectors(prompts: Prompts) -> _Profiles:
    """A stem's weight in an entity: count x ln(share of its prompts / mean share over all entities), less the ln of
    how many prompts could have shown it by chance; its root."""
    entity, size = np.unique(prompts.entity, return_counts=True)
    stem = _distinct_stems(prompts)
    every, recurring = np.zeros(len(stem)), []
    for run in _runs(prompts):
        row, column, count = _cells(prompts, run, entity, stem)
        share = count / size[row]
        every += np.bincount(column, weights=share, minlength=len(stem))
        again = count >= LEAST_RECURRING
        recurring.append((row[again], column[again], count[again], share[again]))
    row, column, count, share = (np.concatenate(parts) for parts in zip(*recurring, strict=True))
    usual = (every[column] - share + 0.5 / len(entity)) / max(len(entity) - 1, 1)
    weight = count * np.log(np.maximum(share / usual, 1.0)) - np.log(size[row])
    kept = weight > 0.0
    ends = np.zeros(len(entity) + 1, np.int64)
    np.cumsum(np.bincount(row[kept], minlength=len(entity)), out=ends[1:])
    return _Profiles(entity.astype(np.int32), ends, column[kept].astype(np.int32), np.sqrt(weight[kept]), stem)


def _distinct_stems(prompts: Prompts) -> Words:
    """The stems of all prompts, ascending."""
    found = np.zeros(0, np.uint32)
    for first, last in _runs(prompts):
        found = distinct(np.concatenate([found, distinct(prompts.stems[prompts.ends[first] : prompts.ends[last]])]))
    return found


def _cells(prompts: Prompts, run: tuple[int, int], entity: Places, stem: Words) -> tuple[Ints, Ints, Ints]:
    """Of a run of prompts which entity shows which stem, by place in both, and in how many prompts."""
    first, last = run
    of_stem = np.searchsorted(stem, prompts.stems[prompts.ends[first] : prompts.ends[last]])
    place = np.searchsorted(entity, prompts.entity[first:last])
    cell, count = np.unique(
        np.repeat(place, np.diff(prompts.ends[first : last + 1])) * len(stem) + of_stem, return_counts=True
    )
    return cell // len(stem), cell % len(stem), count


def _runs(prompts: Prompts) -> Iterator[tuple[int, int]]:
    """Runs of prompts [first, last) of whole entities with some AT_ONCE stems together."""
    begun = np.flatnonzero(np.append(True, prompts.entity[1:] != prompts.entity[:-1]))
    part = prompts.ends[begun] // AT_ONCE
    edges = [*begun[np.append(True, part[1:] != part[:-1])].tolist(), len(prompts.entity)]
    yield from pairwise(edges)


def _showing(prompts: Prompts, known: _Profiles, label: Ints) -> Ints:
    """The prompts that show their entity's family: stems that the entity's profile and the family's have in common."""
    row = np.repeat(np.arange(len(known.entity), dtype=np.int64), np.diff(known.ends))
    cell, count = np.unique(label[row] * known.width + known.column, return_counts=True)
    members = np.bincount(label)
    common = cell[(count >= 2) & (count >= LEAST_HELD * members[cell // known.width])]
    own = label[row] * known.width + known.column
    kept = np.isin(own, common)
    total = np.bincount(row[kept], weights=known.weight[kept], minlength=len(known.entity))
    held, weight = row[kept] * known.width + known.column[kept], known.weight[kept]
    shown = [_shown(prompts, run, known, (held, weight, total)) for run in _runs(prompts)]
    return np.concatenate(shown)


def _shown(prompts: Prompts, run: tuple[int, int], known: _Profiles, common: tuple[Ints, Floats, NDArray[Any]]) -> Ints:
    """The prompts of a run that show enough of what `common` holds of their entity's profile: its cells, their weights,
    and each entity's weight in all."""
    first, last = run
    held, weight, total = common
    place = np.searchsorted(known.entity, prompts.entity[first:last])
    of_prompt = np.repeat(np.arange(last - first), np.diff(prompts.ends[first : last + 1]))
    of_stem = np.searchsorted(known.stem, prompts.stems[prompts.ends[first] : prompts.ends[last]])
    wanted = place[of_prompt] * known.width + of_stem
    at = np.minimum(np.searchsorted(held, wanted), max(len(held) - 1, 0))
    hit = held[at] == wanted if len(held) else np.zeros(len(wanted), np.bool_)
    shown = np.bincount(of_prompt[hit], weights=weight[at[hit]], minlength=last - first)
    stems = np.bincount(of_prompt[hit], minlength=last - first)
    return first + np.flatnonzero((stems >= LEAST_SHOWN) & (shown >= SHOWN * total[place]))
