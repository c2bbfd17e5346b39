"""Rival methods on planted worlds where the answer is known, and the oracle that sets their thresholds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import hypergeom

from stillwatch.benchmark.baselines import oracle
from stillwatch.benchmark.baselines.coaction import coaction
from stillwatch.benchmark.baselines.fraudar import densest, fraudar
from stillwatch.benchmark.baselines.fusion import CLUSTER_FLOOR, WEIGHTS, fusion
from stillwatch.benchmark.baselines.jaccard import jaccard
from stillwatch.benchmark.baselines.kernels import growing_distances, hypergeometric_tails, joined_at, peel
from stillwatch.benchmark.baselines.mmd import Kernel, mmd, reference_of
from stillwatch.benchmark.baselines.prada import abnormality, distances, prada
from stillwatch.benchmark.baselines.projection import biadjacency, shared
from stillwatch.benchmark.baselines.queries import BUCKETS, Queries, buckets_of, embedded, queries
from stillwatch.benchmark.baselines.seat import seat
from stillwatch.benchmark.baselines.svn import fdr_cut, log_p, svn
from stillwatch.benchmark.baselines.verdict import Scored, sized
from stillwatch.benchmark.baselines.volume import volume
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


@pytest.mark.slow
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


def test_jaccard_names_the_ring_without_cover_and_loses_it_with_cover() -> None:
    rows, tokens = np.repeat(RING, 10), np.tile(np.arange(10), 12)
    bare = channel("address", (Family.INFRASTRUCTURE,), rows, tokens, 40)
    rows, tokens = np.append(rows, np.repeat(RING, 40)), np.append(tokens, 1000 + np.arange(12 * 40))
    covered = channel("address", (Family.INFRASTRUCTURE,), rows, tokens, 40)
    world = Incidence(np.arange(40).astype(np.uint64), np.ones(40, dtype=np.int64), (bare,), ())
    found = jaccard(world)
    assert found.score[RING] == pytest.approx(np.ones(12)) and not np.isfinite(found.score[12:]).any()
    assert partition(found.group, np.arange(40)) == {frozenset(RING.tolist())}
    hidden = jaccard(replace(world, channels=(covered,)))
    assert hidden.score[RING] == pytest.approx(np.full(12, 1 / 9)), "as the docstring says of 80 % cover"
    assert (hidden.group < 0).all()


def test_a_known_hypergeometric_probability() -> None:
    def tail(*values: int) -> float:
        return float(np.exp(hypergeometric_tails(*(np.array([v]) for v in values[:3]), values[3])[0]))

    assert tail(4, 5, 5, 10) == pytest.approx(26 / 252)
    for count, first, second, total in ((3, 6, 8, 40), (30, 40, 60, 1000), (5, 5, 9, 300)):
        assert tail(count, first, second, total) == pytest.approx(hypergeom.sf(count - 1, total, first, second))
    assert tail(1, 30, 30, 60) == 1.0


def test_svn_names_the_ring_and_bonferroni_is_the_stricter() -> None:
    world = planted()
    tests = world.n * (world.n - 1) / 2
    weight = -log_p(shared(world, (Family.INFRASTRUCTURE,)))
    assert fdr_cut(weight, tests) <= np.log(tests / 0.01)
    assert fdr_cut(np.array([5.0, 1.0]), 2.0) == float("inf")
    assert fdr_cut(np.array([5.31, 4.61, 0.0]), 2.0) == 4.61, "p <= .01 for the second of two, .005 for the first"
    for by_group in (False, True):
        found = svn(world, (Family.INFRASTRUCTURE,), fdr=True, by_group=by_group)
        assert partition(found.group, np.arange(world.n)) == {frozenset(RING.tolist())}
        assert found.score[RING].min() > np.delete(found.score, RING).max()
    assert np.isfinite(svn(world, (Family.INFRASTRUCTURE,)).score).sum() <= len(RING)


@pytest.mark.parametrize("seed", range(6))
def test_single_linkage_against_every_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, least = 14, 2 + seed
    left, right = np.triu_indices(n, 1)
    kept = rng.random(len(left)) < 0.15
    left, right = left[kept].astype(np.int32), right[kept].astype(np.int32)
    weight = rng.integers(1, 6, len(left)).astype(float)
    order = np.argsort(-weight, kind="stable")
    found = joined_at(left[order], right[order], weight[order], n, least)
    slow = np.full(n, -np.inf)
    for threshold in range(1, 6):
        label = np.arange(n)
        for _ in range(n):
            for a, b in zip(left[weight >= threshold], right[weight >= threshold], strict=True):
                label[a] = label[b] = min(label[a], label[b])
        slow[np.bincount(label, minlength=n)[label] >= least] = threshold
    assert np.array_equal(found, slow)


@pytest.mark.parametrize("seed", range(6))
def test_peeling_against_a_slow_greedy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.random((9, 7)) < 0.4
    dense[0], dense[:, 0] = True, True
    weight = rng.random(7) + 0.1
    columns = np.nonzero(dense)[1].astype(np.int32)
    rows = np.nonzero(dense.T)[1].astype(np.int32)
    indptr = [np.concatenate([[0], np.cumsum(dense.sum(axis=axis))]) for axis in (1, 0)]
    order, gone = peel(indptr[0], columns, indptr[1], rows, weight)
    values, alive, slow = dense * weight, np.ones(16, dtype=bool), []

    def density() -> float:
        return float(values[alive[:9]][:, alive[9:]].sum() / max(alive.sum(), 1))

    best = [density()]
    for _ in range(16):
        inside = values * alive[:9, None] * alive[None, 9:]
        strength = np.where(alive, np.concatenate([inside.sum(axis=1), inside.sum(axis=0)]), np.inf)
        slow.append(int(np.argmin(strength.round(9))))
        alive[slow[-1]] = False
        best.append(density())
    alive[:] = True
    alive[order[:gone]] = False
    assert density() == pytest.approx(max(best))
    assert len(set(order.tolist())) == 16


def test_the_order_of_rows_changes_nothing() -> None:
    world = planted()
    order = np.random.default_rng(1).permutation(world.n)
    moved = shuffled(world, order)
    hour, reasoning = np.arange(world.n) % 7 * 9.0, np.arange(world.n) % 5 / 5.0
    methods = (
        fraudar, coaction, lambda w: coaction(w, by_group=True), lambda w: jaccard(w, similarity=0.2),
        svn, lambda w: svn(w, fdr=True, by_group=True),
    )  # fmt: skip
    answers = [(method(world), method(moved)) for method in methods]
    answers.append((fusion(world, hour, reasoning), fusion(moved, hour[order], reasoning[order])))
    for here, there in answers:
        assert here.score[order] == pytest.approx(there.score, rel=1e-9)
        assert partition(here.group, np.arange(world.n)) == partition(there.group, order)


def test_rows_that_are_judged_elsewhere_stand_in_no_pair() -> None:
    world = planted()
    aside = np.zeros(world.n, dtype=np.bool_)
    aside[0] = True
    for method in (fraudar, coaction, jaccard, svn):
        found = method(replace(world, aside=aside), (Family.INFRASTRUCTURE,))
        assert found.score[0] == -np.inf and found.group[0] == -1


def test_fusion_adds_its_weights() -> None:
    n = 30
    names = {"ja4": Family.CLIENT, "exact": Family.CONTENT, "burst": Family.TIMING, "switch": Family.TIMING,
             "block": Family.INFRASTRUCTURE}  # fmt: skip
    one = np.zeros(n, dtype=np.int64)
    channels = tuple(channel(name, (family,), np.arange(n), one, n) for name, family in names.items())
    world = Incidence(np.arange(n).astype(np.uint64), np.ones(n, dtype=np.int64), channels, ())
    found = fusion(world, np.full(n, 600.0), np.ones(n))
    assert found.score == pytest.approx(np.full(n, sum(WEIGHTS.values()) + CLUSTER_FLOOR))
    quiet = fusion(replace(world, channels=()), np.zeros(n), np.zeros(n))
    assert (quiet.score == 0.0).all() and (quiet.group == -1).all()


def traffic(*accounts: np.ndarray, seed: int = 0) -> Queries:
    """Accounts with these vectors, made unit, given in random order."""
    owner = np.repeat(np.arange(len(accounts)), [len(a) for a in accounts])
    vector = np.concatenate(accounts).astype(np.float32)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    at = np.concatenate([np.arange(len(a)) for a in accounts]).astype(float)
    order = np.random.default_rng(seed).permutation(len(owner))
    return queries(owner[order], at[order], vector[order], len(accounts))


def noise(seed: int, n: int, shift: float = 0.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((n, 12))
    drawn[:, 0] += shift
    return drawn


def test_the_order_of_exchanges_changes_nothing() -> None:
    accounts = [noise(seed, 40 + seed, seed / 2) for seed in range(5)]
    here, there = traffic(*accounts, seed=1), traffic(*accounts, seed=2)
    assert np.array_equal(here.vector, there.vector)
    reference = reference_of(here, np.ones(5, dtype=bool))
    for method in (volume, seat, lambda t: prada(t, least=20), lambda t: mmd(t, reference, least=20)):
        assert np.array_equal(method(here).score, method(there).score)


def test_volume_counts_the_busiest_slot() -> None:
    at = np.array([0.0, 10.0, 20.0, 7_000.0, 5.0])
    held = queries(np.array([0, 0, 0, 0, 2]), at, np.ones((5, 2), dtype=np.float32), 3)
    assert volume(held).score.tolist() == [4.0, -np.inf, 1.0]
    assert volume(held, seconds=3_600.0).score.tolist() == [3.0, -np.inf, 1.0]


def test_prada_finds_normal_distances_normal() -> None:
    rng = np.random.default_rng(2)
    normal, even = abnormality(rng.normal(5.0, 1.0, 400)), abnormality(rng.uniform(0.0, 1.0, 400))
    assert normal < 0.01 and even > 0.03
    assert abnormality(np.ones(50)) == 0.0
    copies = np.repeat(noise(1, 1), 100, axis=0) + noise(2, 100) * 0.01
    mixed = rng.permutation(np.concatenate([copies, noise(5, 100)]))
    found = prada(traffic(noise(3, 200), mixed, noise(4, 20)), least=100).score
    assert found[1] > 5 * found[0] and found[2] == -np.inf


def test_pradas_growing_set_against_a_slow_one() -> None:
    distance = distances(traffic(noise(7, 60)).of(0))
    chosen, joined, out, bar = [0], [0.0], [], 0.0
    for query in range(1, 60):
        out.append(min(distance[query, other] for other in chosen))
        if out[-1] > bar:
            chosen.append(query)
            joined.append(out[-1])
            bar = max(bar, np.mean(joined) - np.std(joined))
    assert len(chosen) < 60
    assert growing_distances(distance) == pytest.approx(out)


def test_seat_counts_similar_pairs() -> None:
    copies = np.repeat(np.eye(12)[:2], 3, axis=0)
    held = traffic(copies, np.eye(12)[:5], np.eye(12)[:1])
    assert seat(held).score.tolist() == [6.0, 0.0, -np.inf]
    assert seat(held, share=True).score.tolist() == [6 / 15, 0.0, -np.inf]


def test_mmd_knows_an_account_of_another_distribution() -> None:
    held = traffic(*(noise(seed, 150) for seed in range(4)), noise(9, 150, 2.0), noise(10, 5, 9.0))
    reference = reference_of(traffic(*(noise(seed, 3) for seed in range(100, 300))), np.ones(200, dtype=bool))
    for scaled in (False, True):
        found = mmd(held, reference, scaled=scaled).score
        assert int(np.argmax(found)) == 4 and found[5] == -np.inf
    same = [Kernel(reference).statistic(held.of(at), True) for at in range(4)]
    assert np.abs(same).max() < 6.0 < found[4]


def test_words_are_hashed_whole_and_once() -> None:
    indptr, buckets = buckets_of(["The cat, the CAT!", "", "cat the", "a-b ü"])
    assert indptr.tolist() == [0, 2, 2, 4, 7]
    assert sorted(buckets[:2]) == sorted(buckets[2:4]) and buckets.max() < BUCKETS
    vector = embedded(indptr, buckets)
    assert vector[0] == pytest.approx(vector[2], abs=1e-6) and not vector[1].any()
    assert np.linalg.norm(vector[3]) == pytest.approx(1.0, abs=1e-5)


def known(n: int = 40, seed: int = 0) -> tuple[np.ndarray, oracle.Truth]:
    """Scores that tell ten operators from 28 honest accounts by halves; two accounts are neither."""
    rng = np.random.default_rng(seed)
    operator, honest = np.arange(n) < 10, np.arange(n) >= 12
    few = np.arange(n) < 2
    names = tuple(f"a{at}" for at in range(n))
    work = {names[at]: Counter({"copper": 2 if few[at] else 9}) for at in range(10)}
    score = np.round(rng.normal(operator * 1.5, 1.0), 1)
    score[rng.random(n) < 0.1] = -np.inf
    return score, oracle.Truth(names, operator, operator & ~few, few, honest, work)


@pytest.mark.parametrize("seed", range(8))
def test_the_oracle_is_at_least_as_good_as_any_fixed_threshold(seed: int) -> None:
    score, truth = known(seed=seed)
    found = {point.name: point for point in oracle.points(score, truth)}
    assert list(found) == [oracle.BEST, *oracle.LIMITS, oracle.PRECISE]
    for threshold in np.arange(-5.0, 6.0, 0.05):
        fixed = oracle.at_threshold(score, truth, threshold)
        assert found[oracle.BEST].f1 >= fixed.f1 - 1e-12
        for name, limit in oracle.LIMITS.items():
            if fixed.false_accounts.k <= limit * truth.honest.sum():
                assert found[name].recall.k >= fixed.recall.k
        if fixed.precision.k >= oracle.LEAST_PRECISION * fixed.precision.n:
            assert found[oracle.PRECISE].recall.k >= fixed.recall.k
    assert found["no honest"].false_accounts.k == 0


def test_a_point_counts_shares_and_abstaining_is_never_accused() -> None:
    _, truth = known()
    score = np.where(np.arange(40) < 12, 2.0, 1.0)
    score[3] = -np.inf
    best = oracle.points(score, truth)[0]
    assert (best.threshold, best.precision.k, best.precision.n) == (2.0, 9, 11), "owners of stolen keys count against"
    assert (best.recall.k, best.recall.n, best.recall_few.k, best.false_accounts.k) == (7, 8, 2, 0)
    nobody = oracle.points(np.full(40, -np.inf), truth)
    assert all(point.threshold == np.inf and point.precision.n == 0 and point.f1 == 0.0 for point in nobody)


def test_the_oracle_picks_pure_groups_whatever_the_scores_say() -> None:
    """Of two groups the one of operators alone is taken whole, though its scores are the lowest."""
    _, truth = known()
    group = np.where(np.arange(40) < 10, 7, np.where(np.arange(40) < 30, 3, -1))
    scored = Scored(np.arange(40.0), group)
    alone = next(point for point in oracle.points(scored.score, truth) if point.name == oracle.PRECISE)
    assert alone.recall.k == 0
    point = oracle.purest(scored, truth)
    assert (point.name, point.precision.k, point.precision.n, point.recall.k) == (oracle.PRECISE, 10, 10, 8)
    assert oracle.purest(Scored(scored.score, np.full(40, -1)), truth).precision.n == 0


def test_groups_are_matched_one_to_one() -> None:
    _, truth = known()
    group = np.where(np.arange(40) < 14, 0, np.where(np.arange(40) < 30, 1, -1))
    whole = oracle.groups_of(Scored(np.arange(40.0)[::-1], group), truth)
    assert (whole.groups, whole.honest_groups, whole.matched) == (2, 1, 1)
    accused = whole.accused
    assert (accused.precision.k, accused.precision.n, accused.recall.k, accused.false_accounts.k) == (10, 14, 8, 2)
    cut = oracle.groups_of(Scored(np.arange(40.0)[::-1], group), truth, threshold=39.0)
    assert (cut.groups, cut.matched) == (1, 0)
    assert sized(np.array([4, 4, 2, -1]), 2).tolist() == [4, 4, -1, -1]
