"""Who is judged as one customer, and who is not."""

import pyarrow as pa
import pytest

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.linkage.entities import Entities, account_steps, entities_of

COLUMNS = ("account_id", "org_id", "verified_domain", "payment_fingerprint", "reseller_of")
Row = tuple[str | None, ...]


def found(rows: list[Row]) -> Entities:
    return entities_of(
        pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(COLUMNS)})
    )


def joined(rows: list[Row]) -> list[int]:
    return found(rows).entity.tolist()


def test_one_declared_organisation_is_one_customer_where_nothing_else_was_logged() -> None:
    assert joined(
        [("a", "acme", None, None, None), ("b", None, None, None, None), ("c", "acme", None, None, None)]
    ) == [0, 1, 0]


def test_a_verified_domain_needs_the_payment_too() -> None:
    rows: list[Row] = [
        ("a", None, "x.org", "p1", None),
        ("b", None, "x.org", "p2", None),
        ("c", None, "x.org", "p1", None),
    ]
    assert joined(rows) == [0, 1, 0]


def test_placeholder_names_join_nobody() -> None:
    assert joined(
        [("a", "Default", None, None, None), ("b", "default ", None, None, None), ("c", "personal", None, None, None)]
    ) == [0, 1, 2]


def test_a_resellers_own_organisation_joins_nobody() -> None:
    assert joined([("a", "resell", None, "p", "vendor"), ("b", "resell", None, "q", None)]) == [0, 1]


def office(size: int, domain: str | None, cards: int) -> list[Row]:
    return [(f"a{at:03}", "starter", domain, f"p{at % cards}", None) for at in range(size)]


@pytest.mark.parametrize("size", [2, 19, 200])
def test_strangers_under_one_name_are_not_one_customer(size: int) -> None:
    crowd = found(office(size, None, size))
    assert len(set(crowd.entity.tolist())) == size and set(crowd.vouched.tolist()) == {-1}


def test_an_office_of_three_hundred_keys_is_one_customer() -> None:
    whole = found(office(300, "x.org", 300))
    assert set(whole.entity.tolist()) == {0} and set(whole.vouched.tolist()) == {0}


def test_one_card_vouches_for_a_name_and_joins_nobody() -> None:
    paid = found(office(300, None, 1))
    assert len(set(paid.entity.tolist())) == 300 and set(paid.vouched.tolist()) == {0}


def test_who_names_an_honest_customer_is_not_taken_for_it() -> None:
    guests: list[Row] = [(f"z{at}", "starter", None, f"q{at}", None) for at in range(20)]
    guests.append(("zz", "starter", None, None, None))
    both = found([*office(6, "x.org", 6), *guests])
    assert both.entity.tolist() == [0] * 6 + list(range(1, 22))
    assert both.vouched.tolist() == [0] * 6 + [-1] * 21


@pytest.mark.parametrize(
    ("of_record", "wanted"),
    [
        ({"a": None, "b": "acme"}, [None, "acme", "guest"]),
        ({"a": None, "b": None}, ["guest", None, "guest"]),
        ({}, None),
    ],
    ids=["a name of record", "no name of record", "no account file"],
)
def test_the_account_file_says_who_belongs_where(
    of_record: dict[str, str | None], wanted: list[str | None] | None
) -> None:
    """Accounts a and c call themselves guests of an organisation in their requests; c is not in the file yet."""
    from stillwatch.tables import ACCOUNTS, EXCHANGES

    asked = [{"account_id": name, "org_id": org} for name, org in (("a", "guest"), ("b", None), ("c", "guest"))]
    file = [{"account_id": name, "org_id": org} for name, org in of_record.items()]
    with DuckEngine() as engine:
        engine.register("exchanges", pa.Table.from_pylist(asked, schema=EXCHANGES))
        engine.register("accounts", pa.Table.from_pylist(file, schema=ACCOUNTS))
        engine.run(account_steps())
        held = engine.arrow("SELECT org_id FROM account ORDER BY account")["org_id"].to_pylist()
    assert held == (wanted or ["guest", None, "guest"])


def test_links_chain_and_are_named_after_the_smallest_account() -> None:
    rows: list[Row] = [
        ("z", None, "x.org", "p1", None),
        ("m", "acme", "x.org", "p1", None),
        ("b", "acme", "x.org", None, None),
    ]
    chained = found(rows)
    assert chained.entity.tolist() == [0, 0, 0] and chained.name == ("z",)
