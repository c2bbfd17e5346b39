"""Entities: accounts that openly belong together, judged as one customer.

Accounts with one verified domain and one payment instrument are one entity, and so are accounts that declare one
organisation and share one of the two: a name alone costs nothing, and anybody can give another's. Where no account
shows either, the name stands. How it is evaded: accounts that declare nothing stay apart, which is what linkage is for;
accounts that declare an organisation and pay by one card become one large customer, and are seen as such.
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

Key = tuple[str, ...]


@dataclass(frozen=True)
class Entities:
    """`entity[i]` is the dense entity of account i; `name[e]` the smallest account id of entity e, in ascending
    order; `vouched[i]` whether account i belongs to the organisation that it declares by more than its own word."""

    entity: NDArray[np.int32]
    name: tuple[str, ...]
    vouched: NDArray[np.bool_]


def account_steps() -> list[Step]:
    """Table `account`: every account seen in exchanges or in the account file, in ascending order of its id.

    Columns: account INTEGER (dense, by id), all of the account file's, and org_id. The account file is the
    record of organisations: the exchanges' stand only for accounts that it lacks, or where it names none at all.
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
                   CASE WHEN a.account_id IS NOT NULL AND (SELECT count(org_id) FROM accounts) > 0 THEN a.org_id
                        ELSE coalesce(a.org_id, CASE WHEN s.orgs = 1 THEN s.seen_org_id END) END AS org_id,
                   a.* EXCLUDE (account_id, org_id), coalesce(s.exchanges, 0) AS exchanges, s.first_seen, s.last_seen
            FROM accounts AS a FULL JOIN account_seen AS s USING (account_id)
            ORDER BY account
            """,
        ),
    ]


def entities_of(accounts: pa.Table) -> Entities:
    """Join accounts into entities. `accounts` is the table `account`, in order of its dense id."""
    columns = ("org_id", "verified_domain", "payment_fingerprint", "reseller_of")
    orgs, domains, payments, resold = (accounts[name].to_pylist() for name in columns)
    resellers = {org for org, vendor in zip(orgs, resold, strict=True) if vendor}
    shown = any(domains) or any(payments)
    keys: dict[Key, list[int]] = {}
    for row, (org, domain, payment) in enumerate(zip(orgs, domains, payments, strict=True)):
        declared = "" if org in resellers else _organisation(org)
        for key in _keys(declared, domain, payment, shown=shown):
            keys.setdefault(key, []).append(row)
    vouched = np.zeros(accounts.num_rows, dtype=np.bool_)
    for key, rows in keys.items():
        vouched[rows] |= key[0] == "org" and len(rows) > 1
    edges = [(rows[0], row) for rows in keys.values() for row in rows]
    return _components(vouched, edges, accounts["account_id"].to_pylist())


def _keys(org: str, domain: str | None, payment: str | None, *, shown: bool) -> list[Key]:
    """What joins an account with every other that has the same. `shown`: some account has a domain or a payment."""
    keys: list[Key] = [("domain", domain, payment)] if domain and payment else []
    if org and domain:
        keys.append(("org", org, "domain", domain))
    if org and payment:
        keys.append(("org", org, "payment", payment))
    if org and not shown:
        keys.append(("org", org))
    return keys


def _organisation(value: str | None) -> str:
    """A declared organisation, or nothing where the name says nothing."""
    return "" if value is None or value.strip().lower() in PLACEHOLDERS else value


def _components(vouched: NDArray[np.bool_], edges: list[tuple[int, int]], ids: list[str]) -> Entities:
    n = len(ids)
    left = np.array([a for a, _ in edges], dtype=np.int64)
    right = np.array([b for _, b in edges], dtype=np.int64)
    graph = coo_matrix((np.ones(len(edges)), (left, right)), (n, n))
    labels = connected_components(graph, directed=False)[1]
    _, first, dense = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    order = np.sort(first)
    return Entities(rank[dense].astype(np.int32), tuple(ids[row] for row in order), vouched)
