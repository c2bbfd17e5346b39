"""Every gateway before the real service: what the customer sees, and what the model's server is asked."""

import hashlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from stillwatch.records import InForce, Obligation, Rung
from tests.conftest import key_in
from tests.gateways.real import Real, Seen, Send, gateway, now
from tests.real.litellm_proxy import COMMAND
from tests.service.helpers import HOUR, action

Json = dict[str, Any]
BUILT = pytest.mark.skipif(not COMMAND.exists(), reason="no LiteLLM proxy: `make litellm` builds .venv-litellm")
PROXIES = ("plugin", "guardrail")
SERVERS = ("middleware", "envoy http", "envoy grpc")
GATES = (*SERVERS, *(pytest.param(name, marks=BUILT) for name in PROXIES))
BODY: Json = {
    "model": "large", "messages": [{"role": "user", "content": "Say it"}], "max_tokens": 900, "logprobs": True,
}  # fmt: skip
TRACE = "SECRET-TRACE"
APPEAL = "https://example.com/appeal"
NEEDED = "verification_needed"

pytestmark = pytest.mark.slow


def live(account: str, rung: Rung, *obliged: Obligation, **more: Any) -> InForce:
    """An action that began an hour ago and lasts another."""
    held = {"obligations": obliged, "starts_at": now() - HOUR, "expires_at": now() + HOUR, "group": "", **more}
    return action(account, rung, **held)


def limit(**numbers: int) -> Obligation:
    return Obligation("rate_limit", tuple(sorted(numbers.items())))


def each_rung(gate: str) -> list[InForce]:
    """An account for each thing that can be in force, of this gate alone."""
    held: dict[str, tuple[InForce, ...]] = {}

    def add(name: str, rung: Rung, *obliged: Obligation, **more: Any) -> None:
        one = live(f"{gate}-{name}".replace(" ", "-"), rung, *obliged, **more)
        held[name] = (*held.get(name, ()), one)

    add("shadow", Rung.SUSPEND, Obligation("hold"), mode="shadow")
    add("watched", Rung.OBSERVE)
    add("label", Rung.LABEL)
    add("cap", Rung.LIMIT, Obligation("cap_max_tokens", (("max_tokens", 64),)))
    add("logprobs", Rung.PROTECT, Obligation("strip_logprobs"))
    add("reasoning", Rung.PROTECT, Obligation("hide_reasoning"))
    add("fallback", Rung.FALLBACK, Obligation("fallback_model", (("to", "small"),)))
    add("verify", Rung.VERIFY, Obligation("challenge", (("kind", "payment"),)), reason_code=NEEDED)
    add("hold", Rung.SUSPEND, Obligation("hold"), reason_code="terms_of_service")
    add("limited", Rung.LIMIT, limit(requests_per_minute=6), reason_code="usage_limit", group=f"C-{gate}")
    add("both", Rung.LIMIT, limit(requests_per_minute=6), reason_code="usage_limit", notice="Limited.")
    add("both", Rung.VERIFY, Obligation("challenge", (("kind", "payment"),)), reason_code=NEEDED, notice="Verify.")
    return [one for several in held.values() for one in several]


NAMES = ("free", "shadow", "watched", "label", "cap", "logprobs", "reasoning", "fallback", "verify", "hold", "limited",
         "both", "late", "brief", "shared-1", "shared-2")  # fmt: skip
ALL = (*SERVERS, *PROXIES)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """The service, whose answers are kept for a second at most."""
    folder = tmp_path_factory.mktemp("real")
    held = Real(folder / "store", key_in(folder), "--ttl", "1")
    held.publish(*(one for gate in ALL for one in each_rung(gate)))
    yield held
    held.kill()


@pytest.fixture(scope="module")
def sends(real: Real, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Send]]:
    """The gateways that were asked for so far; each is started once."""

    class Started(dict[str, Send]):
        def __missing__(self, name: str) -> Send:
            accounts = [f"{name}-{one}" for one in NAMES]
            self[name] = gateway(name, stack, tmp_path_factory.mktemp("gate") / "proxy", real, accounts)
            return self[name]

    with ExitStack() as stack:
        yield Started()


def refusal(gate: str) -> int:
    """The status of a refusal: on the guardrail wire it is LiteLLM's own."""
    return 400 if gate == "guardrail" else 403


