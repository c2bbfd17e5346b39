"""Findings about one entity: scale, purpose and permission, from tables counted by hand."""

from typing import Any

import pytest

from stillwatch.assess.finding import Finding
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import CAPABILITIES, Step
from stillwatch.single import LEAST_ASKING, LEAST_EXCHANGES, LEAST_PERMITTED, single_findings

GRADING, CHAT = CAPABILITIES.index("rubric_grading"), CAPABILITIES.index("chat")


def found(told: frozenset[str] = frozenset(), **changes: Any) -> list[Finding]:
    """One entity of two accounts whose exchanges share one wording, beside traffic of a lean of -1."""
    case = {
        "accounts": 2,
        "paid": "'p'",
        "n": 500,
        "own": 500,
        "lean": 1.5,
        "code": GRADING,
        "covered": "FALSE",
        "capped": "FALSE",
        "within": 10_000,
        "reseller": "FALSE",
    } | changes
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "exchange",
                    f"SELECT range AS x, range % {case['accounts']} AS account, 0 AS entity, 10 AS input_tokens, "
                    f"400 AS output_tokens, NULL::INTEGER AS output_words, 'api' AS pathway, range::UBIGINT AS exact, "
                    f"TIMESTAMPTZ '2026-03-01 10:00:00Z' + to_hours(range) AS asked_at "
                    f"FROM range({case['n']})",
                ),
                Step(
                    "account",
                    f"SELECT range AS account, chr(CAST(97 + range AS INTEGER)) AS account_id, 0 AS entity, "
                    f"{case['paid']} AS payment_fingerprint FROM range({case['accounts']})",
                ),
                Step(
                    "template_token",
                    f"SELECT entity, x, 'exact' AS channel, 5 AS token FROM exchange WHERE x < {case['own']}",
                ),
                Step("covered_entity", f"SELECT 0 AS entity WHERE {case['covered']}"),
                Step("capped_entity", f"SELECT 0 AS entity WHERE {case['capped']}"),
                Step("covers", f"SELECT 0 AS claim, x, entity FROM exchange WHERE {case['covered']}"),
                Step(
                    "claim",
                    "SELECT 0 AS claim, 'T-1' AS reference, 'research' AS purpose, 9 AS exchange_cap, 9 AS token_cap",
                ),
                Step("excess_exchange", f"SELECT 0 AS claim, x, entity FROM exchange WHERE x >= {case['within']}"),
                Step("permitted_account", f"SELECT account FROM account WHERE {case['covered']}"),
                Step("reselling_account", f"SELECT account FROM account WHERE {case['reseller']}"),
                Step(
                    "exchange_lean",
                    f"SELECT x, CASE WHEN x < {case['own']} THEN {case['lean']} ELSE -1 END::DOUBLE AS lean "
                    f"FROM exchange",
                ),
                Step("exchange_capability", f"SELECT x, {case['code']}::TINYINT AS code FROM exchange"),
                Step(
                    "history_text",
                    "SELECT x, account, pathway, 1000::UBIGINT AS segment, asked_at FROM exchange WHERE x = 0",
                ),
                Step("base_fact", "SELECT -1.0 AS lean"),
            ]
        )  # fmt: skip
        return single_findings(engine, ("acme",), "2026-03-25", told)


def test_a_large_entity_that_grades_is_for_review_and_accuses_nobody() -> None:
    (finding,) = found()
    assert (finding.kind, finding.status) == ("entity", "ambiguous")
    assert finding.exchanges == (500, 500, 500) and finding.tokens == 205_000
    assert [(part.account_id, part.role, part.exchanges) for part in finding.parts] == [
        ("a", "customer", 250), ("b", "customer", 250),
    ]  # fmt: skip
    assert all(part.probability < 0.5 for part in finding.parts)
    assert dict(finding.capabilities) == {"rubric_grading": 1.0}
    days = finding.details["timeline"]
    assert days[0] == {"day": "2026-03-01", "exchanges": 14} and sum(day["exchanges"] for day in days) == 500


def test_a_permission_makes_it_permitted_and_lists_smaller_ones() -> None:
    assert [f.status for f in found(covered="TRUE")] == ["permitted"]
    assert [f.status for f in found(covered="TRUE", n=LEAST_PERMITTED, own=LEAST_PERMITTED)] == ["permitted"]


@pytest.mark.parametrize(
    "changes",
    [
        {"n": LEAST_EXCHANGES - 1, "own": LEAST_EXCHANGES - 1},
        {"n": 1000, "own": 450},
        {"lean": -1.0},
        {"lean": "NULL"},
        {"code": CHAT},
        {"reseller": "account = 1"},
    ],
    ids=["too few", "mostly other work", "asks like anybody", "no text", "talks", "a reseller's"],
)
def test_what_is_no_matter_of_scale_or_purpose_is_not_told(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_who_stands_in_a_groups_finding_is_not_told_again() -> None:
    assert found(told=frozenset({"b"})) == []


OWN_CARDS = "'card ' || range"
NAMED = {"accounts": 12, "n": 1000, "own": LEAST_ASKING, "lean": 2.0}


def test_cover_does_not_buy_a_bought_name_off() -> None:
    """Twelve accounts of one verified domain, a card each, that hide their grading among six times as much."""
    (finding,) = found(**NAMED, paid=OWN_CARDS)
    assert (finding.status, finding.exchanges[1], len(finding.parts)) == ("ambiguous", LEAST_ASKING, 12)
    assert all(part.probability < 0.5 for part in finding.parts)


@pytest.mark.parametrize(
    "changes",
    [{"paid": "'p'"}, {"paid": "NULL"}, {"lean": 0.5}, {"own": LEAST_ASKING - 1}, {"accounts": 7}],
    ids=["pays as one", "payments not logged", "leans a little", "too little", "few accounts"],
)
def test_a_name_with_something_behind_it_is_judged_by_all_that_it_does(changes: dict[str, Any]) -> None:
    assert found(**{**NAMED, "paid": OWN_CARDS} | changes) == []
