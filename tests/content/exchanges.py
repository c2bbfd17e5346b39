"""Canonical exchange batches for tests, with only the columns that a test names."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from stillwatch.tables import EXCHANGES

KEY = b"a key of the tests, 32 bytes lon"


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows of tables.EXCHANGES; what a row does not name is null, required columns get a default."""
    usual = {"asked_at": datetime(2026, 6, 1, tzinfo=UTC), "account_id": "a", "model_requested": "m", "status": "ok"}
    full = [{"exchange_id": f"x{place}"} | usual | row for place, row in enumerate(rows)]
    columns = [pa.array([row.get(field.name) for row in full], field.type) for field in EXCHANGES]
    return pa.record_batch(columns, schema=EXCHANGES)


def asked(*texts: str) -> pa.RecordBatch:
    """One exchange a text, with the text as its only human turn."""
    return batch([{"messages": json.dumps([{"role": "user", "content": text}])} for text in texts])
