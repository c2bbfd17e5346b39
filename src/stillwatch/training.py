"""Training value of whole groups: what their tested cores' accounts ask for beside comparable accounts, all their
traffic pooled, by an e-value (`linkage.pooled`).

Reads `exchange` and `intent`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.content.capabilities import SAID_REQUESTS, Requests
from stillwatch.content.value import FIGURES, figures, rates
from stillwatch.engine.base import Engine
from stillwatch.linkage.groups import Group
from stillwatch.linkage.incidence import Floats, Incidence, Ints
from stillwatch.linkage.pooled import LEAST_MEMBERS, Pool, learnt, pool_of, pooled_log_e
from stillwatch.linkage.strata import strata_by
from stillwatch.records import Family
from stillwatch.stats import distinct

SEED = 20260301

COMPARED = 512
"""Most rows of a stratum, beside the group's own, with which members are compared: the first in the order of keys."""

MOST_MEMBERS = 400
"""Members that are tested, the first in the order of their keys."""

SHOWN = 5
"""Figures that a finding names."""

ROWS = f"""
SELECT e.entity, {SAID_REQUESTS}
FROM exchange e JOIN pooled_entity p ON p.entity = e.entity LEFT JOIN intent i ON i.x = e.x
WHERE e.text_words IS NOT NULL
"""


def training_values(engine: Engine, incidence: Incidence, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """For each group the object `training_value` of its finding; empty where no text, or hardly a member, is seen."""
    size = np.zeros(incidence.n, dtype=np.int64)
    counted = engine.arrow("SELECT entity, count(*) AS n FROM exchange WHERE text_words IS NOT NULL GROUP BY entity")
    size[counted["entity"].to_numpy()] = counted["n"].to_numpy()
    if not size.any() or not groups:
        return [{} for _ in groups]
    strata = [strata_by(size, attributes) for attributes in incidence.stratifications or ((),)]
    tested = [_first(incidence, group.core[size[group.core] > 0].astype(np.int64), MOST_MEMBERS) for group in groups]
    within = [[_compared(incidence, members, of, size) for of in strata] for members in tested]
    needed = distinct(np.concatenate([rows for each in within for rows in each] or [np.zeros(0, np.int64)]))
    table = _rates(engine, needed)
    out: list[dict[str, Any]] = []
    for group, members, compared in zip(groups, tested, within, strict=True):
        if len(members) < LEAST_MEMBERS:
            out.append({})
            continue
        pools = [
            pool_of(table[np.searchsorted(needed, rows)], _dense(of[rows]), incidence.keys[rows])
            for rows, of in zip(compared, strata, strict=True)
        ]
        places = [np.searchsorted(rows, members) for rows in compared]
        least = min(pooled_log_e(pool, at, SEED) for pool, at in zip(pools, places, strict=True))
        shows = _shows(pools[0], places[0], table[np.searchsorted(needed, compared[0])])
        out.append(_told(group, least, len(members), len(compared[0]) - len(members), shows))
    return out


def _told(group: Group, log_e: float, accounts: int, compared: int, shows: list[dict[str, Any]]) -> dict[str, Any]:
    """Exact only where no wording and no client, whose parameters and tools are figures too, chose the group: whoever
    found or confirmed it by what it asks chose it by these."""
    by_text = {Family.CONTENT, Family.WORK, Family.CLIENT}
    confirmed = {one.family for one in group.confirmations if one.discovered}
    return {
        "log_e": round(log_e, 4),
        "guarantee": "none" if by_text & ({*group.found_by, *group.twice} | confirmed) else "exact",
        "entities": accounts,
        "compared": compared,
        "shows": shows,
    }


def _first(incidence: Incidence, rows: Ints, most: int) -> Ints:
    """The first so many rows in the order of their keys, ascending."""
    return np.sort(rows[np.argsort(incidence.keys[rows], kind="stable")[:most]])


def _compared(incidence: Incidence, members: Ints, strata: NDArray[np.int32], size: Ints) -> Ints:
    """The members and the first rows of their strata, ascending."""
    rows = [members]
    for stratum in distinct(strata[members]):
        rows.append(_first(incidence, np.flatnonzero((strata == stratum) & (size > 0)), COMPARED))
    return distinct(np.concatenate(rows))


def _dense(codes: NDArray[np.int32]) -> Ints:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _rates(engine: Engine, rows: Ints) -> Floats:
    """Figures of these entities, (rows, FIGURES)."""
    engine.register("pooled_entity", pa.table({"entity": pa.array(rows, pa.int32())}))
    held = engine.arrow(ROWS)
    requests = Requests(*(held[name].to_numpy() for name in Requests._fields))
    return rates(figures(requests), np.searchsorted(rows, held["entity"].to_numpy()), len(rows))


def _shows(pool: Pool, members: Ints, table: Floats) -> list[dict[str, Any]]:
    """The figures that weigh most in what all tested members have in common, with mean shares of exchanges."""
    weights = learnt(pool, members).weights
    others = np.ones(len(table), dtype=np.bool_)
    others[members] = False
    strongest = [int(at) for at in np.argsort(-weights, kind="stable")[:SHOWN] if weights[at] > 0]
    return [
        {"figure": FIGURES[at], "members": round(float(table[members, at].mean()), 4),
         "others": round(float(table[others, at].mean()), 4) if others.any() else 0.0}
        for at in strongest
    ]  # fmt: skip
