"""Formats: pairs of a line and the exchange that it means, how a file's format is told, and mapping files."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import UsageError
from stillwatch.ingest.mapping import load
from stillwatch.ingest.rows import Batch
from stillwatch.ingest.sources import Wanted, read, source_files
from stillwatch.pipeline import ingest_sources

PAIRS = [
    (file.stem, json.loads(line))
    for file in sorted((Path(__file__).parent / "pairs").glob("*.jsonl"))
    for line in file.read_text().splitlines()
]
JSON_COLUMNS = ("messages", "output", "tools", "system", "response_format", "tool_choice")


def batches(path: Path, wanted: Wanted | None = None) -> list[Batch]:
    return [batch for file in source_files(path, wanted) for batch in read(file)]


def rows(found: list[Batch]) -> list[dict[str, Any]]:
    """Rows as JSON would hold them, without what is absent."""
    out = []
    for row in (row for batch in found for row in batch.rows.to_pylist()):
        held = {name: value for name, value in row.items() if value is not None}
        for name, value in held.items():
            if hasattr(value, "isoformat"):
                held[name] = value.isoformat().replace("+00:00", "Z")
            elif name in JSON_COLUMNS and value[:1] in "[{":
                held[name] = json.loads(value)
        out.append(held)
    return out


def bad(found: list[Batch]) -> list[Any]:
    return [row for batch in found for row in batch.quarantined]


def written(folder: Path, *records: Any, name: str = "exchanges.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


@pytest.mark.slow
@pytest.mark.parametrize(("format", "pair"), PAIRS, ids=[f"{name}: {pair['what']}" for name, pair in PAIRS])
def test_a_line_means_its_exchange(tmp_path: Path, format: str, pair: dict[str, Any]) -> None:
    file = written(tmp_path, pair["record"], name="log.jsonl")
    assert source_files(file)[0].format == format
    found = batches(file)
    assert not bad(found)
    assert rows(found) == [pair["exchange"]]
    assert rows(batches(file, Wanted(format))) == [pair["exchange"]]


@pytest.mark.parametrize("format", ["litellm", "openai", "anthropic"])
def test_parquet_and_json_documents_read_as_lines_do(tmp_path: Path, format: str) -> None:
    records = [pair["record"] for name, pair in PAIRS if name == format]
    wanted = [pair["exchange"] for name, pair in PAIRS if name == format]
    names = sorted({name for record in records for name in record})
    columns = {name: _column([record.get(name) for record in records]) for name in names}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "b.json").write_text(json.dumps(records, indent=1))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    (tmp_path / "d.jsonl").write_text(json.dumps(records) + "\n\n")
    for name in ("b.json", "c.json.gz", "d.jsonl", "a.parquet"):
        found = batches(tmp_path / name)
        assert not bad(found), name
        assert rows(found) == wanted, name


@pytest.mark.parametrize("format", ["openai", "anthropic"])
def test_bodies_may_be_structs_of_parquet(tmp_path: Path, format: str) -> None:
    """A whole log as a warehouse types it: absent fields are nulls. Arrow has no type for streams beside them."""
    pairs = [pair for name, pair in PAIRS if name == format and _is_plain(pair["record"])]
    assert len(pairs) >= 4
    pq.write_table(pa.Table.from_pylist([pair["record"] for pair in pairs]), tmp_path / "a.parquet")
    found = batches(tmp_path / "a.parquet")
    assert not bad(found)
    assert rows(found) == [pair["exchange"] for pair in pairs]


def _is_plain(record: dict[str, Any]) -> bool:
    """Whether the bodies have one type in all such records: whole, and every content a string."""
    asked, answer = record.get("request"), record.get("response")
    if not (isinstance(asked, dict) and isinstance(answer, dict) and "messages" in asked):
        return False
    texts = [message.get("content") for message in asked["messages"]]
    return all(isinstance(text, str | None) for text in texts) and ("content" in answer or "choices" in answer)


def _column(values: list[Any]) -> pa.Array:
    """A column as a logger would write it: numbers and words as they are, everything else as JSON in a string."""
    if all(value is None or isinstance(value, bool | float) for value in values):
        return pa.array(values)
    return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values])


def test_a_folder_may_hold_several_formats(tmp_path: Path) -> None:
    (tmp_path / "exchanges").mkdir()
    for format in ("litellm", "openai", "anthropic"):
        pairs = [pair["record"] for name, pair in PAIRS if name == format]
        written(tmp_path / "exchanges", *pairs, name=f"{format}.ndjson")
    written(tmp_path, {"account_id": "cust_7", "created_at": "2026-02-01T00:00:00Z"}, name="accounts.jsonl")
    found = source_files(tmp_path)
    assert [(file.table, file.format) for file in found] == [
        ("accounts", "canonical"), ("exchanges", "anthropic"), ("exchanges", "litellm"), ("exchanges", "openai"),
    ]  # fmt: skip


def test_one_file_may_hold_both_dialects(tmp_path: Path) -> None:
    records = [pair["record"] for name, pair in PAIRS if name in ("openai", "anthropic")]
    wanted = [pair["exchange"] for name, pair in PAIRS if name in ("openai", "anthropic")]
    assert rows(batches(written(tmp_path, *records))) == wanted


def test_a_poison_line_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    pair = next(pair for name, pair in PAIRS if name == "openai")
    file = tmp_path / "exchanges.jsonl"
    good = json.dumps(pair["record"])
    deep = '{"request": {"messages": ' + "[" * 5000 + "]" * 5000 + "}}"
    twice = '{"id": 1, "id": 2, "request": {"messages": []}}'
    odd = '{"request": {"model": ["x"], "messages": {"role": 5, "content": 7}, "n": "two"}, "customer_id": {}}'
    file.write_text("\n".join([good, "[1, null]", deep, "{", twice, odd, good.replace("req_1", "req_2")]))
    found = batches(file)
    assert [row["exchange_id"] for row in rows(found)] == ["req_1", "req_2"]
    assert [(row.row, row.found) for row in bad(found)][:-1] == [
        (2, "integer"), (2, "null"), (3, "JSON nested too deeply"), (4, "JSON that breaks off"),
        (5, "object with the same key twice"),
    ]  # fmt: skip
    assert bad(found)[-1].row == 6


def test_what_no_line_says_is_asked_for(tmp_path: Path) -> None:
    record = {"request": {"model": "m", "messages": []}, "response": {"choices": [], "id": "x", "created": 1772359201}}
    found = bad(batches(written(tmp_path, record)))
    assert [(row.column, row.found) for row in found] == [("account_id", "no such column")]
    assert "mapping file" in found[0].wanted


def test_a_null_where_a_column_is_known_to_stand_is_asked_for_there(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("columns: {account_id: [tenant.ref, payer], exchange_id: n}")
    record = {"n": "1", "ts": 1772359201, "tenant": {"ref": "a"}, "status": 200, "model": "m", "messages": []}
    file = written(tmp_path, record, {**record, "n": "2", "tenant": {"ref": None}}, {**record, "n": "3", "ts": None})
    found = bad(batches(file, Wanted("auto", load(tmp_path / "map.yaml"))))
    assert [(row.row, row.column, row.wanted) for row in found] == [
        (2, "account_id", "a value at tenant.ref or payer"),
        (3, "asked_at", "a value at ts"),
    ]


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("redacted-by-litellm", True), ("REDACTED_BY_LITELM", True), ("__REDACTED__", True), ("[REDACTED]", True),
        ("<redacted>", True), ("[Filtered]", True), ("***", True), ("[content removed]", True), ("REDACTED", True),
        ("filtered", False), ("hidden", False), ("**", False), ("The redacted text", False),
        ("And who else is [REDACTED]", False), ("Why is this [REDACTED]?", False),
    ],
)  # fmt: skip
def test_words_for_a_text_that_was_not_kept_are_no_text(tmp_path: Path, text: str, left_out: bool) -> None:
    record = {
        "ts": 1772359201,
        "account": "a",
        "id": "x",
        "request": {"model": "m", "instructions": text, "input": text},
    }
    (row,) = rows(batches(written(tmp_path, {**record, "response": {"choices": [{"message": {"content": text}}]}})))
    assert ("messages" not in row) == left_out and ("system" not in row) == left_out
    assert ("output" not in row) == left_out


def test_texts_of_several_parts_are_one_message(tmp_path: Path) -> None:
    record = {"ts": 1772359201, "account": "a", "id": "x", "request": {"model": "m", "prompt": ["one", "two"]}}
    (row,) = rows(batches(written(tmp_path, {**record, "response": {"choices": [{"text": "three"}]}})))
    assert row["messages"] == [
        {"role": "user", "parts": [{"type": "text", "content": "one"}, {"type": "text", "content": "two"}]}
    ]


# ------------------------------------------------------------------------------------------------------- mapping


def mapped(folder: Path, text: str) -> Wanted:
    file = folder / "map.yaml"
    file.write_text(text)
    return Wanted("auto", load(file))


def test_a_mapping_says_where_things_are(tmp_path: Path) -> None:
    pair = next(pair for name, pair in PAIRS if name == "openai")
    line = {
        "http": {"in": json.dumps(pair["record"]["request"]), "out": pair["record"]["response"]},
        "who": {"tenant": "cust_7", "key": "key_3"}, "when": "2026-03-01T10:00:00Z", "edge": ["203.0.113.7:4711"],
        "ids": {"req": "req_1"}, "ua": "OpenAI/Python 1.61.0",
    }  # fmt: skip
    wanted = mapped(
        tmp_path,
        "request: http.in\nresponse: http.out\ncolumns:\n  account_id: [who.nothing, who.tenant]\n"
        "  api_key_id: who.key\n  asked_at: when\n  client_ip: edge.0\n  exchange_id: ids.req\n  user_agent: ua\n"
        "constants:\n  pathway: api\n",
    )
    assert rows(batches(written(tmp_path, line, name="log.jsonl"), wanted)) == [{**pair["exchange"], "pathway": "api"}]


def test_a_mapping_renames_flat_tables(tmp_path: Path) -> None:
    line = {"rid": "r1", "t": 1772359201, "cust": 7, "m": "large", "status": "ok", "question": "Why?"}
    wanted = mapped(
        tmp_path,
        "format: canonical\ncolumns: {exchange_id: rid, asked_at: t, account_id: cust, model_requested: m, "
        "messages: question}",
    )
    written(tmp_path, {"account_id": "7", "created_at": "2026-02-01T00:00:00Z"}, name="accounts.jsonl")
    written(tmp_path, line, name="log.jsonl")
    (row,) = rows([batch for batch in batches(tmp_path, wanted) if "messages" in batch.rows.schema.names])
    assert row == {
        "exchange_id": "r1", "asked_at": "2026-03-01T10:00:01Z", "account_id": "7", "model_requested": "large",
        "status": "ok", "messages": "Why?",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {acount_id: x}", "did you mean account_id?"),
        ("colums: {}", "did you mean columns?"),
        ("format: opnai", "unknown format in the mapping"),
        ("columns: {account_id: 7}", "columns.account_id is no path"),
        ("columns: {account_id: []}", "columns.account_id names no path"),
        ("columns: [account_id]", "columns holds no keys"),
        ("constants: {pathway: [1]}", "constants.pathway is no single value"),
        ("request: {}", "request is no path"),
        ("- a", "the file holds no keys"),
        ("a: [", "map.yaml, line 1: the mapping file is not YAML"),
        ("a: !!python/object:os.system x", "the mapping file is not YAML"),
        ("columns: {account_id: *x}", "the mapping file is not YAML"),
    ],
)
def test_a_bad_mapping_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        mapped(tmp_path, text)
    assert said in str(told.value)


def test_a_mapping_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_a_caller_who_repeats_an_id_erases_nothing(tmp_path: Path) -> None:
    """The id of a call that its caller may choose, in a header or as LiteLLM's, names no exchange by itself."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    enveloped = [
        {"ts": 1772359200 + n, "account_id": f"a{n % 2}", "request": body, "headers": {"x-request-id": "x"},
         "response": {"choices": [{"message": {"role": "assistant", "content": "yes"}}]}}
        for n in range(6)
    ]  # fmt: skip
    proxied = [
        {"litellm_call_id": "x", "id": f"r{n}", "call_type": "acompletion", "status": "success", "model_group": "m",
         "startTime": 1772359200.5 + n, "metadata": {"user_api_key_user_id": "a"}, "messages": body["messages"]}
        for n in range(6)
    ]  # fmt: skip
    for name, records in (("envelope", enveloped), ("litellm", proxied)):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        report = ingest_sources([file], tmp_path / name)
        assert (report.quarantined, report.new) == (0, 6), name
        assert ingest_sources([file], tmp_path / name).new == 0
