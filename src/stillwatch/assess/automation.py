"""Programs behind accounts that look like people's, as SQL steps and as a term of the third question.

A client says what it is: the console and browsers are a person's, libraries are not. An account looks like a person's
where its life says so. Programs stand behind it where its part of the shared work comes through programs all the same,
or through what says it is a browser at a pace that nobody reads or types; where a clock is too coarse to tell a pace,
nobody is faster than a hand. Reads `exchange` and `group_exchange`; makes
`member_automation(grp, account, behind)` and `life_automation(account, behind)`: 1 behind, 0 by hand, NULL where the
account does not look like a person's or nothing tells.
"""

from stillwatch.assess.terms import Facts, clipped, lift, number, ramp, term
from stillwatch.records import Step, Term

PERSON = """CASE
    WHEN e.pathway = 'console' THEN 1.0
    WHEN lower(e.user_agent) LIKE 'mozilla/%' AND lower(e.user_agent) NOT LIKE '%bot/%'
     AND lower(e.user_agent) NOT LIKE '%headless%' AND lower(e.user_agent) NOT LIKE '%electron%'
     AND (lower(e.user_agent) LIKE '%chrome/%' OR lower(e.user_agent) LIKE '%safari/%'
          OR lower(e.user_agent) LIKE '%firefox/%' OR lower(e.user_agent) LIKE '%edg%') THEN 1.0
    WHEN e.user_agent IS NOT NULL AND e.user_agent NOT LIKE 'hmac:%' THEN 0.0
    WHEN e.pathway IS NOT NULL THEN 0.0 END"""
"""1 where a client says that a person sits before it, 0 where it is a program, NULL where neither was logged."""

SPAN_SECONDS = 600
MOST_ASKED = 40
"""Requests of a span, one each fifteen seconds, beyond which nobody writes and reads them."""

MOST_READ = 12_000
"""Words answered in a span, 1,200 a minute: five times the pace at which adults read (238; Brysbaert 2019, 190
studies) and beyond skimming."""

LEAST_TIMES = 4
"""Moments of a span that differ, without which its clock may be too coarse to tell a pace."""

LEAST_REST = 5
"""Hours of a day without a request that a person takes; with fewer the day is nobody's alone."""

MOSTLY = 0.5
LEAST_LIFE = 5
"""Exchanges beside the shared work from which an account's life tells what it looks like."""

MOST = 0.6
"""Nats that the term may say: honest developers chat in a browser and run scripts from one account."""

PART = 0.1
"""Of a life, the part by programs or beyond a hand from which programs stand behind it."""

AUTOMATION_STEPS = [
    Step(
        "asked_by",
        f"""
        SELECT e.x, e.account, e.asked_at, {PERSON} AS person,
               coalesce(e.output_words, greatest(e.output_tokens - coalesce(e.reasoning_tokens, 0), 0) * 0.75) AS words
        FROM exchange e
        """,
    ),
    Step(
        "inhuman_span",
        f"""
        SELECT account, epoch_us(asked_at) // {SPAN_SECONDS}000000 AS span FROM asked_by WHERE person = 1.0
        GROUP BY account, epoch_us(asked_at) // {SPAN_SECONDS}000000
        HAVING count(DISTINCT asked_at) > {MOST_ASKED}
            OR (count(DISTINCT asked_at) >= {LEAST_TIMES} AND sum(words) > {MOST_READ})
        """,
    ),
    Step(
        "inhuman_day",
        f"""
        SELECT account, epoch_us(asked_at) // 86400000000 AS day_ FROM asked_by WHERE person = 1.0
        GROUP BY account, epoch_us(asked_at) // 86400000000
        HAVING count(DISTINCT epoch_us(asked_at) // 3600000000) > {24 - LEAST_REST}
        """,
    ),
    Step(
        "hand",
        f"""
        SELECT a.x, a.account, a.person,
               CASE WHEN s.account IS NOT NULL OR d.account IS NOT NULL THEN 1.0
                    WHEN a.person = 1.0 THEN 0.0 END AS beyond
        FROM asked_by a
        LEFT JOIN inhuman_span s ON s.account = a.account AND s.span = epoch_us(a.asked_at) // {SPAN_SECONDS}000000
                 AND a.person = 1.0
        LEFT JOIN inhuman_day d ON d.account = a.account AND d.day_ = epoch_us(a.asked_at) // 86400000000
                 AND a.person = 1.0
        """,
    ),
    Step("account_hand", "SELECT account, count(person) AS n, sum(person) AS by_person FROM hand GROUP BY account"),
    Step(
        "member_automation",
        f"""
        SELECT g.grp, g.account,
               CASE WHEN count(h.person) = 0 THEN NULL
                    WHEN avg(h.person) >= {MOSTLY} THEN CASE WHEN avg(h.beyond) >= {MOSTLY} THEN 1.0 ELSE 0.0 END
                    WHEN any_value(a.n) - count(h.person) >= {LEAST_LIFE}
                     AND any_value(a.by_person) - sum(h.person) >= {MOSTLY} * (any_value(a.n) - count(h.person))
                    THEN 1.0 END AS behind
        FROM group_exchange g JOIN hand h ON h.x = g.x JOIN account_hand a ON a.account = g.account
        GROUP BY g.grp, g.account
        """,
    ),
    Step(
        "life_automation",
        f"""
        SELECT account,
               CASE WHEN count(person) >= {LEAST_LIFE} AND avg(person) >= {MOSTLY}
                    THEN CASE WHEN avg(CASE WHEN person = 0.0 OR beyond = 1.0 THEN 1.0
                                            WHEN person = 1.0 THEN 0.0 END) >= {PART} THEN 1.0 ELSE 0.0 END
               END AS behind
        FROM hand GROUP BY account
        """,
    ),
]


def hidden_programs(facts: Facts, base: Facts) -> tuple[Term, ...]:
    """The term: `behind` and `like_people` are shares of the group's accounts and of everyone else's."""
    share, usual, like_people = (
        number(facts, "behind"), number(base, "behind"), number(facts, "like_people"),
    )  # fmt: skip
    if share is None or usual is None or like_people is None:
        return ()
    value = clipped(0.5 * lift(share, usual), 0.0, MOST) * ramp(like_people, 0.0, 0.3)
    because = (
        f"of the {like_people:.0%} of the accounts that look like a person's, programs do the shared work of "
        f"{share:.0%} ({usual:.0%} elsewhere)"
    )
    return term("concealed", "programs behind people's accounts", value, because)
