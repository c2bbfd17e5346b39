"""Whom a policy would have hit in the last days, from the records that a watch keeps: nothing is detected again.

A window's hits are those of what detection answered at its end and of what was known of accounts then, so they are the
hits of a replay; a test holds them against one that asks detection anew for every day.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.known import micros, small_then
from stillwatch.records import ACCUSING, AUTOMATIC_CEILING, Hit, Step
from stillwatch.respond.facts import COLUMNS, Facts, Known, facts_of
from stillwatch.respond.hits import Judged, is_proposal, judged
from stillwatch.respond.policy import Policy
from stillwatch.stats import clopper_pearson
from stillwatch.store.store import Store
from stillwatch.watch import Record, held_records

SCHEMA = "stillwatch/backtest/v1"

COHORT = ("finding.status", "member.role", "member.accused", "account.tier", "account.programme")
"""What accounts are told apart by in the answer; `unknown` stands where a fact lacks."""


@dataclass(frozen=True)
class Seen:
    """One window: its last day, its end, how many accounts there were, and the facts of those that its findings
    name."""

    day: str
    end: datetime
    accounts: int
    facts: Mapping[str, Sequence[Facts]]


@dataclass(frozen=True)
class Day(Seen):
    """One window, and what a policy says of its accounts."""

    said: Judged


def days_of(store: Store, policy: Policy, days: int, length: int = 1) -> list[Day]:
    """What the policy would have said at the end of each window of the last days, oldest first. Errors as `seen_in`."""
    return said_of(policy, seen_in(store, days, length))


def said_of(policy: Policy, seen: Iterable[Seen]) -> list[Day]:
    """What a policy says of windows."""
    return [Day(one.day, one.end, one.accounts, one.facts, judged(policy, one.facts, one.end)) for one in seen]


def seen_in(store: Store, days: int, length: int = 1) -> list[Seen]:
    """What can be judged at the end of each window of the last days, oldest first.

    Raises UsageError where the watch's records are missing or do not say what is in the store.
    """
    records = _records(store, length)
    newest = date.fromisoformat(records[-1]["window"][1])
    wanted = [one for one in records if date.fromisoformat(one["window"][1]) > newest - timedelta(days=days)]
    out = []
    with DuckEngine() as engine:
        for record in wanted:
            day = date.fromisoformat(record["window"][1])
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            findings = [life["finding"] for life in record["lives"] if life["found"]]
            facts = facts_of(findings, known_at(store, engine, end, names_in(findings)), str(day))
            out.append(Seen(str(day), end, int(record["accounts"]), facts))
    return out


def _records(store: Store, length: int) -> list[Record]:
    records, lacking = held_records(store, length)
    if lacking or not records:
        days = f" --days {length}" if length > 1 else ""
        raise UsageError(
            "a backtest reads the records of a watch, and those of this store are missing or older than what is in it",
            where=str(store.folder),
            found=f"{len(records)} windows that hold, {len(lacking)} that must be made",
            wanted=f"a record for every window of {length} day{'s' if length > 1 else ''}",
            next_step=f"stillwatch watch LOGS --store {store.folder}{days} --once, then the backtest again",
        )
    return records


def facts_of_run(store: Store, answer: Mapping[str, Any], at: datetime) -> dict[str, list[Facts]]:
    """The facts of all accounts that a run's answer (`read_run`) names, with what the store's tables say of them as of
    a time: what `hits_of` judges."""
    findings = answer["campaigns"]
    with DuckEngine() as engine:
        known = known_at(store, engine, at, names_in(findings))
    return facts_of(findings, known, str(answer["run"]["run_id"]))


def names_in(findings: Iterable[Mapping[str, Any]]) -> set[str]:
    """The accounts that findings name."""
    return {member["account_id"] for finding in findings for member in finding["members"]}


def known_at(store: Store, engine: Engine, until: datetime, names: Collection[str]) -> Known:
    """What the store's small tables say of these accounts as of a time. The engine needs nothing registered."""
    store.register_small(engine, until)
    engine.register("named", pa.table({"account_id": pa.array(sorted(filter(_is_text, names)), pa.string())}))
    tables = small_then(until)
    now = f"make_timestamptz({micros(until)})"
    engine.run(
        [
            Step("account_then", f"SELECT {', '.join(COLUMNS)} FROM ({tables['accounts']})"),
            Step(
                "permission_then",
                f"SELECT account_id, org_id, purpose FROM ({tables['permissions']}) "
                f"WHERE coalesce(ends_at >= {now}, TRUE)",
            ),
        ]
    )
    rows = engine.arrow("SELECT a.* FROM account_then a SEMI JOIN named n ON n.account_id = a.account_id").to_pylist()
    counts = ", ".join(f"count({name}) AS {name}" for name in COLUMNS)
    (filled,) = engine.arrow(f"SELECT {counts} FROM account_then").to_pylist()
    held = engine.arrow(
        """
        SELECT n.account_id, p.purpose FROM named n JOIN permission_then p ON p.account_id = n.account_id
        UNION SELECT n.account_id, p.purpose FROM named n JOIN account_then a ON a.account_id = n.account_id
        JOIN permission_then p ON p.org_id = a.org_id ORDER BY ALL
        """
    ).to_pylist()
    permissions: dict[str, list[str]] = {}
    for row in held:
        permissions.setdefault(row["account_id"], []).append(row["purpose"])
    logged = frozenset(name for name, count in filled.items() if count)
    return Known(until, {row["account_id"]: row for row in rows}, logged, permissions)


