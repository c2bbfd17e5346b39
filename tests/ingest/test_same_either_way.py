"""The quick readers give what the slow, obvious ones give: the same rows, quarantine and text, on every line we have.

The slow ways stay in the house: `json_text.slowly_loaded`, `values.to_json_text`, `arrays.slowly`, and a look at every
usual place. Here each quick way is switched off, and nothing may change. Seeds are printed.
"""

import json
import pickle
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch import shapes
from stillwatch.diagnosis.diagnose import diagnose, mapping_text
from stillwatch.ingest import anthropic, arrays, envelope, foreign, json_text, jsonl, litellm, openai, rows
from stillwatch.ingest.json_text import dumped, is_twice, loaded, slowly_loaded
from stillwatch.ingest.mapping import load
from stillwatch.ingest.messages import message
from stillwatch.ingest.paths import first, picked
from stillwatch.ingest.sources import SourceFile, Wanted, read, source_files
from stillwatch.ingest.values import Unfit, to_json_text
from tests.ingest.envelopes import COUNT, ENVELOPES
from tests.ingest.rows import lines, row
from tests.ingest.test_fuzz import AROUND, CANONICAL, RECORDS, mutated

SPLICES = (
    b'"', b",", b":", b"{", b"}", b"[", b"\\", b"\\u0022", b"\\u003a", b"\\ud83d", b"\\udE00", b"1e400", b"NaN",
    b"-Infinity", b"1E-7", b"-0", b"-0.0", b"1e17", b"12345678901234567890123", b" ", b"\t", b'"id":1,',
    b'"request":{},', b"\xff", b"\xed\xa0\x80", b"\x00", b"\x7f", b"null", b"9" * 5000,
)  # fmt: skip
"""What a fuzzer puts into a line: everything in which two readers of JSON are known to differ."""


def spliced(line: bytes, dice: random.Random) -> bytes:
    """A line with up to three pieces put into it, in the place of a byte or between two."""
    for _ in range(dice.randint(0, 3)):
        at = dice.randrange(len(line) + 1)
        line = line[:at] + dice.choice(SPLICES) + line[at + dice.randint(0, 1) :]
    return line.replace(b"\n", b"")


def corpus(seed: int, count: int) -> list[bytes]:
    """Mutated records of every format as lines of any spelling, some with a key twice, some damaged."""
    dice = random.Random(seed)
    out = []
    for _ in range(count):
        record = mutated(dice.choice([CANONICAL, *RECORDS, *AROUND]), dice)
        plain, spaced = dice.random() < 0.5, dice.choice([(",", ":"), (", ", ": "), (" ,", " : ")])
        line = json.dumps(record, ensure_ascii=plain, separators=spaced).encode("utf-8", "surrogatepass")
        if dice.random() < 0.1:
            line = line.replace(b"{", b'{"id":"twice","temperature":1e-9,', dice.randint(1, 2))
        out.append(spliced(line, dice) if dice.random() < 0.2 else line)
    return out


def found(path: Path, wanted: Wanted | None = None) -> Any:
    """Everything that reading a source says, whatever the batches."""
    held: list[Any] = [[], [], set(), set()]
    for file in source_files(path, wanted):
        for batch in read(file):
            # As text, in which NaN equals itself.
            held[0] += zip(map(repr, batch.rows.to_pylist()), batch.places.tolist(), strict=True)
            held[1] += batch.quarantined
            held[2] |= batch.unknown
            held[3] |= batch.found_at
    return held


def go_slowly(patch: pytest.MonkeyPatch) -> None:
    """Switch every quick way of reading JSON off."""
    patch.setattr(arrays, "_built", lambda values, kind: None)
    patch.setattr(jsonl.JsonLines, "_quickly", lambda self, lines: None)
    for module in (rows, json_text):
        patch.setattr(module, "loaded", slowly_loaded)
    for module in (foreign, jsonl):
        patch.setattr(module, "with_texts", lambda held, names: held)
    patch.setattr(json_text, "opened", json.loads)
    every = frozenset(envelope._FIRST_STEPS)
    patch.setattr(envelope, "_usual_of", lambda names, ask=envelope._usual_of: ask(every))


def both_ways(path: Path, wanted: Wanted | None = None) -> Any:
    """What the quick ways read of a source, which must be what the slow ones read."""
    quick = found(path, wanted)
    with pytest.MonkeyPatch.context() as patch:
        go_slowly(patch)
        assert found(path, wanted) == quick
    return quick


@pytest.mark.slow
@pytest.mark.parametrize("format", ["auto", "openai", "anthropic", "litellm", "canonical"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_fuzzed_lines_read_the_same(tmp_path: Path, format: str, seed: int) -> None:
    print(f"seed {seed}")
    every = corpus(seed, 400)
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(every))
    good, bad, _, _ = both_ways(tmp_path / "a.jsonl", Wanted(format))
    assert good or format == "canonical"
    assert bad
    whole = [line for line in every if _is_json(line)]
    (tmp_path / "b.json").write_bytes(b"[" + b",\n".join(whole) + b"]")
    both_ways(tmp_path / "b.json", Wanted(format))


def _is_json(line: bytes) -> bool:
    try:
        loaded(line)
    except Unfit:
        return False
    return True


def test_the_pairs_read_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in RECORDS))
    assert len(both_ways(tmp_path)[0]) == len(RECORDS)


