"""What became of campaigns between two answers, from findings of a few accounts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.assess.changes import EVENTS, Change, changes


def finding(name: str, accounts: str, status: str = "suspected", **more: Any) -> dict[str, Any]:
    """One letter an account; a capital one is accused where the finding is suspected."""
    members = [
        {"account_id": a.lower(), "role": "operator", "probability": 0.9 if a.isupper() else 0.4, "exchanges": 5}
        for a in accounts
    ]
    held = {"kind": "group", "exchanges": 5 * len(accounts), "active": True}
    return {"campaign_id": name, "status": status, "members": members, **held, **more}


def between(earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[Change]:
    return changes({"campaigns": earlier}, {"campaigns": later})


def told(earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [(change.campaign_id, change.event, change.was, change.of) for change in between(earlier, later)]


ONE, TWO, BOTH = finding("C-1", "ABCDEF"), finding("C-2", "UVWXYZ"), finding("C-3", "ABCDEFUVWXYZ")

LIVES = [
    # earlier, later, (finding, event, was, part of)
    ([], [ONE], [("C-1", "new", (), "")]),
    ([ONE], [], [("", "gone", ("C-1",), "")]),
    ([ONE], [finding("C-9", "ABCDEFghij")], [("C-9", "continued", ("C-1",), "")]),
    ([ONE], [finding("C-9", "ABCxyz")], [("C-9", "continued", ("C-1",), "")]),
    ([ONE], [finding("C-9", "ABuvwxyz")], [("C-9", "new", (), ""), ("", "gone", ("C-1",), "")]),
    ([ONE, TWO], [BOTH], [("C-3", "merged", ("C-1", "C-2"), "")]),
    ([BOTH], [finding("C-8", "ABCDE"), finding("C-9", "UVWXYZ")],
     [("C-8", "split", (), "C-3"), ("C-9", "continued", ("C-3",), "")]),
    ([ONE], [ONE | {"kind": "entity"}], [("C-1", "new", (), ""), ("", "gone", ("C-1",), "")]),
    ([ONE | {"status": "dismissed"}], [ONE], [("C-1", "continued", ("C-1",), "")]),
    ([ONE | {"status": "dismissed"}], [ONE | {"status": "dismissed"}], []),
    ([], [ONE | {"status": "dismissed"}], []),
]  # fmt: skip


@pytest.mark.parametrize(("earlier", "later", "expected"), LIVES)
def test_lives(earlier: list[dict[str, Any]], later: list[dict[str, Any]], expected: list[Any]) -> None:
    assert told(earlier, later) == expected


def test_who_came_who_left_and_who_is_newly_accused() -> None:
    (change,) = between([finding("C-1", "ABcd", "ambiguous")], [finding("C-2", "ABCe")])
    assert (change.joined, change.left) == (("e",), ("d",))
    assert change.newly_accused == ("a", "b", "c"), "nobody was accused in a finding for review"
    assert (change.status, change.exchanges) == (("ambiguous", "suspected"), (20, 20))
    (back,) = between([finding("C-2", "ABCe")], [finding("C-1", "ABcd", "ambiguous")])
    assert (back.newly_accused, back.no_longer_accused) == ((), ("a", "b", "c"))


def test_whoever_shares_no_work_makes_no_findings_the_same() -> None:
    idle = finding("C-2", "ABCDEF")
    for member in idle["members"]:
        member["exchanges"] = 0
    assert [change.event for change in between([ONE], [idle])] == ["new", "gone"]


@pytest.mark.parametrize(
    ("before", "now", "activity"),
    [(True, False, "dormant"), (False, True, "returned"), (True, True, ""), (False, False, "")],
)
def test_a_campaign_sleeps_and_wakes(before: bool, now: bool, activity: str) -> None:
    (change,) = between([ONE | {"active": before}], [ONE | {"active": now}])
    assert change.activity == activity


GROUPS = st.lists(st.text("abcdefghij", min_size=1, max_size=6), max_size=5)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(GROUPS, GROUPS)
def test_every_finding_is_told_once_whatever_their_order(one: list[str], other: list[str]) -> None:
    earlier = [finding(f"C-{at}", "".join(sorted(set(names)))) for at, names in enumerate(one)]
    later = [finding(f"D-{at}", "".join(sorted(set(names)))) for at, names in enumerate(other)]
    found = between(earlier, later)
    assert sorted(change.campaign_id for change in found if change.campaign_id) == [f["campaign_id"] for f in later]
    assert sorted(name for change in found for name in change.was) == [f["campaign_id"] for f in earlier]
    assert [EVENTS.index(change.event) for change in found] == sorted(EVENTS.index(change.event) for change in found)
    assert all(change.of for change in found if change.event == "split")
