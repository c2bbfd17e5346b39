"""The frontier: its plan, its ledger, what it adds up, and the command around them."""

import json
from pathlib import Path
from typing import Any

import pytest

from stillwatch import cli
from stillwatch.benchmark.frontier import evasions as hiding
from stillwatch.benchmark.frontier import run as runner
from stillwatch.benchmark.frontier.evasions import FULL_TOGETHER, QUICK_TOGETHER, Evasion, curves, evasions
from stillwatch.benchmark.frontier.ledger import FILE, Ledger, build
from stillwatch.benchmark.frontier.run import Task, planned, run
from stillwatch.benchmark.frontier.summary import rate, summed
from stillwatch.errors import SourceError, StoreError
from stillwatch.worlds.scenario import DISGUISES
from tests.benchmark.frontiers import COMMAND, frontier, measured, record
from tests.benchmark.test_suite import keys
from tests.console.browser import Browser

BASE = Task(Evasion(), 5, 0.2)


def test_every_step_is_a_world_that_can_be_made_and_the_base_is_one_of_them() -> None:
    for full in (False, True):
        held = curves(full=full)
        scenarios = [evasion.scenario() for evasion in evasions(held)]
        assert len(scenarios) == len(set(scenarios)), "two points are one world"
        assert {scenario.hours for scenario in scenarios} == {"own"}
        for curve in held:
            assert curve.axis == "size" or any(evasion == Evasion() for _, evasion in curve.steps), curve.axis
            assert curve.says and len(dict(curve.steps)) == len(curve.steps)
        names = [evasion.name for evasion in evasions(held)]
        assert names[0] == "mixed" and len(names) == len(set(names))


def test_full_covers_every_axis_that_hides_and_quick_is_a_part_of_it() -> None:
    assert set(hiding.QUICK) <= set(hiding.FULL) and set(QUICK_TOGETHER) <= set(FULL_TOGETHER)
    assert all(set(values) <= set(hiding.FULL[axis]) for axis, values in hiding.QUICK.items())
    assert set(hiding.FULL["imitate"]) == set(DISGUISES)
    assert all(set(hiding.AXES[axis].words) <= {*hiding.FULL[axis]} for axis in ("imitate", "provider"))
    sizes = {task.evasion.name: task.scale for task in planned(full=True).tasks if "size=" in task.evasion.name}
    assert sizes.pop("campaigns=1, size=25000") == 5.0 and set(sizes.values()) == {1.0}
    assert planned(full=True).tasks[-1].scale == 5.0, "what might not fit comes last"


def test_points_of_one_seed_are_one_base_world_and_seeds_count_on() -> None:
    plan = planned(full=False, only=("cover", "rotation"), seed=7, seeds=2, scale=0.1)
    told = [(task.evasion.name, task.seed, task.scale) for task in plan.tasks]
    names = ["mixed", "cover=0", "cover=.95", "cover=.98", "rotation=1"]
    assert told == [(name, seed, 0.1) for seed in (7, 8) for name in names]


def test_points_are_kept_as_they_finish_and_passed_over_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def point(task: Task, tell: Any) -> dict[str, Any]:
        asked.append(task.evasion.name)
        return record(task)

    monkeypatch.setattr(runner, "point", point)
    plan = planned(full=False, only=("cover",))
    first = run(plan, Ledger(tmp_path))
    next(first), next(first)
    first.close()
    assert len((tmp_path / FILE).read_text().splitlines()) == 2
    rest = list(run(plan, Ledger(tmp_path)))
    assert [held["evasion"] for held in rest] == ["cover=.95", "cover=.98"] and len(asked) == 4
    assert not list(run(plan, Ledger(tmp_path)))


def test_a_line_that_a_killed_run_left_half_is_cut_off_and_measured_again(tmp_path: Path) -> None:
    file = tmp_path / FILE
    Ledger(tmp_path).add(record(BASE))
    file.write_bytes(file.read_bytes() + b'{"schema": "stillwatch/fron')
    ledger = Ledger(tmp_path)
    assert ledger.get(BASE.key) and ledger.get(("cover=0", 5, 0.2)) is None
    ledger.add(record(Task(Evasion(("cover=0",)), 5, 0.2)))
    assert [json.loads(line)["evasion"] for line in file.read_text().splitlines()] == ["mixed", "cover=0"]


def test_points_of_other_code_are_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(record(BASE) | {"build": "other"}) + "\n")
    ledger = Ledger(tmp_path)
    assert ledger.get(BASE.key) is None and ledger.strangers == 1
    assert len(build()) == 16


@pytest.mark.parametrize("line", ["nonsense", "3", "[]", "null", '{"schema": "stillwatch/benchmark/v1"}',
                                  '{"schema": "stillwatch/frontier-point/v1", "evasion": "x"}', "\udcff"])  # fmt: skip
def test_what_is_no_point_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    text = json.dumps(record(BASE)) + "\n" + line + "\n"
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError, match=r"frontier\.jsonl:2: a line is no measured point"):
        Ledger(tmp_path)


def test_a_folder_in_the_way_of_the_points_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(SourceError, match="cannot be read"):
        Ledger(tmp_path)
    gone = Ledger(tmp_path / "gone")
    with pytest.raises(StoreError, match="cannot write"):
        gone.add(record(BASE))


def test_bad_points_stand_first_and_exceptions_have_names() -> None:
    held = frontier()
    names = [point["evasion"] for point in held["points"]]
    assert names[:3] == ["hard", "cover=.98", "cover=.95"] and names[-2:] == ["mixed", "cover=0"]
    assert [(row["evasion"], row["rival"]) for row in held["exceptions"]] == [
        ("hard", "co-action"), ("cover=.98", "co-action")
    ]  # fmt: skip
    assert [point["exception"] for point in held["points"]] == [True, True, *[False] * 6]


