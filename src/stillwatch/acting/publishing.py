"""What is in force, put before the decision path: the casebook's actions as a snapshot that a service reads."""

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.store import decisions
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.exchanges import source
from stillwatch.store.store import Store


def publish(store: Store, casebook: Casebook, now: int, *, alone: bool = False) -> int:
    """Publish what is in force at a time (microseconds since 1970), shadow too; answers how many actions that are.

    The casebook is read within the publisher's turn, so that of two publishers the later has read later; and whatever
    began after `now`, which is not felt before it begins, is published too, so that the later takes nothing back. With
    `alone` no earlier snapshot stays on disk, which an erasure wants.
    """
    with decisions.turn(store.folder):
        rows = [row for shadow in (False, True) for row in casebook.in_force(now, shadow=shadow, coming=True)]
        decisions.publish(store, rows, now, keys_of(store, {row.account_id for row in rows}), alone=alone)
    return len(rows)


def publish_after_erasure(store: Store, url: str | None, now: int) -> int | None:
    """Publish anew after an account was erased, and leave no earlier snapshot; None for a store without a casebook.

    Raises as `Casebook.open`.
    """
    casebook = Casebook.there(store.folder, url)
    if casebook is None:
        return None
    try:
        return publish(store, casebook, now, alone=True)
    finally:
        casebook.close()


def keys_of(store: Store, accounts: Collection[str]) -> Mapping[str, str]:
    """The account of each API key that exchanges of these accounts alone were asked with, by the key's id.

    A key that others use as well names nobody: what is in force against one of them is not the others'.
    """
    held = store.exchange_files()
    if not accounts or not any(held.values()):
        return {}
    with DuckEngine() as engine:
        engine.register("touched", pa.table({"account_id": pa.array(sorted(filter(_is_text, accounts)), pa.string())}))
        asked = f"SELECT DISTINCT api_key_id, account_id FROM {source(held)} WHERE api_key_id IS NOT NULL"
        rows: list[dict[str, Any]] = engine.arrow(
            f"""
            SELECT api_key_id, min(account_id) AS account_id FROM ({asked})
            GROUP BY api_key_id HAVING count(*) = 1 AND min(account_id) IN (SELECT account_id FROM touched)
            ORDER BY api_key_id
            """
        ).to_pylist()
    return {row["api_key_id"]: row["account_id"] for row in rows}


def _is_text(name: str) -> bool:
    """Whether a table can hold the name: half a character is in none."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)
