"""What came of a run's campaigns since: new exchanges in their wordings, in seconds, without detecting anew.

A run keeps which files it looked at, and the wordings of its campaigns as keyed hashes. So what came after it is read
alone: its members' new exchanges in those wordings are counted, and accounts that the run does not name and that use
those which hardly anybody else used are told as strangers. **Nobody is accused here, and nobody cleared**: that is what
detection is for. Wordings that are mined (instructions that are alike) are not looked for, so that what is counted is
the least. Evaded, until the next detection, by new wordings.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.content.families import direct_tokens
from stillwatch.content.preamble import PART_STEP
from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import Step
from stillwatch.store.exchanges import Files, repeated_sql, settled_sql, source
from stillwatch.store.runs import read_looked, read_run
from stillwatch.store.store import Store

SCHEMA = "stillwatch/current/v1"

LEAST = 2
"""Exchanges in a campaign's own wordings from which a stranger is told: one may be chance."""

STEPS = [
    Step("exchange", "SELECT CAST(row_hash // 2 AS BIGINT) AS x, 0 AS entity, * FROM incoming_exchange"),
    PART_STEP,
    Step("shown", f"SELECT DISTINCT x, channel, token FROM ({direct_tokens()})"),
    Step(
        "matched",
        """
        SELECT w.campaign_id, e.exchange_id, e.account_id, e.asked_at, bool_or(w.own) AS own FROM shown s
        JOIN wording w ON w.channel = s.channel AND w.token = s.token JOIN exchange e ON e.x = s.x GROUP BY ALL
        """,
    ),
]


def current(store: Store, run_id: str | None = None) -> dict[str, Any]:
    """The object of `current --json` (SCHEMA) for one run, or the newest.

    Raises UsageError where there is no such run, or it is of a version that did not keep which files it looked at.
    """
    answer = read_run(store, run_id)
    run = answer["run"]
    told = [finding for finding in answer["campaigns"] if finding["status"] != "dismissed"]
    held, looked = store.exchange_files(), read_looked(store, run["run_id"])
    seen = frozenset(looked.files)
    came = {epoch: [path for path in paths if _name(store, path) not in seen] for epoch, paths in held.items()}
    before = {epoch: [path for path in paths if _name(store, path) in seen] for epoch, paths in held.items()}
    rows, found = _matched(came, before, looked.wordings)
    return {
        "schema": SCHEMA,
        "run_id": run["run_id"],
        "until": run["until"],
        "files": sum(map(len, came.values())),
        "exchanges": rows,
        "campaigns": [_since(finding, found.get(finding["campaign_id"], [])) for finding in told],
    }


def _name(store: Store, path: str) -> str:
    return str(Path(path).relative_to(store.folder))


def _matched(came: Files, before: Files, wordings: pa.Table) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """How many exchanges came, and for each campaign those of them in its wordings; none that was there before."""
    if not any(came.values()):
        return 0, {}
    with DuckEngine() as engine:
        repeated = engine.arrow(repeated_sql(came))
        engine.register("repeated_exchange", repeated)
        engine.view(
            "incoming_exchange", settled_sql(came, "repeated_exchange" if repeated.num_rows else None, None, None)
        )
        engine.register("wording", wordings)
        engine.run(STEPS)
        rows = engine.arrow("SELECT count(*) AS n FROM exchange").to_pylist()[0]["n"]
        matched = engine.arrow("SELECT * FROM matched ORDER BY campaign_id, asked_at, exchange_id")
        known = _known(engine, matched, before)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in matched.to_pylist():
        if row["exchange_id"] not in known:
            found[row["campaign_id"]].append(row)
    return int(rows), dict(found)


def _known(engine: Engine, matched: pa.Table, before: Files) -> frozenset[str]:
    """Ids among the matched that the run had seen: the same exchange, read again."""
    days = {f"day={moment.date()}" for moment in matched["asked_at"].to_pylist()}
    files = {epoch: [p for p in paths if Path(p).parent.name in days] for epoch, paths in before.items()}
    if not any(files.values()):
        return frozenset()
    sql = f"SELECT DISTINCT exchange_id FROM {source(files)} WHERE exchange_id IN (SELECT exchange_id FROM matched)"
    return frozenset(engine.arrow(sql)["exchange_id"].to_pylist())


def _since(finding: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What came of one finding."""
    members = {member["account_id"] for member in finding["members"]}
    theirs = [row for row in rows if row["account_id"] in members]
    others = Counter(row["account_id"] for row in rows if row["own"] and row["account_id"] not in members)
    strangers = sorted((name, n) for name, n in others.items() if n >= LEAST)
    return {
        "campaign_id": finding["campaign_id"],
        "status": finding["status"],
        "exchanges": finding["exchanges"],
        "more": len(theirs),
        "accounts": len({row["account_id"] for row in theirs}),
        "last_seen": _moment(theirs[-1]["asked_at"]) if theirs else finding["last_seen"],
        "strangers": [{"account_id": name, "exchanges": n} for name, n in strangers],
    }


def _moment(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))
