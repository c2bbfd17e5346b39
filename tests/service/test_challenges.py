"""Step-ups over HTTP: a service that checks them says who has passed, and learns nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch import acting, cli
from stillwatch.errors import StoreError, UsageError
from stillwatch.ingest.pseudonyms import pseudonym
from stillwatch.records import CHALLENGES, Rung
from stillwatch.respond.action import HOUR, State
from stillwatch.service import auth
from stillwatch.service.casework import microseconds
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.store import Store
from tests.respond.casebooks import finding, member, write_run
from tests.respond.hits import RUN, TERMS, hit
from tests.service.helpers import Service, call

PATH = "/v1/challenges/passed"
SAID = {"account_ids": ["acct_1", "acct_9"], "kind": "payment", "reason": "The card was charged a cent."}

Ask = Callable[..., tuple[int, Any]]


def begun(service: Service, account: str) -> None:
    """A step-up that is in force and felt."""
    write_run(service.store, RUN, finding("C-1", member(account)))
    now = microseconds() - HOUR
    with Casebook.begun(service.store.folder) as book:
        acting.propose(service.store, book, [hit(Rung.VERIFY, account_id=account), hit(account_id=account)], now, TERMS)
        acting.publish(service.store, book, now)
    service.hand.pass_(now + HOUR - service.hand.at)


def token(folder: Path, role: str, person: str, kinds: tuple[str, ...] = CHALLENGES) -> str:
    return auth.new_token(folder, role, person=person, kinds=kinds if role == "verify" else ())[1]


@pytest.fixture
def service(tmp_path: Path, key: Path) -> Service:
    made = Service(tmp_path / "s", key, key_file=key)
    begun(made, "acct_1")
    for role, person in (("verify", "kyc"), ("admin", "carol"), ("lead", "bob"), ("analyst", "alice")):
        made.tokens[person] = token(made.store.folder, role, person)
    made.state.look()
    return made


def ask(service: Service, who: str, body: Any = SAID) -> tuple[int, Any]:
    kind = ((b"content-type", b"application/json"),)
    status, _, said = call(service.app, body=body, path=PATH, token=service.tokens[who], headers=kind)
    return status, json.loads(said)


def test_who_checks_says_so_and_the_next_request_goes_on(service: Service) -> None:
    before = service.decide()
    assert (before["verdict"], before["action"]) == ("modify", "limit")
    assert {"type": "challenge", "kind": "payment"} in before["obligations"]
    assert "confirm your payment method" in before["notice"] and "verification_needed" not in before["notice"]
    status, said = ask(service, "kyc")
    assert status == 200 and said["nothing"] == ["acct_9"]
    (ended,) = said["passed"]
    assert {**ended, "action_id": ""} == {"account_id": "acct_1", "action_id": "", "state": "passed", "left": []}
    assert "C-1" not in json.dumps(said) and "limit-operators" not in json.dumps(said)
    service.state.look()
    after = service.decide()
    assert after["obligations"] == [{"type": "rate_limit", "requests_per_minute": 60}], "the limit stays"
    assert ask(service, "kyc") == (200, {**said, "passed": [], "nothing": ["acct_1", "acct_9"]})
    with Casebook.seen(service.store.folder) as book:
        row = book.history(action_id=ended["action_id"])[-1]
    assert (row["what"], row["by"], row["kind"]) == ("passed", "kyc", "payment") and row["via"].startswith("token ")


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("ingest", 403), ("decide", 403), ("viewer", 403),
                                             ("bob", 200), ("carol", 200), ("lead", 400)])  # fmt: skip
def test_who_may_say_so(service: Service, who: str, status: int) -> None:
    assert ask(service, who)[0] == status
    with Casebook.seen(service.store.folder) as book:
        ended = [one.state for one in book.find((State.PASSED,))]
    assert bool(ended) == (status == 200)


def test_a_token_that_checks_opens_nothing_else_and_says_who_it_is(service: Service) -> None:
    for (method, path), roles in auth.ROUTES.items():
        status, _, _ = call(service.app, method=method, path=path, body=b"{}", token=service.tokens["kyc"])
        assert (status == 403) == ("verify" not in roles), path
    with pytest.raises(UsageError, match="says who checks"):
        auth.new_token(service.store.folder, "verify")


def test_a_token_that_checks_passes_what_it_checks_and_nothing_else(service: Service) -> None:
    """A payments page that is taken over says nothing of stolen keys; a token of before kinds says nothing at all."""
    folder = service.store.folder
    service.tokens["keys-page"] = token(folder, "verify", "keys-page", ("rotate_key", "identity"))
    service.tokens["of before"] = token(folder, "verify", "old")
    place = auth.tokens_file(folder)
    held = json.loads(place.read_text())
    for one in held["tokens"]:
        if one["person"] in ("old", "bob"):
            del one["kinds"]
    place.write_text(json.dumps(held))
    service.state.look()
    status, said = ask(service, "keys-page")
    assert status == 403 and said["error"]["code"] == "forbidden"
    assert said["error"]["message"] == (
        "this token checks identity and rotate_key; it cannot say that payment was passed, which needs --kind payment"
    )
    for kind in CHALLENGES:
        status, said = ask(service, "of before", {**SAID, "kind": kind})
        assert status == 403 and "make a new one" in said["error"]["message"]
    with Casebook.seen(folder) as book:
        assert not book.find((State.PASSED,)) and not [one for one in book.find() if one.passed]
    assert ask(service, "keys-page", {**SAID, "kind": "rotate_key"})[0] == 200
    assert ask(service, "bob")[1]["passed"], "people may say so of any kind"


@pytest.mark.parametrize(
    ("role", "kinds", "words"),
    [
        ("verify", (), "--kind, once or several times: payment, identity, organisation, rotate_key"),
        ("verify", ("payment", "blood\x1b"), r"blood\x1b"), ("lead", ("payment",), "--role verify"),
    ],
)  # fmt: skip
def test_a_token_says_what_it_checks(service: Service, role: str, kinds: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        auth.new_token(service.store.folder, role, person="kyc2", kinds=kinds)
    assert words in str(refused.value)
    assert "kyc2" not in auth.tokens_file(service.store.folder).read_text()


@pytest.mark.parametrize("kinds", ["payment", ["blood"], [1], None, {"payment": 1}, [["payment"]]])
def test_tokens_with_kinds_that_are_none_are_damaged(service: Service, kinds: Any) -> None:
    place = auth.tokens_file(service.store.folder)
    held = json.loads(place.read_text())
    held["tokens"][0]["kinds"] = kinds
    place.write_text(json.dumps(held))
    with pytest.raises(StoreError, match="damaged"):
        auth.read_tokens(service.store.folder)


def test_the_command_makes_tokens_of_kinds_and_lists_them(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(Store.create(tmp_path / "s", key).folder)
    new = ["serve", "token", "new", "--role", "verify", "--person", "kyc", "--store", store]
    assert cli.run(new) == 2
    assert "payment, identity, organisation, rotate_key" in capsys.readouterr().err
    assert cli.run([*new, "--kind", "rotate_key", "--kind", "identity", "--kind", "identity"]) == 0
    assert cli.run(["serve", "token", "new", "--role", "viewer", "--store", store]) == 0
    capsys.readouterr()
    assert cli.run(["serve", "token", "list", "--store", store, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["tokens"]
    assert {one["role"]: one["kinds"] for one in rows} == {"verify": ["identity", "rotate_key"], "viewer": []}
    assert cli.run(["serve", "token", "list", "--store", store]) == 0
    assert "identity, rotate_key" in capsys.readouterr().out
    assert cli.run(["serve", "--kind", "payment", "--store", store]) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b'{"account_ids": ["acct_1"], "kind": "identity", "kind": "payment", "reason": "r"}', "duplicate_key",
         "stands twice"),
        (b'{"account_ids": ["z"], "account_ids": ["acct_1"], "kind": "payment", "reason": "r"}', "duplicate_key",
         "stands twice"),
        (b'{"account_ids": ["acct_1", "b", "a\\udc80"], "kind": "payment", "reason": "r"}', "bad_request",
         "wrong or missing: entry 3 of account_ids"),
        (b'{"account_ids": ["", "acct_1", 5], "kind": "payment", "reason": "r"}', "bad_request",
         "wrong or missing: entry 1 of account_ids, entry 3 of account_ids"),
        (b'{"account_ids": ["acct_1"], "kind": "payment", "reason": "r", "\\udc80": 1}', "bad_request",
         ""),
        (b'{"account_ids": ["acct_1"], "kind": "payment", "reason": "r"', "bad_request", "no JSON object"),
        (b"\xff" * 9, "", ""), (b"[" * 100_000, "", ""),
    ],
)  # fmt: skip
def test_a_body_that_can_be_read_in_two_ways_or_none_changes_nothing(
    service: Service, body: bytes, code: str, words: str
) -> None:
    status, said = ask(service, "kyc", body)
    assert status == 400 and words in said["error"]["message"] and code in said["error"]["code"]
    assert ask(service, "kyc")[1]["passed"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"account_ids": []}, {"account_ids": ["a"] * 1001}, {"account_ids": [""]}, {"account_ids": "acct_1"},
        {"kind": "blood"}, {"kind": 1}, {"reason": " "}, {"reason": None}, {"by": "bob"},
    ],
)  # fmt: skip
def test_what_is_no_report_changes_nothing(service: Service, wrong: dict[str, Any]) -> None:
    status, said = ask(service, "kyc", {**SAID, **wrong})
    assert status == 400 and said["error"]["code"] in ("bad_request", "refused")
    assert ask(service, "kyc")[1]["passed"]


@pytest.mark.parametrize(("name", "every"), [("acct_1", True), ("sk-proj-abcdefghijklmnop1234", False)])
def test_where_ids_are_pseudonyms_they_are_named_as_the_logs_have_them(
    tmp_path: Path, key: Path, name: str, every: bool
) -> None:
    store = Store.create(tmp_path / "s", key, pseudonymous=every)
    hidden = pseudonym(name, store.pseudonym_key(), store.epoch.epoch)
    service = Service(tmp_path / "s", key, key_file=key)
    begun(service, hidden)
    service.tokens["kyc"] = token(store.folder, "verify", "kyc")
    service.state.look()
    status, said = ask(service, "kyc", {**SAID, "account_ids": [name]})
    assert (status, [one["account_id"] for one in said["passed"]]) == (200, [name])
    assert hidden not in json.dumps(said)


def test_the_route_is_described(service: Service) -> None:
    _, _, said = call(service.app, method="GET", path="/openapi.json", token=service.tokens["viewer"])
    schema = json.loads(said)["components"]["schemas"]["HasPassed"]
    assert schema["properties"]["kind"]["enum"] == ["payment", "identity", "organisation", "rotate_key"]
