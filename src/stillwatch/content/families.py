"""Template families: the ids under which many wordings of one instruction are recognised.

Several ids at once, each a channel of the one content family: `exact` (masked skeleton), `head` and `tail` (edges),
`segment` (a sentence that recurs with different surroundings: of the last human turn, or of what it goes back to; or a
block in a harness's tags that no harness put there), `system` (a sentence of a short system text), `lsh` (nearly the
same text), and the families that are mined from each account's own prompts (`mining.py`), in the table `mined_token` of
the caller.
Evaded by a new wording of every sentence in every exchange under cover.
"""

from stillwatch.content.counts import LEAST_NEAR_WORDS, LEAST_WORDS
from stillwatch.content.preamble import BEGUN, EARLIER_SAYS, SAYS
from stillwatch.records import SegmentRole, Step

LEAST_EXCHANGES = 2
BESIDE = (int(SegmentRole.BLOCK), int(SegmentRole.BLOCK_ASKS), SAYS, EARLIER_SAYS)
"""Roles of which the rest of the request may differ where the last human turn does not."""

AUTHORED = (int(SegmentRole.USER), *BESIDE)
"""Whose segments are template tokens: a block that few send is its sender's own."""

LSH_BANDS = 4
LSH_ROWS = 4


def _column(name: str) -> str:
    return (
        f"SELECT x, entity, '{name if name != 'skeleton' else 'exact'}' AS channel, {name} AS token FROM exchange "
        f"WHERE {name} IS NOT NULL AND text_words >= {LEAST_WORDS}"
    )


def _band(band: int) -> str:
    """Band tokens: four MinHash values with the band's number, which keeps bands apart."""
    width = 2 * LSH_ROWS
    return (
        f"SELECT x, entity, 'lsh' AS channel, "
        f"md5_number_lower('{band}' || hex(minhash)[{2 * width * band + 1}:{2 * width * (band + 1)}]) AS token "
        f"FROM exchange WHERE minhash IS NOT NULL AND text_words >= {LEAST_NEAR_WORDS}"
    )


def direct_tokens() -> str:
    """SQL for `(x, channel, token)` of `exchange` and `part`: every token that an exchange shows by itself, whoever
    else does. Whether a sentence is repeated, or a preamble, is not asked: for tokens that are known to be wordings."""
    columns = [_column("skeleton"), _column("head"), _column("tail"), *(_band(band) for band in range(LSH_BANDS))]
    spoken = (
        f"SELECT x, entity, CASE WHEN role = {SAYS} THEN 'system' ELSE 'segment' END AS channel, segment AS token "
        f"FROM part WHERE role IN {AUTHORED} AND words >= {LEAST_WORDS}"
    )
    return " UNION ALL ".join([*columns, spoken])


def family_steps() -> list[Step]:
    """Tables `static_segment(segment)` and `template_token(x, entity, channel, token)`, repeated tokens only."""
    channels = [_column("skeleton"), _column("head"), _column("tail"), *(_band(band) for band in range(LSH_BANDS))]
    channels.append(
        f"SELECT DISTINCT p.x, p.entity, CASE WHEN p.role = {SAYS} THEN 'system' ELSE 'segment' END AS channel, "
        f"p.segment AS token FROM part p JOIN static_segment s ON s.segment = p.segment WHERE p.role IN {AUTHORED} "
        f"AND p.words >= {LEAST_WORDS} AND {BEGUN}"
    )
    channels.append("SELECT x, entity, channel, token FROM mined_token")
    return [
        Step(
            "static_segment",
            f"""
            SELECT p.segment FROM part p JOIN exchange e ON e.x = p.x LEFT JOIN preamble b ON b.segment = p.segment
            WHERE b.segment IS NULL AND p.words >= {LEAST_WORDS} AND {BEGUN}
              AND p.role IN {(*AUTHORED, int(SegmentRole.SYSTEM))}
            GROUP BY p.segment HAVING count(DISTINCT e.exact) >= {LEAST_EXCHANGES}
                OR count(DISTINCT CASE WHEN p.role IN {BESIDE} THEN e.segments END) >= {LEAST_EXCHANGES}
            """,
        ),
        Step("template_all", " UNION ALL ".join(channels)),
        Step(
            "template_token",
            f"""
            SELECT t.x, t.entity, t.channel, t.token FROM template_all t
            JOIN (SELECT channel, token FROM template_all GROUP BY channel, token
                  HAVING count(*) >= {LEAST_EXCHANGES}) r ON r.channel = t.channel AND r.token = t.token
            """,
        ),
        Step("template_all", "SELECT 1 AS done"),
    ]
