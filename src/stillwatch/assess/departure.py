"""Where and when each member's shared work came from beside its own life, as SQL steps.

Table `member_fact`, one row a (grp, account): see `member.MemberFacts`. Reads `group_exchange`, `asking_exchange`,
`exchange` and `account`.

`asking_work` are the account's shared exchanges that ask for training material, and what else it shares from where or
by what they come: an operator's cover may be an owner's own work, word for word. Of these `worded` are those in the
group's own wordings, word for word where there are such (a mined family may take an owner's own words in), and all that
comes by one of their clients (`worker`) that does hardly anything else, where the account has another. What else came
through the group's own blocks, by a client that such wordings came by, is `sure_work` as well: a thief's paraphrases
are no part of the owner's life; what an owner does by its own client in a block that the thief uses, is.

An account's window is that of `timed_work`: of what came through blocks that its own wordings came through, since an
owner may live among the group's exits. `own_life` holds all that is no sure work, outside of the window and of six
hours about it.
"""

from stillwatch.records import Step

NEARLY_ALL = 0.9
"""Share of what an account does by one client that is shared work, from which all that it does by it is the work."""

LEAST_SHARERS = 2
OWN_BLOCK = 0.2
"""Other members whose shared work used an address block, and their share of all its accounts, from which the block is
the group's own and no carrier's."""

MANY_SHARERS = 5
MOSTLY = 0.5
"""Members, and their share of a block's accounts, from which all that a member does there is the group's work."""

LEAST_BLOCKS = 3
"""Such blocks in an account's own life from which it counts: a proxy's exit may stand in an owner's street."""

