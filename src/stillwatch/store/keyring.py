"""Where secrets stand: in the user's key folder or a file that the user names, never beside the data.

The key folder is `stillwatch/keys` in the user's data folder (XDG Base Directory Specification): `epoch-<n>` for each
epoch, which all stores of the user share, so that the same events give the same bytes in any of them; and
`<fingerprint>` for secrets that were moved out of a store. A destroyed epoch leaves `epoch-<n>.destroyed`, so that its
number is never used again.
"""

import contextlib
import os
import re
import secrets
from pathlib import Path

from stillwatch.errors import StoreError
from stillwatch.store import files
from stillwatch.store.files import make_folder, sync_folder
from stillwatch.store.keys import SECRET_BYTES, fingerprint, read_secret
from stillwatch.store.manifest import Epoch

_DESTROYED = ".destroyed"


def key_folder() -> Path:
    """The user's key folder, which may not be there yet."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base) / "stillwatch" / "keys"


def beside_the_data(store: Path) -> Path:
    """Where stores of version 1 kept a copy of their secret."""
    return store / "keys" / "secret"


def newest_epoch(after: int = 0) -> int:
    """The epoch that a store of this user begins now, or goes on to from the epoch `after`.

    The newest one that another store has begun, where that is later than `after`; else a number that is not used yet.
    """
    live: set[int] = set()
    gone: set[int] = set()
    with contextlib.suppress(OSError):
        for path in key_folder().iterdir():
            if match := re.fullmatch(r"epoch-([0-9]{1,9})(\.destroyed)?", path.name):
                (gone if match[2] else live).add(int(match[1]))
    newest = max(live - gone, default=0)
    return newest if newest > after else max(live | gone | {after}) + 1


def users_secret(epoch: int) -> bytes:
    """This user's secret of an epoch, made at first use: of processes that make it at once all get the first one's.

    Raises StoreError where the key folder cannot be written, or where that epoch was destroyed.
    """
    path = key_folder() / f"epoch-{epoch}"
    try:
        if not path.exists():
            if path.with_name(path.name + _DESTROYED).exists():
                raise StoreError(f"the key of epoch {epoch} was destroyed", where=str(path))
            create(path, secrets.token_bytes(SECRET_BYTES))
    except OSError as error:
        raise StoreError(
            f"the key cannot be written ({error.strerror})", where=str(path),
            next_step="name a file with 32 random bytes by --key-file or STILLWATCH_KEY_FILE",
        ) from error  # fmt: skip
    return read_secret(path)


def begun(number: int, key_file: Path | None = None) -> Epoch:
    """A new epoch of a store: under a file's secret as its first or next, or under the user's of this number.

    Raises StoreError where the secret cannot be read or made.
    """
    return Epoch(number, fingerprint(read_secret(key_file) if key_file else users_secret(number)))


def create(path: Path, secret: bytes) -> None:
    """Write a secret whole or not at all, readable by its owner only; one that is there stays. Raises OSError."""
    make_folder(path.parent, 0o700)
    draft = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    files.reached("key written")
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    files.reached("key linked")
    draft.unlink()
    sync_folder(path.parent)


def places(epoch: Epoch, store: Path, key_file: Path | None = None) -> list[Path]:
    """Where a secret of this epoch is looked for, in this order."""
    # Stores made before the first release have no fingerprint, and their key is the one inside.
    user = [key_folder() / epoch.key, key_folder() / f"epoch-{epoch.epoch}"] if epoch.key else []
    return [*([key_file] if key_file else []), *user, beside_the_data(store)]


def copies(epoch: Epoch, store: Path, key_file: Path | None = None) -> list[Path]:
    """The files that hold this epoch's secret. Others in the same places, and files that cannot be read, are not."""
    held: list[Path] = []
    for path in [*places(epoch, store, key_file), key_folder().parent / "secret"]:  # the last: the user's in version 1
        with contextlib.suppress(StoreError):
            if fingerprint(read_secret(path)) == epoch.key and path not in held:
                held.append(path)
    return held


