"""The command line's door: names, exit codes, and hostile strings on their way to a terminal."""

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from stillwatch import cli
from stillwatch.cli.output import clean, emit_json, progress, status, table, to_json
from stillwatch.errors import SourceError, UsageError

HOSTILE = "a\x1b[2Jb\r\nc\u202ed\u200be\x9b31mf\ud800\u2028\x00g\x07[bold]h[/bold]"


def command(monkeypatch: pytest.MonkeyPatch, function: Callable[..., None]) -> None:
    """Put a command named `probe` in the list."""
    monkeypatch.setitem(sys.modules, "probe_module", SimpleNamespace(probe=function))
    monkeypatch.setattr(cli, "COMMANDS", (*cli.COMMANDS, cli.Command("probe", "probe_module", "probe", "A probe.")))


def raising(error: BaseException) -> Callable[[], None]:
    def probe() -> None:
        raise error

    return probe


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("no"), 2), (SourceError("no"), 1), (KeyboardInterrupt(), 130), (ValueError("secret prompt"), 1)],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    command(monkeypatch, raising(error))
    assert cli.run(["probe"]) == code
    out, err = capfd.readouterr()
    assert out == "" and err
    assert "secret prompt" not in err and "Traceback" not in err


def test_done_is_zero_and_wrong_options_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, lambda: None)
    assert cli.run(["probe"]) == 0
    assert cli.run(["probe", "--no-such-option"]) == 2


def test_an_error_with_a_hostile_file_name_is_inert(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, raising(SourceError("cannot read", where="x\x1b]0;owned\x07.jsonl")))
    cli.run(["probe"])
    assert "\x1b" not in (err := capsys.readouterr().err) and "owned" in err


def test_help_version_and_did_you_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == cli.run(["--help"]) == cli.run(["--version"]) == 0
    out = capsys.readouterr().out
    assert all(command.name in out and command.help in out for command in cli.COMMANDS)
    assert cli.run(["detekt"]) == 2
    assert "did you mean `stillwatch detect`?" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    code = "import stillwatch.cli as c; c.help_text = lambda: 'x\\n' * 200_000; c.main()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_clean_leaves_nothing_that_a_terminal_obeys() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    for start in range(0, len(every), 100):
        cleaned = clean(every[start : start + 100], limit=2000)
        assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert clean("Zoë 東京 שלום 😀") == "Zoë 東京 שלום 😀"
    assert clean(clean(HOSTILE)) == clean(HOSTILE)
    assert len(clean("\x1b" * 10_000)) == 400


def test_json_is_data_for_a_parser_and_inert_for_a_terminal(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    value = {"b": HOSTILE, "a": ["Zoë", 1.5, None]}
    emit_json(value)
    out = capsysbinary.readouterr().out
    assert json.loads(out) == value and list(json.loads(out)) == ["b", "a"]
    assert out.endswith(b"}\n") and "Zoë".encode() in out
    assert not [c for c in out.decode() if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c != "\n"]
    with pytest.raises(ValueError):
        to_json(float("nan"))


def test_a_table_is_aligned_whole_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    table(["name", "exchanges"], [["東京", "1,234"], [HOSTILE, "7"], ["x" * 200, "12%"]])
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 5 and "x" * 200 in lines[3]
    assert "\x1b" not in "".join(lines) and "[bold]" in lines[2]


def test_progress_is_quiet_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3), "reading")) == [0, 1, 2]
    with status("thinking") as say:
        say("hard")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--engine", "clickhouse"], "duckdb or spark"),
        (["--master", "spark://h:7077"], "--engine spark"),
        (["--engine", "spark", "--conf", "no-value"], "NAME=VALUE"),
        (["--engine", "spark", "--conf", "a=1", "--conf", "a=2"], "each name once"),
    ],
)
def test_a_cluster_is_asked_for_in_one_way(
    options: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "exchanges.jsonl").write_text("{}\n")
    assert cli.run(["ingest", str(tmp_path / "logs"), "--store", str(tmp_path / "s"), *options]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_table_of_spark_needs_spark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ingest", "table:lake.requests", "--store", str(tmp_path / "s")]) == 2
    assert "--engine spark" in capsys.readouterr().err
