"""What is known of each group, as SQL steps: one row a group, and one row of the same columns for everyone else.

Reads `exchange`, `account`, `filler`, and three tables of the caller:
`group_member(grp INTEGER, entity INTEGER, certain BOOLEAN)`,
`group_exchange(grp INTEGER, x BIGINT, entity INTEGER, account INTEGER, exclusive BOOLEAN, verbatim BOOLEAN,
certain BOOLEAN, followed BOOLEAN)`, the members' exchanges that the group's shared templates explain, and
`exchange_lean(x, lean, said)`: what a system text says that only this group sends, the group asks. A column is NULL
where no row of the group has the signal: its terms then abstain.
"""

from stillwatch.assess.automation import AUTOMATION_STEPS
from stillwatch.records import Step

PROXIED = """avg(CASE WHEN e.ip_class IN ('hosting', 'vpn', 'tor', 'relay') THEN 1.0
                WHEN e.ip_class IS NOT NULL OR e.block IS NOT NULL THEN 0.0 END)"""
"""At least this share of the addresses: one of unknown class counts as ordinary, in the groups and elsewhere alike."""

CLASSED = (
    "avg(CASE WHEN e.ip_class IS NULL AND e.block IS NULL THEN NULL WHEN e.ip_class IS NULL THEN 0.0 ELSE 1.0 END)"
)

WEAK_DOORS = "('education', 'research', 'startup', 'trial')"

ACCOUNT_FACTS = f"""
SELECT e.account, any_value(e.entity) AS entity, count(*) AS n,
       count(DISTINCT e.block) AS blocks, count(DISTINCT e.asn) AS networks,
       {PROXIED} AS proxied, {CLASSED} AS classed,
       avg(CASE WHEN e.country IS NULL OR coalesce(a.verified_country, a.billing_country) IS NULL THEN NULL
                WHEN e.country <> coalesce(a.verified_country, a.billing_country) THEN 1.0 ELSE 0.0 END) AS abroad,
       any_value(CASE WHEN a.programme IN {WEAK_DOORS} THEN 1.0 ELSE 0.0 END) AS weak_door,
       any_value(CASE WHEN a.suspended_at IS NOT NULL THEN 1.0 ELSE 0.0 END) AS suspended,
       any_value(epoch(a.created_at) / 86400.0) AS created_day,
       any_value(epoch(a.suspended_at) / 86400.0) AS suspended_day,
       min(epoch(e.asked_at) / 86400.0) AS first_day
FROM exchange e JOIN account a ON a.account = e.account GROUP BY e.account
"""

HOME = """
SELECT account, max(n) / sum(n) AS home_share FROM (
  SELECT account, block, count(*) AS n FROM exchange WHERE block IS NOT NULL GROUP BY account, block
) GROUP BY account
"""

SHARED_BY_ACCOUNT = f"""
SELECT g.grp, g.account, any_value(g.entity) AS entity, count(*) AS n,
       count(DISTINCT e.block) AS blocks, count(DISTINCT e.asn) AS networks,
       {PROXIED} AS proxied, {CLASSED} AS classed,
       avg(CASE WHEN e.country IS NULL OR coalesce(a.verified_country, a.billing_country) IS NULL THEN NULL
                WHEN e.country <> coalesce(a.verified_country, a.billing_country) THEN 1.0 ELSE 0.0 END) AS abroad,
       min(epoch(e.asked_at) / 86400.0) AS first_shared_day
FROM group_exchange g JOIN exchange e ON e.x = g.x JOIN account a ON a.account = g.account
GROUP BY g.grp, g.account
"""

WORK_FACTS = """
SELECT g.grp, count(*) AS shared, count(DISTINCT g.entity) AS entities, count(DISTINCT g.account) AS accounts,
       avg(CASE WHEN g.exclusive THEN 1.0 ELSE 0.0 END) AS exclusive,
       avg(CASE WHEN g.exclusive THEN l.said ELSE l.lean END) AS lean,
       avg(CAST(g.followed AS INTEGER)) AS follow_up,
       median(CAST(coalesce(e.output_words, 0.75 * e.output_tokens) AS DOUBLE)) AS answer_words,
       CAST(least(sum(coalesce(CAST(e.input_tokens AS HUGEINT), 0) + coalesce(e.output_tokens, 0)),
                  9223372036854775807) AS BIGINT) AS tokens,
       min(e.asked_at) AS first_seen, max(e.asked_at) AS last_seen
FROM group_exchange g JOIN exchange e ON e.x = g.x LEFT JOIN exchange_lean l ON l.x = g.x GROUP BY g.grp
"""

ITEM_FACTS = """
SELECT grp, count(*) AS items, avg(CASE WHEN entities > 1 THEN 1.0 ELSE 0.0 END) AS items_shared
FROM (SELECT g.grp, f.filler, count(DISTINCT g.entity) AS entities
      FROM group_exchange g JOIN filler f ON f.x = g.x GROUP BY g.grp, f.filler) GROUP BY grp
"""

TOP_BLOCK = f"""
SELECT grp, max(n) / sum(n) AS top_block,
       arg_max(proxied, struct_pack(n := n, block := block)) AS top_block_proxied FROM (
  SELECT g.grp, e.block, count(*) AS n, {PROXIED} AS proxied
  FROM group_exchange g JOIN exchange e ON e.x = g.x WHERE e.block IS NOT NULL GROUP BY g.grp, e.block
) GROUP BY grp
"""

