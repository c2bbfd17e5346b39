"""Randomness by name: the same seed and names give the same dice, whatever was thrown before."""

import hashlib
import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def digest(*names: object) -> int:
    """64 bits of a hash of names."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest(), "big")


class Dice(random.Random):
    """A generator of random numbers with the draws that agents need."""

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def weighted(self, pairs: Sequence[tuple[T, float]]) -> T:
        left = self.random() * sum(weight for _, weight in pairs)
        for item, weight in pairs:
            left -= weight
            if left < 0:
                return item
        return pairs[-1][0]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        return self.sample(items, min(count, len(items)))

    def around(self, middle: float, spread: float) -> float:
        """Log-normal with the median and the spread in natural logarithms."""
        return middle * math.exp(self.gauss(0, spread))

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def token(self, prefix: str, size: int = 12) -> str:
        return f"{prefix}{self.getrandbits(size * 4):0{size}x}"


def dice(*names: object) -> Dice:
    """Dice of their own for whoever has these names."""
    return Dice(digest(*names))
