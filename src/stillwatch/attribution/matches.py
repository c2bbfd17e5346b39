"""How many accused accounts, and how many others, carry what a dossier holds: counts by organisation, kind and source.

Others are all accounts but those that the finding names and those that any suspected finding accuses. An account
carries an indicator of its exchanges where a tenth of them show it: less is what a planted detour costs.
"""

import ipaddress
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from stillwatch.assess.attribution import Counted
from stillwatch.attribution.dossier import Indicator
from stillwatch.engine.base import Engine
from stillwatch.networks import load
from stillwatch.records import Step

SHARE = 0.1
"""Share of an account's exchanges from which it carries what they show."""

PROXIES = ("hosting", "vpn", "tor", "relay")

OF_EXCHANGES = {"address": "client_ip", "asn": "asn", "ja4": "ja4", "user_agent": "user_agent"}
OF_ACCOUNTS = {
    "verified_domain": "lower(verified_domain)", "payment_fingerprint": "payment_fingerprint", "card_bin": "card_bin",
    "email_domain": "lower(email_domain)", "email": "lower(email)", "org_id": "org_id", "signup_ja4": "signup_ja4",
    "signup_user_agent": "signup_user_agent", "signup_address": "signup_ip", "signup_asn": "signup_asn",
}  # fmt: skip
"""Where each kind stands, in `exchanges` and `accounts`."""

HIDDEN = ("payment_fingerprint", "org_id", "email")
"""Kinds that a store with pseudonyms keeps as pseudonyms, or not at all."""

Group = tuple[str, str, str]


@dataclass(frozen=True)
class Counts:
    """What was counted, and why kinds that the dossier asks for abstained."""

    counted: tuple[Counted, ...]
    unseen: Mapping[str, str]
    accused: int
    others: int


def counts(
    engine: Engine,
    indicators: Sequence[Indicator],
    accused: Iterable[str],
    left_out: Iterable[str],
    *,
    pseudonymous: bool = False,
    networks: str | None = None,
) -> Counts:
    """Count in `exchanges` and `accounts`, which the engine holds. `left_out` are neither accused nor others."""
    _parties(engine, accused, left_out)
    groups: dict[Group, list[Indicator]] = defaultdict(list)
    for one in indicators:
        groups[one.kind, one.organisation, one.source.name].append(one)
    numbered = {group: number for number, group in enumerate(sorted(groups))}
    asked = sorted({kind for kind, _, _ in groups})
    if any(kind.endswith(("address", "asn")) for kind in asked):
        _addresses(engine, groups, numbered, networks)
    unseen: dict[str, str] = {}
    told: dict[int, Mapping[str, Any]] = {}
    seen: dict[str, Mapping[str, Any]] = {}
    for kind in asked:
        wanted = {number: groups[group] for group, number in numbered.items() if group[0] == kind}
        seen[kind], rows = _kind(engine, kind, wanted)
        told |= {row["grp"]: row for row in rows}
        if not seen[kind]["logged"]:
            unseen[kind] = "nothing was logged that would show it"
        elif pseudonymous and kind in HIDDEN and not _pseudonyms(wanted):
            unseen[kind] = "this store keeps pseudonyms: put `stillwatch pseudonym` of the value into the dossier"
    counted = tuple(
        _counted(groups[group], told.get(number, {}), {} if group[0] in unseen else seen[group[0]])
        for group, number in numbered.items()
    )
    (sizes,) = engine.arrow(
        "SELECT count(*) FILTER (is_accused) AS a, count(*) FILTER (NOT is_accused) AS o FROM party"
    ).to_pylist()
    return Counts(counted, unseen, int(sizes["a"]), int(sizes["o"]))


def _pseudonyms(wanted: Mapping[int, Sequence[Indicator]]) -> bool:
    return any(one.value.startswith("hmac:") for several in wanted.values() for one in several)


