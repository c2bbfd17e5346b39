"""What each group's shared work is about, item by item, and how it changes: the objects `items`, `phases` and `stages`
of a finding.

Reads `exchange`, `exchange_capability`, `part`, `preamble`, `group_member` and `group_exchange`. A sentence is
material, not wording, where nobody sends it with several different texts: a public question that many people ask once
each is material. An exchange's item is its material as one hash: the least of its sentences'.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.assess.items import as_facts, breadth, crossings, dealt, near_copies
from stillwatch.assess.phases import Use, phases, stages
from stillwatch.content.capabilities import UNKNOWN
from stillwatch.content.counts import LEAST_WORDS
from stillwatch.content.preamble import AUTHORED, BEGUN
from stillwatch.engine.base import Engine
from stillwatch.linkage.work import topics
from stillwatch.records import CAPABILITIES, SegmentRole, Step
from stillwatch.stats import distinct
from stillwatch.tables import MINHASH_BYTES

SEED = 20260301

LEAST_SET, LEAST_HIT = 5, 0.05
"""Items of an outsider that a group also asks, and their share of all of the outsider's, from which both draw on one
set."""

FRAME = 4
"""Different texts in which one account uses a sentence, from which it is wording."""

MOST = 50_000
"""Exchanges of a group that are looked at, those with the least row hashes; and uses of its sentences, whole sentences
in the order of their hashes."""

Columns = Mapping[str, NDArray[Any]]

USER = int(SegmentRole.USER)
SENTENCE = f"""
p.role IN {AUTHORED} AND p.words >= {LEAST_WORDS} AND {BEGUN}
AND NOT EXISTS (SELECT 1 FROM preamble b WHERE b.segment = p.segment)
"""
TEXT = f"CASE WHEN p.role = {USER} THEN e.exact ELSE hash(e.segments) END"
"""The text of an exchange `e` that holds a `part p`: beside a last turn that says "go on" all of the request. Different
ones are made distinct before they are counted: a count of distinct ones does not spill."""

STEPS = [
    Step(
        "group_segment",
        f"""
        SELECT DISTINCT g.grp, g.x, g.entity, p.segment FROM group_exchange g SEMI JOIN told_group t ON t.grp = g.grp
        JOIN part p ON p.x = g.x WHERE {SENTENCE}
        """,
    ),
    Step(
        "segment_use",
        f"""
        SELECT segment, entity, count(text) AS texts FROM (
            SELECT DISTINCT p.segment, p.entity, {TEXT} AS text
            FROM part p JOIN (SELECT DISTINCT segment FROM group_segment) g ON g.segment = p.segment
            JOIN exchange e ON e.x = p.x WHERE {SENTENCE})
        GROUP BY segment, entity
        """,
    ),
    Step(
        "group_sentence",
        f"""
        SELECT g.grp, g.x, g.entity, g.segment AS sentence FROM group_segment g
        ANTI JOIN (SELECT DISTINCT segment FROM segment_use WHERE texts >= {FRAME}) f ON f.segment = g.segment
        """,
    ),
    Step(
        "outside_sentence",
        """
        SELECT g.grp, g.sentence, u.entity FROM (SELECT DISTINCT grp, sentence FROM group_sentence) g
        JOIN segment_use u ON u.segment = g.sentence
        ANTI JOIN group_member m ON m.grp = g.grp AND m.entity = u.entity
        """,
    ),
    Step(
        "outsider",
        f"""
        SELECT DISTINCT entity FROM (SELECT grp, entity FROM outside_sentence GROUP BY ALL
                                     HAVING count(DISTINCT sentence) >= {LEAST_SET})
        """,
    ),
    Step(
        "outsider_part",
        f"""
        SELECT p.x, p.entity, p.segment FROM part p JOIN outsider o ON o.entity = p.entity
        JOIN exchange e ON e.x = p.x WHERE {SENTENCE}
        """,
    ),
    Step(
        "outsider_frame",
        f"""
        SELECT DISTINCT segment FROM (
            SELECT segment, entity FROM (
                SELECT DISTINCT p.segment, p.entity, {TEXT} AS text
                FROM part p SEMI JOIN outsider_part h ON h.segment = p.segment JOIN exchange e ON e.x = p.x)
            GROUP BY segment, entity HAVING count(text) >= {FRAME})
        """,
    ),
    Step(
        "outsider_item",
        """
        SELECT h.entity, h.x, min(h.segment) AS item FROM outsider_part h
        ANTI JOIN outsider_frame f ON f.segment = h.segment GROUP BY h.entity, h.x
        """,
    ),
    Step(
        "known_item",
        f"""
        WITH hit AS (SELECT o.grp, i.entity, count(DISTINCT i.item) AS n FROM outsider_item i
                     JOIN outside_sentence o ON o.entity = i.entity AND o.sentence = i.item GROUP BY ALL),
             of AS (SELECT entity, count(DISTINCT item) AS n FROM outsider_item GROUP BY entity),
             same_set AS (SELECT h.grp, h.entity FROM hit h JOIN of USING (entity)
                          WHERE h.n >= {LEAST_SET} AND h.n >= {LEAST_HIT} * of.n)
        SELECT DISTINCT s.grp, i.item FROM same_set s JOIN outsider_item i ON i.entity = s.entity
        """,
    ),
    Step(
        "group_work_item",
        """
        SELECT g.grp, g.x, min(g.sentence) AS item, min(k.item) AS known, bool_or(o.sentence IS NOT NULL) AS outside
        FROM group_sentence g LEFT JOIN known_item k ON k.grp = g.grp AND k.item = g.sentence
        LEFT JOIN (SELECT DISTINCT grp, sentence FROM outside_sentence) o ON o.grp = g.grp AND o.sentence = g.sentence
        GROUP BY g.grp, g.x
        """,
    ),
]


@dataclass
class Worked:
    """What is told of one group's shared work."""

    items: Mapping[str, float] = field(default_factory=dict)
    phases: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)


