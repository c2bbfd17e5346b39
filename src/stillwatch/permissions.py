"""What accounts may openly do, evaluated before anything is found: who holds a permission, and whom it covers wholly.

An entity all of whose exchanges a permission covers is put aside: linkage compares others with it, but places it in no
group. So is one whose other exchanges exceed a cap, while they are no more than what the cap covers. One that goes
beyond its permission (another time or model, above a cap) stays in linkage, as a customer as long as its permission
speaks of at least half of what it does. A cap covers the first exchanges, in the order in which they were asked, until
it is used up; what a permission speaks of and its cap no longer holds is its excess, which `excess` tells as a finding
of its own. Under a token cap, exchanges whose tokens were not logged are not covered, and are excess only once the
others have used it up. Two permissions do not add up: each counts all that it speaks of.

A reseller has a contract that holds at some time of the period (`contracted_account`), or merely says that it resells
(`reselling_account` holds both). What it passes on is covered while the contract holds and for the models that it names
(`contracted_exchange`); its caps count for nothing.
"""

from typing import Any

from stillwatch.records import Step

PURPOSES = "('distillation', 'synthetic_data', 'evaluation', 'research')"

PERMISSION_STEPS = [
    Step(
        "claim",
        f"""
        SELECT row_number() OVER (ORDER BY reference, purpose, account_id, org_id, starts_at, ends_at,
                                  models, exchange_cap, token_cap) AS claim, *
        FROM permissions WHERE purpose IN {PURPOSES}
        """,
    ),
    Step(
        "claim_account",
        """
        SELECT c.claim, a.account FROM claim c JOIN account a ON a.account_id = c.account_id
        UNION SELECT c.claim, a.account FROM claim c JOIN account a ON a.org_id = c.org_id
        """,
    ),
    Step(
        "claimed",
        """
        SELECT c.claim, e.x, e.entity, e.asked_at, CAST(e.input_tokens AS HUGEINT) + e.output_tokens AS tokens
        FROM claim_account j JOIN claim c ON c.claim = j.claim JOIN exchange e ON e.account = j.account
        WHERE coalesce(c.starts_at <= e.asked_at, true) AND coalesce(c.ends_at >= e.asked_at, true)
          AND coalesce(list_contains(c.models, e.model_requested), true)
        """,
    ),
    Step(
        "permitted_account",
        """
        SELECT e.account FROM exchange e LEFT JOIN (SELECT DISTINCT x FROM claimed) d ON d.x = e.x
        WHERE e.account IN (SELECT account FROM claim_account)
        GROUP BY e.account HAVING 2 * count(d.x) >= count(*)
        """,
    ),
    Step(
        "used",
        """
        SELECT claim, x, entity, tokens, row_number() OVER (PARTITION BY claim ORDER BY asked_at, x) AS nth,
               sum(tokens) OVER (PARTITION BY claim ORDER BY asked_at, x
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
        FROM claimed
        """,
    ),
    Step(
        "covers",
        """
        SELECT u.claim, u.x, u.entity FROM used u JOIN claim c ON c.claim = u.claim
        WHERE coalesce(u.nth <= c.exchange_cap, true)
          AND (c.token_cap IS NULL OR (u.tokens IS NOT NULL AND u.so_far <= c.token_cap))
        """,
    ),
    Step("covered_exchange", "SELECT DISTINCT x, entity FROM covers"),
    Step(
        "excess_exchange",
        """
        SELECT min(u.claim) AS claim, u.x, any_value(u.entity) AS entity
        FROM used u JOIN claim c ON c.claim = u.claim LEFT JOIN covered_exchange k ON k.x = u.x
        WHERE k.x IS NULL AND (u.nth > c.exchange_cap OR u.so_far > c.token_cap) GROUP BY u.x
        """,
    ),
    Step(
        "covered_entity",
        """
        SELECT e.entity FROM exchange e LEFT JOIN covered_exchange k ON k.x = e.x
        WHERE e.entity IN (SELECT entity FROM covered_exchange)
        GROUP BY e.entity HAVING count(*) = count(k.x) ORDER BY e.entity
        """,
    ),
    Step(
        "capped_entity",
        """
        SELECT e.entity, count(o.x) <= count(k.x) AS aside FROM exchange e LEFT JOIN covered_exchange k ON k.x = e.x
        LEFT JOIN excess_exchange o ON o.x = e.x
        WHERE e.entity IN (SELECT entity FROM excess_exchange)
        GROUP BY e.entity HAVING count(*) = count(k.x) + count(o.x) AND count(k.x) > 0
        """,
    ),
    Step(
        "aside_entity",
        "SELECT entity FROM covered_entity UNION ALL SELECT entity FROM capped_entity WHERE aside",
    ),
    Step(
        "contract",
        """
        SELECT a.account, p.starts_at, p.ends_at, p.models
        FROM account a JOIN permissions p ON p.account_id = a.account_id WHERE p.purpose = 'resale'
        UNION ALL SELECT a.account, p.starts_at, p.ends_at, p.models
        FROM account a JOIN permissions p ON p.org_id = a.org_id WHERE p.purpose = 'resale'
        """,
    ),
    Step(
        "contracted_exchange",
        """
        SELECT DISTINCT e.x FROM contract c JOIN exchange e ON e.account = c.account
        WHERE coalesce(c.starts_at <= e.asked_at, true) AND coalesce(c.ends_at >= e.asked_at, true)
          AND coalesce(list_contains(c.models, e.model_requested), true)
        """,
    ),
    Step(
        "contracted_account",
        """
        SELECT DISTINCT c.account FROM contract c
        CROSS JOIN (SELECT min(asked_at) AS first_at, max(asked_at) AS last_at FROM exchange) w
        WHERE coalesce(c.starts_at <= w.last_at, true) AND coalesce(c.ends_at >= w.first_at, true)
        """,
    ),
    Step(
        "reselling_account",
        """
        SELECT account FROM contracted_account UNION SELECT a.account FROM account a WHERE a.reseller_of IS NOT NULL
        """,
    ),
]

COVERING = """
SELECT claim, reference, purpose, exchange_cap, token_cap FROM claim
WHERE claim IN (SELECT claim FROM covers WHERE entity = {entity}) ORDER BY claim
"""
"""The permissions that cover exchanges of an entity."""


def permits(claim: dict[str, Any]) -> str:
    """What a permission allows, in words."""
    caps = [
        f"{int(claim[name]):,} {what}"
        for name, what in (("exchange_cap", "exchanges"), ("token_cap", "tokens"))
        if claim[name] is not None
    ]
    return f"{claim['reference']} permits {claim['purpose']}" + (f" up to {' and '.join(caps)}" if caps else "")
