"""What somebody is told of the windows: which alerts there are, which were told, and which hold no more."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillwatch.assess.campaign_lives import accused_in
from stillwatch.assess.changes import SAME
from stillwatch.store.erase import WATCH
from stillwatch.store.files import write_whole
from stillwatch.store.store import Store

SCHEMA = "stillwatch/alert/v1"

TOLD_OF = ("began", "split", "status", "accused", "cleared", "merged", "gone", "evidence", "returned", "pivot")
"""Events of a campaign that somebody is told of."""

ALWAYS = ("status", "cleared", "merged", "gone")
"""Whoever was told of a campaign is told of these whatever its status is now: that it is explained, or somebody no
longer accused."""

QUIET = ("permitted", "dismissed")
"""Of what has such a status nobody is alerted."""

NAMES = "names"
"""Under which a note keeps the accounts of an alert's campaign. Alerts themselves hold no account."""

Alert = dict[str, Any]


@dataclass(frozen=True)
class News:
    """What is to be told now, and what to note when it was: all that was told and holds."""

    alerts: list[Alert]
    noted: list[Alert]


def alerts_of(records: Sequence[dict[str, Any]]) -> list[Alert]:
    """The alerts of all windows, in their order, each with `NAMES`. The last window is not over: evidence in it may not
    be looked at yet."""
    out: list[Alert] = []
    newest = {life["life_id"]: life for life in records[-1]["lives"]} if records else {}
    for record in records:
        lives = {life["life_id"]: life for life in record["lives"]}
        begun = {event["life_id"] for event in record["events"] if event["what"] in ("began", "split")}
        is_open = record is records[-1]
        for event in record["events"]:
            life, what = lives[event["life_id"]], event["what"]
            quiet = not life["alarmed"] if what in ALWAYS else life["finding"]["status"] in QUIET
            again = what == "status" and event["life_id"] in begun
            early = what == "evidence" and is_open
            if what in TOLD_OF and not (quiet or again or early):
                now = newest.get(event["life_id"], life)["finding"]["campaign_id"]
                out.append(_alert(life, event) | {"campaign_id": now, "open": is_open})
    return list({alert["alert_id"]: alert for alert in out}.values())


def _alert(life: dict[str, Any], event: dict[str, Any]) -> Alert:
    finding = life["finding"]
    names = sorted(m["account_id"] for m in finding["members"] if m["exchanges"] > 0)
    return {
        "schema": SCHEMA, "alert_id": _id(life["life_id"], event["day"], event["what"], event["of"]),
        "day": event["day"], "what": event["what"], "of": event["of"], "count": event["count"],
        "account_ids": event["account_ids"],
        "life_id": life["life_id"], "campaign_id": finding["campaign_id"], "status": finding["status"],
        "accounts": len(names), "accused": accused_in(finding), "exchanges": finding["exchanges"],
        "log_e": round(life["log_e_mean"], 2), NAMES: names,
    }  # fmt: skip


def _id(*said: str) -> str:
    return "A-" + hashlib.blake2b("|".join(said).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def news_of(store: Store, length: int, records: Sequence[dict[str, Any]]) -> News:
    """The alerts that nobody was told yet; and of those that were told and hold no more, once their window is over, a
    `withdrawn` one.

    An alert is one that was told where day and event are the same and half of the fewer accounts: while a window is not
    over, a campaign's name may change with each look. Whom it names beyond those that were told is told as well, and
    whom it names no more is withdrawn.
    """
    alerts = alerts_of(records)
    told = _told(_path(store, length))
    open_from = records[-1]["window"][0] if records else ""
    left = list(told)
    noted: list[Alert] = []
    fresh: list[Alert] = []
    gone: list[Alert] = []
    for alert in alerts:
        before = next((one for one in left if _is_same(one, alert)), None)
        if before is None:
            fresh.append(alert)
            noted.append(alert)
            continue
        left.remove(before)
        names, had = set(alert["account_ids"]), set(before["account_ids"])
        if names - had:
            fresh.append(_about(alert, names - had, alert["what"], alert["of"]))
        if had - names and alert["day"] < open_from:
            gone.append(_about(before, had - names, "withdrawn", before["alert_id"]))
        elif had - names:
            names |= had
        kept = {name: before[name] for name in ("alert_id", "life_id")}
        noted.append({**alert, **kept, "account_ids": sorted(names)})
    gone += [_about(one, one["account_ids"], "withdrawn", one["alert_id"]) for one in left if one["day"] < open_from]
    noted += [one for one in left if one["day"] >= open_from]
    return News([*gone, *fresh], noted)


def _about(alert: Alert, accounts: Iterable[str], what: str, of: str) -> Alert:
    """An alert of its own about some accounts of another."""
    names = sorted(accounts)
    named = _id(alert["alert_id"], what, *names)
    return {**alert, "alert_id": named, "what": what, "of": of, "count": len(names) or None, "account_ids": names}


def _is_same(told: Alert, alert: Alert) -> bool:
    if (told["day"], told["what"]) != (alert["day"], alert["what"]):
        return False
    if told["alert_id"] == alert["alert_id"]:
        return True
    one, other = set(told[NAMES]), set(alert[NAMES])
    same_of = alert["what"] == "split" or told["of"] == alert["of"]
    return same_of and len(one & other) >= SAME * max(1, min(len(one), len(other)))


def note(store: Store, length: int, news: News) -> None:
    """Note that the news were told. What is told and not noted is told again."""
    write_whole(
        _path(store, length), json.dumps(news.noted, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    )


def _path(store: Store, length: int) -> Path:
    return store.folder / WATCH / f"days={length}" / "told" / "alerts.json"


def _told(path: Path) -> list[Alert]:
    """What was told; nothing where no note can be read, or it lacks something: then all is told again."""
    try:
        held = json.loads(path.read_text("utf-8"))
        wanted = {"alert_id", "day", "what", "of", "life_id", "status", "exchanges", "count", "account_ids", NAMES}
        return held if all(one.keys() >= wanted for one in held) else []
    except (OSError, ValueError, TypeError, AttributeError):
        return []
