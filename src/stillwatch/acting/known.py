"""Whether a store knows an account: an id that is misspelled permits nobody, and limits nobody."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.respond.action import Action, State
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.exchanges import source
from stillwatch.store.mentions import is_text
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store


@dataclass(frozen=True)
class Concerned:
    """Whom a permission reaches: ids that the store does not know, and the actions that wait or are in force against
    accounts of it. These stay until a person takes them back."""

    unknown_accounts: tuple[str, ...]
    unknown_orgs: tuple[str, ...]
    actions: tuple[Action, ...]


def concerned(store: Store, casebook: Casebook, permission: Mapping[str, Any]) -> Concerned:
    """Whom a permission reaches, given as the store keeps it."""
    account, org = permission["account_id"], permission["org_id"]
    accounts = [account] if account else accounts_of_orgs(store, [org])[org]
    held, among = casebook.find((State.PROPOSED, State.IN_FORCE)), frozenset(accounts)
    return Concerned(
        tuple(unknown_accounts(store, [account])) if account else (),
        (org,) if org and not accounts else (),
        tuple(one for one in held if one.hit.account_id in among),
    )


def unknown_accounts(store: Store, names: Iterable[str]) -> list[str]:
    """Which of these ids, as the store keeps them, stand neither in its accounts nor in its exchanges nor in the newest
    run; ascending."""
    left = set(names) - _of_newest_run(store)
    known = _of_tables(store, set(filter(is_text, left)))
    return sorted(left - known)


def accounts_of_orgs(store: Store, orgs: Collection[str]) -> dict[str, list[str]]:
    """The accounts that name each of these organisations, ascending, by ids as the store keeps them."""
    told: dict[str, list[str]] = {org: [] for org in orgs}
    names = sorted(filter(is_text, told))
    if not names:
        return told
    with DuckEngine() as engine:
        store.register_small(engine)
        engine.register("asked", pa.table({"org_id": pa.array(names, pa.string())}))
        asked = "SELECT DISTINCT org_id, account_id FROM accounts WHERE org_id IN (SELECT org_id FROM asked)"
        found = engine.arrow(asked).to_pylist()
    for row in found:
        told[row["org_id"]].append(row["account_id"])
    return {org: sorted(accounts) for org, accounts in told.items()}


def _of_newest_run(store: Store) -> set[str]:
    """Everybody whom the newest run's findings name; nobody where there is no run."""
    try:
        answer = read_run(store)
    except UsageError:  # there is none
        return set()
    return {member["account_id"] for finding in answer["campaigns"] for member in finding["members"]}


def _of_tables(store: Store, names: Collection[str]) -> set[str]:
    if not names:
        return set()
    files = store.exchange_files()
    tables = ["accounts", *([source(files)] if files else [])]
    asked = " UNION ".join(f"SELECT account_id FROM {one} WHERE account_id IN (FROM asked)" for one in tables)
    with DuckEngine() as engine:
        store.register_small(engine)
        engine.register("asked", pa.table({"account_id": pa.array(sorted(names), pa.string())}))
        found = engine.arrow(asked)
    return set(found["account_id"].to_pylist())
