"""What was removed stays away when the same logs are read again: days that are over their time, and erased accounts.

Erased accounts stay erased: their old rows are passed over when the same logs are read again.

The list holds no id. `erased/epoch=<n>/<hex>` is named after a keyed hash of the id (BLAKE2b, RFC 7693), under a key of
that epoch, and holds the time up to which rows are passed over: what the account does later is read as ever, or erasure
would be a way to hide. Whoever destroys the epoch's key destroys the list with it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.errors import StoreError
from stillwatch.ingest.pseudonyms import kept_names
from stillwatch.store.files import write_whole
from stillwatch.store.store import Store

PURPOSE = "erased"

TIMES = {"exchanges": ("asked_at",), "accounts": ("updated_at", "created_at"), "permissions": ("starts_at",)}
"""Columns that say how old a row is, the first that has a value; a row without any is old."""


def _folder(store: Store, epoch: int) -> Path:
    return store.folder / "erased" / f"epoch={epoch}"


def _hash(name: str, key: bytes) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, key=key).hexdigest()


def note(store: Store, names: Iterable[str], before: datetime) -> int:
    """Put names, as the store keeps them, on the list of every epoch whose key is at hand: in how many epochs."""
    keys = store.keys_at_hand(PURPOSE)
    for epoch, key in keys.items():
        for name in names:
            path = _folder(store, epoch) / _hash(name, key)
            write_whole(path, json.dumps({"before": max(before, _noted(path)).isoformat()}).encode())
    return len(keys)


def listed(store: Store, names: Iterable[str]) -> bool:
    """Whether one of the names is on the list of an epoch whose key is at hand."""
    keys, held = store.keys_at_hand(PURPOSE), tuple(names)
    return any((_folder(store, epoch) / _hash(name, key)).exists() for epoch, key in keys.items() for name in held)


def _noted(path: Path) -> datetime:
    """The time on the list; the beginning of time where the name is not on it."""
    if not path.exists():
        return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(json.loads(path.read_text("ascii"))["before"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError("damaged note of an erased account", where=str(path), wanted='{"before": time}') from error


class Suppression:
    """The list as an ingest uses it. `unknown` counts entries of epochs whose key is not at hand: they come back."""

    def __init__(self, store: Store) -> None:
        listed: dict[int, dict[str, datetime]] = {}
        for epoch in store.manifest.epochs:
            folder = _folder(store, epoch.epoch)
            paths = [p for p in folder.iterdir() if not p.name.startswith(".")] if folder.is_dir() else []
            listed[epoch.epoch] = {path.name: _noted(path) for path in paths}
        any_listed = any(listed.values())
        self._every_name = store.pseudonymous
        self._keys = store.keys_at_hand(PURPOSE) if any_listed else {}
        self._names = store.keys_at_hand("pseudonym") if any_listed else {}
        self._listed = {epoch: names for epoch, names in listed.items() if names and epoch in self._keys}
        self.unknown = sum(len(names) for epoch, names in listed.items() if epoch not in self._keys)
        self._kept_from = store.manifest.kept_from

    def in_time(self, table: str, rows: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows of a table are of days that the store keeps."""
        if table != "exchanges" or self._kept_from is None:
            return np.ones(rows.num_rows, dtype=np.bool_)
        first = (self._kept_from - date(1970, 1, 1)).days * 86_400_000_000
        return np.asarray(rows.column("asked_at").cast(pa.int64()).to_numpy(zero_copy_only=False) >= first)

    def kept(self, table: str, rows: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows of a table are not old rows of an erased account."""
        kept = np.ones(rows.num_rows, dtype=np.bool_)
        if table not in TIMES or not self._listed or rows.num_rows == 0:
            return kept
        times = pc.coalesce(*(rows.column(name).cast(pa.int64()) for name in TIMES[table]))
        asked = pc.fill_null(times, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
        return np.asarray(asked >= self._before(rows.column("account_id")), dtype=np.bool_)

    def _before(self, ids: pa.Array) -> NDArray[np.int64]:
        """Of each id the time, in microseconds since 1970, up to which its rows are passed over."""
        distinct = ids.dictionary_encode()
        before = np.full(len(distinct.dictionary) + 1, np.iinfo(np.int64).min)
        for epoch, listed in self._listed.items():
            names = kept_names(distinct.dictionary, self._names[epoch], epoch, every_name=self._every_name)
            for place, name in enumerate(names.to_pylist()):
                found = listed.get(_hash(name, self._keys[epoch]))
                if found is not None:
                    before[place] = max(before[place], int(found.timestamp()) * 1_000_000 + found.microsecond)
        places = pc.fill_null(distinct.indices, len(before) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(before[places], dtype=np.int64)
