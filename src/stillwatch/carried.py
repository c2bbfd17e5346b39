"""What the accounts of suspected groups carry, and so which of them are a network provider's.

Reads `group_exchange`, `wording_shown`, `wording_name`, `group_token`, `exchange_lean`, `exchange`, `account`,
`base_fact` and `template_token`; and of the caller `accused_pool(grp, account_id)`, of groups as they were found.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from stillwatch.assess.finding import HALF, Finding
from stillwatch.assess.providers import Carried, provider
from stillwatch.assess.roles import Part
from stillwatch.engine.base import Engine
from stillwatch.records import CAPABILITIES, Score, Step

STEPS = [
    Step(
        "carried_exchange",
        """
        SELECT s.grp, s.x, arg_max(struct_pack(channel := s.channel, token := s.token),
                 struct_pack(exclusive := k.exclusive, told := s.channel <> 'profile', known := w.code IS NOT NULL,
                             n := s.n, channel := s.channel, token := s.token)) AS wording
        FROM (SELECT grp, x, channel, token, count(*) OVER (PARTITION BY grp, channel, token) AS n FROM wording_shown
              WHERE grp IN (SELECT grp FROM accused_pool)) s
        JOIN group_token k ON k.grp = s.grp AND k.channel = s.channel AND k.token = s.token
        LEFT JOIN wording_name w ON w.grp = s.grp AND w.channel = s.channel AND w.token = s.token
        GROUP BY s.grp, s.x
        """,
    ),
    Step(
        "carried_wording",
        """
        SELECT c.grp, c.wording.channel AS channel, c.wording.token AS token, g.account, count(*) AS n,
               count(DISTINCT epoch_us(e.asked_at) // 3600000000) AS hours,
               sum(CASE WHEN g.exclusive THEN l.said ELSE l.lean END
                   - (SELECT any_value(lean) FROM base_fact)) AS beyond
        FROM carried_exchange c JOIN group_exchange g ON g.grp = c.grp AND g.x = c.x
        JOIN exchange e ON e.x = c.x LEFT JOIN exchange_lean l ON l.x = c.x GROUP BY ALL
        """,
    ),
    Step(
        "carried_outside",
        """
        SELECT w.grp, w.channel, w.token, count(DISTINCT e.account) AS outside
        FROM (SELECT DISTINCT grp, channel, token FROM carried_wording) w
        JOIN template_token t ON t.channel = w.channel AND t.token = w.token JOIN exchange e ON e.x = t.x
        WHERE NOT EXISTS (SELECT 1 FROM group_exchange g WHERE g.grp = w.grp AND g.account = e.account)
        GROUP BY w.grp, w.channel, w.token
        """,
    ),
]


def with_providers(engine: Engine, judged: Sequence[tuple[Finding, int]], found: Sequence[Finding]) -> list[Finding]:
    """The findings, where accused accounts that are a network provider's are told as that. Nobody is accused who was
    not, and nobody is let off: only the word for the accused changes."""
    pools = {
        ~number if number < 0 else number: [part.account_id for part in finding.parts if _is_accused(part)]
        for finding, (_, number) in zip(found, judged, strict=True)
        if finding.status == "suspected"
    }
    if not any(pools.values()):
        return list(found)
    scores = _scores(engine, {number: ids for number, ids in pools.items() if ids}, found, judged)
    out = []
    for finding, (_, number) in zip(found, judged, strict=True):
        score = scores.get(~number if number < 0 else number)
        out.append(finding if score is None else _told(finding, score))
    return out


def _is_accused(part: Part) -> bool:
    return part.role == "operator" and part.probability >= HALF


def _told(finding: Finding, score: Score) -> Finding:
    """The finding with the score, and the accused as providers where it speaks for that."""
    parts = finding.parts
    if score.log_odds >= 0.0:
        parts = tuple(replace(part, role="provider") if _is_accused(part) else part for part in parts)
    return replace(finding, parts=parts, provider=score)


def _scores(
    engine: Engine, pools: Mapping[int, list[str]], found: Sequence[Finding], judged: Sequence[tuple[Finding, int]]
) -> dict[int, Score]:
    rows = [(number, account) for number, ids in pools.items() for account in ids]
    engine.register(
        "accused_pool",
        pa.table({"grp": pa.array([r[0] for r in rows], pa.int32()), "account_id": pa.array([r[1] for r in rows])}),
    )
    engine.run(STEPS)
    accounts: dict[int, set[int]] = defaultdict(set)
    named: dict[int, dict[int, int]] = defaultdict(dict)
    for row in engine.arrow(
        "SELECT p.grp, a.account, count(DISTINCT e.end_user_id) AS named FROM accused_pool p "
        "JOIN account a ON a.account_id = p.account_id JOIN exchange e ON e.account = a.account "
        "GROUP BY p.grp, a.account ORDER BY p.grp, a.account"
    ).to_pylist():
        accounts[row["grp"]].add(row["account"])
        if row["named"]:
            named[row["grp"]][row["account"]] = row["named"]
    work = _work(engine)
    staged = {
        ~number if number < 0 else number: bool(finding.details.get("stages"))
        for finding, (_, number) in zip(found, judged, strict=True)
    }
    return {
        number: provider(work.get(number, []), accounts[number], named=named[number], handed_on=staged[number])
        for number in pools
    }


def _work(engine: Engine) -> dict[int, list[Carried]]:
    """The wordings of each group; each exchange counts in one: the group's own before others', words that stand
    together before stems that recur however they are put, which two programmes may share, what has a name, then the
    commonest."""
    held: dict[tuple[int, str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in engine.arrow(
        "SELECT w.*, n.code, coalesce(o.outside, 0) AS outside FROM carried_wording w "
        "LEFT JOIN wording_name n ON n.grp = w.grp AND n.channel = w.channel AND n.token = w.token "
        "LEFT JOIN carried_outside o ON o.grp = w.grp AND o.channel = w.channel AND o.token = w.token "
        "ORDER BY w.grp, w.channel, w.token, w.account"
    ).to_pylist():
        held[row["grp"], row["channel"], row["token"]].append(row)
    work: dict[int, list[Carried]] = defaultdict(list)
    for (number, _, _), rows in held.items():
        work[number].append(_carried(rows))
    return work


def _carried(rows: Sequence[Mapping[str, Any]]) -> Carried:
    beyond = [float(row["beyond"]) for row in rows if row["beyond"] is not None]
    n = sum(int(row["n"]) for row in rows)
    code = rows[0]["code"]
    return Carried(
        {int(row["account"]): int(row["n"]) for row in rows},
        "" if code is None else CAPABILITIES[int(code)],
        sum(beyond) / n if beyond else None,
        int(rows[0]["outside"]),
        {int(row["account"]): int(row["hours"]) for row in rows},
    )
