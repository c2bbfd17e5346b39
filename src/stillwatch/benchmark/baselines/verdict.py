"""What a baseline answers: a score at every threshold, and the groups it would name by itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """What a baseline says at every threshold.

    `score` holds one value a row, the larger the more suspicious; -inf abstains, and no threshold accuses it. `group`
    holds one label a row at the method's natural setting; -1 stands in no group.
    """

    score: Floats
    group: Ints

    def of(self, rows: Ints) -> "Scored":
        """The same for other rows, each of which takes after `rows[i]`: accounts after their entities."""
        return Scored(self.score[rows], self.group[rows])


def alone(score: Floats) -> Scored:
    """The answer of a method that judges each row by itself and names no group."""
    return Scored(score, np.full(len(score), -1, dtype=np.int64))


def sized(labels: Ints, least: int) -> Ints:
    """Labels of groups with at least so many rows; rows of smaller ones, and those at -1, stand in none."""
    counts = np.bincount(labels[labels >= 0], minlength=1)
    return np.where((labels >= 0) & (counts[np.maximum(labels, 0)] >= least), labels, -1)
