"""Every kind of bad input that we know: how it is made, what is said of it, and what is kept beside it.

One list, as data: `test_bad_input.py` reads each kind, and `docs/bad-input.md` is made of it. To see the tables:

    .venv/bin/python -m tests.ingest.bad_input
"""

import gzip
import io
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.ingest.rows import TEXT, lines, row

Said = tuple[int | None, str | None, str, str]
"""Row, column, what was found, what was wanted."""

ANY = -1
"""A row that depends on how a packer packs."""

NEIGHBOURS = ("x0", "x2")
BESIDE = "the rows beside it are kept"
READ = "read as if nothing were wrong"


@dataclass(frozen=True)
class Kind:
    """One kind. `make` writes it into an empty folder and may answer with the source to read instead of the folder.

    `said` is all that goes to quarantine, `kept` the exchange ids that arrive, in the order of rows.
    """

    group: str
    name: str
    make: Callable[[Path], Path | None]
    said: tuple[Said, ...] = ()
    kept: tuple[str, ...] = NEIGHBOURS
    rest: str = BESIDE


BEFORE, AFTER = lines(row(0)), lines(row(2))
ONE_A_LINE = "one JSON object a line"
WHOLE_A_LINE = "one whole JSON object a line"


def file(name: str, data: bytes | Callable[[], bytes]) -> Callable[[Path], None]:
    """Writes one file; what is large is a function that makes it."""

    def make(folder: Path) -> None:
        (folder / name).write_bytes(data() if callable(data) else data)

    return make


def line(name: str, data: bytes, found: str, wanted: str = ONE_A_LINE) -> Kind:
    """A line between two good ones."""
    return Kind("Lines", name, file("a.jsonl", BEFORE + data + b"\n" + AFTER), ((2, None, found, wanted),))


def mended(group: str, name: str, data: bytes, named: str = "a.jsonl", kept: tuple[str, ...] = NEIGHBOURS) -> Kind:
    """A file that is odd and is read nevertheless."""
    return Kind(group, name, file(named, data), (), kept, READ)


def whole(name: str, data: bytes, found: str, wanted: str, named: str = "a.jsonl", row: int | None = 1) -> Kind:
    """A file of which nothing can be read, beside a good one."""

    def make(folder: Path) -> None:
        (folder / named).write_bytes(data)
        (folder / "b.jsonl").write_bytes(BEFORE + AFTER)

    return Kind("Files", name, make, ((row, None, found, wanted),), rest="other files are read")


def value(name: str, column: str, given: Any, found: str, wanted: str) -> Kind:
    """A value in a row between two good ones."""
    data = lines(row(0), row(1, **{column: given}), row(2))
    return Kind("Values", name, file("a.jsonl", data), ((2, column, found, wanted),))


def accepted(name: str, column: str, given: Any, becomes: str) -> Kind:
    """A value that is odd and accepted."""
    return Kind(
        "Values",
        name,
        file("a.jsonl", lines(row(0), row(1, **{column: given}), row(2))),
        (),
        ("x0", "x1", "x2"),
        becomes,
    )


