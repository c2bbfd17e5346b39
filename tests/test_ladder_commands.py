"""The commands of the ladder as people use them: propose, review, approve, appeal, undo, permissions, the trail."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stillwatch import cli
from stillwatch.acting import Terms, approve, propose
from stillwatch.errors import UsageError
from stillwatch.ingest.pseudonyms import pseudonym
from stillwatch.records import Rung
from stillwatch.store.store import Store
from tests.respond.casebooks import finding, member, opened, store_of, write_run
from tests.respond.hits import RUN, hit

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
SUSPEND = ("--rung", "suspend", "--obligation", "hold", "--clause", "Terms 4.2", "--hours", "72", "--reason", "Looked.")
LIMIT = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=60", *SUSPEND[4:])
URL = ("--appeal-url", "https://p.example/appeal")

OF_ALICE = ("--proposed-by", "alice")


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
    again = run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")
    assert again["actions"] == [done] and "said so before" in again["passed_over"][0]["because"]
    waits = run("review")["proposals"][0]
    assert (waits["accounts"], waits["honest"], waits["exchanges"], waits["radius"]) == (1, 0.1, 10, 1)
    assert "nobody approves" in run("approve", done["action_id"][:8], "--by", "Alice", "--reason", "ok", code=2)
    begun = run("approve", "--account", "acct_1", *OF_ALICE, "--by", "bob", "--reason", "Seen.")["actions"][0]
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
    run("approve", "--account", "acct_2", *OF_ALICE, "--by", "bob", "--reason", "Yes.")
    assert run("undo", "--account", "acct_2", "--by", "alice", "--reason", "Wrong.")["actions"][0]["ended"] == "undone"
    assert [a["state"] for a in run("actions", "--all")["actions"]] == ["declined", "undone"]


def test_a_group_is_named_with_its_size_and_needs_two(run: Run) -> None:
    for number in range(4):
        run("propose", f"acct_{number}", *SUSPEND, *URL, "--cap", "3", "--by", "alice")
    said = ("approve", "--campaign", "C-1", *OF_ALICE, "--reason", "Seen.", "--by")
    assert "reach 4 accounts" in run(*said, "bob", code=2)
    assert "reach 4 accounts" in run(*said, "bob", "--accounts", "3", code=2)
    states = lambda done: {a["state"] for a in done["actions"]}  # noqa: E731
    assert states(run(*said, "bob", "--accounts", "4")) == {"proposed"}
    assert "already" in run(*said, "bob", "--accounts", "4", code=2)
    assert states(run(*said, "carol", "--accounts", "4")) == {"in_force"}


def test_who_is_not_accused_is_not_proposed_for_more_than_a_limit(run: Run) -> None:
    for name in ("victim", "nobody"):
        said = run("propose", name, *SUSPEND, *URL, "--by", "alice", "--unknown", code=1)
        assert "nothing is proposed" in said and "does not accuse this account" in said
    assert run("propose", "victim", *LIMIT, *URL, "--by", "alice")["actions"][0]["needs"] == 1


def test_what_a_person_declined_is_refused_again_and_what_ended_is_not_told_as_done(run: Run) -> None:
    words = ("propose", "acct_1", *LIMIT, *URL, "--by", "alice")
    run(*words)
    run("decline", "--account", "acct_1", "--by", "bob", "--reason", "No.")
    assert "said so before" in run(*words, code=1)
    run("propose", "acct_1", *LIMIT, *URL, "--by", "bob")
    held = run("actions")["actions"]
    assert [one["proposed_by"] for one in held] == ["bob"]


def test_an_id_that_nobody_knows_is_refused_or_said(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("propose", "acct_l", *LIMIT, *URL, "--by", "alice")
    assert "does not know this account" in run(*words, code=2) and run("actions", "--all")["actions"] == []
    assert run(*words, "--unknown")["unknown_accounts"] == ["acct_l"]
    assert run("propose", "acct_1", *LIMIT, *URL, "--by", "alice")["unknown_accounts"] == []
    give = ("permission", "add", "c", "--purpose", "research", "--reason", "Signed.", "--by", "bob", "--account")
    held = run(*give, "acct_x\x00\u202e")
    assert held["unknown_accounts"] == ["acct_x\x00\u202e"] and held["actions"] == []
    held = run(*give, "acct_1")
    assert held["unknown_accounts"] == [] and [one["account_id"] for one in held["actions"]] == ["acct_1"]
    assert run(*give[:-1], "--org", "org_9")["unknown_orgs"] == ["org_9"]
    capsys.readouterr()
    assert cli.run([*give, "acct_1", "--store", str(store.folder)]) == 0
    said = capsys.readouterr().err
    assert "stay until" in said and "stillwatch decline R-" in said and "does not know" not in said
    cli.run([*give, "acct_l", "--store", str(store.folder)])
    assert "does not know the account acct_l" in capsys.readouterr().err


KEYS = ("--rung", "verify", "--obligation", "challenge:kind=rotate_key", *SUSPEND[4:])


def test_several_rungs_are_approved_one_by_one(run: Run) -> None:
    for name, words in (("acct_1", SUSPEND), ("acct_1", LIMIT), ("acct_2", LIMIT), ("victim", KEYS)):
        run("propose", name, *words, *URL, "--by", "alice")
    rows = run("review")["proposals"]
    assert [(one["rung"], one["step"], one["accounts"]) for one in rows] == [
        ("suspend", "suspend", 1), ("limit", "limit", 2), ("verify", "rotate_key", 1),
    ]  # fmt: skip
    group = ("approve", "--campaign", "C-1", *OF_ALICE, "--by", "bob", "--reason", "Seen.")
    for words in (group, (*group, "--accounts", "3")):
        said = run(*words, code=2)
        assert "rotate_key, 1 account; limit, 2 accounts; suspend, 1 account" in said
        assert "--rung rotate_key or --rung limit or --rung suspend" in said
    assert "several rungs" in run("approve", "--account", "acct_1", *group[3:], code=2)
    assert "in_force" not in {one["state"] for one in run("actions")["actions"]}
    assert "no action fits" in run(*group, "--rung", "verify", code=2)
    assert "no such rung" in run(*group, "--rung", "kill", code=2)
    assert "reach 2 accounts" in run(*group, "--rung", "limit", "--accounts", "3", code=2)
    (key,) = run(*group, "--rung", "rotate_key", "--accounts", "1")["actions"]
    assert (key["account_id"], key["state"]) == ("victim", "in_force")
    done = run(*group, "--rung", "limit", "--accounts", "2")["actions"]
    assert {one["rung"] for one in done} == {"limit"} and len(done) == 2
    assert [one["step"] for one in run("review")["proposals"]] == ["suspend"]
    run("undo", "--account", "acct_1", "--rung", "limit", "--by", "bob", "--reason", "No.")
    run("decline", "--account", "acct_1", "--rung", "suspend", "--by", "bob", "--reason", "No.")
    left = [(one["account_id"], one["state"]) for one in run("actions")["actions"]]
    assert left == [("acct_2", "in_force"), ("victim", "in_force")]


def test_a_row_says_why_it_waits(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        run("propose", f"acct_{number}", *LIMIT, *URL, "--cap", "2", "--by", "alice")
    run("propose", "victim", *KEYS, *URL, "--cap", "2", "--by", "alice")
    run("propose", "acct_9", *SUSPEND, *URL, "--by", "alice")
    by_step = {one["step"]: one for one in run("review")["proposals"]}
    two = "two people: the campaign's actions reach 5 accounts, cap 2"
    assert by_step["limit"]["persons"][:2] == [two, "proposed by alice: another person approves"]
    assert by_step["rotate_key"]["persons"][0] == two and by_step["rotate_key"]["needs"] == 2
    assert by_step["suspend"]["persons"][0] == "proposed by alice: another person approves"
    assert by_step["suspend"]["persons"][1].startswith("suspend: above limit")
    capsys.readouterr()
    once = (
        "approve",
        "--campaign",
        "C-1",
        "--rung",
        "rotate_key",
        "--accounts",
        "1",
        *OF_ALICE,
        "--by",
        "bob",
        "--reason",
        "Yes.",
    )
    assert cli.run([*once, "--store", str(store.folder)]) == 0
    assert "not in force yet: 1 of 1 wait for another person" in capsys.readouterr().err
    assert cli.run(["review", "--store", str(store.folder)]) == 0
    out = capsys.readouterr()
    assert two in out.out and "one of two has approved" in out.out and "nothing else" in out.err
    assert "approve --campaign C-1 --rung rotate_key --proposed-by alice --accounts 1" in out.err


def test_before_a_person_approves_they_read_who_is_honest_and_whom_a_later_run_clears(run: Run, store: Store) -> None:
    run("propose", "victim", *LIMIT, *URL, "--by", "alice")
    run("propose", "acct_1", *LIMIT, *URL, "--by", "alice")
    run("propose", "acct_2", *LIMIT, *URL, "--by", "alice")
    (told,) = run("review")["proposals"]
    assert (told["accounts"], told["honest"]) == (3, 1.2), "the owner of a stolen key is honest"
    assert told["doubts"] == []
    later = "20990101T000000-000000001-aaaaaa"
    write_run(store, later, finding("C-5", member("acct_2"), member("acct_1", 0.3)))
    (told,) = run("review")["proposals"]
    who = {one["action_id"]: one["account_id"] for one in told["actions"]}
    because = [f"the newest run, {later}, does not accuse this account"]
    assert {who[one["action_id"]]: one["because"] for one in told["doubts"]} == dict.fromkeys(
        ("acct_1", "victim"), because
    )


def of_a_rule(store: Store, *accounts: str) -> None:
    """A policy's suspensions wait for a person."""
    with closing(opened(store)) as book:
        hits = [hit(Rung.SUSPEND, account_id=name) for name in accounts]
        propose(store, book, hits, time.time_ns() // 1000, Terms(5, URL[1]))


def test_what_a_person_proposed_by_hand_does_not_pass_beside_a_rules_row(
    run: Run, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    of_a_rule(store, "acct_1", "acct_2")
    evil = ("--hours", "2160", "--appeal-url", "https://appeals.evil.example/x", "--by", "mallory")
    (made,) = run("propose", "acct_1", *SUSPEND, *evil)["actions"]
    rows = run("review")["proposals"]
    assert [(one["proposed_by"], one["accounts"], len(one["actions"])) for one in rows] == [
        ("", 2, 2),
        ("mallory", 1, 1),
    ]
    which = f"1 action ({made['action_id']})"
    assert rows[0]["differs"] == ["appeal goes to https://p.example/appeal"]
    assert rows[1]["differs"] == [
        f"hours 2,160: {which}",
        f"obligations hold: {which}",
        f"appeal goes to https://appeals.evil.example/x: {which}",
    ]
    capsys.readouterr()
    assert cli.run(["review", "--store", str(store.folder)]) == 0
    assert "appeal goes to https://appeals.evil.example/x" in capsys.readouterr().err
    row = ("--campaign", "C-1", "--rung", "suspend", "--accounts", "2", "--by", "bob", "--reason", "Seen.")
    done = run("approve", *row)
    assert {one["proposed_by"] for one in done["actions"]} == {""} and len(done["actions"]) == 2
    assert done["by_hand"] == [made["action_id"]]
    said = run("approve", *row, code=2)
    assert f"{made['action_id']} by mallory" in said and "--proposed-by mallory" in said
    assert "by its id" in run("approve", "--account", "acct_1", "--by", "bob", "--reason", "Seen.", code=2)
    assert run("approve", made["action_id"], "--by", "bob", "--reason", "Seen.")["by_hand"] == []


def test_actions_are_counted_beside_accounts_and_what_differs_is_told(
    run: Run, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")
    run("propose", "acct_1", *SUSPEND, "--hours", "2160", "--obligation", "strip_logprobs", *URL, "--by", "alice")
    group = ("approve", "--campaign", "C-1", *OF_ALICE, "--accounts", "1", "--by", "bob", "--reason", "Seen.")
    (row,) = run("review")["proposals"]
    assert [words.split(": ")[0] for words in row["differs"]] == [
        "hours 2,160", "hours 72", "obligations hold", "obligations hold strip_logprobs", f"appeal goes to {URL[1]}",
    ]  # fmt: skip
    assert "--accounts 1 --actions 2" in run(*group, code=2)
    assert "2 actions, on 1 accounts" in run(*group, "--actions", "1", code=2)
    capsys.readouterr()
    assert cli.run([*group, "--actions", "2", "--store", str(store.folder)]) == 0
    assert "hours 2,160: 1 action (R-" in capsys.readouterr().err


LOW = ("--rung", "limit", "--obligation", "rate_limit:requests_per_minute=1,tokens_per_minute=1", *SUSPEND[4:])


@pytest.mark.parametrize("words", [SUSPEND, LOW])
def test_whom_the_newest_run_does_not_accuse_an_older_one_suspends_no_more(
    words: tuple[str, ...], run: Run, store: Store
) -> None:
    for name in ("victim", "nobody"):
        assert "does not accuse" in run("propose", name, *words, *URL, "--by", "alice", "--unknown", code=1)
    write_run(store, "20260401T000000-000000001-aaaaaa", finding("C-1", member("acct_1")), ago=9)
    old = ("--run", "20260401", *URL, "--by", "alice")
    said = run("propose", "acct_1", *words, *old, code=2)
    assert "the run is too old to act on" in said and "9 days ago" in said and "--within" in said
    assert run("propose", "acct_1", *words, *old, "--within", "10")["actions"]
    later = "20990101T000000-000000001-aaaaaa"
    write_run(store, later, finding("C-5", member("acct_2"), member("acct_1", 0.3)))
    said = run("propose", "acct_1", *words, *old[:-1], "carol", "--within", "10", code=1)
    assert f"the newest run, {later}, does not accuse this account" in said
    assert run("propose", "acct_1", *LIMIT, *old)["actions"], "a limit that a rule may set needs no newest run"
    assert run("propose", "acct_2", *words, *URL, "--by", "alice")["actions"]


@pytest.mark.parametrize("words", [SUSPEND, LOW])
def test_nobody_approves_unawares_what_a_later_run_clears_or_a_permission_covers(
    words: tuple[str, ...], run: Run, store: Store
) -> None:
    for name in ("acct_1", "acct_2", "acct_3"):
        run("propose", name, *words, *URL, "--by", "alice")
    write_run(store, "20990101T000000-000000001-aaaaaa", finding("C-5", member("acct_2"), member("acct_3")))
    give = ("permission", "add", "contract 42", "--purpose", "research", "--reason", "Signed.", "--by", "dora")
    run(*give, "--account", "acct_3")
    group = ("approve", "--campaign", "C-1", *OF_ALICE, "--accounts", "3", "--by", "bob", "--reason", "Seen.")
    said = run(*group, code=2)
    assert "2 of these 3 actions" in said and "--although" in said
    assert "does not accuse this account" in said and "a permission in force speaks of it: contract 42" in said
    assert {one["state"] for one in run("actions")["actions"]} == {"proposed"}
    done = {one["account_id"]: one["approvals"][0]["reason"] for one in run(*group, "--although")["actions"]}
    assert done["acct_2"] == "Seen." and done["acct_3"].startswith("Seen. (although a permission")
    assert "although the newest run" in done["acct_1"]
    trail = [row["reason"] for row in run("actions", "--trail")["rows"] if row["what"] == "approved"]
    assert sorted(trail) == sorted(done.values())


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
    assert "no action's id" in run("undo", "R-x\x1b[31m", "--by", "a", "--reason", "b", code=2)
    assert "no such rung" in run("propose", "a", "--rung", "kill", *SUSPEND[2:], *URL, "--by", "a", code=2)
    assert "cap" in run("propose", "acct_1", *SUSPEND, *URL, "--by", "a", "--cap", "21", code=2), "nobody raises it"
    said = run("propose", "acct_1", *SUSPEND, "--by", "a", code=2)
    assert "appeal address is missing" in said and "--appeal-url URL, or STILLWATCH_APPEAL_URL" in said
    script = ("--appeal-url", "javascript:alert(1)")
    assert "appeal address" in run("propose", "acct_1", *SUSPEND, *script, "--by", "a", code=2)
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
    name = run("propose", hostile, *LIMIT, *URL, "--by", "alice", "--unknown")["actions"][0]["action_id"]
    run("approve", name, "--by", "bob", "--reason", "x")
    run("appeal", "open", name, "--by", "c", "--statement", "\x1b[31m no")
    capsys.readouterr()
    words = tuple(name if word == "R-" else word for word in words)
    assert cli.run([*words, "--store", str(store.folder)]) == 0
    out = capsys.readouterr()
    assert "\x1b" not in out.out + out.err and "\u202e" not in out.out + out.err


@pytest.mark.parametrize("upheld", [False, True])
def test_what_was_taken_back_of_an_account_holds_its_other_proposals_up(run: Run, store: Store, upheld: bool) -> None:
    """A customer whose appeal was upheld is not suspended an hour later by a group approval that nobody looked at."""
    limit = run("propose", "acct_1", *LIMIT, *URL, "--by", "alice")["actions"][0]["action_id"]
    for name in ("acct_1", "acct_2"):
        run("propose", name, *SUSPEND, *URL, "--by", "alice")
    run("approve", limit, "--by", "bob", "--reason", "Seen.")
    if upheld:
        run("appeal", "open", limit, "--statement", "It is not us.", "--by", "support")
        run("appeal", "answer", limit, "--answer", "upheld", "--reason", "They are right.", "--by", "dora")
    else:
        run("undo", limit, "--by", "dora", "--reason", "A mistake.")
    group = ("approve", "--campaign", "C-1", *OF_ALICE, "--accounts", "2", "--by", "bob", "--reason", "Seen.")
    said = run(*group, code=2)
    assert "1 of these 2 actions" in said and f"{limit} on the same account was taken back" in said
    waiting = [one["action_id"] for one in run("actions")["actions"] if one["state"] == "proposed"]
    assert len(waiting) == 2
    (mine,) = [
        one["action_id"] for one in run("actions", "--account", "acct_1")["actions"] if one["state"] == "proposed"
    ]
    with closing(opened(store)) as book, pytest.raises(UsageError, match="does not stand as it was made"):
        approve(book, [mine], "bob", "Seen.", time.time_ns() // 1000)  # as it is asked once more under the lock
    run("decline", mine, "--by", "bob", "--reason", "The customer was right.")
    (done,) = run(*group[:5], "--accounts", "1", *group[7:])["actions"]
    assert (done["account_id"], done["state"]) == ("acct_2", "in_force")


@pytest.mark.parametrize("command", ["approve", "undo"])
def test_an_id_may_be_said_by_its_first_letters(command: str, run: Run) -> None:
    name = run("propose", "acct_1", *SUSPEND, *URL, "--by", "alice")["actions"][0]["action_id"]
    said = ("--by", "bob", "--reason", "Seen.")
    if command == "undo":
        run("approve", name, *said)
    assert "at least 6 letters" in run(command, name[:7], *said, code=2)
    assert run(command, name[:8], *said)["actions"][0]["action_id"] == name


def test_an_appeal_against_one_of_several_actions_says_how_to_name_it(run: Run) -> None:
    names = {}
    for words in (LIMIT, SUSPEND):
        (made,) = run("propose", "acct_1", *words, *URL, "--by", "alice")["actions"]
        names[made["rung"]] = run("approve", made["action_id"], "--by", "bob", "--reason", "Seen.")["actions"][0][
            "action_id"
        ]
    plea = ("--statement", "It is not us.", "--by", "support")
    said = run("appeal", "open", "--account", "acct_1", *plea, code=2)
    assert "--rung limit or --rung suspend, or an action's id" in said
    assert f"{names['limit']} (limit)" in said and f"{names['suspend']} (suspend)" in said
    said = run("appeal", "open", "--campaign", "C-1", *plea, code=2)
    assert "against one action" in said and "--account ID" in said
    (done,) = run("appeal", "open", "--account", "acct_1", "--rung", "limit", *plea)["actions"]
    assert done["action_id"] == names["limit"]
    (more,) = run(
        "propose", "acct_1", *LIMIT, "--hours", "5", "--obligation", "rate_limit:concurrency=2", *URL, "--by", "carol"
    )["actions"]
    run("approve", more["action_id"], "--by", "bob", "--reason", "Seen.")
    said = run("appeal", "open", "--account", "acct_1", "--rung", "limit", *plea, code=2)
    assert "wanted: an action's id" in said and "--rung" not in said.partition("wanted:")[2]


def test_a_table_says_what_stands_against_a_row(run: Run, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    of_a_rule(store, "acct_1", "acct_2", "acct_3")
    give = ("permission", "add", "contract 42", "--purpose", "research", "--reason", "Signed.", "--by", "dora")
    run(*give, "--account", "acct_3")
    (row,) = run("review")["proposals"]
    (doubt,) = row["doubts"]
    assert doubt["because"] == ["a permission in force speaks of it: contract 42"]
    capsys.readouterr()
    assert cli.run(["review", "--store", str(store.folder)]) == 0
    out = capsys.readouterr()
    assert "a permission in force speaks of it: contract 42 (1 of 3 actions)" in out.out
    assert "suspend: above limit a named person approves  " in out.out, "of all of them: no number"
    assert f"approve refuses 1 of 3 actions, for what stands against it ({doubt['action_id']})" in out.err


@pytest.mark.parametrize(("name", "every"), [("acct_7", True), ("sk-proj-abcdefghijklmnop1234", False)])
def test_whom_the_store_keeps_under_a_pseudonym_is_named_as_the_logs_have_them(
    tmp_path: Path, key: Path, name: str, every: bool, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nobody"))
    store = Store.create(tmp_path / "s", key, pseudonymous=every)
    hidden = pseudonym(name, store.pseudonym_key(), store.epoch.epoch)
    write_run(store, RUN, finding("C-1", member(hidden)))
    own = ("--key-file", str(key))

    def run(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert cli.run([*words, "--store", str(store.folder), "--json"]) == code
        out = capsys.readouterr()
        return json.loads(out.out) if code == 0 else out.err

    assert "--key-file" in run("propose", name, *SUSPEND, *URL, "--by", "alice", code=2)
    done = run("propose", name, *SUSPEND, *URL, "--by", "alice", *own)["actions"][0]
    assert (done["account_id"], done["campaign_id"]) == (hidden, "C-1")
    assert run("propose", hidden, *SUSPEND, *URL, "--by", "alice")["actions"][0]["action_id"] == done["action_id"]
    seen = ("--account", name, "--reason", "Seen.", "--by", "bob")
    assert "taken as the pseudonym" in run("decline", *seen, code=2)
    assert run("approve", *seen, *OF_ALICE, *own)["actions"][0]["state"] == "in_force"
    assert len(run("actions", "--account", name, *own)["actions"]) == 1
    run("appeal", "open", "--account", name, "--statement", "It is not us.", "--by", "support", *own)
    assert run("review", "C-1", "--label", "true", *seen, *own)["reviews"][0]["account_id"] == hidden
    assert run("undo", *seen, *own)["actions"][0]["ended"] == "undone"
    assert cli.run(["passed", name, "--kind", "payment", "--store", str(store.folder), *seen[2:], *own]) == 0
    assert "no such account" not in capsys.readouterr().err
