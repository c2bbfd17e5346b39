"""An erased account is nowhere in the folder, its neighbours are as they were, and a kill at any step is completed."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli import run
from stillwatch.errors import StoreError, UsageError
from stillwatch.pipeline import ingest_sources
from stillwatch.store.epochs import rotate
from stillwatch.store.erase import erase
from stillwatch.store.runs import COUNTED, read_counted, read_run, write_run
from stillwatch.store.store import Store
from tests.store.kills import child_that_dies
from tests.store.logs import START, every_byte, exchange, rows_of, write

pytestmark = pytest.mark.slow

CANARY = "acct_canary_4f1"
TRACES = (CANARY, "canary.person@example.org", "card-canary-77", "203.0.113.77", "project-canary", "203.0.113.78")
STEPS = ("opened", "written", "draft", "renamed", "synced", "removed")


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


def world(folder: Path) -> Path:
    """Three days of three accounts, a broken row of the canary's and of another, accounts and permissions."""
    mine = {"account": CANARY, "client_ip": TRACES[3], "project_id": TRACES[4]}
    exchanges = [exchange(n, **(mine if n % 3 == 0 else {"account": f"acct_{n % 3}"})) for n in range(60)]
    exchanges.append(exchange(60, CANARY) | {"exchange_id": "e3", "input_tokens": -1})
    exchanges.append(exchange(61, "acct_1") | {"exchange_id": "e61", "input_tokens": -1})
    accounts = [
        {"account_id": CANARY, "email": TRACES[1], "payment_fingerprint": TRACES[2], "signup_ip": TRACES[5]},
        {"account_id": "acct_1", "email": "other@example.org", "reseller_of": CANARY},
        {"account_id": "acct_2", "created_at": START},
    ]
    granted = [{"account_id": name, "purpose": "research", "reference": "r"} for name in (CANARY, "acct_1")]
    return write(folder, exchanges, accounts=accounts, permissions=granted)


def finding(kind: str, *names: str) -> dict[str, Any]:
    members = [{"account_id": name, "probability": 0.9, "role": "operator"} for name in names]
    return {"campaign_id": f"C-{len(names)}", "kind": kind, "exchanges": 12, "members": members,
            "evidence": {"terms": [{"because": f"{names[0]} came first"}]}}  # fmt: skip


def listed(*rows: tuple[str, str, str]) -> pa.Table:
    """What a run lists of its findings' exchanges: rows of (finding, exchange, account)."""
    at = datetime.fromtimestamp(START, UTC)
    held = [(*row, at, "coarse:1", True, True) for row in rows]
    return pa.table({name: [row[place] for row in held] for place, name in enumerate(COUNTED.names)}, schema=COUNTED)


def store_of(folder: Path, *, pseudonymous: bool = False) -> Store:
    logs = world(folder / "logs")
    ingest_sources([logs], folder / "s", pseudonymous=pseudonymous)
    store = Store.open(folder / "s")
    found = [finding("group", CANARY, "acct_1"), finding("entity", CANARY), finding("group", "acct_2")]
    counted = [("C-2", "e0", CANARY), ("C-2", "e1", "acct_1"), ("C-2", "e3", CANARY), ("C-1", "e2", "acct_2")]
    write_run(store, {"run": {"run_id": ""}, "campaigns": found}, listed(*counted))
    write_run(store, {"run": {"run_id": ""}, "campaigns": found[2:]})
    (store.folder / "exchanges" / ".left.tmp").write_bytes(CANARY.encode())
    return store


def traces(store: Path) -> list[str]:
    held = every_byte(store)
    return [trace for trace in TRACES if trace.encode() in held]


