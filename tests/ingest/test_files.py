"""Files: which are read and as what, compressed ones that break off, and bombs."""

import errno
import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from stillwatch.errors import SourceError, StoreError
from stillwatch.ingest import lines as lines_module
from stillwatch.ingest import rows as rows_module
from stillwatch.ingest.sources import read, source_files
from tests.ingest.rows import TEXT, lines, read_all, read_bytes, row

ROWS = [row(n, user_agent=f"{n * 7919 % 10007:x}" * 20) for n in range(4000)]
GOOD = lines(*ROWS)
PACK = {"gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("packing", PACK)
def test_a_packed_file_reads_as_the_plain_one(tmp_path: Path, packing: str) -> None:
    plain = read_bytes(tmp_path, GOOD)
    half = len(GOOD) // 2
    pack = PACK[packing]
    assert read_bytes(tmp_path, pack(GOOD), f"a.jsonl.{packing}") == plain
    assert read_bytes(tmp_path, pack(GOOD[:half]) + pack(GOOD[half:]), f"b.jsonl.{packing}") == plain
    assert read_bytes(tmp_path, pack(b"") + pack(GOOD), f"c.jsonl.{packing}") == plain


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_what_came_before_a_break_is_kept(tmp_path: Path, packing: str, share: float) -> None:
    packed = PACK[packing](GOOD)
    good, bad = read_bytes(tmp_path, packed[: int(len(packed) * share)], f"a.jsonl.{packing}")
    assert [held["exchange_id"] for held in good] == [f"x{n}" for n in range(len(good))]
    assert len(good) > len(ROWS) * (share - 0.3)
    assert [(b.row, "end too early" in b.found) for b in bad] == [(len(good) + 1, True)]


@pytest.mark.parametrize("packing", PACK)
def test_damage_in_the_middle_is_named(tmp_path: Path, packing: str) -> None:
    packed = bytearray(PACK[packing](GOOD))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\xff" * 50
    good, bad = read_bytes(tmp_path, bytes(packed), f"a.jsonl.{packing}")
    assert bad and bad[-1].found.startswith("the rest of the file")
    assert {held["exchange_id"] for held in good} <= {f"x{n}" for n in range(len(ROWS))}


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_garbage_is_named_and_not_quoted(tmp_path: Path, packing: str) -> None:
    good, bad = read_bytes(tmp_path, TEXT.encode() * 100, f"a.jsonl{packing}")
    assert not good and len(bad) == 1 and TEXT not in repr(bad)


@pytest.mark.slow
@pytest.mark.parametrize("packing", PACK)
def test_a_bomb_of_one_line_is_given_up_in_bounded_memory(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"a.jsonl.{packing}"
    piece = b" " * 999 + b"x"
    path.write_bytes(PACK[packing](GOOD + piece * 200_000))
    tracemalloc.start()
    good, bad = read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(good) == len(ROWS)
    assert [b.row for b in bad] == [len(ROWS) + 1] and ("grow over" in bad[0].found or "64 MiB" in bad[0].found)
    assert peak < 120 << 20


def test_a_long_line_does_not_take_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "LONGEST_LINE", 1000)
    data = lines(row(0), row(1, messages="m" * 2000), row(2), row(3, messages="m" * 2_000_000), row(4))
    good, bad = read_bytes(tmp_path, data)
    assert [held["place"] for held in good] == [1, 3, 5]
    assert [b.row for b in bad] == [2, 4]


def test_a_file_that_grows_too_much_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "RATIO_FROM", 1 << 20)
    monkeypatch.setattr(lines_module, "RATIOS", {"gz": 100})
    _, bad = read_bytes(tmp_path, gzip.compress(b"\n" * (8 << 20)), "a.jsonl.gz")
    assert len(bad) == 1 and "grow over 100-fold" in bad[0].found


def test_a_flood_of_bad_lines_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "HOPELESS", 1000)
    monkeypatch.setattr(lines_module, "BLOCK_LINES", 500)
    monkeypatch.setattr(lines_module, "_PIECE", 1000)
    _, bad = read_bytes(tmp_path, b"x\n" * 50_000)
    assert 1000 < len(bad) < 3000 and bad[-1].found.startswith("the rest of the file")


def test_a_folder_is_sorted_into_tables(tmp_path: Path) -> None:
    for name in (
        "exchanges/a.jsonl", "exchanges/day=1/b.jsonl.gz", "accounts.jsonl", "permissions.jsonl", "releases.parquet",
        "truth/accounts.jsonl", ".hidden.jsonl", "_tmp/x.jsonl", "notes.txt",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [(file.table, file.path.name) for file in source_files(tmp_path)]
    assert found == [
        ("accounts", "accounts.jsonl"), ("permissions", "permissions.jsonl"), ("releases", "releases.parquet"),
        ("exchanges", "a.jsonl"), ("exchanges", "b.jsonl.gz"),
    ]  # fmt: skip


def test_plain_files_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    for name, held in {
        "a": row(0), "b": {"account_id": "a", "tier": "free"}, "c": {"model": "m", "released_at": "2026-01-01"},
        "d": {"purpose": "research", "reference": "r", "org_id": "o"}, "e": {"anything": 1},
    }.items():  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_bytes(lines(held))
    found = {file.path.stem: file.table for file in source_files(tmp_path)}
    assert found == {"a": "exchanges", "b": "accounts", "c": "releases", "d": "permissions", "e": "exchanges"}


def test_small_tables(tmp_path: Path) -> None:
    good, bad = read_bytes(
        tmp_path, lines({"account_id": "a", "created_at": "2026-01-01T00:00:00Z", "odd": 1}), "accounts.jsonl"
    )
    assert good[0]["account_id"] == "a" and "odd" not in good[0] and not bad
    held = {"purpose": "distillation", "reference": "contract 7", "account_id": "a", "models": ["m"]}
    data = lines(held, held | {"account_id": None}, held | {"purpose": "fun"}, held | {"models": "m"})
    good, bad = read_bytes(tmp_path, data, "permissions.jsonl")
    assert [(h["place"], h["models"]) for h in good] == [(1, ["m"]), (4, ["m"])]
    assert sorted((b.row, b.column) for b in bad) == [(2, "account_id"), (3, "purpose")]


def test_errors_name_what_was_wanted(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(SourceError):
            source_files(path)
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(SourceError, match="jsonl"):
        source_files(tmp_path / "a.csv")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "exchanges.jsonl")
    good, bad = read_all(tmp_path)
    assert not good
    assert [held.found for held in bad] == ["no regular file (a pipe, socket, device or folder)"]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\x1b.jsonl"))
    path.write_bytes(b"bad\n")
    _, bad = read_all(path)
    assert bad[0].file.endswith("a\ufffd\x1b.jsonl")


@pytest.mark.parametrize("name", ["exchanges.jsonl", "exchanges.json", "exchanges.parquet", "accounts.jsonl.gz"])
def test_a_file_that_vanishes_after_it_was_listed_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{}\n")
    (file,) = source_files(tmp_path)
    (tmp_path / name).unlink()
    found = [row for batch in read(file) for row in batch.quarantined]
    assert len(found) == 1
    assert "cannot be read" in found[0].found
    assert found[0].file.endswith(name)


def test_a_disk_that_is_full_is_told_and_nothing_half_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillwatch.store import files

    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StoreError, match="No space left"):
        files.write_whole(tmp_path / "a.parquet", b"x")
    assert list(tmp_path.iterdir()) == []
