"""The oracle: the best threshold on the world under test, which no rival would have, set with the truth in hand.

Five points each: the highest F1 on accounts, and the highest recall with no honest account accused, with at most one in
ten thousand, with at most one in a thousand, and with a precision of 99 % or more. F1 joins precision among all accused
with recall of members that have `measure.ENOUGH` extraction exchanges or more. Owners of stolen keys count against
precision alone: a point with no honest account may accuse them. A method that names groups has a sixth point, which no
order of scores can spoil: the oracle accuses every group that is half operators or more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.benchmark.measure import ENOUGH, Recovery, Share, extraction, recoveries

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LIMITS = {"no honest": 0.0, "honest <= 1e-4": 1e-4, "honest <= 1e-3": 1e-3}
PRECISE = "precision >= .99"
LEAST_PRECISION = 0.99
BEST = "best F1"
GROUPS = "groups by oracle"


@dataclass(frozen=True)
class Truth:
    """Who is who, one flag an account: operators (`enough` and `few` by their extraction exchanges) and the honest.

    `names` are the accounts' ids, `work` the extraction exchanges by account and campaign.
    """

    names: tuple[str, ...]
    operator: Flags
    enough: Flags
    few: Flags
    honest: Flags
    work: Mapping[str, Counter[str]]


@dataclass(frozen=True)
class Point:
    """What one threshold, chosen by the oracle, accuses. `threshold` is infinite where nobody is."""

    name: str
    threshold: float
    precision: Share
    recall: Share
    recall_few: Share
    false_accounts: Share

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _f1(self.precision.k / max(self.precision.n, 1), self.recall.k / max(self.recall.n, 1))


@dataclass(frozen=True)
class Groups:
    """Groups beside campaigns: how many there are, how many are mostly honest, which campaigns are matched.

    `accused` is what accusing all members of each group that is not mostly honest would do.
    """

    groups: int
    honest_groups: int
    campaigns: tuple[Recovery, ...]
    accused: Point

    @property
    def matched(self) -> int:
        """Campaigns recovered one-to-one with purity and completeness of one half or more."""
        return sum(recovery.matched for recovery in self.campaigns)


def truth_of(truth: Path, logs: Path, names: Sequence[str]) -> Truth:
    """Read a truth folder for accounts in this order; an account that it does not name is neither honest nor not."""
    kind = {row["account_id"]: row["kind"] for row in pq.read_table(truth / "accounts.parquet").to_pylist()}
    work = extraction(truth, logs)
    operator = np.array([kind.get(name) == "operator" for name in names])
    active = np.array([sum(work.get(name, {}).values()) for name in names])
    honest = np.array([kind.get(name) in ("legit", "look_alike") for name in names])
    few = operator & (active > 0) & (active < ENOUGH)
    return Truth(tuple(names), operator, operator & (active >= ENOUGH), few, honest, work)


def at_threshold(score: Floats, truth: Truth, threshold: float, name: str = "") -> Point:
    """What a threshold accuses: every account whose score is finite and reaches it."""
    accused = np.isfinite(score) & (score >= threshold)

    def share(of: Flags) -> Share:
        return Share(int((accused & of).sum()), int(of.sum()))

    precision = Share(int((accused & truth.operator).sum()), int(accused.sum()))
    return Point(name, threshold, precision, share(truth.enough), share(truth.few), share(truth.honest))


def points(score: Floats, truth: Truth) -> tuple[Point, ...]:
    """The oracle's points in a fixed order; of equal ones the higher threshold, which accuses fewer."""
    values = np.unique(score[np.isfinite(score)])[::-1]

    def reach(of: Flags) -> Floats:
        held = np.sort(score[of & np.isfinite(score)])
        return np.asarray(len(held) - np.searchsorted(held, values), dtype=np.float64)

    everyone = np.ones(len(score), dtype=np.bool_)
    precision = reach(truth.operator) / np.maximum(reach(everyone), 1.0)
    recall = reach(truth.enough) / max(int(truth.enough.sum()), 1)
    f1 = 2.0 * precision * recall / np.maximum(precision + recall, 1e-300)
    chosen = {BEST: _first_best(f1, values)}
    for name, limit in LIMITS.items():
        allowed = reach(truth.honest) <= limit * truth.honest.sum()
        chosen[name] = _first_best(np.where(allowed, recall, 0.0), values)
    chosen[PRECISE] = _first_best(np.where(precision >= LEAST_PRECISION, recall, 0.0), values)
    return tuple(at_threshold(score, truth, threshold, name) for name, threshold in chosen.items())


def _first_best(gain: Floats, values: Floats) -> float:
    """The highest threshold of the greatest gain; infinity where nothing is gained."""
    if not len(gain) or gain.max() <= 0.0:
        return float("inf")
    return float(values[int(np.argmax(gain))])


def _f1(precision: float, recall: float) -> float:
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def purest(scored: Scored, truth: Truth) -> Point:
    """The point PRECISE where the oracle picks whole groups, the purest first, in place of a threshold on scores."""
    kept = (scored.group >= 0) & np.isfinite(scored.score)
    score = np.full(len(kept), -np.inf)
    if kept.any():
        _, label = np.unique(scored.group[kept], return_inverse=True)
        score[kept] = (np.bincount(label, weights=truth.operator[kept]) / np.bincount(label))[label]
    return next(point for point in points(score, truth) if point.name == PRECISE)


def groups_of(scored: Scored, truth: Truth, threshold: float = -np.inf) -> Groups:
    """Groups, cut to members that reach a threshold, beside the true campaigns."""
    kept = (scored.group >= 0) & np.isfinite(scored.score) & (scored.score >= threshold)
    found: dict[str, set[str]] = {}
    for row in np.flatnonzero(kept):
        found.setdefault(str(scored.group[row]), set()).add(truth.names[row])
    operators = {name for name, is_one in zip(truth.names, truth.operator, strict=True) if is_one}
    guilty = {group for group, ids in found.items() if len(ids & operators) * 2 >= len(ids)}
    told = [row for row in np.flatnonzero(kept) if str(scored.group[row]) in guilty]
    score = np.full(len(kept), -np.inf)
    score[told] = 1.0
    matches = tuple(recoveries(dict(truth.work), operators, found))
    return Groups(len(found), len(found) - len(guilty), matches, at_threshold(score, truth, 1.0, GROUPS))
