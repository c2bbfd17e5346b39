"""Scripts that `make bench` runs: small runs as a user types them, and the parts that make worlds."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stillwatch.worlds import world as worlds

BOUND = 40


@pytest.fixture
def shorten(workers: Path) -> ModuleType:
    return importlib.import_module("shorten")


def said(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def test_cutting_keeps_the_last_human_turn_and_valid_json(shorten: ModuleType) -> None:
    messages = [said(role, f'{role} "{number}" ' * 60) for number in range(6) for role in ("user", "assistant")]
    system = json.dumps([{"type": "text", "content": "Be brief. " * 90}])
    tools = json.dumps([{"name": f"tool_{number}", "description": "reads" * 9} for number in range(9)])
    row = (system, tools, json.dumps(messages), json.dumps([said("assistant", "Yes. " * 90)]))
    cut = shorten.cut(row, (BOUND, 10_000))
    made_system, made_tools, made, answer = map(json.loads, cut)
    assert made_system[0]["content"] == ("Be brief. " * 90)[:BOUND]
    assert [tool["name"] for tool in made_tools] == ["tool_0"]
    assert [message["role"] for message in made] == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert made[-2] == messages[-2]
    assert all(len(message["parts"][0]["content"]) == BOUND for message in [*made[:-2], made[-1]])
    assert answer == [said("assistant", "Yes. " * 90)]
    assert shorten.cut((None, None, "as it was, whole " * 9, None), (BOUND, BOUND))[2] == "as it was, whole " * 9


@pytest.mark.slow
def test_thinning_keeps_exactly_so_many_and_the_same_again(workers: Path) -> None:
    thin = importlib.import_module("world").thin
    plans = [worlds.simulate("open", 3, 0.03).draft.plan for _ in range(2)]
    before = sorted(plans[0].at)
    for plan in plans:
        thin(plan, 500, 3)
    assert len(plans[0]) == 500 == len(plans[0].script)
    assert plans[0] == plans[1]
    assert set(plans[0].at) <= set(before)
    thin(plans[0], 501, 3)
    assert len(plans[0]) == 500


def test_stages_of_progress_are_cut_where_the_next_begins(workers: Path) -> None:
    clock = importlib.import_module("job").Clock("imports")
    for name in ("3%, 100 exchanges", "97%, 9,000 exchanges", "preamble, templates", "weighing 1,234 pairs"):
        clock.tell(name)
    clock.stop()
    assert [stage.name for stage in clock.stages] == ["imports", "ingest", "preamble, templates", "weighing pairs"]
    assert all(stage.wall >= 0 and stage.cpu >= 0 and stage.peak > 0 for stage in clock.stages)


def test_a_template_takes_the_seed_once_and_keeps_no_slot(workers: Path) -> None:
    filled = importlib.import_module("pooling").filled
    assert filled("Rewrite {{ prompt | trim }} like {% if x %}{{ example }}{% endif %}", "2+2?") == "Rewrite 2+2? like"
    assert filled("Grade this: {answer}", "four") == "Grade this: four"
    assert filled("Invent tasks.", "2+2?") == "Invent tasks.\n\n2+2?"


@pytest.mark.shared
def test_no_account_that_sets_a_threshold_holds_a_seed_or_a_prompt_of_extraction(
    workers: Path, shared_data: Path
) -> None:
    pooling = importlib.import_module("pooling")
    texts = pooling.Texts()
    stock = pooling.material(shared_data, texts)
    honest = {texts.texts[at] for held in stock.honest.values() for at in held}
    assert not honest & set(stock.seeds)
    assert not honest & {texts.texts[at] for held in stock.whole.values() for at in held}
    assert set(stock.templates) | set(stock.whole) == set(pooling.SOURCES) | set(pooling.WHOLE)


def run(root: Path, script: str, *arguments: str) -> str:
    command = [sys.executable, str(root / "benchmarks" / script), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout


@pytest.mark.slow
def test_the_sketch_is_measured_without_peers(root: Path) -> None:
    printed = run(root, "peers.py", "--texts", "60", "--repetitions", "2", "--alone")
    assert "stillwatch, last turn (full)" in printed and "hashlib.blake2b" in printed and "datasketch" not in printed
    error = next(line for line in printed.splitlines() if line.startswith("stillwatch 16")).split()[2]
    assert float(error) < 0.1


@pytest.mark.slow
def test_the_sketch_is_measured_beside_its_peers(root: Path) -> None:
    if not (root / ".venv-peers" / "bin" / "python").exists():
        pytest.skip("no .venv-peers here (make peers builds it)")
    printed = run(root, "peers.py", "--texts", "60", "--repetitions", "1")
    for name in ("datasketch 16", "rensa 128, from shingles", "daft minhash 16", "daft hash"):
        assert name in printed


@pytest.mark.slow
def test_the_main_job_is_measured_from_files_to_campaigns(root: Path, tmp_path: Path) -> None:
    world, out = str(tmp_path / "world"), tmp_path / "out.jsonl"
    asked = ["--exchanges", "3000", "--accounts", "200", "--keep", world, "--out", str(out)]
    printed = run(root, "million.py", *asked, "--bytes", "1000")
    for told in ("files to incidence table", "incidence table to campaigns", "not measured here", "honest"):
        assert told in printed
    line = json.loads(out.read_text())
    assert line["exchanges"] == 3_000
    assert 900 <= line["world"]["bytes"] <= 1_150 < line["world"]["simulated_bytes"]
    with pytest.raises(subprocess.CalledProcessError):
        run(root, "million.py", *asked, "--bytes", "1200")


@pytest.mark.slow
def test_rivals_are_compared_on_one_small_world(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    printed = run(root, "baselines.py", "--scale", "0.05", "--seeds", "3", "--out", str(out))
    line = json.loads(out.read_text())
    assert len(line["baselines"]) == 9 and all(name in printed for name in line["baselines"])
    assert "Stillwatch (no oracle)" in printed and line["stillwatch"]["thresholds"] == "as shipped, no oracle"
    for points in (held["points"] for held in line["baselines"].values()):
        assert points["no honest"]["false_accounts"][0] == 0
        assert points["honest <= 1e-3"]["recall"][0] >= points["no honest"]["recall"][0]
    assert run(root, "baselines.py", "--scale", "0.05", "--seeds", "3", "--out", str(out)) == ""


@pytest.mark.slow
@pytest.mark.shared
def test_pooling_is_measured_beside_its_rivals(root: Path, shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    printed = run(root, "pooled.py", "--honest", "8", "--campaigns", "1", "--out", str(out))
    lines = {line["method"]: line for line in map(json.loads, out.read_text().splitlines())}
    assert all(method in printed for method in lines) and len(lines) == 13
    called = {name: line["honest accounts called"] for name, line in lines.items()}
    assert all(held["n"] == 160 for held in called.values())
    assert called["pooled value, e >= 10,000"]["k"] == 0
    difference = lines["pooled any difference, e >= 10,000"]["recall"]
    assert difference["with instructions, 0.1"]["k"] >= 80 and difference["with instructions, 0.1"]["n"] == 100
