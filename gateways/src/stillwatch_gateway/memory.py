"""What is remembered between questions: decisions by account, and whether the service is worth asking."""

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass

from stillwatch_gateway.answers import Decision


@dataclass(frozen=True)
class Kept:
    """A decision, until when it may be used as it is, and until when where the service cannot be asked."""

    decision: Decision
    fresh_until: float
    stale_until: float


class Cache:
    """Decisions by account, the least lately used of them forgotten first.

    Those that bind have a place of their own, so that a flood of accounts that nothing is in force against (or of keys
    that nobody has) cannot make a gateway forget them.
    """

    def __init__(self, size: int, longest: float, stale_for: float) -> None:
        self._size = size
        self._longest = longest
        self._stale_for = stale_for
        self._lock = threading.Lock()
        self._held: dict[bool, OrderedDict[str, Kept]] = {True: OrderedDict(), False: OrderedDict()}

    def put(self, who: str, decision: Decision, now: float) -> None:
        """Remember a decision for its ttl, and a bounded time beyond it for when the service is not there; never beyond
        the end of what it says."""
        until = now + min(decision.ttl, self._longest)
        with self._lock:
            self._held[not decision.binding].pop(who, None)
            held = self._held[decision.binding]
            held[who] = Kept(decision, until, min(until + self._stale_for, now + decision.ends))
            held.move_to_end(who)
            while len(held) > self._size:
                held.popitem(last=False)

    def get(self, who: str, now: float, *, stale: bool = False) -> Decision | None:
        """The decision about an account that may be used now; with `stale` also one whose ttl is over."""
        with self._lock:
            for held in self._held.values():
                if (kept := held.get(who)) is not None:
                    if now >= kept.stale_until:
                        del held[who]
                        return None
                    held.move_to_end(who)
                    if now < kept.fresh_until:
                        return kept.decision
                    return kept.decision.beyond_its_time() if stale else None
        return None

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))


class Breaker:
    """Opens after so many failures in a row that lasted so long; then one question a pause tries again, and each
    failure of it doubles the pause.

    While it is open a dead service costs nothing but that one question. A burst of questions that all come too late at
    one moment does not open it: else whoever can send a burst could.
    """

    def __init__(self, after: int, over: float, pause: float, longest: float) -> None:
        self._after = after
        self._over = over
        self._first = pause
        self._longest = longest
        self._lock = threading.Lock()
        self._failures = 0
        self._since = 0.0
        self._pause = pause
        self._next = 0.0
        self._open = False
        self._trying = False

    def lets(self, now: float) -> bool:
        """Whether this question may go out. Where one is let through to try, others are not until the next pause."""
        with self._lock:
            if not self._open:
                return True
            if now < self._next:
                return False
            self._next = now + self._pause
            self._trying = True
            return True

    def worked(self) -> None:
        """The service answered."""
        with self._lock:
            self._failures, self._pause, self._open, self._trying = 0, self._first, False, False

    def failed(self, now: float) -> None:
        """The service did not. Questions that were under way when it opened do not make the pause longer."""
        with self._lock:
            if not self._failures:
                self._since = now
            self._failures += 1
            if self._open and self._trying:
                self._trying = False
                self._pause = min(self._pause * 2, self._longest)
                self._next = now + self._pause
            elif not self._open and self._failures >= self._after and now - self._since >= self._over:
                self._open = True
                self._next = now + self._pause

    @property
    def is_open(self) -> bool:
        """Whether the service counts as dead."""
        return self._open


class Counters:
    """Counts of what happened, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, many: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[name] += many

    def told(self) -> dict[str, int]:
        """All counts so far, by name in order."""
        with self._lock:
            return dict(sorted(self._counts.items()))
