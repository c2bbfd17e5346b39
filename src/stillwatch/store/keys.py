"""Keys of a store, apart from its data: one secret, from which a key is derived for each purpose and epoch.

Without the secret nobody can tell whether a guessed prompt is in the store. Keep the folder `keys/` on another disk or
in another backup than the data, or give a key file of your own; whoever has both can test guesses. A store remembers a
fingerprint of its secret, since sketches under two secrets cannot be compared: a lost or another key is an error.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from stillwatch.errors import StoreError
from stillwatch.store.files import make_folder, sync_folder

SECRET_BYTES = 32
EPOCH = 1


def load_or_create(folder: Path) -> bytes:
    """The secret of a new store: this user's, so that all of the user's stores can be compared and answer alike.

    It is written whole or not at all, readable by its owner only. Of two processes that make one at the same time,
    both get the secret of the first.
    """
    path = secret_path(folder)
    if not path.exists():
        try:
            _create(path, users_secret())
        except OSError as error:
            raise StoreError(f"the key cannot be written ({error.strerror})", where=str(path)) from error
    return read_secret(path)


def users_secret() -> bytes:
    """This user's secret, made at first use in the user's data folder (XDG Base Directory Specification).

    Where that folder cannot be written, a new one each time: stores then cannot be compared, and nothing else changes.
    """
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    path = secret_path(Path(base) / "stillwatch")
    with contextlib.suppress(OSError):
        if not path.exists():
            _create(path, secrets.token_bytes(SECRET_BYTES))
        return read_secret(path)
    return secrets.token_bytes(SECRET_BYTES)


def secret_path(folder: Path) -> Path:
    """Where the secret stands in a folder of keys."""
    return folder / "secret"


def _create(path: Path, secret: bytes) -> None:
    make_folder(path.parent, 0o700)
    draft = path.parent / f".secret.{secrets.token_hex(6)}.tmp"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    sync_folder(path.parent)


def read_secret(path: Path) -> bytes:
    """The secret in a file: 32 bytes, or 64 hexadecimal digits. Raises StoreError where it is missing or other."""
    try:
        with path.open("rb") as file:
            held = file.read(1024)
    except OSError as error:
        raise StoreError(f"the key cannot be read ({error.strerror})", where=str(path)) from error
    if len(held) == SECRET_BYTES:
        return held
    try:
        secret = bytes.fromhex(held.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        wanted = f"{SECRET_BYTES} bytes, or {2 * SECRET_BYTES} hexadecimal digits"
        raise StoreError("damaged key", where=str(path), found=f"{len(held)} bytes", wanted=wanted)
    return secret


def derived(secret: bytes, purpose: str, epoch: int = EPOCH) -> bytes:
    """A 32-byte key for one purpose and epoch: keyed BLAKE2b (RFC 7693) of both."""
    return hashlib.blake2b(f"stillwatch/{purpose}/{epoch}".encode(), digest_size=32, key=secret).digest()


def fingerprint(secret: bytes) -> str:
    """What a store remembers of its secret: 16 hexadecimal digits that tell nothing of it."""
    return derived(secret, "fingerprint", 0)[:8].hex()
