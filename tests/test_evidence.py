"""The exchanges that findings count: whose they are, and which wording names each."""

import pyarrow as pa
import pytest

from stillwatch.assess.finding import Finding
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.evidence import counted_exchanges, tell_entities, tell_excess, tell_groups
from stillwatch.records import Score


@pytest.fixture
def engine() -> DuckEngine:
    """Group 0 with three exchanges: the first shows its own wording 7 and others' 8, the second 8 alone, the third 7
    and 9, both the group's own, 9 once. The part of group 0 that asks (-1) is the third. Entity 5 has one exchange."""
    made = DuckEngine()
    made.register(
        "exchange",
        pa.table(
            {
                "x": range(5),
                "exchange_id": [f"e{x}" for x in range(5)],
                "account_id": [f"a{x % 2}" for x in range(5)],
                "asked_at": [9, 2, 3, 4, 5],
            }
        ),
    )
    made.register(
        "group_exchange",
        pa.table(
            {
                "grp": pa.array([0, 0, 0, -1], pa.int32()),
                "x": [0, 1, 2, 2],
                "exclusive": [True, False, True, True],
                "certain": [True, True, False, False],
            }
        ),
    )
    made.register(
        "group_token",
        pa.table(
            {
                "grp": pa.array([0, 0, 0], pa.int32()),
                "channel": ["exact"] * 3,
                "token": pa.array([7, 8, 9], pa.uint64()),
                "exclusive": [True, False, True],
            }
        ),
    )
    shown = [(0, 0, 7), (0, 0, 8), (0, 1, 8), (0, 2, 7), (0, 2, 9), (-1, 2, 7), (-1, 2, 9)]
    made.register(
        "wording_shown",
        pa.table(
            {
                "grp": pa.array([s[0] for s in shown], pa.int32()),
                "x": [s[1] for s in shown],
                "channel": ["exact"] * len(shown),
                "token": pa.array([s[2] for s in shown], pa.uint64()),
            }
        ),
    )
    made.register("own_work", pa.table({"entity": pa.array([5, 6], pa.int32()), "x": [3, 4]}))
    made.register("excess_exchange", pa.table({"claim": pa.array([2, 3], pa.int32()), "x": [3, 4]}))
    return made  # fmt: skip


def as_finding(name: str, status: str) -> Finding:
    none = Score("", 0.0)
    return Finding(name, "group", status, {}, (0, 0, 0), 0, "", "", True, (), (none, none, none), (), (), (), (), {})


def rows(
    engine: DuckEngine,
    groups: list[tuple[Finding, int]],
    entities: list[tuple[str, int]],
    excess: list[tuple[str, int]] | None = None,
) -> list[list[object]]:
    tell_groups(engine, groups)
    tell_entities(engine, entities)
    tell_excess(engine, excess or [])
    told = counted_exchanges(engine).drop_columns(["asked_at"])
    return [list(row.values()) for row in told.to_pylist()]


def test_its_own_wording_names_an_exchange_then_the_commonest(engine: DuckEngine) -> None:
    seven, eight = "exact:0000000000000007", "exact:0000000000000008"
    assert rows(engine, [(as_finding("C-1", "suspected"), 0)], []) == [
        ["C-1", "e1", "a1", eight, False, True],
        ["C-1", "e2", "a0", seven, True, False],
        ["C-1", "e0", "a0", seven, True, True],
    ]


def test_a_part_lists_its_own_exchanges_and_a_dismissed_finding_none(engine: DuckEngine) -> None:
    held = rows(engine, [(as_finding("C-1", "suspected"), -1), (as_finding("C-2", "dismissed"), 0)], [])
    assert [row[:3] for row in held] == [["C-1", "e2", "a0"]] and held[0][3] is not None


def test_an_entitys_exchanges_have_no_wording(engine: DuckEngine) -> None:
    assert rows(engine, [], [("E-5", 5)]) == [["E-5", "e3", "a1", None, None, None]]


def test_what_exceeds_a_permission_is_listed_by_its_permission(engine: DuckEngine) -> None:
    assert rows(engine, [], [], [("X-3", 3)]) == [["X-3", "e4", "a0", None, None, None]]
