"""Mined families as a table: the sampled exchanges' stems out of the store, what they show back into the engine."""

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

SAMPLE = f"""
    WITH kept AS (SELECT account_id, row_hash, asked_at, stems, pairs FROM exchanges WHERE stems IS NOT NULL),
         begun_with AS (SELECT b.x FROM begun b JOIN exchange e ON e.x = b.x
                        WHERE list_contains(e.segment_roles, {EARLIER_SAYS})),
         daily AS (SELECT row_hash, stems, pairs FROM kept QUALIFY row_number() OVER
                   (PARTITION BY account_id, CAST(asked_at AS DATE) ORDER BY row_hash) <= {SAMPLED})
    SELECT e.x, e.entity, d.stems, d.pairs FROM daily d JOIN exchange e ON e.row_hash = d.row_hash
    WHERE len(d.stems) > 0 AND e.x NOT IN (SELECT x FROM begun_with)
    QUALIFY row_number() OVER (PARTITION BY e.entity ORDER BY d.row_hash) <= {OF_ENTITY}
    ORDER BY e.entity, e.x
"""
"""Which exchanges are mined does not depend on the files that they came in. What goes back to a preamble, or to
an exchange of its own, is not mined."""

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
    held = engine.arrow(SAMPLE)
    x = held["x"].to_numpy()
    shown = families(_prompts(held))
    engine.register("mined_read", pa.table({"x": x}))
    engine.register("mined_sample", _table(x, shown))
    engine.run([MINED_STEP])


def _prompts(held: pa.Table) -> Prompts:
    stems, pairs = (held[name].combine_chunks() for name in ("stems", "pairs"))
    if not held.num_rows:
        return Prompts(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint16))
    ends = np.concatenate([[0], np.cumsum(stems.value_lengths().to_numpy(zero_copy_only=False))]).astype(np.int64)
    entity = held["entity"].to_numpy().astype(np.int32)
    return Prompts(entity, ends, stems.flatten().to_numpy(), pairs.flatten().to_numpy())


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
