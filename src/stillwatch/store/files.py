"""Files that are there whole or not at all, also after a kill or a loss of power.

A draft beside the place, fsync, rename, fsync of the folder; a new folder is fsynced into its parent. An error of the
disk is never passed over: it stops the work with StoreError, and nothing is acknowledged that was not on disk.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stillwatch.errors import StoreError

STALE = 24 * 3600
"""Seconds after which a draft belongs to a process that was killed."""

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of what stands in a store: other users of the machine read no account's id. What was there keeps its mode."""

OPEN, OPEN_FOLDER = 0o644, 0o755
"""Modes of what a user asks for elsewhere, such as pages for others."""

Reached = Callable[[str], None]


def _nothing(_: str) -> None:
    return


reached: Reached = _nothing
"""Called with the name of each step that a crash may fall on. Tests put a kill here; it does nothing otherwise."""


def write_whole(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file whole or not at all, over one that is there; folders that it lacks are made, and are as private as
    it is. Raises StoreError where the disk refuses."""
    draft = path.parent / f".{path.name}.{secrets.token_hex(6)}.tmp"
    try:
        make_folder(path.parent, PRIVATE_FOLDER if mode == PRIVATE else OPEN_FOLDER)
        _write_draft(draft, data, mode)
        reached("draft")
        draft.rename(path)
        reached("renamed")
        sync_folder(path.parent)
        reached("synced")
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StoreError(f"cannot write ({error.strerror})", where=str(path)) from error


def _write_draft(draft: Path, data: bytes, mode: int) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        reached("opened")
        file.write(data)
        file.flush()
        reached("written")
        os.fsync(file.fileno())


def make_folder(folder: Path, mode: int = PRIVATE_FOLDER) -> None:
    """Make a folder and those above it, each one's name on disk before it is used. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, mode)
    folder.mkdir(mode=mode, exist_ok=True)
    reached("folder")
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_stale_drafts(root: Path) -> None:
    """Remove drafts that a killed process left a day ago or earlier; a living one renames its own within seconds."""
    oldest = time.time() - STALE
    for draft in root.rglob(".*.tmp"):
        try:
            if draft.stat().st_mtime >= oldest:
                continue
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
        except OSError:
            continue  # another process removed it, or may not: a draft harms nobody
