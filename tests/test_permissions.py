"""A permission covers what it says: its accounts or organisation, purpose, models, times and caps."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from stillwatch.acting import grants
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.errors import UsageError
from stillwatch.permissions import PERMISSION_STEPS
from stillwatch.tables import PERMISSIONS


def day(number: int) -> datetime:
    return datetime(2026, 6, number, tzinfo=UTC)


def covered(**permission: Any) -> tuple[list[int], list[int]]:
    """(covered entities, permitted accounts)."""
    with standing(permission) as engine:
        return numbers(engine, "entity", "covered_entity"), numbers(engine, "account", "permitted_account")


def numbers(engine: DuckEngine, column: str, table: str) -> list[int]:
    return sorted(engine.arrow(f"SELECT {column} FROM {table}")[column].to_pylist())


@contextmanager
def standing(*permissions: dict[str, Any]) -> Iterator[DuckEngine]:
    """Who stands how: accounts 0 and 1 are entity 0, one organisation; 2 is entity 1."""
    rows = [{"purpose": "distillation", "reference": "T-1"} | permission for permission in permissions]
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
        engine.register("permissions", pa.Table.from_pylist(rows, schema=PERMISSIONS))
        engine.run(PERMISSION_STEPS)
        yield engine


@pytest.mark.slow
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


def beyond(*permissions: dict[str, Any]) -> tuple[list[int], list[int], list[int]]:
    """(covered exchanges, excess exchanges, entities all of whose exchanges are one or the other): account 0 asks at
    x = 0 (day 2) and 1 (day 4), 1 at 2 and 3, 2 at 4 and 5."""
    with standing(*permissions) as engine:
        return (
            numbers(engine, "x", "covered_exchange"),
            numbers(engine, "x", "excess_exchange"),
            numbers(engine, "entity", "capped_entity"),
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("permission", "covers", "excess", "capped"),
    [
        ({"account_id": "c", "exchange_cap": 2}, [4, 5], [], []),
        ({"account_id": "c", "exchange_cap": 1}, [4], [5], [1]),
        ({"account_id": "c", "exchange_cap": 0}, [], [4, 5], []),
        ({"org_id": "acme", "exchange_cap": 2}, [0, 2], [1, 3], [0]),
        ({"org_id": "acme", "exchange_cap": 3}, [0, 1, 2], [3], [0]),
        ({"org_id": "acme", "token_cap": 59}, [0, 1, 2], [3], [0]),
        ({"org_id": "acme", "token_cap": 59, "exchange_cap": 1}, [0], [1, 2, 3], [0]),
        ({"account_id": "c", "models": ["m"], "exchange_cap": 0}, [], [4], []),
        ({"account_id": "c", "ends_at": day(3), "exchange_cap": 1}, [4], [], []),
        ({"account_id": "a", "exchange_cap": 1}, [0], [1], []),
    ],
)
def test_a_cap_covers_the_first_exchanges_and_the_rest_is_excess(
    permission: dict[str, Any], covers: list[int], excess: list[int], capped: list[int]
) -> None:
    assert beyond(permission) == (covers, excess, capped)


@pytest.mark.parametrize(("cap", "aside"), [(4, [0]), (3, [0]), (2, [0]), (1, [])])
def test_who_exceeds_a_cap_is_put_aside_while_more_is_covered_than_exceeds(cap: int, aside: list[int]) -> None:
    with standing({"org_id": "acme", "exchange_cap": cap}) as engine:
        assert numbers(engine, "entity", "aside_entity") == aside


def test_what_a_second_permission_covers_is_no_excess_of_the_first_and_two_caps_do_not_add_up() -> None:
    small, large = ({"account_id": "c", "exchange_cap": cap, "reference": f"T-{cap}"} for cap in (1, 2))
    assert beyond(small, large) == beyond(large, small) == ([4, 5], [], [])
    assert beyond(small, small | {"reference": "T-9"}) == ([4], [5], [1])


def test_exchanges_without_tokens_are_excess_only_when_the_others_used_up_the_cap() -> None:
    asked = "SELECT * REPLACE (CASE WHEN x IN (0, 1) THEN NULL ELSE input_tokens END AS input_tokens) FROM exchange"
    with standing({"org_id": "acme", "token_cap": 15}) as engine:
        engine.register("exchange", engine.arrow(asked))
        engine.run(PERMISSION_STEPS)
        assert numbers(engine, "x", "covered_exchange") == [2]
        assert numbers(engine, "x", "excess_exchange") == [3]  # 0 and 1 were asked before the cap was used up


@pytest.mark.slow
@pytest.mark.parametrize(
    ("permission", "exchanges", "accounts"),
    [
        ({"account_id": "c"}, [4, 5], [2]),
        ({"org_id": "acme"}, [0, 1, 2, 3], [0, 1]),
        ({"account_id": "c", "purpose": "distillation"}, [], []),
        ({"account_id": "c", "ends_at": day(1)}, [], []),
        ({"account_id": "c", "starts_at": day(5)}, [], []),
        ({"account_id": "c", "ends_at": day(2)}, [4], [2]),
        ({"account_id": "c", "ends_at": day(3)}, [4], [2]),
        ({"account_id": "c", "starts_at": day(3)}, [5], [2]),
        ({"account_id": "c", "starts_at": day(3), "ends_at": datetime(2026, 6, 3, 12, tzinfo=UTC)}, [], [2]),
        ({"account_id": "c", "models": ["m"]}, [4], [2]),
        ({"account_id": "c", "exchange_cap": 1}, [4, 5], [2]),
    ],
)
def test_a_contract_covers_what_is_passed_on_while_it_holds(
    permission: dict[str, Any], exchanges: list[int], accounts: list[int]
) -> None:
    with standing({"purpose": "resale"} | permission) as engine:
        assert numbers(engine, "x", "contracted_exchange") == exchanges
        assert numbers(engine, "account", "contracted_account") == accounts
        assert numbers(engine, "account", "reselling_account") == accounts


def test_contracts_that_overlap_cover_an_exchange_once() -> None:
    one = {"purpose": "resale", "account_id": "a"}
    with standing(one, one | {"reference": "T-2"}, {"purpose": "resale", "org_id": "acme"}) as engine:
        assert numbers(engine, "x", "contracted_exchange") == [0, 1, 2, 3]
        assert numbers(engine, "account", "contracted_account") == [0, 1]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_in_utc_is_refused(at: str) -> None:
    for name in ("starts_at", "ends_at"):
        wanted = grants.Permission("a", None, "research", "contract 9", **{name: datetime.fromisoformat(at)})
        with pytest.raises(UsageError, match=f"{name} is no time in UTC"):
            grants._checked(wanted)