def test_a_rival_that_finds_as_many_is_no_exception() -> None:
    assert not frontier(found=10, best=10)["exceptions"]
    assert len(frontier(found=10, best=11)["exceptions"]) == 8


def test_money_is_counted_for_a_thousand_exchanges_and_the_cheapest_ways_fall() -> None:
    held = frontier()
    first = held["points"][0]
    assert first["extraction_exchanges"] == 200 and first["dollars"] == {"cards": 40.0, "cover": 320.0, "total": 360.0}
    ours = held["cheapest"]["ours"]
    assert [row["evasion"] for row in ours] == [
        "cover=0", "mixed", "everything, 300 exchanges", "cover=.95", "cover=.98", "hard"
    ]  # fmt: skip
    assert [row["recall"] for row in ours] == sorted((row["recall"] for row in ours), reverse=True)
    assert [row["evasion"] for row in held["cheapest"]["rivals"]] == ["cover=0"], "nothing dearer hides from them"


def test_seeds_are_added_up_and_shown_each() -> None:
    plan = planned(full=False, only=("cover",), seed=1, seeds=2)
    ledger = Ledger(None)
    for task in plan.tasks:
        ledger.add(record(task, found=10 * task.seed))
    point = summed(plan, ledger, COMMAND)["points"][0]
    assert (point["measure"]["recall"]["k"], point["measure"]["recall"]["n"]) == (30, 60)
    assert [seed["recall"]["k"] for seed in point["by_seed"]] == [10, 20]
    assert point["rivals"][0]["recall"]["k"] == 20 and point["dollars"]["total"] == 210.0


def test_nothing_measured_and_nobody_to_find_are_no_faults() -> None:
    plan = planned(full=False, only=("cover",))
    empty = summed(plan, Ledger(None), COMMAND)
    assert (empty["measured"], empty["planned"], empty["points"]) == (0, 4, [])
    held = record(BASE)
    held["measure"]["recall"] = {"k": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert rate(held["measure"]["recall"]) == 0.0


def test_every_key_is_documented(root: Path) -> None:
    text = (root / "docs" / "benchmark.md").read_text("utf-8")
    paths = keys(frontier()) | keys(record(BASE))
    named = {part for path in paths for part in path.split(".")} - {"*"}
    goods = {"cards"}  # what is paid for is listed with its price in docs/simulate.md
    assert not sorted(name for name in named - goods if f"`{name}`" not in text)


def test_every_evasion_is_documented(root: Path) -> None:
    text = (root / "docs" / "benchmark.md").read_text("utf-8")
    assert not [axis for axis in hiding.FULL if f"`{axis}`" not in text]


def test_the_command_prints_writes_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["benchmark", "--frontier", "--axis", "cover", "--seed", "5", "--out", str(tmp_path)]
    monkeypatch.setattr(runner, "point", lambda task, tell: record(task))
    measured(planned(full=False, only=("rotation",), seed=5), tmp_path)
    assert cli.run(command) == 0
    said = capsys.readouterr()
    assert "1 point measured before, passed over" in said.err and "2 of 4: cover=0, seed 5: 30 of 30" in said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("stillwatch benchmark --frontier --quick --axis cover --seed 5  (")
    worst, best = (
        next(at for at, line in enumerate(lines) if line.startswith(name)) for name in ("cover=.98", "cover=0")
    )
    assert worst < best and "(finds more)" in lines[worst]
    assert "cover: 0 100% · .8 90% · .95 40% · .98 7%" in lines
    assert max(map(len, lines)) <= 120
    held = json.loads((tmp_path / "frontier.json").read_text("utf-8"))
    assert (held["measured"], held["planned"]) == (4, 4) and "hide" in (tmp_path / "frontier.html").read_text("utf-8")
    assert cli.run([*command, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == held


@pytest.mark.slow
def test_a_tiny_frontier_end_to_end_and_its_page_in_a_browser(
    tmp_path: Path, chromium: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two worlds are measured; that more rotation rents more exits must show in the bill."""
    command = [
        "benchmark",
        "--frontier",
        "--axis",
        "rotation",
        "--scale",
        "0.05",
        "--seed",
        "3",
        "--out",
        str(tmp_path),
    ]
    assert cli.run(command) == 0
    print(capsys.readouterr().out)
    held = json.loads((tmp_path / "frontier.json").read_text("utf-8"))
    goods = {f"points.dollars.{name}" for point in held["points"] for name in point["dollars"]}
    assert keys(held) - keys(frontier()) - goods <= {"exceptions", "points.rivals"}
    assert held["measured"] == 2 and {len(point["rivals"]) for point in held["points"]} == {9}
    honest = {point["measure"]["false_accounts"]["n"] for point in held["points"]}
    assert len(honest) == 1, "one base world"
    paid = {point["evasion"]: point["dollars"] for point in held["points"]}
    assert paid["rotation=1"]["rented"] > paid["mixed"]["rented"] > 0.0
    before = (tmp_path / FILE).read_bytes()
    assert cli.run(command) == 0 and (tmp_path / FILE).read_bytes() == before
    with Browser(chromium, tmp_path / "profile") as browser:
        browser.open(tmp_path / "frontier.html")
        assert not browser.told("Log.entryAdded") and not browser.told("Runtime.exceptionThrown")
        for width in (1280, 768, 360):
            browser.resize(width)
            assert browser.value("document.documentElement.scrollWidth") <= width
