"""Findings about one entity: a customer whose own traffic is unmistakable distillation at scale.

With a permission `permitted`, without one `ambiguous`: a hobbyist looks the same, so never `suspected` by itself.

Being open earns a collapse into one customer, not an exemption. A verified domain costs ten dollars; a payment in
common costs more, since all accounts fall with it. So many accounts that share a name and not the payment are judged by
the wordings that unmistakably ask for training material, whatever else they do: else cover would buy the name free.

What exceeds a permission is told by `excess`, and counts for nothing here.
"""

import hashlib
from typing import Any

import numpy as np

from stillwatch.assess.alternatives import Alternative
from stillwatch.assess.asking import LEAST_ACCOUNTS
from stillwatch.assess.extracting import ENOUGH, LIKE_EVERYONE, SLOPE, UNMISTAKABLE, extracting
from stillwatch.assess.finding import Finding, is_active
from stillwatch.assess.roles import UNSHOWN, Part
from stillwatch.content.answered import taken_up_step
from stillwatch.content.capabilities import shares
from stillwatch.engine.base import Engine
from stillwatch.evidence import tell_entities
from stillwatch.permissions import COVERING, permits
from stillwatch.records import CAPABILITIES, Score, Step

PERMISSION = "permission"
"""The alternative of what a permission covers, or what exceeds it."""

LEAST_EXCHANGES = 400
"""Shared-template exchanges of one entity below which its own work is no matter of scale."""

LEAST_PERMITTED = 50
"""The same for an entity that a permission covers: to list what is permitted accuses nobody."""

LEAST_SHARE = 0.5
"""Share of the entity's traffic that its templates explain."""

LEAST_ASKING = ENOUGH * LEAST_ACCOUNTS
"""Exchanges that ask for training material, of accounts that share a name and no payment: a group's least."""

PAYS_AS_ONE = 0.5
"""Share of an entity's accounts with one payment, from which it pays as one customer."""

SURE = 2.0
"""Log-odds of extraction that a single entity must reach: nobody else's agreement supports the claim. One that a
permission covers is listed where it is likelier than not."""

HARVEST = tuple(
    CAPABILITIES.index(name)
    for name in (
        "cot_elicitation", "post_hoc_reasoning", "trace_coercion", "rubric_grading", "preference_pairs", "reward_model",
        "data_synthesis",
    )
)  # fmt: skip

STEPS = [
    Step(
        "allowed_entity",
        "SELECT entity FROM covered_entity UNION SELECT entity FROM capped_entity",
    ),
    Step(
        "within",
        "SELECT e.x, e.entity FROM exchange e LEFT JOIN excess_exchange o ON o.x = e.x WHERE o.x IS NULL",
    ),
    Step(
        "named_entity",
        f"""
        SELECT entity FROM (SELECT entity, payment_fingerprint AS paid, count(*) AS n FROM account GROUP BY ALL)
        WHERE entity NOT IN (SELECT entity FROM allowed_entity)
        GROUP BY entity HAVING sum(n) >= {LEAST_ACCOUNTS} AND max(n) FILTER (paid IS NOT NULL) < {PAYS_AS_ONE} * sum(n)
        """,
    ),
    Step(
        "big_entity",
        f"""
        SELECT entity, count(*) AS n, entity IN (SELECT entity FROM named_entity) AS named FROM within GROUP BY entity
        HAVING count(*) >= {LEAST_EXCHANGES}
            OR (count(*) >= {LEAST_PERMITTED} AND entity IN (SELECT entity FROM allowed_entity))
            OR (count(*) >= {LEAST_ASKING} AND entity IN (SELECT entity FROM named_entity))
        """,
    ),
    Step(
        "own_template",
        f"""
        SELECT t.entity, t.channel, t.token FROM template_token t JOIN big_entity b ON b.entity = t.entity
        LEFT JOIN exchange_lean l ON b.named AND l.x = t.x
        GROUP BY t.entity, t.channel, t.token, b.n, b.named
        HAVING CASE WHEN b.named THEN count(*) >= {ENOUGH} AND {SLOPE} * (avg(l.lean)
                      - (SELECT any_value(lean) FROM base_fact)) + {LIKE_EVERYONE} >= {UNMISTAKABLE}
                    ELSE count(*) >= greatest({ENOUGH}, 0.02 * b.n) END
        """,
    ),
    Step(
        "own_work",
        """
        SELECT DISTINCT t.entity, t.x FROM template_token t JOIN own_template o
          ON o.entity = t.entity AND o.channel = t.channel AND o.token = t.token JOIN within i ON i.x = t.x
        """,
    ),
    taken_up_step("own_taken_up", "own_work", "entity"),
    Step(
        "own_fact",
        """
        SELECT w.entity, any_value(b.n) AS total, any_value(b.named) AS named,
               CASE WHEN any_value(b.named) THEN count(*) / any_value(b.n) END AS asking,
               w.entity IN (SELECT entity FROM allowed_entity) AS covered, count(*) AS shared, avg(l.lean) AS lean,
               avg(CAST(u.followed AS INTEGER)) AS follow_up,
               median(CAST(coalesce(e.output_words, 0.75 * e.output_tokens) AS DOUBLE)) AS answer_words,
               CAST(least(sum(coalesce(CAST(e.input_tokens AS HUGEINT), 0) + coalesce(e.output_tokens, 0)),
                          9223372036854775807) AS BIGINT) AS tokens,
               strftime(min(e.asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS first_seen,
               strftime(max(e.asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS last_seen
        FROM own_work w JOIN exchange e ON e.x = w.x JOIN big_entity b ON b.entity = w.entity
        JOIN own_taken_up u ON u.entity = w.entity AND u.x = w.x
        LEFT JOIN exchange_lean l ON l.x = w.x GROUP BY w.entity ORDER BY w.entity
        """,
    ),
]


