"""Randomness as a pure function of names: the same names give the same draws in any order of use."""

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def key(*names: object) -> int:
    """64 bits that depend on every name and on their order."""
    return int.from_bytes(_digest(names), "little")


def token(*names: object) -> str:
    """16 hexadecimal digits that depend on every name: an id that reveals nothing of what it was made from."""
    return _digest(names).hex()


def _digest(names: tuple[object, ...]) -> bytes:
    return hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest()


def generator(*names: object) -> np.random.Generator:
    """A NumPy generator for many draws at once."""
    return np.random.Generator(np.random.PCG64(key(*names)))


class Dice:
    """A stream of draws from one seed: splitmix64 (Steele, Lea, Flood 2014), cheap to start for every exchange."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """The next 64 bits."""
        self._state = state = (self._state + _STEP) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def unit(self) -> float:
        """A number in [0, 1)."""
        return self.bits() / 18446744073709551616.0

    def below(self, limit: int) -> int:
        """A whole number from 0 to ``limit`` - 1."""
        return self.bits() % limit

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def true(self, share: float) -> bool:
        """True with the given probability."""
        return self.unit() < share

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, all alike."""
        return items[self.bits() % len(items)]

    def popular(self, items: Sequence[Item], skew: float = 2.0) -> Item:
        """One of the items, the earlier ones more often; ``skew`` 1 is uniform."""
        return items[int(len(items) * self.unit() ** skew)]

    def normal(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """A normal draw (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.unit()))
        return mean + deviation * radius * math.cos(2 * math.pi * self.unit())

    def heavy(self, median: float, sigma: float) -> float:
        """A log-normal draw."""
        return median * math.exp(self.normal(0.0, sigma))

    def few(self, items: Sequence[Item], count: int) -> list[Item]:
        """``count`` items without repeats (all of them where there are fewer)."""
        left = list(range(len(items)))
        for place in range(min(count, len(left))):
            other = place + self.below(len(left) - place)
            left[place], left[other] = left[other], left[place]
        return [items[index] for index in left[:count]]
