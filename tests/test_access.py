"""Whose exchanges count as a group's where no text was logged: those through shared access, or all. Counted by hand."""

from stillwatch.engine.duckdb import DuckEngine
from stillwatch.findings import BY_ACCESS
from stillwatch.linkage.tokens import CHANNELS
from stillwatch.records import Step

EXCHANGE = """
SELECT * FROM (VALUES
  (0, 0, 0, '10.0.0.1', '10.0.0.0/24', 'j', 'u'),
  (1, 0, 0, '10.9.0.1', '10.9.0.0/24', 'j', 'u'),
  (2, 1, 1, '10.0.0.2', '10.0.0.0/24', 'k', 'v'),
  (3, 2, 2, '10.0.0.3', '10.0.0.0/24', 'k', 'v'),
  (4, 3, 3, NULL, NULL, NULL, NULL)
) t(x, entity, account, client_ip, block, ja4, user_agent)
"""


def shared(tokens: str) -> list[tuple[int, int, bool, bool]]:
    """`group_explained` of group 0 (entities 0 and 1; 2 is a stranger) and group 1 (entity 3), by these tokens."""
    with DuckEngine() as engine:
        engine.run(
            [
                Step("exchange", f"SELECT *, CAST(NULL AS UBIGINT) AS param_fp FROM ({EXCHANGE})"),
                Step("found_member", "SELECT * FROM (VALUES (0, 0, TRUE), (0, 1, TRUE), (1, 3, TRUE), (1, 2, FALSE)) "
                     "t(grp, entity, certain)"),
                Step("group_token", tokens),
                *BY_ACCESS,
            ]
        )  # fmt: skip
        rows = engine.arrow("SELECT grp, x, exclusive, certain FROM group_explained ORDER BY grp, x").to_pylist()
    return [tuple(row.values()) for row in rows]


def test_a_group_s_work_is_what_its_members_do_through_what_they_share() -> None:
    found = shared(
        "SELECT 0 AS grp, 'block' AS channel, md5_number_lower('10.0.0.0/24') AS token, "
        "TRUE AS exclusive, FALSE AS broad"
    )
    assert found == [(0, 0, True, True), (0, 2, True, True), (1, 4, False, True)]


def test_without_shared_access_it_is_all_that_the_certain_members_do() -> None:
    found = shared(
        "SELECT 9 AS grp, 'block' AS channel, md5_number_lower('x') AS token, TRUE AS exclusive, FALSE AS broad"
    )
    assert found == [(0, 0, False, True), (0, 1, False, True), (0, 2, False, True), (1, 4, False, True)]


def test_access_is_told_by_the_tokens_that_linkage_compares() -> None:
    """The same value hashed in the same way, or no exchange would be found by a group's token."""
    queries = {channel.name: channel.sql for channel in CHANNELS}
    with DuckEngine() as engine:
        engine.run([Step("exchange", f"SELECT *, CAST(NULL AS UBIGINT) AS param_fp FROM ({EXCHANGE})"), BY_ACCESS[0]])
        for name in ("address", "block", "client"):
            wanted = set(engine.arrow(f"SELECT token FROM ({queries[name]})")["token"].to_pylist())
            found = engine.arrow(f"SELECT token FROM access_token WHERE channel = '{name}'")["token"].to_pylist()
            assert set(found) == wanted
