"""The facts of each account that a run's findings name, from the run's answer and from what is known of the account.

An account that stands in several findings has facts for each: it is judged once for each. Nothing here trusts what it
reads: a value that is not what the catalogue says is unknown.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from stillwatch.records import is_accused
from stillwatch.respond.catalogue import FACTS, coerced
from stillwatch.respond.cel_text import Value

EXCESS = "excess"
"""The kind of findings about what exceeds a permission's cap; they accuse nobody."""
STATUS = "finding.status"

TRACES = ("cot_elicitation", "post_hoc_reasoning", "trace_coercion")
TENTH = 0.1
TWENTIETH = 0.05

COLUMNS = (
    "account_id", "org_id", "verified_domain", "created_at", "suspended_at", "tier", "programme", "phone_country",
    "billing_country", "verified_country", "reseller_of",
)  # fmt: skip
"""Columns of the accounts table that facts are made of: none that names a person."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What is known of one account in one finding of a run; what is not in `values` is unknown."""

    account_id: str
    campaign_id: str
    run_id: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Known:
    """What the provider's tables say at a time. `accounts` are rows of the table by id, `logged` its columns in which
    any account has a value, `permissions` purposes by account of what is in force."""

    at: datetime
    accounts: Mapping[str, Row] = field(default_factory=dict)
    logged: Collection[str] = ()
    permissions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def facts_of(
    findings: Iterable[Row], known: Known, run_id: str = "", accounts: Collection[str] | None = None
) -> dict[str, list[Facts]]:
    """The facts by account, both in ascending order. `findings` are those of `campaigns --json`, or what a watch keeps
    of them; dismissed ones are passed over. `accounts` keeps those alone."""
    out: dict[str, list[Facts]] = {}
    ordered = sorted(findings, key=lambda one: str(one.get("campaign_id")))
    overran = _overran(ordered)
    for finding in ordered:
        if finding.get("status") not in FACTS[STATUS].words:
            continue
        shared = _known(_of_finding(finding, known.at))
        for member in _rows(finding, "members"):
            name = member.get("account_id")
            if isinstance(name, str) and (accounts is None or name in accounts):
                own = {
                    **_of_member(member, finding), **_of_account(name, known),
                    **_permitted(name, known, finding, overran),
                }  # fmt: skip
                held = Facts(name, str(finding.get("campaign_id")), run_id, {**shared, **_known(own)})
                out.setdefault(name, []).append(held)
    return dict(sorted(out.items()))


def _overran(findings: Iterable[Row]) -> frozenset[str]:
    """Accounts that went on under a permission whose cap was used up: whom a finding of that kind names."""
    beyond = (one for one in findings if one.get("kind") == EXCESS and one.get("status") in FACTS[STATUS].words)
    named = (member.get("account_id") for finding in beyond for member in _rows(finding, "members"))
    return frozenset(name for name in named if isinstance(name, str))


def _permitted(name: str, known: Known, finding: Row, overran: Collection[str]) -> dict[str, object]:
    """What permissions say of the account in this finding.

    Who overran a cap is not permitted for what goes beyond it, nor for the work of a group that detection placed it
    in: who stays within, or goes beyond by less than the cap covers and does nothing else, is placed in none. What the
    cap covers stands in a finding of its own, which is permitted.
    """
    purposes = sorted(set(known.permissions.get(name, ())))
    beyond = name in overran and (finding.get("kind") == EXCESS or finding.get("status") != "permitted")
    return {
        "account.permissions": purposes, "account.overran": name in overran,
        "account.permitted": bool(purposes) and not beyond,
    }  # fmt: skip


def _known(values: Mapping[str, object]) -> dict[str, Value]:
    """What of the values is what the catalogue says."""
    held = {name: coerced(FACTS[name], value) for name, value in values.items()}
    return {name: value for name, value in held.items() if value is not None}


