"""A number for everything that a world holds, so that a test sees when a reference scenario changes."""

import hashlib
import json

import numpy as np

from stillwatch.worlds.render import Renderer, row_keys
from stillwatch.worlds.world import World

STEP = 23
"""Every so-many-th exchange is written out; plan and accounts count whole."""


def digest(world: World) -> str:
    """A digest of the plan, the accounts, the permissions, and of the words of some exchanges."""
    draft, made = world.draft, hashlib.blake2b(digest_size=8)
    for name in sorted(vars(draft.plan)):
        made.update(draft.plan.column(name).tobytes())
    for account in draft.accounts:
        known = (account.account_id, account.kind, account.cohort, account.row, account.created, account.suspended)
        made.update(repr(known).encode())
    made.update(repr(draft.permissions).encode())
    rows = np.arange(0, world.exchanges, STEP)
    table = world.lacks.of(Renderer(draft, row_keys(world.seed, world.exchanges)).table(rows))
    made.update(json.dumps(table.to_pylist(), default=str).encode())
    return made.hexdigest()
