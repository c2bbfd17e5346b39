"""Each member's own part of a group's budget, so that no member is starved by the others.

Half of a group's rate belongs to its members one by one: of `n` that ask, each has a part of 1/n of that half, and who
has not used it comes before those who have. It is a part of the group's rate and not beside it: who splits work over
more accounts gets no more of it.
"""

ASKING = 60.0
"""Seconds for which a member counts among those that ask."""

HALF = 2.0
"""One over the part of a rate that belongs to members one by one."""

LONGEST = 3600.0
"""Seconds for which one request can use a member's own part up."""


class Shares:
    """Which members ask on each group's budget, and when each has its own part again. Monotonic seconds."""

    def __init__(self) -> None:
        self._asked: dict[str, dict[str, float]] = {}
        self._own: dict[tuple[str, str, str], float] = {}

    def __len__(self) -> int:
        return len(self._own) + sum(map(len, self._asked.values()))

    def asking(self, group: str, member: str, now: float) -> int:
        """A member asks: how many members of the group do, this one counted."""
        held = self._asked.setdefault(group, {})
        held.pop(member, None)
        held[member] = now
        while held[first := next(iter(held))] <= now - ASKING:  # members stand in the order in which they asked last
            del held[first]
        return len(held)

    def wait(self, group: str, name: str, member: str, now: float) -> float:
        """Seconds until the member's own part of a rate is there again; 0 where it is."""
        return max(self._own.get((group, name, member), now) - now, 0.0)

    def charge(self, group: str, name: str, member: str, cost: float, asking: int, now: float) -> None:
        """A request of the member was let through, for `cost` seconds of the group's rate, where so many ask."""
        own = group, name, member
        self._own[own] = max(self._own.get(own, now), now) + min(cost * HALF * asking, LONGEST)

    def forget(self, now: float, most: int) -> None:
        """Drop what is over, and keep so many parts and groups at most: those that were used most, or asked last."""
        self._own = {own: until for own, until in self._own.items() if until > now}
        for own in sorted(self._own, key=lambda one: (self._own[one], one))[: max(len(self._own) - most, 0)]:
            del self._own[own]
        self._asked = {g: held for g, held in self._asked.items() if next(reversed(held.values())) > now - ASKING}
        oldest = sorted(self._asked, key=lambda group: (next(reversed(self._asked[group].values())), group))
        for group in oldest[: max(len(self._asked) - most, 0)]:
            del self._asked[group]
