"""Fillers: what a template is filled with. Sentences that are not static, and the spans that the skeleton masked.

Catches the same material under different wordings, and how often an item is asked. Evaded by rewriting the material.
"""

from stillwatch.content.counts import LEAST_WORDS
from stillwatch.content.preamble import BEGUN, EARLIER_SAYS, SAYS
from stillwatch.records import SegmentRole, Step


def filler_steps() -> list[Step]:
    """Table `filler(x, entity, filler)`, distinct."""
    return [
        Step(
            "filler",
            f"""
            SELECT DISTINCT p.x, p.entity, p.segment AS filler FROM part p
            LEFT JOIN static_segment s ON s.segment = p.segment LEFT JOIN preamble b ON b.segment = p.segment
            WHERE s.segment IS NULL AND b.segment IS NULL
              AND p.role IN ({int(SegmentRole.USER)}, {int(SegmentRole.BLOCK)}, {SAYS}, {EARLIER_SAYS})
              AND p.words >= {LEAST_WORDS} AND {BEGUN}
            UNION
            SELECT x, entity, unnest(fillers) AS filler FROM exchange
            """,
        )
    ]
