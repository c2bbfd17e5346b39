"""Alerts that wait in a store's outbox, as far as an erasure touches them."""

import json
from pathlib import Path

from stillwatch.errors import StoreError
from stillwatch.store.files import sync_folder, write_whole


def leave_out(path: Path, names: frozenset[str]) -> None:
    """Rewrite a waiting alert without some accounts; remove it where it names nobody else, or cannot be read.

    Raises StoreError where the disk refuses.
    """
    left = _without(path, names)
    if left:
        write_whole(path, left, 0o600)
        return
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"cannot remove ({error.strerror})", where=str(path)) from error


def _without(path: Path, names: frozenset[str]) -> bytes:
    try:
        held = json.loads(path.read_text("utf-8"))
        alert = held["alert"]
        left = [name for name in alert["account_ids"] if name not in names]
        alert |= {"account_ids": left, "count": len(left), "erased": len(alert["account_ids"]) - len(left)}
        return json.dumps(held).encode("ascii") if left else b""
    except (OSError, ValueError, KeyError, TypeError):
        return b""
