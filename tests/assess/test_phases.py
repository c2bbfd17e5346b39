"""Phases over days and stages of one item: planted ones are told, chance ones hardly ever."""

from datetime import date

import numpy as np
import pytest

from stillwatch.assess.phases import Use, phases, stages

NAMES = ("chat", "data_synthesis", "rubric_grading")
START = (date(2026, 3, 1) - date(1970, 1, 1)).days


def work(rng: np.random.Generator, moved: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten accounts over thirty days, 600 exchanges: synthesis, and grading from the sixteenth day on."""
    day, owner = rng.integers(0, 30, 600), rng.integers(0, 10, 600)
    code = np.where(day < 15, 1, 2) if moved else rng.integers(1, 3, 600)
    return day + START, owner, np.where(rng.random(600) < 0.1, 0, code)


def test_two_phases_are_told_with_their_days() -> None:
    found = phases(*work(np.random.default_rng(1), True), NAMES, 7)
    assert [one["capability"] for one in found] == ["data_synthesis", "rubric_grading"]
    assert (found[0]["first"], found[-1]["last"]) == ("2026-03-01", "2026-03-30")
    assert abs((date.fromisoformat(found[1]["first"]) - date(2026, 3, 16)).days) <= 2
    assert all(one["share"] > 0.7 for one in found)


def test_chance_makes_no_phases() -> None:
    told = [seed for seed in range(60) if phases(*work(np.random.default_rng(seed), False), NAMES, 7)]
    assert len(told) <= 2


def test_an_account_that_does_one_thing_a_day_makes_no_phases() -> None:
    """The account's day is the unit: fifty exchanges of one batch are one observation."""
    rng = np.random.default_rng(5)
    told = 0
    for _ in range(40):
        batches = rng.integers(0, 30, 12), rng.integers(0, 12, 12), rng.integers(1, 3, 12)
        told += bool(phases(*(np.repeat(held, 50) + shift for held, shift in zip(batches, (START, 0, 0), strict=True)),
                            NAMES, 7))  # fmt: skip
    assert told <= 2


def test_no_work_has_no_phases() -> None:
    nothing = np.zeros(0, np.int64)
    assert phases(nothing, nothing, nothing, NAMES, 7) == []


def handed(n: int, order: tuple[int, int], other: bool) -> dict[int, list[Use]]:
    return {item: [Use(item, 1, order[0]), Use(item + 0.5, 2 if other else 1, order[1])] for item in range(n)}


def test_items_that_go_from_making_to_grading_are_a_stage() -> None:
    assert stages(handed(30, (1, 2), True), NAMES) == [
        {"first": "data_synthesis", "then": "rubric_grading", "items": 30, "in_order": 1.0, "handed_on": 1.0}
    ]
    back = stages(handed(30, (2, 0), False), NAMES)
    assert (back[0]["first"], back[0]["then"], back[0]["handed_on"]) == ("rubric_grading", "chat", 0.0)


@pytest.mark.parametrize("n", [19, 30])
def test_few_items_and_items_in_any_order_are_none(n: int) -> None:
    mixed = {item: held if item % 2 else [Use(-use.at, use.owner, use.code) for use in held]
             for item, held in handed(n, (1, 2), True).items()}  # fmt: skip
    assert stages(mixed, NAMES) == []
    assert stages(handed(19, (1, 2), True), NAMES) == []
    assert stages({1: [Use(0.0, 1, 1), Use(0.0, 2, 2)]} | handed(5, (1, 1), True), NAMES) == []
