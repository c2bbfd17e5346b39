"""One round of deliveries: what is due is sent, sink by sink, and what became of it is noted before the next.

A sink that takes nothing at the moment is left for the next round; an alert that a sink does not take holds back only
what comes after it in the same campaign's life.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stillwatch.delivery import mail, ocsf, webhook
from stillwatch.delivery.outbox import Outbox, Waiting, due
from stillwatch.delivery.reach import Refused
from stillwatch.delivery.sinks import Lines, Mail, Sink, Webhook

MOST_A_MAIL = 200
"""Alerts in one mail, or in one write to a file."""


class Untellable(Refused):
    """An alert that lacks something, of another version or changed by hand."""


@dataclass(frozen=True)
class Posted:
    """What a round did for a sink: delivered, still waiting, given up in all; and what went wrong last."""

    sink: str
    delivered: int = 0
    waiting: int = 0
    dead: int = 0
    failed: str = ""


@dataclass(frozen=True)
class Post:
    """The sinks of a file and the outbox of a store."""

    sinks: tuple[Sink, ...]
    outbox: Outbox
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(sink.name for sink in self.sinks))

    def put(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Let alerts wait for every sink. On disk when this returns."""
        self.outbox.put(self.names, alerts)

    def round(self, now: float | None = None) -> list[Posted]:
        """Send what is due, and tell what became of it, sink by sink."""
        at = time.time() if now is None else now
        return [self._sink(sink, at) for sink in self.sinks]

    def _sink(self, sink: Sink, now: float) -> Posted:
        delivered, failed = 0, ""
        queue = list(due(self.outbox.waiting(sink.name), now))
        size = 1 if isinstance(sink, Webhook) else MOST_A_MAIL
        while queue:
            ready, queue = queue[:size], queue[size:]
            try:
                send_all(sink, [one.alert for one in ready])
            except Untellable as error:
                failed = error.why
                if len(ready) > 1:  # one of them: each goes alone
                    queue, size = [*ready, *queue], 1
                else:
                    self._failed(sink, ready, error, now)
                continue
            except Refused as error:
                failed = error.why
                self._failed(sink, ready, error, now)
                held = {one.life for one in ready}
                queue = [] if error.outage else [one for one in queue if one.life not in held]
                continue
            for one in ready:
                self.outbox.taken(one)
            delivered += len(ready)
        left, dead = self.outbox.waiting(sink.name), self.outbox.waiting(sink.name, dead=True)
        return Posted(sink.name, delivered, len(left), len(dead), failed)

    def _failed(self, sink: Sink, tried: Sequence[Waiting], error: Refused, now: float) -> None:
        for one in tried:
            self.outbox.failed(one, error.why, now, 1 if error.hopeless else sink.tries, error.after)

    def state(self) -> list[Posted]:
        """How it stands, without sending anything; sinks that the file names no more are there too."""
        names = sorted({*self.names, *self.outbox.sinks()})
        return [self._state(name) for name in names]

    def _state(self, name: str) -> Posted:
        left, dead = self.outbox.waiting(name), self.outbox.waiting(name, dead=True)
        failed = next((one.failed for one in reversed([*dead, *left]) if one.failed), "")
        return Posted(name, 0, len(left), len(dead), failed)


def send_all(sink: Sink, alerts: Sequence[dict[str, Any]]) -> None:
    """Deliver alerts to a sink. Raises Refused, or Untellable where the fault is an alert's, so that it does not keep
    all others from being delivered; then none of them counts as delivered."""
    try:
        _send_all(sink, alerts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Untellable(f"an alert cannot be told ({type(error).__name__})") from error


def _send_all(sink: Sink, alerts: Sequence[dict[str, Any]]) -> None:
    if isinstance(sink, Webhook):
        for alert in alerts:
            webhook.send(sink, alert)
    elif isinstance(sink, Lines):
        ocsf.send_all(sink, alerts)
    elif isinstance(sink, Mail):
        mail.send_all(sink, alerts)


def trial() -> dict[str, Any]:
    """An alert about nobody, to try a sink with."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return {
        "schema": "stillwatch/alert/v1", "alert_id": f"T-{int(time.time()):012x}", "day": day, "what": "test", "of": "",
        "count": None, "account_ids": [], "life_id": "C-000000000000", "campaign_id": "C-000000000000",
        "status": "dismissed", "accounts": 0, "accused": 0, "exchanges": 0, "log_e": 0.0, "open": False, "run_id": "",
    }  # fmt: skip
