"""What StarScout's two tables permit, which is not linkage: they say who starred nothing and what was starred by whom.

* Months: stars of a repository and month, and how many of them lockstep clusters hold. There is no edge between an
  account and a repository, so no two accounts can be linked. What can be asked is whether a repository's own counts
  already tell its lockstep months: by the month's stars over the median of its other months.
* Accounts: how often each did what on GitHub, and `suspected_fake`. All counts are one mechanism, so linkage abstains;
  and a rule of the counts (nothing but stars, at most two) says how much of the label such a rule explains.

Every repository of the table has a lockstep star in some month: repositories without are missing, so that
no rate of false alarms can be had. A month's lockstep stars are part of its stars, so the two are not independent.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import rankdata

from stillwatch.benchmark.measure import Share

MONTHS = 6
"""Months of counts from which a repository has a history."""

Floats = NDArray[np.float64]


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """What the counts tell, as lines of the results file."""
    yield {"data": "starscout months"} | of_months(
        pq.read_table(folder / "starscout_campaign_months.parquet").to_pydict()
    )
    yield {"data": "starscout accounts"} | of_accounts(
        pq.read_table(folder / "starscout_actor_events.parquet").to_pydict()
    )


def of_months(table: dict[str, list[Any]]) -> dict[str, Any]:
    """AUC of a month's burst, and of its bare stars, against months of which at least half is in lockstep."""
    repo = np.unique(table["repo"], return_inverse=True)[1]
    stars, lockstep = np.array(table["n_stars"], np.float64), np.array(table["n_stars_clustered"], np.float64)
    months = np.bincount(repo)
    long = months[repo] >= MONTHS
    positive = (lockstep >= 0.5 * stars)[long]
    score = burst(repo, stars)[long]
    within = [np.corrcoef(rankdata(s), rankdata(c))[0, 1] for s, c in _each(repo[long], stars[long], lockstep[long])]
    return {
        "repositories": len(months), "with_one_month": int((months == 1).sum()),
        "without_lockstep": int((np.bincount(repo, weights=lockstep) == 0).sum()),
        "months_with_history": int(long.sum()), "half_in_lockstep": int(positive.sum()),
        "auc_burst": round(auc(score, positive), 3), "auc_stars": round(auc(stars[long], positive), 3),
        "rank_correlation_within": round(float(np.nanmedian(within)), 3),
    }  # fmt: skip


def _each(repo: NDArray[np.int64], stars: Floats, lockstep: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Stars and lockstep stars of each repository in which both vary."""
    order = np.argsort(repo, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(repo[order])) + 1):
        if np.ptp(stars[rows]) and np.ptp(lockstep[rows]):
            yield stars[rows], lockstep[rows]


def burst(repo: NDArray[np.int64], stars: Floats) -> Floats:
    """ln of each month's stars over the median of the repository's other months; 0 where there is no other."""
    out = np.zeros(len(repo))
    order = np.argsort(repo, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(repo[order])) + 1):
        for row in rows if len(rows) > 1 else ():
            out[row] = np.log((stars[row] + 1) / (np.median(stars[rows[rows != row]]) + 1))
    return out


def auc(score: Floats, positive: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative, ties counted half."""
    ranks = rankdata(score)
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / max(n * (len(score) - n), 1))


def of_accounts(table: dict[str, list[Any]]) -> dict[str, Any]:
    """How well "nothing but stars, at most two" says what is suspected."""
    fake = np.array(table["suspected_fake"]) == 1
    counts = {name: np.array(values) for name, values in table.items() if name.endswith("Event")}
    stars = counts.pop("WatchEvent")
    idle = (sum(counts.values()) == 0) & (stars <= 2)
    return {
        "families": 1, "linkage": "abstains: all counts are one mechanism, and nobody is beside anybody",
        "rule_precision": str(Share(int((idle & fake).sum()), int(idle.sum()))),
        "rule_recall": str(Share(int((idle & fake).sum()), int(fake.sum()))),
        "rule_false": str(Share(int((idle & ~fake).sum()), int((~fake).sum()))),
    }  # fmt: skip
