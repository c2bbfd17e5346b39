"""Cover or an ordinary customer's life: counted by hand, and silent where nothing can be learnt."""

import pytest

from stillwatch.assess.lives import LEAST, LIFE_STEPS, MOST, TRAITS, Life, Lives, cover_log_ratio
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import Step


def life(n: int = 20, **traits: float | None) -> Life:
    return Life(n, dict.fromkeys(TRAITS, 0.0) | {"home": 0.9} | traits)


ORDINARY = Lives([*(life() for _ in range(900)), *(life(abroad=0.9) for _ in range(100))])


def test_what_is_common_to_cover_and_rare_elsewhere_speaks_for_cover() -> None:
    own = Lives(life(abroad=0.9, mixed=0.4) for _ in range(40))
    assert cover_log_ratio(life(abroad=0.9, mixed=0.4), own, ORDINARY) == MOST
    assert cover_log_ratio(life(), own, ORDINARY) == 0.0


def test_where_everybody_mixes_mixing_says_nothing() -> None:
    everybody = Lives(life(mixed=0.4) for _ in range(1000))
    assert cover_log_ratio(life(mixed=0.4), Lives(life(mixed=0.4) for _ in range(40)), everybody) < 0.05


def test_a_group_of_which_nothing_is_known_says_nothing() -> None:
    assert cover_log_ratio(life(abroad=0.9, mixed=0.4), Lives([]), ORDINARY) == pytest.approx(0.0)


def test_a_short_life_and_an_unseen_trait_say_nothing() -> None:
    own = Lives(life(abroad=0.9, mixed=0.4) for _ in range(40))
    assert cover_log_ratio(life(LEAST - 1, abroad=0.9, mixed=0.4), own, ORDINARY) == 0.0
    assert cover_log_ratio(Life(20, dict.fromkeys(TRAITS)), own, ORDINARY) == 0.0


def test_the_traits_of_a_life_in_sql() -> None:
    """Ten exchanges of an owner: three from abroad, two through a proxy, six from one block, four with tools. An
    account with a member's work is nobody's ordinary life."""
    exchange = """
        SELECT x, CAST(x >= 10 AS INTEGER) AS account, CASE WHEN x < 6 THEN 'b' ELSE 'c' || x END AS block,
               CASE WHEN x < 3 THEN 'FR' ELSE 'DE' END AS country, CASE WHEN x < 2 THEN 'vpn' END AS ip_class,
               CASE WHEN x < 4 THEN [1, 2] ELSE [2] END AS segment_roles
        FROM range(12) t(x)
    """
    with DuckEngine() as engine:
        engine.run([
            Step("exchange", exchange),
            Step("account",
                 "SELECT a AS account, 'DE' AS billing_country, NULL AS verified_country FROM range(2) r(a)"),
            Step("own_life", "SELECT 7 AS grp, * FROM exchange WHERE account = 0"),
            Step("group_shared", "SELECT 7 AS grp, 0 AS account"),
            *LIFE_STEPS,
        ])  # fmt: skip
        member = engine.arrow("SELECT * FROM member_life").to_pylist()
        ordinary = engine.arrow("SELECT * FROM ordinary_life").to_pylist()
    assert member == [{"grp": 7, "account": 0, "life": 10, "abroad": 0.3, "proxied": 0.2, "home": 0.6, "mixed": 0.4}]
    assert [(row["account"], row["life"], row["home"]) for row in ordinary] == [(1, 2, 0.5)]
