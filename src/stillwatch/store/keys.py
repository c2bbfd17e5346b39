"""Keys of a store: one random secret an epoch, from which a key is derived for each tenant and purpose (RFC 5869).

Without an epoch's secret nobody can tell whether a guessed prompt is among its sketches. Each epoch has a secret of its
own, and no secret gives another: so one epoch can be destroyed and the others stay. Where secrets stand is the matter
of `keyring.py`; a store remembers a fingerprint of each, since sketches under two secrets cannot be compared.
"""

import hashlib
import hmac
import os
import stat
from pathlib import Path

from stillwatch.errors import StoreError

SECRET_BYTES = 32
TENANT = "local"
"""The tenant of a store that is used by one provider alone."""

HKDF, BLAKE2B = "hkdf", "blake2b"
"""How keys are derived: by HKDF; by keyed BLAKE2b in epochs that were begun before there were epochs."""

_HASH_BYTES = 32


def hkdf(secret: bytes, info: bytes, salt: bytes = b"", length: int = SECRET_BYTES) -> bytes:
    """HKDF with SHA-256: extract, then expand (RFC 5869, sections 2.2 and 2.3). Raises ValueError over 8,160 bytes."""
    if length > 255 * _HASH_BYTES:
        raise ValueError(f"{length} bytes asked of HKDF, which gives at most {255 * _HASH_BYTES}")
    extracted = hmac.digest(salt or bytes(_HASH_BYTES), secret, "sha256")
    out = block = b""
    for count in range(1, -(-length // _HASH_BYTES) + 1):
        block = hmac.digest(extracted, block + info + bytes([count]), "sha256")
        out += block
    return out[:length]


def derived(secret: bytes, purpose: str, epoch: int, scheme: str = HKDF, tenant: str = TENANT) -> bytes:
    """A 32-byte key for one purpose: the epoch's secret → tenant → epoch → purpose, each step one HKDF.

    The scheme BLAKE2B is that of stores made before there were epochs; it knows no tenant.
    """
    if scheme == BLAKE2B:
        return hashlib.blake2b(f"stillwatch/{purpose}/{epoch}".encode(), digest_size=32, key=secret).digest()
    of_tenant = hkdf(secret, b"tenant\0" + tenant.encode(), b"stillwatch")
    return hkdf(hkdf(of_tenant, b"epoch\0%d" % epoch), b"purpose\0" + purpose.encode())


def fingerprint(secret: bytes) -> str:
    """What a store remembers of a secret: 16 hexadecimal digits of a one-way function, which tell nothing of it."""
    return derived(secret, "fingerprint", 0, BLAKE2B)[:8].hex()


def read_secret(path: Path) -> bytes:
    """The secret in a file: 32 bytes, or 64 hexadecimal digits.

    Raises StoreError where it is missing or damaged, or where this user owns it and others may read it (ssh's rule for
    private keys; a file that another user owns, as mounted secrets are, is taken).
    """
    try:
        with path.open("rb") as file:
            _want_private(path, os.fstat(file.fileno()))
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


def _want_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) & 0o077:
        raise StoreError(
            "others may read this key", where=str(path), found=f"mode {stat.S_IMODE(status.st_mode):04o}",
            wanted="mode 0600", next_step=f"chmod 600 {path}; begin a new epoch if somebody may have read it",
        )  # fmt: skip
