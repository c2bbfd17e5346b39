"""Budgets that the accounts of a confirmed group share: splitting work over more accounts buys nothing.

A rate is kept as one number a group: the time until which it is paid for (the generic cell rate algorithm, ITU-T
I.371). A burst of BURST seconds' worth goes through at once; beyond it a group gets its rate and no more. Where several
members ask, half of the rate is theirs one by one (`shares`): who has used that part waits until COMMON seconds' worth
are left to pay, who has not until BURST are, and so comes first. What is at once is counted by `leases`.

Clocks are passed in: monotonic seconds. Rates are one process's: of several workers each gets its share of every rate,
so together they never give more than the whole, and give less where connections are spread unevenly. What is at once is
counted by all workers together where they share `leases`, since the end of a request may be told to another one than
its beginning.
"""

from collections.abc import Mapping

from stillwatch.respond.leases import Counts, Leases
from stillwatch.respond.shares import Shares

BURST = 10.0
"""Seconds' worth of a rate that may come at once: a minute holds at most 7/6 of its rate, and one request."""

COMMON = 5.0
"""Seconds' worth of it that may come from members who have used their own part, where others ask as well."""

MOST_DEBT = 60.0
"""Seconds for which one request, however large it says it is, can use a rate up."""

SECONDS = {"requests_per_minute": 60.0, "tokens_per_minute": 60.0}
CONCURRENCY_WAIT = 1.0
"""Seconds to wait where too many run at once: nobody knows when one ends."""


class Budgets:
    """The budgets of this process. `share` is its part of each rate, `most` how many groups' state it keeps; `leases`
    count what is at once, where they are not this process's own. Of several workers that share none, none counts it."""

    def __init__(self, share: float = 1.0, most: int = 100_000, leases: Counts | None = None) -> None:
        self.share = share
        self.leases = leases if leases is not None else Leases()  # an empty table is false
        self.counts_at_once = share == 1.0 or leases is not None
        self.most = most
        self._paid: dict[tuple[str, str], float] = {}
        self._shares = Shares()
        self._taken = 0

    def __len__(self) -> int:
        return len(self._paid) + len(self.leases)

    def take(
        self, group: str, limits: Mapping[str, int], tokens: int, now: float, lease: str = "", member: str = ""
    ) -> float:
        """Charge one request to all limits of a group, or to none: 0 if it may go on, else the seconds to wait.

        `limits` has the names of a rate_limit's settings. `tokens` is an estimate, 0 where nobody made one. Without a
        `lease` (a name of the request) what is at once is not counted: nobody would say when it ends. `member` is who
        of the group asks; without it nobody has a part of his own.
        """
        asking = self._shares.asking(group, member, now) if member else 1
        costs = {name: self._cost(name, limits[name], tokens) for name in SECONDS if name in limits}
        wait = max((self._wait(group, name, member, asking, now) for name in costs), default=0.0)
        counted = bool(lease) and self.counts_at_once and "concurrency" in limits
        if not wait and counted and not self.leases.take(group, member, limits["concurrency"], asking, now, lease):
            wait = CONCURRENCY_WAIT
        if wait > 0:
            return wait
        for name, cost in costs.items():
            self._paid[group, name] = max(self._paid.get((group, name), now), now) + cost
            if member and cost:
                self._shares.charge(group, name, member, cost, asking, now)
        self._keep_bounded(now)
        return 0.0

    def end(self, group: str, lease: str) -> None:
        """A request has ended. One that nobody knows of changes nothing."""
        self.leases.end(group, lease)

    def _cost(self, name: str, limit: int, tokens: int) -> float:
        """Seconds of a rate that a request is."""
        amount = tokens if name == "tokens_per_minute" else 1
        return min(amount * SECONDS[name] / max(limit * self.share, 1e-9), MOST_DEBT) if amount > 0 else 0.0

    def _wait(self, group: str, name: str, member: str, asking: int, now: float) -> float:
        ahead = self._paid.get((group, name), now) - now
        first = max(ahead - BURST, 0.0)
        if asking == 1 or not member:
            return first
        own = self._shares.wait(group, name, member, now)
        return max(first, min(own, max(ahead - COMMON, 0.0)))

    def _keep_bounded(self, now: float) -> None:
        """Now and then drop what is over, then the groups that owe least, down to nine tenths of `most`."""
        self._taken += 1
        if max(len(self._paid), self.leases.groups(), self._taken) <= self.most:
            return
        self._taken = 0
        most = self.most * 9 // 10
        self._paid = {key: until for key, until in self._paid.items() if until > now}
        for owed in sorted(self._paid, key=lambda key: (self._paid[key], key))[: max(len(self._paid) - most, 0)]:
            del self._paid[owed]
        self._shares.forget(now, most)
        self.leases.forget(now, most)
