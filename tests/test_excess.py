"""What exceeds a permission is a finding of its own, and the only one about its exchanges."""

from typing import Any

import pyarrow as pa
import pytest

from stillwatch.assess.finding import Finding, as_json
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.excess import SAYS, _names, excess_findings
from stillwatch.permissions import PERMISSION_STEPS
from stillwatch.records import CAPABILITIES, Step
from stillwatch.single import single_findings
from stillwatch.tables import PERMISSIONS

GRADING = CAPABILITIES.index("rubric_grading")
N = 1000


def found(*permissions: dict[str, Any], order: str = "x") -> tuple[list[Finding], list[Finding], list[int]]:
    """(findings about customers, about excess, covered entities) of one customer of two accounts that grades."""
    with DuckEngine() as engine:
        engine.run(
            [
                Step(
                    "account",
                    "SELECT range AS account, chr(CAST(97 + range AS INTEGER)) AS account_id, 0 AS entity, "
                    "'acme' AS org_id, 'p' AS payment_fingerprint, NULL::VARCHAR AS reseller_of FROM range(2)",
                ),
                Step(
                    "exchange",
                    "SELECT range AS x, CAST(range % 2 AS INTEGER) AS account, 0 AS entity, "
                    "'large' AS model_requested, 10 AS input_tokens, 400 AS output_tokens, "
                    "NULL::INTEGER AS output_words, 'api' AS pathway, "
                    "range::UBIGINT AS exact, TIMESTAMPTZ '2026-03-01 10:00:00Z' + to_minutes(range * 10) AS asked_at "
                    f"FROM (SELECT CAST(range AS INTEGER) AS range FROM range({N})) "
                    f"ORDER BY {order.replace('x', 'range')}",
                ),
                Step("template_token", "SELECT entity, x, 'exact' AS channel, 5 AS token FROM exchange"),
                Step("exchange_lean", "SELECT x, 1.5::DOUBLE AS lean FROM exchange"),
                Step("exchange_capability", f"SELECT x, {GRADING}::TINYINT AS code FROM exchange"),
                Step(
                    "history_text",
                    "SELECT x, account, pathway, 100000::UBIGINT AS segment, asked_at FROM exchange WHERE x = 0",
                ),
                Step("base_fact", "SELECT -1.0 AS lean"),
            ]
        )
        rows = [{"purpose": "distillation", "reference": "T-1", "org_id": "acme"} | one for one in permissions]
        engine.register("permissions", pa.Table.from_pylist(rows, schema=PERMISSIONS))
        engine.run(PERMISSION_STEPS)
        single = single_findings(engine, ("acme",), "2026-03-25", frozenset())
        covered = engine.arrow("SELECT entity FROM covered_entity")["entity"].to_pylist()
        return single, excess_findings(engine, "2026-03-25"), covered


def test_under_its_cap_a_customer_is_permitted_and_nothing_else_is_said() -> None:
    single, excess, covered = found({"exchange_cap": N})
    assert [f.status for f in single] == ["permitted"] and not excess and covered == [0]


def test_over_it_only_the_excess_is_for_review() -> None:
    single, excess, covered = found({"exchange_cap": 600})
    assert [(f.status, f.exchanges[1]) for f in single] == [("permitted", 600)]
    (beyond,) = excess
    assert (beyond.kind, beyond.status, beyond.exchanges) == ("excess", "ambiguous", (400, 400, 400))
    assert beyond.first_seen > single[0].last_seen and not covered
    assert [(p.account_id, p.role, p.exchanges) for p in beyond.parts] == [
        ("a", "customer", 200),
        ("b", "customer", 200),
    ]
    assert all(part.probability < 0.5 for part in (*beyond.parts, *single[0].parts))
    assert sum(day["exchanges"] for day in beyond.details["timeline"]) == 400
    (told,) = as_json(beyond, 0)["evidence"]["alternatives"]
    assert told["for"] == "T-1 permits distillation up to 600 exchanges"
    assert told["against"] == "400 exchanges go beyond it"


def test_what_a_permission_covers_names_it() -> None:
    capped: list[tuple[dict[str, Any], str]] = [
        ({"exchange_cap": N}, f" up to {N:,} exchanges"),
        ({"token_cap": 10**9}, " up to 1,000,000,000 tokens"),
        ({}, ""),
    ]  # fmt: skip
    for given, caps in capped:
        (one,), _, _ = found(given)
        (told,) = as_json(one, 0)["evidence"]["alternatives"]
        assert told["for"] == f"T-1 permits distillation{caps}"
        assert (told["name"], told["verdict"], told["against"]) == ("permission", "explains", "")
    (one,), _, _ = found(
        {}, {"reference": "T-2", "account_id": "a", "org_id": None}, {"reference": "T-3", "models": ["x"]}
    )
    held = [told["for"] for told in as_json(one, 0)["evidence"]["alternatives"]]
    assert held == ["T-1 permits distillation", "T-2 permits distillation"], "one for another model covers nothing"


def test_a_tiny_permission_buys_nothing() -> None:
    single, excess, _ = found({"exchange_cap": 1})
    assert not single  # one permitted exchange is no matter of scale
    assert [f.exchanges[1] for f in excess] == [N - 1]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["x DESC", "x % 7, x"])
def test_the_order_of_rows_changes_nothing(order: str) -> None:
    caps = ({"exchange_cap": 600}, {"reference": "T-2", "token_cap": 41_000, "org_id": None, "account_id": "a"})
    assert found(*caps) == found(*reversed(caps), order=order)


def test_each_permission_has_a_finding_with_a_lasting_id() -> None:
    one, other = {"exchange_cap": 600}, {"reference": "T-2", "account_id": "a", "org_id": None, "exchange_cap": 100}
    ids = {f.campaign_id for f in found(one, other)[1]}
    assert len(ids) == 1  # what the larger one covers does not exceed the smaller; what exceeds both is told once
    assert {f.campaign_id for f in found(one | {"exchange_cap": 700})[1]} <= {f.campaign_id for f in found(one)[1]}


def test_permissions_that_say_nearly_the_same_have_findings_of_their_own() -> None:
    large, small = ({"models": [name], "exchange_cap": 300} for name in ("large", "small"))
    half = {"exchange_cap": 300, "account_id": "a", "org_id": None}
    findings = found(large | {"account_id": "a", "org_id": None}, half | {"account_id": "b"}, small)[1]
    assert [f.exchanges[1] for f in findings] == [200, 200]
    assert len({f.campaign_id for f in findings}) == 2
    again = found(half, half | {"models": ["large"]}, half | {"account_id": "b"})[1]
    assert len({f.campaign_id for f in again}) == len(again) == 2


def test_of_several_that_say_the_same_each_has_a_name() -> None:
    claim = dict.fromkeys(SAYS) | {"reference": "T-1"}
    names = _names([claim, claim | {"models": ["m"]}, claim, claim])
    assert len(set(names)) == 4 and names[:1] == _names([claim])