@pytest.mark.parametrize("name", sorted(ENVELOPES))
def test_what_companies_put_around_bodies_reads_the_same(tmp_path: Path, name: str) -> None:
    make, _ = ENVELOPES[name]
    (tmp_path / "a.jsonl").write_bytes(b"".join(json.dumps(make(n)).encode() + b"\n" for n in range(COUNT)))
    (map_file := tmp_path / "map.yaml").write_text(mapping_text(diagnose(source_files(tmp_path / "a.jsonl")[0])))
    both_ways(tmp_path / "a.jsonl")
    assert len(both_ways(tmp_path / "a.jsonl", Wanted(fields=load(map_file)))[0]) == COUNT


@pytest.mark.parametrize("record", RECORDS)
def test_the_shortest_way_to_a_value_leads_to_the_same(record: dict[str, Any]) -> None:
    """`picked` and the fast path of a plain message, beside `first` and the whole of `message`."""
    for wanted in (litellm._COLUMNS, openai._SETTINGS, anthropic._SETTINGS):
        long = {name: value for name, paths in wanted.items() if (value := first(record, paths)) is not None}
        assert picked(record, wanted) == long
    for role in ("user", "assistant", "system", "developer"):
        plain = {"role": role, "content": json.dumps(record)}
        assert message(plain) == message({**plain, "name": "x"})


@pytest.mark.slow
@pytest.mark.parametrize("format", ["canonical", *shapes.SHAPES])
def test_a_simulated_world_reads_the_same(tmp_path: Path, format: str, simulated: list[dict[str, Any]]) -> None:
    if format == "canonical":
        written = [json.dumps(_with_objects(held), default=str) for held in simulated]
    else:
        written = list(shapes.lines(simulated, format))
    (tmp_path / "a.jsonl").write_text("\n".join(written))
    assert len(both_ways(tmp_path)[0]) == len(simulated)


@pytest.fixture(scope="module")
def simulated(small_world: Path) -> list[dict[str, Any]]:
    """Rows of a small simulated world."""
    held = pq.read_table(small_world / "exchanges")
    rows_of: list[dict[str, Any]] = held.take(pa.array(range(0, len(held), len(held) // 600))).to_pylist()
    return rows_of


def _with_objects(held: dict[str, Any]) -> dict[str, Any]:
    """The row with its texts opened where they are JSON, as most loggers write them."""
    return {
        name: json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value
        for name, value in held.items() if value is not None
    }  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
), st.booleans(), st.integers(0, 2**32))  # fmt: skip
def test_any_json_is_read_and_written_as_the_standard_library_does(value: Any, plain: bool, seed: int) -> None:
    line = json.dumps(value, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    for data in (line, spliced(line, random.Random(seed))):
        quick, slow = _read(loaded, data), _read(slowly_loaded, data)
        assert repr(quick) == repr(slow)
        if isinstance(slow, dict):
            assert is_twice(quick) == is_twice(slow)
        if isinstance(slow, dict | list):
            assert dumped(quick) == to_json_text(slow)
            assert data != line or dumped(quick) == to_json_text(value)


def _read(reader: Any, data: bytes) -> Any:
    try:
        return reader(data)
    except Unfit as why:
        return str(why)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"a" :1 , "a"\t: 2}', b'{"a":1,"a":2,"b":"x\\u0022:"}',
        b'{"a":"\\u0022\\u0022","a":1}', b'{"a\\"":1,"a\\u0022":2}', b'{"a":{"a":1},"a":{}}',
    ],
)  # fmt: skip
def test_no_spelling_hides_a_key_that_stands_twice(line: bytes) -> None:
    assert is_twice(loaded(line))


@pytest.mark.parametrize("process", [False, pytest.param(True, marks=pytest.mark.slow)], ids=("pickled", "spawned"))
def test_a_file_can_be_read_in_another_process(tmp_path: Path, process: bool) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(*(row(n) for n in range(5)), row(5, finished_at=EARLY)) + b"bad\n")
    (tmp_path / "b.jsonl").write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in RECORDS))
    files = source_files(tmp_path)
    assert {file.format for file in files} >= {"canonical", "openai"}
    here = [_said(file) for file in files]
    assert [_said(pickle.loads(pickle.dumps(file))) for file in files] == here
    assert sum(batch[-1] for file in here for batch in file) == 1
    if process:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert list(pool.map(_said, files)) == here


EARLY = "2026-01-01T00:00:00Z"


def _said(file: SourceFile) -> list[Any]:
    return [
        (
            batch.rows.to_pylist(),
            batch.places.tolist(),
            batch.quarantined,
            batch.unknown,
            batch.found_at,
            batch.impossible,
        )
        for batch in (pickle.loads(pickle.dumps(batch)) for batch in read(file))
    ]
