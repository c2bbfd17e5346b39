"""Whether an account's other exchanges look like a group's cover or like an ordinary customer's life.

A stolen key has an owner, who lives like the customers of no group. An operator's account lives on cover, of which the
traits are the operator's: it comes through the exits that the work uses, or mixes what several customers do. What is
cover in one campaign is ordinary in another service, so both are learnt from the traffic at hand: the group's own
accounts, whom their registration links, beside the accounts in no group. Where cover is copied in every trait from
ordinary customers this says nothing; then the operator has paid for one customer's life and home in every account.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stillwatch.assess.terms import clipped
from stillwatch.records import Step

LEAST = 5
"""Exchanges that make a life: fewer say nothing of it."""

EDGES = (0.05, 0.2, 0.8)
"""A share falls into one of four bins: up to a twentieth, a fifth, four fifths, more. A little is no trait: a thief's
work in other words may be taken for the owner's."""

TRAITS = ("abroad", "proxied", "home", "mixed")
"""Traits of a life, each a share: of exchanges from outside of the billing country, through hosting or proxy networks,
from the commonest address block, and beyond one kind of use (plain questions, or an application's with a preamble)."""

TOGETHER = 3.0
"""Of the traits, those of place mostly say the same: the mean of the three counts once, and kinds of use once."""

SHRUNK = 10.0
"""Ordinary lives that are added to a group's own: a group with few lives to learn from is told ordinary."""

MOST = 1.5
"""Most nats that a life may say: an owner who works abroad and through a proxy must stay an owner by all the rest."""


APPLIED = " OR ".join(f"list_contains(e.segment_roles, {role})" for role in (0, 1, 4))
"""Whether an exchange carries a system text, tools or a harness's block."""


def _lives(exchanges: str) -> str:
    """The traits of each (grp, account) of a table of exchanges with their grp."""
    return f"""
    SELECT grp, account, any_value(n) AS life, avg(abroad) AS abroad, avg(proxied) AS proxied,
           max(at_block) / any_value(placed) AS home, least(avg(applied), 1.0 - avg(applied)) AS mixed
    FROM (
      SELECT e.grp, e.account, count(*) OVER owned AS n, nullif(count(e.block) OVER owned, 0) AS placed,
             CASE WHEN e.block IS NOT NULL THEN count(*) OVER (PARTITION BY e.grp, e.account, e.block) END AS at_block,
             CASE WHEN e.country <> coalesce(a.verified_country, a.billing_country) THEN 1.0
                  WHEN e.country = coalesce(a.verified_country, a.billing_country) THEN 0.0 END AS abroad,
             CASE WHEN e.ip_class IN ('hosting', 'vpn', 'tor', 'relay') THEN 1.0
                  WHEN e.ip_class IS NOT NULL OR e.block IS NOT NULL THEN 0.0 END AS proxied,
             CAST({APPLIED} AS INTEGER) AS applied
      FROM ({exchanges}) e JOIN account a ON a.account = e.account
      WINDOW owned AS (PARTITION BY e.grp, e.account)
    ) GROUP BY grp, account
    """


LIFE_STEPS = [
    Step("member_life", _lives("SELECT * FROM own_life")),
    Step(
        "ordinary_life",
        _lives(
            "SELECT 0 AS grp, x.* FROM exchange x "
            "WHERE NOT EXISTS (SELECT 1 FROM group_shared s WHERE s.account = x.account)"
        ),
    ),
]
"""Tables `member_life` of each member's own exchanges, and `ordinary_life` of the accounts in no group, with the
columns grp, account, life (how many exchanges) and `TRAITS`."""


@dataclass(frozen=True)
class Life:
    """The traits of one account's own exchanges, each a share or None where it is not seen, and how many they are."""

    n: int
    traits: Mapping[str, float | None]

    def bins(self) -> dict[str, int]:
        """The bin of each trait that is seen."""
        if self.n < LEAST:
            return {}
        return {name: sum(value > edge for edge in EDGES) for name, value in self.traits.items() if value is not None}


class Lives:
    """How often each bin of each trait occurs among some lives."""

    def __init__(self, lives: Iterable[Life]) -> None:
        self._counts: dict[str, Counter[int]] = {name: Counter() for name in TRAITS}
        for life in lives:
            for name, bin_ in life.bins().items():
                self._counts[name][bin_] += 1

    def share(self, name: str, bin_: int) -> float:
        """The share of the lives with this trait seen that fall into a bin, never nought."""
        counts = self._counts[name]
        return (counts[bin_] + 0.5) / (counts.total() + 0.5 * (len(EDGES) + 1))

    def shrunk(self, name: str, bin_: int, towards: "Lives") -> float:
        """The same after `SHRUNK` lives of another kind are added."""
        counts = self._counts[name]
        return (counts[bin_] + SHRUNK * towards.share(name, bin_)) / (counts.total() + SHRUNK)


def cover_log_ratio(life: Life, own: Lives, ordinary: Lives) -> float:
    """ln of how much likelier a life is as a group's cover than as an ordinary customer's, from 0 to `MOST`.

    An ordinary life speaks for no owner: accounts that never touch the group's exits are given one too.
    """
    said = {
        name: math.log(own.shrunk(name, bin_, ordinary) / ordinary.share(name, bin_))
        for name, bin_ in life.bins().items()
    }
    value = sum(ratio / (1.0 if name == "mixed" else TOGETHER) for name, ratio in said.items())
    return clipped(value, 0.0, MOST)
