"""The documented contract is the one that ingest reads: every column, which must be there, and rows that pass."""

import json
import re
from pathlib import Path

import pytest

from stillwatch.pipeline import ingest_sources
from stillwatch.tables import ACCOUNTS, EXCHANGES, IP_CLASSES, PERMISSIONS, PURPOSES, RELEASES, STATUSES

DOCUMENT = (Path(__file__).parents[1] / "docs" / "contract.md").read_text("utf-8")
TABLES = {"exchanges": EXCHANGES, "accounts": ACCOUNTS, "permissions": PERMISSIONS, "releases": RELEASES}


def section(table: str) -> str:
    return DOCUMENT.split(f"\n## {table}\n", 1)[1].split("\n## ", 1)[0]


def example(table: str) -> dict[str, object]:
    found = re.search(r"```json\n(.*?)```", section(table), re.DOTALL)
    assert found
    row: dict[str, object] = json.loads(found[1])
    return row


@pytest.mark.parametrize("table", ["exchanges", "accounts", "permissions"])
def test_every_column_is_documented_and_no_other(table: str) -> None:
    cells = [line.split("|")[1].strip() for line in section(table).splitlines() if line.startswith("|")][2:]
    names = [name.strip() for cell in cells for name in cell.split(",")]
    assert sorted(name.strip("*") for name in names) == sorted(TABLES[table].names)
    required = {name.strip("*") for name in names if name.startswith("**")}
    assert required == {field.name for field in TABLES[table] if not field.nullable}


@pytest.mark.parametrize(("table", "words"), [("exchanges", STATUSES + IP_CLASSES), ("permissions", PURPOSES)])
def test_every_word_is_documented(table: str, words: tuple[str, ...]) -> None:
    assert [word for word in words if f"`{word}`" not in section(table)] == []


def test_the_examples_pass(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for table, schema in TABLES.items():
        row = example(table)
        assert set(row) <= set(schema.names)
        (logs / f"{table}.jsonl").write_text(json.dumps(row) + "\n")
    report = ingest_sources([logs], tmp_path / "store")
    assert (report.exchanges, report.accounts, report.permissions, report.releases) == (1, 1, 1, 1)
    assert report.quarantined == 0
