"""The quick way gives what the slow way gives, line by line, whatever stands beside the line; seeds are printed."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stillwatch.ingest import jsonl, rows
from tests.ingest.rows import lines, read_bytes, row

VALUES: list[Any] = [
    None, "", "x", "12", "2026-06-01T00:00:00Z", "2026-06-01", 0, 1, -1, 2**40, 2**63, 1.0, 1.5, 1e300, float("inf"),
    True, False, [], ["a"], {}, {"a": 1}, "\ud800", "\u0000", "é" * 3, "t" * 5000,
]  # fmt: skip
COLUMNS = [
    "asked_at",
    "account_id",
    "turn_index",
    "max_tokens",
    "temperature",
    "stream",
    "messages",
    "ja4",
    "extra",
    "odd",
]


def odd_lines(seed: int, count: int) -> list[bytes]:
    """Lines of which a few have an odd value, are broken, or are blank."""
    chance = random.Random(seed)
    out = []
    for number in range(count):
        held = row(number, odd=chance.choice(["a", "b", 3]))
        if chance.random() < 0.05:
            held[chance.choice(COLUMNS)] = chance.choice(VALUES)
        line = json.dumps(held).encode()
        out.append(line[: chance.randrange(len(line))] if chance.random() < 0.01 else line)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_quick_equals_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    print(f"seed {seed}")
    data = b"\n".join(odd_lines(seed, 1500))
    quick = read_bytes(tmp_path, data)
    monkeypatch.setattr(jsonl.JsonLines, "_quickly", lambda self, lines: None)
    assert read_bytes(tmp_path, data) == quick
    assert quick[1], "the world should hold bad rows"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_a_line_means_the_same_alone(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    every = odd_lines(100 + seed, 150)
    good, bad = read_bytes(tmp_path, b"\n".join(every))
    together = {held.pop("place"): held for held in good}
    for place, line in enumerate(every, 1):
        alone, refused = read_bytes(tmp_path, line)
        assert ([{**together[place], "place": 1}] if place in together else []) == alone
        assert [(b.column, b.found) for b in bad if b.row == place] == [(b.column, b.found) for b in refused]


def test_batching_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\n".join(odd_lines(7, 700))
    once = read_bytes(tmp_path, data)
    monkeypatch.setattr(rows, "BATCH_ROWS", 37)
    assert read_bytes(tmp_path, data) == once


def test_the_quick_way_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad line in a thousand sends at most a leaf of its neighbours the slow way."""
    parsed: list[bytes] = []
    monkeypatch.setattr(jsonl, "parse", lambda line, parse=jsonl.parse: (parsed.append(line), parse(line))[1])
    good, _ = read_bytes(
        tmp_path, lines(*(row(n) for n in range(2000))) + b"bad\n" + lines(*(row(n) for n in range(2000)))
    )
    assert len(good) == 4000
    assert 0 < len(parsed) <= jsonl.LEAF
