"""Deliver an alert by webhook: JSON by POST, signed as Standard Webhooks 1.0.0 has it.

Catches replay and forgery for a receiver that checks: the signature covers the alert's id, the time of the try, and the
body. The id is the same however often the alert is tried, so that a receiver can tell a repeat.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from stillwatch import __version__
from stillwatch.delivery.reach import Refused, connected, context_of, secured, within
from stillwatch.delivery.sinks import Webhook

SECONDS = 15.0
"""For the connection, for a handshake, and for the answer altogether."""

TOLERANCE = 300
"""Seconds by which the time of a signature may differ from the receiver's clock."""

MOST_DIGITS = 15
"""Of a time that a receiver reads: a longer one is no time."""

BUSY = (408, 425, 429, 500, 502, 503, 504)
GONE = (410,)


def body_of(alert: dict[str, Any]) -> bytes:
    """The bytes that are sent, and signed."""
    held = {"type": f"stillwatch.alert.{alert['what']}", "timestamp": f"{alert['day']}T00:00:00Z", "data": alert}
    return json.dumps(held, separators=(",", ":")).encode("ascii")


def signature(secret: bytes, alert_id: str, seconds: int, body: bytes) -> str:
    """One signature, in the version `v1`: HMAC-SHA256 of id, time and body, in base64."""
    signed = b".".join([alert_id.encode("ascii"), str(seconds).encode("ascii"), body])
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")


def is_genuine(secret: bytes, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether a delivery is ours and of now, as a receiver checks it; it must also pass over ids that it has had."""
    try:
        alert_id, seconds = headers["webhook-id"], int(headers["webhook-timestamp"][:MOST_DIGITS])
        wanted = signature(secret, alert_id, seconds, body).encode("ascii")
    except (KeyError, ValueError):
        return False
    told = headers.get("webhook-signature", "").encode("ascii", "replace").split(b" ")
    return abs(now - seconds) <= TOLERANCE and any([hmac.compare_digest(wanted, one) for one in told])


def send(sink: Webhook, alert: dict[str, Any]) -> None:
    """Deliver one alert. Raises Refused."""
    body, seconds = body_of(alert), int(time.time())
    headers = {
        "content-type": "application/json", "user-agent": f"stillwatch/{__version__}", "webhook-id": alert["alert_id"],
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(key, alert["alert_id"], seconds, body) for key in sink.secrets),
    }  # fmt: skip
    try:
        status, after = _posted(sink, body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f"no answer ({type(error).__name__})", outage=True) from error
    if not 200 <= status < 300:
        raise Refused(f"status {status}", hopeless=status in GONE, outage=status in BUSY, after=after)


def _posted(sink: Webhook, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
    """The status of the answer, and after how many seconds to come again. No redirect is followed."""
    parts = urlsplit(sink.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    held: socket.socket = connected(host, port, SECONDS, private=sink.private)
    if parts.scheme == "https":
        held = secured(held, context_of(sink), host, SECONDS)
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    connection.sock = held
    try:
        with within(lambda: held, SECONDS):
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"host": parts.netloc, **headers})
            answer = connection.getresponse()
            return answer.status, _seconds(answer.getheader("retry-after"))
    finally:
        connection.close()
        held.close()


def _seconds(told: str | None) -> float:
    return float(told) if told and told.isascii() and told.isdigit() and len(told) < 8 else 0.0
