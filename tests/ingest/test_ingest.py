"""From sources to a store: counts, repeats, a poison row, and not one word of text on disk."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch import cli
from stillwatch.content.sketch import sketch
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.pipeline import IngestReport, ingest_sources
from stillwatch.store.store import Store
from tests.ingest.rows import TEXT, lines, row

CANARY = "cAnArY-7f3a"


def exchanges(folder: Path) -> list[dict[str, Any]]:
    with DuckEngine() as engine:
        Store.open(folder).register(engine)
        held: list[dict[str, Any]] = engine.arrow("SELECT * FROM exchanges ORDER BY exchange_id").to_pylist()
    return held


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.exchanges, report.new, report.repeated, report.quarantined


def key_file(folder: Path) -> Path:
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(bytes(range(32)))
    return folder / "key"


def test_a_story(tmp_path: Path) -> None:
    """A day's logs arrive, then again with more; a partner's broken export does no harm."""
    day, more = tmp_path / "day", tmp_path / "more"
    for folder in (day, more):
        (folder / "exchanges").mkdir(parents=True)
    (day / "exchanges" / "a.jsonl").write_bytes(lines(*(row(n) for n in range(50))))
    (day / "accounts.jsonl").write_bytes(lines({"account_id": "acme", "tier": "free"}))
    (day / "releases.jsonl").write_bytes(lines({"model": "m-1", "released_at": "2026-05-01T00:00:00Z"}))
    (more / "exchanges" / "b.jsonl.gz").write_bytes(
        gzip.compress(lines(*(row(n) for n in range(40, 70)), row(70, status="?"), row(3, messages="another text")))
    )
    store = tmp_path / "store"
    first = ingest_sources([day], store)
    assert counts(first) == (50, 50, 0, 0) and (first.accounts, first.releases, first.files) == (1, 1, 3)
    assert counts(ingest_sources([day], store)) == (50, 0, 50, 0)
    second = ingest_sources([more, day], store)
    assert counts(second) == (81, 20, 61, 1) and second.reasons == {"status: another word": 1}
    assert len(exchanges(store)) == 70 and Store.open(store).quarantined() == 1
    assert ingest_sources([day, day / "exchanges"], store).files == 3


def test_format_and_batching_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(n, temperature=n / 8, max_tokens=n, user_agent=f"u{n % 3}") for n in range(300)]
    (tmp_path / "a.jsonl").write_bytes(lines(*rows))
    pq.write_table(pa.Table.from_pylist(rows[::-1]), tmp_path / "b.parquet", row_group_size=70)
    key = key_file(tmp_path)
    ingest_sources([tmp_path / "a.jsonl"], tmp_path / "s1", key_file=key)
    monkeypatch.setattr("stillwatch.ingest.rows.BATCH_ROWS", 41)
    ingest_sources([tmp_path / "b.parquet"], tmp_path / "s2", key_file=key)
    ingest_sources([tmp_path / "b.parquet", tmp_path / "a.jsonl"], tmp_path / "s3", key_file=key)
    assert exchanges(tmp_path / "s1") == exchanges(tmp_path / "s2") == exchanges(tmp_path / "s3")


def test_no_text_reaches_the_disk(tmp_path: Path) -> None:
    """Canaries in every column that may hold text, in good rows and in refused ones; the whole store is searched."""
    source = tmp_path / "in"
    source.mkdir()
    texts = {
        name: f"{CANARY} {name}" for name in ("system", "messages", "tools", "output", "response_format", "tool_choice")
    }
    nested = [{"role": "user", "parts": [{"type": "text", "content": CANARY}]}]
    good = [
        row(0, **texts),
        row(1, messages=nested, output=nested, tools=[{"name": CANARY}], extra={"note": CANARY, CANARY: "x"}),
        row(2, an_unknown_column=CANARY, another={CANARY: CANARY}),
    ]
    bad = [
        row(3, **texts, status=CANARY), row(4, **texts, asked_at=CANARY), row(5, max_tokens=CANARY, stream=CANARY),
        row(6, messages=CANARY) | {"exchange_id": [CANARY]}, row(7, temperature=CANARY, ip_class=CANARY),
    ]  # fmt: skip
    broken = json.dumps(row(8, **texts)).encode()
    (source / "a.jsonl").write_bytes(lines(*good, *bad) + broken[:-20] + b"\n" + broken.replace(b"7f3a", b"7f3a\xff"))
    (source / "b.jsonl.gz").write_bytes(gzip.compress(lines(*good, *bad))[:-10])
    (source / "c.parquet").write_bytes(b"PAR1" + CANARY.encode())
    report = ingest_sources([source], tmp_path / "store")
    assert report.exchanges == 6 and report.quarantined >= 12
    assert CANARY not in repr(report)
    for path in (tmp_path / "store").rglob("*"):
        assert CANARY not in str(path)
        if path.is_file():
            held = path.read_bytes()
            if path.suffix == ".parquet":  # columns are packed: search what they hold
                held += repr(pq.read_table(path).to_pylist()).encode()
            assert CANARY.encode() not in held and CANARY.lower().encode() not in held


def test_a_row_that_cannot_be_sketched_leaves_alone(tmp_path: Path) -> None:
    def poisoned(batch: pa.RecordBatch, key: bytes) -> pa.RecordBatch:
        if any(str(text).endswith("poison") for text in batch["messages"].to_pylist()):
            raise RecursionError(CANARY)
        return sketch(batch, key)

    (tmp_path / "a.jsonl").write_bytes(
        lines(*(row(n, messages=f"t {'poison' if n in (4, 17) else n}") for n in range(30)))
    )
    report = ingest_sources([tmp_path / "a.jsonl"], tmp_path / "store", sketch=poisoned)
    assert counts(report) == (28, 28, 0, 2)
    assert [(bad.row, bad.exchange_id) for bad in report.examples] == [(5, "x4"), (18, "x17")]
    assert CANARY not in repr(report)


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Done with quarantined rows is 0; a missing source is 1; words go to stderr, hostile names do nothing."""
    source = tmp_path / "a\x1b[2J.jsonl"
    source.write_bytes(
        lines(*(row(n) for n in range(9)), *(row(n, status="?", exchange_id=f"\x1b[2J{n}") for n in range(7)))
    )
    arguments = ["ingest", str(source), "--store", str(tmp_path / "store")]
    assert cli.run([*arguments, "--json"]) == 0
    out, err = capfd.readouterr()
    held = json.loads(out)
    assert (held["exchanges"], held["new"], held["quarantined"], len(held["examples"])) == (9, 9, 7, 5)
    assert "row 10" in err and "2 more (stillwatch quarantine" in err and "\x1b" not in out + err
    assert cli.run(arguments) == 0
    assert "9 exchanges read from 1 file (0 new, 9 repeated)" in capfd.readouterr().out
    assert cli.run(["ingest", str(tmp_path / "missing"), "--store", str(tmp_path / "store")]) == 1
    assert cli.run(["ingest", str(source), "--store", str(tmp_path / "store"), "--format", "csv"]) == 2
    assert cli.run(["ingest", "--store", str(tmp_path / "store")]) == 2