def packed(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def parquet(name: str, column: str, array: pa.Array, *said: Said, kept: tuple[str, ...] = NEIGHBOURS) -> Kind:
    """A Parquet file of two rows with one column of another type."""
    held = pa.Table.from_pylist([row(0), row(2)])
    place = held.schema.get_field_index(column)
    held = held.set_column(place, column, array) if place >= 0 else held.append_column(column, array)
    rest = BESIDE if said else READ
    return Kind("Parquet", name, file("a.parquet", packed(held)), said, kept, rest)


MANY = lines(*(row(n, user_agent=f"{n * 7919 % 10007:x}" * 20) for n in range(4000)))
TABLE = pa.Table.from_pylist([row(0), row(2)])
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def damaged_group(folder: Path) -> None:
    rows = [row(0), row(1, messages="m" * 4000), row(2)]
    data = bytearray(packed(pa.Table.from_pylist(rows), row_group_size=1, compression="zstd", use_dictionary=False))
    about = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    start = about.data_page_offset + about.total_compressed_size // 2
    data[start : start + 12] = b"\xff" * 12
    (folder / "a.parquet").write_bytes(data)


def bombed(folder: Path) -> None:
    """80 MB of one letter in a column, in a few kilobytes."""
    table = pa.table({"exchange_id": ["x1"], "messages": ["m" * (80 << 20)]})
    pq.write_table(table, folder / "a.parquet", compression="zstd", use_dictionary=False, write_statistics=False)
    (folder / "b.jsonl").write_bytes(BEFORE + AFTER)


def piped(folder: Path) -> None:
    os.mkfifo(folder / "a.jsonl")
    (folder / "b.jsonl").write_bytes(BEFORE + AFTER)


def socketed(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket has room for a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("a.jsonl")
    finally:
        os.chdir(here)
    (folder / "b.jsonl").write_bytes(BEFORE + AFTER)


def linked_to(target: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "a.jsonl").symlink_to(target)
        (folder / "b.jsonl").write_bytes(BEFORE + AFTER)

    return make


def circled(folder: Path) -> None:
    (folder / "b.jsonl").write_bytes(BEFORE + AFTER)
    (folder / "again").symlink_to(folder)


def linked_folder(folder: Path) -> Path:
    (folder / "far").mkdir()
    (folder / "far" / "b.jsonl").write_bytes(BEFORE + AFTER)
    (folder / "near").mkdir()
    (folder / "near" / "exchanges").symlink_to(folder / "far")
    return folder / "near"


def named(name: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(BEFORE + b"x\n" + AFTER)

    return make


PIPE = "no regular file (a pipe, socket, device or folder)"
UTF16 = ("the whole file: text in UTF-16 or UTF-32", "JSON in UTF-8 (iconv -f UTF-16 -t UTF-8 makes it so)")
UNPACKED = "gzip, zstd, or no packing"
BOMB = "logs, not a bomb"
ISO = "time in ISO 8601, or since 1970"
NOT_JSON = "text that is not JSON"
CUT = "JSON that breaks off"
INT64 = f"integer from {-(2**63)} to {2**63 - 1}"

KINDS: tuple[Kind, ...] = (
    # ------------------------------------------------------------------------------------------------- lines
    line("words that are no JSON", TEXT.encode(), NOT_JSON),
    line("a line that was cut (rotation, a full disk)", lines(row(1))[:60], CUT, WHOLE_A_LINE),
    line("the end of a line whose beginning is gone", lines(row(1))[30:-1], NOT_JSON),
    line(
        "bytes that are not UTF-8 (Latin-1 and others)",
        b'{"messages": "caf\xe9"}',
        "bytes that are not UTF-8",
        "JSON in UTF-8",
    ),
    line("a surrogate in UTF-8", b'{"messages": "\xed\xa0\x80"}', "bytes that are not UTF-8", "JSON in UTF-8"),
    line(
        "the same key twice",
        b'{"account_id": "a", "account_id": "b"}',
        "object with the same key twice",
        "each key once",
    ),
    line(
        "JSON nested 200,000 deep",
        b'{"n": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "JSON nested too deeply",
        "flatter JSON object",
    ),
    line("a number of 5,000 digits", b'{"n": ' + b"9" * 5000 + b"}", NOT_JSON),
    line("a string instead of an object", b'"' + TEXT.encode() + b'"', "string"),
    line("a number instead of an object", b"7", "integer"),
    line("an empty array", b"[]", "array"),
    line("an array of values that are no records", b"[1,2]", "integer"),
    line("thousands of tiny values on one line", b"{}" * 5_000, "values too short to be records"),
    line("binary garbage", bytes(range(1, 10)), NOT_JSON),
    line("NUL bytes where a line was never written", b"\0" * 512, "NUL bytes alone"),
    line(
        "a line of over 16 MiB", b'{"a": "' + b"m" * (17 << 20) + b'"}', "line of over 16 MiB", "line of at most 16 MiB"
    ),
    line("a line of CSV", b"x1,2026-06-01T00:00:00Z,acme,m-1,ok", NOT_JSON),
    line("a timestamp before the JSON", b"2026-06-01T00:00:00Z INFO " + lines(row(1)).strip(), NOT_JSON),
    Kind(
        "Lines",
        "an object and garbage on one line",
        file("a.jsonl", BEFORE + lines(row(1)).strip() + b"}}x\n" + AFTER),
        ((2, None, NOT_JSON, ONE_A_LINE),),
        ("x0", "x1", "x2"),
        "the object and the rows beside it are kept",
    ),
    Kind("Lines", "null on a line", file("a.jsonl", BEFORE + b"null\n" + AFTER), ((2, None, "null", ONE_A_LINE),)),
    mended(
        "Lines",
        "two objects that were joined without a line between",
        BEFORE + lines(row(1)).strip() + AFTER,
        kept=("x0", "x1", "x2"),
    ),
    mended("Lines", "a comma after each object", (BEFORE + AFTER).replace(b"}\n", b"},\n")),
    mended("Lines", "NUL bytes before an object (logrotate's copytruncate)", BEFORE + b"\0" * 512 + AFTER),
    mended(
        "Lines",
        "a byte order mark at the beginning, or where files were joined",
        b"\xef\xbb\xbf" + BEFORE + b"\xef\xbb\xbf" + AFTER,
    ),
    mended(
        "Lines",
        "lines that end in CR LF, or in CR alone",
        BEFORE.replace(b"\n", b"\r\n") + AFTER.replace(b"\n", b"\r") + b"\r",
    ),
    mended("Lines", "blank lines, and no end of line at the end", b"\n \n" + BEFORE + b"\n\n" + AFTER.strip()),
    # ------------------------------------------------------------------------------------------------- files
    whole("UTF-16, with or without a mark", (BEFORE + AFTER).decode().encode("utf-16"), *UTF16),
    whole("UTF-32", (BEFORE + AFTER).decode().encode("utf-32-be"), *UTF16),
    whole("a zip archive under another name", b"PK\x03\x04" + bytes(100), "the whole file: a zip archive", UNPACKED),
    whole("bzip2 under another name", b"BZh91AY" + bytes(100), "the whole file: data packed by bzip2", UNPACKED),
    whole("xz under another name", b"\xfd7zXZ\0" + bytes(100), "the whole file: data packed by xz", UNPACKED),
    whole(
        "random bytes named .gz",
        bytes(range(100, 200)),
        "the whole file: damaged gzip data",
        "whole gzip file",
        "a.jsonl.gz",
    ),
    whole(
        "CSV, logs of other programs, archives in a folder",
        b"exchange_id,asked_at\n",
        "a kind of file that is not read",
        ".parquet, .jsonl, .ndjson, .jsonl.gz, .ndjson.gz, .jsonl.zst, .ndjson.zst, .json, .json.gz, .json.zst",
        "a.csv",
        None,
    ),
    Kind(
        "Files",
        "gzip that ends too early",
        file("a.jsonl.gz", gzip.compress(BEFORE + AFTER + MANY)[:-3000]),
        (),
        ("x0", "x2", "…"),
        "what came before is kept",
    ),
    Kind(
        "Files",
        "gzip with a wrong checksum",
        file("a.jsonl.gz", gzip.compress(BEFORE + AFTER)[:-8] + bytes(8)),
        ((3, None, "the rest of the file: damaged gzip data", "whole gzip file"),),
        rest="what was unpacked is kept",
    ),
    Kind(
        "Files",
        "garbage after gzip",
        file("a.jsonl.gz", gzip.compress(BEFORE + AFTER) + b"garbage"),
        ((3, None, "the rest of the file: damaged gzip data", "whole gzip file"),),
        rest="what came before is kept",
    ),
    Kind(
        "Files",
        "zstd that ends too early",
        file("a.jsonl.zst", zstandard.compress(BEFORE + AFTER) + zstandard.compress(MANY)[:-40]),
        (),
        ("x0", "x2", "…"),
        "what came before the last block is kept",
    ),
    Kind(
        "Files",
        "garbage after zstd",
        file("a.jsonl.zst", zstandard.compress(BEFORE + AFTER) + b"garbage"),
        ((3, None, "the rest of the file: damaged zstd data", "whole zstd file"),),
        rest="what came before is kept",
    ),
    Kind(
        "Files",
        "a gzip bomb",
        file("a.jsonl.gz", lambda: gzip.compress(BEFORE + AFTER + b"\n" * (100 << 20))),
        ((ANY, None, "the rest of the file: data that grow over 250-fold when unpacked", BOMB),),
        rest="what came before is kept; refused at 64 MiB",
    ),
    Kind(
        "Files",
        "a zstd bomb",
        file("a.jsonl.zst", lambda: zstandard.compress(BEFORE + AFTER + b"\n" * (100 << 20))),
        ((ANY, None, "the rest of the file: data that grow over 5,000-fold when unpacked", BOMB),),
        rest="what came before is kept; refused at 64 MiB",
    ),
    Kind(
        "Files",
        "one line without an end",
        file("a.jsonl.zst", lambda: zstandard.compress(BEFORE + AFTER + os.urandom(1 << 20).hex().encode() * 40)),
        ((3, None, "the rest of the file: a line of over 64 MiB", "line of at most 16 MiB"),),
        rest="what came before is kept",
    ),
    Kind(
        "Files",
        "an array that breaks off",
        file("a.json", json.dumps([row(0), row(2), row(3)], indent=1).encode()[:-80]),
        ((3, None, "the rest of the file: JSON that breaks off", WHOLE_A_LINE),),
        rest="the items before it are kept",
    ),
    Kind(
        "Files",
        "a pipe",
        piped,
        ((None, None, PIPE, "readable file"),),
        rest="other files are read; nobody waits for it",
    ),
    Kind("Files", "a socket", socketed, ((None, None, PIPE, "readable file"),), rest="other files are read"),
    Kind(
        "Files",
        "a link to a device",
        linked_to("/dev/zero"),
        ((None, None, PIPE, "readable file"),),
        rest="other files are read",
    ),
    Kind(
        "Files",
        "a link that leads nowhere",
        linked_to("gone.jsonl"),
        ((None, None, "a file that cannot be read (FileNotFoundError)", "readable file"),),
        rest="other files are read",
    ),
    Kind(
        "Files",
        "a link to itself",
        linked_to("a.jsonl"),
        ((None, None, "a file that cannot be read (OSError)", "readable file"),),
        rest="other files are read",
    ),
    Kind("Files", "a folder that holds a link to itself", circled, (), rest="each folder is read once"),
    Kind("Files", "a link to a folder", linked_folder, (), rest="the folder is read"),
    Kind(
        "Files",
        "a name that is not UTF-8, or holds a line break or what a terminal obeys",
        named(b"a\xff\n\x1b[31m.jsonl"),
        ((2, None, NOT_JSON, ONE_A_LINE),),
        rest="read; the name is printed with escapes",
    ),
    Kind("Files", "an empty file", file("a.jsonl", b""), (), (), "no row, no fault"),
    mended("Files", "gzip named .jsonl, zstd named .gz", gzip.compress(BEFORE + AFTER)),
    mended("Files", "plain text named .gz or .zst", BEFORE + AFTER, "a.jsonl.gz"),
    mended("Files", "Parquet named .jsonl", packed(TABLE)),
    mended("Files", "JSON lines named .parquet", BEFORE + AFTER, "a.parquet"),
    mended(
        "Files",
        "several gzip members, zeros after the last",
        gzip.compress(BEFORE) + gzip.compress(AFTER) + bytes(512),
        "a.jsonl.gz",
    ),
    mended(
        "Files", "an array named .jsonl, on one line or pretty-printed", json.dumps([row(0), row(2)], indent=2).encode()
    ),
    mended(
        "Files",
        "objects over many lines, one after another",
        b"\n".join(json.dumps(row(n), indent=2).encode() for n in (0, 2)),
    ),
    mended("Files", "JSON lines named .json", BEFORE + AFTER, "a.json"),
    # ------------------------------------------------------------------------------------------------ values
    value("a required column that lacks", "asked_at", None, "null, or no such key", "timestamp[us, tz=UTC], always"),
    value("an id that is the empty string", "account_id", "", "empty string", "string of at least one character"),
    value("an id of blanks", "account_id", " \t", "blank string", "string of at least one character"),
    value(
        "an account called null, undefined, None, - …",
        "account_id",
        "undefined",
        "a word for nothing, such as null",
        "id of the account",
    ),
    value(
        "an id of over 1,024 characters",
        "exchange_id",
        "x" * 1025,
        "string of over 1,024 characters",
        "string of at most 1,024 characters",
    ),
    value(
        "an id with half a surrogate pair",
        "account_id",
        "half \ud83d",
        "string with half a surrogate pair",
        "string of whole characters",
    ),
    value("an id that is true", "account_id", True, "boolean", "string"),
    value("an id that is an array or an object", "account_id", [TEXT], "array", "string"),
    value("an id beyond 64 bits", "account_id", 10**30, "integer beyond 64 bits", "string"),
    value("a time in words", "asked_at", "yesterday", "string that is no time", ISO),
    value("a day that does not exist", "asked_at", "2026-02-30T00:00:00Z", "string that is no time", ISO),
    value("a time in a unit that cannot be (minutes, days)", "asked_at", 29_000_000, "integer", ISO),
    value(
        "a clock that was never set (1970)",
        "asked_at",
        "1970-01-01T00:00:00Z",
        "time outside of 2000 to 2100",
        "time in UTC",
    ),
    value(
        "a time far in the future", "asked_at", "2150-01-01T00:00:00Z", "time outside of 2000 to 2100", "time in UTC"
    ),
    value("NaN", "temperature", float("nan"), "NaN", "finite number"),
    value("infinity", "top_p", float("-inf"), "infinity", "finite number"),
    value("a number beyond a float (1e400)", "temperature", "1e400", "infinity", "finite number"),
    value("a count below zero", "input_tokens", -1, "negative integer", "integer of at least 0"),
    value("an integer beyond its type", "max_tokens", 10**30, f"integer outside of {-(2**63)} to {2**63 - 1}", INT64),
    value("a fraction where a whole number belongs", "max_tokens", 1.5, "number with a fraction", "integer"),
    value("words where a number belongs", "max_tokens", TEXT, "string", "integer"),
    value("true where a number belongs", "temperature", True, "boolean", "number"),
    value("a number where true or false belongs", "stream", 2, "integer", "boolean"),
    value("a status of another spelling", "status", "OK", "another word", "ok, error, refused, blocked, cancelled"),
    value(
        "an ip_class that nobody knows",
        "ip_class",
        "datacenter",
        "another word",
        "hosting, residential, mobile, vpn, tor, relay",
    ),
    value(
        "a country's name, or three letters",
        "country",
        "Germany",
        "another word",
        "two letters of ISO 3166, such as DE",
    ),
    value("a number where text belongs", "messages", 7, "integer", "string, object or array"),
    value("extra that is no object", "extra", TEXT, "string that is no JSON object", "object"),
    accepted(
        "a time without a zone, as a number, in milliseconds …",
        "asked_at",
        1780315200000,
        "read: see [ingest](ingest.md#what-a-value-may-look-like)",
    ),
    accepted("digits in a string, True and False as words", "max_tokens", "512", "read as the number; true or false"),
    accepted(
        "an answer that ended before it was asked",
        "finished_at",
        "2026-05-31T23:59:59Z",
        "`finished_at` becomes null, the row is kept, and `ingest` counts such rows",
    ),
    accepted(
        "an optional word for nothing: -, null, None, N/A …",
        "user_agent",
        "-",
        "null: an absent signal must not look like a shared one",
    ),
    accepted("an address called unknown", "client_ip", "unknown", "null"),
    accepted(
        "an address that is none, or with an IPv6 zone",
        "client_ip",
        "fe80::1%eth0",
        "kept as it is: equal ones are equal, no network is known",
    ),
    accepted(
        "half a surrogate pair in a text or an optional word",
        "user_agent",
        "half \ud83d",
        "U+FFFD in its place: a sender could hide by it else",
    ),
    accepted(
        "NUL, line breaks, bidi controls in an id",
        "account_id",
        "a\0\n\u202eb",
        "kept as it is; every print shows escapes",
    ),
    accepted("an optional word of over 4,096 characters", "user_agent", "u" * 5000, "the first 4,096 are kept"),
    Kind(
        "Values",
        "two rows of one exchange_id that differ",
        file("a.jsonl", lines(row(0), row(2), row(2, status="error"))),
        (),
        ("x0", "x2", "x2"),
        "one is kept, the same one in any order; `detect` counts them",
    ),
    # ----------------------------------------------------------------------------------------------- Parquet
    Kind(
        "Parquet",
        "a file that is not Parquet",
        file("a.parquet", b"no parquet"),
        ((None, None, "a file that is not Parquet", "Parquet file"),),
        (),
        "other files are read",
    ),
    Kind(
        "Parquet",
        "an empty file",
        file("a.parquet", b""),
        ((None, None, "an empty file", "Parquet file"),),
        (),
        "other files are read",
    ),
    Kind(
        "Parquet",
        "a file without its end",
        file("a.parquet", packed(TABLE)[:-20]),
        ((None, None, "Parquet that breaks off", "whole Parquet file"),),
        (),
        "other files are read: without its end a Parquet file tells nothing",
    ),
    Kind(
        "Parquet",
        "a damaged end",
        file("a.parquet", b"PAR1" + b"\xff" * 100 + b"PAR1"),
        ((None, None, "damaged Parquet", "whole Parquet file"),),
        (),
        "other files are read",
    ),
    Kind(
        "Parquet",
        "encryption",
        file("a.parquet", b"PARE" + bytes(100) + b"PARE"),
        ((None, None, "encrypted Parquet", "Parquet file without encryption"),),
        (),
        "other files are read",
    ),
    Kind(
        "Parquet",
        "a damaged row group",
        damaged_group,
        ((2, None, "Parquet data that cannot be unpacked, 1 rows from here on", "whole row group"),),
        rest="the other row groups are kept",
    ),
    Kind(
        "Parquet",
        "the same column twice",
        file("a.parquet", packed(pa.table([["a"], ["b"]], names=["account_id", "account_id"]))),
        ((None, None, "the same column twice", "each column once"),),
        (),
        "other files are read",
    ),
    Kind(
        "Parquet",
        "a bomb",
        bombed,
        ((1, None, "Parquet data that grow over 5,000-fold when unpacked, 1 rows from here on", BOMB),),
        rest="other files and row groups are read",
    ),
    Kind(
        "Parquet",
        "a column that lacks",
        file("a.parquet", packed(TABLE.drop_columns(["status"]))),
        tuple((n, "status", "no such column", "string, always") for n in (1, 2)),
        (),
        "other files are read",
    ),
    Kind("Parquet", "no row group", file("a.parquet", packed(TABLE.slice(0, 0))), (), (), "no row, no fault"),
    parquet(
        "a list where a string was wanted",
        "account_id",
        pa.array([["a"], ["b"]]),
        *((n, "account_id", "array", "string") for n in (1, 2)),
        kept=(),
    ),
    parquet(
        "bytes that are not UTF-8",
        "account_id",
        pa.array([b"a", b"\xff"], pa.binary()),
        (2, "account_id", "bytes that are not UTF-8", "string in UTF-8"),
        kept=("x0",),
    ),
    parquet(
        "a duration where a time was wanted",
        "asked_at",
        pa.array([1, 2], pa.duration("s")),
        *((n, "asked_at", "value of another type", ISO) for n in (1, 2)),
        kept=(),
    ),
    parquet("dictionaries, large strings, binary columns", "account_id", pa.array([b"a", b"b"], pa.large_binary())),
    parquet("times in nanoseconds, as INT96, without a zone", "asked_at", pa.array([NOON] * 2, pa.timestamp("ns"))),
    parquet("days where times were wanted", "asked_at", pa.array([date(2026, 6, 1)] * 2)),
    parquet("decimal numbers", "max_tokens", pa.array([Decimal("4"), Decimal("5")])),
    parquet("structs and lists where text was wanted", "messages", pa.array([[{"role": "user"}]] * 2)),
)
"""In the order of the document's tables."""


def table(group: str) -> str:
    """The document's table of one group."""
    out = ["| kind | Stillwatch says | and the rest |", "|---|---|---|"]
    for kind in (kind for kind in KINDS if kind.group == group):
        out.append(f"| {kind.name} | {said(kind)} | {kind.rest} |")
    return "\n".join(out)


def said(kind: Kind) -> str:
    """What is said of a kind, as one cell."""
    if not kind.said:
        return (
            "nothing"
            if "…" not in kind.kept
            else f"found the rest of the file: {kind.name.split()[0]} data that end too early"
        )
    _, column, found, wanted = kind.said[0]
    return f"{f'column {column}: ' if column else ''}found {found}, wanted {wanted}".replace("|", "\\|")


GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))

if __name__ == "__main__":
    for name in GROUPS:
        print(f"## {name}\n\n{table(name)}\n")
