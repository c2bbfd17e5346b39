"""The volume rule: whoever asks most is suspicious.

Source: the rate limit that every provider has; no paper. Variants count all exchanges, those of the busiest day, or of
the busiest hour. Catches one account that harvests alone. Evaded by spreading: 16 million exchanges over 24,000
accounts are 670 an account, fewer than an honest coding agent's or a batch job's.
"""

import numpy as np

from stillwatch.benchmark.baselines.queries import Queries
from stillwatch.benchmark.baselines.verdict import Scored, alone


def volume(traffic: Queries, *, seconds: float = float("inf")) -> Scored:
    """Score each account by its exchanges in the busiest slot of so many seconds; infinity counts all."""
    owner = np.repeat(np.arange(traffic.n), np.diff(traffic.indptr))
    slot = np.floor(traffic.at / seconds).astype(np.int64) if np.isfinite(seconds) else np.zeros_like(owner)
    keys, counts = np.unique(np.stack([owner, slot]), axis=1, return_counts=True)
    score = np.full(traffic.n, -np.inf)
    np.maximum.at(score, keys[0], counts.astype(np.float64))
    return alone(score)
