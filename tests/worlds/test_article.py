"""The article world keeps the contract, hides what it says, and depends on its seed alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import UsageError
from stillwatch.pipeline import ingest_sources
from stillwatch.tables import ACCOUNTS, EXCHANGES
from stillwatch.worlds.article.columns import hexadecimal
from stillwatch.worlds.article.population import REPORTED
from stillwatch.worlds.article.world import Made, write

pytestmark = pytest.mark.slow

EXCHANGES_ASKED, ACCOUNTS_ASKED = 6_000, 1_500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    folder = tmp_path_factory.mktemp("article")
    return folder, write(folder / "logs", folder / "truth", EXCHANGES_ASKED, ACCOUNTS_ASKED, 7)


def exchanges(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted((folder / "logs" / "exchanges").iterdir()))


def test_it_keeps_the_contract(made: tuple[Path, Made], tmp_path: Path) -> None:
    folder, _ = made
    held, accounts = exchanges(folder), pq.read_table(folder / "logs" / "accounts.parquet")
    assert held.schema.equals(EXCHANGES) and accounts.schema.equals(ACCOUNTS)
    assert len(set(held["exchange_id"].to_pylist())) == held.num_rows
    assert set(held["account_id"].to_pylist()) <= set(accounts["account_id"].to_pylist())
    report = ingest_sources([folder / "logs"], tmp_path / "store")
    assert (report.exchanges, report.quarantined, report.repeated) == (held.num_rows, 0, 0)


def test_it_is_as_large_as_it_was_asked_to_be(made: tuple[Path, Made]) -> None:
    folder, told = made
    held = exchanges(folder)
    assert told.exchanges == held.num_rows and abs(held.num_rows / EXCHANGES_ASKED - 1.0) < 0.1
    text = sum(pc.sum(pc.binary_length(held[name])).as_py() for name in ("messages", "output"))
    assert 0.98 < text / held.num_rows / told.text_bytes < 1.0  # the offsets are counted as well
    assert 800 < told.text_bytes < 1_100


def test_campaigns_are_those_reported_in_proportion(made: tuple[Path, Made]) -> None:
    folder, told = made
    truth = pq.read_table(folder / "truth" / "accounts.parquet").to_pylist()
    assert len(truth) == told.accounts == ACCOUNTS_ASKED
    operators = [row["campaign"] for row in truth if row["kind"] == "operator"]
    assert set(operators) == {one.name for one in REPORTED} and len(operators) == told.operators
    assert abs(sum(told.extraction.values()) / told.exchanges - 0.5) < 0.05
    shares = np.array([told.extraction[one.name] for one in REPORTED]) / sum(told.extraction.values())
    reported = np.array([one.exchanges for one in REPORTED]) / sum(one.exchanges for one in REPORTED)
    assert np.abs(shares - reported).max() < 0.05


def test_nobody_asks_before_his_account_or_after_its_end(made: tuple[Path, Made]) -> None:
    folder, _ = made
    asked = exchanges(folder).group_by("account_id").aggregate([("asked_at", "min"), ("asked_at", "max")])
    both = asked.join(pq.read_table(folder / "logs" / "accounts.parquet"), "account_id")
    day = pa.scalar(36 * 3_600_000_000, pa.duration("us"))  # a conversation goes on after the day it began on
    assert pc.all(pc.greater_equal(both["asked_at_min"], both["created_at"])).as_py()
    ended = both.filter(both["suspended_at"].is_valid())
    assert pc.all(pc.less(ended["asked_at_max"], pc.add(ended["suspended_at"], day))).as_py()


def test_equal_seeds_give_equal_worlds(made: tuple[Path, Made], tmp_path: Path) -> None:
    write(tmp_path / "logs", tmp_path / "truth", EXCHANGES_ASKED, ACCOUNTS_ASKED, 7)
    write(tmp_path / "other", tmp_path / "others", EXCHANGES_ASKED, ACCOUNTS_ASKED, 8)
    first, again = exchanges(made[0]), exchanges(tmp_path)
    assert first.equals(again)
    other = pq.read_table(tmp_path / "other" / "accounts.parquet")
    assert not other.equals(pq.read_table(made[0] / "logs" / "accounts.parquet"))


def test_a_folder_that_holds_something_is_left_alone(made: tuple[Path, Made], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        write(made[0] / "logs", tmp_path, 10, 10, 1)


def test_ids_are_hexadecimal_and_distinct() -> None:
    ids = hexadecimal("a_", np.arange(300), 5).to_pylist()
    assert len(set(ids)) == 300 and all(len(one) == 18 and int(one[2:], 16) >= 0 for one in ids)
