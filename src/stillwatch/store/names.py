"""Under which names a store keeps an id that people and gateways have from the logs: `ingest`'s rule, in each epoch.

A store of plain ids keeps those that look like API keys as pseudonyms too. Whoever looks an id up asks here: an account
that may choose its id would else be found by nobody who has it from a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stillwatch.errors import StoreError
from stillwatch.ingest.pseudonyms import looks_like_key, pseudonym
from stillwatch.store import keyring
from stillwatch.store.keys import derived, read_secret
from stillwatch.store.manifest import read_manifest


@dataclass(frozen=True)
class Names:
    """The pseudonym keys at hand by epoch, ascending; whether every id is a pseudonym; and why the current epoch's key
    is not at hand (`lost`), else empty."""

    keys: Mapping[int, bytes]
    every: bool
    lost: str = ""

    def __call__(self, name: str) -> tuple[str, ...]:
        """Where an id may stand in the store: as it is, and where the store hides it as its pseudonyms, the newest
        epoch's last."""
        if not self.hides(name):
            return (name,)
        return name, *(pseudonym(name, key, epoch) for epoch, key in self.keys.items())

    def hides(self, name: str) -> bool:
        """Whether the store keeps this id under another name."""
        return (self.every or looks_like_key(name)) and not name.startswith("hmac:")

    def unkeyed(self, name: str) -> str:
        """What a log may keep of an id: its newest pseudonym where it looks like a key, and nothing of it without."""
        if not looks_like_key(name) or name.startswith("hmac:"):
            return name
        return self(name)[-1] if self.keys else "hmac:"


def names_of(folder: Path, key_file: Path | None = None) -> Names:
    """The names of a store. A key that is not at hand is no error: `lost` says so, and ids that the store hides are
    then found by their pseudonyms alone. Raises StoreError where the manifest is missing or damaged."""
    manifest = read_manifest(folder)
    keys: dict[int, bytes] = {}
    lost = ""
    for one in manifest.epochs:
        if one is manifest.epochs[-1]:
            try:
                secret = keyring.find(one, folder, key_file)
            except StoreError as error:
                lost = str(error)
                continue
        elif not one.destroyed and (held := keyring.copies(one, folder, key_file)):
            secret = read_secret(held[0])
        else:
            continue
        keys[one.epoch] = derived(secret, "pseudonym", one.epoch, one.scheme)
    return Names(dict(sorted(keys.items())), manifest.pseudonymous, lost)
