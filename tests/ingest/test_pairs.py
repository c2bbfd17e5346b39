"""Pairs: a value as it stands in a source, and what becomes of it; for JSON lines and for Parquet."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.ingest.rows import read_rows
from stillwatch.tables import EXCHANGES
from tests.ingest.rows import TEXT, lines, read_all, read_bytes, row

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

ACCEPTED = [
    ("asked_at", "2026-06-01T12:00:00Z", NOON),
    ("asked_at", "2026-06-01 12:00:00", NOON),
    ("asked_at", "2026-06-01T14:00:00+02:00", NOON),
    ("asked_at", "2026-06-01T12:00:00.000000999Z", NOON),
    ("asked_at", "2026-06-01T12:00:00.25Z", NOON.replace(microsecond=250_000)),
    ("asked_at", 1780315200, NOON),
    ("asked_at", 1780315200000, NOON),
    ("asked_at", 1780315200000000, NOON),
    ("asked_at", 1780315200000000999, NOON),
    ("asked_at", "1780315200000", NOON),
    ("asked_at", 1780315200.25, NOON.replace(microsecond=250_000)),
    ("account_id", 17, "17"),
    ("account_id", "hmac:k1:00ff", "hmac:k1:00ff"),
    ("account_id", "a\x00b", "a\x00b"),
    ("max_tokens", "512", 512),
    ("max_tokens", 512.0, 512),
    ("seed", -(2**63), -(2**63)),
    ("temperature", 1, 1.0),
    ("temperature", "0.5", 0.5),
    ("stream", "True", True),
    ("logprobs", 0, False),
    ("ja4", "", None),
    ("user_agent", "u" * 5000, "u" * 4096),
    ("user_agent", "half \ud83d", "half \ufffd"),
    ("messages", "half \ud83d", "half \ufffd"),
    ("messages", [{"role": "user", "content": "hé"}], '[{"content":"hé","role":"user"}]'),
    ("response_format", {"type": "json_object"}, '{"type":"json_object"}'),
    ("extra", {"b": 1, "a": "x", "c": None}, [("a", "x"), ("b", "1")]),
    ("asked_at", 1.7803152e18, NOON),
    ("country", "de", "DE"),
    ("country", "XX", None),
    ("country", "T1", None),
    ("country", "", None),
    ("unheard_of", "x", [("unheard_of", "x")]),
    ("unheard_of", 1.5, [("unheard_of", "1.5")]),
    ("unheard_of", [1, {"a": None}], [("unheard_of", '[1,{"a":null}]')]),
]

REFUSED = [
    ("exchange_id", "", "empty string"),
    ("exchange_id", [TEXT], "array"),
    ("exchange_id", "x" * 1025, "string of over 1,024 characters"),
    ("account_id", "half \ud83d", "string with half a surrogate pair"),
    ("account_id", 10**30, "integer beyond 64 bits"),
    ("account_id", True, "boolean"),
    ("asked_at", TEXT, "string that is no time"),
    ("asked_at", 12, "integer"),
    ("asked_at", "1970-01-01T00:00:00Z", "time outside of 2000 to 2100"),
    ("status", "OK", "another word"),
    ("ip_class", TEXT, "another word"),
    ("country", "DEU", "another word"),
    ("country", "Germany", "another word"),
    ("asked_at", 1.7e7, "number written as a float"),
    ("turn_index", 2**31, "integer outside of -2147483648 to 2147483647"),
    ("input_tokens", -1, "negative integer"),
    ("max_tokens", 10**30, "integer outside of -9223372036854775808 to 9223372036854775807"),
    ("max_tokens", 1.5, "number with a fraction"),
    ("max_tokens", TEXT, "string"),
    ("temperature", float("nan"), "NaN"),
    ("top_p", float("-inf"), "infinity"),
    ("temperature", True, "boolean"),
    ("stream", 2, "integer"),
    ("messages", 7, "integer"),
    ("extra", TEXT, "string that is no JSON object"),
]


def column_of(name: str) -> str:
    return name if name in EXCHANGES.names else "extra"


@pytest.mark.parametrize(("name", "value", "wanted"), ACCEPTED, ids=lambda v: repr(v)[:30])
def test_a_value_is_read(tmp_path: Path, name: str, value: Any, wanted: Any) -> None:
    """Also between good lines, where the quick way takes the neighbours."""
    good, bad = read_bytes(tmp_path, lines(row(0), row(1, **{name: value}), row(2)))
    assert not bad and len(good) == 3
    assert good[1][column_of(name)] == wanted


@pytest.mark.parametrize(("name", "value", "found"), REFUSED, ids=lambda v: repr(v)[:30])
def test_a_value_is_refused_and_its_neighbours_are_not(tmp_path: Path, name: str, value: Any, found: str) -> None:
    good, bad = read_bytes(tmp_path, lines(row(0), row(1, **{name: value}), row(2)))
    assert [(held["exchange_id"], held["place"]) for held in good] == [("x0", 1), ("x2", 3)]
    (refused,) = bad
    assert (refused.row, refused.column, refused.found) == (2, name, found)
    assert refused.exchange_id == (None if name == "exchange_id" else "x1")
    assert TEXT not in repr(bad)


@pytest.mark.parametrize("name", ["exchange_id", "asked_at", "account_id", "model_requested", "status"])
def test_a_required_column_that_lacks(tmp_path: Path, name: str) -> None:
    good, bad = read_bytes(tmp_path, lines(row(0), row(1, **{name: None})))
    assert len(good) == 1
    assert [(b.row, b.column) for b in bad] == [(2, name)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (TEXT.encode(), "text that is not JSON"),
        (b'"' + TEXT.encode() + b'"', "string"),
        (b"[]", "array"),
        (b"null", "null"),
        (b'{"messages": "\xff' + TEXT.encode() + b'"}', "bytes that are not UTF-8"),
        (b'{"n": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "JSON nested too deeply"),
        (b'{"n": ' + b"9" * 5000 + b"}", "text that is not JSON"),
        (b'{"account_id": "a", "account_id": "b"}', "object with the same key twice"),
        (b"\x00\x01\x02", "text that is not JSON"),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_a_line_that_is_no_row(tmp_path: Path, line: bytes, found: str) -> None:
    good, bad = read_bytes(tmp_path, lines(row(0)) + line + b"\n" + lines(row(2)))
    assert [held["place"] for held in good] == [1, 3]
    assert [(b.row, b.found) for b in bad] == [(2, found)]
    assert TEXT not in repr(bad)


def test_blank_lines_marks_and_missing_ends(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + lines(row(0)).replace(b"\n", b"\r\n") + b"\n  \n" + lines(row(1)).rstrip()
    good, bad = read_bytes(tmp_path, data)
    assert [held["place"] for held in good] == [1, 4] and not bad
    assert read_bytes(tmp_path, b"") == ([], [])


PARQUET = [
    ("asked_at", pa.array([NOON] * 2, pa.timestamp("ns", "UTC")), NOON),
    ("asked_at", pa.array([NOON.replace(tzinfo=None)] * 2, pa.timestamp("ms")), NOON),
    ("asked_at", pa.array([1780315200000] * 2, pa.int64()), NOON),
    ("account_id", pa.array(["a"] * 2).dictionary_encode(), "a"),
    ("account_id", pa.array(["a"] * 2, pa.large_string()), "a"),
    ("account_id", pa.array([b"a"] * 2, pa.binary()), "a"),
    ("account_id", pa.array([5] * 2, pa.uint64()), "5"),
    ("max_tokens", pa.array([4.0] * 2), 4),
    ("max_tokens", pa.array([4] * 2, pa.uint8()), 4),
    ("messages", pa.array([[{"role": "user"}]] * 2), '[{"role":"user"}]'),
    ("ja4", pa.array([None, None], pa.null()), None),
    ("country", pa.array(["", ""]), None),
]


def parquet(path: Path, **changes: Any) -> Path:
    held = {name: [value, value.replace("x0", "x1")] for name, value in row(0).items()}
    pq.write_table(pa.table(held | changes), path)
    return path


@pytest.mark.parametrize(("name", "array", "wanted"), PARQUET, ids=lambda v: str(getattr(v, "type", v))[:30])
def test_a_parquet_type_is_read(tmp_path: Path, name: str, array: pa.Array, wanted: Any) -> None:
    good, bad = read_all(parquet(tmp_path / "a.parquet", **{name: array}))
    assert not bad
    assert [held[name] for held in good] == [wanted] * 2


def test_parquet_gives_the_rows_that_json_gives(tmp_path: Path) -> None:
    rows = [row(n, max_tokens=n, temperature=n / 4, unheard_of=f"u{n}", odd=n) for n in range(100)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_all(tmp_path / "a.parquet") == read_bytes(tmp_path, lines(*rows), "b.jsonl")


def test_bad_utf8_in_parquet(tmp_path: Path) -> None:
    """In a text it is replaced, or a sender could hide by it; in an id it is refused."""
    array = pa.array([b"fine", b"\xff\xfe"], pa.binary())
    invalid = pa.Array.from_buffers(pa.string(), 2, array.buffers())
    good, bad = read_all(parquet(tmp_path / "a.parquet", messages=invalid))
    assert [held["messages"] for held in good] == ["fine", "\ufffd\ufffd"] and not bad
    good, bad = read_all(parquet(tmp_path / "a.parquet", account_id=invalid))
    assert len(good) == 1 and [(b.row, b.column, b.found) for b in bad] == [
        (2, "account_id", "bytes that are not UTF-8")
    ]


def test_a_damaged_row_group_does_not_take_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.Table.from_pylist([row(n, messages=f"{n}" * 50) for n in range(300)])
    pq.write_table(table, path, row_group_size=100, compression="zstd", use_dictionary=False)
    about = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[about.data_page_offset + 30 : about.data_page_offset + 60] = b"\xff" * 30
    path.write_bytes(data)
    good, bad = read_all(path)
    assert [held["place"] for held in good] == [*range(1, 101), *range(201, 301)]
    assert [b.row for b in bad] == [101] and "100 rows from here on" in bad[0].found


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1", b"no parquet"])
def test_a_file_that_is_no_parquet(tmp_path: Path, data: bytes) -> None:
    good, bad = read_bytes(tmp_path, data, "a.parquet")
    assert not good and len(bad) == 1 and bad[0].row is None


def test_the_same_column_twice_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table([["a"], ["b"]], names=["account_id", "account_id"]), tmp_path / "a.parquet")
    good, bad = read_all(tmp_path / "a.parquet")
    assert not good and [b.found for b in bad] == ["the same column twice"]


def test_every_batch_has_the_contract_s_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(row(0), {"exchange_id": "x"}))
    assert all(batch.rows.schema.equals(EXCHANGES) for batch in read_rows(path, "a", EXCHANGES))
