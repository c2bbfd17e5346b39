"""True roles beside told ones: who is named what, and in which of the findings.

An account counts once, by the strongest that any finding says of it: accused, then named beside accused ones, then
for review. True roles are those of the truth folder: its kinds, and of honest accounts the cohorts that a wrong role
would hit first.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.benchmark.measure import Share
from stillwatch.records import ACCUSING, EVEN, is_accused

TRUE = ("operator", "provider", "victim", "reseller", "network customer", "honest")
"""True roles in the order of the table."""

NAMES = ("operator", "provider", "reseller", "victim", "customer", "bystander")
HOW = ("accused as", "named", "in review as")
TOLD = (
    *(f"accused as {role}" for role in ACCUSING),
    *(f"named {role}" for role in NAMES),
    *(f"in review as {role}" for role in NAMES),
    "nothing",
)
"""Told roles, the strongest first. Named are those whom a suspected finding lists and does not accuse."""

THROUGH_NETWORKS = ("bystander", "provider_customer", "network_customer")
"""Cohorts of honest accounts that share nothing with operators and providers but exits."""


@dataclass(frozen=True)
class Confusion:
    """How many accounts of each true role were told as what; `wronged` are victims and honest ones who are accused."""

    table: dict[str, dict[str, int]]
    wronged: Share
    called_operator: Share
    """Owners of stolen keys and honest accounts that any finding calls operator or provider, accused or not: none but
    the wronged in runs of this version."""
    likely: dict[str, Share]
    """Of each true role, who is not accused and has an estimate of one half or more in a suspected finding, of those
    not accused who have one at all."""


def true_role(kind: str, cohort: str) -> str:
    """The role of an account by its kind and cohort in a truth folder."""
    if kind in ("operator", "provider", "victim"):
        return kind
    if cohort.startswith("reseller"):
        return "reseller"
    return "network customer" if cohort in THROUGH_NETWORKS else "honest"


def told_roles(answer: dict[str, Any]) -> dict[str, str]:
    """What an answer (stillwatch/campaigns/v1) says of each account that it names; findings that are dismissed or
    permitted say nothing."""
    said: dict[str, str] = {}
    for finding in answer["campaigns"]:
        if finding["status"] not in ("suspected", "ambiguous"):
            continue
        for member in finding["members"]:
            place = "named" if finding["status"] == "suspected" else "in review as"
            blamed = is_accused("suspected", member["role"], member["probability"])
            words = f"{'accused as' if blamed else place} {member['role']}"
            held = said.setdefault(member["account_id"], words)
            said[member["account_id"]] = min(held, words, key=TOLD.index)
    return said


def _estimates(answer: dict[str, Any], said: dict[str, str]) -> dict[str, float]:
    """The greatest estimate of each account that a suspected finding names and none accuses."""
    out: dict[str, float] = {}
    for finding in answer["campaigns"]:
        for member in finding["members"] if finding["status"] == "suspected" else ():
            name, estimate = member["account_id"], member.get("estimate")
            if estimate is not None and not said[name].startswith("accused"):
                out[name] = max(estimate, out.get(name, 0.0))
    return out


def confusion(answer: dict[str, Any], truth: Path) -> Confusion:
    """The table of an answer beside the truth folder of its logs."""
    said = told_roles(answer)
    table = {role: Counter({told: 0 for told in TOLD}) for role in TRUE}
    estimates = _estimates(answer, said)
    likely: dict[str, list[bool]] = {role: [] for role in TRUE}
    for row in pq.read_table(truth / "accounts.parquet").to_pylist():
        role, name = true_role(row["kind"], row["cohort"]), row["account_id"]
        table[role][said.get(name, "nothing")] += 1
        if name in estimates:
            likely[role].append(estimates[name] >= EVEN)
    innocent = [table[role] for role in TRUE if role not in ACCUSING]
    everyone = sum(counts.total() for counts in innocent)
    return Confusion(
        {role: dict(counts) for role, counts in table.items()},
        Share(sum(counts[f"accused as {role}"] for counts in innocent for role in ACCUSING), everyone),
        Share(
            sum(counts[f"{how} {role}"] for counts in innocent for role in ACCUSING for how in HOW),
            everyone,
        ),
        {role: Share(sum(true), len(true)) for role, true in likely.items()},
    )
