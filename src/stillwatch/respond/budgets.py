"""Budgets that the accounts of a confirmed group share: splitting work over more accounts buys nothing.

A rate is kept as one number a group: the time until which it is paid for (the generic cell rate algorithm, ITU-T
I.371). A burst of BURST seconds' worth goes through at once; beyond it a group gets its rate and no more. What is at
once is counted by leases, which end when the gateway says so, or after LEASE seconds.

Clocks are passed in: monotonic seconds. State is one process's: of several workers each gets its share of every rate,
so together they never give more than the whole, and give less where connections are spread unevenly. What is at once is
counted by a single worker alone: the end of a request may be told to another one than its beginning.
"""

from collections.abc import Mapping

BURST = 10.0
"""Seconds' worth of a rate that may come at once: a minute holds at most 7/6 of its rate, and one request."""

MOST_DEBT = 60.0
"""Seconds for which one request, however large it says it is, can use a rate up."""

LEASE = 600.0
"""Seconds after which a request that nobody ended is taken for ended."""

MOST_LEASES = 100_000
"""Requests of one group that may run at once, whatever its limit says."""

SECONDS = {"requests_per_minute": 60.0, "tokens_per_minute": 60.0}
CONCURRENCY_WAIT = 1.0
"""Seconds to wait where too many run at once: nobody knows when one ends."""


class Budgets:
    """The budgets of this process. `share` is its part of each rate, `most` how many groups' state it keeps."""

    def __init__(self, share: float = 1.0, most: int = 100_000) -> None:
        self.share = share
        self.counts_at_once = share == 1.0
        self.most = most
        self._paid: dict[tuple[str, str], float] = {}
        self._leases: dict[str, dict[str, float]] = {}

    def __len__(self) -> int:
        return len(self._paid) + sum(map(len, self._leases.values()))

    def take(self, group: str, limits: Mapping[str, int], tokens: int, now: float, lease: str = "") -> float:
        """Charge one request to all limits of a group, or to none: 0 if it may go on, else the seconds to wait.

        `limits` has the names of a rate_limit's settings. `tokens` is an estimate, 0 where nobody made one. Without a
        `lease` (a name of the request) what is at once is not counted: nobody would say when it ends.
        """
        charged = {name: self._after(group, name, limits[name], tokens, now) for name in SECONDS if name in limits}
        wait = max((self._wait(group, name, now) for name in charged), default=0.0)
        if lease and self.counts_at_once and "concurrency" in limits:
            wait = max(wait, self._crowded(group, limits["concurrency"], now, lease))
        if wait > 0:
            return wait
        for name, until in charged.items():
            self._paid[group, name] = until
        if lease and self.counts_at_once and "concurrency" in limits:
            held = self._leases.setdefault(group, {})
            held.pop(lease, None)
            held[lease] = now + LEASE
        if len(self._paid) > self.most or len(self._leases) > self.most:
            self._forget(now)
        return 0.0

    def end(self, group: str, lease: str) -> None:
        """A request has ended. One that nobody knows of changes nothing."""
        held = self._leases.get(group, {})
        held.pop(lease, None)
        if not held:
            self._leases.pop(group, None)

    def _after(self, group: str, name: str, limit: int, tokens: int, now: float) -> float:
        """Until when the rate is paid for if this request is charged."""
        amount = tokens if name == "tokens_per_minute" else 1
        cost = min(amount * SECONDS[name] / max(limit * self.share, 1e-9), MOST_DEBT) if amount > 0 else 0.0
        return max(self._paid.get((group, name), now), now) + cost

    def _wait(self, group: str, name: str, now: float) -> float:
        ahead = self._paid.get((group, name), now) - now
        return ahead - BURST if ahead > BURST else 0.0

    def _crowded(self, group: str, limit: int, now: float, lease: str) -> float:
        held = self._leases.get(group)
        if not held:
            return 0.0
        while held and held[first := next(iter(held))] <= now:  # leases stand in the order in which they end
            del held[first]
        most = min(limit, MOST_LEASES)
        return 0.0 if lease in held or len(held) < most else CONCURRENCY_WAIT

    def _forget(self, now: float) -> None:
        """Drop what is paid for, then the groups that owe least, down to nine tenths of what may be kept."""
        self._paid = {key: until for key, until in self._paid.items() if until > now}
        running = {group: {n: t for n, t in held.items() if t > now} for group, held in self._leases.items()}
        self._leases = {group: held for group, held in running.items() if held}
        most = self.most * 9 // 10
        for owed in sorted(self._paid, key=lambda key: (self._paid[key], key))[: max(len(self._paid) - most, 0)]:
            del self._paid[owed]
        for group in sorted(self._leases, key=lambda g: (len(self._leases[g]), g))[: max(len(self._leases) - most, 0)]:
            del self._leases[group]
