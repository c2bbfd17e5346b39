"""How much an account does here: requests and tokens a minute, and how much at once.

Each gateway counts what passes through it; a budget that a group shares is counted by the service, which then denies.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from stillwatch_gateway.answers import Obligation

MINUTE = 60.0

LONGEST_RUN = 900.0
"""Seconds after which a request counts as ended even if nobody said so: a lost end must not lock an account out."""


@dataclass
class _Use:
    """What is left of an account's minute, when that was reckoned, and since when what runs does so."""

    requests: float
    tokens: float
    at: float
    running: list[float] = field(default_factory=list)


class Limiter:
    """Token buckets by account, refilled evenly; the least lately used forgotten first, but none that runs."""

    def __init__(self, size: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def takes(self, who: str, limit: Obligation, tokens: int, *, counted: bool = False) -> float:
        """Take one request from what an account has left: 0, or after how many seconds it may come again.

        A request that is larger than a whole minute's tokens passes when the bucket is full, and empties it. What the
        service has `counted` is noted and refused by no minute of ours: whoever comes again when it said so would be
        charged there, and sent away here.
        """
        requests, most = limit.number("requests_per_minute"), limit.number("tokens_per_minute")
        at_once = limit.number("concurrency")
        with self._lock:
            use = self._refilled(who, requests, most)
            asked = min(tokens, most) if most else 0
            use.running = [since for since in use.running if since > use.at - LONGEST_RUN]
            if at_once is not None and len(use.running) >= at_once:
                return 1.0
            waits = [
                (1 - use.requests) * MINUTE / requests if requests else 0.0,
                (asked - use.tokens) * MINUTE / most if most else 0.0,
            ]
            if max(waits) > 1e-9 and not counted:
                return max(waits)
            use.requests = max(use.requests - 1, 0.0) if requests else 0.0
            use.tokens = max(use.tokens - asked, 0.0)
            use.running += [use.at] if at_once is not None else []
            return 0.0

    def gives_back(self, who: str, limit: Obligation) -> None:
        """A request has ended."""
        with self._lock:
            if limit.number("concurrency") is not None and (use := self._uses.get(who)) is not None:
                del use.running[:1]

    def _refilled(self, who: str, requests: int | None, most: int | None) -> _Use:
        now = self._clock()
        use = self._uses.get(who)
        if use is None:
            use = self._uses[who] = _Use(float(requests or 0), float(most or 0), now)
            self._forget()
        self._uses.move_to_end(who)
        passed = max(now - use.at, 0.0) / MINUTE
        use.requests = min(use.requests + passed * (requests or 0), float(requests or 0))
        use.tokens = min(use.tokens + passed * (most or 0), float(most or 0))
        use.at = now
        return use

    def _forget(self) -> None:
        if len(self._uses) > self._size:
            oldest = next(iter(self._uses))
            if self._uses[oldest].running:
                self._uses.move_to_end(oldest)
            else:
                del self._uses[oldest]
