"""What came of a run's campaigns since: new exchanges in their wordings, in seconds, without detecting anew.

A run keeps which files it looked at, and names the own wordings of its campaigns by keyed hashes. So what came after
it is read alone: its members' new exchanges in those wordings are counted, and accounts that the run does not name and
that use them are told as strangers. **Nobody is accused here, and nobody cleared**: that is what detection is for.
Wordings that are mined (instructions that are alike) are not looked for, so that what is counted is the least. Evaded,
until the next detection, by new wordings.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.content.families import direct_tokens
from stillwatch.content.preamble import PART_STEP
from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import MINED_CHANNELS, Step
from stillwatch.store.exchanges import Files, repeated_sql, settled_sql, source
from stillwatch.store.runs import read_counted, read_files, read_run
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
        SELECT DISTINCT w.campaign_id, e.exchange_id, e.account_id, e.asked_at FROM shown s
        JOIN wording w ON w.channel = s.channel AND w.token = s.token JOIN exchange e ON e.x = s.x
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
    held, seen = store.exchange_files(), read_files(store, run["run_id"])
    came = {epoch: [path for path in paths if _name(store, path) not in seen] for epoch, paths in held.items()}
    before = {epoch: [path for path in paths if _name(store, path) in seen] for epoch, paths in held.items()}
    rows, found = _matched(came, before, _wordings(store, run["run_id"]))
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


def _wordings(store: Store, run_id: str) -> pa.Table:
    """The campaigns' own wordings: `campaign_id`, `channel`, `token`, mined ones left out."""
    counted = read_counted(store, run_id)
    own = counted.filter(pc.fill_null(counted["own"], False)).select(["campaign_id", "wording"])
    pairs = own.group_by(["campaign_id", "wording"]).aggregate([]).to_pylist()
    split = [(row["campaign_id"], *row["wording"].split(":")) for row in pairs]
    kept = sorted((name, channel, int(token, 16)) for name, channel, token in split if channel not in MINED_CHANNELS)
    return pa.table(
        {
            "campaign_id": pa.array([row[0] for row in kept], pa.string()),
            "channel": pa.array([row[1] for row in kept], pa.string()),
            "token": pa.array([row[2] for row in kept], pa.uint64()),
        }
    )


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
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row["account_id"]] += 1
    strangers = sorted((name, n) for name, n in counts.items() if name not in members and n >= LEAST)
    theirs = [row for row in rows if row["account_id"] in members]
    return {
        "campaign_id": finding["campaign_id"],
        "status": finding["status"],
        "exchanges": finding["exchanges"],
        "more": len(theirs),
        "accounts": sum(name in members for name in counts),
        "last_seen": _moment(theirs[-1]["asked_at"]) if theirs else finding["last_seen"],
        "strangers": [{"account_id": name, "exchanges": n} for name, n in strangers],
    }


def _moment(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))
