"""Entities: accounts that openly belong together, judged as one customer.

Accounts with one verified domain and one payment instrument are one entity, and so are accounts that declare one
organisation and verified one domain. A name costs nothing, and anybody can give another's; one card for many accounts
costs less than many cards. So a card that agrees vouches for the name, which is a fact for the questions, and joins
nobody. Where no account shows a domain or a card, the name stands. How it is evaded: accounts that declare nothing stay
apart, which is what linkage is for; accounts that verify one domain become one large customer, and are seen as such.
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
    order; `vouched[i]` numbers the accounts with which account i shares its organisation and more than the name, or is
    -1."""

    entity: NDArray[np.int32]
    name: tuple[str, ...]
    vouched: NDArray[np.int32]


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
    joining: dict[Key, list[int]] = {}
    vouching: dict[Key, list[int]] = {}
    for row, (org, domain, payment) in enumerate(zip(orgs, domains, payments, strict=True)):
        declared = "" if org in resellers else _organisation(org)
        if domain and payment:
            joining.setdefault(("paid", domain, payment), []).append(row)
        if declared and (domain or not shown):
            joining.setdefault(("org", declared, domain or ""), []).append(row)
        if declared and (domain or payment or not shown):
            vouching.setdefault((declared, domain or payment or ""), []).append(row)
    vouched = np.full(accounts.num_rows, -1, dtype=np.int32)
    for rows in vouching.values():
        vouched[rows] = rows[0] if len(rows) > 1 else -1
    edges = [(rows[0], row) for rows in joining.values() for row in rows]
    return _components(vouched, edges, accounts["account_id"].to_pylist())


def _organisation(value: str | None) -> str:
    """A declared organisation, or nothing where the name says nothing."""
    return "" if value is None or value.strip().lower() in PLACEHOLDERS else value


def _components(vouched: NDArray[np.int32], edges: list[tuple[int, int]], ids: list[str]) -> Entities:
    n = len(ids)
    left = np.array([a for a, _ in edges], dtype=np.int64)
    right = np.array([b for _, b in edges], dtype=np.int64)
    graph = coo_matrix((np.ones(len(edges)), (left, right)), (n, n))
    labels = connected_components(graph, directed=False)[1]
    _, first, dense = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    order = np.sort(first)
    return Entities(rank[dense].astype(np.int32), tuple(ids[row] for row in order), vouched)
