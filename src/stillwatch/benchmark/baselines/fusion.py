"""Fixed-weight fusion: detectors of one account each, normalised and added with weights that never change.

Source: Glasswally (m0rs3c0d3/Glasswally, engine/fusion.rs, ten workers): fingerprint .20, velocity .13, patterns of
chain of thought .12, hydra cluster .11, embedding similarity .10, timing cluster .09, pivot .07, others .18; a cluster
of five accounts adds .08. Each worker here is what its own describes, on the tables at hand: a TLS fingerprint shared
with many accounts; the busiest hour; exchanges that ask for reasoning; accounts joined by an address block or a card,
scored by the size of their cluster; wordings in common; bursts in common; a change of model in the same hour.
Simplified: HTTP/2 settings, watermark probes and keystroke entropy are not in any log (their weights fall away), the
rise for one country is left out, and every worker has full confidence, which favours the method.
Catches noisy campaigns. Evaded by the weights being public and additive, and by its clusters: one fingerprint of a
common SDK, or one block of a campus, joins all honest customers.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from stillwatch.benchmark.baselines.projection import LEAST_ROWS, biadjacency
from stillwatch.benchmark.baselines.verdict import Scored, sized
from stillwatch.linkage.incidence import Channel, Incidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEIGHTS = {
    "fingerprint": 0.20, "velocity": 0.13, "cot": 0.12, "hydra": 0.11, "embed": 0.10, "timing": 0.09, "pivot": 0.07,
}  # fmt: skip
CLUSTER_FLOOR = 0.08
CLUSTER = 5
"""Accounts from which a cluster raises its members."""

FULL = 25
"""Accounts that share a thing at which a worker's score is full, as the source's hydra worker has it."""


def fusion(incidence: Incidence, busiest_hour: Floats, reasoning: Floats, *, clusters: bool = True) -> Scored:
    """Score each row by the weighted sum of its workers; groups are the hydra clusters.

    `busiest_hour` counts exchanges a row, `reasoning` is the share of its exchanges that ask for reasoning; `clusters`
    keeps the rise for members of a cluster.
    """
    labels = hydra(incidence)
    size = np.bincount(labels)[labels]
    workers = {
        "fingerprint": crowd(incidence, "ja4"),
        "velocity": np.minimum(busiest_hour / 60.0, 1.0),
        "cot": reasoning,
        "hydra": np.where(size >= 3, np.minimum(size / FULL, 1.0), 0.0),
        "embed": overlap(incidence, "exact"),
        "timing": overlap(incidence, "burst"),
        "pivot": crowd(incidence, "switch"),
    }
    score = sum((WEIGHTS[name] * value for name, value in workers.items()), np.zeros(incidence.n))
    raised = score + CLUSTER_FLOOR * (size >= CLUSTER) if clusters else score
    return Scored(np.asarray(raised), sized(labels, LEAST_ROWS))


def _named(incidence: Incidence, name: str) -> tuple[Channel, ...]:
    return tuple(c for c in incidence.channels if c.name == name)


def crowd(incidence: Incidence, name: str) -> Floats:
    """How many rows share the most shared token of each row, full at `FULL`; 0 where the channel is blind."""
    out = np.zeros(incidence.n)
    for c in _named(incidence, name):
        owner = np.repeat(np.arange(incidence.n), np.diff(c.indptr))
        np.maximum.at(out, owner, np.minimum(c.document_frequency[c.tokens] / FULL, 1.0))
    return out


def overlap(incidence: Incidence, name: str) -> Floats:
    """The share of each row's tokens that another row holds; 0 where the channel is blind."""
    out = np.zeros(incidence.n)
    for c in _named(incidence, name):
        out = np.diff(c.indptr) / np.maximum(c.sizes, 1)
    return out


def hydra(incidence: Incidence) -> Ints:
    """Components of rows that share an address block or a card."""
    channels = _named(incidence, "block") + _named(incidence, "payment")
    graph = biadjacency(incidence, channels)
    return np.asarray(connected_components(graph @ graph.T, directed=False)[1].astype(np.int64))
