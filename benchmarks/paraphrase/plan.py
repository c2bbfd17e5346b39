"""Which campaigns stand in which world, and the seed decides nothing else: a world a cell of axis, cover and size."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from paraphrase.hostile import DISGUISES
from paraphrase.material import Family
from paraphrase.world import Spec, usable

MANY, FEW = 40, 8
COVERS = (0.0, 0.5, 0.8)
DISGUISED_COVER = 0.5
LEAST_EXCHANGES = 3
"""Wordings that each account needs where none is used twice."""
SMALL = 12
"""Families of fewer than MANY wordings that stand in a world with MANY accounts each, who then share wordings."""


@dataclass(frozen=True)
class Cell:
    """What is alike in all campaigns of one world."""

    axis: str
    accounts: int
    cover: float
    hostile: str = ""

    def __str__(self) -> str:
        if self.axis == "language" and self.accounts == FEW:
            return f"a language an account, none twice, cover {self.cover:g}"
        size = f"{self.accounts} accounts" if self.accounts == MANY else f"at most {self.accounts} accounts"
        said = {"account": "a wording an account", "exchange": "a new wording an exchange, none twice",
                "pool": "a wording an exchange, of one pool", "language": "a language an account"}  # fmt: skip
        return f"{said[self.axis]}, {size}, cover {self.cover:g}" + (f", {self.hostile}" if self.hostile else "")


def cells(quick: bool) -> list[Cell]:
    """Every cell of the bench; the few that matter most where it must be quick."""
    if quick:
        return [Cell("account", MANY, 0.0), Cell("account", FEW, 0.0)]
    plain = [Cell(axis, size, cover) for axis in ("account", "exchange") for size in (MANY, FEW) for cover in COVERS]
    plain += [Cell("pool", MANY, COVERS[-1])]
    languages = [Cell("language", FEW, 0.0), *(Cell("language", MANY, cover) for cover in COVERS)]
    return plain + [Cell("account", MANY, DISGUISED_COVER, hostile) for hostile in DISGUISES] + languages


def specs(cell: Cell, families: Sequence[Family], half: str, seed: int) -> list[Spec]:
    """The campaigns of one world: each task once, so that no two operators ask the same."""
    if cell.axis == "language":
        spoken = [family for family in families if family.half == half and len(set(family.languages)) > 2]
        tongues = {family.name: len(set(family.languages)) for family in spoken}
        few = cell.accounts == FEW
        return [Spec(f, tongues[f.name] if few else cell.accounts, cell.axis, cell.cover) for f in spoken]
    own = usable(families, half)
    if cell.axis == "exchange":
        enough = [family for family in own if len(family.wordings) >= LEAST_EXCHANGES * cell.accounts]
        return [Spec(family, cell.accounts, cell.axis, cell.cover) for family in enough]
    large = [family for family in own if len(family.wordings) >= MANY]
    small = _one_a_task([family for family in own if len(family.wordings) < MANY], {f.task for f in large}, seed, cell)
    chosen = [Spec(family, cell.accounts, cell.axis, cell.cover, cell.hostile) for family in large]
    if cell.accounts == FEW:
        return chosen + [Spec(f, min(FEW, len(f.wordings)), cell.axis, cell.cover, cell.hostile) for f in small]
    return chosen + [Spec(f, cell.accounts, cell.axis, cell.cover, cell.hostile) for f in small[:SMALL]]


def _one_a_task(families: Sequence[Family], taken: set[str], seed: int, cell: Cell) -> list[Family]:
    """The families in an order by hash, the first of each task that is not taken."""

    def order(family: Family) -> bytes:
        said = f"{seed}:{cell}:{family.set}:{family.name}"
        return hashlib.blake2b(said.encode(), digest_size=8).digest()

    chosen: dict[str, Family] = {}
    for family in sorted(families, key=order):
        if family.task not in taken:
            chosen.setdefault(family.task, family)
    return list(chosen.values())
