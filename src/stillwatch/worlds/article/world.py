"""Writes an article world: a day a file, then accounts, and the truth about accounts apart from them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.tables import EXCHANGES, RELEASES
from stillwatch.worlds import calendar, corpus
from stillwatch.worlds.article.accounts import account_rows, truth_rows
from stillwatch.worlds.article.columns import hexadecimal
from stillwatch.worlds.article.day import Day
from stillwatch.worlds.article.population import REPORTED, populate, programmes
from stillwatch.worlds.article.texts import Writer
from stillwatch.worlds.chance import key
from stillwatch.worlds.world import check_folders

ROWS = 50_000
"""Exchanges that are written at once: what bounds memory beside the population."""

HIDDEN = 0.5
"""Share of all exchanges that is extraction, at most. Operators' cover comes beside it, so that honest accounts, which
are nearly all, ask some three of ten exchanges."""


@dataclass(frozen=True)
class Made:
    """What was written: exchanges, those of extraction by campaign, accounts, operators among them, mean bytes of text
    an exchange, and bytes of the files of exchanges."""

    exchanges: int
    extraction: dict[str, int]
    accounts: int
    operators: int
    text_bytes: float
    file_bytes: int


def write(
    out: Path, truth: Path, exchanges: int, accounts: int, seed: int, tell: Callable[[str], None] = lambda _: None
) -> Made:
    """Write about so many exchanges of so many accounts to `out`, and to `truth` who is who; each must be empty or
    absent. Campaigns are as they were reported where there is room for them, else smaller in proportion.

    Raises:
        UsageError: a folder holds something already, or the truth would lie within the world.
    """
    check_folders(out, truth)
    held = corpus.load()
    writer = Writer(held, programmes(held))
    extraction = min(sum(one.exchanges for one in REPORTED), HIDDEN * exchanges)
    everybody = populate(held, accounts, exchanges, extraction, writer.places, seed)
    ids = hexadecimal("acct_", np.arange(accounts), key(seed, "accounts"))
    folder = out / "exchanges"
    folder.mkdir(parents=True)
    truth.mkdir(parents=True, exist_ok=True)
    counts, text = np.zeros(len(REPORTED) + 1, np.int64), 0
    for number in range(calendar.DAYS):
        day = Day(held, everybody, writer, ids, exchanges, number, seed)
        text += _write(day, folder / f"{day.name}.parquet")
        counts += day.extracted()
        tell(f"writing {counts.sum():,} exchanges")
    pq.write_table(account_rows(everybody, ids, held, seed), out / "accounts.parquet", compression="zstd")
    releases = [{"model": name, "released_at": at} for name, at in calendar.RELEASES]
    pq.write_table(pa.Table.from_pylist(releases, RELEASES), out / "releases.parquet")
    pq.write_table(truth_rows(everybody, ids), truth / "accounts.parquet")
    total = int(counts.sum())
    asked = {one.name: int(count) for one, count in zip(REPORTED, counts, strict=False)}
    size = sum(file.stat().st_size for file in folder.iterdir())
    return Made(total, asked, accounts, int((everybody.campaign >= 0).sum()), text / max(total, 1), size)


def _write(day: Day, path: Path) -> int:
    """Write a day's exchanges; how many bytes of text they hold."""
    text = 0
    with pq.ParquetWriter(path, EXCHANGES, compression="zstd", compression_level=3) as file:
        for first in range(0, len(day), ROWS):
            rows, size = day.table(first, first + ROWS)
            file.write_table(rows)
            text += size
    return text
