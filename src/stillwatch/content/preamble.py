"""Preamble told apart from user-authored text, at detect time, from keyed hashes kept at ingest.

A segment of system, tools, an earlier message or a harness's block that at least `LEAST_ENTITIES` entities send word
for word is preamble: a client's, framework's or product's own words. Preamble never counts as intent. Of system texts
and blocks, which differ from user to user in a date or a folder, it is the sentences of each rule tag that are
compared: what a user has added to a harness's words is the user's, and the tags of the harness's words are not. A
sentence that opens the last human turn for many entities is not told apart from what they ask: a campaign's template
opens it so too, and five accounts of one campaign are no framework. For the same reason a short system text is no
preamble: its sentences are content whoever sends them, and what they ask counts as `said`, of a group that alone says
it. Where the last human turn says hardly anything ("go on"), what it goes back to is read in its place: but for a
preamble, and for what the entity asked in an exchange of its own, where it was read already.
Evaded by an operator who puts the instruction into a long system text or a harness's block that five accounts share:
the words are then not scored, but they stay a client token that links the accounts, and the material and answers still
speak. What fewer entities share is what the account itself wrote, and is scored.
"""

from stillwatch.records import SegmentRole, Step

LEAST_ENTITIES = 5

ASKS = tuple(map(int, (SegmentRole.USER, SegmentRole.SYSTEM, SegmentRole.SYSTEM_ASKS, SegmentRole.BLOCK_ASKS)))
"""Roles whose tags are intent where they are no preamble. A system text as a whole has tags in old sketches only."""


SAYS, EARLIER_SAYS = int(SegmentRole.SYSTEM_SAYS), int(SegmentRole.EARLIER_SAYS)
AUTHORED = (int(SegmentRole.USER), SAYS, EARLIER_SAYS)
"""Roles whose segments are no preamble, however many send them."""

BEGUN = f"NOT (p.role = {EARLIER_SAYS} AND EXISTS (SELECT 1 FROM begun WHERE begun.x = p.x))"
"""Of a `part p`: whether its words are to be read here: those that the last human turn goes back to may not be."""


PART_STEP = Step(
    "part",
    """
    SELECT x, entity, unnest(segments) AS segment, unnest(segment_roles) AS role,
           unnest(segment_words) AS words, unnest(segment_tags) AS tags,
           generate_subscripts(segments, 1) AS place
    FROM exchange
    """,
)
"""Segments taken out of their lists."""


def preamble_steps() -> list[Step]:
    """Tables `part` (segments taken out of their lists), `preamble(segment, entities)`, `begun(x)` (exchanges that go
    back to a preamble, or to what is an exchange of its own), `intent(x, tags, said)`: `said` are the tags with those
    of a short system text, whoever else sends it."""
    return [
        PART_STEP,
        Step(
            "preamble",
            f"""
            SELECT segment, count(DISTINCT entity) AS entities FROM part WHERE role NOT IN {AUTHORED}
            GROUP BY segment HAVING count(DISTINCT entity) >= {LEAST_ENTITIES}
            """,
        ),
        Step(
            "begun",
            f"""
            SELECT p.x FROM part p JOIN preamble b ON b.segment = p.segment WHERE p.role = {int(SegmentRole.EARLIER)}
            UNION
            SELECT p.x FROM part p JOIN exchange e ON e.entity = p.entity AND e.exact = p.segment
            WHERE p.role = {int(SegmentRole.EARLIER)}
            """,
        ),
        Step(
            "intent",
            f"""
            SELECT p.x, coalesce(bit_or(p.tags) FILTER (p.role <> {SAYS}), 0) AS tags, bit_or(p.tags) AS said
            FROM part p LEFT JOIN preamble b ON b.segment = p.segment
            WHERE b.segment IS NULL AND p.role IN {(*ASKS, SAYS, EARLIER_SAYS)} AND {BEGUN} GROUP BY p.x
            """,
        ),
    ]
