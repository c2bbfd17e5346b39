"""Who carries what a dossier holds, counted in tables made by hand."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from stillwatch.attribution.dossier import Indicator, load_dossier
from stillwatch.attribution.matches import Counts, counts
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.tables import ACCOUNTS, SKETCHED
from tests.attribution.dossiers import account, dossier, indicator


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    with DuckEngine() as made:
        yield made


def asked(*indicators: dict[str, str]) -> Sequence[Indicator]:
    return load_dossier(dossier(*indicators), "d").indicators


def exchange(account_id: str, **given: Any) -> dict[str, Any]:
    return {name: given.get(name) for name in ("client_ip", "asn", "ja4", "user_agent")} | {"account_id": account_id}


def counted(
    engine: DuckEngine,
    rows: list[dict[str, Any]],
    sent: list[dict[str, Any]],
    wanted: Sequence[Indicator],
    **given: Any,
) -> Counts:
    engine.register("accounts", pa.Table.from_pylist(rows, schema=ACCOUNTS))
    names = ("account_id", "client_ip", "asn", "ja4", "user_agent")
    engine.register("exchanges", pa.Table.from_pylist(sent, schema=pa.schema([SKETCHED.field(name) for name in names])))
    return counts(engine, wanted, ["a", "b"], ["a", "b", "named"], **given)


def numbers(found: Counts, place: int = 0) -> tuple[int, int, int, int]:
    one = found.counted[place]
    return one.accused, one.of_accused, one.others, one.of_others


def test_accounts_are_counted_on_both_sides_and_whom_the_finding_names_on_neither(engine: DuckEngine) -> None:
    domains = {"a": "Example.ORG", "b": None, "named": "example.org", "c": "example.org", "d": "other.example"}
    rows = [account(name, verified_domain=domain) for name, domain in domains.items()]
    found = counted(engine, rows, [], asked(indicator("verified_domain", "example.org")))
    assert numbers(found) == (1, 2, 1, 2) and (found.accused, found.others) == (2, 2)


def test_several_indicators_of_a_source_are_one_channel_and_two_sources_are_two(engine: DuckEngine) -> None:
    rows = [account("a", card_bin="411111"), account("b", card_bin="422222"), account("c", card_bin="433333")]
    one = indicator("card_bin", "411111"), indicator("card_bin", "422222")
    assert numbers(counted(engine, rows, [], asked(*one))) == (2, 2, 0, 1)
    two = counted(engine, rows, [], asked(one[0], indicator("card_bin", "422222", "bank")))
    assert [(c.source, c.accused) for c in two.counted] == [("bank", 1), ("register", 1)]


def test_blocks_hold_addresses_of_both_versions_and_not_their_neighbours(engine: DuckEngine) -> None:
    places = {"a": "198.51.100.255", "b": "::ffff:198.51.100.1", "c": "198.51.101.0", "d": "2001:db8:1::9", "e": "junk"}
    rows = [account(name, signup_ip=place) for name, place in places.items()]
    wanted = asked(indicator("signup_address", "198.51.100.0/24"), indicator("signup_address", "2001:db8:1::/48"))
    assert numbers(counted(engine, rows, [], wanted)) == (2, 2, 1, 3)


def test_an_account_carries_an_address_from_a_tenth_of_its_exchanges_on(engine: DuckEngine) -> None:
    sent = [exchange("a", client_ip="198.51.100.1")] + [exchange("a", client_ip="203.0.113.9")] * 9
    sent += [exchange("b", client_ip="198.51.100.1")] + [exchange("b", client_ip="203.0.113.9")] * 10
    sent += [exchange("c", client_ip="hmac:1:ff"), exchange("d")]
    found = counted(engine, [], sent, asked(indicator("address", "198.51.100.1")))
    assert numbers(found) == (1, 2, 0, 0) and found.others == 2


def test_networks_are_known_from_logs_or_from_the_tables(engine: DuckEngine) -> None:
    sent = [exchange("a", asn=64500), exchange("b", client_ip="8.8.8.8"), exchange("c", client_ip="1.1.1.1")]
    wanted = asked(indicator("asn", "64500"), indicator("asn", "AS15169"))
    assert numbers(counted(engine, [], sent, wanted)) == (2, 2, 0, 1)


def test_what_comes_from_a_network_for_rent_is_said(engine: DuckEngine) -> None:
    sent = [exchange("a", client_ip="3.5.140.2"), exchange("b", client_ip="192.0.2.1")]
    wanted = asked(indicator("address", "3.5.140.0/22"), indicator("address", "192.0.2.0/24"))
    (one,) = counted(engine, [], sent, wanted).counted
    assert (one.accused, one.rented) == (2, 0.5)


def test_what_nobody_logged_abstains_and_says_so(engine: DuckEngine) -> None:
    found = counted(
        engine, [account("a"), account("c")], [], asked(indicator("email", "x@example.org"), indicator("ja4", "t13d"))
    )
    assert found.unseen == {kind: "nothing was logged that would show it" for kind in ("email", "ja4")}
    assert {(c.of_accused, c.of_others) for c in found.counted} == {(0, 0)}


def test_pseudonyms_are_compared_with_pseudonyms_only(engine: DuckEngine) -> None:
    rows = [account("a", payment_fingerprint="hmac:1:ab"), account("c", payment_fingerprint="hmac:1:cd")]
    plain = counted(engine, rows, [], asked(indicator("payment_fingerprint", "pm_1")), pseudonymous=True)
    assert "pseudonym" in plain.unseen["payment_fingerprint"] and numbers(plain) == (0, 0, 0, 0)
    found = counted(engine, rows, [], asked(indicator("payment_fingerprint", "hmac:1:ab")), pseudonymous=True)
    assert numbers(found) == (1, 1, 0, 1) and not found.unseen


def test_hostile_names_are_data(engine: DuckEngine) -> None:
    odd = "x'); DROP TABLE accounts; --\x00"
    rows = [account("a", org_id="'; SELECT 1"), account(odd, org_id="o")]
    found = counted(engine, rows, [], asked(indicator("org_id", "'; SELECT 1")))
    assert numbers(found) == (1, 1, 0, 1)
    assert counts(engine, (), [odd, "half \ud800"], []).accused == 1
