"""The main job on a small world, read as a story: logs in, campaigns out, the same whatever the order, and no text
kept."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.attribution import attributed, load_dossier
from stillwatch.attribution.answer import accused_in
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.records import CAPABILITIES
from stillwatch.store.runs import read_counted
from stillwatch.store.store import Store
from stillwatch.tables import EXCHANGES
from stillwatch.worlds import world as worlds

pytestmark = pytest.mark.slow

SEED = 31
SCALE = 0.12


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    worlds.write(worlds.simulate("open", SEED, SCALE), folder / "logs", folder / "truth")
    return folder / "logs"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "secret"
    path.touch(0o600)
    path.write_bytes(bytes(range(32)))
    return path


def answer_of(source: list[Path], store: Path, key: Path) -> dict[str, Any]:
    ingest_sources(source, store, key_file=key)
    return detect(Store.open(store)).answer


def comparable(answer: dict[str, Any]) -> bytes:
    """The answer without what a run may change: its id, its seconds, the store's name."""
    run = {k: v for k, v in answer["run"].items() if k not in ("run_id", "seconds", "store")}
    return json.dumps({**answer, "run": run}, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def first(logs: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    store = tmp_path_factory.mktemp("store") / "store"
    return answer_of([logs], store, key), store


def test_an_open_campaign_is_found_and_no_honest_account_is_accused(
    first: tuple[dict[str, Any], Path], logs: Path
) -> None:
    answer, _ = first
    kinds = {
        row["account_id"]: row["kind"] for row in pq.read_table(logs.parent / "truth/accounts.parquet").to_pylist()
    }
    accused = [
        m["account_id"]
        for c in answer["campaigns"]
        if c["status"] == "suspected"
        for m in c["members"]
        if m["role"] in ("operator", "provider") and m["probability"] >= 0.5
    ]
    assert accused, "no campaign was found in a world where nothing is hidden"
    assert not [a for a in accused if kinds[a] in ("legit", "look_alike")]


def test_a_run_lists_the_exchanges_that_each_finding_counts(first: tuple[dict[str, Any], Path], logs: Path) -> None:
    answer, store = first
    listed = read_counted(Store.open(store), answer["run"]["run_id"]).to_pylist()
    told = {c["campaign_id"]: c for c in answer["campaigns"] if c["status"] != "dismissed"}
    assert {row["campaign_id"] for row in listed} == {name for name, c in told.items() if c["exchanges"]}
    for name, campaign in told.items():
        rows = [row for row in listed if row["campaign_id"] == name]
        assert len(rows) == len({row["exchange_id"] for row in rows}) == campaign["exchanges"]
        accounts = Counter(row["account_id"] for row in rows)
        assert {
            m["account_id"]: m["exchanges"] for m in campaign["members"] if m["exchanges"]
        }.items() <= accounts.items()
    sent = pq.read_table(logs / "exchanges", columns=["exchange_id", "account_id"])
    owner = dict(zip(sent["exchange_id"].to_pylist(), sent["account_id"].to_pylist(), strict=True))
    assert all(owner[row["exchange_id"]] == row["account_id"] for row in listed)
    assert all(row["wording"] for row in listed if row["campaign_id"].startswith("C-"))


def test_order_repeats_and_batches_change_nothing(
    first: tuple[dict[str, Any], Path], logs: Path, key: Path, tmp_path: Path
) -> None:
    shuffled = tmp_path / "shuffled"
    (shuffled / "exchanges").mkdir(parents=True)
    for name in ("accounts", "permissions", "releases"):
        table = pq.read_table(logs / f"{name}.parquet")
        order = list(range(table.num_rows))
        random.Random(5).shuffle(order)
        pq.write_table(table.take(order), shuffled / f"{name}.parquet")
    rows = pa.concat_tables([pq.read_table(p) for p in sorted((logs / "exchanges").glob("*.parquet"))])
    order = list(range(rows.num_rows)) + random.Random(6).sample(range(rows.num_rows), rows.num_rows // 10)
    random.Random(7).shuffle(order)
    mixed = rows.take(order)
    for part in range(7):
        start, end = part * len(order) // 7, (part + 1) * len(order) // 7
        pq.write_table(mixed.slice(start, end - start), shuffled / "exchanges" / f"part-{part}.parquet")
    again = answer_of([shuffled], tmp_path / "store", key)
    assert comparable(again) == comparable(first[0])
    listed = [
        read_counted(Store.open(store), answer["run"]["run_id"]).drop_columns(["wording"])
        for answer, store in ((again, tmp_path / "store"), first)
    ]
    assert listed[0].equals(listed[1])


FREE = ("email_domain", "org_id", "signup_asn", "signup_ja4", "signup_user_agent", "card_bin")


def test_an_organisation_that_a_campaign_imitates_stays_at_roughly_even(
    first: tuple[dict[str, Any], Path], logs: Path
) -> None:
    """All that is free in three families, and then the cards too, which cost: registration alone names nobody."""
    answer, folder = first
    rows = {row["account_id"]: row for row in pq.read_table(logs / "accounts.parquet").to_pylist()}
    findings = [finding for finding in answer["campaigns"] if accused_in(finding)]
    assert findings
    for finding in findings:
        accused = sorted(accused_in(finding))
        for kinds in (FREE, (*FREE, "payment_fingerprint")):
            carried = {(kind, str(rows[name][kind])) for kind in kinds for name in accused if rows[name][kind]}
            indicators = [{"kind": kind, "value": value, "source": kind} for kind, value in sorted(carried)]
            dossier = {
                "schema": "stillwatch/dossier/v1",
                "sources": {kind: {"grade": "A"} for kind in kinds},
                "organisations": [{"name": "Framed", "indicators": indicators}],
            }
            told = attributed(Store.open(folder), answer, finding, load_dossier(json.dumps(dossier).encode(), "d"))
            (framed,) = (one for one in told["hypotheses"] if one["name"] == "Framed")
            assert any(c["accused"] == len(accused) for f in framed["families"] for c in f["channels"])
            assert framed["probability"] <= 0.5 and not framed["can_be_signed"]


def test_no_text_is_in_the_store_after_a_run(first: tuple[dict[str, Any], Path], logs: Path) -> None:
    """Every stored byte is searched for pieces of prompts, answers and system texts (the files are also
    decompressed)."""
    _, store = first
    texts: set[str] = set()
    for path in sorted((logs / "exchanges").glob("*.parquet")):
        for row in pq.read_table(path, columns=["messages", "output", "system", "tools"]).slice(0, 40).to_pylist():
            for value in row.values():
                texts |= {value[at : at + 24] for at in range(0, len(value or "") - 24, 97)}
    needles = [text.encode() for text in sorted(texts) if text.count(" ") >= 2]
    assert len(needles) > 500
    haystacks = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    for path in store.rglob("*.parquet"):
        table = pq.ParquetFile(path).read()
        haystacks += [
            b"\n".join(str(v).encode("utf-8", "replace") for v in table[name].to_pylist())
            for name in table.column_names
            if pa.types.is_string(table.schema.field(name).type)
        ]
    held = b"\n".join(haystacks)
    assert not [needle for needle in needles if needle in held]


def test_the_answer_keeps_the_documented_form(first: tuple[dict[str, Any], Path]) -> None:
    answer, _ = first
    assert answer["schema"] == "stillwatch/campaigns/v1"
    assert list(answer["run"]) == [
        "run_id", "store", "since", "until", "exchanges", "accounts", "entities", "quarantined", "blind", "alpha",
        "candidates", "releases", "seconds",
    ]  # fmt: skip
    for finding in answer["campaigns"]:
        assert list(finding) == [
            "campaign_id", "kind", "status", "capabilities", "exchanges", "exchanges_low", "exchanges_high", "tokens",
            "first_seen", "last_seen", "active", "likelihood", "confidence", "members", "bypass", "pathways", "pivots",
            "timeline", "phases", "stages", "evidence",
        ]  # fmt: skip
        assert finding["status"] in ("suspected", "permitted", "ambiguous", "dismissed")
        assert set(finding["capabilities"]) <= set(CAPABILITIES)
        assert finding["exchanges_low"] <= finding["exchanges"] <= finding["exchanges_high"]
        assert list(finding["evidence"]) == [
            "coordinated", "extracting", "concealed", "provider", "found_by", "confirmed_by", "terms", "alternatives",
            "items", "training_value",
        ]  # fmt: skip
        assert sum(day["exchanges"] for day in finding["timeline"]) == finding["exchanges"]
        for question in ("coordinated", "extracting", "concealed"):
            if finding["kind"] == "group":
                values = [t["value"] for t in finding["evidence"]["terms"] if t["question"] == question]
                assert sum(values) == pytest.approx(finding["evidence"][question], abs=0.01)


def test_a_world_of_accounts_without_text_accuses_nobody(logs: Path, key: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    (bare / "exchanges").mkdir(parents=True)
    for path in sorted((logs / "exchanges").glob("*.parquet"))[:6]:
        rows = pq.read_table(path)
        kept = [name for name in rows.column_names if name not in ("messages", "system", "tools", "output")]
        pq.write_table(rows.select([n for n in EXCHANGES.names if n in kept]), bare / "exchanges" / path.name)
    answer = answer_of([bare], tmp_path / "store", key)
    assert {b["detector"] for b in answer["run"]["blind"]} >= {"content/exact", "work/filler", "registration/payment"}
    assert not [c for c in answer["campaigns"] if c["status"] == "suspected"]
