"""Whether what the product says of its own certainty is true: e-values where nothing is, and stated probabilities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from stillwatch.benchmark.measure import Share, is_operator_group
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.search import search
from stillwatch.linkage.strata import strata_of
from stillwatch.records import EXACT_FAMILIES, Family

EDGES = (0.0, 0.5, 0.75, 0.9, 0.99, 1.0)
"""Between which probabilities of membership accounts are counted together."""


@dataclass(frozen=True)
class Null:
    """One family over worlds in which its rows were moved at random: by construction nothing of it is true.

    `mean_e` is the mean over worlds of the mean e-value of the candidates, at most 1 if the guarantee holds;
    `error` is its standard error. `false_worlds` counts worlds with a discovery: at most alpha / |F| of them may be
    expected.
    """

    family: Family
    candidates: int
    mean_e: float
    error: float
    false_worlds: Share


@dataclass(frozen=True)
class Bin:
    """Members of suspected findings whose stated probability lies in [low, high): how many are operators."""

    low: float
    high: float
    stated: float
    operators: Share


def e_values(
    incidence: Incidence, replications: int, seed: int, progress: Callable[[str], None] = lambda _: None
) -> tuple[Null, ...]:
    """Move the rows of each exact family within strata, search again from blocking, and look at its e-values."""
    out = []
    for family in EXACT_FAMILIES:
        if family not in incidence.families():
            continue
        means: list[float] = []
        candidates = false = 0
        for replication in range(replications):
            progress(f"{family}, permuted world {replication + 1} of {replications}")
            found = search(permuted(incidence, family, seed + replication), only=family)
            values = found.log_e[family][~np.isnan(found.log_e[family])]
            means.append(float(np.exp(values).mean()) if len(values) else 1.0)
            candidates += len(values)
            false += bool(found.discovered[family].any())
        error = float(np.std(means) / np.sqrt(len(means)))
        out.append(Null(family, candidates, float(np.mean(means)), error, Share(false, replications)))
    return tuple(out)


def permuted(incidence: Incidence, family: Family, seed: int) -> Incidence:
    """The world in which the rows of a family move at random within the strata of every stratification at once."""
    strata = [strata_of(incidence, family, which) for which in range(max(len(incidence.stratifications), 1))]
    cells = np.unique(np.stack(strata, axis=1), axis=0, return_inverse=True)[1].ravel()
    rng = np.random.default_rng(seed)
    source = np.arange(incidence.n)
    for cell in range(int(cells.max()) + 1):
        rows = np.flatnonzero(cells == cell)
        source[rows] = rng.permutation(rows)
    return incidence.permuted(family, source)


def probabilities(answer: Mapping[str, Any], operators: set[str]) -> tuple[Bin, ...]:
    """Stated probabilities of members in suspected findings beside how many are operators. A member that is held for
    something else (a victim, a customer) states nothing about being an operator, and is left out."""
    stated = [
        (member["probability"], member["account_id"] in operators)
        for finding in answer["campaigns"]
        if finding["status"] == "suspected" and finding["kind"] == "group"
        for member in finding["members"]
        if member["role"] in ("operator", "provider")
    ]
    return tuple(_bin(low, high, stated) for low, high in pairwise(EDGES))


def _bin(low: float, high: float, stated: Sequence[tuple[float, bool]]) -> Bin:
    within = [(p, true) for p, true in stated if low <= p < high or (p == high == 1.0)]
    mean = sum(p for p, _ in within) / max(len(within), 1)
    return Bin(low, high, round(mean, 4), Share(sum(true for _, true in within), len(within)))


def likelihoods(answer: Mapping[str, Any], operators: set[str]) -> dict[str, Share]:
    """For each word that a suspected or ambiguous group's likelihood is put in: how many are truly campaigns."""
    out: dict[str, list[bool]] = {}
    for finding in answer["campaigns"]:
        if finding["kind"] == "group" and finding["status"] in ("suspected", "ambiguous"):
            out.setdefault(finding["likelihood"]["word"], []).append(is_operator_group(finding, operators))
    return {word: Share(sum(true), len(true)) for word, true in out.items()}
