"""The exchanges that each finding counts, so that a reader can look them up in the provider's own logs.

Reads `exchange`, `group_exchange`, `group_token`, `wording_shown`, `own_work`, `excess_exchange`, and of the findings
that are told `counted_group(campaign_id, grp)`, `counted_entity(campaign_id, entity)` and `counted_excess(campaign_id,
claim)`.
"""

from collections.abc import Sequence

import pyarrow as pa

from stillwatch.assess.finding import Finding
from stillwatch.engine.base import Engine
from stillwatch.records import Step

WORDING = """
SELECT grp, x, arg_max(channel || ':' || lpad(lower(hex(token)), 16, '0'),
                       struct_pack(exclusive := exclusive, n := n, channel := channel, token := token)) AS wording
FROM (SELECT s.grp, s.x, s.channel, s.token, k.exclusive, count(*) OVER (PARTITION BY s.grp, s.channel, s.token) AS n
      FROM wording_shown s JOIN group_token k ON k.channel = s.channel AND k.token = s.token
        AND k.grp = CASE WHEN s.grp < 0 THEN -1 - s.grp ELSE s.grp END
      WHERE s.grp IN (SELECT grp FROM counted_group))
GROUP BY grp, x
"""
"""Of the group's wordings in an exchange the one that names it: its own before others', then the commonest."""

STEPS = [
    Step("counted_wording", WORDING),
    Step(
        "finding_exchange",
        """
        SELECT t.campaign_id, e.exchange_id, e.account_id, e.asked_at, w.wording, g.exclusive AS own,
               g.certain AS linked
        FROM counted_group t JOIN group_exchange g ON g.grp = t.grp JOIN exchange e ON e.x = g.x
        LEFT JOIN counted_wording w ON w.grp = g.grp AND w.x = g.x
        UNION ALL
        SELECT t.campaign_id, e.exchange_id, e.account_id, e.asked_at, NULL, NULL, NULL
        FROM counted_entity t JOIN own_work o ON o.entity = t.entity JOIN exchange e ON e.x = o.x
        UNION ALL
        SELECT t.campaign_id, e.exchange_id, e.account_id, e.asked_at, NULL, NULL, NULL
        FROM counted_excess t JOIN excess_exchange o ON o.claim = t.claim JOIN exchange e ON e.x = o.x
        """,
    ),
]


def tell_groups(engine: Engine, judged: Sequence[tuple[Finding, int]]) -> None:
    """Register `counted_group`: findings about groups, with the number of the work that each counts; none dismissed."""
    _register(engine, "counted_group", "grp", [(f.campaign_id, n) for f, n in judged if f.status != "dismissed"])


def tell_entities(engine: Engine, found: Sequence[tuple[str, int]]) -> None:
    """Register `counted_entity`: ids of findings about one entity, and its number."""
    _register(engine, "counted_entity", "entity", found)


def tell_excess(engine: Engine, found: Sequence[tuple[str, int]]) -> None:
    """Register `counted_excess`: ids of findings about what exceeds a permission, and its number."""
    _register(engine, "counted_excess", "claim", found)


def counted_exchanges(engine: Engine) -> pa.Table:
    """A row for each exchange that a told finding counts (store.runs.COUNTED), by finding, time and id."""
    engine.run(STEPS)
    return engine.arrow("SELECT * FROM finding_exchange ORDER BY campaign_id, asked_at, exchange_id")


def told_wordings(engine: Engine) -> pa.Table:
    """The wordings that explain what told groups count (store.runs.WORDINGS), by finding, channel and token."""
    engine.run(
        [
            Step(
                "told_wording",
                """
                SELECT DISTINCT t.campaign_id, s.channel, s.token, k.exclusive AS own
                FROM counted_group t JOIN wording_shown s ON s.grp = t.grp
                JOIN group_token k ON k.channel = s.channel AND k.token = s.token
                  AND k.grp = CASE WHEN s.grp < 0 THEN -1 - s.grp ELSE s.grp END
                """,
            )
        ]
    )
    return engine.arrow("SELECT * FROM told_wording ORDER BY campaign_id, channel, token")


def _register(engine: Engine, name: str, column: str, rows: Sequence[tuple[str, int]]) -> None:
    engine.register(
        name,
        pa.table(
            {
                "campaign_id": pa.array([row[0] for row in rows], pa.string()),
                column: pa.array([row[1] for row in rows], pa.int32()),
            }
        ),
    )
