"""`POST /v1/decisions` in process: verdicts, what is refused and how, and what an attacker of it can try."""

import asyncio
import gc
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from stillwatch.records import REASON_CODES, Obligation, Rung
from stillwatch.service import auth
from stillwatch.service.decisions import BURST, LATE, Decisions
from stillwatch.service.state import Config
from stillwatch.store.decisions import POINTER, folder_of, publish
from tests.service.helpers import HOUR, NOW, QUESTION, Service, action, call, limited


@pytest.mark.parametrize(
    ("account", "verdict", "does"),
    [
        ("nobody", "allow", "none"),
        ("watched", "allow", "none"),
        ("labelled", "warn", "label"),
        ("verified", "escalate", "verify"),
        ("limited", "modify", "limit"),
        ("protected", "modify", "protect"),
        ("fallen", "modify", "fallback"),
        ("suspended", "deny", "suspend"),
        ("shadowed", "allow", "none"),
    ],
)
def test_each_rung_has_its_verdict(service: Service, account: str, verdict: str, does: str) -> None:
    said = service.decide(account)
    assert (said["verdict"], said["action"]) == (verdict, does)
    assert said["mode"] == ("shadow" if account == "shadowed" else "enforce")


def test_what_a_gateway_is_told_has_the_wires_shape_and_no_score(service: Service) -> None:
    said = service.decide("fallen")
    assert said["obligations"] == [{"type": "fallback_model", "to": "small-1"}]
    assert said["policy"] == {"id": "house", "version": "3", "hash": "a" * 64}
    assert said["notice"] == "A notice." and said["appeal_url"] == "https://example.com/appeal"
    assert set(said["reason_codes"]) <= set(REASON_CODES)
    assert service.decide("suspended")["obligations"] == [{"type": "hold"}]
    allowed = {
        "decision_id", "verdict", "action", "obligations", "reason_codes", "policy", "mode", "ttl_s", "notice",
        "appeal_url", "retry_after_s", "ends_s", "counted",
    }  # fmt: skip
    for account in ("nobody", "watched", "labelled", "limited", "suspended", "shadowed"):
        said = service.decide(account)
        assert set(said) <= allowed
        assert "C-1" not in json.dumps(said), "the campaign is nobody's business"


def test_who_is_watched_cannot_be_told_from_a_stranger(service: Service) -> None:
    """An evader who sees whole answers learns nothing of being observed."""
    seen = service.decide("watched") | {"decision_id": "", "ttl_s": 0}
    assert seen == service.decide("stranger") | {"decision_id": "", "ttl_s": 0}


def test_shadow_is_logged_and_not_told(service: Service) -> None:
    said = service.decide("shadowed")
    assert (said["obligations"], said["reason_codes"], said["policy"]) == ([], [], None)
    assert "notice" not in said
    status, log = service.ask(method="GET", path="/v1/decisions/log", token=service.tokens["analyst"])
    assert status == 200
    assert log["decisions"][0]["shadow"][0]["rung"] == "suspend" and log["decisions"][0]["verdict"] == "allow"


def test_the_log_is_bounded_and_strangers_do_not_fill_it(service: Service) -> None:
    for number in range(50):
        service.decide(f"stranger{number}")
    assert len(service.state.log) == 0 and service.state.log.maxlen is not None


def test_an_action_ends_on_time_without_a_new_snapshot_and_is_not_kept_beyond(service: Service) -> None:
    service.hand.pass_(24 * HOUR - 10_000_000)
    assert service.decide("suspended")["ttl_s"] <= 10
    service.hand.pass_(10_000_000)
    assert service.decide("suspended")["verdict"] == "allow"


