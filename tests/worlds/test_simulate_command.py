"""`stillwatch simulate` as a user types it."""

import json
from pathlib import Path

import pytest

from stillwatch.cli import run

pytestmark = pytest.mark.slow


def test_the_command_writes_a_world_and_tells_what_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--out", str(tmp_path / "logs"), "--truth", str(tmp_path / "truth")]
    assert run(["simulate", *folders, "--scale", "0.03", "--scenario", "open", "--seed", "2", "--json"]) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert summary["schema"] == "stillwatch/simulation/v1"
    assert summary["exchanges"] == sum(row["exchanges"] for row in summary["cohorts"])
    assert len(summary["campaigns"]) == 5
    assert "seed 2" in printed.err
    assert (tmp_path / "logs" / "accounts.parquet").exists()
    assert run(["simulate", *folders]) == 2


def test_axes_are_set_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--out", str(tmp_path / "logs"), "--truth", str(tmp_path / "truth")]
    small = [*folders, "--scale", "0.02", "--json"]
    assert run(["simulate", *small, "--set", "covr=.5"]) == 2
    assert "no such axis" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()
    assert run(["simulate", *small, "--set", "cover=.5", "--set", "campaigns=1", "--set", "imitate=product"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["set"] == ["cover=.5", "campaigns=1", "imitate=product"]
    assert [row["imitates"] for row in summary["campaigns"]] == ["product"]