def test_an_ingest_that_keeps_nothing_ends_with_what_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, store = tmp_path / "my logs.jsonl", str(tmp_path / "store")
    source.write_bytes(lines(*(row(n, status="?") for n in range(3))))
    assert cli.run(["ingest", str(source), "--store", store]) == 0
    err = capfd.readouterr().err.splitlines()
    assert err[-1] == f"nothing was kept: stillwatch doctor '{source}'"
    assert err.count("no accounts file: hardly anybody can be accused (docs/contract.md)") == 1
    source.write_bytes(lines(row(1), row(2, status="?")))
    assert cli.run(["ingest", str(source), "--store", store]) == 0
    assert capfd.readouterr().err.splitlines()[-1] == f"next: stillwatch detect --store {store}"


@pytest.mark.slow
def test_answers_before_their_questions_are_counted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One in the quick way of a flat line, one beside messages in objects, one of a row that is set aside."""
    early = {"finished_at": "2026-05-31T23:59:59Z"}
    source = tmp_path / "a.jsonl"
    source.write_bytes(lines(
        row(0, **early), row(1, messages=[{"role": "user", "content": TEXT}], **early), row(2, status="?", **early),
        row(3, finished_at="2026-06-01T00:00:00Z"), row(4),
    ))  # fmt: skip
    assert cli.run(["ingest", str(source), "--store", str(tmp_path / "store"), "--json"]) == 0
    out, err = capfd.readouterr()
    held = json.loads(out)
    assert (held["exchanges"], held["quarantined"], held["impossible"]) == (4, 1, 2)
    assert "2 exchanges ended before being asked" in err


def test_progress_says_rate_and_time_left(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(*(row(n) for n in range(10))))
    said: list[str] = []
    ingest_sources([tmp_path / "a.jsonl"], tmp_path / "store", progress=said.append)
    assert any("a second" in words and "s left" in words for words in said)


def test_unknown_columns_are_told_with_the_one_that_may_be_meant(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whether Arrow's reader or Python's took the line, and for tables without an `extra`."""
    rows = [row(0), row(1, clent_ip="192.0.2.1"), row(2, colour="x"), row(3, shape=[1])]
    (tmp_path / "logs.jsonl").write_bytes(lines(*rows))
    (tmp_path / "accounts.jsonl").write_bytes(lines({"account_id": "acme", "mood": "good"}))
    arguments = ["ingest", str(tmp_path / "logs.jsonl"), str(tmp_path / "accounts.jsonl")]
    assert cli.run([*arguments, "--store", str(tmp_path / "store"), "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["unknown"] == [
        "accounts.mood", "exchanges.clent_ip", "exchanges.colour", "exchanges.shape",
    ]  # fmt: skip
    assert "exchanges.clent_ip (did you mean client_ip?)" in err


def test_the_quarantine_is_listed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs.jsonl").write_bytes(lines(row(0), *(row(n, status=f"\x1b[2J{TEXT}") for n in range(1, 4))))
    store = ["--store", str(tmp_path / "store")]
    assert cli.run(["ingest", str(tmp_path / "logs.jsonl"), *store]) == 0
    capfd.readouterr()
    assert cli.run(["quarantine", *store, "--most", "2"]) == 0
    out, err = capfd.readouterr()
    assert out.count("another word") == 2 and "1 more" in err
    assert TEXT not in out and "\x1b" not in out
    assert cli.run(["quarantine", *store, "--json"]) == 0
    held = json.loads(capfd.readouterr().out)
    assert held["total"] == 3 and [r["row"] for r in held["rows"]] == [2, 3, 4]
