"""Findings about what exceeds a permission: its cap is used up, and its holders go on.

That a cap is exceeded is counted, and so is no matter of likelihood; what the excess asks for is judged as any other
work. It is for review (`ambiguous`), accuses nobody, and is the only finding about its exchanges: what the cap covers
is `permitted`. Evaded by nothing but a second permission; a wrong cap in the table of permissions makes it.
"""

import hashlib
from typing import Any

import numpy as np

from stillwatch.assess.alternatives import Alternative
from stillwatch.assess.extracting import extracting
from stillwatch.assess.finding import Finding, is_active
from stillwatch.assess.roles import UNSHOWN, Part
from stillwatch.content.answered import taken_up_step
from stillwatch.content.capabilities import shares
from stillwatch.engine.base import Engine
from stillwatch.evidence import tell_excess
from stillwatch.permissions import permits
from stillwatch.records import Score, Step
from stillwatch.single import PERMISSION, codes_of, days_of

KIND = "excess"
SAYS = ("reference", "purpose", "account_id", "org_id", "starts_at", "ends_at", "models")

STEPS = [
    taken_up_step("excess_taken_up", "excess_exchange", "claim"),
    Step(
        "excess_fact",
        """
        SELECT o.claim, count(*) AS shared, avg(l.lean) AS lean, avg(CAST(u.followed AS INTEGER)) AS follow_up,
               median(CAST(coalesce(e.output_words, 0.75 * e.output_tokens) AS DOUBLE)) AS answer_words,
               CAST(least(sum(coalesce(CAST(e.input_tokens AS HUGEINT), 0) + coalesce(e.output_tokens, 0)),
                          9223372036854775807) AS BIGINT) AS tokens,
               strftime(min(e.asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS first_seen,
               strftime(max(e.asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS last_seen
        FROM excess_exchange o JOIN exchange e ON e.x = o.x
        JOIN excess_taken_up u ON u.claim = o.claim AND u.x = o.x LEFT JOIN exchange_lean l ON l.x = o.x
        GROUP BY o.claim
        """,
    ),
    Step(
        "excess_claim",
        """
        SELECT c.claim, c.reference, c.purpose, c.account_id, c.org_id, c.starts_at, c.ends_at, c.models,
               c.exchange_cap, c.token_cap, f.shared, f.lean, f.follow_up, f.answer_words, f.tokens, f.first_seen,
               f.last_seen
        FROM excess_fact f JOIN claim c ON c.claim = f.claim
        """,
    ),
    Step(
        "excess_member",
        """
        SELECT o.claim, a.account_id, count(*) AS n FROM excess_exchange o JOIN exchange e ON e.x = o.x
        JOIN account a ON a.account = e.account GROUP BY o.claim, a.account_id
        """,
    ),
]


def excess_findings(engine: Engine, last_seen: str) -> list[Finding]:
    """One finding for each permission whose cap is used up, by reference. `last_seen` is the period's last day.

    Reads `claim` and `excess_exchange` (`permissions`), and `base_fact` of the groups' assessment.
    """
    engine.run(STEPS)
    base = engine.arrow("SELECT lean FROM base_fact").to_pylist()[0]
    claims = engine.arrow("SELECT * FROM excess_claim ORDER BY claim").to_pylist()
    names = _names(claims)
    found = [_finding(engine, claim, name, base, last_seen) for claim, name in zip(claims, names, strict=True)]
    tell_excess(engine, [(f.campaign_id, int(c["claim"])) for f, c in zip(found, claims, strict=True)])
    return found


def _finding(engine: Engine, claim: dict[str, Any], name: str, base: dict[str, Any], last_seen: str) -> Finding:
    number, n = int(claim["claim"]), int(claim["shared"])
    members = engine.arrow(f"SELECT * FROM excess_member WHERE claim = {number} ORDER BY account_id").to_pylist()
    codes = codes_of(engine, "excess_exchange", "claim", number)
    days = days_of(engine, "excess_exchange", "claim", number)
    return Finding(
        campaign_id=f"X-{name}",
        kind=KIND,
        status="ambiguous",
        capabilities=shares(codes, np.ones(len(codes))),
        exchanges=(n, n, n),
        tokens=int(claim["tokens"] or 0),
        first_seen=claim["first_seen"],
        last_seen=claim["last_seen"],
        active=is_active(claim["last_seen"], last_seen),
        parts=tuple(Part(row["account_id"], UNSHOWN, "customer", True, int(row["n"])) for row in members),
        scores=(Score("coordinated", 0.0), extracting(claim, base), Score("concealed", 0.0)),
        found_by=(),
        confirmed_by=(),
        twice=(),
        alternatives=(_permission(claim),),
        details={"bypass": {}, "pathways": {}, "pivots": [], "timeline": days},
    )


def _permission(claim: dict[str, Any]) -> Alternative:
    """The permission itself, as what covers the rest and not this."""
    return Alternative(PERMISSION, permits(claim), f"{int(claim['shared']):,} exchanges go beyond it", "rejected")


def _names(claims: list[dict[str, Any]]) -> list[str]:
    """A name for each permission from what it says of itself but its caps, whichever exchanges exceed it; of several
    that say the same, the later ones say which they are."""
    said = ["\0".join(str(claim[part] or "") for part in SAYS) for claim in claims]
    told = [text if (nth := said[:place].count(text)) == 0 else f"{text}\0{nth}" for place, text in enumerate(said)]
    return [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest() for text in told]