def test_a_clock_that_jumps_for_a_moment_changes_nothing(service: Service) -> None:
    for jump in (30 * 24 * HOUR, -30 * 24 * HOUR):
        service.hand.at += jump
        for _ in range(5):
            service.state.look()
        assert service.decide("suspended")["verdict"] == "deny"
        service.hand.at -= jump
        service.state.look()
    service.hand.at += 30 * 24 * HOUR
    for _ in range(60):
        service.state.look()
    assert service.decide("suspended")["verdict"] == "allow", "a jump that lasts is believed"


def test_a_group_shares_its_budget_over_its_accounts(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key, [limited(f"a{n}", 60) for n in range(50)] + [limited("b", 60, group="C-2")])
    said = [service.decide(f"a{n}") for n in range(50)]
    passed = [one["verdict"] for one in said].count("modify")
    assert passed <= 12, "ten seconds' worth of sixty a minute, and one: not a quota for each account"
    spent = said[-1]
    assert (spent["verdict"], spent["action"], spent["reason_codes"]) == ("deny", "limit", ["usage_limit"])
    assert spent["retry_after_s"] >= 1 and spent["obligations"][0]["type"] == "rate_limit"
    assert spent["ttl_s"] == 0, "who is counted is asked about each time"
    assert said[0]["counted"] is True and "counted" not in service.decide("nobody")
    assert service.decide("b")["verdict"] == "modify", "another group has its own"


def test_requests_at_once_are_counted_where_their_end_is_told(tmp_path: Path, key: Path) -> None:
    at_once = (Obligation("rate_limit", (("concurrency", 2),)),)
    service = Service(tmp_path / "s", key, [action(name, obligations=at_once) for name in ("a", "b")])
    for number in range(5):
        assert service.decide("a", request_id=f"x{number}")["verdict"] == "modify", "without a promise nobody counts"
    said = [service.decide(name, request_id=f"r{n}", reports_end=True) for n, name in enumerate("abb")]
    assert [one["verdict"] for one in said] == ["modify", "modify", "deny"]
    assert service.ask({"account_id": "a", "request_id": "r0"}, path="/v1/decisions/end") == (200, {})
    assert service.decide("b", request_id="r3", reports_end=True)["verdict"] == "modify"


def test_an_account_is_found_by_its_key(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key, [action("acct_9", Rung.SUSPEND), action("hash_of_key", Rung.LABEL)])
    publish(
        service.store, [action("acct_9", Rung.SUSPEND), action("hash_of_key", Rung.LABEL)], NOW, {"key_9": "acct_9"}
    )
    service.state.look()

    def verdict(**named: str) -> Any:
        return service.ask({k: v for k, v in QUESTION.items() if k != "account_id"} | named)[1]["verdict"]

    assert verdict(api_key_id="key_9") == "deny"
    assert verdict(account_id="acct_9", api_key_id="key_9") == "deny"
    assert verdict(account_id="acct_9") == "deny"
    assert verdict(account_id="key_9") == "allow", "an account that is named like another's key is not its owner"
    assert verdict(api_key_id="hash_of_key") == "warn", "logs without accounts have the key for one"
    assert verdict(account_id="other", api_key_id="hash_of_key") == "allow"


ODD = [
    "",
    " ",
    "a\tb",
    "\x1b[2J",
    "=1+1",
    "ß" * 500,
    "\u202ex",
    "a\nb",
    "𝟘",
    "'; DROP TABLE x",
    "../../etc",
    "a" * 1024,
]


def test_ids_with_odd_characters_are_found_verbatim(tmp_path: Path, key: Path) -> None:
    service = Service(
        tmp_path / "s", key, [action(name, Rung.SUSPEND, action_id=f"A{n}") for n, name in enumerate(ODD)]
    )
    for name in ODD[1:]:
        assert service.decide(name)["verdict"] == "deny"
        assert service.decide(name[:-1] + "~")["verdict"] == "allow"


