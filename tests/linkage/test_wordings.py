"""Candidates from content alone: the holders of one wording, whatever else is true of them."""

from dataclasses import replace

import numpy as np
import pytest

from stillwatch.linkage.clusters import candidates_by_wording
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.kernels import alike_sets
from stillwatch.linkage.wordings import ALIKE, HASHES, wording_groups
from stillwatch.records import Family

N = 400
RING = np.arange(40, 60)


def planted(tokens: int = 4, seed: int = 3, order: np.ndarray | None = None) -> Incidence:
    """Twenty rows share so many head and segment tokens, each of which nine in ten of them hold; every row has twelve
    wordings of its own and three of a hundred common ones. Addresses and days are random."""
    rng = np.random.default_rng(seed)
    order = np.arange(N) if order is None else order
    shared = [(row, 10_000 + t) for t in range(tokens) for row in RING if rng.random() < 0.9]
    own = [(row, 20_000 + 12 * row + t) for row in range(N) for t in range(12)]
    common = [(row, int(t)) for row in range(N) for t in rng.integers(0, 100, 3)]
    rows, ids = np.array([*shared, *own, *common]).T
    half = ids % 2 == 0
    channels = (
        channel("head", (Family.CONTENT,), order[rows[half]], ids[half], N),
        channel("segment", (Family.CONTENT,), order[rows[~half]], ids[~half], N),
        channel("block", (Family.INFRASTRUCTURE,), order[np.arange(N)], rng.integers(0, 60, N), N),
        channel("day", (Family.REGISTRATION,), order[np.arange(N)], rng.integers(0, 20, N), N),
    )
    keys = np.zeros(N, np.uint64)
    keys[order] = rng.permutation(N).astype(np.uint64)
    return Incidence(keys, np.ones(N, np.int64), channels, ())


def test_the_holders_of_one_wording_are_proposed() -> None:
    groups = wording_groups(planted())
    assert max(len(np.intersect1d(rows, RING)) / len(np.union1d(rows, RING)) for rows in groups) >= 0.9


def test_one_shared_phrase_is_no_wording() -> None:
    assert not any(len(np.intersect1d(rows, RING)) > 10 for rows in wording_groups(planted(tokens=2)))


def test_the_order_of_the_rows_changes_nothing() -> None:
    order = np.random.default_rng(8).permutation(N)
    groups = {tuple(sorted(order[rows])) for rows in wording_groups(planted())}
    assert groups == {tuple(rows) for rows in wording_groups(planted(order=order))}


def test_nothing_but_content_is_read() -> None:
    """So every other family may confirm: whatever they hold, the candidates stay."""
    world = planted()
    rng = np.random.default_rng(9)
    moved = tuple(
        one if one.family == Family.CONTENT else channel(one.name, one.families, np.arange(N), rng.integers(0, 9, N), N)
        for one in world.channels
    )
    families = (Family.CONTENT, Family.INFRASTRUCTURE, Family.REGISTRATION)
    before, after = (candidates_by_wording(one, families) for one in (world, replace(world, channels=moved)))
    assert before
    assert [one.rows.tolist() for one in before] == [one.rows.tolist() for one in after]
    assert {one.left_out for one in before} == {frozenset({Family.INFRASTRUCTURE, Family.REGISTRATION})}


def test_nobody_is_proposed_whom_no_two_families_could_confirm() -> None:
    assert candidates_by_wording(planted(), (Family.CONTENT, Family.INFRASTRUCTURE)) == []


@pytest.mark.parametrize("seed", range(3))
def test_alike_sets_beside_every_pair(seed: int) -> None:
    """Every pair that is found is alike, and every set that is like a larger one is found with some set."""
    rng = np.random.default_rng(seed)
    base = [rng.choice(200, 30, replace=False) for _ in range(6)]
    sets = [np.sort(one[rng.random(30) < 0.95]) for one in base for _ in range(5)]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    rows = np.concatenate(sets).astype(np.int32)
    keys = rng.permutation(200).astype(np.uint64)
    left, right = alike_sets(indptr, rows, keys, HASHES, ALIKE)

    def jaccard(a: int, b: int) -> float:
        return len(np.intersect1d(sets[a], sets[b])) / len(np.union1d(sets[a], sets[b]))

    assert all(jaccard(a, b) >= ALIKE for a, b in zip(left, right, strict=True))
    assert set(range(len(sets))) == set(left.tolist()) | set(right.tolist())
