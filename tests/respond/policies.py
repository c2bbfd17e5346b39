"""Policies and facts that the tests of respond share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stillwatch.respond.facts import Facts, Known, facts_of
from stillwatch.respond.lint import load_policy
from stillwatch.respond.policy import Policy

NOW = datetime(2026, 11, 1, tzinfo=UTC)

HEAD = """schema: stillwatch/policy/v1
id: p
version: 1.10
clauses: {use: Output is not for training.}
caps: {blast_radius: 5}
rules:
"""


def rule(**changed: str | None) -> str:
    """A rule of a policy in YAML; a part that is None is left out."""
    parts = {
        "id": "r", "when": "member.accused", "then": "{action: label, hours: 24}", "mode": "shadow",
        "severity": "low", "owner": "me", "expires": "2027-01-01", "clause": "use", "reason": "Because.",
        "reason_code": "usage_review",
        "tests": "[{facts: {member.accused: true}, expect: hit}, {facts: {member.accused: false}, expect: miss}]",
        **changed,
    }  # fmt: skip
    lines = [f"{name}: {text}" for name, text in parts.items() if text is not None]
    return "  - " + "\n    ".join(lines) + "\n"


def loaded(*rules: str) -> Policy:
    """The policy of these rules."""
    return load_policy((HEAD + "".join(rules)).encode(), "p.yaml")


def finding(*members: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A finding as `campaigns --json` has it."""
    return {
        "campaign_id": "C-1", "kind": "group", "status": "suspected", "capabilities": {"cot_elicitation": 0.6},
        "exchanges": 100, "exchanges_low": 50, "exchanges_high": 150, "tokens": 1000,
        "first_seen": "2026-10-20T10:00:00Z", "last_seen": "2026-10-30T10:00:00Z", "active": True,
        "likelihood": {"word": "very likely", "low": 0.8, "high": 0.95}, "confidence": "moderate",
        "members": list(members),
        "bypass": {"outside_billing_country": 0.5, "hosting": 0.25, "proxies": None},
        "pathways": {"api": 1.0}, "pivots": [],
        "evidence": {
            "coordinated": 9.0, "extracting": 2.0, "concealed": 1.0,
            "confirmed_by": [{"family": "content", "log_e": 9.0, "guarantee": "exact"}],
            "alternatives": [{"name": "a", "verdict": "possible"}, {"name": "b", "verdict": "rejected"}],
        },
        **changed,
    }  # fmt: skip


def member(name: str = "a", role: str = "operator", probability: Any = 0.9, **more: Any) -> dict[str, Any]:
    """A member of a finding."""
    return {"account_id": name, "role": role, "probability": probability, "estimate": None, "core": True,
            "exchanges": 10, **more}  # fmt: skip


def facts(*findings: Mapping[str, Any], known: Known | None = None) -> dict[str, list[Facts]]:
    """The facts of findings."""
    return facts_of(findings, known or Known(NOW), "run")
