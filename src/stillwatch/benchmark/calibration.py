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
from stillwatch.records import ACCUSING, EXACT_FAMILIES, Family

LARGE = 20.0
"""A mean e-value that one world in 20 may reach at most."""

EDGES = (0.0, 0.5, 0.75, 0.9, 0.99, 1.0)
"""Between which probabilities of membership accounts are counted together."""


@dataclass(frozen=True)
class Null:
    """One family over worlds in which its rows were moved at random: by construction nothing of it is true.

    `mean_e` is the mean over worlds of the mean e-value of the candidates, at most 1 if the guarantee holds, and
    `error` its standard error: None where no world had a candidate, or only one had. `large` counts worlds with a mean
    of 20 or more, at most one in 20 (Markov): a mean of few huge values has a huge error. `false_worlds` counts worlds
    with a discovery: at most alpha / |F| of them may be expected.
    """

    family: Family
    candidates: int
    mean_e: float | None
    error: float | None
    large: Share
    false_worlds: Share


@dataclass(frozen=True)
class Word:
    """A word of likelihood with the probabilities that it stands for: how many of its groups are truly campaigns."""

    word: str
    low: float
    high: float
    campaigns: Share


@dataclass(frozen=True)
class Bin:
    """Members of suspected findings whose stated probability lies in [low, high): how many are operators."""

    low: float
    high: float
    stated: float
    operators: Share


def e_values(
    incidence: Incidence,
    replications: int,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
    move: Callable[[Incidence, Family, int], Incidence] | None = None,
) -> tuple[Null, ...]:
    """Move the rows of each exact family within strata, search again from blocking, and look at its e-values.

    `move` makes the world without the family's truth; another than `permuted` shows that the check can fail.
    """
    made = move or permuted
    out = []
    for family in (family for family in EXACT_FAMILIES if family in incidence.families()):
        means: list[float] = []
        candidates = false = 0
        for replication in range(replications):
            progress(f"{family}, permuted world {replication + 1} of {replications}")
            found = search(made(incidence, family, seed + replication), only=family)
            values = found.log_e[family][~np.isnan(found.log_e[family])]
            means += [float(np.exp(values).mean())] if len(values) else []
            candidates += len(values)
            false += bool(found.discovered[family].any())
        large = Share(sum(mean >= LARGE for mean in means), replications)
        out.append(Null(family, candidates, *_mean(means), large, Share(false, replications)))
    return tuple(out)


def _mean(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean and its standard error, as far as they are known."""
    mean = float(np.mean(values)) if values else None
    return mean, float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def permuted(incidence: Incidence, family: Family, seed: int) -> Incidence:
    """The world in which the rows of a family move at random within the strata of the first stratification.

    An e-value is the least over all stratifications, so that it never exceeds the first's, which is exact here. Within
    the cells of all of them at once few rows could move, and what is true would stay.
    """
    strata = strata_of(incidence, family, 0)
    rng = np.random.default_rng(seed)
    source = np.arange(incidence.n)
    for stratum in range(int(strata.max()) + 1):
        rows = np.flatnonzero(strata == stratum)
        source[rows] = rng.permutation(rows)
    return incidence.permuted(family, source)


def probabilities(answer: Mapping[str, Any], operators: set[str]) -> tuple[Bin, ...]:
    """What is stated of members in suspected findings beside how many are operators: the estimate, or where a finding
    has none the probability, which is a cap for whoever is not accused. Of whom neither is stated (a customer, a victim
    beyond doubt) nothing is said about being an operator, and it is left out."""
    stated = [
        (
            member["probability"] if member.get("estimate") is None else member["estimate"],
            member["account_id"] in operators,
        )
        for finding in answer["campaigns"]
        if finding["status"] == "suspected" and finding["kind"] == "group"
        for member in finding["members"]
        if member["role"] in ACCUSING or member.get("estimate") is not None
    ]
    return tuple(_bin(low, high, stated) for low, high in pairwise(EDGES))


def _bin(low: float, high: float, stated: Sequence[tuple[float, bool]]) -> Bin:
    within = [(p, true) for p, true in stated if low <= p < high or (p == high == 1.0)]
    mean = sum(p for p, _ in within) / max(len(within), 1)
    return Bin(low, high, round(mean, 4), Share(sum(true for _, true in within), len(within)))


def likelihoods(answer: Mapping[str, Any], operators: set[str]) -> tuple[Word, ...]:
    """For each word that a suspected or ambiguous group's likelihood is put in: how many are truly campaigns."""
    out: dict[tuple[float, float, str], list[bool]] = {}
    for finding in answer["campaigns"]:
        if finding["kind"] == "group" and finding["status"] in ("suspected", "ambiguous"):
            said = finding["likelihood"]
            true = is_operator_group(finding, operators)
            out.setdefault((said["low"], said["high"], said["word"]), []).append(true)
    return tuple(Word(word, low, high, Share(sum(true), len(true))) for (low, high, word), true in sorted(out.items()))
