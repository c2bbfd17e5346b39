"""Keys that stand where an id belongs never reach the disk; ids do not either where the store was begun so."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch.cli import run
from stillwatch.errors import StoreError
from stillwatch.ingest.pseudonyms import SECRET, pseudonym
from stillwatch.pipeline import ingest_sources
from stillwatch.store.store import Store

KEYS = [
    "sk-proj-abcdefghijklmnop1234", "sk-ant-api03-abcdefghijklmnopqrstu", "Bearer abcdef", "bearer  x",
    "AIzaSyA1234567890abcdefghijklmnopqrstu", "gsk_abcdefghijklmnopqrstuvwx", "hf_abcdefghijklmnopqrstuvwx",
    "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "sk_live_abcdefghijkl",
]  # fmt: skip
IDS = [
    "key_5570e9aec69316e7",
    "acct_17",
    "sk-short",
    "org-1",
    "hmac:k1:00ff",
    "88dc28d0f030c55ed4ab77ed8faf09819",
    "skye-miller",
]


def exchange(number: int, **given: Any) -> dict[str, Any]:
    return {
        "exchange_id": f"e{number}", "asked_at": 1772359200 + number, "account_id": "acct_17", "model_requested": "m",
        "status": "ok", **given,
    }  # fmt: skip


def logs(folder: Path, *rows: dict[str, Any], **account: Any) -> Path:
    folder.mkdir()
    (folder / "exchanges.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "accounts.jsonl").write_text(json.dumps({"account_id": "acct_17", **account}) + "\n")
    return folder


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def rows_of(store: Path, table: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files = sorted((store / table).rglob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


@pytest.mark.slow
@pytest.mark.parametrize("secret", KEYS)
def test_a_key_where_an_id_belongs_becomes_a_pseudonym(tmp_path: Path, secret: str) -> None:
    source = logs(tmp_path / "logs", exchange(1, account_id=secret, api_key_id=secret), exchange(2))
    report = ingest_sources([source], tmp_path / "store")
    assert report.secrets == 2
    kept = {row["exchange_id"]: row for row in rows_of(tmp_path / "store", "exchanges")}
    assert kept["e1"]["account_id"] == kept["e1"]["api_key_id"]
    assert kept["e1"]["account_id"].startswith("hmac:1:")
    assert kept["e2"]["account_id"] == "acct_17"
    assert secret.encode() not in on_disk(tmp_path / "store" / "exchanges")


@pytest.mark.parametrize("secret", [key for key in KEYS if " " not in key])
def test_a_key_within_any_value_reaches_no_file(tmp_path: Path, secret: str) -> None:
    held = {"session_id": f"pfx {secret},u1", "user_agent": f"probe key={secret}", "exchange_id": f"call {secret}"}
    bad = {"exchange_id": f"{secret}/2", "asked_at": "never"}
    report = ingest_sources([logs(tmp_path / "logs", exchange(1, **held), exchange(2, **bad))], tmp_path / "store")
    assert (report.exchanges, report.quarantined, report.secrets) == (1, 1, 3)
    rows = [*rows_of(tmp_path / "store", "exchanges"), *rows_of(tmp_path / "store", "quarantine")]
    assert len(rows) == 2 and secret not in str(rows)


def test_ids_are_no_keys() -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    assert not pc.any(pc.match_substring_regex(pa.array(IDS), SECRET)).as_py()


def test_a_pseudonymous_store_holds_no_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = logs(tmp_path / "logs", exchange(1, end_user_id="jane"), exchange(2), email="Jane.Doe@Example.org")
    ingest_sources([source], tmp_path / "store", pseudonymous=True)
    ingest_sources([source], tmp_path / "store")
    assert Store.open(tmp_path / "store").pseudonymous
    (account,) = rows_of(tmp_path / "store", "accounts")
    assert (account["email"], account["email_domain"]) == (None, "example.org")
    names = {row["account_id"] for row in rows_of(tmp_path / "store", "exchanges")}
    assert names == {account["account_id"]}
    assert run(["pseudonym", "acct_17", "--store", str(tmp_path / "store")]) == 0
    assert capsys.readouterr().out.strip() == account["account_id"]
    held = on_disk(tmp_path / "store")
    assert not [word for word in (b"acct_17", b"jane", b"Jane") if word in held]


def test_a_store_that_was_begun_plainly_stays_so(tmp_path: Path) -> None:
    source = logs(tmp_path / "logs", exchange(1))
    ingest_sources([source], tmp_path / "store")
    with pytest.raises(StoreError, match="as they came"):
        ingest_sources([source], tmp_path / "store", pseudonymous=True)


def test_a_pseudonym_is_keyed_and_stays() -> None:
    one, other = (pseudonym("acct_17", key, 1) for key in (b"k" * 32, b"l" * 32))
    assert one != other
    assert pseudonym(one, b"l" * 32, 2) == one
