"""Louvain, which takes Leiden's place on large graphs: as dense groups, and what it says of itself is true."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

import stillwatch.leiden as groups_of
from stillwatch.leiden import labels_of, symmetric
from stillwatch.louvain_kernel import _folded, _moved, _numbered, louvain


def quality(
    graph: csr_matrix, labels: NDArray[np.int32] | NDArray[np.int64], resolution: float, *, modularity: bool
) -> float:
    """Weight within groups less the cost of their sizes, written down a second time."""
    size = np.asarray(graph.sum(axis=1)).ravel() if modularity else np.ones(graph.shape[0])
    share = resolution / size.sum() if modularity else resolution
    edges = coo_matrix(graph)
    within = edges.data[labels[edges.row] == labels[edges.col]].sum()
    return float(within - share * (np.bincount(labels, weights=size) ** 2).sum())


def chance(seed: int, n: int, edges: int, groups: int, within: float) -> csr_matrix:
    """A graph of planted groups, `within` of whose edges stay in one."""
    rng = np.random.default_rng(seed)
    planted = rng.integers(0, groups, n)
    order = np.argsort(planted, kind="stable")
    starts = np.searchsorted(planted[order], np.arange(groups + 1))
    left = rng.integers(0, n, edges)
    right = rng.integers(0, n, edges)
    inside = rng.random(edges) < within
    own = planted[left[inside]]
    right[inside] = order[starts[own] + (rng.random(inside.sum()) * (starts[own + 1] - starts[own])).astype(int)]
    kept = left != right
    return symmetric(left[kept], right[kept], rng.uniform(1.0, 30.0, kept.sum()), n)


@pytest.fixture
def by_louvain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_of, "LARGE", 0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("resolution", "modularity"), [(1.0, True), (8.0, True), (1.0, False), (5.0, False)])
def test_groups_are_as_dense_as_leidens(
    seed: int, resolution: float, modularity: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = chance(seed, 1500, 12_000, 40, 0.6)
    leiden = quality(graph, labels_of(graph, resolution, modularity=modularity), resolution, modularity=modularity)
    monkeypatch.setattr(groups_of, "LARGE", 0)
    found = quality(graph, labels_of(graph, resolution, modularity=modularity), resolution, modularity=modularity)
    assert found > 0.97 * leiden


@pytest.mark.usefixtures("by_louvain")
def test_cliques_that_hardly_touch_are_the_groups() -> None:
    size, count = 12, 30
    pairs = np.array([(c * size + a, c * size + b) for c in range(count) for a in range(size) for b in range(a)])
    bridges = np.array([(c * size, (c + 1) % count * size) for c in range(count)])
    both = np.concatenate([pairs, bridges])
    graph = symmetric(both[:, 0], both[:, 1], np.concatenate([np.full(len(pairs), 9.0), np.full(count, 1.0)]), 360)
    for resolution, modularity in ((1.0, True), (2.0, False)):
        labels = labels_of(graph, resolution, modularity=modularity)
        assert np.array_equal(labels, np.repeat(np.arange(count), size))


@pytest.mark.usefixtures("by_louvain")
def test_rows_that_nothing_joins_stay_alone_and_ties_end() -> None:
    ring = np.arange(100)
    graph = symmetric(ring, (ring + 1) % 100, np.ones(100), 103)
    labels = labels_of(graph, 1.0, modularity=True)
    assert len(np.unique(labels[100:])) == 3
    assert not np.isin(labels[100:], labels[:100]).any()
    full = np.array([(a, b) for a in range(20) for b in range(a)])
    everyone = labels_of(symmetric(full[:, 0], full[:, 1], np.ones(len(full)), 20), 0.5, modularity=False)
    assert (everyone == 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_what_moves_gain_is_what_the_groups_are_worth_more(seed: int) -> None:
    graph = chance(seed, 300, 2000, 12, 0.5)
    size = np.asarray(graph.sum(axis=1)).ravel()
    share = 1.0 / size.sum()
    indptr = graph.indptr.astype(np.int64)
    before = np.arange(300).astype(np.int32)
    label = before.copy()
    gained = _moved(indptr, graph.indices, graph.data, size, share, label)
    worth = quality(graph, label, 1.0, modularity=True)
    assert 2.0 * gained == pytest.approx(worth - quality(graph, before, 1.0, modularity=True))
    groups = _numbered(label)
    folded = _folded(indptr, graph.indices, graph.data, size, label, groups)
    again = csr_matrix((folded[2], folded[1], folded[0]), (groups, groups))
    dense = np.zeros((groups, groups))
    edges = coo_matrix(graph)
    np.add.at(dense, (label[edges.row], label[edges.col]), edges.data)
    np.fill_diagonal(dense, 0.0)
    assert np.allclose(again.toarray(), dense)
    assert folded[3] == pytest.approx(np.bincount(label, weights=size))


def test_the_same_graph_gives_the_same_groups_numbered_by_their_first_row() -> None:
    graph = chance(5, 800, 6000, 20, 0.6)
    size = np.ones(800)
    args = (graph.indptr.astype(np.int64), graph.indices, graph.data, size, 2.0, 1.0, 2)
    first, second = louvain(*args), louvain(*args)
    assert np.array_equal(first, second)
    seen = first[np.sort(np.unique(first, return_index=True)[1])]
    assert np.array_equal(seen, np.arange(len(seen)))
