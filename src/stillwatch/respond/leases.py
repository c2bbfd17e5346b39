"""What runs at once on a group's budget: a lease for each request, which ends when the gateway says so, or by itself.

Who has its even part already leaves the last place to members that were sent away: who starts few requests is not kept
out by who starts as many as there are. Where nobody waits, no place is kept free.
"""

from typing import Protocol

LEASE = 600.0
"""Seconds after which a request that nobody ended is taken for ended."""

WAITING = 10.0
"""Seconds for which a member that was sent away counts as one that waits."""

MOST_LEASES = 100_000
"""Requests of one group that may run at once, whatever its limit says."""


class Counts(Protocol):
    """Whoever counts what runs at once: one process, or several together."""

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """Let a member's request run, if there is a place among `limit`: whether there was. `asking` members share
        them. A request that runs already is let run again, and counts once. Who is sent away with less than its part
        counts as waiting."""

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


def has_place(running: int, own: int, limit: int, asking: int, others_wait: bool) -> bool:
    """Whether one more of a member's requests may run, where `own` of those that are `running` are the member's."""
    kept = others_wait and has_its_part(own, limit, asking)
    return running < min(limit, MOST_LEASES) - int(kept)


class Leases:
    """The counts of one process."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, tuple[float, str]]] = {}
        self._own: dict[tuple[str, str], int] = {}
        self._waits: dict[str, dict[str, float]] = {}

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
        else:
            own, others_wait = self._own.get((group, member), 0), self._others_wait(group, member, now)
            if not has_place(len(running), own, limit, asking, others_wait):
                if not has_its_part(own, limit, asking):
                    self._waits.setdefault(group, {})[member] = now + WAITING
                return False
        self._waits.get(group, {}).pop(member, None)
        self._held.setdefault(group, {})[lease] = now + LEASE, member
        self._own[group, member] = self._own.get((group, member), 0) + 1
        return True

    def _others_wait(self, group: str, member: str, now: float) -> bool:
        """Whether another member was sent away a moment ago, and has not come in since."""
        held = {name: until for name, until in self._waits.get(group, {}).items() if until > now}
        if group in self._waits:
            self._waits[group] = held
            if not held:
                del self._waits[group]
        return any(name != member for name in held)

    def end(self, group: str, lease: str) -> None:
        """As Counts has it."""
        held = self._held.get(group)
        ended = held.pop(lease, None) if held else None
        if held is None or ended is None:
            return
        own = group, ended[1]
        self._own[own] -= 1
        if not self._own[own]:
            del self._own[own]
        if not held:
            del self._held[group]

    def forget(self, now: float, most: int) -> None:
        """As Counts has it; the groups of which the fewest requests run go first."""
        for group, held in list(self._held.items()):
            for lease in [name for name, (until, _) in held.items() if until <= now]:
                self.end(group, lease)
        for group in list(self._waits):
            self._others_wait(group, "", now)
        for group in sorted(self._waits)[most:]:
            del self._waits[group]
        least = sorted(self._held, key=lambda group: (len(self._held[group]), group))
        for group in least[: max(len(self._held) - most, 0)]:
            for lease in list(self._held[group]):
                self.end(group, lease)
