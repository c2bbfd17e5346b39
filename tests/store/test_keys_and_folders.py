"""Keys are made once, kept apart, and never swapped; a store is a folder that says so."""

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from stillwatch.errors import StoreError
from stillwatch.store import files, keyring, keys
from stillwatch.store.store import Store


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


def private(path: Path, held: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(held)
    return path


RFC_5869 = [  # appendix A.1, A.2 and A.3: secret, salt, info, length, output
    (
        b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)), 82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
        "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        b"\x0b" * 22, b"", b"", 42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("secret", "salt", "info", "length", "output"), RFC_5869)
def test_hkdf_gives_the_published_outputs(secret: bytes, salt: bytes, info: bytes, length: int, output: str) -> None:
    assert keys.hkdf(secret, info, salt, length).hex() == output


def test_hkdf_gives_no_more_than_it_may() -> None:
    assert len(keys.hkdf(b"s", b"", b"", 255 * 32)) == 255 * 32
    with pytest.raises(ValueError):
        keys.hkdf(b"s", b"", b"", 255 * 32 + 1)


def test_a_secret_is_apart_from_the_data_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    path = keyring.key_folder() / "epoch-1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    secret = path.read_bytes()
    assert len(secret) == 32
    assert sorted(os.listdir(store.folder)) == ["store.json"]
    assert secret not in (store.folder / "store.json").read_bytes()
    assert secret.hex() not in (store.folder / "store.json").read_text()


def test_two_makers_get_one_secret(tmp_path: Path) -> None:
    found: list[bytes] = []
    makers = [threading.Thread(target=lambda: found.append(keyring.users_secret(1))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert os.listdir(keyring.key_folder()) == ["epoch-1"]


def test_purposes_epochs_tenants_and_schemes_have_their_own_keys() -> None:
    secret = bytes(32)
    made = {
        keys.derived(secret, purpose, epoch, scheme)
        for purpose in ("sketch", "row")
        for epoch in (1, 2)
        for scheme in (keys.HKDF, keys.BLAKE2B)
    }
    assert len(made) == 8 and all(len(key) == 32 for key in made)
    assert keys.derived(secret, "sketch", 1, tenant="other") not in made


def test_a_lost_key_is_an_error_and_not_a_new_key(tmp_path: Path) -> None:
    """Sketches under two keys could not be compared, and nothing would say so."""
    store = Store.create(tmp_path / "s")
    shutil.rmtree(keyring.key_folder())
    for make in (Store.create, Store.open):
        with pytest.raises(StoreError, match="not at hand") as told:
            make(store.folder).sketch_key()
        assert "keys rotate" in str(told.value) and "--key-file" in str(told.value)
    Store.open(store.folder).quarantined()


def test_another_key_is_refused(tmp_path: Path) -> None:
    one, two = private(tmp_path / "one", b"\x01" * 32), private(tmp_path / "two", b"02" * 32 + b"\n")
    store = Store.create(tmp_path / "s", one)
    assert not keyring.key_folder().exists()
    assert Store.open(store.folder, one).sketch_key() == store.sketch_key()
    for other in (two, None):
        with pytest.raises(StoreError, match="key"):
            Store.create(store.folder, other)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "key", bytes(32))
    path.chmod(mode)
    with pytest.raises(StoreError, match="others may read") as told:
        Store.create(tmp_path / "s", path)
    assert f"chmod 600 {path}" in str(told.value)


def test_a_key_that_another_user_owns_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that a cluster mounts belong to root and are often readable by a group."""
    path = private(tmp_path / "key", bytes(32))
    path.chmod(0o440)
    monkeypatch.setattr(keys.os, "getuid", lambda: path.stat().st_uid + 1)
    assert keys.read_secret(path) == bytes(32)


def test_a_key_in_hexadecimal_is_the_same_key(tmp_path: Path) -> None:
    raw, digits = (
        private(tmp_path / "raw", bytes(range(32))),
        private(tmp_path / "hex", bytes(range(32)).hex().encode()),
    )
    assert keys.read_secret(raw) == keys.read_secret(digits)


@pytest.mark.parametrize("held", [b"", b"short", b"z" * 64, b"0" * 63, b"\xff" * 64])
def test_a_damaged_key_is_not_quoted(tmp_path: Path, held: bytes) -> None:
    private(tmp_path / "key", held)
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
    for manifest in (
        "", "[]", "{}", '{"stillwatch_store": 99, "key": ""}', "\x00", '{"stillwatch_store": 2}',
        '{"stillwatch_store": 2, "epochs": []}', '{"stillwatch_store": 2, "epochs": [1]}',
    ):  # fmt: skip
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
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "two"))
    assert Store.create(tmp_path / "c").sketch_key() != first.sketch_key()


def test_a_user_without_a_data_folder_is_told_to_give_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="STILLWATCH_KEY_FILE"):
        Store.create(tmp_path / "a")
    assert not (tmp_path / "a").exists()
