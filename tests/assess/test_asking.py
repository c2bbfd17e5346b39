"""The part of a group's work that asks for training material: which exchanges it has, and when there is one."""

import pytest

from stillwatch.assess.asking import ASKING_STEPS
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import Step

USUAL = -1.0


def part(members: int = 10, asking: int = 4, padding: int = 12, *, lean: float = 1.0, exclusive: bool = True) -> int:
    """Exchanges of the asking part of a group whose members each sent so many in a harvest's and in a filler's wording,
    beside traffic of a usual lean."""
    of_member = asking + padding
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "template_token",
                    f"SELECT x, x // {of_member} AS entity, 'exact' AS channel, "
                    f"CASE WHEN x % {of_member} < {asking} THEN 1 ELSE 2 END AS token "
                    f"FROM (SELECT range AS x FROM range({members * of_member}))",
                ),
                Step(
                    "exchange_lean",
                    f"SELECT x, CASE WHEN token = 1 THEN {lean} ELSE {USUAL} END AS lean, lean AS said "
                    f"FROM template_token "
                    f"UNION ALL SELECT 100000 + range, {USUAL}, {USUAL} FROM range(50)",
                ),
                Step(
                    "group_token",
                    f"SELECT 0 AS grp, 'exact' AS channel, token, {exclusive} AS exclusive "
                    "FROM (VALUES (1), (2)) t(token)",
                ),
                Step("found_member", "SELECT DISTINCT 0 AS grp, entity, TRUE AS certain FROM template_token"),
                Step(
                    "group_explained",
                    f"SELECT 0 AS grp, x, entity, entity AS account, {exclusive} AS exclusive, FALSE AS broad, "
                    "TRUE AS certain FROM template_token",
                ),
                Step("group_taken_up", "SELECT grp, x, FALSE AS followed FROM group_explained"),
                *ASKING_STEPS,
            ]
        )  # fmt: skip
        whole = engine.arrow("SELECT count(*) AS n FROM group_exchange WHERE grp = 0").to_pylist()[0]["n"]
        assert whole == members * of_member
        held = engine.arrow("SELECT x, grp FROM group_exchange WHERE grp = -1").to_pylist()
        assert all(row["x"] % of_member < asking for row in held)
        named = engine.arrow("SELECT count(*) AS n FROM group_member WHERE grp = -1").to_pylist()[0]["n"]
        assert named == (members if held else 0)
        return len(held)


@pytest.mark.parametrize("padding", [4, 12, 400])
def test_padding_does_not_hide_a_harvest(padding: int) -> None:
    assert part(padding=padding) == 40


def test_a_group_that_only_asks_has_no_part() -> None:
    assert part(padding=0) == 0


@pytest.mark.parametrize(
    "changes",
    [{"members": 7}, {"asking": 1}, {"lean": USUAL + 0.2}, {"exclusive": False}],
    ids=["few accounts", "few exchanges", "asks like anybody", "popular wordings"],
)
def test_what_is_too_little_to_stand_by_itself(changes: dict[str, float]) -> None:
    assert part(**changes) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(("holders", "same"), [(range(0, 20, 2), True), (range(10, 20), False)], ids=["same", "other"])
def test_a_wording_is_of_the_programme_where_its_holders_ask_as_often_as_the_group(holders: range, same: bool) -> None:
    """Ten of twenty accounts ask. Of one hand's other wording half of the holders ask as well, of a customer's none."""
    with DuckEngine() as engine:
        asking = ", ".join(f"({100 * account + at}, {account}, 1)" for account in range(10) for at in range(4))
        other = ", ".join(f"({100 * account + 50 + at}, {account}, 2)" for account in holders for at in range(5))
        third = ", ".join(f"({100 * account + 70 + at}, {account}, 3)" for account in range(20) for at in range(5))
        engine.run(
            [
                Step("sent", f"SELECT * FROM (VALUES {asking}, {other}, {third}) t(x, account, token)"),
                Step("template_token", "SELECT x, account AS entity, 'exact' AS channel, token FROM sent"),
                Step(
                    "exchange_lean",
                    f"SELECT x, CASE WHEN token = 1 THEN 1.0 ELSE {USUAL} END AS lean, lean AS said FROM sent "
                    f"UNION ALL SELECT 100000 + range, {USUAL}, {USUAL} FROM range(50)",
                ),
                Step(
                    "group_token",
                    "SELECT 0 AS grp, 'exact' AS channel, token, token < 3 AS exclusive FROM range(1, 4) t(token)",
                ),
                Step("found_member", "SELECT DISTINCT 0 AS grp, entity, TRUE AS certain FROM template_token"),
                Step(
                    "group_explained",
                    "SELECT 0 AS grp, x, account AS entity, account, token < 3 AS exclusive, FALSE AS broad, "
                    "TRUE AS certain FROM sent",
                ),
                Step("group_taken_up", "SELECT grp, x, FALSE AS followed FROM group_explained"),
                *ASKING_STEPS,
            ]
        )
        counted = {row["account"]: row["n"] for row in engine.arrow("SELECT * FROM programme_member").to_pylist()}
    assert counted == {
        account: 4 * (account < 10) + 5 * (same and account in holders)
        for account in range(20)
        if account < 10 or (same and account in holders)
    }
