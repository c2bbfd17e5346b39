"""The script that measures capabilities: its labels, its templates, and what it says without data."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stillwatch.records import CAPABILITIES


@pytest.fixture
def script(root: Path, workers: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("capabilities_script", root / "benchmarks" / "capabilities.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_label_is_a_capability(script: ModuleType) -> None:
    import labelled  # type: ignore[import-not-found]

    labels = {rule[3] for rule in (*labelled.TEMPLATES, *labelled.BENIGN)} | {label for _, label in labelled.PAIRS}
    made, near = script.by_hand()
    labels |= set(labelled.MT_BENCH.values()) | {prompt.label for prompt in (*made, *near)} | set(script.HARVEST)
    assert labels <= set(CAPABILITIES)
    assert all("{" not in prompt.text for prompt in made)


def test_a_table_counts_what_it_says(script: ModuleType) -> None:
    prompts = [
        script.Prompt(source, "", label, "") for source, label in (("a", "chat"), ("b", "chat"), ("a", "vision"))
    ]
    lines = script.table("three", prompts, ["chat", "unknown", "chat"])
    chat = next(line for line in lines if line.startswith("chat"))
    assert "1/2 0.50" in chat
    assert chat.endswith("0.50  1/2")
    assert lines[-1].startswith("macro-F1 0.250 over 2; right 1/3")
    assert "known 2/3" in lines[-1]


def test_without_data_it_says_what_to_name(root: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(root / "benchmarks" / "capabilities.py")],
        capture_output=True, text=True, timeout=120, check=True, env={"STILLWATCH_SHARED_DATA": str(tmp_path)},
    )  # fmt: skip
    assert "STILLWATCH_SHARED_DATA" in ran.stderr
    assert not ran.stdout
