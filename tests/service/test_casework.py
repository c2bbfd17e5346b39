"""The casebook over HTTP: who may do what, as whom, and that the trail says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch.service import auth
from tests.respond.casebooks import finding, member, write_run
from tests.respond.hits import RUN
from tests.service.helpers import Service, call

Ask = Callable[..., Any]
WANTED = {
    "account_id": "acct_1", "rung": "suspend", "obligations": ["hold"], "hours": 72, "clause": "Terms 4.2",
    "reason": "Looked.", "appeal_url": "https://p.example/appeal",
}  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, key: Path) -> Ask:
    """Ask as a person: alice is an analyst, bob and carol are leads."""
    service = Service(tmp_path / "s", key, key_file=key)
    write_run(service.store, RUN, finding("C-1", member("acct_1"), member("acct_2"), member("v\udc80", 0.9, "victim")))
    roles = {"alice": "analyst", "bob": "lead", "carol": "lead"}
    tokens = {who: auth.new_token(service.store.folder, role, person=who)[1] for who, role in roles.items()}
    tokens["nobody"] = service.tokens["lead"]
    service.state.look()

    def asked(who: str, path: str, body: dict[str, Any] | None = None, status: int = 200, **more: Any) -> Any:
        method = "GET" if body is None else "POST"
        kind = ((b"content-type", b"application/json"),)
        got, _, said = call(
            service.app, body=body or b"", method=method, path=path, token=tokens[who], headers=kind, **more
        )
        assert got == status, said
        return json.loads(said)

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
    group = {"campaign_id": "C-1", "reason": "Seen."}
    assert "reach 1 accounts" in ask("bob", "/v1/approve", group, 400)["error"]["message"]
    ask("bob", "/v1/approve", {**group, "accounts": 1})
    states = ask("alice", "/v1/casebook/actions", query=b"state=in_force&state=declined")["actions"]
    assert sorted(one["state"] for one in states) == ["declined", "in_force"]
    assert ask("alice", "/v1/undo", {"account_id": "acct_2", "reason": "Wrong."})["actions"][0]["ended"] == "undone"


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


def test_a_token_of_a_gateway_is_no_persons(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key)
    for role, person in (("decide", "alice"), ("lead", "\u0430lice")):
        with pytest.raises(Exception, match=r"no person's|another's"):
            auth.new_token(service.store.folder, role, person=person)