PRODUCT = """
SELECT grp, max(n) / any_value(total) AS product_share FROM (
  SELECT g.grp, s.segment, count(DISTINCT g.x) AS n, any_value(t.total) AS total
  FROM group_exchange g
  JOIN (SELECT x, unnest(segments) AS segment, unnest(segment_roles) AS role FROM exchange) s
    ON s.x = g.x AND s.role IN (0, 1, 4)
  JOIN (SELECT grp, count(*) AS total FROM group_exchange GROUP BY grp) t ON t.grp = g.grp
  GROUP BY g.grp, s.segment
) GROUP BY grp
"""


def _top_share(column: str, name: str) -> str:
    """The share of a group's accounts that carry its commonest value of a column, and that value."""
    return f"""
    SELECT grp, max(n) / any_value(total) AS top_{name},
           arg_max(value, struct_pack(n := n, value := value)) AS {name}_value FROM (
      SELECT m.grp, a.{column} AS value, count(*) AS n, any_value(t.total) AS total
      FROM group_account m JOIN account a ON a.account = m.account
      JOIN (SELECT grp, count(*) AS total FROM group_account GROUP BY grp) t ON t.grp = m.grp
      WHERE a.{column} IS NOT NULL GROUP BY m.grp, a.{column}
    ) GROUP BY grp
    """


MEMBER_FACTS = """
SELECT s.grp, count(*) AS n_accounts, avg(s.proxied) AS proxied, avg(s.classed) AS classed, avg(s.abroad) AS abroad,
       avg(f.weak_door) AS weak_door, avg(f.suspended) AS suspended,
       median(s.networks) AS networks, median(s.blocks) AS blocks, median(s.n) AS shared_an_account,
       avg(CASE WHEN h.home_share >= 0.8 AND coalesce(f.proxied, 0.0) < 0.5 THEN 1.0 WHEN h.home_share IS NULL THEN NULL
                ELSE 0.0 END) AS settled,
       median(s.first_shared_day - f.created_day) AS tenure,
       sum(s.n) / sum(f.n) AS share_of_traffic,
       avg(CASE WHEN s.n < 0.9 * f.n THEN 1.0 ELSE 0.0 END) AS mixed,
       avg(CASE WHEN f.created_day IS NULL THEN NULL WHEN f.created_day > b.first_ban THEN 1.0
                ELSE 0.0 END) AS after_ban,
       avg(p.behind) AS behind, avg(CASE WHEN p.behind IS NULL THEN 0.0 ELSE 1.0 END) AS like_people
FROM group_shared s JOIN account_facts f ON f.account = s.account LEFT JOIN account_home h ON h.account = s.account
LEFT JOIN member_automation p ON p.grp = s.grp AND p.account = s.account
LEFT JOIN (SELECT s.grp, min(f.suspended_day) AS first_ban FROM group_shared s
           JOIN account_facts f ON f.account = s.account GROUP BY s.grp) b ON b.grp = s.grp
GROUP BY s.grp
"""

BASE_FACTS = """
SELECT (SELECT avg(l.lean) FROM exchange_lean l WHERE NOT EXISTS (SELECT 1 FROM group_exchange g WHERE g.x = l.x))
         AS lean, avg(f.proxied) AS proxied, avg(f.abroad) AS abroad, avg(f.weak_door) AS weak_door,
       avg(f.suspended) AS suspended, median(f.networks) AS networks, median(f.blocks) AS blocks,
       avg(CASE WHEN h.home_share >= 0.8 AND coalesce(f.proxied, 0.0) < 0.5 THEN 1.0 WHEN h.home_share IS NULL THEN NULL
                ELSE 0.0 END) AS settled, avg(p.behind) AS behind
FROM account_facts f LEFT JOIN account_home h ON h.account = f.account
LEFT JOIN life_automation p ON p.account = f.account
WHERE NOT EXISTS (SELECT 1 FROM group_shared s WHERE s.account = f.account)
"""


def fact_steps() -> list[Step]:
    """Tables `group_fact` (one row a group) and `base_fact` (one row: the accounts in no group)."""
    shares = {"email_domain": "email_domain", "verified_domain": "verified_domain", "payment_fingerprint": "payment",
              "vouched_org": "org", "org_id": "declared_org", "signup_block": "signup_block"}  # fmt: skip
    steps = [
        Step("account_facts", ACCOUNT_FACTS),
        Step("account_home", HOME),
        Step("group_shared", SHARED_BY_ACCOUNT),
        Step("group_account", "SELECT DISTINCT grp, account FROM group_exchange"),
        Step("group_work", WORK_FACTS),
        Step("group_item", ITEM_FACTS),
        Step("group_top_block", TOP_BLOCK),
        Step("group_product", PRODUCT),
        *AUTOMATION_STEPS,
        Step("group_members", MEMBER_FACTS),
        Step("base_fact", BASE_FACTS),
    ]
    steps += [Step(f"group_{name}", _top_share(column, name)) for column, name in shares.items()]
    parts = ["group_item", "group_top_block", "group_product", "group_members"]
    parts += [f"group_{name}" for name in shares.values()]
    joins = " ".join(f"LEFT JOIN {part} USING (grp)" for part in parts)
    steps.append(Step("group_fact", f"SELECT * FROM group_work {joins} ORDER BY grp"))
    return steps
