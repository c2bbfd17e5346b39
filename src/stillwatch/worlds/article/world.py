"""Writes an article world: a day a file, then accounts, and the truth about accounts apart from them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.tables import ACCOUNTS, EXCHANGES, RELEASES
from stillwatch.worlds import calendar, corpus
from stillwatch.worlds.article.columns import hexadecimal, typed
from stillwatch.worlds.article.day import Day
from stillwatch.worlds.article.population import (
    CLIENTS,
    COUNTRIES,
    KINDS,
    OPERATOR,
    REPORTED,
    Population,
    populate,
    programmes,
)  # fmt: skip
from stillwatch.worlds.article.texts import Writer
from stillwatch.worlds.chance import generator, key
from stillwatch.worlds.people import FIRST, LAST, MAIL, PROGRAMMES, SYLLABLES, TIERS
from stillwatch.worlds.places import dotted

ROWS = 50_000
"""Exchanges that are written at once: what bounds memory beside the population."""

REPORTED_SHARE = 0.5
"""Share of all exchanges that the campaigns ask at most, so that an honest majority is left at any size."""

TRUTH = pa.schema([(name, pa.string()) for name in ("account_id", "kind", "campaign")])


@dataclass(frozen=True)
class Made:
    """What was written: exchanges, those of extraction by campaign, accounts, and mean bytes of text an exchange."""

    exchanges: int
    extraction: dict[str, int]
    accounts: int
    operators: int
    text_bytes: float
    file_bytes: int


def write(
    out: Path, truth: Path, exchanges: int, accounts: int, seed: int, tell: Callable[[str], None] = lambda _: None
) -> Made:
    """Write about so many exchanges of so many accounts; the campaigns' are those reported, or in proportion."""
    reported = sum(one.exchanges for one in REPORTED)
    held = corpus.load()
    heads = programmes(held)
    writer = Writer(held, list(heads))
    everybody = populate(held, accounts, exchanges, min(reported, REPORTED_SHARE * exchanges), writer.places, seed)
    ids = hexadecimal("acct_", np.arange(accounts), key(seed, "accounts"))
    (out / "exchanges").mkdir(parents=True)
    truth.mkdir(parents=True)
    counts, text = np.zeros(len(REPORTED) + 1, np.int64), 0
    for number in range(calendar.DAYS):
        day = Day(held, everybody, writer, ids, exchanges, number, seed)
        path = out / "exchanges" / f"{day.name}.parquet"
        with pq.ParquetWriter(path, EXCHANGES, compression="zstd", compression_level=3) as file:
            for first in range(0, len(day), ROWS):
                rows, size = day.table(first, first + ROWS)
                file.write_table(rows)
                text += size
        counts += day.extracted()
        tell(f"writing {counts[:-1].sum() + counts[-1]:,} exchanges")
    _write_accounts(out, everybody, ids, held, seed)
    campaign = np.array([*(one.name for one in REPORTED), None], dtype=object)[everybody.campaign]
    kinds = np.array(KINDS, dtype=object)[everybody.kind]
    pq.write_table(
        pa.table([ids, pa.array(kinds), pa.array(campaign, pa.string())], schema=TRUTH), truth / "accounts.parquet"
    )
    total = int(counts.sum())
    return Made(
        total, {one.name: int(n) for one, n in zip(REPORTED, counts, strict=False)}, accounts,
        int((everybody.kind == OPERATOR).sum()), text / max(total, 1),
        sum(file.stat().st_size for file in (out / "exchanges").iterdir()),
    )  # fmt: skip


def _write_accounts(out: Path, everybody: Population, ids: pa.Array, held: corpus.Corpus, seed: int) -> None:
    rng, n = generator("article", seed, "accounts"), len(everybody)
    operators = everybody.campaign >= 0
    company = np.where(
        operators, rng.integers(0, 4, n) + 4 * everybody.campaign + 10**6, rng.integers(0, max(n // 6, 1), n)
    )
    company = np.where(everybody.office >= 0, 10**7 + everybody.office // 1, company)
    own = rng.random(n) < np.where(everybody.office >= 0, 1.0, np.where(operators, 0.3, 0.16))
    domains = [
        _company(value) if mine else MAIL[at]
        for value, mine, at in zip(company.tolist(), own.tolist(), rng.integers(0, len(MAIL), n).tolist(), strict=True)
    ]
    names = rng.integers(0, [len(FIRST), len(LAST), 10_000], (n, 3)).tolist()
    emails = [f"{FIRST[a]}.{LAST[b]}{c}@{domain}" for (a, b, c), domain in zip(names, domains, strict=True)]
    countries = pa.array(COUNTRIES).take(pa.array(everybody.country))
    starts = np.array([block.start for block in held.blocks])
    asns = np.array([block.asn for block in held.blocks])
    address = [
        dotted(value) for value in (starts[everybody.places[:, 0]] + np.maximum(everybody.hosts[:, 0], 1)).tolist()
    ]
    client = everybody.client % 54
    paid = rng.random(n) < 0.8
    columns = {
        "account_id": ids, "created_at": everybody.created, "updated_at": np.maximum(everybody.created, everybody.suspended),
        "suspended_at": pa.array(everybody.suspended, mask=everybody.suspended < 0),
        "tier": pa.array(TIERS).take(pa.array(rng.integers(0, len(TIERS), n))),
        "programme": pa.array(PROGRAMMES).take(pa.array(rng.integers(0, len(PROGRAMMES), n), mask=rng.random(n) > np.where(operators, 0.4, 0.08))),
        "email_domain": domains, "email": emails, "billing_country": countries, "phone_country": countries,
        "payment_fingerprint": pa.array([f"pm_{value:016x}" for value in rng.integers(0, 2**62, n).tolist()], mask=~paid),
        "card_bin": pa.array([str(400_000 + value * 7919 % 155_000) for value in everybody.bin.tolist()], mask=~paid),
        "signup_ip": address, "signup_asn": asns[everybody.places[:, 0]],
        "signup_ja4": pa.array([ja4 for _, _, ja4 in CLIENTS]).take(pa.array(client)),
        "signup_user_agent": pa.array([agent for _, agent, _ in CLIENTS]).take(pa.array(client)),
    }  # fmt: skip
    pq.write_table(typed(columns, ACCOUNTS, n), out / "accounts.parquet", compression="zstd")
    releases = [{"model": name, "released_at": at} for name, at in calendar.RELEASES]
    pq.write_table(pa.Table.from_pylist(releases, RELEASES), out / "releases.parquet")


def _company(number: int) -> str:
    parts = [SYLLABLES[number // len(SYLLABLES) ** at % len(SYLLABLES)] for at in range(4)]
    return f"{''.join(parts)}{number // len(SYLLABLES) ** 4 or ''}.com"
