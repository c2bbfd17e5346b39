"""What stands beside a finding's three answers and weighs in none of them, in plain sentences."""

from typing import Any

from stillwatch.console.text import counted, listed, share
from stillwatch.console.words import capability

Finding = dict[str, Any]

UNLIKELY = -3.0
"""ln of the chance that members choose items so far apart, from which it is told."""

MANY = 0.1
"""Share of near copies from which they are told."""


def beside(finding: Finding) -> list[str]:
    """Sentences about training value, items, phases and stages; none of what an older run or a blind one lacks."""
    evidence = finding["evidence"]
    value, items = evidence.get("training_value") or {}, evidence.get("items") or {}
    phases, stages = finding.get("phases") or [], finding.get("stages") or []
    return [*_value(value), *_items(items), *_phases(phases), *_stages(stages)]


def _value(value: Finding) -> list[str]:
    if not value.get("shows"):
        return []
    most, exact = value["shows"][0], value["guarantee"] == "exact"
    means = "by chance e is 1 or less on average" if exact else "no guarantee: wordings chose the group"
    return [
        f"All traffic of {counted(value['entities'], 'tested member')}, cover included, beside "
        f"{counted(value['compared'], 'comparable customer')}: ln e {value['log_e']:.1f} for training value ({means}); "
        f"{most['figure']}: {share(most['members'])} of the exchanges, {share(most['others'])} elsewhere. "
        "Honest groups with one task can show as much."
    ]


def _items(items: Finding) -> list[str]:
    said = []
    if items.get("log_chance", 0.0) <= UNLIKELY:
        said.append(
            f"Members asked {items['covered']:,} of {items['known']:,} items that others ask too, and met at "
            f"{items['known_met']:,}; each choosing for himself would make {items['known_met_by_chance']:.0f} or more."
        )
    if items.get("near_copies", 0.0) >= MANY:
        said.append(f"{share(items['near_copies'])} of the shared work nearly repeats what another member asked.")
    return said


def _phases(phases: list[Finding]) -> list[str]:
    told = [f"{capability(one['capability'])} from {one['first']} to {one['last']}" for one in phases]
    return [f"What is asked changes over time: {listed(told)}."] if told else []


def _stages(stages: list[Finding]) -> list[str]:
    return [
        f"{one['items']:,} items come back: {capability(one['first'])} first, then {capability(one['then'])} "
        f"({share(one['in_order'])} in this order, {share(one['handed_on'])} by another member)."
        for one in stages[:2]
    ]
