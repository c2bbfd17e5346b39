"""A client answers every question, whatever the service does."""

import asyncio
import itertools
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stillwatch_gateway.answers import LONGEST_NAME, Ask, Decision, Garbage, parsed
from stillwatch_gateway.client import DEFAULT, FRESH, SERVICE, STALE, AsyncClient, Client, Outcome
from stillwatch_gateway.memory import Breaker, Cache
from stillwatch_gateway.settings import Settings, from_environment
from stillwatch_gateway.wire import Reading

from stillwatch.service.wire import question
from tests.gateways.service import ALLOW, LOOPBACK, TOKEN, WHOLE, WORST, Service, answer, deaf, decision, serving

ASK = Ask("acme", model="large", request_id="r-1")
CAP = decision({"type": "cap_max_tokens", "max_tokens": 64}, ttl_s=60)


def read(said: dict[str, object]) -> Decision:
    """A decision as the client reads it."""
    return parsed(json.dumps(said).encode())


WHOLE_AND_CLOSED = [answer(json.dumps(ALLOW).encode(), head="connection: close\r\n")]
Decide = Callable[[Ask], Outcome]


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def patient(url: str, **more: object) -> Settings:
    """Settings with which a slow machine is not mistaken for a dead service."""
    return Settings(url, TOKEN, **{"within": 6.0, "ask_within": 5.0, **more})  # type: ignore[arg-type]


@pytest.fixture(params=["threads", "asyncio"])
def made(request: pytest.FixtureRequest) -> Iterator[Callable[..., Decide]]:
    """Makes a client of either kind, as a function that asks."""
    with ExitStack() as stack:

        def make(held: Settings, **more: object) -> Decide:
            if request.param == "threads":
                client = Client(held, **more)  # type: ignore[arg-type]
                stack.callback(client.close)
                return client.decide
            runner = stack.enter_context(asyncio.Runner())
            other = AsyncClient(held, **more)  # type: ignore[arg-type]
            return lambda ask: runner.run(other.decide(ask))

        yield make


def test_a_decision_comes_from_the_service_over_one_connection(made: Callable[..., Decide]) -> None:
    with serving(Service(decision({"type": "cap_max_tokens", "max_tokens": 64}))) as service:
        decide = made(patient(service.url))
        outcomes = [decide(ASK) for _ in range(5)]
        assert {(one.source, one.decision.obligations[0].number("max_tokens")) for one in outcomes} == {(SERVICE, 64)}
        assert service.connections == 1
        assert service.asked[0] == {"account_id": "acme", "model": "large", "operation": "chat", "request_id": "r-1"}
        assert f"authorization: Bearer {TOKEN}".encode() in service.heads[0]


def test_a_decision_is_kept_for_its_ttl_and_used_beyond_it_only_where_nobody_answers(
    made: Callable[..., Decide],
) -> None:
    clock = Hands()
    with serving(Service(CAP)) as service:
        decide = made(patient(service.url, stale_for=100.0, breaker_after=1), clock=clock)
        assert [decide(ASK).source for _ in range(2)] == [SERVICE, FRESH]
        clock.now += 61
        assert decide(ASK).source == SERVICE
        assert len(service.asked) == 2
    clock.now += 61
    stale = decide(ASK)
    assert (stale.source, stale.decision.obligations[0].type) == (STALE, "cap_max_tokens")
    assert decide(Ask("another")).source == DEFAULT
    clock.now += 100
    gone = decide(ASK)
    assert (gone.source, gone.decision.verdict) == (DEFAULT, "allow")


@pytest.mark.slow
@pytest.mark.parametrize("what", WORST)
def test_whatever_the_service_does_there_is_an_answer(made: Callable[..., Decide], what: str) -> None:
    with serving(Service(WORST[what])) as service:
        decide = made(
            Settings(service.url, TOKEN, ask_within=0.02, breaker_after=2, breaker_over=0.0, breaker_pause=30.0)
        )
        outcomes = [decide(ASK) for _ in range(4)]
    assert {(one.source, one.decision.verdict) for one in outcomes} == {(DEFAULT, "allow")}
    assert outcomes[-1].why == "service dead"  # it is not asked any more
    assert 1 <= len(service.asked) <= 4


def test_nobody_there_and_a_connection_that_hangs(made: Callable[..., Decide]) -> None:
    with deaf() as url:
        assert made(Settings(url, TOKEN))(ASK).why == "too late"
    with serving(Service()) as service:
        pass
    assert made(patient(service.url))(ASK).why == "unreachable"
    assert made(patient("http://no-such-host.invalid"))(ASK).why == "unreachable"