def _of_finding(finding: Row, at: datetime) -> dict[str, object]:
    likelihood, evidence = _map(finding, "likelihood"), _map(finding, "evidence")
    bypass, capabilities = _map(finding, "bypass"), _map(finding, "capabilities")
    members = _rows(finding, "members")
    said = {name: finding.get(name) for name in SAID}
    confirmed = [c.get("family") for c in _rows(evidence, "confirmed_by")]
    exact = {c.get("family") for c in _rows(evidence, "confirmed_by") if c.get("guarantee") == "exact"}
    first, last = _day(finding.get("first_seen")), _day(finding.get("last_seen"))
    status = finding.get("status")
    return {
        **{f"finding.{name}": value for name, value in said.items()},
        "finding.tokens": finding.get("tokens") or None,
        "finding.likelihood": likelihood.get("word"),
        "finding.likelihood_low": likelihood.get("low"),
        "finding.likelihood_high": likelihood.get("high"),
        "finding.members": len(members),
        "finding.workers": sum(_number(m.get("exchanges")) > 0 for m in members),
        "finding.accused": sum(is_accused(status, m.get("role"), m.get("probability")) for m in members),
        "finding.days": (last - first).days + 1 if first and last else None,
        "finding.silent_days": max(0, (at.astimezone(UTC).date() - last).days) if last else None,
        **{f"finding.{name}": evidence.get(name) for name in ("coordinated", "extracting", "concealed")},
        "finding.confirmed_by": sorted(set(map(str, confirmed))) if "confirmed_by" in evidence else None,
        "finding.families": len(exact) if "confirmed_by" in evidence else None,
        "finding.capabilities": _names_from(capabilities, TENTH),
        "finding.traces": min(1.0, sum(_number(capabilities.get(n)) for n in TRACES)) if capabilities else None,
        "finding.pathways": _pathways(_map(finding, "pathways")),
        "finding.outside_country": bypass.get("outside_billing_country"),
        "finding.hosting": bypass.get("hosting"),
        "finding.proxies": bypass.get("proxies"),
        "finding.pivots": len(finding["pivots"]) if isinstance(finding.get("pivots"), list) else None,
        "finding.open_explanations": _open(evidence),
    }


TOLD_OF_MEMBERS = ("role", "probability", "estimate", "core", "exchanges", "automated")
SAID = ("kind", "status", "confidence", "active", "exchanges", "exchanges_low", "exchanges_high")


def _of_member(member: Row, finding: Row) -> dict[str, object]:
    done, total = _number(member.get("exchanges")), _number(finding.get("exchanges"))
    said = {f"member.{name}": member.get(name) for name in TOLD_OF_MEMBERS}
    accused = is_accused(finding.get("status"), member.get("role"), member.get("probability"))
    return {**said, "member.accused": accused, "member.share": min(1.0, done / total) if total > 0 else None}


def _of_account(name: str, known: Known) -> dict[str, object]:
    """Of the account; a yes or no is known of everybody where the column is filled for anybody."""
    row, logged = known.accounts.get(name), known.logged
    if row is None:
        return {}
    countries = [row[c] for c in COUNTRIES if row.get(c)]
    made = row.get("created_at")
    age = math.floor((known.at - made).total_seconds() / 86400) if isinstance(made, datetime) else None
    return {
        "account.age_days": age,
        "account.tier": row.get("tier"),
        "account.programme": row.get("programme"),
        "account.in_programme": _any(row, ("programme",), logged),
        "account.country": row.get("billing_country"),
        "account.verified_country": row.get("verified_country"),
        "account.phone_country": row.get("phone_country"),
        "account.countries_agree": len(set(countries)) == 1 if len(countries) >= 2 else None,
        "account.verified": _any(row, ("verified_domain", "verified_country"), logged),
        "account.organisation": _any(row, ("org_id",), logged),
        "account.reseller": _any(row, ("reseller_of",), logged),
        "account.suspended": row.get("suspended_at") is not None,
    }


COUNTRIES = ("billing_country", "phone_country", "verified_country")


def _any(row: Row, columns: Sequence[str], logged: Collection[str]) -> bool | None:
    return any(row.get(c) is not None for c in columns) if any(c in logged for c in columns) else None


def _map(row: Row, name: str) -> Row:
    held = row.get(name)
    return held if isinstance(held, Mapping) else {}


def _rows(row: Row, name: str) -> list[Row]:
    held = row.get(name)
    return [one for one in held if isinstance(one, Mapping)] if isinstance(held, list | tuple) else []


def _number(value: object) -> float:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if whole and math.isfinite(value) else 0.0  # type: ignore[arg-type]


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _names_from(shares: Row, least: float) -> list[str] | None:
    return sorted(name for name, share in shares.items() if _number(share) >= least) if shares else None


def _pathways(shares: Row) -> list[str] | None:
    return None if set(shares) <= {"unknown"} else _names_from(shares, TWENTIETH)


def _open(evidence: Row) -> int | None:
    if "open_explanations" in evidence:
        return int(_number(evidence["open_explanations"]))
    told = evidence.get("alternatives")
    return sum(a.get("verdict") == "possible" for a in _rows(evidence, "alternatives")) if told is not None else None
