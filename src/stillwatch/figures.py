"""The figures of each group's shared work: volume with bounds, times, days, capabilities, pathways, bypass,
pivots.

Reads `exchange`, `account`, `exchange_capability`, `releases`, `group_exchange`, `group_token`, `template_token`, and
`left_out(grp, n)`, the exchanges of strangers in a group's wordings; each question is asked once for all groups.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.content.capabilities import UNKNOWN, family_codes, shares
from stillwatch.content.structure import Structure
from stillwatch.content.tags import tag_bits
from stillwatch.engine.base import Engine
from stillwatch.linkage.work import one_source_log_bayes_factor
from stillwatch.records import CAPABILITIES, Step
from stillwatch.stats import distinct

SAME_CAPABILITY = 0.1
"""Share of the explained work from which a capability is the group's, and its other work of it may be too."""

KNOWN, ONE_NAME = 0.25, 0.5
"""Share of a wording's exchanges that a rule knows, and share of these that agree, from which a wording that has no
name of its own has theirs."""

MOVED_HOURS = 72
MOVED_SHARE = 0.05
"""A pivot: a group that worked before the release uses the model first within these hours, and for at least this share
of its work from then on."""

NAMES = 10
"""Commonest countries and programmes that a finding lists."""

CHAT = CAPABILITIES.index("chat")

SHOWN = """
SELECT g.grp, g.x, t.channel, t.token FROM group_exchange g
JOIN group_token k ON k.grp = CASE WHEN g.grp < 0 THEN -1 - g.grp ELSE g.grp END
JOIN template_token t ON t.x = g.x AND t.channel = k.channel AND t.token = k.token
"""
"""The group's wordings in each of its exchanges."""

Row = Mapping[str, Any]


@dataclass
class Figures:
    """What is counted of one group. `exchanges` is (low, estimate, high); times are ISO 8601 in UTC."""

    capabilities: dict[str, float] = field(default_factory=dict)
    exchanges: tuple[int, int, int] = (0, 0, 0)
    first_seen: str = ""
    last_seen: str = ""
    pathways: dict[str, float] = field(default_factory=dict)
    bypass: dict[str, Any] = field(default_factory=dict)
    pivots: list[dict[str, Any]] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    source: dict[str, float] = field(default_factory=dict)
    """`one_source`, ln of a Bayes factor, and the accounts that it is of; empty where no text was logged."""


def group_figures(engine: Engine) -> dict[int, Figures]:
    """The figures of every group that shares work; the others have none."""
    figures: dict[int, Figures] = defaultdict(Figures)
    for part in (_times, _capabilities, _volume, _pathways, _bypass, _names, _pivots, _timeline, _source):
        part(engine, figures)
    return dict(figures)


def _times(engine: Engine, figures: dict[int, Figures]) -> None:
    for row in engine.arrow(
        "SELECT grp, strftime(first_seen AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS a, "
        "strftime(last_seen AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS b FROM group_work"
    ).to_pylist():
        figures[row["grp"]].first_seen, figures[row["grp"]].last_seen = row["a"], row["b"]


def _capabilities(engine: Engine, figures: dict[int, Figures]) -> None:
    """Wordings are named, not prompts: an exchange counts as what its wording is, of its wordings the commonest in the
    group that has a name. A prompt's material has words of its own, and those of one prompt say little. A sentence
    that sets a persona is common to many wordings and is `chat` by itself: it names what no other sentence names."""
    _name_wordings(engine)
    counted: dict[int, list[Row]] = defaultdict(list)
    for row in engine.arrow(
        f"""
        WITH wording AS (
               SELECT s.grp, s.x, arg_max(n.code, struct_pack(said := n.code <> {CHAT}, n := n.n, channel := n.channel,
                                                              token := n.token)) AS code
               FROM wording_shown s JOIN wording_name n ON n.grp = s.grp AND n.channel = s.channel AND n.token = s.token
               GROUP BY ALL)
        SELECT g.grp, coalesce(w.code, c.code) AS code, count(*) AS n
        FROM group_exchange g JOIN exchange_capability c ON c.x = g.x
        LEFT JOIN wording w ON w.grp = g.grp AND w.x = g.x GROUP BY ALL ORDER BY ALL
        """
    ).to_pylist():
        counted[row["grp"]].append(row)
    for place, rows in counted.items():
        codes = np.array([row["code"] for row in rows], dtype=np.int64)
        figures[place].capabilities = shares(codes, np.array([row["n"] for row in rows], dtype=np.float64))


