"""SEAT: an account that asks many nearly equal questions.

Source: Zhang, Chen and Wagner, "SEAT: Similarity Encoder by Adversarial Training for Detecting Model Extraction Attack
Queries", AISec 2021. Queries are encoded, pairs of one account that lie closer than a bound are counted, and an account
with more such pairs than a limit is cancelled.
Simplified: the encoder is not trained (hashed word vectors instead), and at most `most` queries of an account are read.
In the method's favour `share` may count pairs as a share of all, so that volume does not decide.
Catches perturbed copies of few seeds. Evaded by templates with fresh fillers over much cover; honest batch jobs and
agents, whose prompts repeat a preamble, have the most similar pairs of all.
"""

import numpy as np

from stillwatch.benchmark.baselines.queries import Queries, Vectors
from stillwatch.benchmark.baselines.verdict import Scored, alone

MOST = 1500


def seat(traffic: Queries, *, similarity: float = 0.9, share: bool = False, most: int = MOST) -> Scored:
    """Score each account by its pairs of queries with a cosine of at least `similarity`; fewer than two abstain."""
    score = [_of(traffic.of(account, most), similarity, share) for account in range(traffic.n)]
    return alone(np.array(score))


def _of(vectors: Vectors, similarity: float, share: bool) -> float:
    n = len(vectors)
    if n < 2:
        return -np.inf
    near = int((vectors @ vectors.T >= similarity - 1e-6).sum())
    pairs = (near - n) / 2.0
    return pairs / (n * (n - 1) / 2.0) if share else pairs
