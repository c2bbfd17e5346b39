"""One finding as its part of the page shows it: sentences, drawings and tables, made of the run's answer."""

import math
import re
from dataclasses import dataclass
from typing import Any

from stillwatch.console import words
from stillwatch.console.beside import beside
from stillwatch.console.charts import Timeline, Waterfall, day_of, said, timeline, waterfalls
from stillwatch.console.map import shape

NAMED = re.compile(r"[A-Z]-[0-9a-f]{1,64}")
"""Ids as Stillwatch makes them, which can stand in an address and clash with no other anchor of the page."""

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

SMALL = 0.01
"""Share of the work below which capabilities are told together."""

WAYS = ("outside_billing_country", "hosting", "proxies")
LISTS = {
    "billing_countries": "countries of the accounts’ bills",
    "address_countries": "countries of the exchanges’ addresses",
    "programmes": "entry programmes of the accounts",
}
WAY_WORDS = {
    "outside_billing_country": "from outside of the country that pays",
    "hosting": "through hosting networks",
    "proxies": "through VPN, Tor or relay networks",
}


@dataclass(frozen=True)
class Member:
    """A row of the members' table."""

    account_id: str
    role: str
    probability: float
    core: bool
    exchanges: int
    estimate: float | None
    kind: str
    """The kind of its dot: accused, named, victim, other."""


@dataclass(frozen=True)
class Confirmation:
    """A family that confirmed the group, with what its number means."""

    family: str
    means: str
    log_e: float
    guarantee: str
    reads: str


@dataclass(frozen=True)
class Section:
    """Everything that a finding's part shows. `raw` is the object of `campaigns --json`."""

    number: int
    anchor: str
    raw: dict[str, Any]
    claim: str
    naming: str
    senders: str
    accused: int
    sure: str
    first: str
    last: str
    timeline: Timeline | None
    waterfalls: tuple[Waterfall, ...]
    capabilities: tuple[tuple[str, str, float], ...]
    confirmed: tuple[Confirmation, ...]
    ways: tuple[tuple[str, float], ...]
    lists: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    beside: tuple[str, ...]
    members: tuple[Member, ...]
    left_out: int
    operator: str


def anchor(number: int, campaign_id: str) -> str:
    """The finding's fragment of the page's address: its id, or its number where the id cannot be one."""
    return campaign_id if NAMED.fullmatch(campaign_id) else f"finding-{number}"


def section(run: dict[str, Any], number: int, finding: dict[str, Any], members: int, operator: str = "") -> Section:
    """A finding made ready to be shown, with so many of its members at most and who operates it in words."""
    ranked = ranked_members(finding)
    return Section(
        number=number,
        anchor=anchor(number, finding["campaign_id"]),
        raw=finding,
        claim=words.claim(finding),
        naming=words.naming(finding),
        senders=words.senders(finding),
        accused=words.accused(finding),
        sure=words.how_sure(finding),
        first=said(day_of(finding["first_seen"]), finding["first_seen"]),
        last=said(day_of(finding["last_seen"]), finding["last_seen"]),
        timeline=timeline(run, finding),
        waterfalls=tuple(waterfalls(finding)) if finding["kind"] == "group" else tuple(waterfalls(finding)[1:2]),
        capabilities=capabilities(finding),
        confirmed=tuple(confirmation(row) for row in finding["evidence"]["confirmed_by"]),
        ways=tuple(
            (WAY_WORDS[name], finding["bypass"][name]) for name in WAYS if finding["bypass"].get(name) is not None
        ),
        lists=tuple(
            (title, tuple(finding["bypass"][name].items()))
            for name, title in LISTS.items()
            if finding["bypass"].get(name)
        ),
        beside=tuple(beside(finding)),
        members=tuple(ranked[:members]),
        left_out=max(len(ranked) - members, 0),
        operator=operator,
    )


def capabilities(finding: dict[str, Any]) -> tuple[tuple[str, str, float], ...]:
    """(name, plain words, share), the largest first, what nobody can tell apart last, and of the small ones the sum."""
    rows = sorted(finding["capabilities"].items(), key=lambda row: (row[0] == "unknown", -row[1], row[0]))
    shown = [row for at, row in enumerate(rows) if row[1] >= SMALL or at < 2]
    few = [row for row in rows if row not in shown]
    rest = [(f"{len(few)} others", f"{len(few)} others", sum(part for _, part in few))] if few else []
    return (*((name, words.capability(name), part) for name, part in shown), *rest)


def ranked_members(finding: dict[str, Any]) -> list[Member]:
    """All members, the most certain first."""
    return [
        Member(
            m["account_id"],
            m["role"],
            m["probability"],
            m["core"],
            m["exchanges"],
            m.get("estimate"),
            shape(finding, m),
        )
        for m in sorted(
            finding["members"],
            key=lambda m: (-m["probability"], -(m.get("estimate") or 0.0), not m["core"], m["account_id"]),
        )
    ]


def confirmation(row: dict[str, Any]) -> Confirmation:
    """A family's number in words: how large its e-value or its factor is."""
    family = row["family"]
    if row["guarantee"] == "exact":
        reads = (
            f"Without any coordination this number would be 1 or less on average; it is {size(row['log_e'])}. "
            "True in finite samples, without a model."
        )
    else:
        reads = (
            "One source of material explains who asked about what better than each account’s own, by a factor of "
            f"{size(row['log_e'])}. True as far as its model is."
        )
    return Confirmation(family, words.FAMILIES.get(family, "another signal"), row["log_e"], row["guarantee"], reads)


def size(log_value: float) -> str:
    """e to this power in words that stay short: `22,000`, `about 10²¹`."""
    if log_value < math.log(1e6):
        value = math.exp(log_value)
        return f"{value:.2g}" if value < 100 else f"{float(f'{value:.2g}'):,.0f}"
    return "about 10" + str(round(log_value / math.log(10))).translate(RAISED)
