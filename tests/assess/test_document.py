"""The answer's form is the documented one: no key without a line in docs/findings.md, no line without a key."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from stillwatch.assess.alternatives import alternatives
from stillwatch.assess.changes import EVENTS, Change
from stillwatch.assess.finding import Confirmed, Finding, as_json, is_active
from stillwatch.assess.items import Dealt, as_facts, crossings
from stillwatch.assess.roles import Part
from stillwatch.records import Score, Term

DOCUMENT = Path(__file__).parents[2] / "docs" / "findings.md"


def answer() -> dict[str, Any]:
    terms = (Term("coordinated", "content agrees", 3.0, "rows agree"),)
    finding = Finding(
        "C-1", "group", "suspected", {"chat": 1.0}, (1, 2, 3), 10, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", True,
        (Part("a", 0.9, "operator", True, 2),), (Score("coordinated", -1.0, terms),) * 3, ("content",),
        (Confirmed("client", 5.0, True, "exact"), Confirmed("timing", 0.1, False, "exact")), ("client",),
        tuple(alternatives({}, 0.0, frozenset())), {"bypass": {}, "pathways": {}, "pivots": [], "timeline": []},
    )  # fmt: skip
    return as_json(finding, 0)


def documented(heading: str) -> set[str]:
    """The keys in the first column of the table under a heading."""
    text = DOCUMENT.read_text("utf-8")
    part = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def test_every_key_is_documented_and_every_documented_key_is_there() -> None:
    found = answer()
    assert documented("A finding") | {"evidence"} == set(found) | {"evidence"}
    assert documented("`evidence`") == set(found["evidence"])


def test_every_key_of_items_and_training_value_is_documented() -> None:
    crossed, out = crossings(np.ones(2, np.uint64), np.arange(2)), Dealt(30, 20, 0, 4.0, -4.0)
    known = {"items", "novel", *as_facts(crossed, out, 0.0, (1.0, 1.0))}
    assert documented("Items") == known
    assert documented("Training value") == {"log_e", "guarantee", "entities", "compared", "shows"}


def test_every_key_of_a_change_is_documented() -> None:
    assert documented("Changes") == {field.name for field in fields(Change)}
    told = DOCUMENT.read_text("utf-8").split("\n## Changes\n", 1)[1].split("\n## ", 1)[0]
    assert all(f"`{word}`" in told for word in (*EVENTS, "dormant", "returned"))


def test_only_what_was_discovered_confirms() -> None:
    assert [one["family"] for one in answer()["evidence"]["confirmed_by"]] == ["client"]


def test_the_terms_of_a_question_sum_to_its_log_odds() -> None:
    evidence = answer()["evidence"]
    rows = [row["value"] for row in evidence["terms"] if row["question"] == "coordinated"]
    assert sum(rows) == 3 * evidence["coordinated"]


def test_active_is_within_three_days_of_the_end() -> None:
    assert is_active("2026-03-28T23:00:00Z", "2026-03-31")
    assert not is_active("2026-03-27T23:00:00Z", "2026-03-31")
    assert not is_active("", "2026-03-31")
