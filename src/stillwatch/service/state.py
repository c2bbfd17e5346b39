"""What one worker holds to answer with, and the thread that keeps it new, off the way of requests."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillwatch.errors import StoreError
from stillwatch.records import InForce
from stillwatch.respond.budgets import Budgets
from stillwatch.respond.decide import Ask, Ruling, Timing, budget_of, decide
from stillwatch.service.auth import Doors, read_tokens, tokens_file
from stillwatch.service.clock import SECOND, Clock
from stillwatch.service.leases import SharedLeases
from stillwatch.service.realtime import raise_threads
from stillwatch.service.wire import End, Question, encoded
from stillwatch.store.decisions import Current, snapshot_key
from stillwatch.store.manifest import MANIFEST
from stillwatch.store.names import Names, names_of

LOGGED = 10_000
"""Decisions that the log remembers: of actions that spoke, or would have."""

LOOK = 1.0
"""Seconds between two looks at the pointer, the tokens and the clock."""

PAUSE = 0.001
"""Seconds of rest between parts of a snapshot that is checked: a request in between waits for one part at most."""

log = logging.getLogger("stillwatch.service")


@dataclass(frozen=True)
class Config:
    """How a worker is set: the store, delay and ttl in seconds, how many workers share each budget, and the `most`
    decisions that one gives in a second. `appeal_url` is where customers appeal against what is proposed over HTTP,
    `leases` the table in which several workers count what runs at once (service.leases)."""

    store: Path
    delay: int = 900
    ttl: int = 30
    workers: int = 1
    most: int = 6000
    key_file: Path | None = None
    casebook: str | None = None
    realtime: bool = False
    appeal_url: str = ""
    leases: Path | None = None

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Config":
        """A configuration as JSON has it."""
        places = {name: Path(held[name]) for name in ("store", "key_file", "leases") if name in held}
        return cls(**{**held, **places})


class State:
    """One worker's state. Requests read it; only the keeper's thread exchanges parts of it, each by one assignment."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or Clock()
        self.current = Current(config.store)
        self.doors = Doors()
        shared = SharedLeases(config.leases) if config.leases else None
        self.budgets = Budgets(1.0 / max(config.workers, 1), leases=shared)
        self.timing = Timing(b"", config.delay, config.ttl)
        self.log: deque[bytes] = deque(maxlen=LOGGED)
        self.counts: dict[str, int] = {}
        self.fault = ""
        self.keys_fault = ""
        self._doors_seen: tuple[int, int, int] | None = None
        self._manifest_seen: tuple[int, int, int] | None = None
        self._names = Names({}, every=False)

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "State":
        """A state from its configuration as JSON has it."""
        return cls(Config.of(held))

    # ------------------------------------------------------------------------------------------------ deciding

    def rows(self, account_id: str | None, api_key_id: str | None) -> tuple[InForce, ...]:
        """The actions about an account or a key. Where only a key is named it may also be the account itself: logs of
        gateways without accounts say so."""
        snapshot = self.current.snapshot
        if snapshot is None:
            return ()
        held = self._found(snapshot.find, account_id) if account_id else ()
        if api_key_id:
            named = {one.action_id for one in held}
            more = self._found(snapshot.find_key, api_key_id)
            more = more or (() if account_id else self._found(snapshot.find, api_key_id))
            held = (*held, *(one for one in more if one.action_id not in named))
        return held

    def _found(self, find: Callable[[str], tuple[InForce, ...]], name: str) -> tuple[InForce, ...]:
        """What a snapshot has of a name, under each name by which the store keeps it."""
        kept = self._names(name)
        return find(name) if len(kept) == 1 else tuple(one for each in kept for one in find(each))

    def decide(self, asked: Question) -> Ruling:
        """The decision about one question; what spoke, or would have, goes to the log."""
        held = self.rows(asked.account_id, asked.api_key_id)
        who = asked.account_id or asked.api_key_id or ""
        lease = f"{who}\0{asked.request_id}" if asked.reports_end else ""
        ask = Ask(who, asked.request_id, asked.estimated_tokens or 0, lease)
        now = self.clock.now()
        ruling = decide(ask, held, now, self.timing, self.budgets, time.monotonic())
        self.counts[ruling.decision.verdict] = self.counts.get(ruling.decision.verdict, 0) + 1
        if ruling.enforced or ruling.shadow:
            self.log.append(logged(now, asked, ruling, self._names))
        return ruling

    def end(self, said: End) -> None:
        """A request has ended: what a group runs at once is one less."""
        who = said.account_id or said.api_key_id or ""
        for one in self.rows(said.account_id, said.api_key_id):
            self.budgets.end(budget_of(one), f"{who}\0{said.request_id}")

    # ------------------------------------------------------------------------------------------------ keeping

    def load(self) -> None:
        """Read all before the first request."""
        self._manifest_seen = _stamp(self.config.store / MANIFEST)
        self._read_names()
        self.look()

    def look(self, pause: float = 0.0) -> None:
        """Read what has changed on disk. Whatever is damaged leaves what was there before, and is told once."""
        self._look_at_tokens()
        self._look_at_keys()
        before = self.current.fault
        if self.current.look((lambda: time.sleep(pause)) if pause else None):
            self._new_snapshot()
        if self.current.fault and self.current.fault != before:
            log.error("%s", self.current.fault)
        if self.clock.look():
            log.warning("the machine's clock has jumped and stayed: it is followed")

    def _new_snapshot(self) -> None:
        snapshot = self.current.snapshot
        self.timing = Timing(snapshot_key(self.config.store), self.config.delay, self.config.ttl)
        log.info("snapshot %s: %d rows", snapshot.path.name if snapshot else "", len(snapshot or ()))

    def _look_at_keys(self) -> None:
        """A new epoch has new pseudonyms, and one whose key was destroyed has none any more."""
        stamp = _stamp(self.config.store / MANIFEST)
        if stamp == self._manifest_seen:
            return
        try:
            self._read_names()
            self._manifest_seen, self.keys_fault = stamp, ""
        except StoreError as error:
            if not self.keys_fault:
                log.error("%s", error)
            self.keys_fault = str(error)

    def _read_names(self) -> None:
        self._names = names_here(self.config)
        if self._names.lost:
            log.warning("ids that look like API keys are not found, since the key is not there: %s", self._names.lost)

    def _look_at_tokens(self) -> None:
        stamp = _stamp(tokens_file(self.config.store))
        if stamp == self._doors_seen:
            return
        self._doors_seen = stamp
        try:
            self.doors = Doors(read_tokens(self.config.store))
            self.fault = ""
        except StoreError as error:
            self.fault = str(error)
            log.error("%s", error)

    def _faults(self) -> list[str]:
        return [fault for fault in (self.current.fault, self.fault, self.keys_fault) if fault]

    @property
    def ready(self) -> bool:
        """Whether it answers from a whole snapshot that is the newest, and lets somebody in."""
        return self.current.snapshot is not None and not self._faults() and len(self.doors) > 0

    def told(self) -> dict[str, Any]:
        """What an operator asks of this worker; names no account."""
        snapshot = self.current.snapshot
        made = snapshot.made_at / SECOND if snapshot else None
        return {
            "ready": self.ready, "rows": len(snapshot) if snapshot else 0, "snapshot_made_at": made,
            "snapshot_age_s": round(self.clock.now() / SECOND - made, 3) if made is not None else None,
            "faults": [fault.split("\n")[0] for fault in self._faults()],
            "tokens": len(self.doors), "decisions": dict(sorted(self.counts.items())), "logged": len(self.log),
            "budgets": len(self.budgets), "uncounted": self.budgets.leases.uncounted,
        }  # fmt: skip


