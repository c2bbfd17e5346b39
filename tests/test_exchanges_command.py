"""`stillwatch exchanges` on a run that lies in a store: what is listed, chosen, written and refused."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli import run
from stillwatch.cli.exchanges import BATCH, WRITERS
from stillwatch.pipeline import ingest_sources
from stillwatch.store.runs import COUNTED, write_run
from stillwatch.store.store import Store
from tests.assess.test_changes import finding
from tests.store.logs import exchange, write
from tests.test_changes_command import answer

FIRST, SECOND = "coarse:00000000000000aa", "segment:00000000000000bb"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    ingest_sources([write(tmp_path / "logs", [exchange(1)])], tmp_path / "s")
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [("C-1", f"e{n}", "=cmd()" if n == 4 else f"acct_{n % 2}", begin + timedelta(hours=n),
             FIRST if n < 3 else SECOND, n < 3, n != 4) for n in range(5)]  # fmt: skip
    rows.append(("C-2", "other\x1b[2J", "acct_9", begin, None, None, None))
    counted = pa.table({name: [r[at] for r in rows] for at, name in enumerate(COUNTED.names)}, schema=COUNTED)
    found = answer("2026-03-02T00:00:00Z", finding("C-1", "AB"), finding("C-2", "CD", "ambiguous"),
                   finding("C-3", "EF", "dismissed"))  # fmt: skip
    write_run(Store.open(tmp_path / "s"), found, counted)
    return tmp_path / "s"


def test_a_person_reads_wordings_and_ids(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["exchanges", "C-1", "--store", str(store), "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "5 exchanges of run" in out and "2 wordings" in out and "the first 2" in out
    assert out.index(FIRST) < out.index(SECOND), "the commonest first"
    assert "\ne1 " in out and "\ne2 " not in out
    assert run(["exchanges", "C-2", "--store", str(store)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_program_reads_the_same(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["exchanges", "C-1", "--store", str(store), "--json", "--limit", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["status"], told["exchanges"]) == ("stillwatch/exchanges/v1", "suspected", 5)
    assert told["wordings"] == [
        {"wording": FIRST, "own": True, "exchanges": 3, "accounts": 2},
        {"wording": SECOND, "own": False, "exchanges": 2, "accounts": 2},
    ]
    assert told["rows"] == [
        {"exchange_id": "e0", "account_id": "acct_0", "asked_at": "2026-03-01T00:00:00Z", "wording": FIRST,
         "own": True, "linked": True}
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "ids"),
    [(["--account", "acct_0"], ["e0", "e2"]), (["--wording", "segment"], ["e3", "e4"]), (["--account", "nobody"], [])],
)
def test_some_are_chosen(store: Path, capsys: pytest.CaptureFixture[str], words: list[str], ids: list[str]) -> None:
    assert run(["exchanges", "C-1", "--store", str(store), "--json", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["exchange_id"] for row in told["rows"]] == ids and told["exchanges"] == len(ids)


def test_all_are_written_to_a_file(store: Path, tmp_path: Path) -> None:
    words = ["exchanges", "C-1", "--store", str(store), "--limit", "0", "--out"]
    for ending in ("parquet", "csv", "jsonl"):
        assert run([*words, str(tmp_path / f"e.{ending}")]) == 0
    rows = pq.ParquetFile(tmp_path / "e.parquet").read().to_pylist()
    assert [row["exchange_id"] for row in rows] == [f"e{n}" for n in range(5)]
    lines = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [line["account_id"] for line in lines] == [row["account_id"] for row in rows]
    with (tmp_path / "e.csv").open(newline="") as file:
        held = list(csv.DictReader(file))
    assert [row["exchange_id"] for row in held] == [row["exchange_id"] for row in rows]
    assert held[4]["account_id"] == "'=cmd()", "a spreadsheet would run it"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_as_a_formula_does(begin: str) -> None:
    row = ("C-1", "e", f"{begin}1+1", datetime(2026, 3, 1, tzinfo=UTC), None, None, None)
    told = WRITERS[".csv"](pa.table({n: [v] for n, v in zip(COUNTED.names, row, strict=True)}, schema=COUNTED))
    (_, cells) = csv.reader(io.StringIO(told.decode(), newline=""))
    assert cells == ["C-1", "e", f"'{begin}1+1", "2026-03-01T00:00:00Z", "", "", ""]


def test_many_rows_are_written_batch_by_batch() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    n = 2 * BATCH + 1
    columns = [["C-1"] * n, [f"e{at}" for at in range(n)], ["a"] * n, [begin] * n, [None] * n, [None] * n, [None] * n]
    rows = pa.table(dict(zip(COUNTED.names, columns, strict=True)), schema=COUNTED)
    lines = WRITERS[".jsonl"](rows).decode().splitlines()
    assert [json.loads(line)["exchange_id"] for line in lines] == columns[1]
    assert len(WRITERS[".csv"](rows).decode().splitlines()) == n + 1


def test_what_is_refused(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["exchanges", "C-1", "--store", str(store), "--out", str(tmp_path / "e.xlsx")]) == 2
    assert ".parquet, .csv or .jsonl" in capsys.readouterr().err
    inside = store / "runs" / "mine.csv"
    assert run(["exchanges", "C-1", "--store", str(store), "--out", str(inside)]) == 2
    assert "inside of the store" in capsys.readouterr().err and not inside.exists()
    assert run(["exchanges", "C-1", "--store", str(store), "--out", str(tmp_path)]) == 2
    assert "names a folder" in capsys.readouterr().err
    assert run(["exchanges", "C-3", "--store", str(store)]) == 2
    assert "dismissed" in capsys.readouterr().err
    assert run(["exchanges", "C-", "--store", str(store)]) == 2
    assert "C-1, C-2, C-3" in capsys.readouterr().err
    (path,) = (store / "runs").glob("*/exchanges.parquet")
    path.write_bytes(b"PAR1")
    assert run(["exchanges", "C-1", "--store", str(store)]) == 1
    assert str(path) in capsys.readouterr().err
    path.unlink()
    assert run(["exchanges", "C-1", "--store", str(store)]) == 2
    assert "older version" in capsys.readouterr().err