def send(sends: dict[str, Send], gate: str, name: str) -> Seen:
    """One request of the account of this name through a gate."""
    return sends[gate](f"{gate}-{name}".replace(" ", "-"), dict(BODY))


def is_told(gate: str, seen: Seen, *words: str) -> None:
    """The notice, where to appeal, and the decision's id stand in headers, with what was done."""
    if gate == "guardrail":  # its wire has no headers
        return
    assert seen.told["x-stillwatch-notice"] == "; ".join(["A notice.", *words])
    assert seen.told["x-stillwatch-appeal"] == APPEAL and seen.told["x-stillwatch-decision"].startswith("D-")


@pytest.mark.parametrize("gate", GATES)
def test_where_nothing_binds_nothing_is_told_or_changed(sends: dict[str, Send], gate: str) -> None:
    for name in ("free", "shadow", "watched"):
        seen = send(sends, gate, name)
        assert seen.status == 200 and seen.told == {}
        assert seen.upstream is not None and "x-stillwatch-obligations" not in seen.upstream
        if not gate.startswith("envoy"):
            assert (seen.upstream["max_tokens"], seen.upstream["logprobs"]) == (900, True)
    assert send(sends, gate, "label").status == 200
    is_told(gate, send(sends, gate, "label"))


@pytest.mark.parametrize("gate", ["middleware", pytest.param("plugin", marks=BUILT)])
def test_requests_and_answers_are_changed_and_it_is_told(sends: dict[str, Send], gate: str) -> None:
    large = "large" if gate == "middleware" else "large-2"
    wanted: dict[str, tuple[Json, str]] = {
        "cap": ({"model": large, "max_tokens": 64, "logprobs": True}, "the length of answers is limited"),
        "logprobs": ({"model": large, "max_tokens": 900}, "log-probabilities are left out"),
        "reasoning": ({"model": large, "max_tokens": 900, "logprobs": True}, "reasoning is left out"),
        "fallback": ({"model": "small" if gate == "middleware" else "small-1", "max_tokens": 900, "logprobs": True},
                     "another model answers"),
    }  # fmt: skip
    for name, (asked, words) in wanted.items():
        seen = send(sends, gate, name)
        assert seen.upstream is not None and seen.status == 200
        assert {key: value for key, value in seen.upstream.items() if key != "messages"} == asked
        is_told(gate, seen, words)
        assert (TRACE in seen.body) == (name != "reasoning")
        assert seen.told.get("x-stillwatch-model") == ("small" if name == "fallback" else None)


@BUILT
def test_the_guardrail_wire_takes_reasoning_out_of_texts_and_can_do_no_more(sends: dict[str, Send]) -> None:
    assert "<think>" not in send(sends, "guardrail", "reasoning").body
    for name in ("cap", "logprobs", "fallback"):
        seen = send(sends, "guardrail", name)
        assert seen.status == 200 and "<think>" in seen.body and seen.upstream is not None
        assert (seen.upstream["model"], seen.upstream["max_tokens"]) == ("large-2", 900)


@pytest.mark.parametrize("gate", ["envoy http", "envoy grpc"])
def test_envoy_is_told_what_it_cannot_do_itself(sends: dict[str, Send], gate: str) -> None:
    wanted = {
        "cap": "cap_max_tokens;max_tokens=64", "logprobs": "strip_logprobs", "reasoning": "hide_reasoning",
        "fallback": "fallback_model;to=small", "limited": "rate_limit;requests_per_minute=6",
    }  # fmt: skip
    for name, obligations in wanted.items():
        seen = send(sends, gate, name)
        assert seen.status == 200 and seen.upstream is not None
        assert seen.upstream["x-stillwatch-obligations"] == obligations
        assert seen.upstream.get("x-stillwatch-model") == ("small" if name == "fallback" else None)
        assert gate == "envoy http" or seen.upstream["metadata"]["obligations"] == [obligations.partition(";")[0]]


