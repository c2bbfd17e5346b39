"""What is asked next: a campaign's stock of items, each handed out once, or twice as homework is, or stage by stage."""

from collections import deque
from dataclasses import dataclass

from stillwatch.worlds import calendar
from stillwatch.worlds.chance import Dice
from stillwatch.worlds.scenario import Campaign


@dataclass(frozen=True)
class Task:
    """An aim, by its place among the campaign's, and an item."""

    aim: int
    item: int


class Stock:
    """Items in their order; where the campaign repeats items, some go out once more by another account."""

    def __init__(self, campaign: Campaign) -> None:
        self._shares = [share for _, share in campaign.aims]
        self._repeated = campaign.disguise.repeated
        self._again: deque[tuple[int, Task]] = deque()
        self._next = 0
        self.repeats = 0

    def take(self, account: int, moment: int, dice: Dice) -> Task:
        """What an account asks next."""
        if self._again and self._again[0][0] != account and dice.true(self._repeated):
            self.repeats += 1
            return self._again.popleft()[1]
        task = Task(self._drawn(dice), self._next)
        self._next += 1
        if self._repeated:
            self._again.append((account, task))
        return task

    def _drawn(self, dice: Dice) -> int:
        point = dice.unit()
        for place, share in enumerate(self._shares):
            point -= share
            if point < 0:
                return place
        return len(self._shares) - 1


class Line:
    """Items that pass every stage, each on another account, a day and more apart. Take in order of time."""

    repeats = 0

    def __init__(self, campaign: Campaign) -> None:
        self._waiting: list[deque[tuple[int, int, int]]] = [deque() for _ in campaign.aims]
        self._next = 0

    def take(self, account: int, moment: int, dice: Dice) -> Task:
        """The farthest stage for which an item is ready, or a new item."""
        for stage in range(len(self._waiting) - 1, 0, -1):
            line = self._waiting[stage]
            if line and line[0][0] <= moment and line[0][1] != account:
                return self._pass_on(stage, line.popleft()[2], account, moment, dice)
        self._next += 1
        return self._pass_on(0, self._next - 1, account, moment, dice)

    def _pass_on(self, stage: int, item: int, account: int, moment: int, dice: Dice) -> Task:
        if stage + 1 < len(self._waiting):
            ready = moment + int(dice.between(24, 60) * calendar.HOUR)
            self._waiting[stage + 1].append((ready, account, item))
        return Task(stage, item)
