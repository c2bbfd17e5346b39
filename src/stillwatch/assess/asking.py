"""The part of a group's shared work that asks for training material: judged by itself, or harmless work beside it would
buy the second question off.

Which wordings make the part is settled by what they ask, before anything else of the part is known; and it is looked at
only where the whole is not suspected. Reads `group_token`, `template_token`, `found_member`, `exchange_lean` and
`group_explained`, the exchanges that a group's tokens explain.
"""

from stillwatch.assess.extracting import ENOUGH, LIKE_EVERYONE, OF_ITS_OWN, SLOPE
from stillwatch.records import Step

LEAST_ACCOUNTS = 8
"""The least size of a group."""

PROPER = 0.9
"""Share of the work from which a part is the whole."""

AS_OFTEN = 0.7
"""How often a wording's holders also ask for training material, against all accounts of the group, from which the
wording is of the same programme: another customer's are held by others."""

ASKING_STEPS = [
    Step(
        "usual_lean",
        "SELECT avg(l.lean) AS lean FROM exchange_lean l ANTI JOIN group_explained g ON g.x = l.x",
    ),
    Step(
        "wording_lean",
        """
        SELECT m.grp, g.channel, g.token, avg(CASE WHEN g.exclusive THEN l.said ELSE l.lean END) AS lean
        FROM group_token g
        JOIN template_token t ON t.channel = g.channel AND t.token = g.token
        JOIN found_member m ON m.grp = g.grp AND m.entity = t.entity
        JOIN exchange_lean l ON l.x = t.x GROUP BY m.grp, g.channel, g.token
        """,
    ),
    Step(
        "asking_exchange",
        f"""
        SELECT m.grp, t.x FROM group_token g JOIN template_token t ON t.channel = g.channel AND t.token = g.token
        JOIN found_member m ON m.grp = g.grp AND m.entity = t.entity
        JOIN wording_lean w ON w.grp = g.grp AND w.channel = g.channel AND w.token = g.token
        GROUP BY m.grp, t.x
        HAVING bool_or(g.exclusive)
           AND {SLOPE} * (avg(w.lean) - (SELECT any_value(lean) FROM usual_lean)) + {LIKE_EVERYONE} >= {OF_ITS_OWN}
        """,
    ),
    Step(
        "asking_part",
        f"""
        SELECT g.grp, count(a.x) / count(*) AS asking FROM group_explained g
        LEFT JOIN asking_exchange a ON a.grp = g.grp AND a.x = g.x GROUP BY g.grp
        HAVING count(a.x) >= {ENOUGH} AND count(a.x) < {PROPER} * count(*)
           AND count(DISTINCT CASE WHEN a.x IS NOT NULL THEN g.account END) >= {LEAST_ACCOUNTS}
        """,
    ),
    Step(
        "programme_use",
        """
        SELECT DISTINCT g.grp, g.channel, g.token, e.account FROM group_token g JOIN asking_part p ON p.grp = g.grp
        JOIN template_token t ON t.channel = g.channel AND t.token = g.token
        JOIN group_explained e ON e.grp = g.grp AND e.x = t.x WHERE g.exclusive
        """,
    ),
    Step(
        "programme_token",
        f"""
        WITH asks AS (SELECT DISTINCT g.grp, g.account FROM group_explained g
                      JOIN asking_exchange a ON a.grp = g.grp AND a.x = g.x),
             usual AS (SELECT g.grp, count(a.account) / count(*) AS share
                       FROM (SELECT DISTINCT grp, account FROM group_explained) g
                       LEFT JOIN asks a ON a.grp = g.grp AND a.account = g.account GROUP BY g.grp)
        SELECT p.grp, p.channel, p.token FROM programme_use p
        LEFT JOIN asks a ON a.grp = p.grp AND a.account = p.account JOIN usual u ON u.grp = p.grp
        GROUP BY p.grp, p.channel, p.token
        HAVING count(*) >= {LEAST_ACCOUNTS} AND count(a.account) >= {AS_OFTEN} * any_value(u.share) * count(*)
        """,
    ),
    Step(
        "programme_member",
        """
        SELECT grp, account, count(*) AS n FROM (
            SELECT DISTINCT p.grp, e.account, e.x FROM programme_token p
            JOIN template_token t ON t.channel = p.channel AND t.token = p.token
            JOIN group_explained e ON e.grp = p.grp AND e.x = t.x)
        GROUP BY grp, account
        """,
    ),
    Step(
        "group_exchange",
        """
        SELECT g.*, t.followed FROM group_explained g JOIN group_taken_up t ON t.grp = g.grp AND t.x = g.x
        UNION ALL
        SELECT -1 - g.grp AS grp, g.* EXCLUDE (grp), t.followed FROM group_explained g
        JOIN group_taken_up t ON t.grp = g.grp AND t.x = g.x
        JOIN asking_exchange a ON a.grp = g.grp AND a.x = g.x JOIN asking_part p ON p.grp = g.grp
        """,
    ),
    Step(
        "group_member",
        """
        SELECT * FROM found_member UNION ALL
        SELECT -1 - m.grp AS grp, m.* EXCLUDE (grp) FROM found_member m JOIN asking_part p ON p.grp = m.grp
        """,
    ),
]
"""`group_exchange` and `group_member`: every group as it was found, and under -1 - grp the part that asks;
`programme_member(grp, account, n)`: exchanges of each account in wordings of the part's own programme, whatever they
ask."""
