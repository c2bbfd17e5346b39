"""An id as people and gateways have it from the logs is found under the name that `ingest` gave it."""

import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.ingest.pseudonyms import kept_names, looks_like_key, pseudonym
from stillwatch.store.manifest import Epoch, write_manifest
from stillwatch.store.names import names_of
from stillwatch.store.store import Store

KEY = "sk-research-team-lead@gmail.com"
ODD = ["Basic x", "ba\u017fic x", "bearer\vx", "Bearer\u00a0x", "\u00e9sk-" + "a" * 16, "_sk-" + "a" * 16,
       "x\nbearer y", "bearer \u00e9", "\u212aey sk-" + "b" * 20, "a" * 5 + " BEARER  " + "a" * 16,
       "sk-" + "a" * 15, "\nbasic x"]  # fmt: skip


def test_a_plain_store_hides_what_looks_like_a_key_and_nothing_else(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "s", key)
    names = names_of(store.folder, key)
    hidden = pseudonym(KEY, store.pseudonym_key(), store.epoch.epoch)
    assert names("acct_1") == ("acct_1",)
    assert names(KEY) == (KEY, hidden) and names(hidden) == (hidden,)
    assert names.unkeyed(KEY) == hidden and names.unkeyed("acct_1") == "acct_1"


def test_each_epoch_has_its_name_and_a_key_that_is_lost_is_told(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "s", key, pseudonymous=True)
    first = pseudonym("a", store.pseudonym_key(), store.epoch.epoch)
    assert names_of(store.folder, key)("a") == ("a", first)
    write_manifest(store.folder, replace(store.manifest, epochs=(store.epoch, Epoch(99, "0" * 16))))
    names = names_of(store.folder, key)
    assert names("a") == ("a", first) and "epoch 99" in names.lost
    assert names_of(store.folder).unkeyed(KEY) == "hmac:"


@pytest.mark.parametrize("name", ODD)
def test_ids_are_looked_up_by_the_rule_that_hides_them(name: str) -> None:
    kept = kept_names(pa.array([name]), bytes(32), 1, every_name=False)[0].as_py()
    assert looks_like_key(name) == (kept != name)


def test_both_readers_of_the_rule_agree_on_anything() -> None:
    pieces = ["bearer", "BASIC", "Basic", " ", "\t", "\v", "\x1c", "\x85", "sk-", "a" * 16, "é", "ſ", "K", "_", "\n",
              "x", "AKIA" + "A" * 16, "eyJabcdef.", "abcdef.", "@", "-"]  # fmt: skip
    draw = random.Random(5)
    names = ["".join(draw.choices(pieces, k=draw.randint(1, 6))) for _ in range(20_000)]
    kept = kept_names(pa.array(names), bytes(32), 1, every_name=False).to_pylist()
    assert [name for name, held in zip(names, kept, strict=True) if looks_like_key(name) != (held != name)] == []
