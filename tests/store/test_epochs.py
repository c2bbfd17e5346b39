"""Each epoch has a secret of its own: begun, moved, shared by a user's stores, and destroyed without harm to others."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.cli import run
from stillwatch.errors import StoreError, UsageError
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store import files, keyring
from stillwatch.store.epochs import destroy_epoch, rotate, states
from stillwatch.store.erase import erase
from stillwatch.store.exchanges import write_exchanges
from stillwatch.store.store import Store
from stillwatch.tables import SKETCH_SCHEME
from tests.store.logs import exchange, rows_of, write
from tests.store.sketched import Row, batch, names, settled, table

pytestmark = pytest.mark.slow

HASHED = ("row_hash", "param_fp", "exact", "skeleton", "head", "tail", "minhash")


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


def secret_file(path: Path, letter: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(letter * 32)
    return path


def version_1(folder: Path, secret: bytes) -> Store:
    """A store as version 1 left it: the key inside, exchanges below their day alone."""
    (folder / "keys").mkdir(parents=True, mode=0o700)
    secret_file(folder / "keys" / "secret", secret)
    fingerprint = hashlib.blake2b(b"stillwatch/fingerprint/0", digest_size=32, key=secret * 32).digest()[:8].hex()
    (folder / "store.json").write_text(json.dumps({"stillwatch_store": 1, "key": fingerprint}))
    return Store.open(folder)


# ---------------------------------------------------------------------------------------------------- version 1


def test_a_store_of_version_1_is_read_as_it_was_and_goes_on_in_a_new_epoch(tmp_path: Path) -> None:
    store = version_1(tmp_path / "s", b"k")
    assert store.sketch_key() == hashlib.blake2b(b"stillwatch/sketch/1", digest_size=32, key=b"k" * 32).digest()
    store.add_exchanges(batch([("x", 0, "a")]))
    assert [path.name for path in (store.folder / "exchanges").iterdir()] == ["day=2026-06-01"]
    before = names(store.folder)
    with pytest.raises(StoreError, match="keys rotate"):
        Store.create(store.folder)
    assert names(store.folder) == before and settled(store.folder) == ([("x", 0, "a")], 0)
    rotate(Store.open(store.folder), retention=0)
    assert Store.create(store.folder).add_exchanges(batch([("y", 1, "b")])) == 1
    assert settled(store.folder) == ([("x", 0, "a"), ("y", 1, "b")], 0)


def old_rows(rows: list[Row]) -> pa.Table:
    """Rows as scheme 1 wrote them: SimHashes of 64 bits, word pairs, and counts without end."""
    held = pa.Table.from_batches([batch(rows)])
    place = held.column_names.index("simhash")
    held = held.set_column(place, "simhash", pa.array([2**63 + 7] * len(rows), pa.uint64()))
    return held.append_column("bigrams", pa.array([[1, 2]] * len(rows), pa.list_(pa.uint32())))


def test_sketches_of_two_schemes_stand_in_two_epochs_and_are_read_together(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    write_exchanges(store.folder / "exchanges" / "epoch=1" / "day=2026-06-01", old_rows([("x", 0, "a"), ("z", 2, "c")]))
    held = json.loads((store.folder / "store.json").read_text())
    held["stillwatch_store"] = 2
    del held["epochs"][0]["sketch"]
    (store.folder / "store.json").write_text(json.dumps(held))
    with pytest.raises(StoreError, match="scheme 1"):
        ingest_sources([write(tmp_path / "logs", [exchange(1)])], store.folder)
    rotate(Store.open(store.folder), retention=0)
    assert [epoch.sketch for epoch in Store.open(store.folder).manifest.epochs] == [1, SKETCH_SCHEME]
    Store.create(store.folder).add_exchanges(batch([("x", 0, "a"), ("y", 1, "b")]))
    assert [row["simhash"] for row in table(store.folder, "exchanges", "exchange_id")] == [None, None, 7]
    told = {b["detector"] for b in detect(Store.open(store.folder)).answer["run"]["blind"]}
    assert "content between epochs" in told
    erase(Store.open(store.folder), "nobody", unknown=True)


def test_a_key_inside_a_store_is_moved_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = version_1(tmp_path / "s", b"k")
    source = write(tmp_path / "logs", [exchange(1)])
    assert run(["ingest", str(source), "--store", str(store.folder)]) == 1
    assert "stillwatch keys rotate --store" in capsys.readouterr().err
    rotate(store, retention=0)
    assert run(["ingest", str(source), "--store", str(store.folder)]) == 0
    assert "stillwatch keys move --store" in capsys.readouterr().err
    key = store.sketch_key()
    assert run(["keys", "move", "--store", str(store.folder)]) == 0
    assert not (store.folder / "keys").exists()
    assert Store.open(store.folder).keys_at_hand("sketch")[1] == key
    assert run(["ingest", str(source), "--store", str(store.folder)]) == 0
    assert "keys move" not in capsys.readouterr().err
    assert run(["keys", "move", "--store", str(store.folder)]) == 1


def test_a_key_inside_a_store_is_moved_to_a_file(tmp_path: Path) -> None:
    store, target = version_1(tmp_path / "s", b"k"), tmp_path / "safe" / "key"
    key = store.sketch_key()
    assert run(["keys", "move", "--store", str(store.folder), "--key-file", str(target)]) == 0
    assert target.read_bytes() == b"k" * 32
    assert Store.open(store.folder, target).sketch_key() == key


def test_a_move_does_not_overwrite_another_key(tmp_path: Path) -> None:
    store, other = version_1(tmp_path / "s", b"k"), secret_file(tmp_path / "other", b"o")
    with pytest.raises(StoreError, match="another key"):
        keyring.move_out(store.epoch, store.folder, other)
    assert other.read_bytes() == b"o" * 32 and store.key_beside_data


@pytest.mark.parametrize("step", ["key written", "key linked", "key marked", "key overwritten", "key removed"])
def test_a_killed_move_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    store = version_1(tmp_path / "s", b"k")
    key = store.sketch_key()
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(files, "reached", killer(step))
        keyring.move_out(store.epoch, store.folder)
    assert Store.open(store.folder).sketch_key() == key
    if store.key_beside_data:
        keyring.move_out(store.epoch, store.folder)
        assert [n for n in os.listdir(keyring.key_folder()) if not n.startswith(".")] == [store.epoch.key]
        assert not store.key_beside_data and Store.open(store.folder).sketch_key() == key


def killer(step: str) -> Callable[[str], None]:
    def reached(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    return reached


@pytest.mark.parametrize("step", ["folder", "key written", "key linked"])
def test_a_killed_making_of_a_key_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(files, "reached", killer(step))
        Store.create(tmp_path / "s")
    assert not (tmp_path / "s").exists(), "the key is on disk before the store"
    store = Store.create(tmp_path / "s")
    assert Store.create(tmp_path / "s").sketch_key() == store.sketch_key() == Store.create(tmp_path / "t").sketch_key()


def test_a_store_without_a_fingerprint_takes_the_key_inside_of_it(tmp_path: Path) -> None:
    """As stores were before the first release; the user's own key is another one."""
    Store.create(tmp_path / "new")
    store = version_1(tmp_path / "s", b"k")
    key = store.sketch_key()
    (store.folder / "store.json").write_text('{"stillwatch_store": 1}')
    assert Store.open(store.folder).sketch_key() == key


