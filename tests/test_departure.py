"""Where shared work comes from beside an account's own life: the SQL of the roles, counted by hand."""

from typing import Any

import pytest

from stillwatch.assess.departure import DEPARTURE_STEPS
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.linkage.tokens import CHANNELS
from stillwatch.records import Step

NOTHING_ASKS = "SELECT 0 AS grp, 0 AS x WHERE FALSE"
OWN = "(TIMESTAMPTZ '2026-03-01 10:00:00Z', {block}, {ja4}, FALSE)"
SHARED = "(TIMESTAMPTZ '2026-03-20 10:{minute:02d}:00Z', 7, 'tls-b', TRUE)"


def member_fact(own_block: str, own_ja4: str) -> dict[str, Any]:
    """One account: an own exchange weeks before, and twelve shared ones within twelve minutes of one hour."""
    rows = [OWN.format(block=own_block, ja4=own_ja4)] + [SHARED.format(minute=minute) for minute in range(12)]
    exchange = (
        f"SELECT row_number() OVER () - 1 AS x, 0 AS account, 0 AS entity, CAST(block AS VARCHAR) AS block, "
        f"CAST(ja4 AS VARCHAR) AS ja4, 'curl' AS user_agent, asked_at, shared, "
        "NULL AS country, NULL AS ip_class, NULL AS segment_roles "
        f"FROM (VALUES {', '.join(rows)}) t(asked_at, block, ja4, shared)"
    )
    with DuckEngine() as engine:
        engine.run(
            [
                Step("exchange", exchange),
                Step("account", "SELECT 0 AS account, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS created_at"),
                Step(
                    "group_exchange",
                    "SELECT 0 AS grp, account, x, TRUE AS exclusive, TRUE AS verbatim FROM exchange WHERE shared",
                ),
                Step("asking_exchange", NOTHING_ASKS),
                *DEPARTURE_STEPS,
            ]
        )
        return dict(engine.arrow("SELECT * FROM member_fact").to_pylist()[0])


def test_shared_and_own_work_are_counted_apart() -> None:
    found = member_fact("1", "'tls-a'")
    assert (found["shared"], found["shared_times"], found["own"], found["own_before"]) == (12, 12, 1, 1)


def test_work_from_elsewhere_is_foreign_where_the_own_life_is_seen() -> None:
    found = member_fact("1", "'tls-a'")
    assert (found["at_home"], found["own_client"]) == (0.0, 0.0)
    assert (member_fact("7", "'tls-b'")["at_home"], member_fact("7", "'tls-b'")["own_client"]) == (1.0, 1.0)


def first_of_many(rows: str, asking: str = NOTHING_ASKS, verbatim: str = "TRUE") -> dict[str, Any]:
    """The first account among others of its group: rows of (account, asked_at, block, shared, ja4)."""
    exchange = (
        "SELECT row_number() OVER () - 1 AS x, account, account AS entity, block, ja4, 'curl' AS user_agent, "
        "asked_at, shared, NULL AS country, NULL AS ip_class, NULL AS segment_roles "
        f"FROM (VALUES {rows}) t(account, asked_at, block, shared, ja4)"
    )
    accounts = "SELECT DISTINCT account, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS created_at FROM exchange"
    shared = f"SELECT 0 AS grp, account, x, {verbatim} AS exclusive, {verbatim} AS verbatim FROM exchange WHERE shared"
    with DuckEngine() as engine:
        engine.run(
            [
                Step("exchange", exchange),
                Step("account", accounts),
                Step("group_exchange", shared),
                Step("asking_exchange", asking),
                *DEPARTURE_STEPS,
            ]
        )
        return dict(engine.arrow("SELECT * FROM member_fact WHERE account = 0").to_pylist()[0])


def test_what_a_thief_words_anew_is_no_part_of_the_owners_life() -> None:
    """Six accounts work through one block that hardly anybody else uses: the first also asks there in other words."""
    rows = ", ".join(f"({a}, TIMESTAMPTZ '2026-03-20 10:{a:02d}:00Z', '7', TRUE, 'tls')" for a in range(6))
    rows += ", (0, TIMESTAMPTZ '2026-03-24 10:00:00Z', '7', FALSE, 'tls')"
    rows += ", (0, TIMESTAMPTZ '2026-03-01 10:00:00Z', '1', FALSE, 'tls')"
    found = first_of_many(rows)
    assert (found["shared"], found["shared_times"], found["own"], found["at_home"]) == (1, 2, 1, 0.0)


def test_an_owner_who_lives_among_the_groups_exits_has_a_life_before_the_theft() -> None:
    """The owner worked from a rented server in a block of the group's for two weeks; the thief came for an hour, by
    another block."""
    rows = ", ".join(f"({a}, TIMESTAMPTZ '2026-03-20 10:{a:02d}:00Z', '7', TRUE, 'tls')" for a in range(1, 7))
    rows += ", " + ", ".join(
        f"(0, TIMESTAMPTZ '2026-03-{day:02d} 10:00:00Z', '7', FALSE, 'tls')" for day in range(1, 15)
    )
    rows += ", (0, TIMESTAMPTZ '2026-03-13 10:00:00Z', '1', FALSE, 'tls')"
    rows += ", " + ", ".join(f"(0, TIMESTAMPTZ '2026-03-23 10:{n:02d}:00Z', '8', TRUE, 'tls')" for n in range(12))
    found = first_of_many(rows)
    assert found["shared_days"] < 0.05 and found["shared_times"] == 12
    assert (found["own"], found["own_before"], found["at_home"]) == (1, 1, 0.0)


