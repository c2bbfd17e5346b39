"""Mined families as a table: the sampled exchanges' stems out of the store, what they show back into the engine."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.content.mining import Prompts, Shown, families
from stillwatch.content.preamble import EARLIER_SAYS
from stillwatch.engine.base import Engine
from stillwatch.records import Step
from stillwatch.tables import SAMPLED

OF_ENTITY = 64
"""Exchanges of an entity that are mined, those with the least row hashes."""

BEGUN_STEP = Step(
    "begun_with",
    f"SELECT b.x FROM begun b JOIN exchange e ON e.x = b.x WHERE list_contains(e.segment_roles, {EARLIER_SAYS})",
)
"""What goes back to a preamble, or to an exchange of its own: it is not mined."""

STEMMED = """
    SELECT e.x, e.entity, e.account, epoch_us(e.asked_at) // 86_400_000_000 AS day,
           CAST(e.stemmed AS INTEGER) AS stemmed, e.stemmed > 0 AND b.x IS NULL AS said
    FROM exchange e LEFT JOIN begun_with b ON b.x = e.x WHERE e.stemmed IS NOT NULL
"""

STEMS = "SELECT m.place, e.stems, e.pairs FROM exchanges e JOIN mined_read m ON m.x = CAST(e.row_hash // 2 AS BIGINT)"

MINED_STEP = Step(
    "mined_token",
    """
    WITH shown AS (SELECT m.channel, m.token, m.x, e.entity, e.skeleton, e.head, e.tail FROM mined_sample m
                   JOIN exchange e ON e.x = m.x),
         alike AS (SELECT channel, token, entity, unnest([skeleton, head, tail]) AS wording FROM shown),
         others AS (SELECT x, entity, unnest([skeleton, head, tail]) AS wording FROM exchange
                    ANTI JOIN mined_read USING (x))
    SELECT DISTINCT x, entity, channel, token FROM (
        SELECT x, entity, channel, token FROM shown UNION ALL
        SELECT o.x, o.entity, a.channel, a.token FROM others o
        JOIN (SELECT DISTINCT * FROM alike WHERE wording IS NOT NULL) a
          ON a.entity = o.entity AND a.wording = o.wording)
    """,
)
"""Table `mined_token(x, entity, channel, token)`: exchanges that were mined, and others of the same entity with the
same masked text, first or last eight words as one of them."""


def mine(engine: Engine) -> None:
    """Make the table `mined_token`."""
    engine.run([BEGUN_STEP])
    held = _sampled(engine.arrow(STEMMED))
    engine.register("mined_read", placed(held))
    shown = families(_prompts(engine, held))
    engine.register("mined_sample", _table(held["x"].to_numpy(), shown))
    engine.run([MINED_STEP])


def placed(held: pa.Table) -> pa.Table:
    """The exchanges that are mined, each with its place among them."""
    return held.select(["x"]).append_column("place", pa.array(range(held.num_rows), pa.int64()))


def _sampled(held: pa.Table) -> pa.Table:
    """The exchanges that are mined, by entity and number: of an account's day those that a store keeps stems of, of an
    entity the first `OF_ENTITY`. Numbers follow row hashes, so it does not depend on the files that rows came in."""
    x, account, day = (held[name].to_numpy().astype(np.int64) for name in ("x", "account", "day"))
    days = day - day.min(initial=0)
    daily = np.flatnonzero(
        _first(account * (int(days.max(initial=0)) + 1) + days, x, SAMPLED) & held["said"].to_numpy()
    )
    entity = held["entity"].to_numpy()[daily]
    kept = daily[_first(entity, x[daily], OF_ENTITY)]
    return held.take(pa.array(kept[np.lexsort((x[kept], held["entity"].to_numpy()[kept]))]))


def _first(group: NDArray[Any], x: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Which rows are among the first so many of their group, by x."""
    order = np.lexsort((x, group))
    ordered = group[order]
    begun = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(order) else order
    rank = np.arange(len(order)) - np.repeat(begun, np.diff(np.append(begun, len(order))))
    out = np.zeros(len(order), dtype=np.bool_)
    out[order[rank < most]] = True
    return out


def _prompts(engine: Engine, held: pa.Table) -> Prompts:
    """The sample's stems, read in any order and put down where they belong: they lie in memory once."""
    ends = np.concatenate([[0], np.cumsum(held["stemmed"].to_numpy())]).astype(np.int64)
    stems, pairs = np.empty(int(ends[-1]), np.uint32), np.empty(int(ends[-1]), np.uint16)
    for batch in engine.batches(STEMS):
        sizes = batch["stems"].value_lengths().to_numpy().astype(np.int64)
        begun = ends[batch["place"].to_numpy()] - (np.cumsum(sizes) - sizes)
        at = np.repeat(begun, sizes) + np.arange(sizes.sum())
        stems[at], pairs[at] = batch["stems"].flatten().to_numpy(), batch["pairs"].flatten().to_numpy()
    return Prompts(held["entity"].to_numpy().astype(np.int32), ends, stems, pairs)


def _table(x: NDArray[np.int64], shown: list[Shown]) -> pa.Table:
    channel = np.repeat(np.array([one.channel for one in shown], np.str_), [len(one.prompt) for one in shown])
    places = [one.prompt for one in shown]
    tokens = [one.token for one in shown]
    return pa.table(
        {
            "channel": pa.array(channel, pa.string()),
            "x": pa.array(x[np.concatenate(places)] if places else np.zeros(0, np.int64), pa.int64()),
            "token": pa.array(np.concatenate(tokens) if tokens else np.zeros(0, np.uint64), pa.uint64()),
        }
    )
