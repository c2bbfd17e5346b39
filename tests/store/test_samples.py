"""Whose stems a store keeps: the same exchanges are mined, whatever files their rows came in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.content.sketch import sketch
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.mined import BEGUN_STEP, OF_ENTITY, STEMMED, _prompts, _sampled, placed
from stillwatch.records import Step
from stillwatch.store.exchanges import ExchangeWriter, settled_sql
from stillwatch.tables import SAMPLED
from tests.content.exchanges import KEY, batch

NUMBERED = (
    "CAST(row_hash // 2 AS BIGINT) AS x, CAST(substr(account_id, 2) AS INTEGER) AS entity, "
    "CAST(substr(account_id, 2) AS INTEGER) AS account, exchange_id, asked_at, segment_roles"
)

START = datetime(2026, 6, 1, 1, tzinfo=UTC)


def rows(accounts: int, days: int, a_day: int) -> list[dict[str, object]]:
    return [
        {
            "exchange_id": f"e{account}-{day}-{n}", "account_id": f"a{account}",
            "asked_at": START + timedelta(days=day, minutes=n),
            "messages": f"Explain item number {n} of the catalogue for account {account} with every single detail",
        }
        for account in range(accounts) for day in range(days) for n in range(a_day)
    ]  # fmt: skip


def stored(folder: Path, given: list[list[dict[str, object]]]) -> list[str]:
    """Write each list as a file's rows; the files."""
    for part in given:
        writer = ExchangeWriter(folder)
        writer.add(sketch(batch(part), KEY))
        writer.flush()
    return [str(path) for path in sorted(folder.rglob("*.parquet"))]


def mined(files: list[str]) -> list[tuple[str, tuple[int, ...]]]:
    with DuckEngine() as engine:
        engine.run([])
        table = engine.arrow(
            f"SELECT exchange_id, count(*) AS n FROM read_parquet({files!r}) GROUP BY ALL HAVING count(*) > 1"
        )
        engine.register("repeated", table)
        engine.view("exchanges", settled_sql({1: files}, "repeated" if table.num_rows else None, None, None))
        engine.run(
            [
                Step("exchange", f"SELECT {NUMBERED}, len(stems) AS stemmed FROM exchanges"),
                Step("begun", "SELECT x FROM exchange WHERE FALSE"),
                BEGUN_STEP,
            ]
        )
        held = _sampled(engine.arrow(STEMMED))
        engine.register("mined_read", placed(held))
        prompts = _prompts(engine, held)
        named = engine.arrow("SELECT x, exchange_id FROM exchange")
        names = dict(zip(named["x"].to_pylist(), named["exchange_id"].to_pylist(), strict=True))
        stems = np.split(prompts.stems, prompts.ends[1:-1]) if held.num_rows else []
        return sorted((names[x], tuple(own.tolist())) for x, own in zip(held["x"].to_pylist(), stems, strict=True))


def test_a_day_keeps_the_stems_of_so_many_exchanges_of_an_account(tmp_path: Path) -> None:
    files = stored(tmp_path, [rows(2, 1, 3 * SAMPLED)])
    held = pq.read_table(files, columns=["account_id", "stems", "pairs"])
    for account in ("a0", "a1"):
        own = held.filter(pa.compute.equal(held["account_id"], account))
        assert own["stems"].null_count == own["pairs"].null_count == 2 * SAMPLED


def test_the_same_exchanges_are_mined_whatever_files_they_came_in(tmp_path: Path) -> None:
    every = rows(2, 6, SAMPLED + 5)
    whole = mined(stored(tmp_path / "whole", [every]))
    pieces = [every[start::3] for start in range(3)]
    assert mined(stored(tmp_path / "pieces", pieces)) == whole
    again = mined(stored(tmp_path / "again", [every[50:], every, every[:90]]))
    assert again == whole, "a row that stands in two files, with stems in one of them, is mined as before"
    assert len(whole) == 2 * OF_ENTITY


def test_prompts_without_a_content_word_take_their_part_of_the_sample_in_any_files(tmp_path: Path) -> None:
    every = rows(1, 1, 60)
    for place, row in enumerate(every):
        row["messages"] = f"ok 1 {place}" if place % 2 else row["messages"]
    whole = mined(stored(tmp_path / "whole", [every]))
    assert mined(stored(tmp_path / "pieces", [every[start::6] for start in range(6)])) == whole
    assert 0 < len(whole) < SAMPLED


def test_rows_without_stems_of_an_earlier_scheme_are_read(tmp_path: Path) -> None:
    files = stored(tmp_path, [rows(1, 1, 4)])
    held = pq.read_table(files[0])
    pq.write_table(held.drop_columns(["stems", "pairs"]), files[0])
    assert mined(files) == []
