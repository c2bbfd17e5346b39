"""The accounts table of an article world, and the truth about each account."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.tables import ACCOUNTS
from stillwatch.worlds.article.columns import typed
from stillwatch.worlds.article.population import BROWSERS_ROWS, CLIENTS, COUNTRIES, KINDS, REPORTED, Population
from stillwatch.worlds.chance import generator
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.people import FIRST, LAST, MAIL, PROGRAMMES, SYLLABLES, TIERS
from stillwatch.worlds.places import dotted

TRUTH = pa.schema([(name, pa.string()) for name in ("account_id", "kind", "campaign")])

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OWN_DOMAIN, OPERATORS_DOMAIN = 0.16, 0.3
"""Shares of accounts with a mail domain of their own company: six a company, and four companies a campaign."""

PROGRAMME, OPERATORS_PROGRAMME = 0.08, 0.4
"""Shares that came by an entry door."""

PAID = 0.8


def account_rows(everybody: Population, ids: pa.Array, held: Corpus, seed: int) -> pa.Table:
    """A row of tables.ACCOUNTS an account."""
    rng, n = generator("article", seed, "accounts"), len(everybody)
    operators = everybody.campaign >= 0
    paid = rng.random(n) < PAID
    columns: dict[str, Any] = {
        "account_id": ids,
        "created_at": everybody.created,
        "updated_at": np.maximum(everybody.created, everybody.suspended),
        "suspended_at": pa.array(everybody.suspended, mask=everybody.suspended < 0),
        "tier": pa.array(TIERS).take(pa.array(rng.integers(0, len(TIERS), n))),
        "programme": _programmes(operators, rng),
        **_mail(everybody, rng),
        **dict.fromkeys(("billing_country", "phone_country"), pa.array(COUNTRIES).take(pa.array(everybody.country))),
        "payment_fingerprint": pa.array([f"pm_{one:016x}" for one in rng.integers(0, 2**62, n).tolist()], mask=~paid),
        "card_bin": pa.array([_bin(number) for number in everybody.bin.tolist()], mask=~paid),
        **_sign_up(everybody, held),
    }
    return typed(columns, ACCOUNTS, n)


def truth_rows(everybody: Population, ids: pa.Array) -> pa.Table:
    """Of each account its kind, and the campaign of an operator's."""
    campaigns = np.array([*(one.name for one in REPORTED), None], dtype=object)[everybody.campaign]
    kinds = np.array(KINDS, dtype=object)[everybody.kind]
    return pa.table([ids, pa.array(kinds), pa.array(campaigns, pa.string())], schema=TRUTH)


def _programmes(operators: Flags, rng: np.random.Generator) -> pa.Array:
    without = rng.random(len(operators)) > np.where(operators, OPERATORS_PROGRAMME, PROGRAMME)
    return pa.array(PROGRAMMES).take(pa.array(rng.integers(0, len(PROGRAMMES), len(operators)), mask=without))


def _mail(everybody: Population, rng: np.random.Generator) -> dict[str, list[str]]:
    n, operators, office = len(everybody), everybody.campaign >= 0, everybody.office >= 0
    company = np.where(operators, 4 * everybody.campaign + rng.integers(0, 4, n), rng.integers(12, 12 + n // 6 + 1, n))
    company = np.where(office, everybody.office + 10**7, company)
    own = rng.random(n) < np.where(office, 1.0, np.where(operators, OPERATORS_DOMAIN, OWN_DOMAIN))
    public = rng.integers(0, len(MAIL), n)
    domains = [
        _domain(number) if mine else MAIL[at]
        for number, mine, at in zip(company.tolist(), own.tolist(), public.tolist(), strict=True)
    ]
    names = rng.integers(0, [len(FIRST), len(LAST), 10_000], (n, 3)).tolist()
    emails = [f"{FIRST[a]}.{LAST[b]}{c}@{domain}" for (a, b, c), domain in zip(names, domains, strict=True)]
    return {"email_domain": domains, "email": emails}


def _domain(number: int) -> str:
    """A made-up domain of four syllables, and of a number where those are used up."""
    base = len(SYLLABLES)
    name = "".join(SYLLABLES[number // base**at % base] for at in range(4))
    return f"{name}{number // base**4 or ''}.com"


def _bin(number: int) -> str:
    """The first six digits of an issuer's cards."""
    return str(400_000 + number * 7919 % 155_000)


def _sign_up(everybody: Population, held: Corpus) -> dict[str, Any]:
    """Where from, and with what browser: the first of an account's places."""
    block, host = everybody.places[:, 0], np.maximum(everybody.hosts[:, 0], 1)
    starts = np.array([one.start for one in held.blocks])
    client = pa.array(everybody.client % BROWSERS_ROWS)
    return {
        "signup_ip": [dotted(address) for address in (starts[block] + host).tolist()],
        "signup_asn": np.array([one.asn for one in held.blocks])[block],
        "signup_ja4": pa.array([ja4 for _, _, ja4 in CLIENTS]).take(client),
        "signup_user_agent": pa.array([agent for _, agent, _ in CLIENTS]).take(client),
    }
