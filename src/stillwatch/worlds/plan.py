"""The plan of a world: who asks what, when and from where, before a word of it is written.

A row of the plan is about 80 bytes, so a million exchanges fit; their texts are written day by day, from the scripts.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.worlds.calendar import Rhythm
from stillwatch.worlds.clients import Client
from stillwatch.worlds.corpus import Block
from stillwatch.worlds.places import Place
from stillwatch.worlds.words import Script

LEGIT, LOOK_ALIKE, OPERATOR, PROVIDER, VICTIM = "legit", "look_alike", "operator", "provider", "victim"


@dataclass
class Account:
    """One account. ``starts`` and ``ends`` bound its activity (µs), ``adopts`` is when it moves to the newest model."""

    number: int
    account_id: str
    kind: str
    cohort: str
    row: dict[str, Any]
    created: int
    starts: int
    ends: int
    adopts: int
    model: int
    rhythm: Rhythm
    places: tuple[Place, ...]
    clients: tuple[Client, ...]
    habits: tuple[int, ...]
    pathways: tuple[str, ...]
    suspended: int | None = None
    said: int = 0


@dataclass
class Plan:
    """Columns of the plan; row i of each belongs to exchange i. ``campaign`` is -1 outside of extraction."""

    account: array[int] = field(default_factory=lambda: array("i"))
    at: array[int] = field(default_factory=lambda: array("q"))
    script: array[int] = field(default_factory=lambda: array("i"))
    item: array[int] = field(default_factory=lambda: array("q"))
    turn: array[int] = field(default_factory=lambda: array("h"))
    conversation: array[int] = field(default_factory=lambda: array("q"))
    block: array[int] = field(default_factory=lambda: array("h"))
    host: array[int] = field(default_factory=lambda: array("h"))
    client: array[int] = field(default_factory=lambda: array("i"))
    habit: array[int] = field(default_factory=lambda: array("h"))
    pathway: array[int] = field(default_factory=lambda: array("h"))
    model: array[int] = field(default_factory=lambda: array("h"))
    campaign: array[int] = field(default_factory=lambda: array("h"))
    end_user: array[int] = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.at)

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column as an array (a view: the plan must not grow while it lives)."""
        values = getattr(self, name)
        return np.frombuffer(values, dtype=values.typecode) if len(values) else np.zeros(0, values.typecode)


class Index:
    """Numbers for things, in the order of their first use."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, item: Any) -> int:
        """The number of an equal item, or a new one."""
        number = self._numbers.setdefault(item, len(self.items))
        if number == len(self.items):
            self.items.append(item)
        return number


@dataclass
class Tables:
    """What the plan's numbers stand for."""

    scripts: list[Script] = field(default_factory=list)
    clients: Index = field(default_factory=Index)
    blocks: dict[Block, int] = field(default_factory=dict)
    pathways: Index = field(default_factory=Index)
