"""When people and machines are active: the simulated month, and rhythms within it.

Machines follow the hourly rates of real API customers (ServeGen); people follow day and week in their own time zone,
with days that differ heavily from each other, as measured customers' do.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

START = datetime(2026, 10, 5, tzinfo=UTC)
"""A Monday."""
DAYS = 28
HOURS = DAYS * 24
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
START_US = int(START.timestamp()) * SECOND
END_US = START_US + DAYS * DAY

RELEASES = (
    ("aster-4", datetime(2026, 3, 10, 16, tzinfo=UTC)),
    ("aster-4-mini", datetime(2026, 6, 2, 16, tzinfo=UTC)),
    ("aster-5", datetime(2026, 10, 21, 17, tzinfo=UTC)),
)
RELEASED_US = int(RELEASES[-1][1].timestamp()) * SECOND
"""When the newest model came out, within the month."""

OFFSETS = {
    "US": -6, "CA": -5, "MX": -6, "BR": -3, "GB": 0, "DE": 1, "FR": 1, "NL": 1, "ES": 1, "IT": 1, "PL": 1, "SE": 1,
    "CH": 1, "UA": 2, "TR": 3, "IN": 5, "ID": 7, "VN": 7, "CN": 8, "HK": 8, "SG": 8, "TW": 8, "JP": 9, "KR": 9,
    "AU": 10,
}  # fmt: skip

Array = npt.NDArray[Any]


def _day(peaks: dict[int, float], floor: float, width: float) -> Array:
    hours = np.arange(24)
    curve = np.full(24, floor)
    for peak, height in peaks.items():
        distance = np.minimum(abs(hours - peak), 24 - abs(hours - peak))
        curve += height * np.exp(-((distance / width) ** 2))
    return curve


# (curve of a day, weight of Saturday and Sunday)
_PEOPLE = {
    "evening": (_day({20: 1.0, 13: 0.5}, 0.04, 3.5), 1.1),
    "office": (_day({10: 1.0, 15: 1.0}, 0.015, 2.5), 0.12),
    "student": (_day({22: 1.0, 16: 0.7}, 0.04, 3.0), 0.9),
    "wide": (_day({11: 0.7, 16: 0.8, 21: 0.7}, 0.12, 3.5), 0.7),
}
PEOPLE = tuple(_PEOPLE)


@dataclass(frozen=True)
class Rhythm:
    """How likely each hour of the month is; ``total[h]`` is the share of activity before the end of hour h."""

    total: Array

    def times(self, draws: Array) -> Array:
        """Sorted times (µs) for draws in [0, 1): the hour by its weight, evenly within it."""
        hour = np.minimum(np.searchsorted(self.total, draws, side="right"), HOURS - 1)
        before = np.where(hour > 0, self.total[hour - 1], 0.0)
        within = (draws - before) / np.maximum(self.total[hour] - before, 1e-12)
        return np.sort(START_US + ((hour + np.clip(within, 0, 0.999999)) * HOUR).astype(np.int64))


def of_person(kind: str, country: str, rng: np.random.Generator) -> Array:
    """Weights of the month's hours for a person of a kind of day in a country."""
    day, weekend = _PEOPLE[kind]
    weights = np.tile(day, DAYS).reshape(DAYS, 24) * rng.lognormal(0, 1.0, (DAYS, 1))
    weights[np.arange(DAYS) % 7 >= 5] *= weekend
    return np.roll(weights.ravel(), -OFFSETS.get(country, 0))


def of_machine(shapes: Array, rng: np.random.Generator) -> Array:
    """Weights of the month's hours for a program: a real customer's two weeks, twice, from a random day on."""
    shape = shapes[rng.integers(len(shapes))]
    return np.tile(np.roll(shape, 24 * int(rng.integers(14))), 2) * np.repeat(rng.lognormal(0, 0.5, DAYS), 24) + 1e-9


def rhythm(weights: Array, start: int, end: int) -> Rhythm:
    """A rhythm within a life from ``start`` to ``end`` (µs); the hours of birth and death count in part."""
    edges = START_US + np.arange(HOURS + 1) * HOUR
    alive = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, HOUR) / HOUR
    total = np.cumsum(weights * alive + 1e-12 * (alive > 0.99))
    if total[-1] <= 0:
        total = np.cumsum(alive + 1e-15)
    return Rhythm(total / total[-1])
