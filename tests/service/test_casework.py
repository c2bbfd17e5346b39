"""The casebook over HTTP: who may do what, as whom, and that the trail says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stillwatch.ingest.pseudonyms import pseudonym
from stillwatch.service import auth
from stillwatch.store.store import Store
from stillwatch.tables import PERMISSIONS
from tests.respond.casebooks import finding, member, write_run
from tests.respond.hits import RUN
from tests.service.helpers import Service, call

Ask = Callable[..., Any]
WANTED = {
    "account_id": "acct_1", "rung": "suspend", "obligations": ["hold"], "hours": 72, "clause": "Terms 4.2",
    "reason": "Looked.", "appeal_url": "https://p.example/appeal",
}  # fmt: skip


@pytest.fixture
def service_of(tmp_path: Path, key: Path) -> Callable[..., Any]:
    """Ask as a person with headers of one's own: status and answer."""
    service = Service(tmp_path / "s", key, key_file=key, appeal_url=WANTED["appeal_url"])
    write_run(service.store, RUN, finding("C-1", member("acct_1"), member("acct_2"), member("v\udc80", 0.9, "victim")))
    roles = {"alice": "analyst", "bob": "lead", "carol": "lead"}
    tokens = {who: auth.new_token(service.store.folder, role, person=who)[1] for who, role in roles.items()}
    tokens["nobody"] = service.tokens["lead"]
    service.state.look()

    def asked(who: str, path: str, body: Any, kind: Any, **more: Any) -> Any:
        method = "GET" if body is None else "POST"
        got, _, said = call(
            service.app, body=body or b"", method=method, path=path, token=tokens[who], headers=kind, **more
        )
        return got, json.loads(said)

    return asked


