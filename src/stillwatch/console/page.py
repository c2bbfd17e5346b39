"""The whole page of a run, as `frame` makes every page: it loads nothing, runs nothing, and shows text as text only."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from stillwatch.console import words
from stillwatch.console.charts import day_of, said
from stillwatch.console.finding import Section, anchor, section
from stillwatch.console.frame import filled
from stillwatch.console.map import packed_map
from stillwatch.console.text import counted, share
from stillwatch.stats import precision

MEMBERS = 200
ALL_MEMBERS = 6_000
"""Rows of a members' table at most, and of all such tables on one page."""

FIRST_MEMBERS = 12
"""Rows of a members' table that stand open; the others unfold, and print."""

DISMISSED = 100
"""Dismissed groups that the page lists, the largest."""

RECALL = 0.8
RATES = (1e-2, 1e-3, 1e-4)
BAD = (20, 200, 2_000, 20_000)
"""What the table of base rates supposes: the share of the bad that a rule finds, the shares of the honest that it
flags, and how many are bad."""

PUBLISHED = ((24_000, 10_000_000, 1e-3), (24_000, 10_000_000, 1e-4), (40, 1_000_000, 1e-4))
"""Cases to compare with: a campaign of the size reported in February 2026, and a small one."""


@dataclass(frozen=True)
class BaseRate:
    """For so many bad accounts among `accounts`: how many of 100 flagged ones are bad, at each rate."""

    bad: int
    accounts: int
    rates: tuple[float, ...]
    right: tuple[float, ...]


def page(answer: dict[str, Any], operators: Mapping[str, str] = MappingProxyType({})) -> str:
    """The answer of a run (stillwatch/campaigns/v1) as one HTML document. Answers of older versions are read too.
    `operators` says in words who operates a finding, by its id."""
    run, findings = answer["run"], answer["campaigns"]
    shown = [f for f in findings if f["status"] != "dismissed"]
    dismissed = [f for f in findings if f["status"] == "dismissed"]
    bound = min(MEMBERS, max(ALL_MEMBERS // max(len(shown), 1), FIRST_MEMBERS))
    sections = [
        section(run, number, finding, bound, operators.get(finding["campaign_id"], ""))
        for number, finding in enumerate(shown, 1)
    ]
    return filled(
        "page.html",
        run=run,
        since=said(day_of(run["since"]), run["since"]),
        until=said(day_of(run["until"]), run["until"]),
        lead=lead(run, sections, len(dismissed)),
        sections=sections,
        suspected=[s for s in sections if s.raw["status"] not in ("permitted", "ambiguous")],
        ambiguous=[s for s in sections if s.raw["status"] == "ambiguous"],
        permitted=[s for s in sections if s.raw["status"] == "permitted"],
        dismissed=[
            (f, anchor(number, f["campaign_id"]), words.dismissal(f))
            for number, f in enumerate(dismissed[:DISMISSED], len(sections) + 1)
        ],
        dismissed_count=len(dismissed),
        map=packed_map(shown) if shown else None,
        accused=words.accused(*shown),
        blind=blind(run),
        base_rates=base_rates(run["accounts"], words.accused(*shown)),
        published=[BaseRate(b, a, (r,), (precision(b, a, RECALL, r),)) for b, a, r in PUBLISHED],
        recall=RECALL,
        first_members=FIRST_MEMBERS,
        anchors=[s.anchor for s in sections],
    )  # fmt: skip


def lead(run: dict[str, Any], sections: list[Section], dismissed: int) -> str:
    """What the run found, in two sentences."""
    suspected = [s for s in sections if s.raw["status"] == "suspected"]
    if not sections:
        return "No finding. That is not an all-clear: read below what this run could not see."
    if not suspected:
        return "Nobody is suspected. That is not an all-clear: read below what this run could not see."
    found = "One group is" if len(suspected) == 1 else f"{len(suspected):,} groups are"
    members = {member["account_id"] for s in suspected for member in s.raw["members"]}
    exchanges = sum(s.raw["exchanges"] for s in suspected)
    return (
        f"{found} suspected of distilling the model, with {counted(exchanges, 'exchange')} of extraction, "
        f"{share(exchanges / max(run['exchanges'], 1))} of all traffic. Of the {counted(len(members), 'account')} in "
        f"{'it' if len(suspected) == 1 else 'them'}, {words.accused(*(s.raw for s in suspected)):,} are accused."
    )


def blind(run: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(because, [(detector, what it would have looked at)]), in the order of the run."""
    reasons: dict[str, list[tuple[str, str]]] = {}
    for row in run["blind"]:
        reasons.setdefault(row["because"], []).append((row["detector"], words.detector(row["detector"])))
    return list(reasons.items())


def base_rates(accounts: int, accused: int) -> list[BaseRate]:
    """Rows for a store of so many accounts; the number that the page accuses is one of them."""
    cases = sorted({bad for bad in (*BAD, accused) if 0 < bad < accounts / 2})
    return [
        BaseRate(bad, accounts, RATES, tuple(precision(bad, accounts, RECALL, rate) for rate in RATES)) for bad in cases
    ]