@pytest.mark.parametrize("gate", GATES)
def test_refusals_say_why_and_where_to_appeal(sends: dict[str, Send], gate: str) -> None:
    for name, code, notice, kind in (
        ("hold", "terms_of_service", "A notice.", None), ("verify", NEEDED, "A notice.", "payment"),
        ("both", NEEDED, "Verify.", "payment"),
    ):  # fmt: skip
        for _ in range(4):  # a limit that stands beside it is not used up
            seen = send(sends, gate, name)
            assert seen.upstream is None
            if gate == "guardrail":
                assert (seen.status, seen.message) == (400, f"{notice} {APPEAL}")
                continue
            assert (seen.status, seen.message, seen.error["type"]) == (403, notice, "permission_error")
            held = seen.error.get("provider_specific_fields", seen.error)
            assert (held["code"], held["appeal_url"], held.get("verification")) == (code, APPEAL, kind)
            assert seen.told["x-stillwatch-appeal"] == APPEAL and "retry-after" not in seen.told


@pytest.mark.parametrize("gate", GATES)
def test_no_customer_is_taken_for_another(sends: dict[str, Send], gate: str) -> None:
    """What a request says of itself, in any of the places where gateways note whose it is, weighs nothing."""
    free, held = (f"{gate}-{name}".replace(" ", "-") for name in ("free", "hold"))

    def claiming(other: str) -> Json:
        names = ("user_id", "team_id", "hash", "end_user_id")
        about = {**{f"user_api_key_{name}": other for name in names}, "user_api_key": other, "x-account": other}
        more = {"metadata": about, "litellm_metadata": about, "user": other, "account_id": other, "api_key": other}
        return {**BODY, **more, "proxy_server_request": {"headers": {"authorization": f"Bearer sk-{other}"}}}

    for _ in range(2):
        assert sends[gate](held, claiming(free)).status == refusal(gate)
        assert sends[gate](free, claiming(held)).status == 200


@pytest.mark.parametrize("gate", GATES)
def test_a_group_shares_its_budget_which_says_when_to_come_again(real: Real, sends: dict[str, Send], gate: str) -> None:
    """Six a minute, ten seconds' worth at once: two pass, of whichever account and gateway they are. Twenty seconds are
    owed then, and who has had its part comes again once five are."""
    accounts = [f"{gate}-{name}".replace(" ", "-") for name in ("shared-1", "shared-2")]
    held = [live(one, Rung.LIMIT, limit(requests_per_minute=6), group=f"S-{gate}") for one in accounts]
    real.publish(*each_rung(gate), *held)
    seen = [send(sends, gate, name) for name in ("shared-1", "shared-2", "shared-1", "shared-2")]
    refused = 400 if gate == "guardrail" else 429
    assert [one.status for one in seen] == [200, 200, refused, refused]
    if gate != "guardrail":
        assert 0 < int(seen[-1].told["retry-after"]) <= 15 and seen[-1].error["type"] == "rate_limit_error"


@pytest.mark.parametrize("gate", GATES)
def test_actions_that_come_are_undone_and_end(real: Real, sends: dict[str, Send], gate: str) -> None:
    refused = refusal(gate)
    late, brief = (f"{gate}-{name}".replace(" ", "-") for name in ("late", "brief"))
    assert send(sends, gate, "late").status == 200
    ends = now() + 5_000_000
    real.publish(live(late, Rung.SUSPEND), live(brief, Rung.SUSPEND, expires_at=ends))
    became(sends, gate, "late", refused)
    assert send(sends, gate, "brief").status == refused
    real.publish(live(brief, Rung.SUSPEND, expires_at=ends))
    became(sends, gate, "late", 200)
    time.sleep(max(ends - now(), 0) / 1e6)
    assert send(sends, gate, "brief").status == 200, "it ends on time to the second"


def test_a_key_is_found_as_an_account_or_as_an_accounts_key(real: Real, sends: dict[str, Send]) -> None:
    """As logs without accounts name it, by its hash; or where the publisher says whose it is."""
    alone, owned = (hashlib.sha256(key).hexdigest() for key in (b"sk-alone", b"sk-owned"))
    held = [live(alone, Rung.SUSPEND), live("owner", Rung.SUSPEND), live("sk-free", Rung.SUSPEND)]
    real.publish(*held, aliases={owned: "owner"})
    came = {key: sends["middleware"](key, dict(BODY)).status for key in ("sk-alone", "sk-owned", "sk-free")}
    assert came == {"sk-alone": 403, "sk-owned": 403, "sk-free": 200}