@pytest.fixture
def ask(service_of: Callable[..., Any]) -> Ask:
    """Ask as a person: alice is an analyst, bob and carol are leads."""

    def asked(who: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        got, said = service_of(who, path, body, ((b"content-type", b"application/json"),), **more)
        assert got == status, said
        return said

    return asked


def test_from_proposal_to_an_answered_appeal(ask: Ask) -> None:
    (made,) = ask("alice", "/v1/propose", WANTED)["actions"]
    assert (made["state"], made["proposed_by"], made["needs"]) == ("proposed", "alice", 1)
    (waits,) = ask("alice", "/v1/review")["proposals"]
    assert (waits["accounts"], waits["exchanges"]) == (1, 10)
    named = {"action_id": made["action_id"], "reason": "Read it."}
    ask("alice", "/v1/approve", named, 403)
    (begun,) = ask("bob", "/v1/approve", named)["actions"]
    assert begun["state"] == "in_force" and begun["approvals"][0]["by"] == "bob"
    cut = {"action_id": made["action_id"][:8], "statement": "Not mine."}
    assert "whole id" in ask("alice", "/v1/appeals", cut, 400)["error"]["message"]
    assert ask("carol", "/v1/appeals")["actions"] == []
    ask("alice", "/v1/appeals", {"action_id": made["action_id"], "statement": "Our own tests."})
    assert [one["action_id"] for one in ask("carol", "/v1/appeals")["actions"]] == [made["action_id"]]
    said = {"account_id": "acct_1", "reason": "So it is.", "answer": "upheld"}
    assert "nobody answers" in ask("bob", "/v1/appeals/answer", said, 400)["error"]["message"]
    (ended,) = ask("carol", "/v1/appeals/answer", said)["actions"]
    assert ended["ended"] == "appeal upheld"
    rows = ask("alice", "/v1/casebook/trail", query=f"action_id={made['action_id']}".encode())["rows"]
    assert [row["by"] for row in rows] == ["alice", "bob", "bob", "alice", "carol"]
    assert len({row["via"] for row in rows}) == 3 and all(row["via"].startswith("token ") for row in rows)
    assert [one["state"] for one in ask("bob", "/v1/casebook/actions")["actions"]] == ["lapsed"]


def test_nobody_acts_as_another_or_as_nobody(ask: Ask) -> None:
    assert "no person" in ask("nobody", "/v1/propose", WANTED, 400)["error"]["message"]
    assert "by" in ask("alice", "/v1/propose", {**WANTED, "by": "bob"}, 400)["error"]["message"]
    (made,) = ask("bob", "/v1/propose", WANTED)["actions"]
    refused = ask("bob", "/v1/approve", {"action_id": made["action_id"], "reason": "Mine."}, 400)
    assert "nobody approves" in refused["error"]["message"]
    assert ask("nobody", "/v1/casebook/actions")["of"] == 1


def test_decline_undo_and_a_group_that_is_named_with_its_size(ask: Ask) -> None:
    for name in ("acct_1", "acct_2"):
        ask("alice", "/v1/propose", {**WANTED, "account_id": name})
    ask("bob", "/v1/decline", {"account_id": "acct_1", "reason": "No."})
    group = {"campaign_id": "C-1", "proposed_by": "alice", "reason": "Seen."}
    assert "reach 1 accounts" in ask("bob", "/v1/approve", group, 400)["error"]["message"]
    ask("bob", "/v1/approve", {**group, "accounts": 1})
    states = ask("alice", "/v1/casebook/actions", query=b"state=in_force&state=declined")["actions"]
    assert sorted(one["state"] for one in states) == ["declined", "in_force"]
    assert ask("alice", "/v1/undo", {"account_id": "acct_2", "reason": "Wrong."})["actions"][0]["ended"] == "undone"


def test_actions_are_read_page_by_page(ask: Ask) -> None:
    for account in ("acct_1", "acct_2"):
        ask("alice", "/v1/propose", {**WANTED, "account_id": account})
    whole = ask("alice", "/v1/casebook/actions")["actions"]
    assert len(whole) == 2
    newest = ask("alice", "/v1/casebook/actions", query=b"most=1")
    assert newest["actions"] == whole[1:] and newest["of"] == 2
    name = whole[1]["action_id"]
    assert ask("alice", "/v1/casebook/actions", query=f"before={name}&most=1".encode())["actions"] == whole[:1]
    name = whole[0]["action_id"]
    assert ask("alice", "/v1/casebook/actions", query=f"before={name}".encode())["actions"] == []
    ask("alice", "/v1/casebook/actions", status=400, query=b"before=R-000000000000")
    for path in ("actions", "trail"):
        assert "most" in ask("alice", f"/v1/casebook/{path}", status=400, query=b"most=1001")["error"]["message"]


def test_several_rungs_are_approved_one_by_one(ask: Ask) -> None:
    limit = {**WANTED, "rung": "limit", "obligations": ["rate_limit:requests_per_minute=60"]}
    for body in (WANTED, limit, {**WANTED, "account_id": "acct_2"}):
        ask("alice", "/v1/propose", body)
    group = {"campaign_id": "C-1", "accounts": 2, "proposed_by": "alice", "reason": "Seen."}
    said = ask("bob", "/v1/approve", group, 400)["error"]["message"]
    assert "limit, 1 account; suspend, 2 accounts" in said and "--rung limit or --rung suspend" in said
    both = {"account_id": "acct_1", "proposed_by": "alice", "reason": "x"}
    assert "several rungs" in ask("bob", "/v1/approve", both, 400)["error"]["message"]
    said = ask("bob", "/v1/approve", {**group, "proposed_by": None, "rung": "limit"}, 400)["error"]["message"]
    assert "by its id" in said and "--proposed-by alice" in said
    (begun,) = ask("bob", "/v1/approve", {**group, "accounts": 1, "rung": "limit"})["actions"]
    assert (begun["rung"], begun["state"]) == ("limit", "in_force")
    assert "no such rung" in ask("bob", "/v1/approve", {**group, "rung": "kill"}, 400)["error"]["message"]
    assert len(ask("bob", "/v1/decline", {**group, "rung": "suspend"})["actions"]) == 2


def test_what_comes_to_nothing_is_refused_in_words(ask: Ask) -> None:
    other = {**WANTED, "account_id": "acct_9", "unknown": True}
    said = ask("alice", "/v1/propose", other, 400)["error"]["message"]
    assert "nothing is proposed" in said and "does not accuse" in said
    typo = {**WANTED, "account_id": "acct_l", "rung": "label", "obligations": []}
    assert "does not know this account" in ask("alice", "/v1/propose", typo, 400)["error"]["message"]
    assert ask("alice", "/v1/propose", {**typo, "unknown": True})["unknown_accounts"] == ["acct_l"]
    for url in ("javascript:alert(1)", "", "https://appeals.evil.example/"):
        said = ask("alice", "/v1/propose", {**WANTED, "appeal_url": url}, 400)["error"]["message"]
        assert "not at a proposer's" in said and WANTED["appeal_url"] in said
    (made,) = ask("alice", "/v1/propose", {key: WANTED[key] for key in WANTED if key != "appeal_url"})["actions"]
    assert made["terms"]["appeal_url"] == WANTED["appeal_url"]
    again = ask("alice", "/v1/propose", WANTED)
    assert again["actions"] == [made] and "said so before" in again["passed_over"][0]["because"]


def test_what_a_permission_covers_is_approved_only_although_it_is(ask: Ask) -> None:
    (made,) = ask("alice", "/v1/propose", WANTED)["actions"]
    ask("bob", "/v1/permissions", {"reference": "c", "purpose": "research", "account_id": "acct_1", "reason": "Yes."})
    named = {"action_id": made["action_id"], "reason": "Read it."}
    assert "does not hold any more" in ask("carol", "/v1/approve", named, 400)["error"]["message"]
    (done,) = ask("carol", "/v1/approve", {**named, "although": True})["actions"]
    assert done["approvals"][0]["reason"] == "Read it. (although a permission in force speaks of it: c)"


def test_a_permission_says_whom_it_does_not_reach_and_what_stays_in_its_way(ask: Ask) -> None:
    (made,) = ask("alice", "/v1/propose", WANTED)["actions"]
    grant = {"reference": "c", "purpose": "research", "account_id": "acct_1", "reason": "Signed."}
    held = ask("bob", "/v1/permissions", grant)
    assert held["unknown_accounts"] == [] and held["actions"] == [made]
    held = ask("bob", "/v1/permissions", {**grant, "account_id": "acct_l"})
    assert held["unknown_accounts"] == ["acct_l"] and held["actions"] == []


def test_what_reads_or_is_refused_over_http_begins_no_casebook(ask: Ask, tmp_path: Path) -> None:
    for path, key in (("review", "proposals"), ("casebook/actions", "actions"), ("casebook/trail", "rows"),
                      ("appeals", "actions"), ("permissions", "permissions")):  # fmt: skip
        assert ask("alice", f"/v1/{path}")[key] == []
    some = {"account_id": "acct_1", "reason": "x"}
    for path, body in (
        ("propose", {**WANTED, "account_id": "acct_l"}), ("propose", {**WANTED, "rung": "kill"}), ("approve", some),
        ("propose", {**WANTED, "account_id": "acct_9", "unknown": True}), ("decline", some), ("undo", some),
        ("permissions", {**some, "reference": " ", "purpose": "research"}),
        ("permissions/end", {"reference": "c", "reason": "x"}),
        ("review", {"campaign_id": "C-9", "label": "true", "reason": "x"}),
        ("review", {"campaign_id": "C-1", "label": "true", "reason": " "}),
    ):  # fmt: skip
        ask("bob", f"/v1/{path}", body, 400)
    passed = {"account_ids": ["acct_1"], "kind": "payment", "reason": "x"}
    assert ask("bob", "/v1/challenges/passed", passed)["nothing"] == ["acct_1"]
    assert not list((tmp_path / "s").glob("casebook*"))


def test_who_ends_a_files_permission_over_http_is_kept_and_one_that_was_ended_begins_no_casebook(
    ask: Ask, tmp_path: Path, key: Path
) -> None:
    store = Store.open(tmp_path / "s", key)
    row = {"account_id": "acct_1", "purpose": "research", "reference": "c"}
    store.add_small("permissions", pa.RecordBatch.from_pylist([row], schema=PERMISSIONS))
    ended = ask("bob", "/v1/permissions/end", {"reference": "c", "reason": "Over."})["permissions"]
    assert [(one["state"], one["ended_by"]) for one in ended] == [("ended", "bob")]
    (tmp_path / "s" / "casebook.db").unlink()
    ask("bob", "/v1/permissions", {**row, "reason": "Again."}, 400)
    assert not list((tmp_path / "s").glob("casebook*"))
    ask("alice", "/v1/review", {"campaign_id": "C-1", "label": "true", "reason": "Read it."})
    assert (tmp_path / "s" / "casebook.db").exists()


def test_review_over_http_tells_what_approve_refuses_for(ask: Ask) -> None:
    (made,) = ask("alice", "/v1/propose", WANTED)["actions"]
    assert ask("alice", "/v1/review")["proposals"][0]["doubts"] == []
    ask("bob", "/v1/permissions", {"reference": "c", "purpose": "research", "account_id": "acct_1", "reason": "Yes."})
    (row,) = ask("alice", "/v1/review")["proposals"]
    because = ["a permission in force speaks of it: c"]
    assert row["doubts"] == [{"action_id": made["action_id"], "because": because}]
    said = ask("carol", "/v1/approve", {"action_id": made["action_id"], "reason": "x"}, 400)["error"]["message"]
    assert because[0] in said


def test_a_body_without_its_header_says_which(service_of: Callable[..., Any]) -> None:
    for kind in ((), ((b"content-type", b"text/plain"),), ((b"content-type", b""),)):
        status, said = service_of("bob", "/v1/approve", WANTED, kind)
        assert status == 400 and "Content-Type: application/json" in said["error"]["message"]
    status, said = service_of("bob", "/v1/approve", b"", ((b"content-type", b"application/json; charset=utf-8"),))
    assert status == 400 and "Content-Type" not in said["error"]["message"] and "body" in said["error"]["message"]


BODIES = [
    "/v1/review", "/v1/propose", "/v1/approve", "/v1/decline", "/v1/undo", "/v1/appeals", "/v1/appeals/answer",
    "/v1/permissions", "/v1/permissions/end",
]  # fmt: skip


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_says_a_key_twice_is_refused(ask: Ask, path: str) -> None:
    twice = b'{"account_id": "acct_1", "reason": "Seen.", "account_id": "acct_2"}'
    assert ask("bob", path, twice, 400)["error"]["code"] == "duplicate_key"


def test_labels_and_permissions(ask: Ask) -> None:
    label = {"campaign_id": "C-1", "label": "benign", "reason": "Their own programme.", "account_id": "acct_2"}
    assert ask("alice", "/v1/review", label)["reviews"][0]["by"] == "alice"
    assert "does not name" in ask("alice", "/v1/review", {**label, "account_id": "x"}, 400)["error"]["message"]
    grant = {"reference": "contract 42", "purpose": "research", "account_id": "acct_1", "exchange_cap": 5,
             "ends_at": "2099-01-01T00:00:00Z", "reason": "Signed."}  # fmt: skip
    ask("alice", "/v1/permissions", grant, 403)
    (held,) = ask("bob", "/v1/permissions", grant)["permissions"]
    assert (held["granted_by"], held["exchange_cap"], held["state"]) == ("bob", 5, "holds")
    ask("carol", "/v1/permissions/end", {"reference": "contract 42", "reason": "Over."})
    assert ask("alice", "/v1/permissions")["permissions"][0]["ended_by"] == "carol"


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"\xff", b'{"reason": 1}', b'{"reason": "x", "accounts": "1"}', b'{"reason": "x"}',
    b'{"reason": "x", "action_id": "R-\x00"}', b"[" * 10_000, b'{"reason": "\\ud800", "account_id": "\\ud800"}',
])  # fmt: skip
def test_a_body_that_is_none_is_refused_in_words(ask: Ask, body: bytes) -> None:
    said = ask("bob", "/v1/approve", body, 400)
    assert said["error"]["message"] and "Traceback" not in said["error"]["message"]


