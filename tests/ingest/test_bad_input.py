"""Each kind of bad input: what is said of it, that its neighbours arrive, that nothing is lost, and what it costs."""

import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from stillwatch.cli.output import clean
from stillwatch.errors import SourceError, UsageError
from stillwatch.ingest.mapping import load
from stillwatch.ingest.sources import read, source_files
from stillwatch.pipeline import ingest_sources
from tests.ingest.bad_input import (
    AFTER,
    ANY,
    BEFORE,
    CUT,
    GROUPS,
    KINDS,
    MANY,
    NOT_JSON,
    Kind,
    bombed,
    file,
    table,
)
from tests.ingest.rows import TEXT, lines, read_all, row

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.group}: {kind.name}"[:70])
def test_a_kind_is_named_and_its_neighbours_arrive(tmp_path: Path, kind: Kind) -> None:
    source = kind.make(tmp_path) or tmp_path
    good, bad = read_all(source)
    kept = [held["exchange_id"] for held in good]
    if "…" in kind.kept:
        assert kept[:2] == ["x0", "x2"]
        assert kept[2:] == [f"x{number}" for number in range(len(kept) - 2)]
        (end,) = bad
        assert (end.row, end.found.endswith("data that end too early")) == (len(kept) + 1, True)
    else:
        assert tuple(kept) == kind.kept
        told = [(held.row, held.column, held.found, held.wanted) for held in bad]
        assert told == [(row if row != ANY else bad[0].row, *rest) for row, *rest in kind.said]
    assert TEXT not in repr(bad)
    for held in bad:
        assert held.file.startswith(str(source))
        assert clean(held.file).isprintable()


def test_there_are_many_kinds_and_each_has_a_name() -> None:
    print({group: sum(kind.group == group for kind in KINDS) for group in GROUPS}, len(KINDS))
    assert len({(kind.group, kind.name) for kind in KINDS}) == len(KINDS) >= 100


@pytest.mark.parametrize("group", GROUPS)
def test_the_document_says_what_the_list_says(group: str) -> None:
    held = DOCUMENT.read_text("utf-8").split(f"\n## {group}\n", 1)[1].split("\n## ", 1)[0].strip()
    assert table(group) in held, "make it anew: python -m tests.ingest.bad_input"


# ------------------------------------------------------------------------------------------------ memory and time

MEASURE = """
import json, re, sys, time
from pathlib import Path
from stillwatch.ingest.sources import read, source_files

def highest():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

started, kept, said, base = time.monotonic(), 0, [], highest()
if sys.argv[1:]:
    for file in source_files(Path(sys.argv[1])):
        for batch in read(file):
            kept += batch.rows.num_rows
            said += [row.found for row in batch.quarantined[:5]]
peak = highest()
print(json.dumps([kept, said[:5], round(time.monotonic() - started, 2), (peak - base) >> 10]))
"""


def repeated_value(folder: Path) -> None:
    """A megabyte that 100,000 rows share by a dictionary: 100 GB, if each row held its own."""
    ids = pa.array([f"x{n}" for n in range(100_000)])
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["m" * (1 << 20)]))
    held = {name: pa.array([value] * 100_000) for name, value in row(0).items()}
    pq.write_table(pa.table({**held, "exchange_id": ids, "messages": shared}).slice(0, 2_000), folder / "a.parquet")


HEAVY: dict[str, tuple[Callable[[Path], object], int]] = {
    "gzip": (file("a.jsonl.gz", lambda: gzip.compress(BEFORE + b"\n" * (100 << 20))), 1),
    "gzip of one line": (file("a.jsonl.gz", lambda: gzip.compress(BEFORE + b"x" * (256 << 20))), 1),
    "zstd": (file("a.jsonl.zst", lambda: zstandard.compress(BEFORE + b" \n" * (256 << 20))), 1),
    "zstd of a document": (file("a.json.zst", lambda: zstandard.compress(b"[" + b" " * (512 << 20))), 0),
    "gzip of brackets": (file("a.json.gz", lambda: gzip.compress(b"[" * (60 << 20))), 0),
    "parquet of one value": (bombed, 2),
    "parquet of a value that repeats": (repeated_value, 2_000),
    "a line without an end": (file("a.jsonl", lambda: BEFORE + b"x" * (100 << 20)), 1),
    "a line of tiny records": (file("a.jsonl", lambda: BEFORE + b"[" + b"{}," * (5 << 20) + b"{}]\n" + AFTER), 2),
    "a line of tiny numbers": (
        file("a.jsonl", lambda: BEFORE + b'{"messages":[' + b"1," * (7 << 20) + b"1]}\n" + AFTER),
        2,
    ),
    "a file of tiny lines": (file("a.jsonl", lambda: BEFORE + b"x\n" * (8 << 20)), 1),
}


