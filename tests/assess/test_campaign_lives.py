"""The fold of windows into lives: names that stay, and what happened when."""

from typing import Any

import pytest

from stillwatch.assess.campaign_lives import FORGOTTEN, CampaignLife, Chapter, lives_after, with_evidence
from tests.assess.test_changes import BOTH, ONE, TWO, finding


def lived(*answers: list[dict[str, Any]]) -> list[Chapter]:
    """A chapter for each window's findings; windows end with d1, d2 …"""
    lives: tuple[CampaignLife, ...] = ()
    born = 0
    out = []
    for day, findings in enumerate(answers, start=1):
        chapter = lives_after(lives, {"campaigns": findings}, f"d{day}", born, lambda place, crossed: 0.05 / place)
        lives, born = chapter.lives, chapter.born
        out.append(chapter)
    return out


def events(*answers: list[dict[str, Any]]) -> list[tuple[str, str, str, int | None, str]]:
    return [
        (name, event.day, event.what, event.count, event.of)
        for chapter in lived(*answers)
        for name, event in chapter.events
    ]


def test_a_campaign_keeps_its_name_when_its_finding_has_another_id() -> None:
    chapters = lived([ONE], [finding("C-9", "ABCDEFGH")], [finding("C-7", "ABCDEFGHI")])
    (life,) = chapters[-1].lives
    assert (life.life_id, life.born, life.finding["campaign_id"]) == ("C-1", "d1", "C-7")
    assert [(e.day, e.what, e.count) for _, e in chapters[1].events] == [("d2", "joined", 2), ("d2", "accused", 2)]


def test_what_leaked_is_what_was_made_when_it_was_first_accused() -> None:
    review = finding("C-1", "abcdef", "ambiguous", exchanges=40)
    (life,) = lived([review], [finding("C-2", "ABCDEF", exchanges=90)], [finding("C-3", "ABCDEF", exchanges=500)])[
        -1
    ].lives
    assert (life.first_accused, life.leaked, life.finding["exchanges"]) == ("d2", 90, 500)


def test_a_dismissed_finding_begins_no_life_and_ends_none() -> None:
    assert lived([finding("C-1", "abcdef", "dismissed")])[-1].lives == ()
    told = events([ONE], [finding("C-1", "ABCDEF", "dismissed")], [finding("C-1", "ABCDEF", "dismissed")], [ONE])
    assert [(day, what, of) for _, day, what, _, of in told if what in ("gone", "status", "returned")] == [
        ("d1", "status", "suspected"), ("d2", "status", "dismissed"), ("d4", "status", "suspected"),
    ]  # fmt: skip


def test_who_is_found_no_more_is_gone_once_and_can_return() -> None:
    told = events([ONE], [], [], [finding("C-5", "ABCDEF")])
    assert [(day, what) for _, day, what, _, _ in told if what in ("gone", "returned")] == [
        ("d2", "gone"),
        ("d4", "returned"),
    ]
    assert {name for name, *_ in told} == {"C-1"}


def test_a_rest_is_told_when_it_begins_and_when_it_ends() -> None:
    rests = finding("C-1", "ABCDEF", active=False)
    told = events([ONE], [rests], [rests], [ONE])
    assert [(day, what) for _, day, what, _, _ in told if what in ("dormant", "returned")] == [
        ("d2", "dormant"), ("d4", "returned"),
    ]  # fmt: skip


def test_of_two_that_merge_the_larger_part_goes_on() -> None:
    chapter = lived([finding("C-1", "ABCDEF"), finding("C-2", "UVWXYZGH")], [BOTH])[-1]
    by_name = {life.life_id: life for life in chapter.lives}
    assert by_name["C-1"].ended == "" or by_name["C-2"].ended == ""
    (gone,) = (life for life in chapter.lives if life.ended)
    assert ("merged", gone.ended) in [(e.what, e.of) for name, e in chapter.events if name == gone.life_id]
    again = lived([ONE, TWO], [BOTH], [BOTH])
    assert again[-1].events == ()


def test_a_part_that_leaves_is_a_life_of_its_own() -> None:
    told = events([BOTH], [finding("C-8", "ABCDEF"), finding("C-9", "UVWXYZ")])
    assert ("C-9", "d2", "split", 6, "C-3") in told or ("C-8", "d2", "split", 6, "C-3") in told


def test_a_name_is_never_given_twice() -> None:
    chapters = lived([ONE], [finding("C-1", "UVWXYZ"), finding("C-4", "ABCDEF")])
    assert sorted(life.life_id for life in chapters[-1].lives) == ["C-1", "C-1-2"]


def test_a_pivot_is_told_once() -> None:
    moved = finding("C-1", "ABCDEF", pivots=[{"model": "m-2"}])
    told = events([ONE], [moved], [moved])
    assert [(day, of) for _, day, what, _, of in told if what == "pivot"] == [("d2", "m-2")]


def test_whose_accusation_ends_is_told_with_their_names() -> None:
    answers = [ONE], [finding("C-1", "ABCDef")], [finding("C-1", "ABCDEF", "dismissed")]
    told = [(e.day, e.what, e.account_ids) for chapter in lived(*answers) for _, e in chapter.events]
    assert ("d1", "accused", tuple("abcdef")) in told
    assert ("d2", "cleared", ("e", "f")) in told and ("d3", "cleared", tuple("abcd")) in told
    (life,) = lived([finding("C-1", "abcdef", "permitted")])[-1].lives
    assert not life.alarmed


def test_the_order_of_findings_changes_no_life() -> None:
    halves = [finding("C-8", "ABCDEF"), finding("C-9", "UVWXYZ")]
    for many in ([ONE, TWO], [BOTH], halves):
        assert lived([ONE, TWO], many, many[::-1]) == lived([TWO, ONE], many[::-1], many)


def test_who_is_missed_for_long_is_forgotten_and_keeps_its_place_in_the_stream() -> None:
    chapters = lived([ONE], *([[]] * (FORGOTTEN + 1)), [TWO])
    assert [life.missed for life in chapters[FORGOTTEN].lives] == [FORGOTTEN]
    assert chapters[FORGOTTEN + 1].lives == ()
    assert [(life.life_id, life.place, life.level) for life in chapters[-1].lives] == [("C-2", 2, 0.025)]


@pytest.mark.parametrize(("log_mean", "crosses"), [(2.99, False), (3.0, True)])
def test_evidence_crosses_its_level_once(log_mean: float, crosses: bool) -> None:
    (life,) = lived([ONE])[-1].lives
    held, event = with_evidence(life, {"client": log_mean}, log_mean, "d2")
    assert (held.crossed, event is not None) == (("d2", True) if crosses else ("", False))
    again, event = with_evidence(held, {}, 9.0, "d3")
    assert (again.crossed, event is None) == (("d2", True) if crosses else ("d3", False))
