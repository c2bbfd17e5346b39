"""A world of honest accounts with real prompts, and operators among them who word one instruction many ways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paraphrase.hostile import disguised
from paraphrase.material import Family, Material, Task
from paraphrase.slots import Rows, filled

MEAN, SPREAD, MOST = 16.0, 1.3, 400
"""Prompts of an honest account: log-normal of this mean and this spread of the logarithm, at most `MOST`."""
KINDS = {"chat": 0.62, "coder": 0.06, "batch": 0.16, "framework": 0.07, "benchmark": 0.05, "tool": 0.04}
FOREIGN = 0.12
"""Share of chat users who write in another language than English."""
VIRAL = 0.03
"""Share of a chat user's prompts that are known personas, which many people paste."""


@dataclass(frozen=True)
class Spec:
    """An operator to be. `cover` is the share of each account's prompts that are somebody else's honest ones; `hostile`
    names a disguise of `hostile.py`, or is empty. `axis`: `account` (a wording each), `exchange` (a new one each time,
    none used twice), `pool` (each time one of those that all accounts use) or `language` (one wording in one language
    each)."""

    family: Family
    accounts: int = 40
    axis: str = "account"
    cover: float = 0.0
    hostile: str = ""
    exchanges: tuple[int, int] = (3, 32)


@dataclass(frozen=True)
class Campaign:
    """An operator as he is in the world: which entities are his."""

    spec: Spec
    members: NDArray[np.int32]


@dataclass(frozen=True)
class World:
    """`texts[i]` is asked by `entity[i]`; `work[i]` says that it is an operator's own. Entities 0 to `honest` - 1 are
    honest, of the kind `kinds[e]`."""

    seed: int
    texts: list[str]
    entity: NDArray[np.int32]
    work: NDArray[np.bool_]
    n: int
    honest: int
    kinds: list[str]
    campaigns: list[Campaign]
    reused: int
    """Prompts that had to be taken a second time, because the material was at its end."""

    def first(self, prompts: int) -> "World":
        """The honest accounts alone, as many as have about so many prompts between them."""
        counts = np.cumsum(np.bincount(self.entity, minlength=self.n)[: self.honest])
        n = int(np.searchsorted(counts, prompts)) + 1
        kept = np.flatnonzero(self.entity < n)
        return replace(
            self, texts=[self.texts[at] for at in kept], entity=self.entity[kept], work=self.work[kept], n=n,
            honest=min(n, self.honest), kinds=self.kinds[:n], campaigns=[],
        )  # fmt: skip


class Pool:
    """Prompts in a seeded order, each handed out once while they last."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self._texts, self._order, self.taken = texts, np.random.default_rng([seed, 2]).permutation(len(texts)), 0

    def take(self, many: int) -> list[str]:
        """The next prompts."""
        own = [self._texts[int(self._order[(self.taken + at) % len(self._order)])] for at in range(many)]
        self.taken += many
        return own

    @property
    def reused(self) -> int:
        """How many were handed out a second time."""
        return max(self.taken - len(self._order), 0)


class Crowd:
    """Makes honest accounts, one after another."""

    def __init__(self, material: Material, rows: Rows, seed: int) -> None:
        self._chance = np.random.default_rng([seed, 3])
        self._material, self._rows = material, rows
        self.pools = {
            "chat": Pool(material.chat, seed),
            "coder": Pool(material.code, seed),
            "tool": Pool(material.tool, seed),
        }
        self._tongue = np.random.default_rng([seed, 5])
        self._foreign = [Pool(texts, seed + number) for number, texts in enumerate(material.foreign)]
        spoken = 1.0 / (3.0 + np.arange(len(self._foreign)))
        self._spoken = spoken / max(spoken.sum(), 1e-9)
        self._tasks = [material.tasks[at] for at in self._chance.permutation(len(material.tasks))]
        self._popular = {
            name: _popularity(len(texts), self._chance)
            for name, texts in (("viral", material.viral), ("frameworks", material.frameworks))
        }

    def size(self) -> int:
        """How many prompts an honest account has."""
        drawn = self._chance.lognormal(np.log(MEAN) - SPREAD**2 / 2, SPREAD)
        return int(np.clip(np.ceil(drawn), 1, MOST))

    def account(self, many: int | None = None) -> tuple[str, list[str]]:
        """The kind of the next account and its prompts, `many` where that is given."""
        kind = str(self._chance.choice(list(KINDS), p=list(KINDS.values())))
        count = self.size() if many is None else many
        if kind == "batch" and self._tasks:
            return kind, self._batch(self._tasks.pop(), count)
        if kind == "framework":
            return kind, self._framework(count)
        if kind == "benchmark":
            start = int(self._chance.integers(0, len(self._material.benchmark)))
            return kind, [self._material.benchmark[(start + at) % len(self._material.benchmark)] for at in range(count)]
        kind = "chat" if kind == "batch" else kind
        own = self.pools[kind].take(count)
        if kind != "chat":
            return kind, own
        own = self._chat(own)
        if self._foreign and self._tongue.random() < FOREIGN:
            return "foreign", self._foreign[int(self._tongue.choice(len(self._foreign), p=self._spoken))].take(count)
        return kind, own

    def _chat(self, own: list[str]) -> list[str]:
        viral = self._material.viral
        drawn = self._chance.choice(len(viral), size=len(own), p=self._popular["viral"])
        pasted = self._chance.random(len(own)) < VIRAL
        return [viral[int(at)] if paste else text for text, at, paste in zip(own, drawn, pasted, strict=True)]

    def _batch(self, task: Task, count: int) -> list[str]:
        """One template of the account's own, over documents of its own."""
        first = self._chance.random() < 0.7
        joint = str(self._chance.choice(["\n\n", "\n", "\n\nInput: ", "\n\nText:\n", " "]))
        pairs = [(task.definition, row) if first else (row, task.definition) for row in task.rows[:count]]
        return [joint.join(pair) for pair in pairs]

    def _framework(self, count: int) -> list[str]:
        """A framework's template, over documents of the account's own."""
        at = int(self._chance.choice(len(self._material.frameworks), p=self._popular["frameworks"]))
        return [filled(self._material.frameworks[at], self._rows, self._chance) for _ in range(min(count, 60))]


