"""Logs that lack whole signals: the blind families are named, and nobody is accused."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds

WORLDS: dict[str, set[str]] = {
    "contentless": {"content/exact", "work/filler", "client/preamble", "client/tools", "extracting/purpose"},
    "no-network": {"infrastructure/address", "infrastructure/asn", "client/ja4", "concealed/proxy networks"},
    "no-accounts": {"registration/payment", "registration/email", "concealed/tenure"},
    "days-only": {"timing/hour", "timing/burst", "timing/switch", "infrastructure+timing/block_hour"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_what_is_blind_is_named_and_no_honest_account_is_accused(tmp_path: Path, name: str) -> None:
    worlds.write(worlds.simulate(name, 4, 0.05), tmp_path / "logs", tmp_path / "truth")
    ingest_sources([tmp_path / "logs"], tmp_path / "store")
    told = detect(Store.open(tmp_path / "store")).answer
    assert {row["detector"] for row in told["run"]["blind"]} >= WORLDS[name]
    truth = pq.read_table(tmp_path / "truth" / "accounts.parquet").to_pylist()
    honest = {row["account_id"] for row in truth if row["kind"] != "operator"}
    accused = {
        member["account_id"]
        for finding in told["campaigns"] if finding["status"] == "suspected"
        for member in finding["members"]
        if member["probability"] >= 0.5 and member["role"] in ("operator", "provider")
    }  # fmt: skip
    assert not accused & honest
