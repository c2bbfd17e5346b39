"""Windowed maximum mean discrepancy: a window of traffic whose texts are not distributed as benign ones are.

Source: Liu, Guo and Dong, "An Embarrassingly Simple Detector for Model Extraction Attacks in Large Language Model API
Traffic", 2026 (arXiv 2606.05725): sentence embeddings, a kernel two-sample statistic of each window against benign
reference traffic, a threshold from benign windows alone. The statistic: Gretton and others, JMLR 2012.
Here windows are an account's own, 100 to 200 exchanges as in the paper's mixed setting, and an account scores what its
worst window does. Simplified: hashed word vectors instead of sentence embeddings; one Gaussian kernel with the median
distance. In the method's favour: the benign reference is drawn from accounts that the *truth* calls honest, windows of
fewer exchanges are judged as well (`least`), and `scaled` divides by the statistic's spread under equal distributions.
Catches one account that does little else than extraction. Evaded by cover (5 to 20 % of a window moves the mean little)
and by being one of many accounts with few exchanges; every honest specialist differs from the mean more.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.benchmark.baselines.queries import Queries, Vectors
from stillwatch.benchmark.baselines.verdict import Scored, alone

WINDOW = 150
REFERENCE = 400
"""Benign vectors that a window is compared with."""


def mmd(
    traffic: Queries, reference: Vectors, *, window: int = WINDOW, least: int = 100, scaled: bool = False
) -> Scored:
    """Score each account by the largest squared MMD of its windows against the reference; too few texts abstain."""
    kernel = Kernel(reference)
    score = np.full(traffic.n, -np.inf)
    for account in range(traffic.n):
        vectors = traffic.of(account)
        parts = [vectors[first : first + window] for first in range(0, len(vectors), window)]
        found = [kernel.statistic(part, scaled) for part in parts if len(part) >= max(least, 2)]
        score[account] = max(found, default=-np.inf)
    return alone(score)


class Kernel:
    """A Gaussian kernel with the reference's median distance, and what never changes about the reference."""

    def __init__(self, reference: Vectors) -> None:
        self._reference = reference
        squared = _squared(reference, reference)
        away = squared[~np.eye(len(reference), dtype=np.bool_)]
        self._width = max(float(np.median(away)), 1e-9)
        inner = np.exp(-squared / self._width)
        np.fill_diagonal(inner, 0.0)
        m = len(reference)
        self._inner = float(inner.sum() / (m * (m - 1)))
        means = inner.sum(axis=1) / (m - 1)
        centred = inner - means[:, None] - means[None, :] + self._inner
        np.fill_diagonal(centred, 0.0)
        self._spread = float(np.sqrt((centred**2).sum() / (m * (m - 1))))

    def statistic(self, vectors: Vectors, scaled: bool) -> float:
        """The unbiased squared MMD; `scaled` in standard deviations under H0 (the reference's own share left out)."""
        n = len(vectors)
        own = np.exp(-_squared(vectors, vectors) / self._width)
        cross = np.exp(-_squared(vectors, self._reference) / self._width).mean()
        value = float((own.sum() - np.trace(own)) / (n * (n - 1)) + self._inner - 2.0 * cross)
        return value / (self._spread * float(np.sqrt(2.0 / (n * (n - 1))))) if scaled else value


def _squared(left: Vectors, right: Vectors) -> Vectors:
    """Squared distances between vectors of unit length."""
    return np.asarray(np.maximum(2.0 - 2.0 * (left @ right.T), 0.0))


def reference_of(traffic: Queries, honest: NDArray[np.bool_], size: int = REFERENCE, seed: int = 1) -> Vectors:
    """Vectors of accounts that are known to be honest: one account after the other in random order, one text each."""
    rng = np.random.default_rng(seed)
    out: list[Vectors] = []
    for account in rng.permutation(np.flatnonzero(honest)):
        held = traffic.of(int(account))
        if len(held):
            out.append(held[rng.integers(0, len(held))])
        if len(out) == size:
            break
    return np.stack(out)
