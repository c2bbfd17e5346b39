"""Keys are made once, kept apart, and never swapped; a store is a folder that says so."""

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from stillwatch.errors import StoreError
from stillwatch.store import files, keys
from stillwatch.store.store import Store


def test_a_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    path = store.folder / "keys" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.read_bytes()) == 32


def test_two_makers_get_one_secret(tmp_path: Path) -> None:
    found: list[bytes] = []
    makers = [threading.Thread(target=lambda: found.append(keys.load_or_create(tmp_path / "keys"))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert os.listdir(tmp_path / "keys") == ["secret"]


def test_purposes_and_epochs_have_their_own_keys() -> None:
    secret = bytes(32)
    made = {keys.derived(secret, purpose, epoch) for purpose in ("sketch", "row") for epoch in (1, 2)}
    assert len(made) == 4 and all(len(key) == 32 for key in made)
    assert keys.derived(secret, "sketch") == keys.derived(secret, "sketch", 1)


def test_a_lost_key_is_an_error_and_not_a_new_key(tmp_path: Path) -> None:
    """Sketches under two keys could not be compared, and nothing would say so."""
    store = Store.create(tmp_path / "s")
    shutil.rmtree(store.folder / "keys")
    for make in (Store.create, Store.open):
        with pytest.raises(StoreError, match="key"):
            make(store.folder).sketch_key()
    Store.open(store.folder).quarantined()


def test_another_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"\x01" * 32)
    (tmp_path / "two").write_text("02" * 32 + "\n")
    store = Store.create(tmp_path / "s", tmp_path / "one")
    assert not (store.folder / "keys").exists()
    assert Store.open(store.folder, tmp_path / "one").sketch_key() == store.sketch_key()
    for other in (tmp_path / "two", None):
        with pytest.raises(StoreError, match="key"):
            Store.create(store.folder, other)


def test_a_key_in_hexadecimal_is_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(range(32)))
    (tmp_path / "hex").write_text(bytes(range(32)).hex())
    assert keys.read_secret(tmp_path / "raw") == keys.read_secret(tmp_path / "hex")


@pytest.mark.parametrize("held", [b"", b"short", b"z" * 64, b"0" * 63, b"\xff" * 64])
def test_a_damaged_key_is_not_quoted(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "key").write_bytes(held)
    with pytest.raises(StoreError) as caught:
        keys.read_secret(tmp_path / "key")
    assert "zzz" not in str(caught.value) and "000" not in str(caught.value)


def test_folders_that_are_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        Store.open(tmp_path / "missing")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(StoreError, match="other content"):
        Store.create(tmp_path / "photos")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        Store.create(tmp_path / "file")
    store = Store.create(tmp_path / "s")
    for manifest in ("", "[]", "{}", '{"stillwatch_store": 99, "key": ""}', "\x00"):
        (store.folder / "store.json").write_text(manifest)
        with pytest.raises(StoreError):
            Store.open(store.folder)


def test_a_disk_that_refuses_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StoreError, match="Input/output error"):
        files.write_whole(tmp_path / "a", b"data")
    assert os.listdir(tmp_path) == []


def test_old_drafts_are_removed_and_young_ones_are_not(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    for name, age in ((".old.tmp", files.STALE + 60), (".young.tmp", 60)):
        path = store.folder / "exchanges" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    Store.create(store.folder)
    assert os.listdir(store.folder / "exchanges") == [".young.tmp"]


def test_stores_of_one_user_share_a_secret_and_can_be_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "one"))
    first, second = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    assert first.sketch_key() == second.sketch_key()
    assert stat.S_IMODE((tmp_path / "one" / "stillwatch" / "secret").stat().st_mode) == 0o600
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "two"))
    assert Store.create(tmp_path / "c").sketch_key() != first.sketch_key()


def test_a_user_without_a_data_folder_gets_a_secret_for_each_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert Store.create(tmp_path / "a").sketch_key() != Store.create(tmp_path / "b").sketch_key()
