"""Whatever a log holds, no reader falls over: every line becomes a row or a row in quarantine, and can be sketched.

The unit layer draws a few thousand inputs; `-m slow` draws more than 50,000.
"""

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.content.sketch import sketch
from stillwatch.diagnosis.diagnose import diagnose, mapping_text
from stillwatch.ingest import envelope, litellm
from stillwatch.ingest.foreign import UNREADABLE
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.sources import Wanted, read, source_files

KEY = b"0123456789abcdef"
RECORDS = [
    json.loads(line)["record"]
    for file in sorted((Path(__file__).parent / "pairs").glob("*.jsonl"))
    for line in file.read_text().splitlines()
]
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


def check(folder: Path, records: list[Any], wanted: Wanted | None = None) -> None:
    """Read a file of these records; count that none is lost; sketch what is kept."""
    file = folder / "log.jsonl"
    lines = [json.dumps(record).encode("utf-8", "surrogatepass") for record in records]
    file.write_bytes(b"\n".join(lines) + b"\n")
    rows = bad = 0
    for source in source_files(file, wanted):
        for batch in read(source):
            assert sketch(batch.rows, KEY).num_rows == batch.rows.num_rows
            rows += batch.rows.num_rows
            bad += len(batch.quarantined)
            assert not [row for row in batch.quarantined if row.found.startswith(UNREADABLE)]
        assert isinstance(mapping_text(diagnose(source)), str)
    items = sum(len(record) if isinstance(record, list) and source.foreign else 1 for record in records)
    assert rows + bad == items


def rounds(folder: Path, count: int, seed: int) -> None:
    dice = random.Random(seed)
    print(f"seed {seed}")
    for start in range(0, count, 500):
        kind = (start // 500) % 4
        pool = [CANONICAL] if kind == 0 else RECORDS
        wanted = (None, None, Wanted("openai"), Wanted("litellm"))[kind]
        check(folder, [mutated(dice.choice(pool), dice) for _ in range(500)], wanted)


def test_mutated_records_are_read_or_set_aside(tmp_path: Path) -> None:
    rounds(tmp_path, 4_000, 1)


@pytest.mark.slow
def test_fifty_thousand_mutated_records_are_read_or_set_aside(tmp_path: Path) -> None:
    rounds(tmp_path, 52_000, int(os.environ.get("STILLWATCH_FUZZ_SEED", "2")))


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
