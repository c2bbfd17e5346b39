"""What `doctor` says of logs, and that the mapping which it proposes reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch.cli import run
from stillwatch.diagnosis.diagnose import diagnose, mapping_text
from stillwatch.ingest.mapping import load
from stillwatch.ingest.sources import Wanted, read, source_files
from tests.ingest.envelopes import COUNT, ENVELOPES, drawn, nested

SECRET = "VERY-SECRET-WORDS"


def record(number: int) -> dict[str, Any]:
    return {
        "meta": {"correlationId": f"c-{number}", "receivedMs": 1772359200000 + number, "peer": f"203.0.113.{number}:9"},
        "subscriber": f"s-{number % 3}", "agentString": "curl/8.1",
        "request": {"model": "m", "messages": [{"role": "user", "content": SECRET}], "user": SECRET},
        "response": {"object": "chat.completion", "choices": [{"message": {"content": "b"}, "finish_reason": "stop"}]},
    }  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(record(number)) + "\n" for number in range(1, 30)))
    return file


def test_what_lacks_is_named_and_the_proposal_reads_it(log: Path, tmp_path: Path) -> None:
    found = diagnose(source_files(log)[0])
    assert (found.format, found.records, found.fit) == ("openai", 29, 0)
    assert found.lacking == ("exchange_id", "asked_at", "account_id")
    assert found.proposed["account_id"][0] == "subscriber"
    assert found.proposed["asked_at"] == ("meta.receivedMs",)
    assert found.proposed["client_ip"] == ("meta.peer",)
    assert found.proposed["exchange_id"][0] == "meta.correlationId"
    file = tmp_path / "map.yaml"
    file.write_text(mapping_text(found))
    rows = [row for batch in read(source_files(log, Wanted("auto", load(file)))[0]) for row in batch.rows.to_pylist()]
    assert len(rows) == 29
    assert {row["account_id"] for row in rows} == {"s-0", "s-1", "s-2"}
    assert rows[0]["client_ip"] == "203.0.113.1"


def test_the_command_prints_no_value_and_writes_nothing(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(log.parent.iterdir())
    assert run(["doctor", str(log)]) == 0
    assert run(["doctor", str(log), "--json"]) == 0
    told = capsys.readouterr()
    assert "account_id: subscriber  # proposed: check it" in told.out
    assert "  no client_ip: infrastructure/address, infrastructure/block" in told.out
    assert told.err.splitlines() == [
        "no accounts file: hardly anybody can be accused (docs/contract.md)",
        f"next: stillwatch ingest {log} --store DIR --mapping FILE",
    ]
    assert SECRET not in told.out + told.err
    assert sorted(log.parent.iterdir()) == before


def test_hostile_names_are_no_yaml(tmp_path: Path) -> None:
    name = "account: !!python/object:os.system '\n\x1b[31m"
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps({**record(n), "subscriber": None, name: f"a{n}"}) + "\n" for n in range(1, 9)))
    text = mapping_text(diagnose(source_files(file)[0]))
    (tmp_path / "map.yaml").write_text(text)
    assert set(load(tmp_path / "map.yaml").columns) == {"asked_at", "client_ip", "exchange_id", "user_agent"}
    assert "python/object" not in text and "\x1b" not in text


def test_a_file_of_the_contract_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "exchanges.jsonl").write_text('{"exchange_id": "a", "asked_at": "yesterday", "account_id": "x"}\n' * 2)
    found = diagnose(source_files(tmp_path)[0])
    assert (found.format, found.fit) == ("canonical", 0)
    assert found.lacking == ("model_requested", "status")


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_read_by_the_mapping_that_is_proposed(tmp_path: Path, name: str) -> None:
    """Unchanged: every line a row, the caller as the account, texts as they were, failures as failures."""
    make, begins = ENVELOPES[name]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(make(number)) + "\n" for number in range(COUNT)))
    text = mapping_text(diagnose(source_files(file)[0]))
    (tmp_path / "map.yaml").write_text(text)
    found = list(read(source_files(file, Wanted("auto", load(tmp_path / "map.yaml")))[0]))
    assert not [row for batch in found for row in batch.quarantined], text
    rows = [row for batch in found for row in batch.rows.to_pylist()]
    assert len({row["exchange_id"] for row in rows}) == COUNT
    for number, row in enumerate(rows):
        account, asked, said, at, failed = drawn(number)
        failed = failed and name != "bedrock"
        assert row["account_id"] == f"{begins}{account}", text
        assert (row["asked_at"], row["status"]) == (at, "error" if failed else "ok"), text
        assert name == "bedrock" or row["client_ip"] == f"203.0.113.{number}", text
        assert asked in row["messages"] and ((failed and name != "flat") or said in row["output"]), text


def test_one_account_in_all_lines_is_worth_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.jsonl"
    lines = [json.dumps({**nested(number), "account_id": "own", "id": f"x{number}"}) for number in range(COUNT)]
    file.write_text("\n".join(lines))
    assert run(["doctor", str(file)]) == 0
    told = capsys.readouterr().out
    assert "account_id is the same in all 60" in told
    assert "  account_id: account_id  # in use\n  # account_id: tenant.uuid  # could be it as well" in told


def test_files_that_read_alike_are_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(nested(number)) + "\n" for number in range(COUNT)))
    assert run(["doctor", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert told.count("read as openai") == 1 and told.count("  operation ") == 1
    assert f"  reads alike, 0 of {COUNT} records would be taken of each: {tmp_path}/b.jsonl, {tmp_path}/c.jsonl" in told
    lines = [line for line in told.splitlines() if line.startswith("  ")]
    assert len(set(lines)) == len(lines)
    assert run(["doctor", str(tmp_path), str(tmp_path)]) == 0
    assert capsys.readouterr().out == told, "a file that is named twice is one"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (200, "ok"),
        ("429", "error"),
        (499, "cancelled"),
        ("SUCCESS", "ok"),
        ("timeout", "error"),
        ("canceled", "cancelled"),
    ],
)
def test_a_mapped_status_is_read_by_code_or_word(tmp_path: Path, given: Any, status: str) -> None:
    (tmp_path / "map.yaml").write_text("columns: {status: outcome, account_id: who, asked_at: at, exchange_id: n}")
    line = {"n": "1", "at": 1772359201, "who": "a", "outcome": given, "model": "m", "messages": []}
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\n")
    wanted = Wanted("auto", load(tmp_path / "map.yaml"))
    (row,) = [row for b in read(source_files(tmp_path / "log.jsonl", wanted)[0]) for row in b.rows.to_pylist()]
    assert row["status"] == status


MAPPING = """\
request: call.asked
response: call.answered
columns:
  exchange_id: meta.correlationId
  account_id: [payer, subscriber]
