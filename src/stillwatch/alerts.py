"""What somebody is told of the windows, once: which alerts there are, which were told, and which hold no more."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stillwatch.assess.campaign_lives import accused_in
from stillwatch.store.erase import WATCH
from stillwatch.store.files import write_whole
from stillwatch.store.store import Store

SCHEMA = "stillwatch/alert/v1"

TOLD_OF = ("began", "split", "accused", "evidence", "returned", "pivot")
"""Events of a campaign that somebody is told of. What is permitted or dismissed alerts nobody."""

QUIET = ("permitted", "dismissed")

Alert = dict[str, Any]


def alerts_of(records: Iterable[dict[str, Any]]) -> list[Alert]:
    """The alerts of all windows, in their order. An alert's id says which campaign, day and event it is of, and nothing
    of how much: events that come late change an alert's figures, not the alert."""
    out: list[Alert] = []
    for record in records:
        lives = {life["life_id"]: life for life in record["lives"]}
        for event in record["events"]:
            life = lives[event["life_id"]]
            if event["what"] in TOLD_OF and life["finding"]["status"] not in QUIET:
                out.append(_alert(life, event))
    return list({alert["alert_id"]: alert for alert in out}.values())


def _alert(life: dict[str, Any], event: dict[str, Any]) -> Alert:
    named = f"{life['life_id']}|{event['day']}|{event['what']}|{event['of']}"
    finding = life["finding"]
    return {
        "schema": SCHEMA, "alert_id": "A-" + hashlib.blake2b(named.encode(), digest_size=6).hexdigest(),
        "day": event["day"], "what": event["what"], "of": event["of"], "count": event["count"],
        "life_id": life["life_id"], "campaign_id": finding["campaign_id"], "status": finding["status"],
        "accounts": sum(m["exchanges"] > 0 for m in finding["members"]), "accused": accused_in(finding),
        "exchanges": finding["exchanges"], "log_e": round(life["log_e_mean"], 2),
    }  # fmt: skip


def untold(store: Store, length: int, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts that nobody was told yet, and of those that were told and hold no more a `withdrawn` one."""
    told = _told(_path(store, length))
    held = {alert["alert_id"] for alert in alerts}
    withdrawn = [
        alert | {"what": "withdrawn", "of": alert["alert_id"]} for name, alert in told.items() if name not in held
    ]
    return [*withdrawn, *(alert for alert in alerts if alert["alert_id"] not in told)]


def mark_told(store: Store, length: int, alerts: Sequence[Alert]) -> None:
    """Note that somebody was told these, the whole of what holds now. What is told and not noted is told again."""
    slim = [{name: value for name, value in alert.items() if name != "accounts"} for alert in alerts]
    write_whole(
        _path(store, length), json.dumps(slim, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    )


def _path(store: Store, length: int) -> Path:
    return store.folder / WATCH / f"days={length}" / "told" / "alerts.json"


def _told(path: Path) -> dict[str, Alert]:
    """What was told by its id; nothing where no note can be read: then all is told again."""
    try:
        return {alert["alert_id"]: alert for alert in json.loads(path.read_text("utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