def _name_wordings(engine: Engine) -> None:
    """Tables `wording_shown(grp, x, channel, token)` and `wording_name(grp, channel, token, n, code)`.

    A wording has the name of the tags that half of its exchanges show, else that of most votes, else none.
    """
    engine.run([Step("wording_shown", SHOWN)])
    held = engine.arrow(
        f"""
        WITH shown AS (
               SELECT s.grp, s.channel, s.token, c.code, c.tags, c.structure, count(*) AS n
               FROM wording_shown s JOIN exchange_capability c ON c.x = s.x GROUP BY ALL),
             vote AS (
               SELECT grp, channel, token, code, sum(n) AS n, {_counts("tags", len(tag_bits()))},
                      {_counts("structure", len(Structure))}
               FROM shown GROUP BY grp, channel, token, code)
        SELECT grp, channel, token, sum(n) AS n,
               arg_max(code, struct_pack(n := n, code := code)) FILTER (code <> {UNKNOWN}) AS code,
               max(n) FILTER (code <> {UNKNOWN}) AS most, sum(n) FILTER (code <> {UNKNOWN}) AS known,
               {_half("tags", len(tag_bits()))} AS tags, {_half("structure", len(Structure))} AS structure
        FROM vote GROUP BY grp, channel, token ORDER BY grp, channel, token
        """
    )
    columns = {name: held[name].fill_null(0).to_numpy() for name in ("n", "code", "most", "known", "tags", "structure")}
    codes = family_codes(columns["tags"].astype(np.uint64), columns["structure"].astype(np.uint32))
    agreed = (columns["known"] >= KNOWN * columns["n"]) & (columns["most"] >= ONE_NAME * columns["known"])
    codes = np.where((codes == UNKNOWN) & agreed & (columns["known"] > 0), columns["code"], codes)
    names = {name: held[name] for name in ("grp", "channel", "token", "n")}
    engine.register(
        "wording_name", pa.table({**names, "code": pa.array(codes, pa.int8())}).filter(pa.array(codes != UNKNOWN))
    )


def _counts(column: str, bits: int) -> str:
    return ", ".join(
        f"sum(CASE WHEN ({column} >> {bit}) & 1 = 1 THEN n ELSE 0 END) AS {column}_{bit}" for bit in range(bits)
    )


def _half(column: str, bits: int) -> str:
    """The bits that half of a wording's exchanges have."""
    return " + ".join(f"CASE WHEN 2 * sum({column}_{bit}) >= sum(n) THEN {1 << bit} ELSE 0 END" for bit in range(bits))


def _volume(engine: Engine, figures: dict[int, Figures]) -> None:
    """Low: explained by wordings that hardly anybody outside and eight members at least show, in accounts that access
    links; a wording of fewer may as well be a conversation that some members replay as cover. High: also the work of
    the same capability that no shared wording explains, which may be paraphrase or the members' own, and what was sent
    in the group's wordings by accounts that were left out."""
    rows = engine.arrow(
        f"""
        WITH explained AS (
               SELECT grp, count(*) AS n, count(*) FILTER (broad AND certain) AS low
               FROM group_exchange GROUP BY grp),
             own_capability AS (
               SELECT g.grp, c.code FROM group_exchange g JOIN exchange_capability c ON c.x = g.x
               JOIN explained t ON t.grp = g.grp WHERE c.code <> {UNKNOWN}
               GROUP BY g.grp, c.code HAVING count(*) >= {SAME_CAPABILITY} * any_value(t.n)),
             alike AS (
               SELECT m.grp, count(*) AS n FROM (SELECT DISTINCT grp, account FROM group_exchange) m
               JOIN exchange e ON e.account = m.account JOIN exchange_capability c ON c.x = e.x
               JOIN own_capability k ON k.grp = m.grp AND k.code = c.code
               ANTI JOIN group_exchange g ON g.grp = m.grp AND g.x = e.x
               GROUP BY m.grp)
        SELECT t.grp, t.low, t.n, t.n + coalesce(a.n, 0) + coalesce(o.n, 0) AS high FROM explained t
        LEFT JOIN alike a ON a.grp = t.grp
        LEFT JOIN left_out o ON o.grp = CASE WHEN t.grp < 0 THEN -1 - t.grp ELSE t.grp END
        """
    ).to_pylist()
    for row in rows:
        figures[row["grp"]].exchanges = (int(row["low"]), int(row["n"]), int(row["high"]))


def _pathways(engine: Engine, figures: dict[int, Figures]) -> None:
    for row in engine.arrow(
        "SELECT g.grp, coalesce(e.pathway, 'unknown') AS name, "
        "count(*) / sum(count(*)) OVER (PARTITION BY g.grp) AS share FROM group_exchange g "
        "JOIN exchange e ON e.x = g.x GROUP BY g.grp, name ORDER BY g.grp, share DESC, name"
    ).to_pylist():
        figures[row["grp"]].pathways[row["name"]] = round(float(row["share"]), 4)


