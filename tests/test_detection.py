"""What a run says of what it could not look at: an empty period, conflicting rows, terms with nothing to read."""

import json
from pathlib import Path

import pytest

from stillwatch import cli
from stillwatch.assess.blind import NEEDS, blind_terms
from stillwatch.detection import ACCOUNT_COLUMNS, EXCHANGE_COLUMNS
from tests.ingest.rows import lines, row


@pytest.fixture
def store(tmp_path: Path) -> list[str]:
    """A store of forty exchanges by ten accounts, one id of which came twice with other words."""
    rows = [row(n, account_id=f"a{n % 10}", client_ip="192.0.2.1") for n in range(40)]
    (tmp_path / "logs.jsonl").write_bytes(lines(*rows, row(0, account_id="a0", messages="another")))
    assert cli.run(["ingest", str(tmp_path / "logs.jsonl"), "--store", str(tmp_path / "s")]) == 0
    return ["--store", str(tmp_path / "s")]


def test_an_empty_period_is_an_error_and_leaves_no_run(store: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert cli.run(["detect", *store, "--since", "2031-01-01"]) == 2
    assert "no exchange was asked in this period" in (err := capfd.readouterr().err) and "2026-06-01" in err
    assert cli.run(["campaigns", *store]) == 2
    assert "holds no run" in capfd.readouterr().err


@pytest.mark.slow
def test_conflicting_rows_and_blind_terms_are_told(store: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert cli.run(["detect", *store, "--json"]) == 0
    out, err = capfd.readouterr()
    assert "1 exchange_id came with rows that say different things" in err
    blind = {entry["detector"]: entry["because"] for entry in json.loads(out)["run"]["blind"]}
    assert blind["concealed/weak doors"] == blind["concealed/names"] == "no accounts file was read"
    assert "sampling parameter" in blind["client/parameters"]
    assert "concealed/many networks" not in blind
    assert cli.run(["campaigns", *store]) == 0
    out = capfd.readouterr().out
    assert "Nobody is suspected. That is not an all-clear: see what was blind below" in out
    assert "In a store of 10 accounts campaigns of under some 50 members are often not found." in out
    assert out.count("no accounts file: hardly anybody can be accused (docs/contract.md)") == 1
    assert out.count("no accounts file was read") == 1 and "of accounts is empty" not in out
    assert cli.run(["show", "C-", *store]) == 2


@pytest.mark.slow
def test_with_an_accounts_file_its_empty_columns_are_named_and_the_next_step_said(
    store: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "accounts.jsonl").write_bytes(lines({"account_id": "a1", "tier": "free"}))
    capfd.readouterr()
    assert cli.run(["ingest", str(tmp_path / "accounts.jsonl"), *store]) == 0
    err = capfd.readouterr().err
    assert "no accounts file" not in err and err.endswith(f"next: stillwatch detect --store {store[1]}\n")
    assert cli.run(["detect", *store]) == 0
    out, err = capfd.readouterr()
    assert "blind: column programme of accounts is empty in all 10 rows: concealed/weak doors" in out
    assert "no accounts file" not in out
    assert err.endswith(f"next: stillwatch report --store {store[1]} --out page.html\n")


def test_a_term_is_blind_where_one_of_its_needs_has_no_column() -> None:
    assert [b.detector for b in blind_terms({"billing_country": "empty"})] == []
    both = blind_terms({"billing_country": "empty", "verified_country": "empty too"})
    assert [(b.detector, b.because) for b in both] == [("concealed/region bypass", "empty; empty too")]
    (alike,) = blind_terms({"billing_country": "no file", "verified_country": "no file"})
    assert alike.because == "no file"


def test_every_column_that_a_term_needs_is_looked_at() -> None:
    needed = {name for _, wanted in NEEDS for names in wanted for name in names}
    assert needed <= {*EXCHANGE_COLUMNS, *ACCOUNT_COLUMNS}
