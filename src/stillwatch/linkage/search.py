"""From the incidence to confirmed groups: the order of blocking, weighing, clustering and confirmation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.linkage.blocking import nominated_parts
from stillwatch.linkage.clusters import (
    PROMISING,
    Candidate,
    candidates_by_wording,
    candidates_without,
    left_out_sets,
    strongest,
    weight_without,
)  # fmt: skip
from stillwatch.linkage.confirm import THREADS, log_e_values
from stillwatch.linkage.incidence import Floats, Incidence
from stillwatch.linkage.pairs import Pairs, Weigher, joined
from stillwatch.linkage.templates import Templates
from stillwatch.records import EXACT_FAMILIES, Family
from stillwatch.stats import e_bh

ALPHA = 0.05
SEED = 20260223
AT_ONCE = 1 << 20
"""Pairs that are weighed together."""

MOST_HELD = 12_000_000
"""Pairs that are held, from which on those that cannot become an edge any more are dropped."""

ONE_BY_ONE = 1 << 26
"""Pairs from which sets are clustered one after the other. By its arrays a set takes some 60 bytes a pair while it is
clustered; two at once were not measured at 35 million pairs, where one, the incidence and the pairs took 7.3 GiB."""

HEAVIEST = 100.0
"""Most that a candidate may weigh in e-BH against one that no other family speaks for. Fixed, not fitted."""


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
    families: tuple[Family, ...]
    templates: Templates


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
    wanted = [left_out for left_out in left_out_sets(families) if only is None or only in left_out]
    weigher = Weigher(incidence, families)
    pairs, weights = _useful(incidence, seed, weigher, wanted, progress)
    candidates: list[Candidate] = []
    templates = Templates(incidence)
    progress(f"clustering without {' / '.join('+'.join(sorted(left_out)) for left_out in wanted)}")
    with ThreadPoolExecutor(THREADS if len(pairs.left) < ONE_BY_ONE else 1) as pool:
        for found in pool.map(
            lambda left_out: candidates_without(incidence, pairs, weights, weigher, left_out, templates), wanted
        ):
            candidates += found
    if only != Family.CONTENT:
        candidates += candidates_by_wording(incidence, families)
    log_e: dict[Family, Floats] = {}
    discovered: dict[Family, NDArray[np.bool_]] = {}
    tested: dict[Family, int] = {}
    exact = [family for family in EXACT_FAMILIES if family in families]
    for family in exact:
        progress(f"confirming by {family}")
        log_e[family] = _log_e(incidence, family, candidates, seed)
    for family in exact if only is None else [only]:
        discovered[family], tested[family] = _discoveries(family, candidates, log_e, alpha / len(exact))
    return Found(tuple(candidates), log_e, discovered, tested, families, templates)


def _useful(
    incidence: Incidence,
    seed: int,
    weigher: Weigher,
    wanted: list[frozenset[Family]],
    progress: Callable[[str], None],
) -> tuple[Pairs, NDArray[np.float32]]:
    """The pairs that can become an edge without one of the wanted sets of families, with their weights. All others are
    forgotten as soon as they are weighed, so that they never lie in memory together."""
    progress("blocking")
    held = _Held(incidence.n, weigher.families, wanted)
    for part in nominated_parts(incidence, seed):
        progress("weighing pairs")
        for start in range(0, max(len(part.left), 1), AT_ONCE):
            some = part.chosen(np.arange(start, min(start + AT_ONCE, len(part.left))))
            weights = weigher.weights(some.left, some.right)
            held.add(some, weights)
    return held.all()


class _Held:
    """Pairs that can be an edge without one of the wanted sets of families. Where they are many, those are dropped now
    and then that are not among the strongest of a row so far: more pairs only make a row's strongest stronger."""

    def __init__(self, n: int, families: tuple[Family, ...], wanted: list[frozenset[Family]]) -> None:
        self._n, self._families, self._wanted = n, families, wanted
        self._pairs: list[Pairs] = []
        self._weights: list[NDArray[np.float32]] = []
        self._most = MOST_HELD

    def add(self, pairs: Pairs, weights: Floats) -> None:
        useful = np.zeros(len(pairs.left), dtype=np.bool_)
        for left_out in self._wanted:
            useful |= weight_without(pairs, weights, self._families, left_out) >= PROMISING
        self._pairs.append(pairs.chosen(np.flatnonzero(useful)))
        self._weights.append(weights[useful].astype(np.float32))
        if sum(map(len, self._weights)) > self._most:
            self._drop()

    def all(self) -> tuple[Pairs, NDArray[np.float32]]:
        """Those that are held, ascending, and what each family says of them."""
        out = np.empty((sum(map(len, self._weights)), len(self._families)), dtype=np.float32, order="F")
        return joined(self._pairs), np.concatenate(self._weights, out=out)

    def _drop(self) -> None:
        pairs, weights = self.all()
        kept = np.zeros(len(weights), dtype=np.bool_)
        for left_out in self._wanted:
            kept[strongest(pairs, weight_without(pairs, weights, self._families, left_out), self._n)] = True
        self._pairs, self._weights = [pairs.chosen(np.flatnonzero(kept))], [weights[kept]]
        self._most = max(MOST_HELD, 2 * int(kept.sum()))


def _repetitions(family: Family, candidates: list[Candidate]) -> list[list[int]]:
    """Places of the candidates that a family tests; candidates with the same rows are one hypothesis of the family."""
    groups: dict[bytes, list[int]] = {}
    for place, candidate in enumerate(candidates):
        if family in candidate.left_out:
            groups.setdefault(candidate.rows.tobytes(), []).append(place)
    return list(groups.values())


def _log_e(incidence: Incidence, family: Family, candidates: list[Candidate], seed: int) -> Floats:
    """ln e of each candidate by one family, NaN where it does not test."""
    groups = _repetitions(family, candidates)
    values = np.full(len(candidates), np.nan)
    found = log_e_values(incidence, family, [candidates[places[0]] for places in groups], seed)
    for places, value in zip(groups, found, strict=True):
        values[places] = value
    return values


def _discoveries(
    family: Family, candidates: list[Candidate], log_e: dict[Family, Floats], alpha: float
) -> tuple[NDArray[np.bool_], int]:
    """Which candidates e-BH discovers by one family, and K_F.

    A candidate weighs as much as the other family that tests it says: found without both, so the other's e-value uses
    nothing of this family and is fixed when this family's rows move.
    """
    groups = _repetitions(family, candidates)
    flags = np.zeros(len(candidates), dtype=np.bool_)
    others = [values for other, values in log_e.items() if other != family]
    weights = [_weight([float(v[place]) for v in others for place in places]) for places in groups]
    found = e_bh([float(log_e[family][places[0]]) for places in groups], alpha, weights)
    for places, flag in zip(groups, found, strict=True):
        flags[places] = flag
    return flags, len(groups)


def _weight(log_e: list[float]) -> float:
    """The greatest e-value of the other families that tested these rows, held between 1 and `HEAVIEST`."""
    said = [value for value in log_e if np.isfinite(value)]
    return float(np.exp(np.clip(max(said, default=0.0), 0.0, np.log(HEAVIEST))))
