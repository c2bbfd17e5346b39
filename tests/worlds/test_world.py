"""A written world keeps the contract, its promises about truth, and its determinism."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch import networks
from stillwatch.errors import SourceError, UsageError
from stillwatch.records import CAPABILITIES
from stillwatch.tables import ACCOUNTS, EXCHANGES, IP_CLASSES, PERMISSIONS, PURPOSES, RELEASES, STATUSES
from stillwatch.worlds import world as worlds
from stillwatch.worlds.render import ROWS, row_keys

pytestmark = pytest.mark.slow

SEED, SCALE = 5, 0.03
KINDS = {"legit", "look_alike", "operator", "victim"}
LOOK_ALIKES = {
    "enterprise_declared", "enterprise_undeclared", "evaluation_harness", "llm_judge", "framework_default",
    "university", "hackathon", "key_bringing_app", "reseller_declared", "reseller_undeclared",
    "permitted_distiller", "viral_prompt", "hobbyist", "bystander", "provider_customer",
}  # fmt: skip


class Written:
    """A world on disk, read back."""

    def __init__(self, folder: Path) -> None:
        self.world = worlds.simulate("mixed", SEED, SCALE)
        self.out, self.truth = folder / "logs", folder / "truth"
        worlds.write(self.world, self.out, self.truth)
        days = sorted((self.out / "exchanges").glob("*.parquet"))
        self.days = {day.stem: pq.read_table(day) for day in days}
        self.exchanges = pa.concat_tables(self.days.values())
        self.accounts = pq.read_table(self.out / "accounts.parquet")
        self.kinds = pq.read_table(self.truth / "accounts.parquet")
        self.campaigns = pq.read_table(self.truth / "exchanges.parquet")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("world"))


def test_tables_are_those_of_the_contract(written: Written) -> None:
    assert all(table.schema.equals(EXCHANGES) for table in written.days.values())
    assert written.accounts.schema.equals(ACCOUNTS)
    assert pq.read_schema(written.out / "permissions.parquet").equals(PERMISSIONS)
    assert pq.read_schema(written.out / "releases.parquet").equals(RELEASES)
    assert set(written.exchanges["status"].unique().to_pylist()) <= set(STATUSES)
    assert set(written.exchanges["ip_class"].drop_null().unique().to_pylist()) <= set(IP_CLASSES)
    assert set(pq.read_table(written.out / "permissions.parquet")["purpose"].to_pylist()) <= set(PURPOSES)


def test_each_day_holds_its_own_exchanges_in_order(written: Written) -> None:
    for day, table in written.days.items():
        asked = table["asked_at"].cast(pa.int64()).to_numpy()
        assert (np.diff(asked) >= 0).all()
        dates = pc.strftime(table["asked_at"].cast(pa.timestamp("us")), format="%Y-%m-%d").unique().to_pylist()
        assert dates == [day]


def test_truth_names_every_account_and_exchange_once(written: Written) -> None:
    assert written.kinds["account_id"].to_pylist() == written.accounts["account_id"].to_pylist()
    assert set(written.kinds["kind"].to_pylist()) == KINDS
    assert set(written.kinds["cohort"].to_pylist()) >= LOOK_ALIKES
    assert sorted(written.exchanges["exchange_id"].to_pylist()) == written.campaigns["exchange_id"].to_pylist()
    assert len(set(written.campaigns["exchange_id"].to_pylist())) == written.world.exchanges
    assert set(written.campaigns["capability"].to_pylist()) <= set(CAPABILITIES)


def test_only_operators_and_victims_extract(written: Written) -> None:
    joined = written.exchanges.select(["exchange_id", "account_id"]).join(written.campaigns, "exchange_id")
    extracting = joined.filter(pc.is_valid(joined["campaign"])).join(written.kinds, "account_id")
    assert set(extracting["kind"].to_pylist()) == {"operator", "victim"}
    own = extracting.filter(pc.equal(extracting["kind"], "operator"))
    assert own["campaign"].to_pylist() == own["cohort"].to_pylist()
    listed = {row["campaign"]: row for row in json.loads((written.truth / "campaigns.json").read_text())}
    for name, row in listed.items():
        assert row["extraction_exchanges"] == pc.sum(pc.equal(extracting["campaign"], name)).as_py()
        assert row["cost"]["cover"] > row["extraction_exchanges"]


def test_nobody_asks_before_the_sign_up_or_after_the_suspension(written: Written) -> None:
    spans = written.exchanges.group_by("account_id").aggregate([("asked_at", "min"), ("asked_at", "max")])
    rows = spans.join(written.accounts.select(["account_id", "created_at", "suspended_at"]), "account_id").to_pylist()
    assert all(row["created_at"] <= row["asked_at_min"] for row in rows)
    assert all(row["suspended_at"] is None or row["asked_at_max"] <= row["suspended_at"] for row in rows)


def test_texts_are_json_in_the_two_shapes_that_gateways_log(written: Written) -> None:
    some = written.exchanges.take(np.arange(0, len(written.exchanges), 7))
    for name in ("system", "messages", "tools", "output"):
        for text in some[name].drop_null().unique().to_pylist():
            json.loads(text)
    messages = [json.loads(text) for text in some["messages"].to_pylist()]
    assert all(message[-1]["role"] in ("user", "tool") for message in messages)
    bare = [any("content" in part for part in message) for message in messages]
    assert 0.05 < np.mean(bare) < 0.5


def test_addresses_agree_with_the_table_of_the_product(written: Written) -> None:
    rows = written.exchanges.filter(pc.is_valid(written.exchanges["client_ip"]))
    known = networks.load().resolve(rows["client_ip"])
    assert known["asn"].to_pylist() == rows["asn"].to_pylist()
    assert known["country"].to_pylist() == rows["country"].to_pylist()
    listed = pc.is_in(rows["ip_class"], pa.array(["hosting", "vpn"]))
    assert known["ip_class"].filter(listed).to_pylist() == rows["ip_class"].filter(listed).to_pylist()


def test_no_population_alone_lacks_or_fills_a_column(written: Written) -> None:
    columns = ("client_ip", "asn", "ja4", "user_agent", "messages", "input_tokens", "stream", "pathway")
    joined = written.exchanges.select(["account_id", *columns]).join(written.kinds, "account_id")
    for kind in KINDS:
        here = joined.filter(pc.equal(joined["kind"], kind))
        assert all(here[name].null_count < 0.05 * len(here) for name in columns)
        assert set(here["pathway"].to_pylist()) >= {"api", "console"}


def test_the_same_arguments_write_the_same_bytes(written: Written, tmp_path: Path) -> None:
    worlds.write(worlds.simulate("mixed", SEED, SCALE), tmp_path / "logs", tmp_path / "truth")
    for file in sorted(written.out.rglob("*.parquet")):
        assert file.read_bytes() == (tmp_path / "logs" / file.relative_to(written.out)).read_bytes(), file.name


def test_the_honest_are_the_same_without_campaigns(written: Written) -> None:
    quiet, mixed = worlds.simulate("quiet", SEED, SCALE), written.world
    assert not quiet.campaigns
    count = quiet.exchanges
    assert {account.kind for account in quiet.draft.accounts} == {"legit", "look_alike"}
    for name in ("at", "script", "item", "turn", "block", "host", "model"):
        np.testing.assert_array_equal(quiet.draft.plan.column(name), mixed.draft.plan.column(name)[:count])
    np.testing.assert_array_equal(row_keys(SEED, count), row_keys(SEED, mixed.exchanges)[:count])
    for before, after in zip(quiet.draft.accounts, mixed.draft.accounts, strict=False):
        assert (before.account_id, before.row) == (after.account_id, after.row)


def test_look_alikes_outnumber_operators(written: Written) -> None:
    rows = worlds.simulate("mixed", SEED, 0.15).cohorts()
    accounts = {kind: sum(row["accounts"] for row in rows if row["kind"] == kind) for kind in KINDS}
    assert accounts["look_alike"] > 1.5 * accounts["operator"]
    assert max(row["accounts"] for row in rows if row["kind"] == "operator") > 0.05 * sum(accounts.values())


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such scenario"):
        worlds.simulate("easy")
    with pytest.raises(UsageError, match="scale"):
        worlds.simulate("quiet", scale=0)
    with pytest.raises(SourceError, match="folder of texts"):
        worlds.simulate("quiet", scale=SCALE, texts=tmp_path)
    world = worlds.simulate("quiet", scale=0.02)
    with pytest.raises(UsageError, match="outside"):
        worlds.write(world, tmp_path / "logs", tmp_path / "logs" / "truth")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        worlds.write(world, tmp_path / "full", tmp_path / "truth")


def test_memory_is_bounded_by_a_constant() -> None:
    assert ROWS <= 20_000
