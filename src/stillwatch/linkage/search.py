"""From the incidence to confirmed groups: the order of blocking, weighing, clustering and confirmation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.clusters import Candidate, candidates_without, left_out_sets
from stillwatch.linkage.confirm import log_e_values
from stillwatch.linkage.incidence import Floats, Incidence
from stillwatch.linkage.pairs import Pairs, family_weights, nominated_pairs
from stillwatch.records import EXACT_FAMILIES, Family
from stillwatch.stats import e_bh

ALPHA = 0.05
SEED = 20260223


@dataclass(frozen=True)
class Found:
    """What the search answers.

    `candidates[i]` was tested by the families in `candidates[i].left_out`; `log_e[family][i]` is NaN where a family
    did not test it. `discovered[family]` is e-BH at alpha / |F| over that family's own K_F candidates.
    """

    candidates: tuple[Candidate, ...]
    log_e: dict[Family, Floats]
    discovered: dict[Family, NDArray[np.bool_]]
    tested: dict[Family, int]
    pairs: Pairs
    weights: Floats
    families: tuple[Family, ...]


def search(
    incidence: Incidence,
    *,
    alpha: float = ALPHA,
    seed: int = SEED,
    only: Family | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Found:
    """Find and confirm groups. `only` limits the work to candidates that one family tests (for replications)."""
    families = incidence.families()
    progress("blocking")
    pairs = nominated_pairs(incidence, seed)
    progress(f"weighing {len(pairs.left):,} pairs")
    weights = family_weights(incidence, pairs.left, pairs.right, families)
    candidates: list[Candidate] = []
    for left_out in left_out_sets(families):
        if only is None or only in left_out:
            progress(f"clustering without {', '.join(sorted(left_out))}")
            candidates += candidates_without(incidence, pairs, weights, families, left_out)
    log_e: dict[Family, Floats] = {}
    discovered: dict[Family, NDArray[np.bool_]] = {}
    tested: dict[Family, int] = {}
    exact = [family for family in EXACT_FAMILIES if family in families]
    for family in exact if only is None else [only]:
        progress(f"confirming by {family}")
        log_e[family], discovered[family], tested[family] = _confirm(
            incidence, family, candidates, alpha / len(exact), seed
        )
    return Found(tuple(candidates), log_e, discovered, tested, pairs, weights, families)


def _confirm(
    incidence: Incidence, family: Family, candidates: list[Candidate], alpha: float, seed: int
) -> tuple[Floats, NDArray[np.bool_], int]:
    """e-values and discoveries of one family; candidates with the same rows count once in K_F."""
    mine = [place for place, candidate in enumerate(candidates) if family in candidate.left_out]
    groups: dict[bytes, list[int]] = {}
    for place in mine:
        groups.setdefault(candidates[place].rows.tobytes(), []).append(place)
    values = np.full(len(candidates), np.nan)
    flags = np.zeros(len(candidates), dtype=np.bool_)
    heads = [places[0] for places in groups.values()]
    log_e = log_e_values(incidence, family, [candidates[place] for place in heads], seed)
    for places, value, flag in zip(groups.values(), log_e, e_bh(log_e, alpha), strict=True):
        values[places] = value
        flags[places] = flag
    return values, flags, len(heads)
