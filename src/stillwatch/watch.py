"""The store watched in event time: window after window, what detection answers then, and the lives of campaigns.

A window ends with a day of UTC. What is said of it follows from the exchanges that were asked by its end and from the
window before, and from nothing else: not from the order or the batches in which they came, nor from when. Each window
is kept as a file that names what it was made of, so a watch that was killed goes on where it was, and an event that
comes late makes anew the windows from its own on. A history that is read at once and one that came live end with the
same files.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from stillwatch import __version__
from stillwatch.assess.campaign_lives import (
    KEPT,
    KEPT_OF_EVIDENCE,
    KEPT_OF_MEMBERS,
    CampaignLife,
    Event,
    lives_after,
    with_evidence,
)
from stillwatch.detection import Prepared, answer_about, prepared
from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.gather import tokens_of
from stillwatch.known import micros, small_then
from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.monitor import MONITORED, Tokens, accrued, log_mean, new_channel, window_log_e
from stillwatch.linkage.search import ALPHA, SEED
from stillwatch.linkage.tokens import CHANNELS
from stillwatch.past import engine_then
from stillwatch.records import Family, Step
from stillwatch.stats import e_lond_level
from stillwatch.store.erase import WATCH
from stillwatch.store.files import write_whole
from stillwatch.store.store import Store

SCHEMA = "stillwatch/watch/v1"

KEEPS = ",".join((*KEPT, *KEPT_OF_MEMBERS, *KEPT_OF_EVIDENCE))
"""What a record keeps of a finding: one that was made when it was less is made again."""

Tell = Callable[[str], None]
Record = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """Days of UTC from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime(self.last.year, self.last.month, self.last.day, tzinfo=UTC) + timedelta(days=1)


