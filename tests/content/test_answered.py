"""What counts as taking up an answer: a later exchange of the same account that holds the item's own words."""

import pytest

from stillwatch.content.answered import HISTORY_STEP, taken_up_step
from stillwatch.content.structure import Structure
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import SegmentRole, Step

TOOLS = int(Structure.TOOLS)


def followed(*rows: tuple[int, int, int | None, int, list[int], int, bool]) -> list[bool | None]:
    """Of the shared ones among (x, account, hash of the text, hour, hashes of the history, structure, shared)."""
    values = ", ".join(
        f"({x}, {account}, {'NULL' if text is None else text}::UBIGINT, {hour}, {history}::UBIGINT[], {bits}, {shared})"
        for x, account, text, hour, history, bits, shared in rows
    )
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "exchange",
                    "SELECT *, TIMESTAMPTZ '2026-03-01 00:00:00Z' + to_hours(hour) AS asked_at, "
                    "account // 100 AS pathway FROM (VALUES "
                    f"{values}) t(x, account, exact, hour, history, structure, shared)",
                ),
                Step(
                    "part",
                    f"SELECT x, unnest(history) AS segment, {int(SegmentRole.HISTORY)} AS role FROM exchange",
                ),
                Step("work", "SELECT 0 AS grp, x FROM exchange WHERE shared"),
                HISTORY_STEP,
                taken_up_step("found", "work", "grp"),
            ]
        )  # fmt: skip
        return engine.arrow("SELECT followed FROM found ORDER BY x")["followed"].to_pylist()


ITEM = (0, 1, 70, 5, [], 0, True)


@pytest.mark.parametrize(
    ("later", "wanted"),
    [
        ((1, 1, 80, 6, [70, 71], 0, False), True),
        ((1, 2, 80, 6, [70, 71], 0, False), False),
        ((1, 1, 80, 4, [70, 71], 0, False), False),
        ((1, 1, 80, 6, [90, 91], 0, False), False),
        ((1, 1, 80, 6, [70, 71], TOOLS, False), False),
    ],
    ids=["taken up", "another account", "before it was asked", "a made-up history", "an agent's own loop"],
)
def test_who_takes_an_answer_up(later: tuple[int, int, int, int, list[int], int, bool], wanted: bool) -> None:
    elsewhere = (9, 3, 1, 1, [2], 0, False)
    assert followed(ITEM, later, elsewhere) == [wanted]


def test_the_next_item_in_shared_words_is_no_follow_up() -> None:
    assert followed(ITEM, (1, 1, 80, 6, [70, 71], 0, True)) == [False, False]


def test_made_up_turns_before_every_item_count_for_nothing() -> None:
    assert followed(*[(at, 1, 70 + at, at, [1, 2], 0, True) for at in range(4)]) == [False] * 4


def test_where_no_history_or_no_text_was_logged_nothing_is_said() -> None:
    assert followed(ITEM) == [None]
    assert followed((0, 1, None, 5, [], 0, True), (1, 1, 80, 6, [70], 0, False)) == [None]


def test_a_history_on_one_pathway_says_nothing_of_another() -> None:
    elsewhere = (1, 201, 71, 6, [9], 0, False)
    assert followed(ITEM, elsewhere) == [None]
    assert followed(ITEM, (1, 2, 71, 6, [9], 0, False)) == [False]
