"""Logs that lack whole signals: the blind families are named, and nobody is accused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.benchmark import world as worlds
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store


def without(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.nulls(len(table), table.schema.field(name).type))
    return table


def days_only(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("asked_at")
    days = pc.floor_temporal(table["asked_at"], unit="day")
    return table.set_column(place, table.schema.field("asked_at"), days)


WORLDS: dict[str, tuple[Callable[[pa.Table], pa.Table], bool, set[str]]] = {
    "no text": (
        lambda table: without(table, ("system", "messages", "tools", "output")), True,
        {"content/exact", "work/filler", "client/preamble", "client/tools", "extracting/purpose"},
    ),
    "no network": (
        lambda table: without(table, ("client_ip", "asn", "country", "ip_class", "ja4", "user_agent")), True,
        {"infrastructure/address", "infrastructure/asn", "client/ja4", "concealed/proxy networks"},
    ),
    "no accounts file": (
        lambda table: table, False, {"registration/payment", "registration/email", "concealed/tenure"},
    ),
    "no times of day": (
        days_only, True, {"timing/hour", "timing/burst", "timing/switch", "infrastructure+timing/block_hour"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    worlds.write(worlds.simulate("mixed", 4, 0.05), folder / "logs", folder / "truth")
    return folder


def answer(logs: Path, folder: Path, change: Callable[[pa.Table], pa.Table], accounts: bool) -> dict[str, Any]:
    (folder / "exchanges").mkdir(parents=True)
    for file in sorted((logs / "logs" / "exchanges").iterdir()):
        pq.write_table(change(pq.ParquetFile(file).read()), folder / "exchanges" / file.name)
    if accounts:
        pq.write_table(pq.read_table(logs / "logs" / "accounts.parquet"), folder / "accounts.parquet")
    ingest_sources([folder], folder / "store")
    return detect(Store.open(folder / "store")).answer


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_what_is_blind_is_named_and_no_honest_account_is_accused(logs: Path, tmp_path: Path, name: str) -> None:
    change, accounts, blind = WORLDS[name]
    told = answer(logs, tmp_path, change, accounts)
    assert {row["detector"] for row in told["run"]["blind"]} >= blind
    truth = pq.read_table(logs / "truth" / "accounts.parquet").to_pylist()
    honest = {row["account_id"] for row in truth if row["kind"] != "operator"}
    accused = {
        member["account_id"]
        for finding in told["campaigns"] if finding["status"] == "suspected"
        for member in finding["members"]
        if member["probability"] >= 0.5 and member["role"] in ("operator", "provider")
    }  # fmt: skip
    assert not accused & honest
