"""What is counted of a group, from tables small enough to count by hand."""

import pyarrow as pa
import pytest

from stillwatch.content.capabilities import UNKNOWN
from stillwatch.content.tags import tag_bits
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.figures import Figures, group_figures
from stillwatch.records import CAPABILITIES, Step

GRADING = CAPABILITIES.index("rubric_grading")
CHAT = CAPABILITIES.index("chat")

EXCHANGES = f"""
SELECT * FROM (VALUES
  (0, 0, TIMESTAMPTZ '2026-03-01 10:00:00Z', 'US', 'hosting', 1, 'direct', 'old', 'a', {GRADING}),
  (1, 0, TIMESTAMPTZ '2026-03-05 10:00:00Z', 'US', 'vpn', 1, 'direct', 'new', 'b', {GRADING}),
  (2, 1, TIMESTAMPTZ '2026-03-05 11:00:00Z', 'DE', NULL, 2, NULL, 'new', 'c', {GRADING}),
  (3, 1, TIMESTAMPTZ '2026-03-05 12:00:00Z', NULL, NULL, NULL, 'cloud', 'new', 'd', {UNKNOWN}),
  (4, 1, TIMESTAMPTZ '2026-03-06 12:00:00Z', 'DE', 'residential', 3, 'direct', 'old', 'e', {GRADING}),
  (5, 1, TIMESTAMPTZ '2026-03-06 13:00:00Z', 'DE', 'residential', 3, 'direct', 'old', 'f', {CHAT}),
  (6, 2, TIMESTAMPTZ '2026-02-01 13:00:00Z', 'DE', 'residential', 3, 'direct', 'old', 'g', {GRADING})
) t(x, account, asked_at, country, ip_class, block, pathway, model_requested, conversation_id, code)
"""

SHARED = """
SELECT * FROM (VALUES (0, 0, 0, TRUE, TRUE, TRUE), (0, 1, 0, TRUE, FALSE, TRUE), (0, 2, 1, TRUE, TRUE, FALSE),
  (0, 3, 1, FALSE, FALSE, FALSE)) t(grp, x, account, exclusive, broad, certain)
"""
"""Exchanges 0 and 2 are in a wording that many members show, 2 in a doubtful account; 3 is in a popular wording."""

REST = "CAST(x AS VARCHAR) AS exchange_id, CAST(NULL AS UBIGINT) AS simhash"

WORDINGS = "SELECT * FROM (VALUES (0, 7), (1, 7), (2, 7), (3, {of_unknown})) t(x, token)"
"""Exchanges 0 to 2 share a wording; the rules know nothing of exchange 3."""


def figures_with(of_unknown: int, of_three: int = 0) -> dict[int, Figures]:
    """One group of accounts 0 and 1; exchange 3 is in a wording of its own, or in the others' (7), with these tags."""
    words = WORDINGS.format(of_unknown=of_unknown)
    with DuckEngine() as engine:
        engine.run(
            [
                Step("exchange", f"SELECT * EXCLUDE (code), {REST} FROM ({EXCHANGES})"),
                Step(
                    "exchange_capability",
                    f"SELECT x, code, CAST(CASE WHEN x = 3 THEN {of_three} ELSE 0 END AS UBIGINT) AS tags, "
                    f"CAST(0 AS UINTEGER) AS structure FROM ({EXCHANGES})",
                ),
                Step("group_exchange", SHARED),
                Step("group_token", "SELECT 0 AS grp, 'exact' AS channel, UNNEST([7, 8]) AS token"),
                Step("template_token", f"SELECT x, 'exact' AS channel, token FROM ({words})"),
                Step("left_out", "SELECT 0 AS grp, 3 AS n"),
                Step(
                    "group_work",
                    "SELECT grp, min(asked_at) AS first_seen, max(asked_at) AS last_seen "
                    "FROM group_exchange JOIN exchange USING (x) GROUP BY grp",
                ),
                Step(
                    "account",
                    "SELECT * FROM (VALUES (0, 'FR', 'US', 'trial'), (1, 'DE', NULL, NULL), (2, 'DE', NULL, NULL)) "
                    "t(account, billing_country, verified_country, programme)",
                ),
                Step("releases", "SELECT 'new' AS model, TIMESTAMPTZ '2026-03-04 10:00:00Z' AS released_at"),
            ]
        )
        return group_figures(engine)


@pytest.fixture(scope="module")
def figures() -> dict[int, Figures]:
    return figures_with(of_unknown=8)


def test_volume_is_bounded_from_both_sides(figures: dict[int, Figures]) -> None:
    """Low leaves out what a doubtful member sent and a wording of few, which may be replayed cover; high adds the
    members' other grading and what strangers sent in the group's words, not their chat nor another's grading."""
    assert figures[0].exchanges == (1, 4, 8)


def test_a_wording_is_named_as_a_whole(figures: dict[int, Figures]) -> None:
    assert figures[0].capabilities == {"rubric_grading": 0.75, "unknown": 0.25}
    assert figures_with(of_unknown=7)[0].capabilities == {"rubric_grading": 1.0}


def test_a_wording_has_the_name_of_what_half_of_its_exchanges_say() -> None:
    """Tags of exchange 3 name its wording where it has one of its own, and are the item's where it is one of four."""
    bits = tag_bits()
    own = figures_with(of_unknown=8, of_three=bits["translation"])[0].capabilities
    assert own == {"rubric_grading": 0.75, "translation": 0.25}
    one_of_four = figures_with(of_unknown=7, of_three=bits["translation"])[0].capabilities
    assert one_of_four == {"rubric_grading": 1.0}


def test_times_pathways_and_capabilities(figures: dict[int, Figures]) -> None:
    found = figures[0]
    assert (found.first_seen, found.last_seen) == ("2026-03-01T10:00:00Z", "2026-03-05T12:00:00Z")
    assert found.pathways == {"direct": 0.5, "cloud": 0.25, "unknown": 0.25}
    assert found.capabilities == {"rubric_grading": 0.75, "unknown": 0.25}


def test_bypass_prefers_the_verified_country_and_abstains_where_no_address_is_known(
    figures: dict[int, Figures],
) -> None:
    bypass = figures[0].bypass
    assert bypass["outside_billing_country"] == 0.0
    assert bypass["hosting"] == pytest.approx(1 / 3, abs=1e-4)
    assert bypass["proxies"] == pytest.approx(1 / 3, abs=1e-4)
    assert bypass["billing_countries"] == {"DE": 1, "FR": 1}
    assert bypass["programmes"] == {"trial": 1}
    assert bypass["address_countries"] == {"US": 2, "DE": 1}


def test_a_pivot_is_timed_from_the_release(figures: dict[int, Figures]) -> None:
    assert figures[0].pivots == [{"model": "new", "released_at": "2026-03-04T10:00:00Z", "hours": 24.0, "share": 1.0}]


def test_a_day_is_a_day_of_utc_and_every_shared_exchange_falls_on_one(figures: dict[int, Figures]) -> None:
    assert figures[0].timeline == [{"day": "2026-03-01", "exchanges": 1}, {"day": "2026-03-05", "exchanges": 3}]


def test_no_text_says_nothing_of_its_source(figures: dict[int, Figures]) -> None:
    assert figures[0].source == {}


def test_a_group_without_shared_work_has_no_figures(figures: dict[int, Figures]) -> None:
    assert pa.array(list(figures)).to_pylist() == [0]
