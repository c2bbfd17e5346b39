"""Whatever a log holds, no reader falls over: every line becomes a row or a row in quarantine, and can be sketched.

The unit layer draws some two thousand inputs, the slow one some 25,000, and STILLWATCH_FUZZ=50000 in front of it more.
"""

import copy
import gzip
import io
import json
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.content.sketch import sketch
from stillwatch.diagnosis.diagnose import diagnose, mapping_text
from stillwatch.ingest import envelope, litellm
from stillwatch.ingest.foreign import UNREADABLE
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.sources import TABLES, Wanted, read, source_files
from tests.ingest.envelopes import ENVELOPES

pytestmark = pytest.mark.slow

KEY = b"0123456789abcdef"
RECORDS = [
    json.loads(line)["record"]
    for file in sorted((Path(__file__).parent / "pairs").glob("*.jsonl"))
    for line in file.read_text().splitlines()
]
AROUND = [make(number) for make, _ in ENVELOPES.values() for number in (1, 14)]
"""What companies put around such bodies, answered and failed."""
CANONICAL = {
    "exchange_id": "e", "asked_at": "2026-03-01T10:00:00Z", "account_id": "a", "model_requested": "m", "status": "ok",
    "messages": [{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}], "tools": [{"name": "f"}],
    "output": [{"role": "assistant", "content": "So."}], "client_ip": "203.0.113.7", "extra": {"a": "b"},
}  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", " ",
    "x", "\x00", "\ud800", "\u202e", "=1+1", "<script>", "[", "{", '{"a": 1}', "[[[[", "data: {", "data: [1]",
    "9" * 5000, "hmac:k1:00", [], {}, [None], [[]], [{}], {"": ""}, {"type": "text"}, {"type": []}, {"role": {}},
    {"index": "x"}, {"type": "message_start"}, {"choices": [{"delta": 1}]}, {"function": {"name": 1}},
    {"content": [{"type": "tool_use"}]}, "2026-13-45", "0000-00-00T00:00:00Z", "a.b.c", "203.0.113.7, x",
    {"a": {"b": {"c": {"d": [1, [2, [3]]]}}}}, "😀" * 300,
]  # fmt: skip


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record, the root left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    out = [above] if above else []
    for name, held in items:
        out += places(held, (*above, name))
    return out


