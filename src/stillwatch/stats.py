"""Pure arithmetic: e-values and e-BH, exact binomial intervals, log-odds. No table, no file, no randomness."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values of a row of them, ascending, by sorting. NumPy's own `unique` counts by hashes where nothing
    else is asked of it, which takes a hundred times as long for a million integers."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def distinct_pairs(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The distinct pairs of two equally long rows of values, in ascending order."""
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = np.append(True, (first[1:] != first[:-1]) | (second[1:] != second[:-1])) if len(order) else order
    return first[new], second[new]


def logistic(log_odds: float) -> float:
    """Probability of a log-odds, without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    return math.exp(log_odds) / (1.0 + math.exp(log_odds))


def log_odds(probability: float) -> float:
    """Log-odds of a probability strictly between 0 and 1."""
    return math.log(probability) - math.log1p(-probability)


def log_mean_exp(values: Floats, axis: int | None = None) -> Floats:
    """ln of the mean of exp(values) along an axis, computed without overflow; -inf entries count as zeros."""
    top = np.max(values, axis=axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        mean = np.log(np.mean(np.exp(values - safe), axis=axis, keepdims=True)) + safe
    return np.asarray(np.squeeze(mean, axis=axis) if axis is not None else mean.reshape(()))


def e_bh(
    log_e: Sequence[float] | Floats, alpha: float, weights: Sequence[float] | Floats | None = None
) -> NDArray[np.bool_]:
    """The e-BH procedure (Wang and Ramdas 2022): which of K hypotheses are discovered at level alpha.

    `log_e` holds ln of each e-value; the answer has the same length. Rejects the k largest, where k is the greatest
    number such that the k-th largest e-value is at least K / (alpha k). FDR <= alpha under any dependence.
    `weights`, positive, are scaled to a mean of 1 and multiply the e-values: the guarantee stays, provided that they
    are fixed given everything that the e-values do not test (section 4 of the paper).
    """
    values = np.asarray(log_e, dtype=np.float64)
    if weights is not None and values.size:
        scale = np.asarray(weights, dtype=np.float64)
        values = values + np.log(scale / scale.mean())
    if values.size == 0:
        return np.zeros(0, dtype=np.bool_)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(1, values.size + 1)
    passing = values[order] >= np.log(values.size) - np.log(alpha) - np.log(ranks)
    discovered = np.zeros(values.size, dtype=np.bool_)
    if passing.any():
        discovered[order[: int(ranks[passing].max())]] = True
    return discovered


def e_lond_level(place: int, discovered: int, alpha: float) -> float:
    """The level of the hypothesis that comes at this place (from 1 on) of a stream, `discovered` of the earlier ones
    being so when it comes (e-LOND, Xu and Ramdas 2024): it is discovered when its e-value is at least 1/level.

    FDR <= alpha under any dependence. Levels fall as 6 / (pi place)^2, which sums to 1.
    """
    return alpha * 6.0 / (np.pi * place) ** 2 * (discovered + 1)


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval for a binomial proportion: k successes of n trials (Clopper and Pearson 1934).

    With n = 0 nothing is known and the interval is (0, 1).
    """
    from scipy.stats import beta  # noqa: PLC0415  (a second to import; only reports need it)

    if n == 0:
        return 0.0, 1.0
    tail = (1.0 - level) / 2.0
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1.0 - tail, k + 1, n - k))
    return low, high


def dirichlet_multinomial(counts: Floats, alpha: Floats) -> float:
    """ln of the marginal likelihood of an ordered sample with these category counts under Dirichlet(alpha).

    The multinomial coefficient is left out: it cancels in every ratio that compares two sources of one sample.
    """
    from scipy.special import gammaln  # noqa: PLC0415

    total = float(np.sum(alpha))
    return float(
        gammaln(total) - gammaln(total + float(np.sum(counts))) + np.sum(gammaln(alpha + counts) - gammaln(alpha))
    )


def largest_remainder(shares: Iterable[float], total: int) -> list[int]:
    """Split a whole number by shares so that the parts add up to it (Hamilton's method; ties go to the first)."""
    weights = np.asarray(list(shares), dtype=np.float64)
    if weights.sum() <= 0:
        return [0] * len(weights)
    exact = weights / weights.sum() * total
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return [int(part) for part in parts]


def precision(bad: float, accounts: float, recall: float, false_positive_rate: float) -> float:
    """The share of flagged accounts that are bad, where so many of all are; NaN where a rule flags nobody.

    Bayes' rule: ``recall·bad / (recall·bad + rate·(accounts - bad))``. Of 24,000 among 10 million, a rule that finds .8
    of them and flags one honest account in a thousand has .66.
    """
    right = recall * bad
    flagged = right + false_positive_rate * (accounts - bad)
    return right / flagged if flagged else math.nan
