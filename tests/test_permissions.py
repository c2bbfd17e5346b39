"""A permission covers what it says: its accounts or organisation, purpose, models, times and caps."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.permissions import PERMISSION_STEPS
from stillwatch.tables import PERMISSIONS


def day(number: int) -> datetime:
    return datetime(2026, 6, number, tzinfo=UTC)


def covered(**permission: Any) -> tuple[list[int], list[int]]:
    """(covered entities, permitted accounts): accounts 0 and 1 are entity 0, one organisation; 2 is entity 1."""
    row = {"purpose": "distillation", "reference": "T-1"} | permission
    accounts = {
        "account": [0, 1, 2],
        "account_id": ["a", "b", "c"],
        "org_id": ["acme", "acme", None],
        "entity": [0, 0, 1],
        "first_seen": [day(2)] * 3,
        "last_seen": [day(4)] * 3,
        "reseller_of": pa.nulls(3, pa.string()),
    }
    exchanges = {
        "x": list(range(6)),
        "account": [0, 0, 1, 1, 2, 2],
        "entity": [0, 0, 0, 0, 1, 1],
        "asked_at": [day(2), day(4)] * 3,
        "model_requested": ["m", "n"] * 3,
        "input_tokens": [10] * 6,
        "output_tokens": [5] * 6,
    }
    with DuckEngine() as engine:
        engine.register("account", pa.table(accounts))
        engine.register("exchange", pa.table(exchanges))
        engine.register("permissions", pa.Table.from_pylist([row], schema=PERMISSIONS))
        engine.run(PERMISSION_STEPS)
        entities = engine.arrow("SELECT entity FROM covered_entity ORDER BY 1")["entity"].to_pylist()
        return entities, sorted(engine.arrow("SELECT account FROM permitted_account")["account"].to_pylist())


@pytest.mark.parametrize(
    ("permission", "entities", "accounts"),
    [
        ({"org_id": "acme"}, [0], [0, 1]),
        ({"account_id": "c"}, [1], [2]),
        ({"account_id": "a"}, [], [0]),
        ({"account_id": "c", "purpose": "resale"}, [], []),
        ({"account_id": "c", "models": ["m", "n"]}, [1], [2]),
        ({"account_id": "c", "models": ["m"]}, [], [2]),
        ({"account_id": "c", "ends_at": day(3)}, [], [2]),
        ({"account_id": "c", "ends_at": day(1)}, [], []),
        ({"account_id": "c", "models": ["no-such-model"]}, [], []),
        ({"account_id": "c", "starts_at": day(1), "ends_at": day(5)}, [1], [2]),
        ({"account_id": "c", "exchange_cap": 2}, [1], [2]),
        ({"account_id": "c", "exchange_cap": 1}, [], [2]),
        ({"org_id": "acme", "token_cap": 60}, [0], [0, 1]),
        ({"org_id": "acme", "token_cap": 59}, [], [0, 1]),
    ],
)
def test_what_is_covered(permission: dict[str, Any], entities: list[int], accounts: list[int]) -> None:
    assert covered(**permission) == (entities, accounts)
