"""Step-ups over HTTP: a service that checks them says who has passed, and learns nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch import acting
from stillwatch.errors import UsageError
from stillwatch.ingest.pseudonyms import pseudonym
from stillwatch.records import Rung
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


@pytest.fixture
def service(tmp_path: Path, key: Path) -> Service:
    made = Service(tmp_path / "s", key, key_file=key)
    begun(made, "acct_1")
    for role, person in (("verify", "kyc"), ("admin", "carol"), ("lead", "bob"), ("analyst", "alice")):
        made.tokens[person] = auth.new_token(made.store.folder, role, person=person)[1]
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


def test_in_a_pseudonymous_store_the_ids_are_those_of_the_logs(tmp_path: Path, key: Path) -> None:
    store = Store.create(tmp_path / "s", key, pseudonymous=True)
    hidden = pseudonym("acct_1", store.pseudonym_key(), store.epoch.epoch)
    service = Service(tmp_path / "s", key, key_file=key)
    begun(service, hidden)
    service.tokens["kyc"] = auth.new_token(store.folder, "verify", person="kyc")[1]
    service.state.look()
    status, said = ask(service, "kyc")
    assert (status, [one["account_id"] for one in said["passed"]]) == (200, ["acct_1"])
    assert hidden not in json.dumps(said)


def test_the_route_is_described(service: Service) -> None:
    _, _, said = call(service.app, method="GET", path="/openapi.json", token=service.tokens["viewer"])
    schema = json.loads(said)["components"]["schemas"]["HasPassed"]
    assert schema["properties"]["kind"]["enum"] == ["payment", "identity", "organisation", "rotate_key"]
