"""`store.json`: what a store remembers of itself. Its version, whether ids are pseudonyms, its key epochs, and since
when exchanges are kept."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from stillwatch.errors import StoreError, UsageError
from stillwatch.store.files import write_whole
from stillwatch.store.keys import BLAKE2B, HKDF
from stillwatch.tables import SKETCH_SCHEME

MANIFEST = "store.json"
"""The file in a store's folder."""

VERSION = 3
"""Version 1 had one epoch, no list of them, and its key in the store's own folder; version 2 did not say how texts were
sketched. Both are read as well."""


@dataclass(frozen=True)
class Epoch:
    """A span of time in which one secret is used, and one scheme of sketches (`tables.SKETCH_SCHEME`). `key` is the
    secret's fingerprint, and never the secret."""

    epoch: int
    key: str
    scheme: str = HKDF
    destroyed: bool = False
    sketch: int = SKETCH_SCHEME

    @property
    def folder(self) -> str:
        """Where its exchanges are, below the store's `exchanges`: stores of version 1 have them there at once."""
        return "" if self.scheme == BLAKE2B else f"epoch={self.epoch}"


@dataclass(frozen=True)
class Manifest:
    """A store's epochs, ascending; the last is the one that is written in."""

    epochs: tuple[Epoch, ...]
    pseudonymous: bool = False
    kept_from: date | None = None
    """The day (UTC) from which on exchanges are kept; none where all are."""

    def numbered(self, number: int) -> Epoch:
        """The epoch of this number. Raises UsageError where the store has none."""
        for epoch in self.epochs:
            if epoch.epoch == number:
                return epoch
        known = ", ".join(str(epoch.epoch) for epoch in self.epochs)
        raise UsageError("the store has no such epoch", found=str(number), wanted=f"one of {known}")

    def destroyed(self, number: int) -> "Manifest":
        """The same with one epoch marked as destroyed."""
        return replace(self, epochs=tuple(replace(e, destroyed=e.destroyed or e.epoch == number) for e in self.epochs))


def read_manifest(folder: Path) -> Manifest:
    """What a folder says of itself. Raises StoreError where it is no store, or one of another version."""
    try:
        held = json.loads((folder / MANIFEST).read_text("utf-8"))
        version = held["stillwatch_store"]
        if version in (1, 2, VERSION):
            since = held.get("kept_from")
            return Manifest(
                _epochs(held), held.get("pseudonymous") is True, None if since is None else date.fromisoformat(since)
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            "no store", where=str(folder), wanted="a folder that `ingest` made",
            next_step=f"stillwatch ingest SOURCE --store {folder}",
        ) from error  # fmt: skip
    raise StoreError("another version", where=str(folder), found=str(version)[:20], wanted=f"at most {VERSION}")


def _epochs(held: dict[str, object]) -> tuple[Epoch, ...]:
    if held["stillwatch_store"] == 1:
        return (Epoch(1, str(held.get("key", "")), BLAKE2B, sketch=1),)
    listed = held["epochs"]
    if not isinstance(listed, list) or not listed:
        raise ValueError("no epochs")
    found = [
        Epoch(int(e["epoch"]), str(e["key"]), str(e["scheme"]), e.get("destroyed") is True, int(e.get("sketch", 1)))
        for e in listed
    ]
    return tuple(sorted(found, key=lambda epoch: epoch.epoch))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it whole, over one that is there. Raises StoreError where the disk refuses."""
    held: dict[str, object] = {"stillwatch_store": VERSION, "pseudonymous": manifest.pseudonymous}
    if manifest.kept_from:
        held["kept_from"] = manifest.kept_from.isoformat()
    write_whole(folder / MANIFEST, json.dumps(held | {"epochs": [asdict(e) for e in manifest.epochs]}).encode())
