"""Whether an answer was taken up: what a caller says of its own past is no evidence, what it asked before is.

A history is the caller's to write. So an exchange counts as followed up only where a later exchange of the same account
holds its very words as an earlier message. Evaded by a further exchange for each item, which carries the item's text.
"""

from stillwatch.content.structure import Structure
from stillwatch.records import SegmentRole, Step

AGENT_LOOP = Structure.TOOLS | Structure.TOOL_CALL_BEFORE | Structure.TOOL_RESULT | Structure.TOOL_CALL_OUT
"""Tools, calls or results: such a turn is an agent's own loop, and no follow-up of a person."""

HISTORY_STEP = Step(
    "history_text",
    f"""
    SELECT p.x, e.account, e.pathway, p.segment, e.asked_at FROM part p JOIN exchange e ON e.x = p.x
    WHERE p.role = {int(SegmentRole.HISTORY)} AND (e.structure & {int(AGENT_LOOP)}) = 0
    """,
)
"""Earlier messages as callers sent them, by account."""


def taken_up_step(name: str, work: str, key: str) -> Step:
    """A table `(key, x, followed)` of `work(key, x)`: whether a later exchange of the account, none of that work, goes
    on after it. The next item in the same wording is no follow-up. NULL where no text, or nowhere on its pathway
    a history, was logged."""
    return Step(
        name,
        f"""
        WITH shared AS (SELECT w.{key}, w.x, e.account, e.pathway, e.exact, e.asked_at
                        FROM {work} w JOIN exchange e ON e.x = w.x),
             later AS (SELECT s.{key}, h.account, h.segment, max(h.asked_at) AS last FROM history_text h
                       JOIN (SELECT DISTINCT {key}, account FROM shared) s ON s.account = h.account
                       ANTI JOIN {work} w ON w.{key} = s.{key} AND w.x = h.x
                       GROUP BY s.{key}, h.account, h.segment)
        SELECT s.{key}, s.x,
               CASE WHEN s.exact IS NOT NULL AND p.told THEN coalesce(l.last >= s.asked_at, FALSE) END AS followed
        FROM shared s LEFT JOIN later l ON l.{key} = s.{key} AND l.account = s.account AND l.segment = s.exact
        LEFT JOIN (SELECT DISTINCT pathway, TRUE AS told FROM history_text) p
               ON p.pathway IS NOT DISTINCT FROM s.pathway
        """,
    )
