"""Keys of a store, apart from its data: one secret, from which a key is derived for each purpose and epoch.

Without the secret nobody can tell whether a guessed prompt is in the store. Keep the folder `keys/` on another disk or
in another backup than the data; whoever has both can test guesses.
"""

import hashlib
import os
import secrets
from pathlib import Path

from stillwatch.errors import StoreError

SECRET_BYTES = 32
EPOCH = 1


def load_or_create(folder: Path) -> bytes:
    """The store's secret. A new one is written whole or not at all, readable by its owner only."""
    path = folder / "secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".secret.{secrets.token_hex(6)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """The secret in a file. Raises StoreError where it is missing or of another length."""
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise StoreError(f"the key cannot be read ({error.strerror})", where=str(path)) from error
    if len(secret) != SECRET_BYTES:
        raise StoreError("damaged key", where=str(path), found=f"{len(secret)} bytes", wanted=f"{SECRET_BYTES} bytes")
    return secret


def derived(secret: bytes, purpose: str, epoch: int = EPOCH) -> bytes:
    """A 32-byte key for one purpose and epoch: keyed BLAKE2b (RFC 7693) of both."""
    return hashlib.blake2b(f"stillwatch/{purpose}/{epoch}".encode(), digest_size=32, key=secret).digest()