constants:
  pathway: gateway
"""


def test_the_mapping_in_use_is_printed_whole_with_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saved in the place of the first, the proposal reads what that could not."""
    file, used, proposed = tmp_path / "log.jsonl", tmp_path / "map.yaml", tmp_path / "proposed.yaml"
    lines = [record(number) for number in range(1, 30)]
    for line in lines:
        line["call"] = {"asked": line.pop("request"), "answered": line.pop("response")}
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    used.write_text(MAPPING)
    assert run(["doctor", str(file), "--mapping", str(used)]) == 0
    text = capsys.readouterr().out.partition("--mapping FILE):\n\n")[2]
    for line in (
        "request: call.asked  # in use",
        "response: call.answered  # in use",
        "account_id: [payer, subscriber]  # in use",
        "asked_at: meta.receivedMs  # proposed: check it",
        'pathway: "gateway"  # in use',
    ):
        assert line in text
    proposed.write_text(text)
    before, after = load(used), load(proposed)
    assert (after.request, after.response, after.constants) == (before.request, before.response, before.constants)
    assert {**after.columns, **before.columns} == after.columns
    found = list(read(source_files(file, Wanted("auto", after))[0]))
    assert sum(batch.rows.num_rows for batch in found) == 29


def test_a_bad_time_and_a_broken_line_hide_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.jsonl"
    lines = [record(number) for number in range(1, 10)]
    lines[4]["meta"]["receivedMs"] = "half past nine"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut off\n')
    assert run(["doctor", str(file)]) == 0
    told = capsys.readouterr().out
    assert "1 of 10 sampled lines could not be read" in told
    assert "asked_at: meta.receivedMs  # proposed: 8 of 9 look like a time; check it" in told
    lines = [{**line, "meta": {**line["meta"], "receivedMs": "soon"}} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["doctor", str(file)]) == 0
    assert "asked_at: PATH  # required, and nothing in the sample looks like it" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["null", "true", "no", "on"])
def test_a_name_that_yaml_takes_for_a_word_is_quoted(tmp_path: Path, name: str) -> None:
    file = tmp_path / "exchanges.jsonl"
    file.write_text("".join(json.dumps({"account_id": "x", name: 1772359200 + n}) + "\n" for n in range(1, 9)))
    (tmp_path / "map.yaml").write_text(mapping_text(diagnose(source_files(file)[0])))
    assert load(tmp_path / "map.yaml").columns["asked_at"] == ((name,),)
