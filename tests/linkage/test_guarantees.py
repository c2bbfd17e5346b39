"""The promise of confirmation, tested the only way that can see its failures: permute one family's rows within strata,
and run everything again *from blocking*. Two leaks are planted to show that the check would fail."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from stillwatch.linkage import clusters as clusters_module
from stillwatch.linkage import confirm as confirm_module
from stillwatch.linkage import search as search_module
from stillwatch.linkage.blocking import nominated_pairs
from stillwatch.linkage.clusters import candidates_without
from stillwatch.linkage.confirm import log_e_values
from stillwatch.linkage.incidence import Channel, Incidence
from stillwatch.linkage.matrix import family_matrix
from stillwatch.linkage.pairs import Weigher
from stillwatch.linkage.strata import strata_of
from stillwatch.linkage.templates import Templates
from stillwatch.records import EXACT_FAMILIES, Family
from stillwatch.stats import clopper_pearson, e_bh
from tests.linkage.products import products
from tests.linkage.worlds import permuted_within_strata, token_world

ALPHA = 0.05
REPLICATIONS = 200
Finder = Callable[[Incidence, Family], tuple[np.ndarray, np.ndarray]]
"""A world and the family whose rows were moved, to ln e of each candidate and whether it was discovered."""


@dataclass(frozen=True)
class Outcome:
    """Mean e over worlds (each world's mean over its candidates), its standard error, worlds with a mean of 20 or more,
    worlds with a false discovery."""

    mean_e: float
    error: float
    large: int
    false_worlds: int
    worlds: int
    candidates: int

    def holds(self) -> bool:
        """Mean e not shown to exceed 1, nor e of 20 to be more often than in one of 20 worlds (Markov), nor false
        discoveries to exceed alpha of the family. A mean of few huge values has a huge error: hence the second."""
        large, false = (clopper_pearson(k, self.worlds, 0.99)[0] for k in (self.large, self.false_worlds))
        return self.mean_e - 3.0 * self.error <= 1.0 and large <= 1 / 20 and false <= ALPHA / len(EXACT_FAMILIES)


def replicate(finder: Finder, family: Family, replications: int) -> Outcome:
    means, false_worlds, candidates = [], 0, 0
    for seed in range(replications):
        world = permuted_within_strata(token_world(seed % 20), family, 1_000 + seed)
        values, discovered = finder(world, family)
        candidates += len(values)
        means.append(float(np.exp(values).mean()) if len(values) else 1.0)
        false_worlds += bool(discovered.any())
    return outcome(means, false_worlds, candidates)


def outcome(means: list[float], false_worlds: int, candidates: int) -> Outcome:
    spread = np.asarray(means)
    error = float(spread.std() / np.sqrt(len(spread)))
    return Outcome(float(spread.mean()), error, int((spread >= 20).sum()), false_worlds, len(spread), candidates)


def honest(world: Incidence, family: Family) -> tuple[np.ndarray, np.ndarray]:
    found = search_module.search(world, alpha=ALPHA, only=family)
    kept = ~np.isnan(found.log_e[family])
    return found.log_e[family][kept], found.discovered[family][kept]


def leak_in_blocking(world: Incidence, family: Family) -> tuple[np.ndarray, np.ndarray]:
    """Candidates are found with the tokens of the family that tests them."""
    families = world.families()
    pairs = nominated_pairs(world, search_module.SEED)
    weigher = Weigher(world, families)
    weights = weigher.weights(pairs.left, pairs.right)
    groups = candidates_without(world, pairs, weights, weigher, frozenset(), Templates(world))
    groups = [replace(group, left_out=frozenset({family})) for group in groups]
    values = log_e_values(world, family, groups, search_module.SEED)
    return values, e_bh(values, ALPHA / len(EXACT_FAMILIES))


def fixed_group(world: Incidence, family: Family, *, leak: bool) -> float:
    """E of a fixed third of the entities, the mean over orders by the products alone, so that orders which would count
    as zero hide no leak; with the leak, the score's popularity leaves that group out."""
    rows = np.arange(world.n // 3, dtype=np.int32)
    channels = world.scored(family)
    matrix = family_matrix(channels, tuple(_beyond(c, rows) for c in channels) if leak else None)
    return float(np.exp(products(world, rows, matrix, strata_of(world, family, 0))).mean())


def _beyond(channel: Channel, rows: np.ndarray) -> np.ndarray:
    """Popularity over the rows outside of a group."""
    beyond = channel.document_frequency.astype(np.float64)
    tokens, within = channel.counted(rows)
    beyond[tokens] -= within
    return np.maximum(beyond, 0.5) / (channel.sizes.sum() - channel.sizes[rows].sum())


def fixed_outcome(family: Family, *, leak: bool) -> Outcome:
    values = [
        fixed_group(permuted_within_strata(token_world(seed, groups=()), family, seed), family, leak=leak)
        for seed in range(REPLICATIONS)
    ]
    return outcome(values, 0, len(values))


@pytest.mark.slow
@pytest.mark.parametrize("family", EXACT_FAMILIES)
def test_permuted_rows_confirm_nothing(family: Family) -> None:
    outcome = replicate(honest, family, REPLICATIONS)
    print(f"{family}: mean e {outcome.mean_e:.3f} ± {outcome.error:.3f} over {outcome.candidates} candidates, "
          f"{outcome.false_worlds}/{outcome.worlds} worlds with a false discovery")  # fmt: skip
    assert outcome.candidates >= REPLICATIONS, "too few candidates: the test would say nothing"
    assert outcome.holds()


@pytest.mark.slow
@pytest.mark.parametrize("family", [Family.TIMING, Family.INFRASTRUCTURE])
def test_permuted_rows_confirm_nothing_where_few_pairs_are_kept(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In worlds this small no row has 32 pairs: with three, pairs are dropped as they are in large ones."""
    dropped = 0
    keep = clusters_module.strongest_edges

    def counted(*given: Any) -> Any:
        nonlocal dropped
        kept = keep(*given)
        dropped += int((~kept).sum())
        return kept

    monkeypatch.setattr(clusters_module, "NEIGHBOURS", 3)
    monkeypatch.setattr(clusters_module, "strongest_edges", counted)
    outcome = replicate(honest, family, 60)
    print(f"{family}: {dropped} pairs dropped, mean e {outcome.mean_e:.3f} ± {outcome.error:.3f}")
    assert dropped > 1_000
    assert outcome.holds()


@pytest.mark.slow
@pytest.mark.parametrize("family", [Family.CONTENT, Family.REGISTRATION])
def test_permuted_rows_confirm_nothing_where_few_rows_are_compared_with(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In worlds this small a stratum has hardly more rows than members are compared with."""
    monkeypatch.setattr(confirm_module, "COMPARED", (3, 8))
    outcome = replicate(honest, family, REPLICATIONS)
    print(f"{family}: mean e {outcome.mean_e:.3f} ± {outcome.error:.3f} over {outcome.candidates} candidates")
    assert outcome.holds()


@pytest.mark.slow
def test_tokens_of_the_tested_family_in_blocking_are_caught() -> None:
    outcome = replicate(leak_in_blocking, Family.TIMING, 12)
    assert not outcome.holds(), outcome


@pytest.mark.slow
def test_group_left_out_popularity_in_the_score_is_caught() -> None:
    for family in (Family.CONTENT, Family.INFRASTRUCTURE, Family.TIMING):
        clean, leaking = fixed_outcome(family, leak=False), fixed_outcome(family, leak=True)
        print(
            f"{family}: clean {clean.mean_e:.3f} ± {clean.error:.3f}, "
            f"leaking {leaking.mean_e:.3f} ± {leaking.error:.3f}"
        )
        assert clean.holds()
        assert not leaking.holds()


@pytest.mark.slow
@pytest.mark.parametrize("family", EXACT_FAMILIES)
def test_true_groups_are_confirmed(family: Family) -> None:
    """Power: without permutation the same search discovers the planted groups."""
    discovered = sum(
        bool(search_module.search(token_world(seed), only=family).discovered[family].any()) for seed in range(5)
    )
    assert discovered >= 3
