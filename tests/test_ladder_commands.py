"""The commands of the ladder as people use them: propose, review, approve, appeal, undo, permissions, the trail."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch import cli
from stillwatch.store.store import Store
from tests.respond.casebooks import finding, member, store_of, write_run

Run = Callable[..., Any]
SUSPEND = ("--rung", "suspend", "--obligation", "hold", "--clause", "Terms 4.2", "--hours", "72", "--reason", "Looked.")
URL = ("--appeal-url", "https://p.example/appeal")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STILLWATCH_KEY_FILE", str(tmp_path / "key"))
    return store_of(tmp_path)


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        found = cli.run([*words, "--store", str(store.folder), "--json"])
        out = capsys.readouterr()
        assert found == code, out.err
        return json.loads(out.out) if code == 0 else out.err

    return ran


def test_from_proposal_to_appeal(run: Run) -> None:
    done = run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")["actions"][0]
    assert (done["state"], done["needs"], done["campaign_id"]) == ("proposed", 1, "C-1")
    assert run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")["actions"] == []
    waits = run("review")["proposals"][0]
    assert (waits["accounts"], waits["honest"], waits["exchanges"], waits["radius"]) == (1, 0.1, 10, 1)
    assert "nobody approves" in run("approve", "R-", "--by", "Alice", "--reason", "ok", code=2)
    begun = run("approve", "--account", "acct_1", "--by", "bob", "--reason", "Seen.")["actions"][0]
    assert begun["state"] == "in_force" and "not answered" in begun["notice"]["text"]
    run("appeal", "open", "--account", "acct_1", "--statement", "It is not us.", "--by", "support")
    assert [a["appeal"]["outcome"] for a in run("appeal", "list")["actions"]] == ["open"]
    no = ("appeal", "answer", begun["action_id"], "--answer", "upheld", "--reason", "They are right.", "--by")
    assert "nobody answers" in run(*no, "bob", code=2)
    assert run(*no, "carol")["actions"][0]["ended"] == "appeal upheld"
    whole = run("actions", begun["action_id"])["actions"][0]
    assert [row["what"] for row in whole["trail"]] == ["proposed", "approved", "begun", "appealed", "answered"]
    assert [row["by"] for row in whole["trail"]] == ["alice", "bob", "bob", "support", "carol"]
    checked = run("actions", "--verify")
    assert checked["holds"] and checked["rows"] == 5
    assert run("actions", "--expect", checked["head"])["holds"]
    assert "cut off" in run("actions", "--expect", "f" * 64, code=1)


def test_decline_and_undo(run: Run) -> None:
    run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")
    assert run("decline", "--account", "acct_1", "--by", "bob", "--reason", "No.")["actions"][0]["ended"] == "declined"
    run("propose", "acct_2", *SUSPEND, *URL, "--by", "alice")
    run("approve", "--account", "acct_2", "--by", "bob", "--reason", "Yes.")
    assert run("undo", "--account", "acct_2", "--by", "alice", "--reason", "Wrong.")["actions"][0]["ended"] == "undone"
    assert [a["state"] for a in run("actions", "--all")["actions"]] == ["declined", "undone"]


def test_a_group_is_named_with_its_size_and_needs_two(run: Run) -> None:
    for number in range(4):
        run("propose", f"acct_{number}", *SUSPEND, *URL, "--cap", "3", "--by", "alice")
    said = ("approve", "--campaign", "C-1", "--reason", "Seen.", "--by")
    assert "reach 4 accounts" in run(*said, "bob", code=2)
    assert "reach 4 accounts" in run(*said, "bob", "--accounts", "3", code=2)
    states = lambda done: {a["state"] for a in done["actions"]}  # noqa: E731
    assert states(run(*said, "bob", "--accounts", "4")) == {"proposed"}
    assert "already" in run(*said, "bob", "--accounts", "4", code=2)
    assert states(run(*said, "carol", "--accounts", "4")) == {"in_force"}


def test_who_is_not_accused_is_not_proposed_for_more_than_a_limit(run: Run) -> None:
    for name in ("victim", "nobody"):
        assert run("propose", name, *SUSPEND, *URL, "--by", "alice")["actions"] == []
    limit = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=60", *SUSPEND[4:])
    assert run("propose", "victim", *limit, *URL, "--by", "alice")["actions"][0]["needs"] == 1


def test_before_a_person_approves_they_read_who_is_honest_and_whom_a_later_run_clears(run: Run, store: Store) -> None:
    limit = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=60", *SUSPEND[4:])
    run("propose", "victim", *limit, *URL, "--by", "alice")
    run("propose", "acct_1", *limit, *URL, "--by", "alice")
    run("propose", "acct_2", *limit, *URL, "--by", "alice")
    (told,) = run("review")["proposals"]
    assert (told["accounts"], told["honest"]) == (3, 1.2), "the owner of a stolen key is honest"
    assert not [why for why in told["persons"] if "newest" in why]
    later = "20990101T000000-000000001-aaaaaa"
    write_run(store, later, finding("C-5", member("acct_2"), member("acct_1", 0.3)))
    (told,) = run("review")["proposals"]
    assert "the newest run does not accuse 2 of these accounts" in told["persons"]


def test_labels_and_second_opinions(run: Run) -> None:
    run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")
    label = ("review", "C-1", "--reason", "Read it.", "--label")
    assert run(*label, "true", "--by", "alice")["proposals"][0]["reviewed"] == "true"
    assert run(*label, "true", "--by", "bob")["proposals"][0]["reviewed"] == "true (second opinion)"
    assert run(*label, "benign", "--by", "bob")["proposals"][0]["reviewed"] == "disputed"
    assert len(run("review")["reviews"]) == 2
    assert "person is named" in run(*label, "true", code=2)
    assert "does not name" in run(*label, "false", "--account", "x", "--by", "bob", code=2)


def test_permissions_are_given_and_stay_ended(run: Run, store: Store) -> None:
    give = ("permission", "add", "contract 42", "--account", "acct_1", "--purpose", "research", "--reason", "Signed.")
    held = run(*give, "--by", "alice", "--exchange-cap", "100")["permissions"]
    assert [(p["state"], p["granted_by"], p["exchange_cap"]) for p in held] == [("holds", "alice", 100)]
    end = ("permission", "end", "contract 42", "--reason", "Cancelled.", "--by", "bob")
    assert [(p["state"], p["ended_by"]) for p in run(*end)["permissions"]] == [("ended", "bob")]
    assert "no permission" in run(*end, code=2)
    assert "was ended" in run(*give, "--by", "alice", code=2)
    run(*give, "--by", "alice", "--starts", "2099-01-01")
    assert [p["state"] for p in run("permission", "list")["permissions"]] == ["ended", "coming"]
    assert run("actions", "--verify")["holds"]


def test_a_usage_that_is_none_says_what_to_type(run: Run) -> None:
    assert "ACTION, or --account" in run("approve", "--by", "a", "--reason", "b", code=2)
    assert "0 actions" in run("undo", "R-x\x1b[31m", "--by", "a", "--reason", "b", code=2)
    assert "no such rung" in run("propose", "a", "--rung", "kill", *SUSPEND[2:], *URL, "--by", "a", code=2)
    assert "cap" in run("propose", "acct_1", *SUSPEND, *URL, "--by", "a", "--cap", "21", code=2), "nobody raises it"
    assert "appeal address" in run("propose", "acct_1", *SUSPEND, "--by", "a", code=2)
    assert "no such database" in run("actions", "--casebook", "mysql://x:secret@y/z", code=2)
    assert "secret" not in run("actions", "--casebook", "mysql://x:secret@y/z", code=2)


@pytest.mark.parametrize("words", [
    ("actions",), ("actions", "--all"), ("actions", "--trail"), ("review",), ("appeal", "list"), ("permission", "list"),
    ("actions", "R-"),
])  # fmt: skip
def test_tables_for_people_hold_nothing_that_a_terminal_obeys(
    words: tuple[str, ...], run: Run, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "acct\x1b[2J\u202e=cmd"
    limit = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=60", *SUSPEND[4:])
    run("propose", hostile, *limit, *URL, "--by", "alice")
    run("approve", "R-", "--by", "bob", "--reason", "x")
    run("appeal", "open", "R-", "--by", "c", "--statement", "\x1b[31m no")
    capsys.readouterr()
    assert cli.run([*words, "--store", str(store.folder)]) == 0
    out = capsys.readouterr()
    assert "\x1b" not in out.out + out.err and "\u202e" not in out.out + out.err
