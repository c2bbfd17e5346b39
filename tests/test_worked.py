"""What is told of a group's items, from tables small enough to count by hand."""

import numpy as np
import pyarrow as pa
import pytest

import stillwatch.worked
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import CAPABILITIES, SegmentRole
from stillwatch.worked import FRAME, MOST, Worked, worked

MAKING, GRADING, CHAT = (CAPABILITIES.index(name) for name in ("data_synthesis", "rubric_grading", "chat"))
WORDING, FIRST_PUBLIC, FIRST_OWN = 1, 1_000, 50_000
DAY = 86_400

Row = tuple[int, list[int], int, float]
"""Entity, sentences, capability, seconds."""


def told(rows: list[Row], members: int, role: SegmentRole = SegmentRole.USER) -> Worked:
    """The group is the exchanges of entities below `members`. In another role than the last human turn's, that turn is
    everywhere the same."""
    n = len(rows)
    x = pa.array(range(n), pa.int64())
    entity = pa.array([row[0] for row in rows], pa.int32())
    minhash = np.random.default_rng(1).integers(0, 1 << 16, (n, 16)).astype("<u2")
    shared = [at for at, row in enumerate(rows) if row[0] < members]
    tables = {
        "exchange": {
            "x": x, "entity": entity,
            "exact": pa.array(range(1, n + 1) if role == SegmentRole.USER else [7] * n, pa.uint64()),
            "segments": pa.array([[at, *row[1]] for at, row in enumerate(rows)], pa.list_(pa.uint64())),
            "asked_at": pa.array([int(row[3] * 1e6) for row in rows], pa.timestamp("us", tz="UTC")),
            "minhash": pa.array([row.tobytes() for row in minhash], pa.binary()),
            "simhash": pa.array(minhash[:, 0], pa.uint16()),
            "row_hash": pa.array((np.arange(n) * 7_919) % 1_000_003, pa.uint64()),
        },
        "exchange_capability": {"x": x, "code": pa.array([row[2] for row in rows], pa.int8())},
        "part": {
            "x": pa.array([at for at, row in enumerate(rows) for _ in row[1]], pa.int64()),
            "entity": pa.array([row[0] for row in rows for _ in row[1]], pa.int32()),
            "segment": pa.array([sentence for row in rows for sentence in row[1]], pa.uint64()),
            "role": pa.array([int(role) for row in rows for _ in row[1]], pa.uint8()),
            "words": pa.array([4 for row in rows for _ in row[1]], pa.uint16()),
        },
        "preamble": {"segment": pa.array([], pa.uint64())},
        "begun": {"x": pa.array([], pa.int64())},
        "group_exchange": {
            "grp": pa.array([0] * len(shared), pa.int32()), "x": pa.array(shared, pa.int64()),
            "entity": pa.array([rows[at][0] for at in shared], pa.int32()),
        },
        "group_member": {
            "grp": pa.array([0] * members, pa.int32()), "entity": pa.array(range(members), pa.int32()),
        },
    }  # fmt: skip
    with DuckEngine() as engine:
        for name, columns in tables.items():
            engine.register(name, pa.table(columns))
        assert worked(engine, []) == {}
        return worked(engine, [0]).get(0, Worked())


def outsiders(first: int, sets: int) -> list[Row]:
    """Each asks sixty of 120 public items in words of its own."""
    rng = np.random.default_rng(2)
    return [
        (first + at, [90_000 + first + at, FIRST_PUBLIC + int(item)], CHAT, 0.0)
        for at in range(sets)
        for item in rng.choice(120, 60, replace=False)
    ]


@pytest.mark.parametrize("role", [SegmentRole.USER, SegmentRole.SYSTEM_SAYS, SegmentRole.EARLIER_SAYS])
def test_a_public_set_that_members_deal_out_is_told(role: SegmentRole) -> None:
    """Ten members take 120 items once, in one wording, which is no item; each outsider's own wording is none either.
    So wherever the words stand in a request."""
    rows: list[Row] = [(at % 10, [WORDING, FIRST_PUBLIC + at], GRADING, float(at)) for at in range(120)]
    items = told([*rows, *outsiders(10, 6)], 10, role).items
    assert (items["items"], items["novel"]) == (120, round(1 - items["covered"] / 120, 4))
    assert (items["known_met"], items["known"]) == (0, items["covered"])
    assert items["known"] >= 110 and items["log_chance"] < -20
    assert "met" not in items


