"""A world in which campaigns frame innocents: they copy the signals of accounts that have nothing to do with them, in
every channel of a family, or of several, that whoever runs a campaign can write."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COPIED = {
    "client": ("ja4", "user_agent", "temperature", "top_p", "max_tokens", "seed", "n", "reasoning_effort",
               "response_format", "tool_choice", "stream"),
    "infrastructure": ("client_ip", "asn", "country", "ip_class"),
    "content": ("system", "messages", "tools", "output"),
    "registration": ("email_domain", "card_bin", "payment_fingerprint", "created_at"),
}  # fmt: skip
"""By family the columns that are copied: of exchanges, and for the last of accounts. At least three channels each."""

PART = {"content": 0.1}
"""Of a campaign's extraction, the part that carries an innocent's signals: of content a tenth (a campaign that asks for
something else does not extract), of the others all."""

ALONE = tuple((family,) for family in COPIED)
LEAST = 20
"""Exchanges of an account from which it is framed: with fewer there is little to copy."""

Rows = dict[str, list[dict[str, Any]]]


def frame(logs: Path, truth: Path, seed: int, innocents: int, ways: Sequence[Sequence[str]] = ALONE) -> dict[str, str]:
    """Rewrite a simulated world's logs; each way (families that are copied together) has its innocents and a campaign
    that copies them, the largest first.

    Answers how each framed account is copied, as "client+content". Innocents are honest accounts of no special kind
    with 20 exchanges or more, drawn by the seed. Each member of the campaign copies each of them in turn (in
    registration: one of them).
    """
    dice = random.Random(seed)
    people = {row["account_id"]: row for row in pq.read_table(truth / "accounts.parquet").to_pylist()}
    of = {row["exchange_id"]: row["campaign"] for row in pq.read_table(truth / "exchanges.parquet").to_pylist()}
    days = {path: pq.read_table(path).to_pylist() for path in sorted((logs / "exchanges").glob("*.parquet"))}
    own: Rows = {}
    for row in sorted((row for held in days.values() for row in held), key=lambda row: row["exchange_id"]):
        own.setdefault(row["account_id"], []).append(row)
    fit = [name for name in sorted(own) if people[name]["kind"] == "legit" and len(own[name]) >= LEAST]
    dice.shuffle(fit)
    sizes = Counter(person["cohort"] for person in people.values() if person["kind"] == "operator")
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))
    framed: dict[str, str] = {}
    for place, families in enumerate(ways):
        chosen, by = [fit.pop() for _ in range(innocents)], largest[place % len(largest)]
        framed |= dict.fromkeys(chosen, "+".join(families))
        work = [row for name in sorted(own) for row in own[name] if of.get(row["exchange_id"]) == by]
        for family in families:
            if family == "registration":
                _register(logs, [name for name in sorted(people) if people[name]["cohort"] == by], chosen)
            else:
                _copy(work, {name: own[name] for name in chosen}, family, dice)
    for path, held in days.items():
        pq.write_table(pa.Table.from_pylist(held, schema=pq.read_schema(path)), path)
    return framed


def _copy(work: list[dict[str, Any]], of: Rows, family: str, dice: random.Random) -> None:
    for row in work:
        if dice.random() < PART.get(family, 1.0):
            like = dice.choice(of[dice.choice(sorted(of))])
            row |= {column: like[column] for column in COPIED[family]}


def _register(logs: Path, members: list[str], chosen: list[str]) -> None:
    path = logs / "accounts.parquet"
    held = pq.read_table(path)
    rows = {row["account_id"]: row for row in held.to_pylist()}
    for place, name in enumerate(members):
        rows[name] |= {column: rows[chosen[place % len(chosen)]][column] for column in COPIED["registration"]}
    pq.write_table(pa.Table.from_pylist(list(rows.values()), schema=held.schema), path)
