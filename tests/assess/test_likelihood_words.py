"""Words of likelihood beside what was true of 485 groups in 29 worlds of three authors, on which nothing was fitted."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from stillwatch.assess.estimates import of_group
from stillwatch.assess.finding import LIKELIHOOD, likelihood, probability
from stillwatch.records import Score
from stillwatch.stats import clopper_pearson

QUESTIONS = ("coordinated", "extracting", "concealed")
HELD_OUT = Path(__file__).parents[2] / "benchmarks" / "results" / "likelihood-groups-held-out.jsonl"
WANTED = 0.03


def by_word(state: Callable[[float], float]) -> dict[str, list[tuple[float, bool]]]:
    """By word, what is stated of each group and whether it is a campaign; permitted ones left out."""
    out: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for row in map(json.loads, HELD_OUT.read_text().splitlines()):
        if row["status"] != "permitted":
            stated = state(probability(tuple(Score(name, row[name]) for name in QUESTIONS)))
            out[likelihood(stated)[0]].append((stated, row["true"]))
    return out


def error(held: dict[str, list[tuple[float, bool]]]) -> float:
    """The expected calibration error over words."""
    gaps = (abs(sum(true for _, true in rows) - sum(stated for stated, _ in rows)) for rows in held.values())
    return sum(gaps) / sum(map(len, held.values()))


def test_what_happened_is_within_reach_of_every_word() -> None:
    held = by_word(of_group)
    assert len(held) >= 5
    for word, low, high in LIKELIHOOD:
        least, most = clopper_pearson(sum(true for _, true in held[word]), len(held[word])) if word in held else (0, 1)
        assert least <= high and low <= most, word


def test_the_calibration_error_is_as_wanted() -> None:
    """Of the 77 told groups alone it was .039: 75 are true, and .94 is stated on average."""
    assert error(by_word(of_group)) <= WANTED
    assert error(by_word(lambda product: product)) > WANTED, "the product as it stands is not"
