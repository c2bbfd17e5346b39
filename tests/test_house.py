"""The house itself: floors, nouns, words, documents, and what `stillwatch --help` may import."""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from stillwatch import cli, records, tables

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "src" / "stillwatch"

FLOORS = {
    1: ("records", "errors", "stats", "leiden", "louvain_kernel"),
    2: ("tables", "settings", "networks", "shapes", "ingest"),
    3: ("content", "linkage", "assess", "respond", "diagnosis", "worlds"),
    4: ("store", "engine"),
    5: (
        "pipeline",
        "intake",
        "spread",
        "watch",
        "alerts",
        "current",
        "delivery",
        "backtest",
        "acting",
        "attribution",
        "past",
        "known",
        "detection",
        "findings",
        "excess",
        "figures",
        "gather",
        "mined",
        "permissions",
        "single",
        "training",
        "worked",
        "carried",
        "evidence",
        "provenance",
    ),
    6: ("benchmark", "console"),
    7: ("service",),
    8: ("cli",),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
STRANGERS = ("content", "linkage", "assess", "respond")
"""Rooms on one floor that must not know each other."""
HEAVY = {"numpy", "pyarrow", "numba", "duckdb", "rich", "scipy", "pydantic", "sqlglot", "graspologic_native", "jinja2"}


def modules() -> dict[str, Path]:
    """Every module of the house by its dotted name inside of it; the package's own door is left out."""
    files = {file.relative_to(HOUSE).with_suffix(""): file for file in sorted(HOUSE.rglob("*.py"))}
    named = {".".join(place.parts).removesuffix(".__init__"): file for place, file in files.items()}
    return {name: file for name, file in named.items() if name != "__init__"}


def imports(name: str, file: Path) -> Iterator[str]:
    """Modules of the house that a file imports, anywhere in it: inside functions and TYPE_CHECKING too."""
    package = ["stillwatch", *name.split(".")[: None if file.name == "__init__.py" else -1]]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def graph() -> dict[str, set[str]]:
    """Arrows between the files of the house."""
    files = modules()
    arrows: dict[str, set[str]] = {}
    for name, file in files.items():
        inside = [
            target.removeprefix("stillwatch.") for target in imports(name, file) if target.startswith("stillwatch.")
        ]
        homes = {next((t for t in (target, target.rpartition(".")[0]) if t in files), "") for target in inside}
        arrows[name] = homes - {"", name}
    return arrows


def room(name: str) -> str:
    """The first part of a module's name."""
    return name.split(".", maxsplit=1)[0]


def test_every_room_has_a_floor() -> None:
    homeless = {room(name) for name in modules()} - FLOOR_OF.keys() - {"data"}
    assert not homeless, f"give each a floor here and in .importlinter, and say why in docs/decisions: {homeless}"


def test_imports_never_go_up_and_strangers_do_not_meet() -> None:
    wrong = []
    for name, targets in graph().items():
        for target in targets:
            here, there = FLOOR_OF.get(room(name), 0), FLOOR_OF.get(room(target), 0)
            strangers = room(name) != room(target) and room(name) in STRANGERS and room(target) in STRANGERS
            if there > here or strangers:
                wrong.append(f"{name} (floor {here}) imports {target} (floor {there})")
    assert not wrong


@pytest.mark.slow
def test_no_circles_between_files() -> None:
    circle: list[str] = []
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert not circle, "files import each other in a circle"


def test_the_walk_sees_type_checking_and_function_imports(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from stillwatch.cli import main\n"
        "def f():\n    import stillwatch.store.runs\n    from . import y\n    from ..engine import base\n"
    )
    found = set(imports("content.x", file))
    assert {"stillwatch.cli.main", "stillwatch.store.runs", "stillwatch.content.y", "stillwatch.engine.base"} <= found


def test_nouns_are_frozen_and_do_not_reach_out() -> None:
    classes = [noun for _, noun in inspect.getmembers(records, inspect.isclass) if noun.__module__ == records.__name__]
    for noun in classes:
        if dataclasses.is_dataclass(noun):
            assert noun.__dataclass_params__.frozen, noun  # type: ignore[attr-defined]
    roots = {room(target) for target in imports("records", HOUSE / "records.py")}
    assert roots <= {"dataclasses", "enum"}


def test_a_quarantined_row_is_its_table() -> None:
    fields = [field.name for field in dataclasses.fields(records.QuarantinedRow)]
    assert fields == tables.QUARANTINE.names


def test_the_sketched_table_cannot_hold_text() -> None:
    assert not {"system", "messages", "tools", "output", "extra"} & set(tables.SKETCHED.names)
    words = {field.name for field in tables.CONTENT if pa.types.is_string(field.type)}
    assert not words


def test_every_table_is_documented() -> None:
    words = (ROOT / "docs" / "concepts.md").read_text()
    schemas = [name for name, value in vars(tables).items() if isinstance(value, pa.Schema)]
    assert len(schemas) >= 7
    assert not [name for name in schemas if f"`{name.lower()}`" not in words]


def test_no_unfinished_words_and_no_path_of_a_machine() -> None:
    unfinished = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
    machine = re.compile(r"(?<![\w.])/(wo" + r"rk|ho" + r"me|ro" + r"ot)/\w")
    wrong = []
    for pattern in (
        "src/**/*.py",
        "scripts/*",
        "docs/**/*.md",
        "tests/**/*.py",
        "benchmarks/**/*.py",
        "*.md",
        "Makefile",
    ):
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file() and file.suffix != ".pyc":
                text = file.read_text()
                wrong += [
                    f"{file.relative_to(ROOT)}: {m.group()}" for r in (unfinished, machine) for m in r.finditer(text)
                ]
    assert not wrong


OVER_LARGE = {"worlds": 0.22}
"""What is over the measure today may not grow: a fifth of the house a room."""


def test_no_file_is_long_and_no_room_fills_the_house() -> None:
    lengths = {name: len(file.read_text().splitlines()) for name, file in modules().items()}
    total = sum(lengths.values())
    rooms: dict[str, int] = {}
    for name, length in lengths.items():
        rooms[room(name)] = rooms.get(room(name), 0) + length
    assert {name for name, length in lengths.items() if length > 400} == set()
    assert {name for name, size in rooms.items() if size > total * OVER_LARGE.get(name, 0.2)} == set()


def test_help_imports_nothing_heavy_and_is_quick() -> None:
    code = (
        "import sys, time, json; import stillwatch.cli as c; code = c.run(['--help']);"
        "seen = [code, time.process_time(), sorted({m.split('.')[0] for m in sys.modules})];"
        "print(json.dumps(seen), file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    exit_code, seconds, loaded = json.loads(answer.stderr)
    print(f"stillwatch --help: {seconds:.3f} CPU-s")
    assert exit_code == 0
    assert not HEAVY & set(loaded)
    assert seconds < 0.3


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(command: cli.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([command.name, "--help"]) == 0
    out = capsys.readouterr().out
    assert "--help" in out and len(out.split("\n")) > 5


def test_a_command_file_imports_nothing_heavy_at_its_head() -> None:
    """Help of one command stays quick: numpy, pyarrow and their like are imported inside of the function."""
    for command in cli.COMMANDS:
        file = HOUSE / "cli" / f"{command.module.rpartition('.')[2]}.py"
        if not file.exists():
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                )
                assert not {room(name) for name in names} & HEAVY, f"{file.name}: {names}"


def check_docs() -> ModuleType:
    """The script behind `make docs`, as a module."""
    spec = importlib.util.spec_from_file_location("check_docs", ROOT / "scripts" / "check_docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_docs_lead_somewhere_and_show_every_command() -> None:
    script = check_docs()
    faults = [fault for document in sorted(ROOT.glob("docs/**/*.md")) for fault in script.link_faults(document)]
    faults += script.command_faults([document.read_text() for document in ROOT.glob("docs/**/*.md")])
    assert not faults


@pytest.mark.slow
@pytest.mark.parametrize("document", ["commands.md", "simulate.md"])
def test_the_examples_in_the_docs_run(document: str, tmp_path: Path) -> None:
    """Runs every `$ stillwatch …` line of a document in order in one folder; CAMPAIGN is the first one found."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "XDG_DATA_HOME": str(tmp_path / "data")}

    def run(line: list[str]) -> str:
        answer = subprocess.run(line, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900, check=False)
        assert answer.returncode == 0, f"{shlex.join(line)}\n{answer.stderr}"
        return answer.stdout

    (tmp_path / "deliver.toml").write_text('[ocsf.siem]\nfile = "alerts.jsonl"\n')
    commands = (ROOT / "docs" / "commands.md").read_text()
    (tmp_path / "dossier.yaml").write_text(commands.split("<<END\n", 1)[1].split("END\n", 1)[0])
    campaign = ""
    for example in check_docs().examples((ROOT / "docs" / document).read_text()):
        words = [campaign if word == "CAMPAIGN" else word for word in shlex.split(example, comments=True)]
        out = run(words)
        if words[1] == "campaigns" and "--json" in words:
            campaign = json.loads(out)["campaigns"][0]["campaign_id"]