def worked(engine: Engine, told: Sequence[int]) -> dict[int, Worked]:
    """Of these groups, by number, or ~number of the part of a group's work that asks."""
    if not told:
        return {}
    engine.register("told_group", pa.table({"grp": pa.array(told, pa.int32())}))
    engine.run(STEPS)
    out: dict[int, Worked] = defaultdict(Worked)
    sets = engine.arrow("SELECT grp, count(*) AS n FROM known_item GROUP BY grp").to_pylist()
    known = {row["grp"]: int(row["n"]) for row in sets}
    for number, held in _by_group(engine, _EXCHANGES):
        named = held["code"] != UNKNOWN
        out[number].items = _items(held, known.get(number, 0))
        out[number].phases = phases(
            held["day"][named], held["entity"][named], held["code"][named], CAPABILITIES, SEED
        )  # fmt: skip
    for number, held in _by_group(engine, _USES):
        out[number].stages = stages(_uses(held), CAPABILITIES)
    return dict(out)


_EXCHANGES = f"""
SELECT g.grp, CAST(g.entity AS BIGINT) AS entity, epoch_us(e.asked_at) // 86_400_000_000 AS day,
       CAST(c.code AS BIGINT) AS code, coalesce(i.item, 0) AS item, i.item IS NOT NULL AS has_item,
       coalesce(i.known, 0) AS known, i.known IS NOT NULL AS has_known, coalesce(i.outside, FALSE) AS outside,
       coalesce(e.exact, 0) AS exact, e.minhash, e.simhash
FROM group_exchange g SEMI JOIN told_group t ON t.grp = g.grp
JOIN exchange e ON e.x = g.x JOIN exchange_capability c ON c.x = g.x
LEFT JOIN group_work_item i ON i.grp = g.grp AND i.x = g.x
QUALIFY row_number() OVER (PARTITION BY g.grp ORDER BY e.row_hash, g.x) <= {MOST} ORDER BY g.grp, g.x
"""

_USES = f"""
WITH used AS (SELECT s.grp, s.x, s.sentence, epoch(e.asked_at) AS at, CAST(s.entity AS BIGINT) AS entity,
                     CAST(c.code AS BIGINT) AS code
              FROM group_sentence s JOIN exchange e ON e.x = s.x JOIN exchange_capability c ON c.x = s.x
              WHERE c.code <> {UNKNOWN} QUALIFY count(*) OVER (PARTITION BY s.grp, s.sentence) BETWEEN 2 AND 20),
     kept AS (SELECT grp, sentence FROM used GROUP BY grp, sentence
              QUALIFY sum(count(*)) OVER (PARTITION BY grp ORDER BY sentence) <= {MOST})
SELECT u.grp, u.sentence AS item, u.at, u.entity, u.code FROM used u
JOIN kept k ON k.grp = u.grp AND k.sentence = u.sentence ORDER BY u.grp, u.x, u.sentence
"""


def _by_group(engine: Engine, sql: str) -> Iterator[tuple[int, Columns]]:
    table = engine.arrow(sql)
    columns = {
        name: table[name].to_numpy()
        if name not in ("minhash", "simhash")
        else np.array(table[name].to_pylist(), object)
        for name in table.column_names
    }
    if table.num_rows == 0:
        return
    edges = np.flatnonzero(np.diff(columns["grp"])) + 1
    for rows in np.split(np.arange(table.num_rows), edges):
        yield int(columns["grp"][rows[0]]), {name: held[rows] for name, held in columns.items()}


def _items(held: Columns, known: int) -> Mapping[str, float]:
    own, item, has = held["entity"], held["item"].astype(np.uint64), held["has_item"].astype(np.bool_)
    told = held["has_known"].astype(np.bool_)
    texts = np.array([text is not None and len(text) == MINHASH_BYTES for text in held["minhash"]], dtype=np.bool_)
    near = None
    if texts.any():
        minhash = np.frombuffer(b"".join(held["minhash"][texts]), dtype="<u2").reshape(-1, MINHASH_BYTES // 2)
        near = near_copies(minhash, held["exact"][texts].astype(np.uint64), own[texts])
    seen = np.array([value is not None for value in held["simhash"]], dtype=np.bool_)
    wide = None
    if seen.sum() > 1:
        wide = breadth(own[seen], topics(held["simhash"][seen].astype(np.uint16)))
    facts = as_facts(
        crossings(item[has], own[has]), dealt(held["known"][told].astype(np.uint64), own[told], known), near, wide
    )
    if not has.any():
        return facts
    outside = held["outside"][has].astype(np.bool_)
    return {"items": len(distinct(item[has])), "novel": round(1.0 - float(outside.mean()), 4), **facts}


def _uses(held: Columns) -> Mapping[int, list[Use]]:
    out: dict[int, list[Use]] = defaultdict(list)
    for item, at, owner, code in zip(held["item"], held["at"], held["entity"], held["code"], strict=True):
        out[int(item)].append(Use(float(at), int(owner), int(code)))
    return out
