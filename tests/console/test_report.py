"""`stillwatch report`: a page whole or not at all, and errors that say what to do."""

import json
from pathlib import Path

import pytest

from stillwatch import cli
from stillwatch.store import files
from stillwatch.store.runs import run_ids, write_run
from stillwatch.store.store import Store
from tests.console.answers import every_kind, finding, old


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two runs, the older one of an older version."""
    kept = Store.create(tmp_path / "store")
    write_run(kept, old(every_kind()))
    write_run(kept, every_kind())
    return kept.folder


def test_a_page_is_written_and_an_older_one_replaced(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new folder" / "page.html"
    out.parent.mkdir()
    out.write_text("an older page")
    assert cli.run(["report", "--store", str(store), "--out", str(out)]) == 0
    text, (printed, said) = out.read_text("utf-8"), capsys.readouterr()
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n") and "C-000000000001" in text
    assert printed == "" and "5 findings" in said
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]


def test_json_tells_what_was_written(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    assert cli.run(["report", "--store", str(store), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"page": str(out), "bytes": out.stat().st_size, "run_id": run_ids(Store.open(store))[-1],
                    "findings": 5, "dismissed": 1}  # fmt: skip


def test_an_older_run_is_shown_without_its_days(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert cli.run(["report", "--store", str(store), "--out", str(out), "--run", run_ids(Store.open(store))[0]]) == 0
    assert "No timeline" in out.read_text("utf-8")


def test_the_same_run_gives_the_same_bytes(store: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "one.html", tmp_path / "other.html"]
    for out in pages:
        cli.run(["report", "--store", str(store), "--out", str(out)])
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_a_link_is_followed_and_stays(store: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "real.html")
    assert cli.run(["report", "--store", str(store), "--out", str(link)]) == 0
    assert link.is_symlink() and (tmp_path / "real.html").is_file()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        (".", 2, "--out names a folder"),
        ("/dev/null", 2, "no plain file"),
        ("store/stillwatch/../runs", 2, "--out names a folder"),
        ("file/page.html", 1, "cannot write"),
        ("circle.html", 1, "cannot write"),
    ],
)
def test_a_place_that_cannot_hold_a_page_is_told(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "circle.html").symlink_to("circle.html")
    assert cli.run(["report", "--store", str(store), "--out", str(tmp_path / name)]) == code
    assert words in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_store_without_a_run_is_told_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.create(tmp_path / "empty")
    assert cli.run(["report", "--store", str(tmp_path / "empty"), "--out", str(tmp_path / "page.html")]) == 2
    assert "stillwatch detect --store" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("step", ["opened", "written", "draft"])
def test_a_page_that_was_cut_off_leaves_the_older_one(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    out = tmp_path / "page.html"
    out.write_text("an older page")

    def kill(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "reached", kill)
    assert cli.run(["report", "--store", str(store), "--out", str(out)]) == 130
    assert out.read_text() == "an older page"


def test_half_a_character_in_a_name_is_written_as_its_number(tmp_path: Path) -> None:
    kept = Store.create(tmp_path / "store")
    given = every_kind()
    given["campaigns"] = [finding(1, 1)]
    given["campaigns"][0]["members"][0]["account_id"] = "half \ud83d of a pair"
    write_run(kept, given)
    assert cli.run(["report", "--store", str(kept.folder), "--out", str(tmp_path / "page.html")]) == 0
    assert "half \\ud83d of a pair" in (tmp_path / "page.html").read_text("utf-8")
