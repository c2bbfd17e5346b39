"""An answer beside the truth: campaigns recovered one-to-one, accounts accused rightly and wrongly, with exact
bounds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.records import ACCUSING, is_accused
from stillwatch.stats import clopper_pearson

ENOUGH = 4
"""Extraction exchanges from which recall is stated; members with fewer are printed apart."""


@dataclass(frozen=True)
class Share:
    """k of n with the exact 95 % interval."""

    k: int
    n: int

    def bounds(self) -> tuple[float, float]:
        """Clopper and Pearson's interval."""
        return clopper_pearson(self.k, self.n)

    def __str__(self) -> str:
        low, high = self.bounds()
        return f"{self.k:,}/{self.n:,} [{low:.4f}, {high:.4f}]"


@dataclass(frozen=True)
class Recovery:
    """One true campaign: the finding that matches it best, and how well. `matched` wants both shares at one half."""

    campaign: str
    members: int
    finding: str
    purity: float
    completeness: float
    matched: bool


@dataclass(frozen=True)
class Measure:
    """How an answer compares with the truth of its world. Who accuses a network that carries operators' work is right;
    recall counts operators' own accounts.

    `named` and `honest_named` are those whom a finding that accuses somebody lists in any role: of the members that
    `recall` counts, and of honest accounts.
    """

    recovered: tuple[Recovery, ...]
    precision: Share
    recall: Share
    recall_few: Share
    false_accounts: Share
    false_groups: Share
    ambiguous_honest: Share
    operators_in_review: Share
    named: Share
    honest_named: Share
    accused_by_cohort: dict[str, Share]
    victims_named_operator: Share
    permitted_accused: Share


def measure(answer: dict[str, Any], truth: Path, logs: Path) -> Measure:
    """Compare an answer (stillwatch/campaigns/v1) with the truth folder of the logs' folder that it was made from."""
    accounts = pq.read_table(truth / "accounts.parquet").to_pylist()
    kind = {row["account_id"]: row["kind"] for row in accounts}
    cohort = {row["account_id"]: row["cohort"] for row in accounts}
    work = extraction(truth, logs)
    named = {c["campaign_id"]: accused(c) for c in answer["campaigns"]}
    told = {finding: ids for finding, ids in named.items() if ids}
    everyone = set().union(*told.values()) if told else set()
    listed = {m["account_id"] for c in answer["campaigns"] if c["campaign_id"] in told for m in c["members"]}
    operators = {a for a, k in kind.items() if k == "operator"}
    guilty = {a for a, k in kind.items() if k in ACCUSING}
    honest = {a for a, k in kind.items() if k in ("legit", "look_alike")}
    active = {a: sum(work.get(a, {}).values()) for a in operators}
    enough = {a for a, n in active.items() if n >= ENOUGH}
    few = {a for a, n in active.items() if 0 < n < ENOUGH}
    review = {m["account_id"] for c in answer["campaigns"] if c["status"] == "ambiguous" for m in c["members"]}
    cohorts = {name: {a for a in honest if cohort[a] == name} for name in sorted({cohort[a] for a in honest})}
    victims = {a for a, k in kind.items() if k == "victim"}
    permitted = {a for a in honest if cohort[a].startswith("permitted")}
    innocent = {
        c["campaign_id"] for c in answer["campaigns"] if c["kind"] == "group" and not is_operator_group(c, guilty)
    }
    return Measure(
        recovered=tuple(recoveries(work, operators, told)),
        precision=Share(len(everyone & guilty), len(everyone)),
        recall=Share(len(everyone & enough), len(enough)),
        recall_few=Share(len(everyone & few), len(few)),
        false_accounts=Share(len(everyone & honest), len(honest)),
        false_groups=Share(len(innocent & told.keys()), len(innocent)),
        ambiguous_honest=Share(len(review & honest), len(honest)),
        operators_in_review=Share(len(review & (enough | few)), len(enough | few)),
        named=Share(len(listed & enough), len(enough)),
        honest_named=Share(len(listed & honest), len(honest)),
        accused_by_cohort={name: Share(len(everyone & ids), len(ids)) for name, ids in cohorts.items()},
        victims_named_operator=Share(len(everyone & victims), len(victims)),
        permitted_accused=Share(len(everyone & permitted), len(permitted)),
    )


def extraction(truth: Path, logs: Path) -> dict[str, Counter[str]]:
    """Extraction exchanges by account and campaign. The truth names exchanges; the logs say whose they are."""
    import duckdb  # noqa: PLC0415

    rows = duckdb.execute(
        "SELECT e.account_id, t.campaign, count(*) FROM read_parquet(?) t JOIN read_parquet(?) e USING (exchange_id) "
        "WHERE t.campaign IS NOT NULL GROUP BY ALL",
        [str(truth / "exchanges.parquet"), str(logs / "exchanges" / "*.parquet")],
    ).fetchall()
    out: dict[str, Counter[str]] = {}
    for account, campaign, count in rows:
        out.setdefault(account, Counter())[campaign] += count
    return out


def operators_of(truth: Path) -> set[str]:
    """The accounts of all campaigns of a truth folder, and of the networks that carry them; owners of stolen keys are
    not among them."""
    rows = pq.read_table(truth / "accounts.parquet", columns=["account_id", "kind"]).to_pylist()
    return {row["account_id"] for row in rows if row["kind"] in ACCUSING}


def is_operator_group(finding: Mapping[str, Any], operators: set[str]) -> bool:
    """Whether at least half of a finding's members are operators."""
    ids = {member["account_id"] for member in finding["members"]}
    return len(ids & operators) * 2 >= len(ids)


def accused(finding: Mapping[str, Any]) -> set[str]:
    """The accounts that a finding accuses, whatever its status says: none but a suspected one may."""
    return {m["account_id"] for m in finding["members"] if is_accused("suspected", m["role"], m["probability"])}


def recoveries(work: dict[str, Counter[str]], operators: set[str], accused: dict[str, set[str]]) -> list[Recovery]:
    """Match true campaigns and findings one-to-one, the largest overlaps first."""
    members: dict[str, set[str]] = {}
    for account, counts in work.items():
        if account in operators:
            for campaign in counts:
                members.setdefault(campaign, set()).add(account)
    pairs = sorted(
        (
            (len(ids & found), campaign, finding)
            for campaign, ids in members.items()
            for finding, found in accused.items()
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    taken: dict[str, str] = {}
    for overlap, campaign, finding in pairs:
        if overlap and campaign not in taken and finding not in taken.values():
            taken[campaign] = finding
    out = []
    for campaign, ids in sorted(members.items()):
        finding = taken.get(campaign, "")
        found = accused.get(finding, set())
        enough = {a for a in ids if sum(work[a].values()) >= ENOUGH}
        purity = len(ids & found) / max(len(found), 1)
        completeness = len(enough & found) / max(len(enough), 1)
        out.append(Recovery(campaign, len(ids), finding, purity, completeness, min(purity, completeness) >= 0.5))
    return out