def test_a_body_of_unknown_or_great_length_is_not_read(ask: Ask) -> None:
    assert ask("bob", "/v1/approve", b"x" * 200_000, 413)["error"]["code"] == "too_large"
    assert ask("bob", "/v1/approve", b"{}", 413, measured=False)["error"]["code"] == "too_large"


def test_a_service_without_an_appeal_address_proposes_nothing(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key, key_file=key)
    write_run(service.store, RUN, finding("C-1", member("acct_1")))
    token = auth.new_token(service.store.folder, "analyst", person="alice")[1]
    service.state.look()
    kind = ((b"content-type", b"application/json"),)
    status, _, said = call(service.app, body=WANTED, path="/v1/propose", token=token, headers=kind)
    assert status == 400 and "--appeal-url" in said.decode()


def test_a_token_of_a_gateway_is_no_persons(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key)
    for role, person in (("decide", "alice"), ("lead", "\u0430lice")):
        with pytest.raises(Exception, match=r"no person's|another's"):
            auth.new_token(service.store.folder, role, person=person)


@pytest.mark.parametrize(("name", "every"), [("acct_7", True), ("sk-research-team-lead@gmail.com", False)])
def test_whom_the_store_keeps_under_a_pseudonym_is_named_as_the_logs_have_them(
    tmp_path: Path, key: Path, name: str, every: bool
) -> None:
    Store.create(tmp_path / "s", key, pseudonymous=every)
    service = Service(tmp_path / "s", key, key_file=key, appeal_url=WANTED["appeal_url"])
    hidden = pseudonym(name, service.store.pseudonym_key(), service.store.epoch.epoch)
    write_run(service.store, RUN, finding("C-1", member(hidden)))
    people = {who: auth.new_token(service.store.folder, "lead", person=who)[1] for who in ("bob", "carol")}
    service.state.look()

    def ask(who: str, path: str, body: Any = None) -> Any:
        told = json.dumps(body).encode() if body else b""
        kind, method = ((b"content-type", b"application/json"),), "POST" if body else "GET"
        query = queries.get(path, b"")
        got, _, said = call(
            service.app, body=told, method=method, path=path, token=people[who], query=query, headers=kind
        )
        assert got == 200, said
        return json.loads(said)

    queries = {"/v1/casebook/actions": b"account_id=" + name.encode()}
    done = ask("bob", "/v1/propose", {**WANTED, "account_id": name})["actions"][0]
    assert (done["account_id"], done["campaign_id"]) == (hidden, "C-1")
    named = {"account_id": name, "reason": "Seen."}
    assert ask("carol", "/v1/approve", {**named, "proposed_by": "bob"})["actions"][0]["state"] == "in_force"
    assert [one["action_id"] for one in ask("bob", "/v1/casebook/actions")["actions"]] == [done["action_id"]]
    said = ask("bob", "/v1/review", {**named, "campaign_id": "C-1", "label": "true"})["reviews"][0]
    assert said["account_id"] == hidden
    assert ask("bob", "/v1/undo", named)["actions"][0]["ended"] == "undone"
