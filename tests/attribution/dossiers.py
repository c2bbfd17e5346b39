"""Dossiers and stores that the tests of attribution share."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from stillwatch.store.store import Store
from stillwatch.tables import ACCOUNTS
from tests.conftest import key_in
from tests.respond.casebooks import finding, member, write_run

NAME = "Example Research"
OLD = datetime(2026, 1, 1, tzinfo=UTC)
RUN = "20261101T000000-000000000-abcdef"
SOURCES: dict[str, Any] = {
    "register": {"grade": "B", "note": "company register, looked up in October"},
    "bank": {"grade": "B"},
    "cloud": {"grade": "C", "partner": "true"},
}


def indicator(kind: str, value: str, source: str = "register") -> dict[str, str]:
    return {"kind": kind, "value": value, "source": source}


DOMAIN = indicator("verified_domain", "example.org")
BLOCK = indicator("signup_address", "198.51.100.0/24", "bank")


def dossier(*indicators: dict[str, str], **changed: Any) -> bytes:
    """A dossier of one organisation as JSON."""
    made = {
        "schema": "stillwatch/dossier/v1",
        "sources": SOURCES,
        "organisations": [{"name": NAME, "indicators": list(indicators)}],
        **changed,
    }
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()


def account(name: str, **given: Any) -> dict[str, Any]:
    return {field: None for field in ACCOUNTS.names} | {"account_id": name} | given


def store_of(folder: Path, accused: int = 20, others: int = 200) -> Store:
    """A store in whose newest run C-1 accuses accounts of the example's domain and block, which nobody else has."""
    store = Store.create(folder / "s", key_in(folder))
    rows = [account(f"bad_{n}", verified_domain="Example.org", signup_ip=f"198.51.100.{n}") for n in range(accused)]
    rows += [
        account(f"good_{n}", verified_domain=f"d{n}.example", signup_ip=f"203.0.{n}.9", created_at=OLD)
        for n in range(others)
    ]  # fmt: skip
    store.add_small("accounts", pa.RecordBatch.from_pylist(rows, ACCOUNTS))
    group = finding("C-1abcdef0", *(member(f"bad_{n}") for n in range(accused)), member("victim", 0.9, "victim"))
    write_run(store, RUN, group, finding("C-2", member("good_1"), status="ambiguous"))
    return store
