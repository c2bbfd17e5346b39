"""PRADA: distances between an account's queries that are not normally distributed.

Source: Juuti, Szyller, Marchal and Asokan, "PRADA: Protecting Against DNN Model Stealing Attacks", EuroS&P 2019. Each
query's distance to the nearest of a growing set of earlier ones; outliers beyond three standard deviations go; an
attacker is who the Shapiro-Wilk statistic W of the distances says is not normal, from 100 distances on.
Simplified: one growing set, since a chat model predicts no class; distances between hashed word vectors; at most
`most` queries. In the method's favour `least` may be below 100, since an account has 60 exchanges on average, and W is
looked at after each further `least` distances, the worst counting.
Catches synthetic queries that step through space. Evaded by natural queries: a campaign's items are real questions, and
honest work (a batch over one form) is the least normal of all.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import shapiro

from stillwatch.benchmark.baselines.kernels import growing_distances
from stillwatch.benchmark.baselines.queries import Queries, Vectors
from stillwatch.benchmark.baselines.verdict import Scored, alone

Floats = NDArray[np.float64]

MOST = 600
"""Queries of one account that are read: square cost."""


def prada(traffic: Queries, *, least: int = 100, most: int = MOST) -> Scored:
    """Score each account by 1 - W, W being the Shapiro-Wilk statistic; fewer than `least` distances abstain."""
    return alone(np.array([_of(traffic.of(account, most), least) for account in range(traffic.n)]))


def _of(vectors: Vectors, least: int) -> float:
    if len(vectors) <= least:
        return -np.inf
    steps = growing_distances(distances(vectors))
    ends = {*range(least, len(steps) + 1, least), len(steps)}
    return max(abnormality(steps[:end]) for end in ends)


def distances(vectors: Vectors) -> Floats:
    """Euclidean distances between all vectors of unit length."""
    return np.sqrt(np.maximum(2.0 - 2.0 * (vectors @ vectors.T).astype(np.float64), 0.0))


def abnormality(steps: Floats) -> float:
    """1 - W of these distances without outliers; 0 where all are equal, since W does not exist then."""
    kept = steps[np.abs(steps - steps.mean()) <= 3.0 * steps.std()]
    if len(kept) < 3 or np.ptp(kept) < 1e-9:
        return 0.0
    return 1.0 - float(shapiro(kept).statistic)