def single_findings(engine: Engine, names: tuple[str, ...], last_seen: str, told: frozenset[str]) -> list[Finding]:
    """Large entities whose own templates ask for training material. Accounts in `told` stand in a finding already.

    Reads `base_fact` of the groups' assessment: the traffic of no group.
    """
    engine.run(STEPS)
    base = engine.arrow("SELECT lean FROM base_fact").to_pylist()[0]
    findings: list[Finding] = []
    entities: list[int] = []
    for facts in engine.arrow("SELECT * FROM own_fact").to_pylist():
        score = extracting(facts, base)
        sure = score.log_odds >= (0.0 if facts["covered"] else SURE)
        beside = facts["shared"] < LEAST_SHARE * facts["total"] and not facts["named"]
        if beside or _is_small(facts) or not sure:
            continue
        members = engine.arrow(
            f"SELECT a.account_id, count(w.x) AS n, bool_or(p.account IS NOT NULL) AS permitted, "
            f"bool_or(r.account IS NOT NULL) AS reseller FROM account a "
            f"LEFT JOIN exchange e ON e.account = a.account LEFT JOIN own_work w ON w.x = e.x "
            f"LEFT JOIN permitted_account p ON p.account = a.account "
            f"LEFT JOIN reselling_account r ON r.account = a.account "
            f"WHERE a.entity = {int(facts['entity'])} GROUP BY a.account_id ORDER BY a.account_id"
        ).to_pylist()
        if any(row["account_id"] in told or row["reseller"] for row in members):
            continue
        entity = int(facts["entity"])
        codes, days = codes_of(engine, "own_work", "entity", entity), days_of(engine, "own_work", "entity", entity)
        if np.isin(codes, HARVEST).mean() >= LEAST_SHARE:
            held = engine.arrow(COVERING.format(entity=entity)).to_pylist() if facts["covered"] else []
            findings.append(_finding(facts, score, members, codes, days, names, last_seen, held))
            entities.append(entity)
    tell_entities(engine, [(f.campaign_id, entity) for f, entity in zip(findings, entities, strict=True)])
    return findings


def _is_small(facts: dict[str, Any]) -> bool:
    least = LEAST_ASKING if facts["named"] else LEAST_EXCHANGES
    return bool(facts["shared"] < (LEAST_PERMITTED if facts["covered"] else least))


def codes_of(engine: Engine, work: str, key: str, number: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The capabilities of the exchanges of one `key` in a table `work(key, x)`, by their place in CAPABILITIES."""
    held = engine.arrow(f"SELECT c.code FROM {work} w JOIN exchange_capability c ON c.x = w.x WHERE w.{key} = {number}")
    return np.asarray(held["code"].to_numpy().astype(np.int64))


def days_of(engine: Engine, work: str, key: str, number: int) -> list[dict[str, Any]]:
    """The same work a day, days of UTC in order; a day without any has no row."""
    rows: list[dict[str, Any]] = engine.arrow(
        "SELECT strftime(e.asked_at AT TIME ZONE 'UTC', '%Y-%m-%d') AS day, count(*) AS exchanges "
        f"FROM {work} w JOIN exchange e ON e.x = w.x WHERE w.{key} = {number} GROUP BY day ORDER BY day"
    ).to_pylist()
    return rows


def _finding(
    facts: dict[str, Any],
    score: Score,
    members: list[dict[str, Any]],
    codes: "np.ndarray[Any, np.dtype[np.int64]]",
    days: list[dict[str, Any]],
    names: tuple[str, ...],
    last_seen: str,
    held: list[dict[str, Any]],
) -> Finding:
    permitted = bool(facts["covered"])
    name = names[int(facts["entity"])]
    parts = [Part(row["account_id"], UNSHOWN, "customer", True, int(row["n"])) for row in members]
    nothing = Score("coordinated", 0.0)
    return Finding(
        campaign_id="E-" + hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest(),
        kind="entity",
        status="permitted" if permitted else "ambiguous",
        capabilities=shares(codes, np.ones(len(codes))),
        exchanges=(int(facts["shared"]), int(facts["shared"]), int(facts["total"])),
        tokens=int(facts["tokens"] or 0),
        first_seen=facts["first_seen"],
        last_seen=facts["last_seen"],
        active=is_active(facts["last_seen"], last_seen),
        parts=tuple(parts),
        scores=(nothing, score, Score("concealed", 0.0)),
        found_by=("content",),
        confirmed_by=(),
        twice=(),
        alternatives=tuple(Alternative(PERMISSION, permits(claim), "", "explains") for claim in held),
        details={"bypass": {}, "pathways": {}, "pivots": [], "timeline": days},
    )
