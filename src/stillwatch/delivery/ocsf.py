"""Deliver alerts as lines of OCSF: Detection Finding, class 2004, in a file that a SIEM's collector follows.

A finding's `uid` is the campaign's life, so that what is created is updated and closed under one name. Source:
github.com/ocsf/ocsf-schema, events/findings/detection_finding.json and what it extends, objects/finding_info.json,
objects/metadata.json.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stillwatch import __version__
from stillwatch.delivery.reach import Refused
from stillwatch.delivery.sinks import Lines
from stillwatch.delivery.words import sentence

VERSION = "1.3.0"
"""Of the schema. Class 2004 is there from 1.1.0 on."""

CATEGORY, CLASS = 2, 2004
CREATE, UPDATE, CLOSE = 1, 2, 3
ACTIVITIES = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}
INFORMATIONAL, LOW, MEDIUM = 1, 2, 3
SEVERITIES = {INFORMATIONAL: "Informational", LOW: "Low", MEDIUM: "Medium"}
BEGINS = ("began", "split")
ENDS = ("gone", "merged")
EXPLAINED = ("permitted", "dismissed")
FREES = ("cleared", "withdrawn")
NEW, SUPPRESSED, RESOLVED = 1, 3, 4
MOST_EVIDENCES = 1000


def event_of(alert: dict[str, Any]) -> dict[str, Any]:
    """The event that an alert means. Accounts stand in `evidences` only where they are accused; the whole alert is in
    `unmapped`."""
    activity = _activity(alert)
    severity = _severity(alert)
    at = _time(alert["day"])
    event = {
        "activity_id": activity, "activity_name": ACTIVITIES[activity], "category_uid": CATEGORY,
        "category_name": "Findings", "class_uid": CLASS, "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity, "type_name": f"Detection Finding: {ACTIVITIES[activity]}",
        "time": at, "severity_id": severity, "severity": SEVERITIES[severity], "message": sentence(alert),
        "is_alert": alert["what"] not in (*FREES, *ENDS) and alert["status"] not in EXPLAINED,
        "metadata": {
            "version": VERSION, "uid": alert["alert_id"], "event_code": alert["what"],
            "product": {"name": "Stillwatch", "vendor_name": "Stillwatch", "version": __version__},
        },
        "finding_info": {
            "uid": alert["life_id"], "title": _title(alert), "created_time": at, "types": ["model distillation"],
            "analytic": {"name": "stillwatch watch", "type_id": 3, "type": "Statistical"},
        },
        "unmapped": alert,
    }  # fmt: skip
    status = _status(alert, activity)
    if status:
        event["status_id"] = status
    if alert["what"] == "accused":
        event["evidences"] = [{"actor": {"user": {"uid": name}}} for name in alert["account_ids"][:MOST_EVIDENCES]]
    return event


def _title(alert: dict[str, Any]) -> str:
    return "Suspected distillation campaign" if alert["status"] == "suspected" else "Linked accounts"


def _activity(alert: dict[str, Any]) -> int:
    if alert["what"] in ENDS or (alert["what"] == "status" and alert["status"] in EXPLAINED):
        return CLOSE
    return CREATE if alert["what"] in BEGINS else UPDATE


def _severity(alert: dict[str, Any]) -> int:
    """An allegation is never more than medium."""
    if alert["what"] in (*FREES, *ENDS):
        return INFORMATIONAL
    return {"suspected": MEDIUM, "ambiguous": LOW}.get(alert["status"], INFORMATIONAL)


def _status(alert: dict[str, Any], activity: int) -> int:
    if activity == CLOSE:
        return SUPPRESSED if alert["status"] in EXPLAINED else RESOLVED
    return NEW if activity == CREATE else 0


def _time(day: str) -> int:
    """Milliseconds since 1970 of a day's beginning."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


def send_all(sink: Lines, alerts: Sequence[dict[str, Any]]) -> None:
    """Append one line an alert, on disk when this returns. A line that a kill had cut stays alone. Raises Refused."""
    lines = b"".join(json.dumps(event_of(alert), separators=(",", ":")).encode("ascii") + b"\n" for alert in alerts)
    try:
        handle = os.open(sink.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                lines = b"\n" + lines
            left = memoryview(lines)
            while left:
                left = left[file.write(left) or 0 :]
            os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        raise Refused(f"the file cannot be written ({type(error).__name__})", outage=True) from error