def mutated(record: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A record with one to four of its values replaced, removed, renamed or put elsewhere."""
    out = copy.deepcopy(record)
    for _ in range(dice.randint(1, 4)):
        known = places(out)
        if not known:
            return out
        *above, last = dice.choice(known)
        held: Any = out
        for step in above:
            held = held[step]
        action = dice.randrange(5)
        if action == 0:
            del held[last]
        elif action == 1 and isinstance(held, dict):
            held[str(dice.choice(["type", "role", "id", "object", "usage", "choices", "content", last]))] = held.pop(
                last
            )
        elif action == 2:
            held[last] = [held[last]] * dice.randint(1, 3)
        elif action == 3:
            held[last] = json.dumps(held[last])
        else:
            held[last] = copy.deepcopy(dice.choice(ODD))
    return out


def in_lines(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record).encode("utf-8", "surrogatepass") + b"\n" for record in records)


def in_parquet(records: list[Any]) -> bytes:
    """A column a name, as a logger would write it: what has one type as it is, everything else as JSON in a string."""
    names = sorted({name for record in records for name in record})
    columns = {_plain(name): _column([record.get(name) for record in records]) for name in names}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns or {"none": [None] * len(records)}), sink, row_group_size=37)
    return sink.getvalue()


def _plain(name: str) -> str:
    return name.encode("utf-8", "replace").decode().replace("\0", "")


def _column(values: list[Any]) -> pa.Array:
    try:
        array = pa.array(values)
        pq.write_table(pa.table({"one": array}), io.BytesIO())
        return array
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array([value if value is None else json.dumps(value) for value in values])


CONTAINERS: dict[str, Callable[[list[Any]], bytes]] = {
    "a.jsonl": in_lines,
    "a.json": lambda records: json.dumps(records).encode(),
    "a.jsonl.gz": lambda records: gzip.compress(in_lines(records), 1),
    "a.jsonl.zst": lambda records: zstandard.compress(in_lines(records)),
    "a.parquet": in_parquet,
}
"""Every way in which a file may hold records."""

MAPPED = FieldMap(
    "auto", ("request",), ("response",),
    {"account_id": (("metadata", "user_api_key_hash"), ("customer_id",)), "asked_at": (("timestamp",), ("startTime",))},
    {"pathway": "api"},
)  # fmt: skip
RENAMED = FieldMap(
    "canonical", None, None, {"exchange_id": (("id",), ("exchange_id",)), "messages": (("request", "messages"),)}
)
WANTED = (
    None, Wanted("canonical"), Wanted("openai"), Wanted("anthropic"), Wanted("litellm"), Wanted("auto", MAPPED),
    Wanted("auto", RENAMED),
)  # fmt: skip


def check(folder: Path, records: list[Any], wanted: Wanted | None = None, name: str = "a.jsonl") -> None:
    """Read a file of these records; count that none is lost; sketch what is kept."""
    file = folder / name
    file.write_bytes(CONTAINERS[name](records))
    (source,) = source_files(file, wanted)
    rows = bad = 0
    for batch in read(source):
        if source.table == "exchanges":
            assert sketch(batch.rows, KEY).num_rows == batch.rows.num_rows
        rows += batch.rows.num_rows
        bad += len(batch.quarantined)
        assert not [row for row in batch.quarantined if row.found.startswith(UNREADABLE)]
    assert isinstance(mapping_text(diagnose(source)), str)
    assert rows + bad == len(records)


def damaged(data: bytes, dice: random.Random) -> bytes:
    """The bytes of a file with up to eight of them changed, cut out or put in, and its end cut off now and then."""
    held = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(held) + 1)
        held[place : place + dice.randint(0, 2)] = dice.randbytes(dice.randint(0, 2))
    return bytes(held[: dice.randrange(len(held) + 1)] if dice.random() < 0.2 else held)


def check_damaged(folder: Path, records: list[Any], dice: random.Random, wanted: Wanted | None, name: str) -> None:
    """Read a damaged file: nothing is promised but an end, rows of the contract, and words for what is lost."""
    file = folder / name
    file.write_bytes(damaged(CONTAINERS[name](records), dice))
    for source in source_files(file, wanted):
        for batch in read(source):
            assert batch.rows.schema.equals(TABLES[source.table])
            assert all(row.found and row.wanted for row in batch.quarantined)
            assert not [row for row in batch.quarantined if row.found.startswith(UNREADABLE)]


def rounds(folder: Path, count: int, seed: int, a_file: int = 100) -> None:
    """`count` mutated records through every reader in every container, and a damaged file for each ten of them."""
    dice = random.Random(seed)
    started = time.monotonic()
    ways = [(wanted, name) for wanted in WANTED for name in CONTAINERS]
    for number in range(-(-count // a_file)):
        wanted, name = ways[number % len(ways)]
        pool = dice.choice([[CANONICAL], RECORDS, RECORDS, AROUND])
        check(folder, [mutated(dice.choice(pool), dice) for _ in range(a_file)], wanted, name)
        for _ in range(a_file // 10):
            check_damaged(folder, [mutated(dice.choice(pool), dice) for _ in range(3)], dice, wanted, name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told = f"{count:,} records and {count // 10:,} damaged files"
    print(f"seed {seed}: {told}, {time.monotonic() - started:.0f} s, peak {peak} MiB")


def test_mutated_records_are_read_or_set_aside(tmp_path: Path) -> None:
    rounds(tmp_path, 1_400, 1, a_file=40)


COUNT = int(os.environ.get("STILLWATCH_FUZZ", "20000"))
SEED = int(os.environ.get("STILLWATCH_FUZZ_SEED", "2"))


@pytest.mark.slow
def test_many_mutated_records_are_read_or_set_aside(tmp_path: Path) -> None:
    """STILLWATCH_FUZZ says how many, STILLWATCH_FUZZ_SEED which."""
    rounds(tmp_path, COUNT, SEED)


JSON = st.recursive(
    st.sampled_from(ODD) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["request", "response", "messages", "choices", "content", "type", "usage", "model", "events", "headers", "metadata",
     "error", "status", "litellm_call_id", "startTime", "call_type", "model_parameters", "stream", "input", "output"]
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, JSON, max_size=4) | st.lists(JSON, max_size=3) | JSON, max_size=6))
def test_any_object_is_read_or_refused(record: dict[str, Any]) -> None:
    assert isinstance(envelope.exchange(record, FieldMap()).columns, dict)
    assert isinstance(litellm.exchange(record), dict)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(NAMES, JSON, max_size=6), min_size=1, max_size=8), st.sampled_from(sorted(CONTAINERS)),
       st.sampled_from(WANTED))  # fmt: skip
def test_any_records_are_read_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, records: list[Any], name: str, wanted: Wanted | None
) -> None:
    check(tmp_path_factory.mktemp("records"), records, wanted, name)


@pytest.mark.slow
@settings(max_examples=max(1, COUNT // 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(NAMES, JSON, max_size=6), min_size=1, max_size=8), st.sampled_from(sorted(CONTAINERS)),
       st.sampled_from(WANTED))  # fmt: skip
def test_many_records_are_read_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, records: list[Any], name: str, wanted: Wanted | None
) -> None:
    check(tmp_path_factory.mktemp("records"), records, wanted, name)


@pytest.mark.parametrize("other", [{}, [], 1, True, "", "[1]", {"a": "b c"}], ids=str)
def test_a_column_that_holds_texts_and_something_else_is_looked_at(tmp_path: Path, other: Any) -> None:
    """Found by chance: `doctor` asked of an object whether it is a text that holds one."""
    check(tmp_path, [{"request": "two words"}, {"request": other}], name="a.json")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=60), max_size=20),
    st.sampled_from(["a.jsonl", "a.json", "a.parquet", "a.jsonl.gz", "a.jsonl.zst", "accounts.jsonl", "a.json.zst"]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], name: str) -> None:
    file = tmp_path_factory.mktemp("bytes") / name
    file.write_bytes(b"\n".join(parts))
    for wanted in (None, Wanted("anthropic")):
        for source in source_files(file, wanted):
            for batch in read(source):
                assert all(row.found for row in batch.quarantined)
