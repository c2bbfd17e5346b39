"""What the publisher says of what it cannot publish: one line, without the text of a query."""

import logging
from pathlib import Path

import pytest

from stillwatch.errors import ContractError, StoreError
from stillwatch.service.publisher import Publisher

QUERY = ContractError("query failed: IO Error: No files found: /secret/x.parquet\nLINE 1:", found="SELECT\n api_key_id")


@pytest.mark.parametrize(
    ("error", "words"),
    [(QUERY, "exchanges could not be read"), (StoreError("held", where="w", found="a\nb"), "w: held"),
     (OSError(28, "No space left on device"), "No space left"), (ZeroDivisionError("quoted"), "ZeroDivisionError")],
)  # fmt: skip
def test_a_fault_is_one_line_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    publisher = Publisher(tmp_path, None)

    def fails() -> bool:
        raise error

    monkeypatch.setattr(publisher, "_look", fails)
    with caplog.at_level(logging.ERROR, "stillwatch.service"):
        assert not publisher.look() and not publisher.look()
    (record,) = caplog.records
    said = record.getMessage()
    assert words in said and "tried again" in said and "\n" not in said
    assert "SELECT" not in said and "secret" not in said and "quoted" not in said