def _is_text(name: str) -> bool:
    """Whether a table can hold the name: half a character is in none."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


# ------------------------------------------------------------------------------------------------------- what it tells


def backtested(store: Store, policy: Policy, days: int, length: int = 1) -> dict[str, Any]:
    """The answer of `stillwatch policy backtest --json`."""
    said = days_of(store, policy, days, length)
    hit = {hit.account_id for day in said for hit in day.said.hits}
    with DuckEngine() as engine:
        after = _asked_after(store, engine, said)
        customers = _customers(store, engine, said[-1].end, hit)
    hits = [(day, hit) for day in said for hit in day.said.hits]
    return {
        "schema": SCHEMA,
        "policy": asdict(policy.ref),
        "first": said[0].day,
        "last": said[-1].day,
        "windows": [_window(day) for day in said],
        "total": {
            **_collateral(hits, after),
            **_bounds(len({hit.account_id for _, hit in hits}), said[-1].accounts),
            "blast_radius": policy.blast_radius,
        },
        "rules": [_rule(policy, number, said, after) for number in range(len(policy.rules))],
        "customers": customers,
        "cohorts": _cohorts(said),
        "hits": [
            {
                "day": day.day, "account_id": hit.account_id, "campaign_id": hit.campaign_id, "rule_id": hit.rule_id,
                "action": hit.rung.name.lower(), "mode": hit.mode, "proposal": is_proposal(hit),
            }
            for day, hit in hits
        ],
    }  # fmt: skip


Dated = Sequence[tuple[Day, Hit]]


def _window(day: Day) -> dict[str, Any]:
    hits, abstained = day.said.hits, day.said.abstained
    return {
        "day": day.day,
        "judged": len(day.facts),
        "accounts": len({hit.account_id for hit in hits}),
        "hits": len(hits),
        "proposals": sum(map(is_proposal, hits)),
        "unknown": len({one.account_id for one in abstained if one.why == "unknown"}),
        "barred": len({one.account_id for one in abstained if one.why == "barred"}),
    }


def _rule(policy: Policy, number: int, said: Sequence[Day], after: Mapping[str, int]) -> dict[str, Any]:
    rule = policy.rules[number]
    hits = [(day, hit) for day in said for hit in day.said.hits if hit.rule_id == rule.id]
    abstained = [one for day in said for one in day.said.abstained if one.rule_id == rule.id]
    groups: dict[tuple[str, str], int] = {}
    for day, hit in hits:
        groups[day.day, hit.campaign_id] = groups.get((day.day, hit.campaign_id), 0) + 1
    lacking: dict[str, set[str]] = {}
    for one in abstained:
        for name in one.because if one.why == "unknown" else ():
            lacking.setdefault(name, set()).add(one.account_id)
    largest = max(groups.values(), default=0)
    return {
        "rule_id": rule.id,
        "action": rule.rung.name.lower(),
        "mode": rule.mode,
        "proposal": rule.rung > AUTOMATIC_CEILING,
        "hits": len(hits),
        "first_day": hits[0][0].day if hits else "",
        "largest_group": largest,
        "second_person": largest > policy.blast_radius,
        **_collateral(hits, after),
        "unknown": {name: len(accounts) for name, accounts in sorted(lacking.items())},
        "barred": len({one.account_id for one in abstained if one.why == "barred"}),
    }


def _collateral(hits: Dated, after: Mapping[str, int]) -> dict[str, Any]:
    """Who is hit, how many of them are expected to be honest, and how much work it touches: of each account what its
    last hit says, where several findings name it the one that is surest. Whose role accuses nobody is honest; of the
    others 1 - probability is."""
    last: dict[str, tuple[str, float, int]] = {}
    for day, hit in hits:
        values = _values(day, hit)
        accusing = values.get("member.role") in ACCUSING
        probability = float(values.get("member.probability", 0.0)) if accusing else 0.0
        done = int(values.get("member.exchanges", 0))
        held = last.get(hit.account_id)
        same_day = held is not None and held[0] == day.day
        best = (day.day, max(probability, held[1]), max(done, held[2])) if same_day and held else None
        last[hit.account_id] = best or (day.day, probability, done)
    return {
        "accounts": len(last),
        "accused": len({hit.account_id for day, hit in hits if _values(day, hit).get("member.accused")}),
        "expected_honest": round(sum(1.0 - probability for _, probability, _ in last.values()), 4),
        "exchanges": sum(done for _, _, done in last.values()),
        "exchanges_after": sum(after.get(name, 0) for name in last),
    }


def _values(day: Day, hit: Hit) -> Mapping[str, Any]:
    return next(one.values for one in day.facts[hit.account_id] if one.campaign_id == hit.campaign_id)


def _bounds(k: int, n: int) -> dict[str, Any]:
    """A share with its exact 95 % bounds, as if accounts were independent."""
    low, high = clopper_pearson(min(k, n), n)
    return {"of": n, "share": round(k / n, 6) if n else None, "low": round(low, 6), "high": round(high, 6)}


def _customers(store: Store, engine: Engine, until: datetime, hit: Collection[str]) -> list[dict[str, Any]]:
    """All accounts of the table at the end by tier and entry programme, and how many of them were hit."""
    known_at(store, engine, until, hit)
    rows = engine.arrow(
        """
        SELECT coalesce(a.tier, 'unknown') AS tier, coalesce(a.programme, 'unknown') AS programme,
               count(*) AS n, count(n.account_id) AS hit
        FROM account_then a LEFT JOIN named n ON n.account_id = a.account_id GROUP BY ALL ORDER BY ALL
        """
    ).to_pylist()
    told = [{name: row[name] for name in ("tier", "programme", "hit")} for row in rows]
    return [one | _bounds(one["hit"], row["n"]) for one, row in zip(told, rows, strict=True)]


def _cohorts(said: Sequence[Day]) -> list[dict[str, Any]]:
    """Accounts that findings name, told apart by what was known of them, and how many of each cohort were hit while
    they were in it."""
    there: dict[tuple[str, ...], set[str]] = {}
    hit_in: dict[tuple[str, ...], set[str]] = {}
    for day in said:
        struck = {(hit.account_id, hit.campaign_id) for hit in day.said.hits}
        for name, several in day.facts.items():
            for facts in several:
                cohort = tuple(_word(facts.values.get(fact)) for fact in COHORT)
                there.setdefault(cohort, set()).add(name)
                if (name, facts.campaign_id) in struck:
                    hit_in.setdefault(cohort, set()).add(name)
    return [
        {
            **{fact.partition(".")[2]: word for fact, word in zip(COHORT, cohort, strict=True)},
            "hit": len(hit_in.get(cohort, ())),
            **_bounds(len(hit_in.get(cohort, ())), len(there[cohort])),
        }
        for cohort in sorted(there)
    ]


def _word(value: object) -> str:
    return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _asked_after(store: Store, engine: DuckEngine, said: Sequence[Day]) -> dict[str, int]:
    """How many exchanges each account asked from the end of the window on in which it was first hit."""
    first: dict[str, datetime] = {}
    for day in said:
        for hit in day.said.hits:
            first.setdefault(hit.account_id, day.end)
    first = {name: at for name, at in first.items() if _is_text(name)}
    if not first:
        return {}
    store.register(engine, min(first.values()), said[-1].end)
    names = pa.table(
        {
            "account_id": pa.array(list(first), pa.string()),
            "hit_at": pa.array(list(first.values()), pa.timestamp("us", "UTC")),
        }
    )
    engine.register("first_hit", names)
    rows = engine.arrow(
        "SELECT e.account_id, count(*) AS n FROM exchanges e JOIN first_hit f ON f.account_id = e.account_id "
        "WHERE e.asked_at >= f.hit_at GROUP BY e.account_id ORDER BY e.account_id"
    ).to_pylist()
    return {row["account_id"]: int(row["n"]) for row in rows}
