"""What permissions and resale cover of a group, and what the facts of a group are: SQL counted by hand."""

from typing import Any

import pytest

from stillwatch.assess.facts import fact_steps
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.findings import GROUP_STEPS
from stillwatch.records import Step

STANDING = next(step for step in GROUP_STEPS if step.table == "group_standing")


def standing(covered: str, contracted: str, reselling: str = "FALSE") -> dict[str, Any]:
    """Account 0 sent ninety of a group's hundred exchanges, accounts 1 to 10 one each."""
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "group_exchange",
                    "SELECT 0 AS grp, range AS x, greatest(range - 89, 0) AS account FROM range(100)",
                ),
                Step("covered_exchange", f"SELECT x FROM group_exchange WHERE {covered}"),
                Step("contracted_exchange", f"SELECT x FROM group_exchange WHERE {contracted}"),
                Step("reselling_account", f"SELECT DISTINCT account FROM group_exchange WHERE {reselling}"),
                STANDING,
            ]
        )
        return dict(engine.arrow("SELECT * FROM group_standing").to_pylist()[0])


def test_one_licensee_does_not_excuse_ten_accounts() -> None:
    found = standing("account = 0", "account = 0")
    assert found["permitted"] == found["resold"] == pytest.approx(1 / 11)


def test_ten_small_licensees_do_not_excuse_the_one_that_does_the_work() -> None:
    assert standing("account > 0", "FALSE")["permitted"] == pytest.approx(0.1)


def test_what_covers_all_covers_the_group() -> None:
    assert standing("TRUE", "FALSE") == {"grp": 0, "permitted": 1.0, "resold": 0.0, "said_resold": 0.0}


def test_a_word_is_no_contract() -> None:
    found = standing("FALSE", "FALSE", "TRUE")
    assert (found["resold"], found["said_resold"]) == (0.0, 1.0)


EXCHANGE = """
SELECT * FROM (VALUES
  (0, 0, 0, TIMESTAMPTZ '2026-03-01 10:00:00Z', 'b1', 1, 'hosting', 'US', 100, NULL, 10),
  (1, 0, 0, TIMESTAMPTZ '2026-03-02 10:00:00Z', 'b2', 2, NULL, 'US', 200, NULL, 10),
  (2, 1, 1, TIMESTAMPTZ '2026-03-03 10:00:00Z', 'b1', 1, 'hosting', 'DE', NULL, 40, 10),
  (3, 2, 2, TIMESTAMPTZ '2026-03-04 10:00:00Z', 'b9', 9, 'residential', 'FR', 50, NULL, 1)
) t(x, account, entity, asked_at, block, asn, ip_class, country, output_words, output_tokens, input_tokens)
"""

ACCOUNT = """
SELECT * FROM (VALUES
  (0, 'FR', NULL, 'trial', TIMESTAMPTZ '2026-03-02 00:00:00Z', TIMESTAMPTZ '2026-02-01 00:00:00Z', 'p1'),
  (1, 'DE', NULL, NULL, NULL, TIMESTAMPTZ '2026-03-03 00:00:00Z', 'p1'),
  (2, 'FR', NULL, NULL, NULL, NULL, NULL)
) t(account, billing_country, verified_country, programme, suspended_at, created_at, payment_fingerprint)
"""


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Accounts 0 and 1 are a group of three exchanges; account 2 is everyone else."""
    empty = ", ".join(
        f"CAST(NULL AS VARCHAR) AS {name}"
        for name in ("email_domain", "verified_domain", "org_id", "vouched_org", "signup_block")
    )
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "exchange",
                    f"SELECT *, [CAST(x % 2 AS UBIGINT)] AS segments, [CAST(0 AS UTINYINT)] AS segment_roles, "
                    f"'api' AS pathway, CAST(NULL AS VARCHAR) AS user_agent, CAST(0 AS BIGINT) AS reasoning_tokens "
                    f"FROM ({EXCHANGE})",
                ),
                Step("account", f"SELECT *, {empty} FROM ({ACCOUNT})"),
                Step(
                    "group_exchange",
                    "SELECT 0 AS grp, x, entity, account, x <> 1 AS exclusive, TRUE AS certain, x = 2 AS followed "
                    "FROM exchange WHERE x < 3",
                ),
                Step(
                    "exchange_lean",
                    "SELECT x, CASE WHEN x = 1 THEN NULL ELSE 1.0 + x END AS lean, lean AS said FROM exchange",
                ),
                Step(
                    "filler", "SELECT * FROM (VALUES (0, 7, 0), (1, 8, 0), (2, 7, 1)) t(x, filler, entity)",
                ),
                *fact_steps(),
            ]
        )  # fmt: skip
        (group,) = engine.arrow("SELECT * FROM group_fact").to_pylist()
        (base,) = engine.arrow("SELECT * FROM base_fact").to_pylist()
        return group | {f"base_{name}": value for name, value in base.items()}


def test_work_is_counted_where_it_was_logged(facts: dict[str, Any]) -> None:
    assert (facts["shared"], facts["items"], facts["tokens"]) == (3, 2, 70)
    assert facts["lean"] == pytest.approx(2.0) and facts["base_lean"] == pytest.approx(4.0)
    assert facts["follow_up"] == pytest.approx(1 / 3)
    assert facts["answer_words"] == 100.0
    assert (facts["exclusive"], facts["items_shared"]) == (pytest.approx(2 / 3), 0.5)


def test_an_account_counts_once_however_much_it_sends(facts: dict[str, Any]) -> None:
    """Account 0: hosting in one of two addresses, abroad in both; account 1: hosting, at home."""
    assert facts["proxied"] == pytest.approx(0.75) and facts["base_proxied"] == 0.0
    assert facts["classed"] == pytest.approx(0.75)
    assert facts["abroad"] == pytest.approx(0.5)
    assert facts["networks"] == pytest.approx(1.5)
    assert facts["weak_door"] == 0.5 and facts["suspended"] == 0.5 and facts["after_ban"] == 0.5


def test_places_and_names(facts: dict[str, Any]) -> None:
    assert facts["top_block"] == pytest.approx(2 / 3) and facts["top_block_proxied"] == 1.0
    assert facts["product_share"] == pytest.approx(2 / 3)
    assert (facts["top_payment"], facts["payment_value"]) == (1.0, "p1")
    assert facts["top_email_domain"] is None
