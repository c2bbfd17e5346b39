"""Makes the world of `million.py`: a plan of the scenario `mixed`, thinned to a number of exchanges, and shortened."""

import json
from array import array
from pathlib import Path
from typing import Any

import numpy as np
from shorten import mean_bytes, shorten

from stillwatch.worlds import world as worlds
from stillwatch.worlds.plan import Plan
from stillwatch.worlds.render import draws, row_keys

HONEST, OTHERS = 4_253, 680
"""Accounts of the scenario `mixed` at scale 1 that grow with the scale, and that do not from scale 1 on."""


def make(folder: Path, exchanges: int, accounts: int, seed: int, wanted: int | None) -> dict[str, Any]:
    """Write `logs` and `truth` into a folder, and answer what was made of what was asked."""
    scale = (accounts - OTHERS) / HONEST if accounts > HONEST + OTHERS else accounts / (HONEST + OTHERS)
    world = worlds.simulate("mixed", seed, max(scale, 0.02))
    planned = world.exchanges
    thin(world.draft.plan, exchanges, seed)
    worlds.write(world, folder / "logs", folder / "truth")
    logs = folder / "logs" / "exchanges"
    told = {"planned": planned, "exchanges": world.exchanges, "accounts": len(world.draft.accounts),
            "scale": round(scale, 3), "simulated_bytes": round(mean_bytes(logs)), "bounds": {}}  # fmt: skip
    del world
    if wanted is not None:
        told["bounds"] = shorten(logs, wanted, seed)
    return told | {"bytes": round(mean_bytes(logs)), "file_bytes": sum(f.stat().st_size for f in logs.iterdir())}


def thin(plan: Plan, wanted: int, seed: int) -> None:
    """Keep that many rows, those whose seeded hash is smallest; all where the plan has no more."""
    if len(plan) <= wanted:
        return
    chance = draws(row_keys(seed, len(plan)), "thinned")
    kept = np.zeros(len(plan), dtype=bool)
    kept[np.argpartition(chance, wanted)[:wanted]] = True
    for name in vars(plan):
        values = array(getattr(plan, name).typecode)
        values.frombytes(plan.column(name)[kept].tobytes())
        setattr(plan, name, values)


def prepared(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The world that a folder holds, made where it holds none. Raises SystemExit where it holds another."""
    record = folder / "world.json"
    if record.exists():
        held = json.loads(record.read_text())
        if held["asked"] != asked:
            raise SystemExit(f"{folder} holds another world ({held['asked']}): name a new folder")
        return dict(held["made"])
    made = make(folder, asked["exchanges"], asked["accounts"], asked["seed"], asked["bytes"])
    record.write_text(json.dumps({"asked": asked, "made": made}, indent=2) + "\n")
    return made