def _stamp(place: Path) -> tuple[int, int, int]:
    """What tells one state of a file from the next."""
    try:
        seen = place.stat()
    except OSError:
        return 0, 0, 0
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def names_here(config: Config) -> Names:
    """How the store names an id that a gateway has from the logs.

    Raises StoreError where every id is a pseudonym and the current epoch's key is lost: then no action would ever be
    found.
    """
    names = names_of(config.store, config.key_file)
    if names.lost and names.every:
        raise StoreError(
            "without its key a pseudonymous store does not tell who is who", where=str(config.store), found=names.lost
        )
    return names


def logged(now: int, asked: Question, ruling: Ruling, names: Names) -> bytes:
    """What the log keeps of a decision, as JSON: bytes, which the garbage collector need not walk over. Of what looks
    like an API key it keeps the pseudonym."""
    account, key = (one and names.unkeyed(one) for one in (asked.account_id, asked.api_key_id))
    told = {
        "at": now, "decision_id": ruling.decision.decision_id, "account_id": account,
        "api_key_id": key, "request_id": asked.request_id, "operation": asked.operation,
        "verdict": ruling.decision.verdict, "enforced": [_named(one) for one in ruling.enforced],
        "shadow": [_named(one) for one in ruling.shadow],
    }  # fmt: skip
    return encoded(told)


def _named(one: InForce) -> dict[str, Any]:
    policy = {"id": one.policy.id, "version": one.policy.version, "hash": one.policy.hash}
    return {"action_id": one.action_id, "rung": one.rung.name.lower(), "campaign_id": one.group, "policy": policy}


class Keeper(threading.Thread):
    """Looks at the disk each second. A daemon: it ends with the process."""

    def __init__(self, state: State) -> None:
        super().__init__(name="stillwatch-keeper", daemon=True)
        self._state = state
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until `stop`."""
        if self._state.config.realtime and (fault := raise_threads()):
            log.error("%s", fault)
        while not self._ended.wait(LOOK):
            try:
                self._state.look(PAUSE)
            except Exception as error:  # the keeper must not die: without it no new snapshot is read
                log.error("the keeper's look failed: %s", type(error).__name__)

    def stop(self) -> None:
        """End it at its next look."""
        self._ended.set()
