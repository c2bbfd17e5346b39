"""A store with hardly anything in it."""

import json
from pathlib import Path

import pytest

from stillwatch.pipeline import ingest_sources


@pytest.fixture
def tiny_store(tmp_path: Path, key: Path) -> Path:
    """A store of one exchange."""
    row = {
        "exchange_id": "e",
        "asked_at": "2026-10-21T00:00:00Z",
        "account_id": "other",
        "operation": "chat",
        "model_requested": "m",
    }
    source = tmp_path / "one.jsonl"
    source.write_text(
        json.dumps({**row, "messages": [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]}) + "\n"
    )
    ingest_sources([source], tmp_path / "tiny", format="canonical", key_file=key)
    return tmp_path / "tiny"
