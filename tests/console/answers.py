"""Answers of runs for the tests of the page, invented and of any size."""

import copy
from typing import Any

ROLES = ("operator", "provider", "operator", "customer", "victim", "reseller", "bystander", "operator")
STATUSES = ("suspected", "suspected", "ambiguous", "permitted")


def member(number: int, status: str) -> dict[str, Any]:
    role = ROLES[number % len(ROLES)]
    sure = round(0.999 - 0.6 * (number % 17) / 17, 4)
    probability = sure if status == "suspected" else min(sure, 0.49)
    return {"account_id": f"acct_{number:016x}", "probability": probability, "role": role, "core": number % 5 != 4,
            "exchanges": number % 23}  # fmt: skip


def finding(number: int = 0, members: int = 20, status: str = "suspected", kind: str = "group") -> dict[str, Any]:
    terms = [
        {"question": question, "name": name, "value": value, "because": f"{name} says so of 30% of the shared work"}
        for question in ("coordinated", "extracting", "concealed")
        for name, value in (("prior", -1.5), ("purpose", 3.2), ("region bypass", 0.9), ("tenure", -0.14))
    ]
    names = ("affiliated", "shared benchmark or homework", "same product", "viral prompt")
    verdicts = ("rejected", "possible", "unknown", "explains" if status == "dismissed" else "rejected")
    return {
        "campaign_id": f"{'C' if kind == 'group' else 'E'}-{number:012x}",
        "kind": kind,
        "status": status,
        "capabilities": {"cot_elicitation": 0.9, "chat": 0.06, "vision": 0.004, "unknown": 0.036},
        "exchanges": 1536,
        "exchanges_low": 1500,
        "exchanges_high": 1668,
        "tokens": 539_532,
        "first_seen": "2026-10-05T06:53:57Z",
        "last_seen": "2026-10-30T14:37:42Z",
        "active": True,
        "likelihood": {"word": "very likely", "low": 0.8, "high": 0.95},
        "confidence": "high",
        "members": [member(at, status) for at in range(members)],
        "bypass": {
            "outside_billing_country": 0.81, "hosting": 0.2, "proxies": None, "billing_countries": {"US": 31, "GB": 1},
            "programmes": {"education": 26}, "address_countries": {"DE": 5},
        },
        "pathways": {"api": 0.6, "console": 0.4},
        "pivots": [{"model": "aster-5", "released_at": "2026-10-21T17:00:00Z", "hours": 4.9, "share": 0.75}],
        "timeline": [{"day": f"2026-10-{day:02d}", "exchanges": day * number % 31 + 1} for day in range(5, 31)],
        "phases": [
            {"first": "2026-10-05", "last": "2026-10-12", "capability": "data_synthesis", "share": 0.8},
            {"first": "2026-10-13", "last": "2026-10-30", "capability": "rubric_grading", "share": 0.7},
        ],
        "stages": [
            {"first": "data_synthesis", "then": "rubric_grading", "items": 155, "in_order": 0.99, "handed_on": 1.0}
        ],
        "evidence": {
            "coordinated": 2.46, "extracting": 2.46, "concealed": 2.46, "found_by": ["content", "timing"],
            "confirmed_by": [
                {"family": "client", "log_e": 49.6, "guarantee": "exact"},
                {"family": "work", "log_e": 463.3, "guarantee": "model-based"},
            ],
            "terms": terms,
            "items": {"items": 528, "novel": 0.79, "known": 3034, "covered": 236, "known_met": 3,
                      "known_met_by_chance": 9.06, "log_chance": -3.89, "near_copies": 0.2},
            "training_value": {
                "log_e": 83.8, "guarantee": "none", "entities": 59, "compared": 1115,
                "shows": [{"figure": "asks: grading", "members": 0.05, "others": 0.01}],
            },
            "alternatives": [
                {"name": name, "for": f"{name} for it", "against": "", "verdict": verdict}
                for name, verdict in zip(names, verdicts, strict=True)
            ],
        },
    }  # fmt: skip


def answer(findings: list[dict[str, Any]] | None = None, **run: Any) -> dict[str, Any]:
    held = {
        "run_id": "20261101T000000-000000000-abcdef", "store": "watch", "since": "2026-10-05T00:03:07Z",
        "until": "2026-11-01T23:59:45Z", "exchanges": 120_540, "accounts": 1_988, "entities": 1_924, "quarantined": 3,
        "blind": [{"detector": "client/ja4", "because": "column ja4 of exchanges is empty in all rows"},
                  {"detector": "concealed/weak doors", "because": "column programme of accounts is empty in all rows"}],
        "alpha": 0.05, "candidates": {"content": 429, "client": 833},
        "releases": [{"model": "aster-5", "released_at": "2026-10-21T17:00:00Z"},
                     {"model": "basil-1", "released_at": "2026-10-10T09:00:00Z"}],
        "seconds": 27.1,
    } | run  # fmt: skip
    return {"schema": "stillwatch/campaigns/v1", "run": held, "campaigns": [] if findings is None else findings}


def every_kind() -> dict[str, Any]:
    """One finding of every status and kind."""
    return answer(
        [
            finding(1, 20),
            finding(2, 9, "ambiguous"),
            finding(3, 1, "ambiguous", "entity"),
            finding(4, 3, "permitted"),
            finding(5, 1, "permitted", "entity"),
            finding(6, 5, "dismissed"),
        ]
    )


def large(findings: int = 60, members: int = 25_000) -> dict[str, Any]:
    """So many findings whose sizes fall off like those of real campaigns, with so many members in all."""
    weights = [1 / (at + 2) for at in range(findings)]
    sizes = [max(3, int(members * weight / sum(weights))) for weight in weights]
    sizes[0] += members - sum(sizes)
    given = [finding(at, size, STATUSES[at * len(STATUSES) // findings]) for at, size in enumerate(sizes)]
    return answer(given, accounts=10_000_000)


def old(given: dict[str, Any]) -> dict[str, Any]:
    """The same answer as a run of an older version wrote it, without days and without the calendar of releases."""
    copied = copy.deepcopy(given)
    del copied["run"]["releases"]
    for found in copied["campaigns"]:
        for key in ("timeline", "phases", "stages"):
            del found[key]
        for key in ("items", "training_value"):
            del found["evidence"][key]
    return copied
