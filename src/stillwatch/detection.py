"""Detection in the order of its stages: store → entities → content tables → tokens → linkage → findings → run
folder."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.assess.blind import NO_ACCOUNTS, blind_terms
from stillwatch.assess.finding import Finding, as_json
from stillwatch.content.answered import HISTORY_STEP
from stillwatch.content.capabilities import REQUESTS, Requests, classify, lean
from stillwatch.content.families import family_steps
from stillwatch.content.fillers import filler_steps
from stillwatch.content.preamble import preamble_steps
from stillwatch.engine.base import Engine
from stillwatch.engine.engines import Cluster, engine_for
from stillwatch.errors import UsageError
from stillwatch.evidence import counted_exchanges, told_wordings
from stillwatch.excess import excess_findings
from stillwatch.findings import World, findings_of
from stillwatch.gather import absent_columns, distinct_strings, incidence_of
from stillwatch.known import forget_later
from stillwatch.linkage.entities import Entities, account_steps, entities_of
from stillwatch.linkage.groups import confirmed_groups
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.search import ALPHA, search
from stillwatch.mined import mine
from stillwatch.networks import load
from stillwatch.permissions import PERMISSION_STEPS
from stillwatch.records import Blind, SegmentRole, Step
from stillwatch.single import single_findings
from stillwatch.store.runs import Looked, write_run
from stillwatch.store.store import Store

SCHEMA = "stillwatch/campaigns/v1"

AT_ONCE = 1 << 20
"""Exchanges whose purpose is told together: some two hundred bytes each while it lasts."""

EXCHANGE_COLUMNS = [
    "messages", "history", "system", "tools", "client_ip", "asn", "country", "ip_class", "ja4", "user_agent",
    "pathway", "param_fp", "output", "output_tokens",
]  # fmt: skip
ACCOUNT_COLUMNS = [
    "created_at", "payment_fingerprint", "card_bin", "email", "email_domain", "signup_ip", "signup_ja4",
    "signup_user_agent", "billing_country", "verified_country", "verified_domain", "org_id", "programme",
    "suspended_at",
]  # fmt: skip

NO_HISTORY = "no exchange holds an earlier message: who took an answer up cannot be seen"

BY_TEXT = ("content", "work", "client/tools", "client/preamble")
BY_PARAMETERS = ("client/parameters", "client/client")
"""Detectors that compare keyed hashes, which agree within a key epoch only."""

EXCHANGE_STEP = Step(
    "exchange",
    """
    SELECT CAST(e.row_hash // 2 AS BIGINT) AS x, i.entity, i.account,
           e.* EXCLUDE (asn, country, ip_class, stems, pairs), len(e.stems) AS stemmed, n.block,
           coalesce(e.asn, n.asn) AS asn, coalesce(e.country, n.country) AS country,
           coalesce(e.ip_class, n.ip_class) AS ip_class
    FROM exchanges e JOIN identity i ON i.account_id = e.account_id
    LEFT JOIN network n ON n.address = e.client_ip
    """,
)


@dataclass(frozen=True)
class Detection:
    """What a run answered: the object of `campaigns --json`, and where it was written."""

    answer: dict[str, Any]
    conflicting: int
    folder: Path


def detect(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    known_by: datetime | None = None,
    networks: str | None = None,
    cluster: Cluster | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Detection:
    """Find campaigns among the stored exchanges of [since, until) and write a run folder into the store.

    Of accounts, permissions and releases it looks at what was known by a time, where one is given. Tables are made in
    this process, or by a cluster: the findings are the same.
    """
    started, files = time.monotonic(), store.listed()
    with engine_for(cluster, store.rows(since, until), store.scratch) as engine:
        conflicting = store.register(engine, since, until, known_by)
        if known_by is not None:
            forget_later(engine, known_by)
        if engine.arrow("SELECT count(*) AS n FROM exchanges").to_pylist()[0]["n"] == 0:
            raise _nothing_to_look_at(store)
        run, findings = answer_of(engine, networks, progress)
        counted, wordings = counted_exchanges(engine), told_wordings(engine)
    run |= {"store": store.name, "quarantined": store.quarantined(), "seconds": round(time.monotonic() - started, 2)}
    folder = write_run(store, {"schema": SCHEMA, "run": run, "campaigns": findings}, counted, Looked(files, wordings))
    return Detection(json.loads((folder / "campaigns.json").read_text("utf-8")), conflicting, folder)


def _nothing_to_look_at(store: Store) -> UsageError:
    days = store.days()
    if not days:
        return UsageError("the store holds no exchanges", next_step=f"stillwatch ingest SOURCE --store {store.folder}")
    return UsageError("no exchange was asked in this period", wanted=f"a period between {days[0]} and {days[-1]} (UTC)")


def answer_of(
    engine: Engine, networks: str | None, progress: Callable[[str], None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run's figures and its findings, from an engine that holds exchanges, accounts, permissions and releases."""
    return answer_about(engine, prepared(engine, networks, progress), progress)


def answer_about(
    engine: Engine, known: "Prepared", progress: Callable[[str], None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same, when the tables of the first stages are made."""
    accounts, entities, incidence, blind = known.accounts, known.entities, known.incidence, known.blind
    engine.rest()
    found = search(incidence, progress=progress)
    progress("gathering groups")
    groups = confirmed_groups(incidence, found)
    last = engine.arrow("SELECT CAST(CAST(max(asked_at) AS DATE) AS VARCHAR) AS day FROM exchange").to_pylist()[0]
    world = World(entities.name, accounts.num_rows, last["day"] or "1970-01-01")
    findings = findings_of(engine, incidence, groups, world, progress)
    told = [part for finding in findings if finding.status != "dismissed" for part in finding.parts]
    findings += single_findings(engine, entities.name, world.last_seen, frozenset(part.account_id for part in told))
    findings += excess_findings(engine, world.last_seen)
    between = _blind_between_epochs(engine)
    told_blind = [*blind, *blind_terms(known.absent), *between]
    run = _run(engine, accounts.num_rows, len(entities.name), told_blind, found.tested)
    return run, _ordered(findings, len(blind) + len(between))


@dataclass(frozen=True)
class Prepared:
    """What linkage works on: the table `account`, its entities, and who showed what; what is absent, and so blind."""

    accounts: pa.Table
    entities: Entities
    incidence: Incidence
    absent: dict[str, str]
    blind: list[Blind]


def prepared(engine: Engine, networks: str | None, progress: Callable[[str], None]) -> Prepared:
    """The tables of the first stages, in an engine that holds exchanges, accounts, permissions and releases."""
    entities = _identify(engine, networks, progress)
    accounts = engine.arrow("SELECT * FROM account ORDER BY account")
    _content(engine, progress)
    absent = _absent(engine)
    incidence, blind = incidence_of(engine, accounts, entities, absent, progress)
    return Prepared(accounts, entities, incidence, absent, blind)


def _identify(engine: Engine, networks: str | None, progress: Callable[[str], None]) -> Entities:
    """Tables `account` and `exchange`, with entity numbers and the networks of all addresses."""
    progress("accounts and entities")
    engine.run(account_steps())
    accounts = engine.arrow("SELECT * FROM account ORDER BY account")
    entities = entities_of(accounts)
    engine.register(
        "identity",
        pa.table(
            {
                "account_id": accounts["account_id"],
                "account": accounts["account"],
                "entity": pa.array(entities.entity, pa.int32()),
                "vouched": pa.array(entities.vouched, pa.int32(), mask=entities.vouched < 0),
            }
        ),
    )
    progress("networks of addresses")
    addresses = distinct_strings(
        engine,
        "SELECT DISTINCT client_ip FROM exchanges WHERE client_ip IS NOT NULL UNION "
        "SELECT DISTINCT signup_ip FROM account WHERE signup_ip IS NOT NULL",
    )
    engine.register("network", load(networks).resolve(addresses))
    engine.run(
        [
            EXCHANGE_STEP,
            Step(
                "account_placed",
                "SELECT a.*, i.entity, i.vouched AS vouched_org, n.block AS signup_block "
                "FROM account a JOIN identity i ON i.account = a.account "
                "LEFT JOIN network n ON n.address = a.signup_ip",
            ),
        ]
    )
    engine.rename("account_placed", "account")
    engine.run(PERMISSION_STEPS)
    return entities


def _content(engine: Engine, progress: Callable[[str], None]) -> None:
    """Preamble, templates, fillers, capability and purpose of every exchange."""
    progress("preamble")
    engine.run(preamble_steps())
    progress("mining instructions")
    mine(engine)
    progress("templates and fillers")
    engine.run([*family_steps(), *filler_steps(), HISTORY_STEP])
    progress("capabilities")
    _capabilities(engine)


def _capabilities(engine: Engine) -> None:
    """Tables `exchange_capability(x, code, tags, structure)`, of what the exchange and its own short system text ask,
    and `exchange_lean(x, lean, said)`: without what is asked in system texts that many send, and with it; NULL where no
    text was logged."""
    held = engine.arrow(
        f"SELECT e.x, {REQUESTS}, coalesce(i.said, 0) AS said FROM exchange e LEFT JOIN intent i ON i.x = e.x"
    )
    parts = [_asked(held.slice(first, AT_ONCE)) for first in range(0, max(held.num_rows, 1), AT_ONCE)]
    code, *purposes = (pa.chunked_array(columns) for columns in zip(*parts, strict=True))
    named = {"code": code, "tags": held["said"], "structure": held["structure"]}
    engine.register("exchange_capability", pa.table({"x": held["x"], **named}))
    engine.register("exchange_lean", pa.table({"x": held["x"], **dict(zip(("lean", "said"), purposes, strict=True))}))


def _asked(held: pa.Table) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The capability of each exchange, and its leaning without and with what is asked in system texts that many
    send."""
    requests = Requests(*(held[name].to_numpy() for name in Requests._fields))
    whole = requests._replace(tags=held["said"].to_numpy())
    unseen = (requests.text_words < 0) & (requests.output_words < 0)
    without, within = (pa.array(np.asarray(lean(of).sum(axis=1)), mask=unseen) for of in (requests, whole))
    return pa.array(classify(whole), pa.int8()), without, within


def _absent(engine: Engine) -> dict[str, str]:
    """Columns without a value, each with a sentence; a blind detector quotes it."""
    texts = {"messages": "text_words", "output": "output_words"}
    roles = {
        "system": (SegmentRole.SYSTEM, SegmentRole.BLOCK), "tools": (SegmentRole.TOOLS,),
        "history": (SegmentRole.HISTORY,),
    }  # fmt: skip
    plain = [column for column in EXCHANGE_COLUMNS if column not in texts and column not in roles]
    absent = absent_columns(engine, "exchange", plain + list(texts.values()), "exchanges")
    for name, column in texts.items():
        if column in absent:
            absent[name] = absent.pop(column).replace(column, name)
    if "param_fp" in absent:
        absent["param_fp"] = "no exchange gives a sampling parameter (temperature, top_p, max_tokens ...)"
    for name, own in roles.items():
        shown = " OR ".join(f"list_contains(segment_roles, CAST({int(role)} AS UTINYINT))" for role in own)
        seen = engine.arrow(f"SELECT count(*) AS n FROM exchange WHERE {shown}").to_pylist()[0]["n"]
        if seen == 0:
            absent[name] = f"column {name} of exchanges is empty in all rows" if name != "history" else NO_HISTORY
    of_accounts = absent_columns(engine, "account", ACCOUNT_COLUMNS, "accounts")
    if engine.arrow("SELECT count(*) AS n FROM accounts").to_pylist()[0]["n"] == 0:
        of_accounts = dict.fromkeys(of_accounts, NO_ACCOUNTS)
    absent |= of_accounts
    return absent | _without_time_of_day(engine)


def _without_time_of_day(engine: Engine) -> dict[str, str]:
    """`asked_at` where logs keep the day alone: everyone would share every hour, and timing would say nothing."""
    seen = engine.arrow(
        "SELECT count(*) AS n, count(DISTINCT epoch_us(asked_at) % 86_400_000_000) AS clocks FROM exchange"
    ).to_pylist()[0]
    told = "asked_at has no time of day: it is the same in every exchange"
    return {"asked_at": told} if seen["n"] > 1 and seen["clocks"] == 1 else {}


def _blind_between_epochs(engine: Engine) -> list[Blind]:
    """What cannot be compared where a period holds exchanges that were written in several key epochs."""
    seen = engine.arrow(
        "SELECT count(DISTINCT epoch) AS epochs, count(*) FILTER (starts_with(account_id, 'hmac:' || epoch || ':')) AS "
        "hidden FROM exchange"
    ).to_pylist()[0]
    if seen["epochs"] < 2:
        return []
    keyed = {"texts": BY_TEXT, "parameters": BY_PARAMETERS, **({"pseudonyms": ("accounts",)} if seen["hidden"] else {})}
    told = f"the period holds {seen['epochs']} key epochs; {{}} of different epochs cannot be compared"
    return [Blind(f"{name} between epochs", told.format(what)) for what, names in keyed.items() for name in names]


def _run(engine: Engine, accounts: int, entities: int, blind: list[Blind], tested: dict[Any, int]) -> dict[str, Any]:
    period = engine.arrow(
        "SELECT count(*) AS n, strftime(min(asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS a, "
        "strftime(max(asked_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS b FROM exchange"
    ).to_pylist()[0]
    return {
        "run_id": "",
        "store": "",
        "since": period["a"],
        "until": period["b"],
        "exchanges": period["n"],
        "accounts": accounts,
        "entities": entities,
        "quarantined": 0,
        "blind": [{"detector": b.detector, "because": b.because} for b in blind],
        "alpha": ALPHA,
        "candidates": {str(family): count for family, count in tested.items()},
        "releases": _releases(engine),
        "seconds": 0.0,
    }


def _releases(engine: Engine) -> list[dict[str, str]]:
    """The release calendar as far as it falls into the period that was looked at, oldest first."""
    rows: list[dict[str, str]] = engine.arrow(
        "SELECT DISTINCT r.model, strftime(r.released_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS released_at "
        "FROM releases r, (SELECT min(asked_at) AS a, max(asked_at) AS b FROM exchange) p "
        "WHERE r.released_at BETWEEN p.a AND p.b ORDER BY released_at, model"
    ).to_pylist()
    return rows


def _ordered(findings: list[Finding], blind: int) -> list[dict[str, Any]]:
    """Suspected first, then ambiguous, permitted, dismissed; the largest first; ids settle ties."""
    rank = {"suspected": 0, "ambiguous": 1, "permitted": 2, "dismissed": 3}
    chosen = sorted(findings, key=lambda f: (rank[f.status], -f.exchanges[1], f.campaign_id))
    return [as_json(finding, blind) for finding in chosen]