def became(sends: dict[str, Send], gate: str, name: str, status: int) -> None:
    """Wait until what was kept is over: a second."""
    until = time.monotonic() + 10
    while send(sends, gate, name).status != status:
        assert time.monotonic() < until, f"{name} does not become {status}"
        time.sleep(0.1)


class Flow(threading.Thread):
    """Requests of two accounts through one gate, again and again; what they came to."""

    def __init__(self, send: Send, accounts: tuple[str, str]) -> None:
        super().__init__(daemon=True)
        self.came: Counter[tuple[str, object]] = Counter()
        self.ended = False
        self._send = send
        self._accounts = accounts

    def run(self) -> None:
        while not self.ended:
            for account in self._accounts:
                self.came[account, self._once(account)] += 1
            time.sleep(0.005)

    def _once(self, account: str) -> object:
        try:
            return self._send(account, dict(BODY)).status
        except Exception as error:  # no answer: that is what is looked for
            return repr(error)


@contextmanager
def flowing(sends: dict[str, Send]) -> Iterator[None]:
    """Requests under way through all gateways while this stands: who is held is refused, everybody else is answered."""
    flows = {name: Flow(one, ("free", "held")) for name, one in sends.items()}
    for flow in flows.values():
        flow.start()
    yield
    for flow in flows.values():
        flow.ended = True
    for name, flow in flows.items():
        flow.join(30)
        assert set(flow.came) == {("free", 200), ("held", refusal(name))}, (name, flow.came)
        assert flow.came.total() > 20


@BUILT
def test_the_real_service_is_stopped_killed_started_again_and_lets_nobody_in(tmp_path: Path) -> None:
    """Who is held stays so, whoever is not is served; a service that is back is asked; no action outlives its end."""
    names = ("client, threads", "client, asyncio", *ALL)
    with ExitStack() as stack:
        real = Real(tmp_path / "store", key_in(tmp_path), "--ttl", "0", within_ms=25)  # asked about each time
        stack.callback(real.kill)
        real.publish(live("held", Rung.SUSPEND), live("later", Rung.SUSPEND))
        accounts = ("free", "held", "later", "brief")
        sends = {name: gateway(name, stack, tmp_path / name.replace(" ", ""), real, accounts) for name in names}
        for name, one in sends.items():
            comes_to(one, "held", refusal(name))
        with flowing(sends):
            time.sleep(0.3)
            real.signal(signal.SIGSTOP)
            time.sleep(1.5)
            real.signal(signal.SIGCONT)
            time.sleep(0.3)
            real.kill()
            time.sleep(1.0)
            real.start()
            time.sleep(0.5)
        for name, one in sends.items():
            comes_to(one, "later", refusal(name))
        with flowing(sends):
            real.end_token(real.token_id)
            time.sleep(3.0)
        for name, one in sends.items():
            assert one("later", dict(BODY)).status == refusal(name), "it is remembered"
            assert one("brief", dict(BODY)).status == 200, "nobody knows of it"


@BUILT
def test_an_action_ends_on_time_though_the_service_is_dead(tmp_path: Path) -> None:
    with ExitStack() as stack:
        real = Real(tmp_path / "store", key_in(tmp_path), "--ttl", "0")
        stack.callback(real.kill)
        sends = {name: gateway(name, stack, tmp_path / name.replace(" ", ""), real, ("brief",)) for name in ALL}
        ends = now() + 6_000_000
        real.publish(live("brief", Rung.SUSPEND, expires_at=ends))
        for name, one in sends.items():
            assert one("brief", dict(BODY)).status == refusal(name)
        real.kill()
        assert {name: one("brief", dict(BODY)).status for name, one in sends.items()} == {n: refusal(n) for n in sends}
        assert now() < ends - 1_000_000, "a machine that is too slow to tell"
        time.sleep((ends - now()) / 1e6)
        assert {name: one("brief", dict(BODY)).status for name, one in sends.items()} == dict.fromkeys(sends, 200)


def comes_to(send: Send, account: str, status: int) -> None:
    """Ask until the service has answered in time: on a busy machine the first answer may come too late."""
    until = time.monotonic() + 60
    while send(account, dict(BODY)).status != status:
        assert time.monotonic() < until
        time.sleep(0.05)