def _popularity(many: int, chance: np.random.Generator) -> NDArray[np.float64]:
    weight = 1.0 / (1.0 + chance.permutation(many))
    return np.asarray(weight / weight.sum())


def build(material: Material, specs: Sequence[Spec], seed: int, honest: int = 5_000) -> World:
    """A world: honest accounts first, then the operators' in the order of `specs`."""
    chance = np.random.default_rng([seed, 4])
    rows = Rows(material.sentences, seed)
    crowd = Crowd(material, rows, seed)
    texts: list[str] = []
    entity: list[int] = []
    work: list[bool] = []
    kinds: list[str] = []

    def add(kind: str, own: list[str], mine: list[bool]) -> None:
        order = chance.permutation(len(own))
        texts.extend(own[at] for at in order)
        work.extend(mine[at] for at in order)
        entity.extend([len(kinds)] * len(own))
        kinds.append(kind)

    for _ in range(honest):
        kind, own = crowd.account()
        add(kind, own, [False] * len(own))
    campaigns = []
    for spec in specs:
        first = len(kinds)
        for asked in _asked(spec, rows, chance):
            cover = _cover(crowd, round(len(asked) * spec.cover / (1 - spec.cover)))
            add("operator", asked + cover, [True] * len(asked) + [False] * len(cover))
        campaigns.append(Campaign(spec, np.arange(first, len(kinds), dtype=np.int32)))
    reused = sum(pool.reused for pool in crowd.pools.values())
    who = np.array(entity, dtype=np.int32)
    return World(seed, texts, who, np.array(work), len(kinds), honest, kinds, campaigns, reused)


def _cover(crowd: Crowd, many: int) -> list[str]:
    """Honest prompts of other customers, who are not in the world otherwise."""
    own: list[str] = []
    while len(own) < many:
        own += crowd.account(min(many - len(own), 12))[1]
    return own


def _asked(spec: Spec, rows: Rows, chance: np.random.Generator) -> Iterator[list[str]]:
    """The operator's own prompts, account after account."""
    family = spec.family
    if spec.axis == "language":
        languages = sorted(set(family.languages))
        said = {name: [w for w, own in zip(family.wordings, family.languages, strict=True) if own == name]
                for name in languages}  # fmt: skip
    order = chance.permutation(len(family.wordings))
    at = 0
    for number in range(spec.accounts):
        count = int(chance.integers(spec.exchanges[0], spec.exchanges[1] + 1))
        if spec.axis == "language":
            chosen = said[languages[number % len(languages)]]
            own = [chosen[int(chance.integers(0, len(chosen)))]] * count
        elif spec.axis == "account":
            own = [family.wordings[int(order[number % len(order)])]] * count
        elif spec.axis == "exchange":
            count = min(count, max(len(order) // spec.accounts, 1))
            own = [family.wordings[int(order[(at + step) % len(order)])] for step in range(count)]
            at += count
        else:
            own = [family.wordings[int(at)] for at in chance.integers(0, len(order), count)]
        yield disguised([filled(wording, rows, chance) for wording in own], spec.hostile, chance)


def usable(families: Sequence[Family], half: str, least: int = 1, sets: Sequence[str] = ()) -> list[Family]:
    """The families of one half, with at least so many wordings, of these sets (all but those in many languages where
    none is named)."""
    return [
        family for family in families
        if family.half == half and len(family.wordings) >= least
        and (family.set in sets if sets else not set(family.languages) - {"en"})
    ]  # fmt: skip