def _counted(indicators: Sequence[Indicator], row: Mapping[str, Any], seen: Mapping[str, Any]) -> Counted:
    first = indicators[0]
    carry = int(row.get("accused") or 0) + int(row.get("others") or 0)
    return Counted(
        first.organisation, first.kind, first.source.name, first.source.grade, first.source.partner,
        int(row.get("accused") or 0) if seen else 0, int(seen.get("accused", 0)),
        int(row.get("others") or 0) if seen else 0, int(seen.get("others", 0)),
        round(int(row.get("rented") or 0) / carry, 6) if carry else 0.0,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- tables


def _parties(engine: Engine, accused: Iterable[str], left_out: Iterable[str]) -> None:
    """`party(account_id, is_accused)`: every account that is accused or one of the others."""
    for name, names in (("accused_account", accused), ("left_out_account", left_out)):
        engine.register(name, pa.table({"account_id": pa.array(sorted(filter(_is_text, set(names))), pa.string())}))
    engine.run(
        [
            Step(
                "party",
                """
                SELECT account_id, account_id IN (SELECT account_id FROM accused_account) AS is_accused
                FROM (SELECT account_id FROM accounts UNION SELECT account_id FROM exchanges)
                WHERE account_id IN (SELECT account_id FROM accused_account)
                   OR account_id NOT IN (SELECT account_id FROM left_out_account)
                """,
            )
        ]
    )


def _is_text(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _kind(engine: Engine, kind: str, wanted: Mapping[int, Sequence[Indicator]]) -> tuple[Mapping[str, Any], list[Any]]:
    """Of one kind: how many of each party could show it, and a row a group with how many do."""
    if not kind.endswith("address"):
        pairs = sorted({(one.value, number) for number, several in wanted.items() for one in several})
        columns = list(zip(*pairs, strict=True))
        engine.register(
            "wanted_value",
            pa.table({"value": pa.array(columns[0], pa.string()), "grp": pa.array(columns[1], pa.int32())}),
        )
    engine.run(_account_steps(kind) if kind in OF_ACCOUNTS else _exchange_steps(kind))
    (seen,) = engine.arrow(
        """
        SELECT count(*) FILTER (p.is_accused) AS accused, count(*) FILTER (NOT p.is_accused) AS others,
               coalesce(bool_or(s.has), FALSE) AS logged
        FROM seen s JOIN party p ON p.account_id = s.account_id
        """
    ).to_pylist()
    rows = engine.arrow(
        """
        SELECT c.grp, count(*) FILTER (p.is_accused) AS accused, count(*) FILTER (NOT p.is_accused) AS others,
               count(*) FILTER (c.rented) AS rented
        FROM carried c JOIN party p ON p.account_id = c.account_id GROUP BY c.grp ORDER BY c.grp
        """
    ).to_pylist()
    return seen, rows


def _account_steps(kind: str) -> list[Step]:
    """`seen(account_id, has)` and `carried(account_id, grp, rented)` of what stands in the accounts' table. An account
    that leaves a field empty, where others fill it, does not carry it."""
    column, hits, place = OF_ACCOUNTS[kind], "wanted_value h ON h.value = a.value", "accounts a"
    rented = "FALSE"
    if kind == "signup_address":
        hits, rented = f"address_hit h ON h.address = a.value AND h.kind = '{kind}'", "h.rented"
    if kind == "signup_asn":
        place = "accounts a LEFT JOIN network n ON n.address = a.signup_ip"
        column = "CAST(coalesce(a.signup_asn, n.asn) AS VARCHAR)"
    has = "a.value IN (SELECT address FROM network WHERE block IS NOT NULL)" if kind == "signup_address" else "TRUE"
    return [
        Step("shown", f"SELECT a.account_id, {column} AS value FROM {place}"),
        Step("seen", f"SELECT account_id, a.value IS NOT NULL AND {has} AS has FROM shown a"),
        Step("carried", f"SELECT DISTINCT a.account_id, h.grp, {rented} AS rented FROM shown a JOIN {hits}"),
    ]


def _exchange_steps(kind: str) -> list[Step]:
    """The same of what stands in exchanges: who logged any, and who shows it in a tenth of those or more."""
    value, hits = OF_EXCHANGES[kind], "wanted_value h ON h.value = s.value"
    place, rented = "exchanges e", "FALSE"
    if kind in ("address", "asn"):
        place = "exchanges e LEFT JOIN network n ON n.address = e.client_ip"
    if kind == "address":
        value = "CASE WHEN n.block IS NOT NULL THEN e.client_ip END"
        hits, rented = f"address_hit h ON h.address = s.value AND h.kind = '{kind}'", "h.rented"
    if kind == "asn":
        value = "CAST(coalesce(e.asn, n.asn) AS VARCHAR)"
    return [
        Step("shown", f"SELECT e.account_id, {value} AS value, count(*) AS n FROM {place} GROUP BY ALL"),
        Step(
            "seen",
            "SELECT account_id, TRUE AS has, sum(n) AS n FROM shown WHERE value IS NOT NULL GROUP BY account_id",
        ),
        Step(
            "carried",
            f"""
            SELECT c.account_id, c.grp, 2 * c.rented >= c.n AS rented FROM (
              SELECT s.account_id, h.grp, sum(s.n) AS n, sum(CASE WHEN {rented} THEN s.n ELSE 0 END) AS rented
              FROM shown s JOIN {hits} GROUP BY s.account_id, h.grp
            ) c JOIN seen t ON t.account_id = c.account_id WHERE c.n >= {SHARE} * t.n
            """,
        ),
    ]


# ------------------------------------------------------------------------------------------------------- addresses


def _addresses(
    engine: Engine, groups: Mapping[Group, Sequence[Indicator]], numbered: Mapping[Group, int], networks: str | None
) -> None:
    """`network`, what is known of every address, and `address_hit(address, kind, grp, rented)`: who holds which."""
    table = engine.arrow(
        "SELECT DISTINCT client_ip AS address FROM exchanges WHERE client_ip IS NOT NULL "
        "UNION SELECT DISTINCT signup_ip FROM accounts WHERE signup_ip IS NOT NULL"
    )
    resolved = load(networks).resolve(table["address"])
    engine.register("network", resolved)
    blocks: dict[tuple[int, int], dict[int, set[tuple[str, int]]]] = defaultdict(lambda: defaultdict(set))
    for group, indicators in groups.items():
        for one in indicators if group[0].endswith("address") else ():
            block = ipaddress.ip_network(one.value)
            shift = block.max_prefixlen - block.prefixlen
            blocks[block.version, shift][int(block.network_address) >> shift].add((group[0], numbered[group]))
    rows = [
        {"address": address, "kind": kind, "grp": number, "rented": network in PROXIES}
        for address, network in zip(resolved["address"].to_pylist(), resolved["ip_class"].to_pylist(), strict=True)
        for kind, number in (_held(address, blocks) if blocks else ())
    ]
    schema = pa.schema([("address", pa.string()), ("kind", pa.string()), ("grp", pa.int32()), ("rented", pa.bool_())])
    engine.register("address_hit", pa.Table.from_pylist(rows, schema=schema))


def _held(address: str, blocks: Mapping[tuple[int, int], Mapping[int, set[tuple[str, int]]]]) -> set[tuple[str, int]]:
    """Which groups hold an address."""
    version, number = _number(address)
    found: set[tuple[str, int]] = set()
    for (of, shift), held in blocks.items():
        if of == version:
            found |= held.get(number >> shift, set())
    return found


def _number(address: str) -> tuple[int, int]:
    """The version and number of an address; version 0 where it is none. An IPv4 address in IPv6's clothes is IPv4."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        packed = socket.inet_pton(family, address)
    except (OSError, ValueError):
        return 0, 0
    if len(packed) == 16 and packed.startswith(bytes(10) + b"\xff\xff"):
        packed = packed[12:]
    return (4 if len(packed) == 4 else 6), int.from_bytes(packed)
