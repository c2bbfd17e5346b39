"""What waits to be delivered: a folder a sink, a file an alert. Whatever is killed when, nothing is lost.

    STORE/watch/outbox/days=N/SINK/000001-A-….json        in the order in which they were told
    STORE/watch/outbox/days=N/SINK/dead/000001-A-….json   given up after the sink's tries

A file goes when the alert was taken; a kill between the two sends it again, under the same id.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stillwatch.errors import StoreError
from stillwatch.store.erase import OUTBOX, WATCH
from stillwatch.store.files import make_folder, sync_folder, write_whole

Alert = dict[str, Any]

DEAD = "dead"
FILE = re.compile(r"(\d{6,})-([A-Za-z]-[0-9a-f]{1,64})\.json")
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 6 * 3600.0
GROWTH = 4.0
"""Seconds from the first try to the second, at most from one to the next, and how much longer each pause is."""


@dataclass(frozen=True)
class Waiting:
    """An alert that waits: its file, how often it was tried, when it may be tried again (seconds since 1970), and what
    went wrong last."""

    path: Path
    alert: Alert
    tries: int = 0
    next_at: float = 0.0
    failed: str = ""

    @property
    def life(self) -> str:
        """Of which campaign's life it tells: alerts of one go out in their order."""
        return str(self.alert.get("life_id", ""))


class Outbox:
    """The alerts of one store and length of windows that wait, by sink."""

    def __init__(self, store: Path, days: int) -> None:
        self.folder = store / WATCH / OUTBOX / f"days={days}"

    def put(self, sinks: Iterable[str], alerts: Sequence[Alert]) -> None:
        """Let alerts wait for each sink; one that waits already is left as it is. On disk when this returns."""
        for sink in sinks:
            folder = self.folder / sink
            held = {match[2]: int(match[1]) for _, match in _files(folder)}
            last = max(held.values(), default=0)
            for alert in alerts:
                if alert["alert_id"] not in held:
                    last += 1
                    held[alert["alert_id"]] = last
                    _write(Waiting(folder / f"{last:06d}-{alert['alert_id']}.json", alert))

    def waiting(self, sink: str, *, dead: bool = False) -> list[Waiting]:
        """What waits for a sink, or was given up, in its order. Raises StoreError where a file is damaged."""
        folder = self.folder / sink / DEAD if dead else self.folder / sink
        return [held for path, _ in _files(folder) if (held := _read(path)) is not None]

    def sinks(self) -> list[str]:
        """The sinks for which anything waits or was given up."""
        if not self.folder.is_dir():
            return []
        return sorted({path.relative_to(self.folder).parts[0] for path in self.folder.rglob("*.json")})

    def taken(self, one: Waiting) -> None:
        """The sink has the alert. Raises StoreError where the disk refuses."""
        try:
            one.path.unlink(missing_ok=True)
            sync_folder(one.path.parent)
        except OSError as error:
            raise StoreError(f"cannot remove ({error.strerror})", where=str(one.path)) from error

    def failed(self, one: Waiting, why: str, now: float, most: int, after: float = 0.0) -> Waiting:
        """The sink has it not: try again later, not before `after` seconds, or give it up after `most` tries."""
        tries = one.tries + 1
        pause = max(pause_of(str(one.alert.get("alert_id")), one.path.parent.name, tries), min(after, LONGEST_PAUSE))
        again = replace(one, tries=tries, next_at=now + pause, failed=why[:200])
        _write(again)
        return self._moved(again, again.path.parent / DEAD) if tries >= most else again

    def revive(self, sink: str) -> int:
        """Let everything that was given up for a sink wait again, marked as `late`: how much it was."""
        given_up = self.waiting(sink, dead=True)
        for one in given_up:
            again = replace(one, alert=one.alert | {"late": True}, tries=0, next_at=0.0)
            _write(again)
            self._moved(again, self.folder / sink)
        return len(given_up)

    def _moved(self, one: Waiting, folder: Path) -> Waiting:
        try:
            make_folder(folder)
            there = one.path.rename(folder / one.path.name)
            sync_folder(folder)
            sync_folder(one.path.parent)
        except OSError as error:
            raise StoreError(f"cannot move ({error.strerror})", where=str(one.path)) from error
        return replace(one, path=there)


def due(waiting: Sequence[Waiting], now: float) -> Iterator[Waiting]:
    """What may be tried now: no alert of a life overtakes an earlier one of it, so that a sink which holds an
    accusation hears last what is true now."""
    held: set[str] = set()
    for one in waiting:
        if one.next_at > now or one.life in held:
            held.add(one.life)
        else:
            yield one


def pause_of(alert_id: str, sink: str, tries: int) -> float:
    """Seconds until the next try: exponential, with a jitter of a fifth either way by hash of alert, sink and try."""
    grown = min(FIRST_PAUSE * GROWTH ** min(tries - 1, 20), LONGEST_PAUSE)
    drawn = hashlib.blake2b(f"{alert_id}|{sink}|{tries}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return grown * (0.8 + 0.4 * int.from_bytes(drawn, "big") / 2**64)


def _files(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    """The files of a folder that hold alerts, in order."""
    found = [(path, FILE.fullmatch(path.name)) for path in folder.glob("*.json")] if folder.is_dir() else []
    return sorted(((path, match) for path, match in found if match), key=lambda one: (int(one[1][1]), one[1][2]))


def _write(one: Waiting) -> None:
    held = {"alert": one.alert, "tries": one.tries, "next_at": one.next_at, "failed": one.failed}
    write_whole(one.path, json.dumps(held).encode("ascii"), 0o600)


def _read(path: Path) -> Waiting | None:
    """What a file holds; None where another process has taken it."""
    try:
        held = json.loads(path.read_bytes())
        return Waiting(path, dict(held["alert"]), int(held["tries"]), float(held["next_at"]), str(held["failed"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "an alert that waits cannot be read", where=str(path), found=type(error).__name__,
            next_step="look at the file, and remove it: the alert can be told again by removing watch/days=N/told",
        ) from error  # fmt: skip