@pytest.mark.parametrize(
    ("owners", "thiefs", "own", "days"), [("browser", "sdk", 14, 0.02), ("sdk", "sdk", 0, 22.0), (None, None, 0, 22.0)]
)
def test_an_owner_who_lives_in_a_block_that_the_thief_uses_is_told_apart_by_the_client(
    owners: str | None, thiefs: str | None, own: int, days: float
) -> None:
    """The owner worked for two weeks from the block through which the thief comes as well, for an hour."""
    of_owner, of_thief = (f"'{ja4}'" if ja4 else "NULL" for ja4 in (owners, thiefs))
    rows = ", ".join(f"({a}, TIMESTAMPTZ '2026-03-20 10:{a:02d}:00Z', '7', TRUE, 'sdk')" for a in range(1, 7))
    rows += ", " + ", ".join(
        f"(0, TIMESTAMPTZ '2026-03-{day:02d} 10:00:00Z', '7', FALSE, {of_owner})" for day in range(1, 15)
    )
    rows += ", " + ", ".join(f"(0, TIMESTAMPTZ '2026-03-23 10:{n:02d}:00Z', '7', TRUE, {of_thief})" for n in range(12))
    found = first_of_many(rows)
    assert (found["own"], found["shared_days"] < days) == (own, True)
    assert found["shared_times"] == (12 if own else 26)


@pytest.mark.parametrize(
    ("block", "client", "asks", "own", "shared_times"),
    [
        ("1", "tls-a", True, 14, 12),
        ("1", "tls-a", False, 0, 26),
        ("1", "tls-b", True, 0, 26),
        ("8", "tls-a", True, 0, 26),
    ],
    ids=["an owner's", "nothing asks", "the thief's client", "the thief's block"],
)
def test_what_the_group_uses_as_cover_may_be_an_owners_own_work(
    block: str, client: str, asks: bool, own: int, shared_times: int
) -> None:
    """A campaign's cover was an owner's batch, word for word; the thief asked for training material within an hour."""
    rows = ", ".join(f"({a}, TIMESTAMPTZ '2026-03-20 10:{a:02d}:00Z', '7', TRUE, 'tls-b')" for a in range(1, 7))
    rows += ", " + ", ".join(
        f"(0, TIMESTAMPTZ '2026-03-{day:02d} 10:00:00Z', '{block}', TRUE, '{client}')" for day in range(1, 15)
    )
    rows += ", " + ", ".join(f"(0, TIMESTAMPTZ '2026-03-23 10:{n:02d}:00Z', '8', TRUE, 'tls-b')" for n in range(12))
    told = "SELECT 0 AS grp, x FROM exchange WHERE asked_at >= TIMESTAMPTZ '2026-03-23 00:00:00Z'"
    found = first_of_many(rows, told if asks else NOTHING_ASKS)
    assert (found["shared"], found["own"], found["shared_times"]) == (26, own, shared_times)
    assert found["at_home"] == (0.0 if own else None)


@pytest.mark.parametrize(("client", "own", "shared_times"), [("tls-b", 1, 13), ("tls-a", 13, 1)])
def test_what_a_client_does_that_hardly_does_anything_else_is_the_work(
    client: str, own: int, shared_times: int
) -> None:
    """Of a thief's exchanges one is word for word the group's, eleven stand in mined families, one nowhere."""
    rows = "(0, TIMESTAMPTZ '2026-03-01 10:00:00Z', '1', FALSE, 'tls-a'), "
    rows += f"(0, TIMESTAMPTZ '2026-03-09 10:00:00Z', '9', FALSE, '{client}'), "
    rows += "(0, TIMESTAMPTZ '2026-03-23 10:00:00Z', '8', TRUE, 'tls-b'), "
    rows += ", ".join(f"(0, TIMESTAMPTZ '2026-03-{day} 10:00:00Z', '{day}', TRUE, '{client}')" for day in range(10, 21))
    found = first_of_many(rows, verbatim="block = '8'")
    assert (found["own"], found["shared_times"]) == (own, shared_times)


def test_a_life_without_addresses_or_clients_makes_nothing_foreign() -> None:
    assert member_fact("NULL", "'tls-a'")["at_home"] is None
    assert member_fact("1", "NULL")["own_client"] is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2026-03-01 10:00:00Z", "2026-03-01 10:59:59Z", True),
        ("2026-03-01 10:29:59Z", "2026-03-01 10:30:01Z", True),
        ("2026-03-01 10:59:59Z", "2026-03-01 11:00:00Z", False),
    ],
)
def test_an_hour_begins_on_the_hour(first: str, second: str, same: bool) -> None:
    hour = next(channel for channel in CHANNELS if channel.name == "hour")
    with DuckEngine() as engine:
        engine.run(
            [
                Step("account", "SELECT 0 AS account, NULL::TIMESTAMPTZ AS created_at"),
                Step(
                    "exchange",
                    f"SELECT 0 AS entity, 0 AS account, unnest([TIMESTAMPTZ '{first}', TIMESTAMPTZ '{second}']) "
                    "AS asked_at",
                ),
            ]
        )
        assert (engine.arrow(hour.sql).num_rows == 1) == same


def test_a_day_begins_at_midnight() -> None:
    day = next(channel for channel in CHANNELS if channel.name == "signup_day")
    for second, same in (("2026-03-01 23:59:59Z", True), ("2026-03-02 00:00:00Z", False)):
        with DuckEngine() as engine:
            times = f"[TIMESTAMPTZ '2026-03-01 00:00:00Z', TIMESTAMPTZ '{second}']"
            engine.run([Step("account", f"SELECT 0 AS entity, unnest({times}) AS created_at")])
            assert (engine.arrow(day.sql).num_rows == 1) == same