def windows(days: Sequence[str], length: int) -> list[Window]:
    """The windows of so many days in which these days lie. They begin at multiples of their length since 1970,
    whichever day is there first; where nothing was asked is none, so that a clock that is wrong by years makes one."""
    numbers = [(date.fromisoformat(day) - date(1970, 1, 1)).days for day in days]
    firsts = sorted({number // length * length for number in numbers})
    return [
        Window(date(1970, 1, 1) + timedelta(days=first), date(1970, 1, 1) + timedelta(days=first + length - 1))
        for first in firsts
    ]


def watched(
    store: Store, length: int = 1, networks: str | None = None, progress: Tell = lambda _: None
) -> list[Record]:
    """The records of all windows, in order. Those that were made of what is there, by this version, after the window
    that is before them, are read from the store; the others are made and written.

    Days that the store keeps no more count for nothing here: a record that saw them stays.
    """
    folder = store.folder / WATCH / f"days={length}"
    all_windows = windows(store.days(), length)
    kept_from = str(store.manifest.kept_from or "")
    records = _history(folder, all_windows[0]) if all_windows else []
    for window, seen in zip(all_windows, _seen(store, all_windows, networks), strict=True):
        before = records[-1] if records else None
        made_of = {"before": before["name"] if before else "", **seen}
        path = folder / f"{window.last}.json"
        held = _read(path)
        if held is None or not _still_holds(held["made_of"], made_of, kept_from):
            progress(f"the window until {window.last}")
            named = hashlib.blake2b(json.dumps(made_of).encode(), digest_size=16).hexdigest()
            made = {"schema": SCHEMA, "name": named, "made_of": made_of, **_look(store, window, before, networks)}
            text = json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
            write_whole(path, text)
            held = json.loads(text)  # what the next round will read
        records.append(held)
    return records


def held_records(store: Store, length: int = 1) -> tuple[list[Record], list[Window]]:
    """The records that a watch has kept and that still say what is in the store, and the windows of which it must make
    one anew. Nothing is made, and no exchange is looked at but for sums of hashes. A watch with address tables of its
    own is taken as it was."""
    folder = store.folder / WATCH / f"days={length}"
    all_windows = windows(store.days(), length)
    kept_from = str(store.manifest.kept_from or "")
    records = _history(folder, all_windows[0]) if all_windows else []
    name = records[-1]["name"] if records else ""
    for place, (window, seen) in enumerate(zip(all_windows, _seen(store, all_windows, None), strict=True)):
        held = _read(folder / f"{window.last}.json")
        by = held["made_of"].get("by", []) if held else []
        own = [one if place != 1 else by[1] for place, one in enumerate(seen["by"])] if len(by) > 1 else []
        if held is None or not _still_holds(held["made_of"], {"before": name, **seen, "by": own}, kept_from):
            return records, all_windows[place:]
        records.append(held)
        name = held["name"]
    return records, []


def _still_holds(held: Mapping[str, Any], now: Mapping[str, Any], kept_from: str) -> bool:
    """Whether a record was made of what there is now, but for days that the store keeps no more."""
    kept = {day: sums for day, sums in held["days"].items() if day >= kept_from}
    return {**held, "days": kept} == now


def _history(folder: Path, first: Window) -> list[Record]:
    """Records of windows whose days the store keeps no more, in order."""
    days = sorted(path.stem for path in folder.glob("*.json") if path.stem < str(first.last))
    return [held for day in days if (held := _read(folder / f"{day}.json")) is not None]


KEYS = {"schema", "name", "made_of", "window", "exchanges", "accounts", "blind", "born", "lives", "events"}


def _read(path: Path) -> Record | None:
    """A window's record; None where there is none, or it cannot be read or lacks something: then it is made again."""
    try:
        held = json.loads(path.read_text("utf-8"))
        for life in held["lives"]:
            CampaignLife(**life)
        return held if held.keys() >= KEYS and held["schema"] == SCHEMA and "days" in held["made_of"] else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


# ------------------------------------------------------------------------------------------------ what it is made of


def _seen(store: Store, all_windows: Sequence[Window], networks: str | None) -> Iterator[dict[str, Any]]:
    """Of each window a digest of all that detection sees at its end: sums of keyed row hashes by day, and of the rows
    of the small tables as they were then. Sums do not know an order, nor in which file a row lies."""
    if not all_windows:
        return
    with DuckEngine() as engine:
        store.register(engine, None, all_windows[-1].end)
        days = engine.arrow(
            f"SELECT epoch_us(asked_at) // 86_400_000_000 AS day, count(*) AS n, {_summed('row_hash')} AS hashes "
            "FROM exchanges GROUP BY day ORDER BY day"
        ).to_pylist()
        dated = {str(date(1970, 1, 1) + timedelta(days=row["day"])): [row["n"], int(row["hashes"])] for row in days}
        for window in all_windows:
            store.register_small(engine, window.end)
            small = [_small(engine, sql) for sql in small_then(window.end).values()]
            seen = {day: sums for day, sums in dated.items() if day <= str(window.last)}
            yield {"by": [__version__, networks or "", ALPHA, KEEPS], "days": seen, "small": small}


def _small(engine: Engine, sql: str) -> list[int]:
    """Rows of a small table, and the sum of their hashes: of what they say, not of when it was written down."""
    summed = _summed("md5_number_lower(CAST(t AS VARCHAR))")
    said = f"SELECT * EXCLUDE (updated_at) FROM ({sql})" if "FROM accounts" in sql else sql
    (row,) = engine.arrow(f"SELECT count(*) AS n, {summed} AS h FROM ({said}) t").to_pylist()
    return [int(row["n"]), int(row["h"] or 0)]


def _summed(hashes: str) -> str:
    """A sum of hashes of 64 bits, cut to 62."""
    return f"CAST(sum(CAST({hashes} AS HUGEINT)) % {1 << 62} AS BIGINT)"


# ------------------------------------------------------------------------------------------------ what is seen in it


def _look(store: Store, window: Window, before: Record | None, networks: str | None) -> Record:
    """What detection answers at the end of a window, and what became of the campaigns in it."""
    earlier = [CampaignLife(**life) for life in before["lives"]] if before else []
    born, day = before["born"] if before else 0, str(window.last)
    with engine_then(store, window.end) as engine:
        if engine.arrow("SELECT count(*) AS n FROM exchanges").to_pylist()[0]["n"] == 0:
            return _record(window, {"exchanges": 0, "accounts": 0, "blind": []}, born, earlier, [])
        known = prepared(engine, networks, lambda _: None)
        run, findings = answer_about(engine, known, lambda _: None)
        chapter = lives_after(earlier, {"campaigns": findings}, day, born, _level)
        new = _evidence(engine, known, window, earlier)
    lives, events = [], list(chapter.events)
    for life in chapter.lives:
        held, event = _with(life, new.get(life.life_id, {}), day)
        lives.append(held)
        events += [(life.life_id, event)] if event else []
    return _record(window, run, chapter.born, lives, events)


def _record(
    window: Window,
    run: Mapping[str, Any],
    born: int,
    lives: Sequence[CampaignLife],
    events: Sequence[tuple[str, Event]],
) -> Record:
    return {
        "window": [str(window.first), str(window.last)], "exchanges": run["exchanges"], "accounts": run["accounts"],
        "blind": run["blind"], "born": born, "lives": [asdict(life) for life in lives],
        "events": [{"life_id": name, **asdict(event)} for name, event in events],
    }  # fmt: skip


def _level(place: int, crossed: int) -> float:
    return e_lond_level(place, crossed, ALPHA)


def _with(life: CampaignLife, window: Mapping[Family, float], day: str) -> tuple[CampaignLife, Event | None]:
    log_e = accrued({Family(name): value for name, value in life.log_e.items()}, window)
    return with_evidence(life, {str(family): value for family, value in log_e.items()}, log_mean(log_e), day)


def _evidence(
    engine: Engine, known: Prepared, window: Window, lives: Sequence[CampaignLife]
) -> dict[str, dict[Family, float]]:
    """ln of each family's e-value in a window for the groups as they were before it, by life. The engine's tables of
    exchanges hold the window's alone afterwards."""
    entity_of = dict(zip(known.accounts["account_id"].to_pylist(), known.entities.entity.tolist(), strict=True))
    frozen: dict[str, Indices] = {}
    for life in (life for life in lives if not life.ended):
        rows = {entity_of[name] for name in life.workers if name in entity_of}
        frozen[life.life_id] = np.array(sorted(rows), dtype=np.int32)
    groups = [rows for rows in frozen.values() if len(rows) > 1]
    if not groups:
        return {}
    found = window_log_e(_new_in(engine, known.incidence, window), groups, SEED)
    named = [name for name, rows in frozen.items() if len(rows) > 1]
    return dict(zip(named, found, strict=True))


TABLES = ("exchange", "template_token", "filler")
"""Tables of single exchanges that channels read."""


def _new_in(engine: Engine, incidence: Incidence, window: Window) -> Incidence:
    """What entities show in a window and had not shown before."""
    seen = {one.name: one for one in incidence.channels if one.scored and one.family in MONITORED}
    queries = [query for query in CHANNELS if query.name in seen]
    for name in TABLES:
        engine.rename(name, f"{name}_whole")
    begin = f"make_timestamptz({micros(window.begin)})"
    shown: list[dict[str, Tokens]] = []
    for asked in (f"asked_at >= {begin}", f"asked_at < {begin}"):
        engine.run(
            [
                Step("exchange", f"SELECT * FROM exchange_whole WHERE {asked}"),
                *(
                    Step(name, f"SELECT t.* FROM {name}_whole t SEMI JOIN exchange e ON e.x = t.x")
                    for name in TABLES[1:]
                ),
            ]
        )
        shown.append({query.name: tokens_of(engine, query) for query in queries})
    within, before = shown
    channels = (new_channel(seen[q.name], within[q.name], before[q.name], incidence.n) for q in queries)
    return Incidence(incidence.keys, incidence.accounts, tuple(channels), incidence.stratifications, incidence.aside)