def test_nothing_of_an_erased_account_is_left(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    assert traces(store.folder) == list(TRACES), "the search finds what is there"
    others = [row for row in rows_of(store.folder, "exchanges") if row["account_id"] != CANARY]
    told = erase(store, CANARY)
    assert traces(store.folder) == []
    assert (told.exchanges, told.accounts, told.permissions, told.quarantine) == (20, 1, 1, 1)
    assert (told.members, told.findings, told.listed, told.drafts, told.epochs_noted) == (2, 1, 2, 1, 1)
    key = lambda row: row["exchange_id"]  # noqa: E731
    assert sorted(rows_of(store.folder, "exchanges"), key=key) == sorted(others, key=key)
    assert [row["exchange_id"] for row in rows_of(store.folder, "quarantine")] == ["e61"]
    assert {row["account_id"]: row["reseller_of"] for row in rows_of(store.folder, "accounts")} == {
        "acct_1": "erased", "acct_2": None,
    }  # fmt: skip
    assert [row["account_id"] for row in rows_of(store.folder, "permissions")] == ["acct_1"]


def test_a_run_keeps_its_other_numbers_and_says_so(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    newest = read_run(store)
    erase(store, CANARY)
    assert read_run(store) == newest
    old = read_run(store, sorted(path.name for path in (store.folder / "runs").iterdir())[0])
    assert old["run"]["erased"] == 2
    first, last = old["campaigns"]
    assert (first["erased"], first["exchanges"], [m["account_id"] for m in first["members"]]) == (1, 12, ["acct_1"])
    assert first["evidence"]["terms"][0]["because"] == "erased came first"
    assert "erased" not in last
    left = read_counted(store, old["run"]["run_id"]).to_pylist()
    assert [(row["campaign_id"], row["exchange_id"]) for row in left] == [(first["campaign_id"], "e1"), ("C-1", "e2")]


def test_a_dry_run_changes_nothing_and_counts_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = store_of(tmp_path)
    before = every_byte(store.folder)
    words = ["erase", CANARY, "--store", str(store.folder), "--json"]
    assert run([*words, "--dry-run"]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert every_byte(store.folder) == before
    assert run(words) == 0
    wet = json.loads(capsys.readouterr().out)
    ignored = {"dry_run", "epochs_noted"}
    assert {k: v for k, v in dry.items() if k not in ignored} == {k: v for k, v in wet.items() if k not in ignored}
    assert run(words) == 0
    again = json.loads(capsys.readouterr().out)
    assert not any(again[kind] for kind in ("exchanges", "accounts", "permissions", "quarantine", "members", "files"))


def test_old_logs_do_not_bring_it_back_and_new_ones_are_read(tmp_path: Path) -> None:
    """A list without an end would let an operator be erased and go on unseen."""
    store = store_of(tmp_path)
    erase(store, CANARY)
    report = ingest_sources([tmp_path / "logs" / "exchanges.jsonl"], store.folder)
    assert report.suppressed == 20 and report.unsuppressed == 0
    report = ingest_sources([tmp_path / "logs" / "permissions.jsonl"], store.folder)
    assert report.suppressed == 1
    assert CANARY.encode() not in every_byte(store.folder)
    later = int(datetime.now(UTC).timestamp()) + 3600
    ingest_sources([write(tmp_path / "later", [exchange(90, CANARY, asked_at=later)])], store.folder)
    assert [row["exchange_id"] for row in rows_of(store.folder, "exchanges") if row["account_id"] == CANARY] == ["e90"]


def test_the_list_holds_no_id_and_needs_the_key(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    erase(store, CANARY)
    (noted,) = (path for path in (store.folder / "erased").rglob("*") if path.is_file())
    assert CANARY not in noted.name and len(noted.name) == 32
    assert list(json.loads(noted.read_text())) == ["before"]
    rotate(store, retention=0)
    assert ingest_sources([tmp_path / "logs"], store.folder).suppressed > 0, "the earlier epoch's key is at hand"
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(b"k" * 32)
    rotate(Store.open(store.folder), tmp_path / "key", retention=0)
    (tmp_path / "xdg").rename(tmp_path / "gone")
    report = ingest_sources([tmp_path / "logs"], store.folder, key_file=tmp_path / "key")
    assert report.unsuppressed == 1 and report.suppressed == 0


@pytest.mark.parametrize("given", ["id", "pseudonym"])
def test_a_pseudonymous_store(tmp_path: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = store_of(tmp_path, pseudonymous=True)
    run(["pseudonym", CANARY, "--store", str(store.folder)])
    hidden = capsys.readouterr().out.strip()
    assert hidden.encode() in every_byte(store.folder)
    told = erase(Store.open(store.folder), CANARY if given == "id" else hidden)
    assert told.exchanges == 20 and told.accounts == 1
    assert hidden.encode() not in every_byte(store.folder)
    assert ingest_sources([tmp_path / "logs" / "exchanges.jsonl"], store.folder).suppressed == 20


def test_without_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has lost the key can still erase, but is told what that does not reach."""
    plain, hidden = store_of(tmp_path / "a"), store_of(tmp_path / "b", pseudonymous=True)
    (tmp_path / "xdg").rename(tmp_path / "gone")
    assert run(["erase", CANARY, "--store", str(plain.folder)]) == 0
    assert "no key is at hand" in capsys.readouterr().err
    assert traces(plain.folder) == []
    with pytest.raises(UsageError, match="pseudonym"):
        erase(Store.open(hidden.folder), CANARY)


def test_all_epochs_are_erased_from(tmp_path: Path) -> None:
    store = store_of(tmp_path, pseudonymous=True)
    rotate(store, retention=0)
    ingest_sources([tmp_path / "logs"], store.folder)
    told = erase(Store.open(store.folder), CANARY)
    assert told.exchanges == 40 and told.epochs_noted == 2 and len(told.names) == 3
    assert ingest_sources([tmp_path / "logs" / "exchanges.jsonl"], store.folder).suppressed == 20


def test_an_id_of_a_letter_changes_no_sentence(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    write_run(store, {"run": {"run_id": ""}, "campaigns": [finding("group", "a", "b"), finding("group", "b")]})
    erase(store, "a")
    assert read_run(store)["campaigns"][0]["evidence"]["terms"][0]["because"] == "a came first"


@pytest.mark.parametrize("name", ["group", "content", "because", "C-1"])
def test_an_id_that_is_spelled_like_a_word_of_ours_breaks_no_run(tmp_path: Path, name: str) -> None:
    store = Store.create(tmp_path / "s")
    kept = finding("group", "b") | {"found_by": ["content"], "pathways": {"content": 1.0}}
    write_run(store, {"run": {"run_id": ""}, "campaigns": [kept]})
    write_run(store, {"run": {"run_id": ""}, "campaigns": [kept | finding("group", name, "b")]})
    erase(store, name)
    assert read_run(store)["campaigns"][0]["found_by"] == ["content"]
    assert read_run(store)["campaigns"][0]["kind"] == "group"
    assert [m["account_id"] for m in read_run(store)["campaigns"][0]["members"]] == ["b"]


def test_a_file_that_is_named_after_it_is_not_named_in_quarantine(tmp_path: Path) -> None:
    broken = exchange(1) | {"input_tokens": -1, "exchange_id": "other"}
    logs = write(tmp_path / CANARY, [exchange(2), broken])
    (logs / "exchanges.jsonl").rename(logs / f"{CANARY}.jsonl")
    ingest_sources([logs], tmp_path / "s")
    assert CANARY.encode() in every_byte(tmp_path / "s")
    assert erase(Store.open(tmp_path / "s"), CANARY, unknown=True).quarantine == 0
    assert CANARY.encode() not in every_byte(tmp_path / "s")
    (row,) = rows_of(tmp_path / "s", "quarantine")
    assert row["exchange_id"] == "other" and row["file"].endswith("erased.jsonl")


def test_what_cannot_be_erased(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with pytest.raises(UsageError, match="no account"):
        erase(store, "")
    (store.folder / "accounts").mkdir()
    (store.folder / "accounts" / "damaged.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="cannot be read"):
        erase(store, CANARY)


def killed(store: Path, step: str, time: int) -> bool:
    """Erase in a child that kills itself when it reaches a step that often; whether it was killed."""
    child = child_that_dies(step, time, lambda: erase(Store.open(store), CANARY))
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.parametrize("times", [(1, 4), pytest.param((2, 7), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_erase_is_repeated(tmp_path: Path, step: str, times: tuple[int, ...]) -> None:
    kills, whole = 0, store_of(tmp_path / "whole")
    for time in times:
        store = Store.open(Path(shutil.copytree(whole.folder, tmp_path / str(time))))
        others = {row["exchange_id"] for row in rows_of(store.folder, "exchanges") if row["account_id"] != CANARY}
        if not killed(store.folder, step, time):
            assert traces(store.folder) == []
            continue
        kills += 1
        assert others <= {row["exchange_id"] for row in rows_of(store.folder, "exchanges")}, "nobody else is lost"
        Store.open(store.folder).quarantined()
        read_run(store)
        erase(Store.open(store.folder), CANARY)
        assert traces(store.folder) == []
        left = [row["exchange_id"] for row in rows_of(store.folder, "exchanges")]
        assert sorted(left) == sorted(others), "nothing is doubled"
        assert [row["exchange_id"] for row in rows_of(store.folder, "quarantine")] == ["e61"]
    print(f"{step}: {kills} kills")
    assert kills


def test_lists_follow_their_findings_one_to_one_also_after_a_kill(tmp_path: Path) -> None:
    """Two findings lose one account; the smaller one's others stand in the larger one as well."""
    store = Store.create(tmp_path / "s")
    small, large = finding("group", CANARY, "acct_1"), finding("group", CANARY, "acct_1", "acct_2")
    rows = [("C-2", "e1", "acct_1"), ("C-2", "e0", CANARY), ("C-3", "e1", "acct_1"), ("C-3", "e2", "acct_2")]
    folder = write_run(store, {"run": {"run_id": ""}, "campaigns": [small, large]}, listed(*rows))
    before = (folder / "exchanges.parquet").read_bytes()
    erase(store, CANARY)
    for _ in range(2):
        answer = json.loads((folder / "campaigns.json").read_text())
        names = [found["campaign_id"] for found in answer["campaigns"]]
        left = read_counted(store, folder.name).to_pylist()
        assert [(row["campaign_id"], row["exchange_id"]) for row in left] == [
            (names[0], "e1"), (names[1], "e1"), (names[1], "e2"),
        ]  # fmt: skip
        (folder / "exchanges.parquet").write_bytes(before)  # as a kill between the two files leaves it
        erase(store, CANARY)


@pytest.mark.parametrize("held", [None, "[]", '{"campaigns": 1}'])
def test_a_run_folder_that_is_not_whole_stops_no_erase(tmp_path: Path, held: str | None) -> None:
    store = store_of(tmp_path)
    first = min((store.folder / "runs").glob("*/exchanges.parquet")).parent
    (first / "campaigns.json").unlink()
    if held is not None:
        (first / "campaigns.json").write_text(held)
    (first / "notes.json").write_text('{"seen": true}')
    assert erase(store, CANARY).exchanges == 20
    assert CANARY.encode() not in every_byte(store.folder)


def test_what_exceeded_a_permission_of_an_erased_account_goes_with_it(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    alone, shared = finding("excess", CANARY), finding("excess", CANARY, "acct_1") | {"campaign_id": "X-1"}
    shared["evidence"]["alternatives"] = [{"name": "permission", "for": f"contract of {CANARY}", "against": ""}]
    write_run(store, {"run": {"run_id": ""}, "campaigns": [alone, shared]}, listed(("X-1", "e1", "acct_1")))
    erase(store, CANARY)
    (left,) = read_run(store)["campaigns"]
    assert left["campaign_id"].startswith("X-") and left["campaign_id"] != "X-1"
    assert traces(store.folder) == []


@pytest.mark.parametrize("model", ["m", CANARY])
def test_an_account_that_anothers_permission_names_among_its_models_is_erased(tmp_path: Path, model: str) -> None:
    """A model that the store has exchanges of is a model, whatever else is called so."""
    exchanges = [exchange(n, CANARY if n % 2 else "acct_1") | {"model_requested": model} for n in range(6)]
    granted = [{"account_id": "acct_1", "purpose": "research", "reference": "r", "models": ["m", CANARY]}]
    ingest_sources([write(tmp_path / "logs", exchanges, permissions=granted)], tmp_path / "s")
    store = Store.open(tmp_path / "s")
    assert erase(store, CANARY).exchanges == 3
    (path,) = (store.folder / "permissions").glob("*.parquet")
    (row,) = pq.read_table(path).to_pylist()
    assert row["models"] == ["m", CANARY if model == CANARY else "erased"]