def half_destroyed(epoch: Epoch, store: Path) -> list[Path]:
    """Files that a killed `destroy` has marked, and perhaps overwritten, but not removed."""
    return [p for p in places(epoch, store) if p.exists() and p.with_name(p.name + _DESTROYED).exists()]


def find(epoch: Epoch, store: Path, key_file: Path | None = None) -> bytes:
    """The secret of an epoch. Raises StoreError where it is lost, destroyed, or another than the one it began with."""
    if epoch.destroyed:
        raise StoreError(f"the key of epoch {epoch.epoch} was destroyed", where=str(store))
    looked = [key_file] if key_file else [p for p in places(epoch, store) if p.exists()]
    for path in looked:
        secret = read_secret(path)
        if epoch.key in ("", fingerprint(secret)):
            return secret
    raise _other_key(epoch, store, looked) if looked else _lost_key(epoch, store)


def _lost_key(epoch: Epoch, store: Path) -> StoreError:
    return StoreError(
        f"the key of epoch {epoch.epoch} is not at hand", where=str(store),
        found=f"none in {key_folder()}", wanted=f"the key with fingerprint {epoch.key}", next_step=_goes_on(store),
    )  # fmt: skip


def _other_key(epoch: Epoch, store: Path, looked: list[Path]) -> StoreError:
    return StoreError(
        f"not the key of this store's epoch {epoch.epoch}", where=", ".join(map(str, looked)),
        wanted=f"the key with fingerprint {epoch.key}", next_step=_goes_on(store),
    )  # fmt: skip


def _goes_on(store: Path) -> str:
    return (
        f"give that key with --key-file. Without it detect, campaigns and show still work, and `stillwatch keys rotate "
        f"--store {store} --retention 0` begins an epoch with a new key, whose texts are not compared with earlier ones"
    )


def destroy(path: Path) -> None:
    """Overwrite a secret with random bytes, then remove its file; in the key folder a mark stays. Raises StoreError.

    What this cannot promise: a solid-state disk, a copy-on-write file system, a snapshot or a backup may hold the old
    bytes still. Where that matters keep keys on a volume that is encrypted under a key which can itself be destroyed.
    """
    try:
        if path.parent == key_folder() and not path.name.endswith(_DESTROYED):
            path.with_name(path.name + _DESTROYED).touch(0o600)
            sync_folder(path.parent)
        files.reached("key marked")
        for copy in [*path.parent.glob(f".{path.name}.*.tmp"), path]:  # the former: drafts that a kill left
            _overwrite(copy)
            files.reached("key overwritten")
            copy.unlink()
            files.reached("key removed")
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"the key cannot be destroyed ({error.strerror})", where=str(path)) from error


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(max(SECRET_BYTES, os.fstat(file.fileno()).st_size)))
        file.flush()
        os.fsync(file.fileno())


def move_out(epoch: Epoch, store: Path, to: Path | None = None) -> Path:
    """Bring a secret from beside the data to the user's key folder, or to a file: where it stands now.

    Killed at any point, the secret is in one of both places at least, and a repeat completes. Raises StoreError.
    """
    inside = beside_the_data(store)
    if not inside.exists():
        raise StoreError(
            "no key lies beside the data", where=str(store), next_step=f"stillwatch keys show --store {store}"
        )
    target = to or key_folder() / (epoch.key or fingerprint(read_secret(inside)))
    if target not in copies(epoch, store, to):  # else a killed move has overwritten the one inside
        _copy(read_secret(inside), target)
    destroy(inside)
    with contextlib.suppress(OSError):
        inside.parent.rmdir()
        sync_folder(store)
    return target


def _copy(secret: bytes, target: Path) -> None:
    try:
        create(target, secret)
    except OSError as error:
        raise StoreError(f"the key cannot be written ({error.strerror})", where=str(target)) from error
    if read_secret(target) != secret:
        raise StoreError("another key is there", where=str(target), next_step="name another file with --key-file")