QUICK = ("gzip",)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in HEAVY])
def test_memory_and_time_are_bounded_whatever_a_file_claims(tmp_path: Path, name: str) -> None:
    make, kept = HEAVY[name]
    make(tmp_path)
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True, timeout=300
    )
    rows, said, seconds, mebibytes = json.loads(answer.stdout)
    print(f"{name}: {rows} rows kept, {seconds} s, {mebibytes} MiB over the base; said: {said[:1]}")
    assert rows == kept
    assert said or name.endswith("repeats")
    assert mebibytes <= 600
    assert seconds < 30


# -------------------------------------------------------------------------------------- files that change, mappings


def test_a_file_that_grows_or_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    changes = (lambda: path.open("ab").write(lines(row(9000))), lambda: os.truncate(path, len(MANY) // 2))
    for change in changes:
        path.write_bytes(MANY * 6)
        (found,) = source_files(tmp_path)
        batches = read(found)
        first = next(batches)
        change()
        rest = list(batches)
        assert first.rows.num_rows
        assert all(held.found in (CUT, NOT_JSON) for batch in [first, *rest] for held in batch.quarantined)


def test_a_folder_that_vanishes_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_bytes(BEFORE)
    (found,) = source_files(tmp_path / "logs")
    shutil.rmtree(tmp_path / "logs")
    (bad,) = [held for batch in read(found) for held in batch.quarantined]
    assert (bad.row, bad.found) == (None, "a file that cannot be read (FileNotFoundError)")
    with pytest.raises(SourceError, match="no such file or folder"):
        source_files(tmp_path / "logs")


def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the tests run as root, whom no mode stops."""
    (tmp_path / "a.jsonl").write_bytes(BEFORE)
    (found,) = source_files(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        (bad,) = [held for batch in read(found) for held in batch.quarantined]
        assert bad.found == "the whole file: a file that cannot be read (PermissionError)"
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="the folder cannot be read"):
        source_files(tmp_path)


def test_the_same_file_by_two_names_is_one_exchange_each(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.jsonl").write_bytes(BEFORE + AFTER)
    (logs / "b.jsonl").hardlink_to(logs / "a.jsonl")
    (logs / "c.jsonl").symlink_to(logs / "a.jsonl")
    report = ingest_sources([logs, logs / "a.jsonl"], tmp_path / "store")
    assert (report.new, report.quarantined) == (2, 0)


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in itertools.pairwise("abcdefghi")
)
MAPPINGS = [
    (LAUGHS, "an alias"), (LAUGHS + "format: *i", "an alias"), ("format: &x auto\nrequest: *x", "an alias"),
    ("columns: {account_id: " + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"), ("x" * (2 << 20), "too long"),
    ("columns: {\ud800: x}".encode("utf-8", "surrogatepass"), "cannot be read"), ("\0", "not YAML"),
    ("", "holds no keys"),
    ("columns: {account_id: !!binary aGk=}", "is no path"), ("? {a: b}\n: c", "not YAML"), ("format: [auto]", "list"),
    ("constants: {asked_at: 2026-01-01}", "no single value"), ("columns: {unheard_of: x}", "unknown key in columns"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MAPPINGS, ids=lambda given: repr(given)[:30])
def test_a_bad_mapping_is_an_error_that_names_the_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as told:
        load(path)
    assert said in str(told.value)
    assert "map.yaml" in str(told.value)
