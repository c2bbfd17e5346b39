"""Rival methods on planted worlds where the answer is known, and the oracle that sets their thresholds."""

from dataclasses import replace

import numpy as np

from stillwatch.benchmark.baselines.coaction import coaction
from stillwatch.benchmark.baselines.fraudar import densest, fraudar
from stillwatch.benchmark.baselines.projection import biadjacency, shared
from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.records import Family

RING = np.arange(12)
"""The planted rows."""


def planted(n: int = 120, seed: int = 5) -> Incidence:
    """`n` rows with six random addresses of 400; the first twelve share ten more, of which each holds eight."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), 6)
    tokens = rng.integers(0, 400, len(rows))
    extra = np.concatenate([rng.choice(10, 8, replace=False) + 1000 for _ in RING])
    rows, tokens = np.concatenate([rows, np.repeat(RING, 8)]), np.concatenate([tokens, extra])
    address = channel("address", (Family.INFRASTRUCTURE,), rows, tokens, n)
    day = channel("day", (Family.REGISTRATION,), np.arange(n), rng.integers(0, 9, n), n)
    keys = rng.permutation(n).astype(np.uint64)
    return Incidence(keys, np.ones(n, dtype=np.int64), (address, day), ())


def shuffled(world: Incidence, order: np.ndarray) -> Incidence:
    """The same world with its rows in another order."""
    channels = tuple(c.reordered(order) for c in world.channels)
    return replace(world, keys=world.keys[order], channels=channels)


def partition(labels: np.ndarray, order: np.ndarray) -> set[frozenset[int]]:
    """Groups as sets of the first world's rows."""
    return {frozenset(order[labels == label].tolist()) for label in np.unique(labels[labels >= 0])}


def test_pairs_are_counted_and_stop_words_are_not() -> None:
    world = planted()
    pairs = shared(world, (Family.INFRASTRUCTURE,), least=1)
    dense = biadjacency(world, world.channels[:1]).toarray()
    assert np.array_equal(pairs.count, (dense @ dense.T)[pairs.left, pairs.right].astype(int))
    assert len(pairs.left) == (np.triu(dense @ dense.T, 1) > 0).sum()
    assert np.array_equal(shared(world, (Family.INFRASTRUCTURE,), most=0).size >= 0, np.ones(world.n, dtype=bool))
    assert len(shared(world, (Family.REGISTRATION,), most=2, least=1).left) == 0


def test_fraudar_finds_the_planted_block_first() -> None:
    found = fraudar(planted(), (Family.INFRASTRUCTURE,))
    assert set(np.flatnonzero(found.group == 0)) == set(RING)
    assert found.score[RING].min() > np.delete(found.score, RING).max()


def test_fraudar_weighs_a_column_by_its_degree() -> None:
    world = planted()
    graph = biadjacency(world, world.channels[:1])
    density, rows, strength, rest = densest(graph)
    lost = (graph - rest).tocoo()
    lost.eliminate_zeros()
    degree = np.bincount(graph.indices)
    assert set(rows) == set(RING) == set(lost.row)
    expected = (1.0 / np.log(degree[lost.col] + 5.0)).sum() / (len(rows) + len(set(lost.col)))
    assert abs(density - expected) < 1e-6
    assert abs(strength.sum() / density - len(rows) - len(set(lost.col))) < 1e-6


def test_coaction_names_the_ring() -> None:
    found = coaction(planted(), (Family.INFRASTRUCTURE,), least_weight=4)
    assert partition(found.group, np.arange(120)) == {frozenset(RING.tolist())}
    assert found.score[RING].min() > np.delete(found.score, RING).max()


def test_the_order_of_rows_changes_nothing() -> None:
    world = planted()
    order = np.random.default_rng(1).permutation(world.n)
    moved = shuffled(world, order)
    for method in (fraudar, coaction, lambda w: coaction(w, by_group=True)):
        here, there = method(world), method(moved)
        assert np.array_equal(here.score[order], there.score)
        assert partition(here.group, np.arange(world.n)) == partition(there.group, order)