def test_members_who_each_work_through_the_same_set_meet() -> None:
    rng = np.random.default_rng(3)
    rows: list[Row] = [
        (at, [WORDING, FIRST_PUBLIC + int(item)], GRADING, 0.0)
        for at in range(10)
        for item in rng.choice(120, 40, replace=False)
    ]
    items = told([*rows, *outsiders(10, 6)], 10).items
    assert items["log_chance"] > -3 and items["known_met"] > 100
    assert items["met"] == items["repeated"]


def test_own_documents_are_novel_and_known_to_nobody() -> None:
    rows: list[Row] = [(at % 10, [WORDING, FIRST_OWN + at], CHAT, 0.0) for at in range(60)]
    items = told([*rows, *outsiders(10, 6)], 10).items
    assert (items["items"], items["novel"]) == (60, 1.0)
    assert "known" not in items and "met" not in items


def test_an_item_that_is_made_and_then_graded_is_a_stage() -> None:
    made: list[Row] = [(at % 5, [WORDING, FIRST_OWN + at], MAKING, float(at * DAY)) for at in range(25)]
    graded: list[Row] = [
        (5 + at % 5, [2, FIRST_OWN + at, 70_000 + at], GRADING, float((at + 1) * DAY)) for at in range(25)
    ]
    found = told([*made, *graded], 10)
    assert found.stages == [
        {"first": "data_synthesis", "then": "rubric_grading", "items": 25, "in_order": 1.0, "handed_on": 1.0}
    ]
    assert found.items["items"] >= 25


def test_a_sentence_is_wording_from_so_many_texts_of_one_account_on() -> None:
    for texts, items in ((FRAME - 1, 1), (FRAME, 0)):
        rows: list[Row] = [(0, [7], CHAT, 0.0) for _ in range(texts)]
        assert told(rows, 1).items.get("items", 0) == items


def test_phases_have_the_days_on_which_the_work_was_done() -> None:
    """Also in the evening."""
    evening = 18 * 3600
    rows: list[Row] = [
        (at % 5, [WORDING, FIRST_OWN + at], MAKING if day < 15 else GRADING, float(day * DAY + evening))
        for at, day in enumerate(day for day in range(30) for _ in range(10))
    ]
    found = told(rows, 5).phases
    assert [(one["first"], one["last"], one["capability"]) for one in found] == [
        ("1970-01-01", "1970-01-15", "data_synthesis"), ("1970-01-16", "1970-01-30", "rubric_grading")
    ]  # fmt: skip


def test_a_sentence_that_one_text_repeats_is_used_once() -> None:
    made: list[Row] = [(at % 5, [WORDING, *[FIRST_OWN + at] * 12], MAKING, float(at * DAY)) for at in range(25)]
    graded: list[Row] = [(5 + at % 5, [2, *[FIRST_OWN + at] * 12], GRADING, float((at + 1) * DAY)) for at in range(25)]
    assert told([*made, *graded], 10).stages[0]["items"] == 25


def test_a_late_stage_is_seen_however_much_went_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are left out whole, and those used once count for nothing."""
    early: list[Row] = [(at % 5, [WORDING, 60_000 + at], CHAT, 0.0) for at in range(100)]
    made: list[Row] = [(at % 5, [WORDING, FIRST_OWN + at], MAKING, float(at * DAY)) for at in range(25)]
    graded: list[Row] = [(5 + at % 5, [2, FIRST_OWN + at], GRADING, float((at + 1) * DAY)) for at in range(25)]
    monkeypatch.setattr("stillwatch.worked._USES", stillwatch.worked._USES.replace(str(MOST), "60"))
    assert told([*early, *made, *graded], 10).stages[0]["items"] == 25


def test_wording_of_the_group_is_no_item_of_an_outsider() -> None:
    """Members send a template in many texts; outsiders who send it three times each do not make it material."""
    rows: list[Row] = [(at % 10, [WORDING, FIRST_PUBLIC + at], GRADING, float(at)) for at in range(120)]
    templates = range(80_000, 80_006)
    spread: list[Row] = [(20, [template], CHAT, 0.0) for template in templates for _ in range(10)]
    tried: list[Row] = [(10 + at, [template], CHAT, 0.0) for at in range(6) for template in templates for _ in range(3)]
    plain = told([*rows, *outsiders(10, 6)], 10).items["known"]
    assert told([*rows, *outsiders(10, 6), *spread, *tried], 10).items["known"] == plain
