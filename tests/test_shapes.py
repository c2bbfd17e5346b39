"""A world written in another format reads back as the same exchanges, and as the same sketches."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.content.sketch import sketch
from stillwatch.diagnosis.diagnose import diagnose
from stillwatch.ingest.sources import read, source_files
from stillwatch.shapes import SHAPES, lines
from stillwatch.tables import SKETCHED

KEY = b"0123456789abcdef"
LOST = {
    "openai": {"row_hash", "param_fp", "operation"},
    "anthropic": {"row_hash", "param_fp", "operation", "finish_reason", "reasoning_tokens", "n", "logprobs"},
    "litellm": {
        "row_hash", "param_fp", "operation", "asn", "country", "ip_class", "ja4", "pathway", "turn_index",
        "conversation_id", "session_id",
    },
}  # fmt: skip
"""Columns that a format has no place for, or says in its own words."""

OF_AN_ANSWER = {
    "status", "finish_reason", "model_served", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens",
    "output_words", "output_tags", "structure",
}  # fmt: skip
"""Columns that nobody logs of an exchange that failed or was broken off."""


def sketched(folder: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    files = [file for file in source_files(folder) if file.table == "exchanges"]
    batches = [batch for file in files for batch in read(file)]
    assert not [row for batch in batches for row in batch.quarantined]
    rows = [row for batch in batches for row in sketch(batch.rows, KEY).to_pylist()]
    return files[0].format, {row["exchange_id"]: row for row in rows}


@pytest.fixture(scope="module")
def exchanges(small_world: Path) -> pa.Table:
    """Every sixth exchange of a small world, of every population."""
    table = pq.read_table(small_world / "exchanges")
    return table.take(pa.array(range(0, len(table), 6)))


@pytest.fixture(scope="module")
def canonical(exchanges: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("canonical")
    pq.write_table(exchanges, folder / "exchanges.parquet")
    return sketched(folder)[1]


@pytest.mark.slow
@pytest.mark.parametrize("format", sorted(SHAPES))
def test_a_world_in_another_format_is_the_same_world(
    exchanges: pa.Table, canonical: dict[str, dict[str, Any]], tmp_path: Path, format: str
) -> None:
    written = "".join(f"{line}\n" for line in lines(exchanges.to_pylist(), format))
    (tmp_path / "exchanges.jsonl").write_text(written)
    told, found = sketched(tmp_path)
    assert told == format
    looked = diagnose(source_files(tmp_path)[0])
    assert looked.fit == looked.records and not looked.lacking
    assert found.keys() == canonical.keys()
    assert {row["status"] for row in canonical.values()} >= {"ok", "error", "cancelled"}
    names = [name for name in SKETCHED.names if name not in LOST[format]]
    wrong = {
        name: (exchange_id, row[name], found[exchange_id][name])
        for exchange_id, row in canonical.items() for name in names
        if row["status"] == "ok" or name not in OF_AN_ANSWER
        if _settled(name, row[name]) != _settled(name, found[exchange_id][name])
    }  # fmt: skip
    assert not wrong


def _settled(name: str, value: Any) -> Any:
    """Times are floats of seconds in LiteLLM's payload."""
    return value.replace(microsecond=value.microsecond // 10) if name.endswith("_at") and value else value