def test_a_service_that_speaks_no_tls(made: Callable[..., Decide]) -> None:
    for script in (WORST["garbage"], [5.0]):
        with serving(Service(script)) as service:  # type: ignore[arg-type]
            outcome = made(Settings(service.url.replace("http:", "https:"), TOKEN))(ASK)
            assert (outcome.source, outcome.why in ("unreachable", "too late")) == (DEFAULT, True)


def test_a_name_with_an_address_where_nobody_listens(
    made: Callable[..., Decide], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name often stands for ::1 and 127.0.0.1, and the service for one of them."""
    with serving(Service([*WHOLE_AND_CLOSED])) as service:
        found = [(0, 0, 0, "", (address, service.port)) for address in ("127.0.0.2", LOOPBACK)]
        real = socket.getaddrinfo
        monkeypatch.setattr(
            "socket.getaddrinfo", lambda name, *a, **b: found if name == "service.example" else real(name, *a, **b)
        )
        for _ in range(3):
            decide = made(patient(service.url.replace(LOOPBACK, "service.example")))
            assert {decide(Ask("acme")).source for _ in range(10)} == {SERVICE}


def test_a_service_under_tls_is_checked(made: Callable[..., Decide], certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serving(Service(), context=context) as service:
        url = service.url.replace("http:", "https:")
        decide = made(patient(url, ca_file=str(certificate[0])))
        assert [decide(ASK).source for _ in range(3)] == [SERVICE] * 3
        assert service.connections == 1
        assert made(patient(url))(ASK).why == "unreachable"
        named = patient(url.replace(LOOPBACK, "localhost"), ca_file=str(certificate[0]))
        client = Client(named)
        assert client._names.wait(10)
        assert client.decide(ASK).why == "unreachable"  # the name is not the certificate's
        assert len(service.asked) == 3


def test_a_route_may_be_closed(made: Callable[..., Decide]) -> None:
    with serving(Service(WORST["broken"])) as service:
        decide = made(patient(service.url, fail_closed=frozenset({"agents"})))
        shut = decide(Ask("acme", operation="agents"))
        assert (shut.decision.verdict, shut.unavailable) == ("deny", True)
        assert decide(ASK).decision.verdict == "allow"


def test_nobody_named_is_not_asked_about(made: Callable[..., Decide]) -> None:
    with serving(Service(CAP)) as service:
        decide = made(patient(service.url))
        for ask in (Ask(), Ask("a" * (LONGEST_NAME + 1)), Ask("a\x00b"), Ask("\ud800")):
            assert decide(ask).why == "nobody is named"
        assert not service.asked


def test_a_question_that_is_refused_as_it_is_does_not_count_as_a_dead_service(made: Callable[..., Decide]) -> None:
    with serving(Service([answer(b"{}", "400 Bad Request")])) as service:
        decide = made(patient(service.url))
        assert {decide(ASK).why for _ in range(20)} == {"question refused"}


def test_a_connection_that_was_closed_meanwhile_is_made_anew(made: Callable[..., Decide]) -> None:
    with serving(Service()) as service:
        decide = made(patient(service.url))
        assert decide(ASK).source == SERVICE
    with serving(Service(), service.port) as again:
        assert decide(ASK).source == SERVICE
        assert again.connections == 1


def test_a_service_that_comes_back_is_asked_again(made: Callable[..., Decide]) -> None:
    clock = Hands()
    with serving(Service(WORST["broken"])) as service:
        decide = made(patient(service.url, breaker_after=2, breaker_over=0.0, breaker_pause=1.0), clock=clock)
        assert [decide(ASK).why for _ in range(4)] == ["service refused"] * 2 + ["service dead"] * 2
        clock.now += 1.01
        assert [decide(ASK).why for _ in range(2)] == ["service refused", "service dead"]
        clock.now += 1.01
        assert decide(ASK).why == "service dead"  # the pause has doubled
        service.script = dict(ALLOW)
        clock.now += 1.0
        assert [decide(ASK).source for _ in range(3)] == [SERVICE] * 3


def test_many_threads_ask_at_once() -> None:
    with serving(Service()) as service:
        client = Client(patient(service.url, connections=4))
        threads = [threading.Thread(target=lambda: [client.decide(ASK) for _ in range(50)]) for _ in range(12)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert client.counters.told() == {"asked": 600, "from service": 600}
        assert service.connections <= 4


def test_many_tasks_ask_at_once() -> None:
    async def run(client: AsyncClient) -> list[Outcome]:
        return await asyncio.gather(*(client.decide(ASK) for _ in range(300)))

    with serving(Service()) as service:
        client = AsyncClient(patient(service.url, connections=4))
        for _ in range(2):  # a loop each
            assert {one.source for one in asyncio.run(run(client))} == {SERVICE}
        assert service.connections <= 8


def test_a_deadline_that_is_over_before_the_first_byte_asks_nobody() -> None:
    ticks = itertools.count()
    with serving(Service()) as service:
        client = Client(Settings(service.url, TOKEN), clock=lambda: float(next(ticks)))
        assert client.decide(ASK).why in ("too late", "too busy")
        assert not service.asked


def test_a_flood_of_strangers_does_not_push_out_whom_something_binds() -> None:
    cache = Cache(100, 300, 300)
    cache.put("a:bound", parsed(json.dumps(CAP).encode()), 0)
    for place in range(1000):
        cache.put(f"k:{place}", parsed(json.dumps({**ALLOW, "ttl_s": 60}).encode()), 0)
    assert len(cache) == 101
    assert cache.get("a:bound", 1) is not None
    cache.put("a:bound", parsed(json.dumps({**ALLOW, "ttl_s": 60}).encode()), 2)
    assert cache.get("a:bound", 3).verdict == "allow"  # type: ignore[union-attr]


@given(st.lists(st.sampled_from(["works", "fails", "waits"]), max_size=60))
def test_a_breaker_lets_one_through_a_pause_while_it_is_open(events: list[str]) -> None:
    breaker, now = Breaker(3, 0.5, 1.0, 8.0), 0.0
    for event in events:
        now += 0.3 if event == "waits" else 0.0
        if not breaker.lets(now):
            assert breaker.is_open
            continue
        assert not breaker.is_open or not breaker.lets(now)
        breaker.worked() if event == "works" else breaker.failed(now)
    breaker.lets(now + 8.1)
    breaker.worked()
    assert breaker.lets(now + 8.1) and not breaker.is_open


def test_what_was_under_way_when_the_breaker_opened_does_not_make_its_pause_longer() -> None:
    breaker = Breaker(2, 0.0, 1.0, 30.0)
    assert all([breaker.lets(0.0) for _ in range(40)])
    for _ in range(40):
        breaker.failed(0.01)
    assert [breaker.lets(1.0), breaker.lets(1.02), breaker.lets(1.03)] == [False, True, False]
    breaker.failed(1.04)
    assert [breaker.lets(3.0), breaker.lets(3.05)] == [False, True]


def test_a_burst_that_comes_too_late_at_one_moment_does_not_open_the_breaker() -> None:
    breaker = Breaker(5, 0.1, 1.0, 30.0)
    for _ in range(300):
        breaker.failed(1.0)
    assert breaker.lets(1.0)
    breaker.worked()
    for place in range(10):
        breaker.failed(2.0 + place * 0.01)
        assert breaker.lets(2.0 + place * 0.01)
    breaker.failed(2.11)
    assert not breaker.lets(2.11)


def test_what_is_remembered_ends_when_its_actions_end_and_a_budget_is_not_used_up_for_ever() -> None:
    cache = Cache(10, 300.0, 300.0)
    cache.put("a", read(decision({"type": "hold"}, verdict="deny", ttl_s=0, ends_s=40)), 0.0)
    limit = {"type": "rate_limit", "requests_per_minute": 6}
    cache.put("b", read(decision(limit, verdict="deny", ttl_s=0, ends_s=4000, retry_after_s=7)), 0.0)
    assert cache.get("a", 39.0, stale=True) is not None and cache.get("a", 40.0, stale=True) is None
    held = cache.get("b", 299.0, stale=True)
    assert held is not None and held.verdict == "modify" and held.obligation("rate_limit") is not None
    assert cache.get("b", 300.0, stale=True) is None


def test_settings_of_obligations_are_not_cut_to_another_meaning() -> None:
    """A limit beyond any number of ours is none; a model's name is told whole, or not at all."""
    large = read(decision({"type": "rate_limit", "tokens_per_minute": 10**18}))
    assert large.obligations[0].number("tokens_per_minute") == 2**31 - 1
    assert read(decision({"type": "fallback_model", "to": "m" * 900})).obligations[0].word("to") == "m" * 900
    for name in ("m" * 2000, "small\n", ""):
        with pytest.raises(Garbage):
            read(decision({"type": "fallback_model", "to": name}))


TEXT = st.text(st.characters(), max_size=2000)


@given(TEXT, TEXT, TEXT, TEXT, st.integers())
def test_no_customer_can_make_a_question_that_is_not_plain(user: str, model: str, ip: str, way: str, many: int) -> None:
    raw = Ask("acme", "key", user, model, way, ip, many, "r").body()
    said = json.loads(raw.decode())
    assert len(raw) < 8192 and said["account_id"] == "acme" and 0 <= said["estimated_tokens"] < 2**31
    for value in said.values():
        assert not isinstance(value, str) or not any(ord(letter) < 32 for letter in value)


def test_the_longest_names_of_any_letters_fit_the_service() -> None:
    """With longer questions whoever has such a name would be told nothing: 413, and the default."""
    for letter in ("\U0001f600", '"', "\\", "é"):
        held = Ask(letter * 1024, letter * 1024, letter * 999, letter * 999, letter * 999, "", 1, letter * 999)
        assert question(held.body()).account_id == letter * 1024


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda held: st.lists(held, max_size=4) | st.dictionaries(st.sampled_from([*ALLOW, "type", "max_tokens"]), held),
    max_leaves=20,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(JSON, st.sampled_from([*ALLOW, "obligations", "notice", "appeal_url"]))
def test_an_answer_is_read_or_garbage(value: object, name: str) -> None:
    try:
        held = parsed(json.dumps({**CAP, name: value}).encode())
    except Garbage:
        return
    assert held.verdict in ("allow", "warn", "modify", "deny", "escalate") and held.ttl >= 0
    for text in (held.decision_id, held.notice, held.appeal_url):
        assert isinstance(text, str) and "\n" not in text


@given(st.lists(st.integers(1, 400), max_size=30))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(sizes: list[int]) -> None:
    body = json.dumps(CAP).encode()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    for raw, wanted in ((WHOLE, json.dumps(ALLOW).encode()), (b"HTTP/1.1 100 Continue\r\n\r\n" + chunked, body)):
        reading, rest = Reading(), raw
        for size in [*sizes, len(raw)]:
            if rest:
                reading.feed(rest[:size])
                rest = rest[size:]
        assert (reading.done, reading.status, reading.body, reading.keeps) == (True, 200, wanted, True)


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_any_bytes_are_an_answer_or_garbage(noise: bytes, place: int) -> None:
    for raw in (
        noise,
        WHOLE[:place] + noise + WHOLE[place:],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + noise,
    ):
        reading = Reading()
        try:
            reading.feed(raw or b"x")
        except Garbage:
            continue
        assert not reading.done or len(reading.body) <= len(raw)


def test_settings_say_what_is_wrong_and_keep_the_token_to_themselves(tmp_path: object) -> None:
    for url in ("ftp://host", "http://", "http://u:p@host", "http://host?x=1", "http://hést"):
        with pytest.raises(ValueError, match="address"):
            Settings(url, TOKEN)
    for token in ("", "a\r\nx: y", "a b", "ü"):
        with pytest.raises(ValueError, match="token"):
            Settings(f"http://{LOOPBACK}", token)
    with pytest.raises(ValueError, match="within"):
        Settings(f"http://{LOOPBACK}", TOKEN, within=0.01)
    held = from_environment(
        {"STILLWATCH_URL": "https://s/base/", "STILLWATCH_TOKEN": TOKEN, "STILLWATCH_FAIL_CLOSED": "agents, /v1/x"}
    )
    assert (held.path, held.port, TOKEN in repr(held)) == ("/base/v1/decisions", 443, False)
    assert (held.within, held.ask_within) == (0.025, 0.01)
    far = {"STILLWATCH_URL": "https://s", "STILLWATCH_TOKEN": TOKEN, "STILLWATCH_WITHIN_MS": "150"}
    assert from_environment(far).ask_within == pytest.approx(0.06)
    for wrong in ("0", "-1", "1e3", "99999", "²", "25 "):
        with pytest.raises(ValueError, match="STILLWATCH_WITHIN_MS"):
            from_environment({**far, "STILLWATCH_WITHIN_MS": wrong})
    assert held.closed("agents") and held.closed("chat", "/v1/x/y") and not held.closed("chat", "/v2/x")
