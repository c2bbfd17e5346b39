"""Stores with a run and a casebook for the tests of the ladder, made by hand."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stillwatch.store.casebook.casebook import Begun, Casebook
from stillwatch.store.store import Store
from tests.conftest import key_in
from tests.respond.hits import RUN, run_id


def member(name: str, probability: float = 0.9, role: str = "operator") -> dict[str, Any]:
    return {"account_id": name, "probability": probability, "role": role, "core": True, "exchanges": 10}


def finding(campaign: str, *members: dict[str, Any], status: str = "suspected") -> dict[str, Any]:
    return {"campaign_id": campaign, "kind": "group", "status": status, "exchanges": 10 * len(members),
            "members": list(members)}  # fmt: skip


def write_run(store: Store, name: str, *findings: dict[str, Any], ago: int = 0) -> None:
    run = {"run_id": name, "until": (datetime.now(UTC) - timedelta(days=ago, minutes=1)).isoformat()}
    folder = store.folder / "runs" / name
    folder.mkdir(parents=True)
    (folder / "campaigns.json").write_text(json.dumps({"run": run, "campaigns": list(findings)}))


def store_of(folder: Path, accounts: int = 40, runs: int = 12) -> Store:
    """A store with runs that accuse the accounts acct_0, acct_1, … of one campaign, and name a victim."""
    store = Store.create(folder / "s", key_in(folder))
    group = finding("C-1", *(member(f"acct_{n}") for n in range(accounts)), member("victim", 0.9, "victim"))
    for name in (RUN, *map(run_id, range(1, runs))):
        write_run(store, name, group)
    return store


def opened(store: Store, url: str | None = None) -> Casebook:
    return Casebook.open(store.folder, url, begins=True)


def begun(book: Casebook) -> Begun:
    """An open casebook for what begins one; it stays open."""
    return lambda: nullcontext(book)
