"""What runs at once on a group's budget: a lease for each request, which ends when the gateway says so, or by itself.

Who has its even part already leaves the last place to others: a member of a group that starts few requests is not kept
out by one that starts as many as there are.
"""

from typing import Protocol

LEASE = 600.0
"""Seconds after which a request that nobody ended is taken for ended."""

MOST_LEASES = 100_000
"""Requests of one group that may run at once, whatever its limit says."""


class Counts(Protocol):
    """Whoever counts what runs at once: one process, or several together."""

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """Let a member's request run, if there is a place among `limit`: whether there was. `asking` members share
        them. A request that runs already is let run again, and counts once."""

    def end(self, group: str, lease: str) -> None:
        """A request has ended. One that nobody knows of changes nothing."""

    def forget(self, now: float, most: int) -> None:
        """Drop what is over, and keep the state of so many groups at most."""

    def groups(self) -> int:
        """Of how many groups state is kept that `forget` can drop."""

    def __len__(self) -> int:
        """How many requests are known to run."""


def has_place(running: int, own: int, limit: int, asking: int) -> bool:
    """Whether one more of a member's requests may run, where `own` of those that are `running` are the member's."""
    most = min(limit, MOST_LEASES)
    has_its_part = asking > 1 and own * asking >= most
    return running < most - int(has_its_part)


class Leases:
    """The counts of one process."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, tuple[float, str]]] = {}
        self._own: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    def groups(self) -> int:
        """As Counts has it."""
        return len(self._held)

    def take(self, group: str, member: str, limit: int, asking: int, now: float, lease: str) -> bool:
        """As Counts has it."""
        held = self._held.get(group, {})
        while held and held[first := next(iter(held))][0] <= now:  # leases stand in the order in which they end
            self.end(group, first)
        running = self._held.get(group, {})
        if lease in running:
            self.end(group, lease)
        elif not has_place(len(running), self._own.get((group, member), 0), limit, asking):
            return False
        self._held.setdefault(group, {})[lease] = now + LEASE, member
        self._own[group, member] = self._own.get((group, member), 0) + 1
        return True

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
        least = sorted(self._held, key=lambda group: (len(self._held[group]), group))
        for group in least[: max(len(self._held) - most, 0)]:
            for lease in list(self._held[group]):
                self.end(group, lease)