def _bypass(engine: Engine, figures: dict[int, Figures]) -> None:
    """Where the accounts say they are, where their work comes from, and through what networks."""
    rows = engine.arrow(
        """
        SELECT g.grp,
               avg(CASE WHEN e.country IS NULL OR coalesce(a.verified_country, a.billing_country) IS NULL THEN NULL
                        WHEN e.country <> coalesce(a.verified_country, a.billing_country) THEN 1.0 ELSE 0.0 END)
                 AS outside_billing_country,
               avg(CASE WHEN e.ip_class = 'hosting' THEN 1.0
                        WHEN e.ip_class IS NOT NULL OR e.block IS NOT NULL THEN 0.0 END) AS hosting,
               avg(CASE WHEN e.ip_class IN ('vpn', 'tor', 'relay') THEN 1.0
                        WHEN e.ip_class IS NOT NULL OR e.block IS NOT NULL THEN 0.0 END) AS proxies
        FROM group_exchange g JOIN exchange e ON e.x = g.x JOIN account a ON a.account = g.account GROUP BY g.grp
        """
    ).to_pylist()
    for row in rows:
        shares_of = {name: None if value is None else round(float(value), 4) for name, value in row.items()}
        figures[row["grp"]].bypass |= {name: value for name, value in shares_of.items() if name != "grp"}


def _names(engine: Engine, figures: dict[int, Figures]) -> None:
    accounts = (
        "SELECT m.grp, a.{} AS name, count(*) AS n FROM (SELECT DISTINCT grp, account FROM group_exchange) m "
        "JOIN account a ON a.account = m.account GROUP BY m.grp, name"
    )
    for key, counts in (
        ("billing_countries", accounts.format("billing_country")),
        ("programmes", accounts.format("programme")),
        (
            "address_countries",
            "SELECT g.grp, e.country AS name, count(*) AS n FROM group_exchange g JOIN exchange e ON e.x = g.x "
            "GROUP BY g.grp, name",
        ),
    ):
        for held in figures.values():
            held.bypass[key] = {}
        for row in engine.arrow(
            f"SELECT grp, name, n FROM ({counts}) WHERE name IS NOT NULL "
            f"QUALIFY row_number() OVER (PARTITION BY grp ORDER BY n DESC, name) <= {NAMES} ORDER BY grp, n DESC, name"
        ).to_pylist():
            figures[row["grp"]].bypass[key][row["name"]] = int(row["n"])


def _pivots(engine: Engine, figures: dict[int, Figures]) -> None:
    """Releases after which a group moved to the new model."""
    rows = engine.arrow(
        f"""
        SELECT g.grp, r.model, strftime(r.released_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS released_at,
               (epoch_us(min(e.asked_at) FILTER (e.model_requested = r.model)) - epoch_us(r.released_at)) / 3600e6
                 AS hours,
               count(*) FILTER (e.model_requested = r.model) / count(*) AS share
        FROM group_exchange g JOIN exchange e ON e.x = g.x JOIN releases r ON e.asked_at >= r.released_at
        JOIN group_work w ON w.grp = g.grp AND w.first_seen < r.released_at
        GROUP BY g.grp, r.model, r.released_at
        HAVING count(*) FILTER (e.model_requested = r.model) >= {MOVED_SHARE} * count(*)
           AND min(e.asked_at) FILTER (e.model_requested = r.model) <= r.released_at + INTERVAL {MOVED_HOURS} HOURS
        ORDER BY g.grp, r.released_at, r.model
        """
    ).to_pylist()
    for row in rows:
        told = {name: row[name] for name in ("model", "released_at")}
        figures[row["grp"]].pivots.append(
            told | {"hours": round(float(row["hours"]), 1), "share": round(float(row["share"]), 4)}
        )


def _timeline(engine: Engine, figures: dict[int, Figures]) -> None:
    """Shared exchanges a day, days of UTC in order; a day without one has no row."""
    for row in engine.arrow(
        "SELECT g.grp, strftime(e.asked_at AT TIME ZONE 'UTC', '%Y-%m-%d') AS day, count(*) AS exchanges "
        "FROM group_exchange g JOIN exchange e ON e.x = g.x GROUP BY g.grp, day ORDER BY g.grp, day"
    ).to_pylist():
        figures[row["grp"]].timeline.append({"day": row["day"], "exchanges": int(row["exchanges"])})


def _source(engine: Engine, figures: dict[int, Figures]) -> None:
    """One source of work against own data; a conversation counts once, by its first exchange: its turns are no
    independent picks of a topic."""
    held = engine.arrow(
        """
        SELECT g.grp, g.account, arg_min(e.simhash, struct_pack(at := e.asked_at, id := e.exchange_id)) AS simhash
        FROM group_exchange g JOIN exchange e ON e.x = g.x WHERE e.simhash IS NOT NULL
        GROUP BY g.grp, g.account, coalesce(e.conversation_id, CAST(e.x AS VARCHAR)) ORDER BY g.grp
        """
    )
    groups = held["grp"].to_numpy()
    accounts = held["account"].to_numpy().astype(np.int64)
    hashes = held["simhash"].to_numpy().astype(np.uint16)
    for place in distinct(groups):
        mine = slice(*np.searchsorted(groups, [place, place + 1]))
        factor, count = one_source_log_bayes_factor(accounts[mine], hashes[mine])
        figures[int(place)].source = {"one_source": factor, "one_source_accounts": float(count)}
