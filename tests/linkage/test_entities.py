"""Who is judged as one customer, and who is not."""

import pyarrow as pa

from stillwatch.linkage.entities import STRANGERS, entities_of

COLUMNS = ("account_id", "org_id", "verified_domain", "payment_fingerprint", "reseller_of")
Row = tuple[str | None, ...]


def joined(rows: list[Row]) -> list[int]:
    table = pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(COLUMNS)})
    return entities_of(table).entity.tolist()


def test_one_declared_organisation_is_one_customer() -> None:
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


def test_a_crowd_of_strangers_under_one_name_is_a_placeholder() -> None:
    crowd: list[Row] = [(f"a{place:03}", "starter", None, f"p{place}", None) for place in range(STRANGERS)]
    assert len(set(joined(crowd))) == STRANGERS
    office: list[Row] = [(f"a{place:03}", "starter", "x.org", f"p{place}", None) for place in range(STRANGERS)]
    assert len(set(joined(office))) == 1


def test_links_chain_and_are_named_after_the_smallest_account() -> None:
    rows: list[Row] = [
        ("z", None, "x.org", "p1", None),
        ("m", "acme", "x.org", "p1", None),
        ("b", "acme", None, None, None),
    ]
    table = pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(COLUMNS)})
    found = entities_of(table)
    assert found.entity.tolist() == [0, 0, 0] and found.name == ("z",)