DEPARTURE_STEPS = [
    Step(
        "shown_work",
        """
        SELECT g.grp, g.account, g.x, g.exclusive, g.verbatim, e.block, e.ja4, e.user_agent,
               g.grp < 0 OR a.x IS NOT NULL AS asks
        FROM group_exchange g JOIN exchange e ON e.x = g.x
        LEFT JOIN asking_exchange a ON a.grp = g.grp AND a.x = g.x
        """,
    ),
    Step("asking_block", "SELECT DISTINCT grp, account, block FROM shown_work WHERE asks AND block IS NOT NULL"),
    Step(
        "asking_client", "SELECT DISTINCT grp, account, ja4, user_agent FROM shown_work WHERE asks AND ja4 IS NOT NULL"
    ),
    Step(
        "asking_work",
        """
        SELECT w.grp, w.account, w.x, w.exclusive, w.verbatim FROM shown_work w
        LEFT JOIN (SELECT grp, account, count(block) AS blocks, count(ja4) AS clients FROM shown_work
                   WHERE asks GROUP BY grp, account) n ON n.grp = w.grp AND n.account = w.account
        LEFT JOIN asking_block b ON b.grp = w.grp AND b.account = w.account AND b.block = w.block
        LEFT JOIN asking_client c ON c.grp = w.grp AND c.account = w.account AND c.ja4 = w.ja4
             AND c.user_agent IS NOT DISTINCT FROM w.user_agent
        WHERE w.asks OR b.block IS NOT NULL OR c.ja4 IS NOT NULL OR w.block IS NULL OR w.ja4 IS NULL
           OR coalesce(n.blocks, 0) = 0 OR n.clients = 0
        """,
    ),
    Step(
        "own_worded",
        """
        SELECT g.grp, g.account, g.x FROM asking_work g
        JOIN (SELECT grp, account, bool_or(exclusive) AS own, bool_or(exclusive AND verbatim) AS own_verbatim
              FROM asking_work GROUP BY grp, account) s
          ON s.grp = g.grp AND s.account = g.account
        WHERE (g.exclusive OR NOT s.own) AND (g.verbatim OR NOT s.own_verbatim)
        """,
    ),
    Step(
        "worker",
        f"""
        SELECT s.grp, s.account, s.ja4, s.user_agent
        FROM (SELECT grp, account, ja4, user_agent, count(*) AS shared, count(o_x) AS worded FROM
                (SELECT w.grp, w.account, w.ja4, w.user_agent, o.x AS o_x FROM shown_work w
                 LEFT JOIN own_worded o ON o.grp = w.grp AND o.x = w.x WHERE w.ja4 IS NOT NULL)
              GROUP BY grp, account, ja4, user_agent) s
        JOIN (SELECT account, ja4, user_agent, count(*) AS n, count(*) OVER (PARTITION BY account) AS clients
              FROM exchange WHERE ja4 IS NOT NULL GROUP BY account, ja4, user_agent) e
          ON e.account = s.account AND e.ja4 = s.ja4 AND e.user_agent IS NOT DISTINCT FROM s.user_agent
        WHERE s.worded > 0 AND s.shared >= {NEARLY_ALL} * e.n AND e.clients > 1
        """,
    ),
    Step(
        "worded",
        """
        SELECT grp, account, x FROM own_worded UNION
        SELECT w.grp, e.account, e.x FROM worker w
        JOIN exchange e ON e.account = w.account AND e.ja4 = w.ja4 AND e.user_agent IS NOT DISTINCT FROM w.user_agent
        """,
    ),
    Step(
        "member_block",
        """
        SELECT DISTINCT s.grp, s.account, e.block FROM worded s JOIN exchange e ON e.x = s.x
        WHERE e.block IS NOT NULL
        """,
    ),
    Step(
        "group_block",
        f"""
        SELECT m.grp, m.block, count(*) AS members, any_value(p.accounts) AS accounts FROM member_block m
        JOIN (SELECT block, count(DISTINCT account) AS accounts FROM exchange WHERE block IS NOT NULL GROUP BY block) p
          ON p.block = m.block
        GROUP BY m.grp, m.block HAVING count(*) >= greatest({LEAST_SHARERS}, {OWN_BLOCK} * any_value(p.accounts))
        """,
    ),
    Step(
        "work_client",
        """
        SELECT DISTINCT s.grp, s.account, e.ja4, e.user_agent FROM worded s JOIN exchange e ON e.x = s.x
        """,
    ),
    Step(
        "sure_work",
        f"""
        SELECT grp, account, x FROM worded UNION
        SELECT b.grp, e.account, e.x FROM group_block b JOIN exchange e ON e.block = b.block
        JOIN (SELECT grp, account, count(ja4) AS clients FROM work_client GROUP BY grp, account) w
          ON w.grp = b.grp AND w.account = e.account
        LEFT JOIN work_client c ON c.grp = b.grp AND c.account = e.account AND c.ja4 = e.ja4
             AND c.user_agent IS NOT DISTINCT FROM e.user_agent
        WHERE b.members >= {MANY_SHARERS} AND b.members >= {MOSTLY} * b.accounts
          AND (c.ja4 IS NOT NULL OR e.ja4 IS NULL OR w.clients = 0)
        """,
    ),
    Step(
        "timed_work",
        """
        SELECT grp, account, x FROM worded UNION
        SELECT s.grp, s.account, s.x FROM sure_work s JOIN exchange e ON e.x = s.x
        JOIN member_block m ON m.grp = s.grp AND m.account = s.account AND m.block = e.block
        """,
    ),
    Step("clock", "SELECT count(DISTINCT epoch_us(asked_at) % 86_400_000_000) > 1 AS tells FROM exchange"),
    Step(
        "work_window",
        """
        SELECT s.grp, s.account,
               CASE WHEN any_value(c.tells) THEN count(DISTINCT e.asked_at) ELSE count(*) END AS times,
               quantile_disc(e.asked_at, 0.05) AS first_shared, quantile_disc(e.asked_at, 0.95) AS last_shared
        FROM timed_work s JOIN exchange e ON e.x = s.x CROSS JOIN clock c GROUP BY s.grp, s.account
        """,
    ),
    Step(
        "own_life",
        """
        SELECT w.grp, e.account, e.block, e.ja4, e.user_agent, e.asked_at, e.country, e.ip_class, e.segment_roles
        FROM work_window w
        JOIN exchange e ON e.account = w.account
         AND (e.asked_at < w.first_shared - INTERVAL 6 HOURS OR e.asked_at > w.last_shared + INTERVAL 6 HOURS)
        WHERE NOT EXISTS (SELECT 1 FROM sure_work s WHERE s.x = e.x AND s.grp = w.grp)
        """,
    ),
    Step("own_block", "SELECT DISTINCT grp, account, block FROM own_life WHERE block IS NOT NULL"),
    Step("own_client", "SELECT DISTINCT grp, account, ja4, user_agent FROM own_life WHERE ja4 IS NOT NULL"),
    Step(
        "life_among",
        f"""
        SELECT grp, account, CASE WHEN count(DISTINCT block) FILTER (theirs) >= {LEAST_BLOCKS}
                 THEN avg(CASE WHEN theirs THEN 1.0 ELSE 0.0 END) ELSE 0.0 END AS among
        FROM (SELECT o.grp, o.account, o.block,
                     coalesce(b.members - (m.block IS NOT NULL)::INTEGER
                              >= greatest({LEAST_SHARERS}, {OWN_BLOCK} * (b.accounts - 1)), FALSE) AS theirs
              FROM own_life o LEFT JOIN group_block b ON b.grp = o.grp AND b.block = o.block
              LEFT JOIN member_block m ON m.grp = o.grp AND m.account = o.account AND m.block = o.block
              WHERE o.block IS NOT NULL)
        GROUP BY grp, account
        """,
    ),
    Step(
        "departure",
        """
        SELECT s.grp, s.account,
               CASE WHEN any_value(h.blocks) > 0 THEN avg(CASE WHEN e.block IS NULL THEN NULL
                 WHEN b.block IS NOT NULL THEN 1.0 ELSE 0.0 END) END AS at_home,
               CASE WHEN any_value(h.clients) > 0 THEN avg(CASE WHEN e.ja4 IS NULL THEN NULL
                 WHEN c.ja4 IS NOT NULL THEN 1.0 ELSE 0.0 END) END AS own_client
        FROM sure_work s JOIN exchange e ON e.x = s.x
        LEFT JOIN (SELECT grp, account, count(block) AS blocks, count(ja4) AS clients FROM own_life
                   GROUP BY grp, account) h ON h.grp = s.grp AND h.account = s.account
        LEFT JOIN own_block b ON b.grp = s.grp AND b.account = s.account AND b.block = e.block
        LEFT JOIN own_client c ON c.grp = s.grp AND c.account = s.account AND c.ja4 = e.ja4
             AND c.user_agent IS NOT DISTINCT FROM e.user_agent
        GROUP BY s.grp, s.account
        """,
    ),
    Step(
        "member_fact",
        """
        SELECT w.grp, w.account, any_value(n.shared) AS shared, any_value(d.at_home) AS at_home,
               any_value(d.own_client) AS own_client, count(o.asked_at) AS own,
               count(o.asked_at) FILTER (o.asked_at < w.first_shared) AS own_before,
               any_value(w.times) AS shared_times, any_value(i.among) AS among,
               (epoch_us(any_value(w.last_shared)) - epoch_us(any_value(w.first_shared))) / 86400e6 AS shared_days,
               (epoch_us(any_value(w.first_shared)) - epoch_us(any_value(a.created_at))) / 86400e6 AS days_before
        FROM work_window w JOIN departure d ON d.grp = w.grp AND d.account = w.account
        JOIN (SELECT grp, account, count(*) AS shared FROM group_exchange GROUP BY grp, account) n
          ON n.grp = w.grp AND n.account = w.account
        JOIN account a ON a.account = w.account
        LEFT JOIN own_life o ON o.grp = w.grp AND o.account = w.account
        LEFT JOIN life_among i ON i.grp = w.grp AND i.account = w.account
        GROUP BY w.grp, w.account
        """,
    ),
]
