"""When agents act: people by the real human week in their own time zone, machines by real API customers' rates."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acting.acts import DAY, DAYS, SPAN, Account, Begun, Talk
from acting.chance import Dice

HOURS = DAYS * 24


def person_hours(week: NDArray[np.float64], account: Account, dice: Dice) -> NDArray[np.float64]:
    """Weights of the month's hours for one person: the human week, a shift of one's own, some days off."""
    shift = -account.offset + round(dice.gauss(0, 2.2))
    hours = np.resize(np.roll(week, shift), HOURS)
    present = dice.weighted(((0.25, 1), (0.45, 1), (0.7, 1), (0.95, 1)))
    for day in range(DAYS):
        if dice.random() > present:
            hours[day * 24 : day * 24 + 24] *= 0.02
    return hours


def machine_hours(machines: list[NDArray[np.float64]], dice: Dice) -> NDArray[np.float64]:
    """Weights of the month's hours for a program: the series of one real customer, begun on another day."""
    series = np.roll(machines[int(dice.random() * len(machines))], 24 * dice.whole(0, 13))
    return np.resize(series, HOURS)


def moments(hours: NDArray[np.float64], count: int, dice: Dice, born: float, until: float = SPAN) -> list[float]:
    """So many moments of the month, in order, none before the account was there."""
    weights = hours.copy()
    weights[: min(HOURS - 1, max(0, int(born // 3600) + 1))] = 0
    weights[max(1, int(until // 3600)) :] = 0
    total = weights.cumsum()
    if total[-1] <= 0:
        low = min(max(born, 0.0), until - 60)
        return sorted(low + dice.random() * max(until - low, 60.0) for _ in range(count))
    points = np.array([dice.random() for _ in range(count)]) * total[-1]
    cells = np.searchsorted(total, points, side="right").clip(0, HOURS - 1)
    return sorted((int(cell) + dice.random()) * 3600 for cell in cells)


def spread(talks: list[Talk], starts: list[float]) -> list[Begun]:
    """One talk at each start."""
    return [Begun(at, talk) for at, talk in zip(starts, talks, strict=False)]


def runs(talks: list[Talk], starts: list[float], pause: float, dice: Dice) -> list[Begun]:
    """A program's work: equal runs of talks, one run a start, a pause of some seconds between requests."""
    size = -(-len(talks) // max(1, len(starts)))
    plan = []
    for number, start in enumerate(starts):
        at = start
        for talk in talks[number * size : number * size + size]:
            plan.append(Begun(min(at, SPAN - 1), talk))
            at += dice.expovariate(1 / pause)
    return plan


def squeeze(plan: list[Begun]) -> list[Begun]:
    """The plan in order of time."""
    return sorted(plan, key=lambda begun: begun.at)


def gaps(plan: list[Begun]) -> list[float]:
    return [after.at - before.at for before, after in pairwise(plan)]


def day_of(at: float) -> int:
    return int(at // DAY)
