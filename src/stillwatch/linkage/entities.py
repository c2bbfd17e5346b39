"""Entities: accounts that openly belong together, judged as one customer.

Accounts with one declared organisation, or with one verified domain and one payment instrument, are one entity. A
placeholder organisation does not collapse strangers. How it is evaded: accounts that declare nothing stay apart, which
is what linkage is for; accounts that declare a common organisation become one large customer, and are seen as such.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from stillwatch.records import Step

PLACEHOLDERS = frozenset(
    ("default", "personal", "none", "null", "n/a", "na", "unknown", "individual", "private", "self", "test", "org", "-")
)
"""Organisation names, lower-cased, that many unrelated accounts carry by default."""

STRANGERS = 20
"""An organisation of at least this many accounts that pay by mostly different instruments, under no common verified
domain, is a placeholder whatever its name is."""


@dataclass(frozen=True)
class Entities:
    """`entity[i]` is the dense entity of account i; `name[e]` the smallest account id of entity e, in ascending
    order."""

    entity: NDArray[np.int32]
    name: tuple[str, ...]


def account_steps() -> list[Step]:
    """Table `account`: every account seen in exchanges or in the account file, in ascending order of its id.

    Columns: account INTEGER (dense, by id), all of the account file's, and org_id completed from the exchanges.
    """
    return [
        Step(
            "account_seen",
            """
            SELECT account_id, min(org_id) FILTER (org_id IS NOT NULL) AS seen_org_id,
                   count(DISTINCT org_id) AS orgs, count(*) AS exchanges,
                   min(asked_at) AS first_seen, max(asked_at) AS last_seen
            FROM exchanges GROUP BY account_id
            """,
        ),
        Step(
            "account",
            """
            SELECT CAST(row_number() OVER (ORDER BY account_id) - 1 AS INTEGER) AS account, account_id,
                   coalesce(a.org_id, CASE WHEN s.orgs = 1 THEN s.seen_org_id END) AS org_id,
                   a.* EXCLUDE (account_id, org_id), coalesce(s.exchanges, 0) AS exchanges, s.first_seen, s.last_seen
            FROM accounts AS a FULL JOIN account_seen AS s USING (account_id)
            ORDER BY account
            """,
        ),
    ]


def entities_of(accounts: pa.Table) -> Entities:
    """Join accounts into entities. `accounts` is the table `account`, in order of its dense id."""
    n = accounts.num_rows
    orgs = [_organisation(value) for value in accounts["org_id"].to_pylist()]
    domains = accounts["verified_domain"].to_pylist()
    payments = accounts["payment_fingerprint"].to_pylist()
    resold = accounts["reseller_of"].to_pylist()
    closed = _placeholder_orgs(orgs, domains, payments, resold)
    edges: list[tuple[int, int]] = []
    first: dict[tuple[str, ...], int] = {}
    for row in range(n):
        keys: list[tuple[str, ...]] = []
        if orgs[row] and orgs[row] not in closed:
            keys.append(("org", orgs[row]))
        if domains[row] and payments[row]:
            keys.append(("domain", domains[row], payments[row]))
        edges += [(first.setdefault(key, row), row) for key in keys]
    return _components(n, edges, accounts["account_id"].to_pylist())


def _organisation(value: str | None) -> str:
    """A declared organisation, or nothing where the name says nothing."""
    return "" if value is None or value.strip().lower() in PLACEHOLDERS else value


def _placeholder_orgs(
    orgs: list[str], domains: list[str | None], payments: list[str | None], resold: list[str | None]
) -> set[str]:
    """Organisations that do not make one customer of their accounts: a reseller's own, and crowds of strangers."""
    members: dict[str, list[int]] = {}
    for row, org in enumerate(orgs):
        if org:
            members.setdefault(org, []).append(row)
    return {
        org
        for org, rows in members.items()
        if any(resold[row] for row in rows) or _are_strangers(rows, domains, payments)
    }


def _are_strangers(rows: list[int], domains: list[str | None], payments: list[str | None]) -> bool:
    if len(rows) < STRANGERS:
        return False
    verified = [domains[row] for row in rows if domains[row]]
    common = max((verified.count(domain) for domain in set(verified)), default=0)
    paid = [payments[row] for row in rows if payments[row]]
    return common * 2 < len(rows) and len(set(paid)) * 2 > len(rows)


def _components(n: int, edges: list[tuple[int, int]], ids: list[str]) -> Entities:
    left = np.array([a for a, _ in edges], dtype=np.int64)
    right = np.array([b for _, b in edges], dtype=np.int64)
    graph = coo_matrix((np.ones(len(edges)), (left, right)), (n, n))
    labels = connected_components(graph, directed=False)[1]
    _, first, dense = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    order = np.sort(first)
    return Entities(rank[dense].astype(np.int32), tuple(ids[row] for row in order))
