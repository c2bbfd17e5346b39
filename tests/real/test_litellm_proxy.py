"""A running LiteLLM proxy logs to us: what arrives is what was sent."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillwatch.cli import run
from stillwatch.tables import SKETCHED
from tests.real.calls import CALLS, LEFT, Call
from tests.real.litellm_proxy import COMMAND, POST_EVERY, Answer, Proxy, running
from tests.real.peers import Provider, Sink, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMMAND.exists(), reason="no LiteLLM proxy: `make litellm` builds .venv-litellm"),
]

KEYS: Mapping[str, Mapping[str, str]] = {
    "sk-alice": {"user_id": "alice", "team_id": "team-1"},
    "sk-bob": {"user_id": "bob"},
    "sk-team": {"team_id": "team-2", "org_id": "org-3"},
    "sk-nobody": {},
}
ADDRESSES = {"sk-alice": "203.0.113.7", "sk-bob": "198.51.100.9", "sk-team": "2001:db8::5", "sk-nobody": "192.0.2.1"}
OWN_WORDS = {"asked_at", "finished_at", "conversation_id", "row_hash"}
"""Columns that the proxy makes up: checked apart from the others."""
SAMPLED_COLUMNS = {"stems", "pairs"}
"""Columns that a store keeps of a sample of an account's day: the least row hashes, which hang on its other rows."""

WORDS = {
    "turns", "text_words", "exact", "skeleton", "head", "tail", "minhash", "simhash", "fillers", "segments",
    "segment_roles", "segment_words", "segment_tags",
}  # fmt: skip
"""Columns that are made of the words of a request."""

DUE = sum(call.attempts for call in CALLS) + 1
"""Payloads that the calls make, with the one that is left."""


@dataclass(frozen=True)
class Sent:
    """One call as it went: when, what came back."""

    call: Call
    answer: Answer
    began: float
    ended: float

    @property
    def exchange_id(self) -> str:
        return self.answer.headers["x-litellm-call-id"]


@dataclass(frozen=True)
class Logged:
    """What went to the proxy, what it logged, and the file of the bytes."""

    sent: list[Sent]
    left: Sent
    payloads: list[dict[str, Any]]
    file: Path


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def account(key: str) -> str:
    owner = KEYS[key]
    return owner.get("user_id") or owner.get("team_id") or hashed(key)


def settings(up: str, down: str, log_format: str, **more: Any) -> dict[str, Any]:
    """The proxy's config file: a model of each kind at the provider, and the `generic_api` callback to the sink."""
    models = {
        "large": "openai/large-2", "frail": "openai/frail-1", "thinker": "openai/gpt-5-mini",
        "embedder": "openai/emb-1", "claude": "anthropic/claude-x-1",
    }  # fmt: skip
    callback = {"callback_type": "generic_api", "endpoint": down, "headers": {}, "log_format": log_format}
    guard = {"guardrail": "litellm_content_filter", "mode": "pre_call", "default_on": True,
             "blocked_words": [{"keyword": "forbiddenword", "action": "BLOCK"}]}  # fmt: skip
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {
                "model": to, "api_key": "sk-up", "api_base": up if to.startswith("anthropic") else f"{up}/v1"}}
            for name, to in models.items()
        ],
        "litellm_settings": {
            "callback_settings": {"stillwatch": callback}, "callbacks": ["stillwatch"], "num_retries": 0,
            "cache": True, "cache_params": {"type": "local", "mode": "default_off"}, **more,
        },
        "general_settings": {"custom_auth": "keyring.told", "use_x_forwarded_for": True},
        "router_settings": {"num_retries": 0, "fallbacks": [{"frail": ["large"]}]},
        "guardrails": [{"guardrail_name": "words", "litellm_params": guard}],
    }  # fmt: skip


@contextmanager
def started(folder: Path, log_format: str, **more: Any) -> Iterator[tuple[Proxy, Provider, Sink]]:
    provider, sink = Provider(), Sink()
    with ExitStack() as stack:
        up, down = stack.enter_context(served(provider)), stack.enter_context(served(sink))
        yield stack.enter_context(running(folder, settings(up, down, log_format, **more), KEYS)), provider, sink


def send(proxy: Proxy, provider: Provider, call: Call, *, leave: bool = False) -> Sent:
    provider.answers[:] = call.answers
    headers = {"authorization": f"Bearer {call.key}", "x-forwarded-for": ADDRESSES[call.key], "user-agent": "probe/1.0"}
    began = time.time()
    answer = (proxy.leave if leave else proxy.ask)(call.path, call.body, headers)
    assert not provider.answers, f"{call.name}: the proxy did not ask the provider"
    return Sent(call, answer, began, time.time())


def payloads(sink: Sink) -> list[dict[str, Any]]:
    held = [json.loads(line) for line in sink.lines()]
    return [one for item in held for one in (item if isinstance(item, list) else [item])]


def arrived(sink: Sink, count: int) -> list[dict[str, Any]]:
    """The payloads, when as many have come as are due, or two posts were made without them."""
    until = time.monotonic() + 2 * POST_EVERY + 2
    while len(payloads(sink)) < count and time.monotonic() < until:
        time.sleep(0.05)
    return payloads(sink)


def through(folder: Path, log_format: str, **more: Any) -> Logged:
    """All calls through a proxy. LiteLLM loses what it logs while it posts: so calls begin just after a post, and where
    one is lost all the same the proxy gets another chance."""
    for attempt in range(3):
        place = folder / f"proxy-{attempt}"
        place.mkdir()
        with started(place, log_format, **more) as (proxy, provider, sink):
            send(proxy, provider, CALLS[0])
            arrived(sink, 1)
            sink.bodies.clear()
            sent = [send(proxy, provider, call) for call in CALLS]
            left = send(proxy, provider, LEFT, leave=True)
            held = arrived(sink, DUE)
            (place / "litellm.ndjson").write_bytes(b"\n".join(sink.lines()))
        if len(held) == DUE:
            break
    assert len(held) == DUE, f"{len(held)} payloads of {DUE} in each of three runs"
    return Logged(sent, left, held, place / "litellm.ndjson")