# ---------------------------------------------------------------------------------------------------- rotate


def test_rows_of_two_epochs_settle_to_the_newer(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    rows: list[Row] = [("x", 0, "a"), ("y", 1, "a"), ("y", 1, "b")]
    store.add_exchanges(batch(rows))
    rotate(store, retention=0)
    store = Store.open(store.folder)
    assert store.epoch.epoch == 2
    again: list[Row] = [("x", 0, "other hash"), ("z", 2, "a")]
    writer = store.exchange_writer()
    writer.add(batch(again))
    writer.flush()
    assert store.count_new(writer) == 1
    assert sorted(path.name for path in (store.folder / "exchanges").iterdir()) == ["epoch=1", "epoch=2"]
    found, conflicts = settled(store.folder)
    assert [row for row in found if row[0] != "y"] == sorted(again)
    assert conflicts == 1, "y came with two rows in one epoch; x with one row in each"


@pytest.mark.slow
def test_the_same_logs_in_two_epochs_share_no_hash_and_are_no_conflict(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", [exchange(n) for n in range(20)])
    ingest_sources([logs], tmp_path / "s")
    rotate(Store.open(tmp_path / "s"), retention=0)
    report = ingest_sources([logs], tmp_path / "s")
    assert (report.new, report.repeated) == (0, 20)
    for name in HASHED:
        one, two = ({row[name] for row in rows_of(tmp_path / "s", f"exchanges/epoch={n}")} for n in (1, 2))
        assert one and two and not one & two, name
    before = names(tmp_path / "s")
    assert ingest_sources([logs], tmp_path / "s").new == 0 and names(tmp_path / "s") == before
    answer = detect(Store.open(tmp_path / "s"))
    assert answer.conflicting == 0 and answer.answer["run"]["exchanges"] == 20
    assert not [b for b in answer.answer["run"]["blind"] if "epoch" in b["detector"]]


@pytest.mark.slow
def test_a_run_over_two_epochs_says_what_it_cannot_compare(tmp_path: Path) -> None:
    ingest_sources([write(tmp_path / "one", [exchange(n) for n in range(20)])], tmp_path / "s", pseudonymous=True)
    rotate(Store.open(tmp_path / "s"), retention=0)
    ingest_sources([write(tmp_path / "two", [exchange(n) for n in range(20, 40)])], tmp_path / "s")
    told = {b["detector"]: b["because"] for b in detect(Store.open(tmp_path / "s")).answer["run"]["blind"]}
    assert told["content between epochs"] == (
        "the period holds 2 key epochs; texts of different epochs cannot be compared"
    )
    assert {f"{name} between epochs" for name in ("work", "client/parameters", "client/tools", "accounts")} <= set(told)
    assert {row["account_id"][:7] for row in rows_of(tmp_path / "s", "exchanges")} == {"hmac:1:", "hmac:2:"}


def test_a_permission_that_is_read_in_two_epochs_is_one(tmp_path: Path) -> None:
    given = {"account_id": "acct_17", "purpose": "research", "reference": "r", "models": ["m"], "exchange_cap": 5}
    logs = write(tmp_path / "logs", [exchange(1)], permissions=[given])
    ingest_sources([logs], tmp_path / "s")
    rotate(Store.open(tmp_path / "s"), retention=0)
    ingest_sources([logs], tmp_path / "s")
    assert len(rows_of(tmp_path / "s", "permissions")) == 2
    from tests.store.sketched import table

    assert len(table(tmp_path / "s", "permissions", "reference")) == 1


def test_an_epoch_shorter_than_the_retention_is_not_ended(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.add_exchanges(batch([("x", 0, "a"), ("y", 24 * 9, "a")]))
    with pytest.raises(UsageError, match="too short") as told:
        rotate(store)
    assert "10 days" in str(told.value) and "--retention 10" in str(told.value)
    assert rotate(store, retention=10).epoch == 2
    assert rotate(Store.open(store.folder)).epoch == 3, "an epoch without data has nothing to lose"


def test_stores_of_one_user_share_their_epochs(tmp_path: Path) -> None:
    one, two = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    rotate(one, retention=0)
    assert Store.create(tmp_path / "c").sketch_key() == Store.open(one.folder).sketch_key() != two.sketch_key()
    rotate(two, retention=0)
    assert Store.open(two.folder).sketch_key() == Store.open(one.folder).sketch_key()


def test_a_store_whose_key_is_lost_goes_on_in_another_epoch(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", secret_file(tmp_path / "key", b"k"))
    (tmp_path / "key").unlink()
    next_key = secret_file(tmp_path / "next", b"n")
    rotate(Store.open(store.folder), next_key)
    assert Store.create(store.folder, next_key).epoch.epoch == 2


def test_a_key_begins_one_epoch_only(tmp_path: Path) -> None:
    key = secret_file(tmp_path / "key", b"k")
    store = Store.create(tmp_path / "s", key)
    with pytest.raises(UsageError, match="has an epoch already"):
        rotate(store, key)


def test_a_key_file_named_by_the_environment_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(secret_file(tmp_path / "key", b"k")))
    logs = write(tmp_path / "logs", [exchange(1)])
    assert run(["ingest", str(logs), "--store", str(tmp_path / "s")]) == 0
    assert not keyring.key_folder().exists()
    assert Store.open(tmp_path / "s", tmp_path / "key").sketch_key()


# ---------------------------------------------------------------------------------------------------- destroy


def two_epochs(folder: Path) -> Store:
    logs = write(folder / "logs", [exchange(n) for n in range(5)])
    ingest_sources([logs], folder / "s", pseudonymous=True)
    rotate(Store.open(folder / "s"), retention=0)
    ingest_sources([logs], folder / "s")
    return Store.open(folder / "s")


@pytest.mark.slow
def test_a_destroyed_epoch_has_no_key_and_the_others_are_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = two_epochs(tmp_path)
    first, second = keyring.key_folder() / "epoch-1", keyring.key_folder() / "epoch-2"
    secret, kept, before = first.read_bytes(), second.read_bytes(), names(store.folder)
    assert run(["pseudonym", "acct_17", "--store", str(store.folder)]) == 0
    assert len(capsys.readouterr().out.split()) == 2
    started = time.monotonic()
    assert destroy_epoch(store, 1) == [str(first)]
    seconds = time.monotonic() - started
    assert seconds < 1
    assert sorted(os.listdir(keyring.key_folder())) == ["epoch-1.destroyed", "epoch-2"]
    assert second.read_bytes() == kept and names(store.folder) == before
    assert secret not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert run(["pseudonym", "acct_17", "--store", str(store.folder)]) == 0
    assert capsys.readouterr().out.startswith("hmac:2:")
    assert [state.state for state in states(Store.open(store.folder))] == ["destroyed", "current"]
    assert detect(Store.open(store.folder)).answer["run"]["exchanges"] == 5
    assert ingest_sources([tmp_path / "logs"], store.folder).new == 0


def test_the_number_of_a_destroyed_epoch_is_not_used_again(tmp_path: Path) -> None:
    store = two_epochs(tmp_path)
    other = Store.create(tmp_path / "other")
    destroy_epoch(store, 1)
    assert other.epoch.epoch == 2 and Store.create(tmp_path / "new").epoch.epoch == 2
    with pytest.raises(StoreError, match="destroyed"):
        keyring.users_secret(1)


def test_another_store_in_a_destroyed_epoch_is_told_how_to_go_on(tmp_path: Path) -> None:
    other = Store.create(tmp_path / "other")
    destroy_epoch(two_epochs(tmp_path), 1)
    with pytest.raises(StoreError, match="not at hand") as told:
        Store.create(other.folder)
    assert "keys rotate" in str(told.value)
    assert rotate(Store.open(other.folder)).epoch == 2


@pytest.mark.parametrize(("number", "message"), [(2, "is written in"), (7, "no such epoch")])
def test_what_cannot_be_destroyed(tmp_path: Path, number: int, message: str) -> None:
    store = two_epochs(tmp_path)
    with pytest.raises(UsageError, match=message):
        destroy_epoch(store, number)
    assert sorted(os.listdir(keyring.key_folder())) == ["epoch-1", "epoch-2"]


def test_a_key_that_is_elsewhere_is_not_called_destroyed(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", secret_file(tmp_path / "key", b"k"))
    rotate(store, retention=0)
    with pytest.raises(UsageError, match="no copy"):
        destroy_epoch(Store.open(store.folder), 1)
    assert destroy_epoch(Store.open(store.folder, tmp_path / "key"), 1) == [str(tmp_path / "key")]
    assert not (tmp_path / "key").exists()


def test_every_copy_is_destroyed(tmp_path: Path) -> None:
    """The copy inside of a store of version 1, the user's own of that version, and the one that was moved out."""
    store = version_1(tmp_path / "s", b"k")
    user = keyring.key_folder().parent
    keyring.create(user / "secret", b"k" * 32)
    keyring.create(keyring.key_folder() / store.epoch.key, b"k" * 32)
    (keyring.key_folder() / f".{store.epoch.key}.00ff.tmp").write_bytes(b"k" * 32)
    rotate(store, retention=0)
    assert len(destroy_epoch(Store.open(store.folder), 1)) == 3
    assert b"k" * 32 not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("step", ["draft", "renamed", "key marked", "key overwritten", "key removed"])
def test_a_killed_destroy_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    store = two_epochs(tmp_path)
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(files, "reached", killer(step))
        destroy_epoch(store, 1)
    (left,) = [state for state in states(Store.open(store.folder)) if state.epoch == 1]
    assert left.places or step == "key removed", "what is left of a key is named"
    destroy_epoch(Store.open(store.folder), 1)
    assert sorted(os.listdir(keyring.key_folder())) == ["epoch-1.destroyed", "epoch-2"]
    assert [state.state for state in states(Store.open(store.folder))] == ["destroyed", "current"]


def test_the_command_asks_before_it_destroys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(two_epochs(tmp_path).folder)
    assert run(["keys", "destroy", "1", "--store", store]) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(["keys", "destroy", "--store", store]) == 2
    assert run(["keys", "destroy", "1", "--store", store, "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "stillwatch/keys/v1"
    assert [(e["epoch"], e["state"], e["places"] != []) for e in told["epochs"]] == [
        (1, "destroyed", False), (2, "current", True),
    ]  # fmt: skip


def test_exchanges_of_an_epoch_that_is_not_listed_are_not_passed_over(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    before = (store.folder / "store.json").read_bytes()
    rotate(store)
    Store.open(store.folder).add_exchanges(batch([("x", 0, "a")]))
    (store.folder / "store.json").write_bytes(before)
    with pytest.raises(StoreError, match="does not list"):
        settled(store.folder)


def test_an_epoch_stands_beside_the_columns_of_an_empty_store(tmp_path: Path) -> None:
    from stillwatch.engine.duckdb import DuckEngine

    with DuckEngine() as engine:
        Store.create(tmp_path / "s").register(engine)
        assert engine.arrow("SELECT epoch FROM exchanges").schema.field("epoch").type == pa.int32()