def test_a_pseudonymous_store_is_asked_with_plain_names(tmp_path: Path, key: Path) -> None:
    from stillwatch.ingest.pseudonyms import pseudonym
    from stillwatch.service.auth import new_token
    from stillwatch.service.state import State
    from stillwatch.store.store import Store

    store = Store.create(tmp_path / "s", key, pseudonymous=True)
    hidden = pseudonym("acct_1", store.pseudonym_key(), store.epoch.epoch)
    publish(store, [action(hidden, Rung.SUSPEND)], time.time_ns() // 1000)
    new_token(store.folder, "decide")
    state = State(Config(store.folder, key_file=key))
    state.load()
    assert [one.rung for one in state.rows("acct_1", None)] == [Rung.SUSPEND]
    assert state.rows("acct_2", None) == ()


@pytest.mark.parametrize("name", ["sk-proj-abcdefghijklmnop1234", "sk-research-team-lead@gmail.com"])
def test_an_account_named_like_a_key_is_found_by_its_name_and_its_keys_are(
    tmp_path: Path, key: Path, name: str
) -> None:
    from stillwatch.ingest.pseudonyms import pseudonym

    service = Service(tmp_path / "s", key, key_file=key)
    hidden = pseudonym(name, service.store.pseudonym_key(), service.store.epoch.epoch)
    publish(service.store, [action(hidden, Rung.SUSPEND), action("acct_9", Rung.SUSPEND)], NOW)
    service.state.look()
    assert service.decide(name)["verdict"] == service.decide(hidden)["verdict"] == "deny"
    assert service.decide(name + "x")["verdict"] == "allow"
    asked = {k: v for k, v in QUESTION.items() if k != "account_id"} | {"api_key_id": name}
    assert service.ask(asked)[1]["verdict"] == "deny", "logs without accounts have the key for one"
    publish(service.store, [action("acct_9", Rung.SUSPEND)], NOW, {hidden: "acct_9"})
    service.state.look()
    assert service.ask(asked)[1]["verdict"] == "deny"
    assert len(service.state.log) == 4 and not any(name.encode() in line for line in service.state.log)


def test_without_its_key_a_plain_store_says_whom_it_does_not_find(
    tmp_path: Path, key: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nobody"))
    service = Service(tmp_path / "s", key, [action("acct_9", Rung.SUSPEND)])
    assert "ids that look like API keys are not found" in caplog.text
    assert service.decide("acct_9")["verdict"] == "deny" and service.state.ready


BAD: list[tuple[bytes, int]] = [
    (b"", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"x"', 400), (b"\xff\xfe", 400), (b"\0", 400),
    (b"[" * 16000, 400), (b'{"a":' * 3000, 400), (b'{"x":' + b"[" * 8000 + b"]" * 8000 + b"}", 400),
    (json.dumps(QUESTION | {"account_id": 5}).encode(), 400),
    (json.dumps(QUESTION | {"account_id": None}).encode(), 400),
    (json.dumps(QUESTION | {"account_id": ""}).encode(), 400),
    (json.dumps(QUESTION | {"model": ["x"]}).encode(), 400),
    (json.dumps(QUESTION | {"estimated_tokens": -1}).encode(), 400),
    (json.dumps(QUESTION | {"estimated_tokens": 1e300}).encode(), 400),
    (json.dumps(QUESTION | {"estimated_tokens": True}).encode(), 400),
    (json.dumps(QUESTION | {"account_id": "a\0b"}).encode(), 400),
    (json.dumps(QUESTION | {"account_id": "\ud800"}).encode(), 400),
    (json.dumps(QUESTION | {"account_id": "a" * 1025}).encode(), 400),
    (json.dumps(QUESTION | {"estimated_tokens": 10**30}).encode(), 400),
    (json.dumps(QUESTION).encode().replace(b'"acct_1"', b'"acct_1","account_id":"other"'), 400),
    (json.dumps(QUESTION).encode().replace(b'"acct_1"', b'"acct_1","\\u0061ccount_id":"other"'), 400),
    (json.dumps(QUESTION).encode().replace(b'"acct_1"', b'"acct\x00_1"'), 400),
    (json.dumps(QUESTION).encode() + b"{}", 400),
    (json.dumps({"account_id": "a"}).encode(), 400),
    (b" " * 20_000, 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BAD, ids=range(len(BAD)))
def test_bad_questions_are_refused_in_words(service: Service, body: bytes, status: int) -> None:
    found, said = service.ask(body)
    assert found == status and set(said) == {"error"} and set(said["error"]) == {"code", "message"}
    assert "acct_1" not in said["error"]["message"], "what came is not quoted"


def test_a_value_that_names_a_key_is_no_duplicate(service: Service) -> None:
    assert service.decide("nobody", request_id="account_id", model='say "account_id": "x"')["verdict"] == "allow"
    assert service.decide("nobody", new_field={"later": [1]})["verdict"] == "allow", "a newer gateway may say more"


def test_a_body_in_pieces_is_one_and_a_huge_one_is_not_read(service: Service) -> None:
    raw = json.dumps(QUESTION).encode()
    assert service.ask(parts=[raw[:10], raw[10:30], raw[30:]])[0] == 200
    endless = [b" " * 4096] * 1000
    status, _, said = call(service.app, token=service.tokens["decide"], parts=endless)
    assert status == 413 and json.loads(said)["error"]["code"] == "too_large"
    headers = [(b"content-length", b"999999999999999999999")]
    assert service.ask(raw, headers=headers)[0] == 413
    assert service.ask(raw, headers=[(b"content-length", b"\xb2")])[0] == 413


def fuzzed(chance: random.Random) -> bytes:
    """A question that somebody has damaged: bytes, keys or values."""
    values: list[Any] = [None, True, -1, 2**70, 1.5, "", "\0", "\ud800", [], {}, "x" * 2000, [[]], {"a": {"b": 1}}]
    said: dict[str, Any] = dict(QUESTION)
    for _ in range(chance.randrange(3)):
        said[chance.choice([*QUESTION, "estimated_tokens", "client_ip", "end_user_id", "reports_end", "z"])] = (
            chance.choice(values)
        )
    raw = bytearray(json.dumps(said).encode())
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(raw) + 1)
        raw[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    return bytes(raw * chance.choice([1, 1, 1, 2]))


def fuzz(service: Service, seed: int, cases: int) -> dict[int, int]:
    """Statuses of so many damaged questions, all asked in one event loop."""
    chance = random.Random(seed)
    counts: dict[int, int] = {}
    header = [(b"authorization", f"Bearer {service.tokens['decide']}".encode())]
    service.app._each = 0.0  # nothing is sent away for being too much
    sent: list[Any] = []

    async def one(body: bytes) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/v1/decisions", "query_string": b"", "headers": header,
        }  # fmt: skip
        await service.app(scope, receive, send)

    async def every() -> None:
        for _ in range(cases):
            sent.clear()
            await one(body := fuzzed(chance))
            status = sent[0]["status"]
            counts[status] = counts.get(status, 0) + 1
            assert status in (200, 400, 413), (seed, body)
            json.loads(sent[1]["body"])

    asyncio.run(every())
    return counts


def test_damaged_questions_never_crash_it(service: Service) -> None:
    counts = fuzz(service, 1, 3000)
    assert counts[400] > 1000 and counts[200] > 200, "the fuzz reaches both"


@pytest.mark.slow
def test_damaged_questions_never_crash_it_long(service: Service) -> None:
    counts = fuzz(service, 2, 100_000)
    print(counts)
    assert counts[400] > 30_000 and counts[200] > 7_000


def test_who_may_ask(service: Service) -> None:
    raw = json.dumps(QUESTION).encode()
    good = service.tokens["decide"]
    assert service.ask(raw, token=None)[0] == 401
    for role in ("viewer", "analyst", "lead", "ingest"):
        assert service.ask(raw, token=service.tokens[role])[0] == 403
    for wrong in (
        good[:-1],
        good + "A",
        good.replace("_decide_", "_viewer_"),
        "x",
        "sw_decide_" + "0" * 12 + "_" + "A" * 43,
    ):
        assert service.ask(raw, token=wrong)[0] == 401
    twice = [(b"authorization", f"Bearer {good}".encode())]
    assert service.ask(raw, token=good, headers=twice)[0] == 401
    status, headers, _ = call(service.app, raw)
    assert status == 401 and headers[b"www-authenticate"].startswith(b"Bearer")


def test_a_token_in_a_url_is_refused_and_said_to_be_exposed(service: Service) -> None:
    good = service.tokens["decide"]
    for query in (f"token={good}", f"a=1&access_token={good}", f"q={good}"):
        for header in (None, good):
            status, said = service.ask(QUESTION, token=header, query=query.encode())
            assert (status, said["error"]["code"]) == (401, "token_in_url")
            assert good not in json.dumps(said)
    assert service.ask(QUESTION, query=b"trace=1")[0] == 200


@pytest.mark.parametrize("role", [None, "decide", "viewer", "analyst", "lead", "ingest"])
def test_every_route_lets_in_its_roles_and_nobody_else(service: Service, role: str | None) -> None:
    token = service.tokens[role] if role else None
    query = b"account_id=suspended"
    for (method, path), roles in auth.ROUTES.items():
        status, _ = service.ask(
            QUESTION if method == "POST" else b"", method=method, path=path, token=token, query=query
        )
        passed = 200 if method == "GET" or path.startswith("/v1/decisions") else 400  # a question is no action
        assert status == (401 if role is None else passed if role in roles else 403), (method, path)
    for method, path in auth.OPEN:
        assert service.ask(method=method, path=path, token=None)[0] == 200
    for path in ("/docs", "/redoc", "/v1/decision", "/v1/decisions/", "/openapi.json/", "//v1/state"):
        assert service.ask(method="GET", path=path, token=token)[0] == (401 if role is None else 404)


def test_every_route_of_the_pages_stands_in_the_list(service: Service) -> None:
    """A route that somebody adds without roles would let anybody with a token through to it."""
    told = service.ask(method="GET", path="/openapi.json", token=service.tokens["viewer"])[1]
    routes = {(method.upper(), path) for path, held in told["paths"].items() for method in held}
    assert routes == (set(auth.ROUTES) | auth.OPEN) - {("GET", "/openapi.json")}


def test_a_new_token_and_an_ended_one_are_seen_while_it_runs(service: Service) -> None:
    token, said = auth.new_token(service.store.folder, "decide", "edge 2")
    service.state.look()
    assert service.ask(QUESTION, token=said)[0] == 200
    auth.end_token(service.store.folder, token.id)
    service.state.look()
    assert service.ask(QUESTION, token=said)[0] == 401
    auth.tokens_file(service.store.folder).write_text('{"tokens": [{}]}')
    service.state.look()
    assert service.ask(QUESTION)[0] == 200, "a damaged file of tokens leaves those that were read"
    assert service.ask(method="GET", path="/ready", token=None)[0] == 503


def test_tokens_are_not_kept(service: Service) -> None:
    held = auth.tokens_file(service.store.folder)
    assert held.stat().st_mode & 0o077 == 0
    assert not any(token[-43:] in held.read_text() for token in service.tokens.values())


def test_a_damaged_snapshot_leaves_the_old_one(service: Service) -> None:
    folder = folder_of(service.store.folder)
    good = (folder / POINTER).read_bytes()
    path = publish(service.store, [action("suspended", Rung.LABEL)], NOW)
    path.write_bytes(path.read_bytes()[:-1])
    service.state.look()
    assert service.decide("suspended")["verdict"] == "deny"
    assert service.ask(method="GET", path="/ready", token=None)[0] == 503
    (folder / POINTER).write_bytes(b"\xff not a pointer")
    service.state.look()
    assert service.decide("suspended")["verdict"] == "deny"
    (folder / POINTER).write_bytes(good)
    service.state.look()
    assert service.ask(method="GET", path="/ready", token=None)[0] == 200


def test_what_is_too_much_is_told_so_at_once_and_strangers_use_nothing_up(tmp_path: Path, key: Path) -> None:
    service = Service(tmp_path / "s", key, [], most=100)
    for _ in range(200):
        assert service.ask(QUESTION, token=None)[0] == 401
    statuses = [service.ask(QUESTION)[0] for _ in range(60)]
    assert statuses[0] == 200 and statuses.count(503) > 20
    assert statuses.count(200) >= 100 * BURST
    status, headers, _ = call(service.app, QUESTION, token=service.tokens["decide"])
    assert status == 503 and headers[b"retry-after"] == b"1"
    other = Service(tmp_path / "t", key, [])
    other.app.lag.late = LATE
    assert other.ask(QUESTION)[0] == 503


@pytest.mark.slow
def test_sending_requests_away_keeps_nothing_of_them(tmp_path: Path, key: Path) -> None:
    """An error that is made once and raised again and again keeps every frame that it passed."""
    service = Service(tmp_path / "s", key, [], most=1)
    for _ in range(50):
        service.ask(QUESTION)
    gc.collect()
    before = len(gc.get_objects())
    statuses = [service.ask(QUESTION)[0] for _ in range(200)]
    gc.collect()
    assert statuses.count(503) > 190
    assert len(gc.get_objects()) - before < 200


def test_a_body_that_does_not_come_is_ended(service: Service) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    async def slow(app: Decisions) -> None:
        header = [(b"authorization", f"Bearer {service.tokens['decide']}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/decisions", "query_string": b"", "headers": header}
        task = asyncio.get_running_loop().create_task(app(scope, receive, send))
        await asyncio.sleep(0)
        assert app.sweep(time.monotonic()) == 0 and len(app.waiting) == 1
        assert app.sweep(time.monotonic() + 6) == 1
        await task
        assert not app.waiting

    asyncio.run(slow(service.app))
    assert sent[0]["status"] == 408


def test_a_fault_of_ours_is_told_without_its_words(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.state, "decide", lambda _: 1 / 0)
    status, said = service.ask(QUESTION)
    assert status == 500 and "division" not in json.dumps(said)
    monkeypatch.setattr(service.state, "told", lambda: 1 / 0)
    status, _, raw = call(service.app, method="GET", path="/v1/state", token=service.tokens["viewer"])
    assert status == 500 and b"division" not in raw


def test_the_description_of_the_api_fits_what_is_answered(service: Service) -> None:
    told = service.ask(method="GET", path="/openapi.json", token=service.tokens["decide"])[1]
    schema = told["components"]["schemas"]["Decision"]
    for account in ("nobody", "labelled", "verified", "limited", "fallen", "suspended", "shadowed"):
        said = service.decide(account)
        assert set(schema["required"]) <= set(said) <= set(schema["properties"])
        assert said["verdict"] in schema["properties"]["verdict"]["enum"]
        assert said["action"] in schema["properties"]["action"]["enum"]
        for obligation in said["obligations"]:
            assert set(obligation) <= set(schema["properties"]["obligations"]["items"]["properties"])
    question = told["components"]["schemas"]["Question"]
    assert set(question["required"]) == {"model", "operation", "request_id"}
    assert "/v1/decisions" in told["paths"]


def test_an_analyst_sees_what_stands_about_an_account(service: Service) -> None:
    status, said = service.ask(
        method="GET", path="/v1/actions", token=service.tokens["analyst"], query=b"account_id=fallen"
    )
    assert status == 200 and said["actions"][0]["rung"] == "fallback"
    missing = service.ask(method="GET", path="/v1/actions", token=service.tokens["analyst"])
    assert missing[0] == 400 and "account_id" in missing[1]["error"]["message"]