def stored(folder: Path, source: Path, name: str, format: str) -> dict[str, dict[str, Any]]:
    """Rows of a store made of one file, by their exchange_id; all stores of a test have one key."""
    key = folder / "key"
    key.touch(0o600)
    key.write_bytes(bytes(range(32)))
    line = ["ingest", str(source), "--store", str(folder / name), "--format", format, "--key-file", str(key)]
    assert run(line) == 0
    assert not list((folder / name / "quarantine").rglob("*.parquet"))
    rows = [row for file in (folder / name / "exchanges").rglob("*.parquet") for row in pq.read_table(file).to_pylist()]
    return {row["exchange_id"]: row for row in rows}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    return through(tmp_path_factory.mktemp("proxy"), "ndjson")


def canonical(sent: Sent) -> dict[str, Any]:
    """The row of the contract that a call means."""
    owner = KEYS[sent.call.key]
    own = {
        "exchange_id": sent.exchange_id, "asked_at": sent.began, "account_id": account(sent.call.key),
        "project_id": owner.get("team_id"), "org_id": owner.get("org_id"), "api_key_id": hashed(sent.call.key),
        "client_ip": ADDRESSES[sent.call.key], "user_agent": "probe/1.0",
    }  # fmt: skip
    return {name: value for name, value in {**own, **sent.call.means}.items() if value is not None}


def meant(sent: list[Sent], payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that calls mean, each named after its last attempt: attempts share the call's id, which its caller may
    choose."""
    began = {
        held["litellm_call_id"]: held["startTime"] for held in sorted(payloads, key=lambda held: held["startTime"])
    }
    rows = [canonical(one) for one in sent]
    for row in rows:
        row["exchange_id"] += f"@{began[row['exchange_id']]}"
    return rows


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A file of rows of the contract."""
    file = folder / "means.jsonl"
    held = [{name: value for name, value in row.items() if value is not None} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in held))
    return file


def test_every_call_is_the_exchange_that_it_means(logged: Logged, tmp_path: Path) -> None:
    rows = meant(logged.sent, logged.payloads)
    wanted = stored(tmp_path, written(tmp_path, rows), "wanted", "canonical")
    found = stored(tmp_path, logged.file, "auto", "auto")
    assert found == stored(tmp_path, logged.file, "named", "litellm")
    wrong = {}
    for row, sent in zip(rows, logged.sent, strict=True):
        here, there = found.get(row["exchange_id"]), wanted[row["exchange_id"]]
        if here is None:
            wrong[sent.call.name] = "not found"
            continue
        free = OWN_WORDS | {name for name, value in sent.call.means.items() if value is None}
        free |= {name for name in SAMPLED_COLUMNS if here[name] is None or there[name] is None}
        differs = {name: (there[name], here[name]) for name in SKETCHED.names if there[name] != here[name]}
        if told := {name: pair for name, pair in differs.items() if name not in free}:
            wrong[sent.call.name] = told
        assert sent.began - 1 <= here["asked_at"].timestamp() <= here["finished_at"].timestamp() <= sent.ended + 1
    assert not wrong, json.dumps(wrong, indent=1, default=str)
    assert len(found) == DUE


def test_a_failed_attempt_does_not_hide_the_answer_of_the_fallback(logged: Logged, tmp_path: Path) -> None:
    sent = next(sent for sent in logged.sent if sent.call.attempts == 2)
    found = stored(tmp_path, logged.file, "auto", "auto")
    attempts = [row for name, row in found.items() if name.startswith(sent.exchange_id)]
    assert sorted((row["status"], row["model_requested"]) for row in attempts) == [("error", "frail"), ("ok", "large")]


def test_a_stream_that_its_caller_left_is_cancelled(logged: Logged, tmp_path: Path) -> None:
    found = stored(tmp_path, logged.file, "auto", "auto")
    row = next(row for name, row in found.items() if name.startswith(logged.left.exchange_id))
    wanted = ("cancelled", None, True, "alice", "large-2")
    assert (row["status"], row["finish_reason"], row["n"] is None, row["account_id"], row["model_served"]) == wanted


def test_without_texts_there_is_no_content_at_all(tmp_path: Path) -> None:
    """`turn_off_message_logging`: the words that stand in for texts are no template that everybody shares."""
    held = through(tmp_path, "json_array", turn_off_message_logging=True)
    assert b"redacted-by-litellm" in held.file.read_bytes()
    found = stored(tmp_path, held.file, "auto", "auto")
    assert len(found) == DUE
    rows = [{**row, "messages": None, "output": None} for row in meant(held.sent, held.payloads)]
    bare = stored(tmp_path, written(tmp_path, rows), "bare", "canonical")
    shown = {
        bare_id: {name: (row[name], found[bare_id][name]) for name in WORDS if row[name] != found[bare_id][name]}
        for bare_id, row in bare.items()
    }
    assert not {name: told for name, told in shown.items() if told}
    spoken = {row["output_words"] for row in found.values() if row["status"] != "refused"}
    assert spoken <= {None, 0}  # 0: a call of a tool, without its arguments. Refusals stay, LiteLLM forgets them
    assert {row["account_id"] for row in found.values()} == {account(key) for key in KEYS}
    assert {row["client_ip"] for row in found.values()} == set(ADDRESSES.values())
