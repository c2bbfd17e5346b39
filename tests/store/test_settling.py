"""The same rows give the same table in any order, batching or repetition; conflicts are settled by hash and counted."""

import random
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from stillwatch.errors import StoreError
from stillwatch.records import QuarantinedRow
from stillwatch.store import exchanges as exchanges_module
from stillwatch.store.store import Store
from stillwatch.tables import ACCOUNTS, PERMISSIONS, RELEASES
from tests.store.sketched import START, Row, batch, names, row_hash, settled, table


def world(seed: int) -> list[Row]:
    """60 exchanges over four days; some come again, some in another version, also on another day."""
    chance = random.Random(seed)
    rows = [(f"x{n}", chance.randrange(96), "v0") for n in range(60)]
    rows += [
        (name, hour + chance.choice([0, 24]), f"v{chance.randrange(3)}") for name, hour, _ in chance.sample(rows, 15)
    ]
    return rows + chance.sample(rows, 10)


def slow_reference(rows: list[Row]) -> tuple[list[Row], int]:
    """One row an id, the one with the smallest hash, and how many ids had several."""
    best: dict[str, Row] = {}
    for row in rows:
        best[row[0]] = min(row, best.get(row[0], row), key=row_hash)
    versions = {name: {row for row in rows if row[0] == name} for name in best}
    return sorted(best.values()), sum(len(held) > 1 for held in versions.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_batching_settles_alike(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    rows, chance = world(seed), random.Random(seed)
    for attempt in range(3):
        store = Store.create(tmp_path / str(attempt))
        chance.shuffle(rows)
        step = chance.randrange(5, 90)
        for start in range(0, len(rows), step):
            store.add_exchanges(batch(rows[start : start + step]))
        assert settled(store.folder) == slow_reference(rows)


def test_a_repeat_writes_nothing(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    rows = world(1)
    assert store.add_exchanges(batch(rows)) == len(set(rows))
    before = names(store.folder)
    assert store.add_exchanges(batch(rows[::-1])) == 0
    assert names(store.folder) == before


def test_a_period_is_cut_after_settling(tmp_path: Path) -> None:
    """A row that lost to one of another day does not come back when that day is left out."""
    store = Store.create(tmp_path / "s")
    rows: list[Row] = [("x", 0, "a"), ("x", 30, "b"), ("y", 30, "a"), ("y", 31, "a"), ("z", 47, "a")]
    store.add_exchanges(batch(rows))
    for since, until in ((0, 24), (24, 48), (24, 47), (47, 48)):
        cut = [row for row in slow_reference(rows)[0] if since <= row[1] < until]
        assert settled(store.folder, START + timedelta(hours=since), START + timedelta(hours=until))[0] == cut
    naive = START.replace(tzinfo=None) + timedelta(hours=47)
    assert settled(store.folder, naive)[0] == [("z", 47, "a")]


def test_flushes_by_size_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges_module, "FLUSH_ROWS", 20)
    store, rows = Store.create(tmp_path / "s"), world(2)
    writer = store.exchange_writer()
    for start in range(0, len(rows), 7):
        writer.add(batch(rows[start : start + 7]))
    writer.flush()
    assert settled(store.folder) == slow_reference(rows)
    assert store.count_new(writer) == 60


def test_new_exchanges_are_counted_by_id(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.add_exchanges(batch([("x", 0, "a"), ("y", 0, "a")]))
    writer = store.exchange_writer()
    writer.add(batch([("x", 0, "a"), ("y", 5, "another"), ("z", 0, "a"), ("z", 40, "b")]))
    writer.flush()
    assert store.count_new(writer) == 1


def test_odd_ids_and_folders(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "odd[x]*'q;é")
    rows: list[Row] = [("a\x00b", 0, "v"), ("a", 1, "v"), ("'; DROP TABLE exchanges; --", 2, "v"), ("é\u202e", 3, "v")]
    store.add_exchanges(batch(rows))
    assert settled(store.folder) == slow_reference(rows)


def test_small_tables_settle(tmp_path: Path) -> None:
    def accounts(*rows: tuple[str, int | None, str]) -> pa.RecordBatch:
        held = [
            {"account_id": a, "updated_at": None if h is None else START + timedelta(hours=h), "tier": t}
            for a, h, t in rows
        ]
        return pa.RecordBatch.from_pylist(held, ACCOUNTS)

    versions = [
        ("a", 1, "old"),
        ("a", 2, "new"),
        ("a", None, "undated"),
        ("b", 1, "p"),
        ("b", 1, "q"),
        ("c", None, "z"),
    ]
    answers = []
    for order in (versions, versions[::-1]):
        store = Store.create(tmp_path / f"s{len(answers)}", _key(tmp_path))
        for version in order:
            store.add_small("accounts", accounts(version))
        store.add_small("accounts", accounts(*order))
        answers.append([(r["account_id"], r["tier"]) for r in table(store.folder, "accounts", "account_id")])
    assert answers[0] == answers[1]
    assert answers[0][0] == ("a", "new") and answers[0][2] == ("c", "z") and len(answers[0]) == 3


def test_permissions_and_releases(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    one = {"account_id": "a", "purpose": "research", "reference": "r1", "models": ["m"]}
    for rows in ([one], [one, one | {"reference": "r2"}]):
        store.add_small("permissions", pa.RecordBatch.from_pylist(rows, PERMISSIONS))
    assert [r["reference"] for r in table(store.folder, "permissions", "reference")] == ["r1", "r2"]
    for hour in (5, 2):
        row = {"model": "m", "released_at": START + timedelta(hours=hour)}
        store.add_small("releases", pa.RecordBatch.from_pylist([row], RELEASES))
    assert [r["released_at"] for r in table(store.folder, "releases", "model")] == [START + timedelta(hours=2)]


def test_quarantine_is_counted_once(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    assert store.quarantined() == 0 and store.quarantine(5) == []
    rows = [QuarantinedRow("f", n, None, "null", "string", None if n % 2 else f"x{n}") for n in (3, 1, 2)]
    for order in (rows, rows[::-1], rows[:1], [QuarantinedRow("g", None, None, "damage", "a whole file")]):
        store.add_quarantined(order)
    assert store.quarantined() == 4
    assert [row.row for row in store.quarantine(3)] == [1, 2, 3]


def test_an_empty_store_has_every_table(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    assert settled(store.folder) == ([], 0)
    assert all(table(store.folder, name, "1") == [] for name in ("accounts", "permissions", "releases"))


def _key(folder: Path) -> Path:
    (folder / "key").touch(0o600)
    (folder / "key").write_bytes(bytes(range(32)))
    return folder / "key"


def test_rows_that_are_not_sketched_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Store.create(tmp_path / "s").add_exchanges(pa.RecordBatch.from_pydict({"messages": ["text"]}))
