"""What runs at once on a group's budget: a lease for each request, which ends when the gateway says so, or by itself.

A member that is sent away waits, and keeps its turn while it asks again: a place that is free is for the one that has
waited longest, of those that have less than their even part. So neither who starts as many requests as there are, nor
who asks without a pause, keeps others out. Where nobody waits, no place is kept free.
"""

import math
from typing import Protocol

LEASE = 600.0
"""Seconds after which a request that nobody ended is taken for ended."""

WAITING = 10.0
"""Seconds for which a member that was sent away counts as one that waits, unless it asks again."""

MOST_LEASES = 100_000
"""Requests of one group that may run at once, whatever its limit says."""


class Counts(Protocol):
    """Whoever counts what runs at once: one process, or several together. `uncounted` requests were let run and not
    counted."""

    uncounted: int

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """Let a member's request run, if there is a place among `limit`: whether there was. `asking` members share
        them, or more where more are known here. A request that runs already is let run again, and counts once. Who is
        sent away with less than its part waits."""

    def end(self, group: str, lease: str) -> None:
        """A request has ended. One that nobody knows of changes nothing."""

    def forget(self, now: float, most: int) -> None:
        """Drop what is over, and keep the state of so many groups at most."""

    def groups(self) -> int:
        """Of how many groups state is kept that `forget` can drop."""

    def __len__(self) -> int:
        """How many requests are known to run."""


def has_its_part(own: int, limit: int, asking: int) -> bool:
    """Whether a member of whom `own` requests run has its even part of what may run."""
    return own * asking >= min(limit, MOST_LEASES)


def has_place(running: int, limit: int, ahead: int) -> bool:
    """Whether one more request may run beside those that are `running`, where `ahead` members come first."""
    return running + ahead < min(limit, MOST_LEASES)


class Leases:
    """The counts of one process."""

    uncounted = 0

    def __init__(self) -> None:
        self._held: dict[str, dict[str, tuple[float, str]]] = {}
        self._own: dict[str, dict[str, int]] = {}
        self._waits: dict[str, dict[str, tuple[float, float]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    def groups(self) -> int:
        """As Counts has it."""
        return max(len(self._held), len(self._waits))

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """As Counts has it."""
        held = self._held.get(group, {})
        while held and held[first := next(iter(held))][0] <= now:  # leases stand in the order in which they end
            self.end(group, first)
        running = self._held.get(group, {})
        if lease in running:
            self.end(group, lease)
        elif not self._may(group, member, len(running), limit, asking, now):
            return False
        self._waits.get(group, {}).pop(member, None)
        self._held.setdefault(group, {})[lease] = now + LEASE, member
        owned = self._own.setdefault(group, {})
        owned[member] = owned.get(member, 0) + 1
        return True

    def _may(self, group: str, member: str, running: int, limit: int, asking: int, now: float) -> bool:
        """Whether a member has a place; who is sent away with less than its part waits from its first time on."""
        waits, owned = self._waiting(group, now), self._own.get(group, {})
        if not waits and has_place(running, limit, 0):
            return True
        asking = max(asking, len(owned.keys() | waits.keys() | {member}))
        has_part = has_its_part(owned.get(member, 0), limit, asking)
        since = waits[member][0] if member in waits and not has_part else math.inf
        ahead = (name for name, (began, _) in waits.items() if began < since and name != member)
        if has_place(running, limit, sum(not has_its_part(owned.get(name, 0), limit, asking) for name in ahead)):
            return True
        if not has_part:
            self._waits.setdefault(group, {})[member] = min(since, now), now + WAITING
        return False

    def _waiting(self, group: str, now: float) -> dict[str, tuple[float, float]]:
        """Members that were sent away and have asked a moment ago: since when they wait, and until when that holds."""
        if group not in self._waits:
            return {}
        held = {name: wait for name, wait in self._waits[group].items() if wait[1] > now}
        self._waits[group] = held
        if not held:
            del self._waits[group]
        return held

    def end(self, group: str, lease: str) -> None:
        """As Counts has it."""
        held = self._held.get(group)
        ended = held.pop(lease, None) if held else None
        if held is None or ended is None:
            return
        owned = self._own[group]
        owned[ended[1]] -= 1
        if not owned[ended[1]]:
            del owned[ended[1]]
        if not held:
            del self._held[group], self._own[group]

    def forget(self, now: float, most: int) -> None:
        """As Counts has it; the groups of which the fewest requests run go first."""
        for group, held in list(self._held.items()):
            for lease in [name for name, (until, _) in held.items() if until <= now]:
                self.end(group, lease)
        for group in list(self._waits):
            self._waiting(group, now)
        for group in sorted(self._waits)[most:]:
            del self._waits[group]
        least = sorted(self._held, key=lambda group: (len(self._held[group]), group))
        for group in least[: max(len(self._held) - most, 0)]:
            for lease in list(self._held[group]):
                self.end(group, lease)
