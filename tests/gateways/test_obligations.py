"""Obligations on bodies of every shape, and limits by the clock."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stillwatch_gateway.answers import Ask, Decision, Obligation, parsed
from stillwatch_gateway.client import Outcome
from stillwatch_gateway.limits import LONGEST_RUN, Limiter
from stillwatch_gateway.obligations import ANTHROPIC, CAPS, CHOICES, LOGPROBS, OPENAI, change, ruled, told
from stillwatch_gateway.reasoning import without

from stillwatch.respond.budgets import Budgets
from tests.gateways.service import decision

Json = dict[str, Any]


def bound(*obligations: Json, **more: Any) -> Decision:
    return parsed(json.dumps(decision(*obligations, **more)).encode())


CAP = bound({"type": "cap_max_tokens", "max_tokens": 100})
ALL = bound(
    {"type": "cap_max_tokens", "max_tokens": 100}, {"type": "strip_logprobs"}, {"type": "hide_reasoning"},
    {"type": "fallback_model", "to": "small"},
)  # fmt: skip


def changed(body: Json, path: str = "/v1/chat/completions", dialect: str = OPENAI, by: Decision = CAP) -> Json:
    held = json.loads(json.dumps(body))
    change(held, by, dialect, path)
    return dict(held)


@pytest.mark.parametrize(
    ("body", "path", "wanted"),
    [
        ({"messages": []}, "/v1/chat/completions", {"max_completion_tokens": 100}),
        ({"messages": [], "max_tokens": 7}, "/v1/chat/completions", {"max_tokens": 7}),
        ({"messages": [], "max_tokens": 700, "max_completion_tokens": -1}, "",
         {"max_tokens": 100, "max_completion_tokens": 100}),
        ({"messages": [], "max_tokens": "700"}, "", {"max_tokens": 100}),
        ({"messages": [], "max_tokens": True}, "", {"max_tokens": 100}),
        ({"messages": [], "n": 4}, "", {"n": 4, "max_completion_tokens": 25}),
        ({"messages": [], "n": 10**30}, "", {"n": 100, "max_completion_tokens": 1}),
        ({"prompt": "x", "best_of": 10, "min_tokens": 99}, "/v1/completions",
         {"best_of": 10, "max_tokens": 10, "min_tokens": 10}),
        ({"prompt": ["x"] * 50}, "/v1/completions", {"max_tokens": 2}),
        ({"prompt": [1, 2, 3]}, "/v1/completions", {"max_tokens": 100}),
        ({"input": "x"}, "/v1/responses", {"max_output_tokens": 100}),
        ({"input": "x"}, "/v1/embeddings", {}),
        ({"prompt": "a cat"}, "/v1/images/generations", {}),
        ({"text": "x"}, "/generate", {"sampling_params": {"max_new_tokens": 100}}),
        ({"text": ["x", "y"], "sampling_params": [{"max_new_tokens": 900}, {}]}, "/generate",
         {"sampling_params": [{"max_new_tokens": 100}, {"max_new_tokens": 100}]}),
    ],
)  # fmt: skip
def test_a_cap_holds_for_all_answers_of_a_request_together(body: Json, path: str, wanted: Json) -> None:
    assert changed(body, path) == {**body, **wanted}


def test_a_cap_on_a_message_of_anthropics() -> None:
    body = {"messages": [], "max_tokens": 900, "thinking": {"type": "enabled", "budget_tokens": 50}}
    assert changed(body, "/v1/messages", ANTHROPIC) == {**body, "max_tokens": 100}
    assert changed({"messages": []}, "/v1/messages", ANTHROPIC) == {"messages": [], "max_tokens": 100}


def test_other_ways_to_ask_for_the_same() -> None:
    inner = {
        "max_tokens": 999,
        "logprobs": True,
        "model": "large",
        "n": 9,
        "reasoning": {"summary": "detailed"},
        "x": 1,
    }
    body = {
        "model": "large", "messages": [], "extra_body": inner, "models": ["large"], "include_reasoning": True,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "file"],
        "reasoning": {"effort": "high", "summary": "detailed"}, **dict.fromkeys(LOGPROBS, 5),
    }  # fmt: skip
    assert changed(body, by=ALL) == {
        "model": "small", "messages": [], "extra_body": {"x": 1}, "include_reasoning": False, "include": ["file"],
        "reasoning": {"effort": "high"}, "max_completion_tokens": 100,
    }  # fmt: skip


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from([
    *CAPS, *CHOICES, *LOGPROBS, "messages", "prompt", "input", "extra_body", "sampling_params", "thinking", "include",
    "reasoning", "model", "min_tokens", "budget_tokens", "type", "content", "choices", "delta", "reasoning_content",
])  # fmt: skip
JSON = st.recursive(
    LEAF, lambda held: st.lists(held, max_size=3) | st.dictionaries(KEYS, held, max_size=5), max_leaves=12
)


@settings(max_examples=150)
@given(
    st.dictionaries(KEYS, JSON, max_size=8),
    st.sampled_from(["/v1/messages", "/v1/responses", "/generate", "/v1/completions", ""]),
)
def test_any_body_can_be_changed_and_none_asks_for_more_than_the_cap(body: Json, path: str) -> None:
    held = json.loads(json.dumps(body))
    change(held, ALL, ANTHROPIC if path.endswith("messages") else OPENAI, path)
    inner = held.get("sampling_params") if path == "/generate" else held
    for one in inner if isinstance(inner, list) else [inner]:
        many = max([1, *(one[name] for name in CHOICES if isinstance(one.get(name), int) and one[name] is not True)])
        asked = [one[name] for name in CAPS if name in one and one[name] is not None]
        assert all(isinstance(value, int) and 0 < value * many <= 100 for value in asked)
    assert held["model"] == "small" and not set(LOGPROBS) & held.keys()
    assert json.dumps(without(held)) is not None


def test_what_was_done_is_told_however_long_the_notice_is() -> None:
    held = told(bound({"type": "strip_logprobs"}, notice="n" * 2000, appeal_url="https://x/" + "a" * 900))
    assert held["x-stillwatch-notice"].endswith("; log-probabilities are left out")
    assert len(held["x-stillwatch-notice"]) <= 2000 and len(held["x-stillwatch-appeal"]) == 910


def test_a_budget_of_the_service_is_waited_for_as_long_as_it_says() -> None:
    limit = {"type": "rate_limit", "requests_per_minute": 6}
    for more, wanted in (({"retry_after_s": 7}, "7"), ({}, "60")):
        ruling = ruled(Outcome(bound(limit, verdict="deny", **more), "service"), Ask("a"), Limiter())
        assert ruling.refusal is not None and ruling.refusal.headers["retry-after"] == wanted


@given(
    st.integers(1, 60), st.integers(1, 3000), st.lists(st.tuples(st.floats(0, 90), st.integers(0, 5000)), max_size=40)
)
def test_who_waits_as_the_service_says_is_not_sent_away_here(
    requests: int, tokens: int, asks: list[tuple[float, int]]
) -> None:
    clock, budgets = Hands(), Budgets()
    limiter = Limiter(clock=clock)
    numbers = {"requests_per_minute": requests, "tokens_per_minute": tokens}
    held = bound({"type": "rate_limit", **numbers}, counted=True)
    for gap, size in asks:
        clock.now += gap
        if (wait := budgets.take("g", numbers, size, clock.now)) > 0:
            clock.now += wait + 1e-6
            assert budgets.take("g", numbers, size, clock.now) == 0
        assert ruled(Outcome(held, "service"), Ask("a", estimated_tokens=size), limiter).refusal is None
    stale = [ruled(Outcome(held, "stale"), Ask("a"), limiter).refusal is None for _ in range(requests + 1)]
    assert not stale[-1], "where nobody is there to count, the gateway does"


class Hands:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_minutes_are_refilled_evenly_and_waits_are_told() -> None:
    clock = Hands()
    limiter, limit = (
        Limiter(clock=clock),
        Obligation("rate_limit", {"requests_per_minute": 6, "tokens_per_minute": 600}),
    )
    assert [limiter.takes("a", limit, 100) for _ in range(6)] == [0.0] * 6
    assert limiter.takes("a", limit, 100) == pytest.approx(10.0)
    assert limiter.takes("b", limit, 100) == 0.0
    clock.now = 10.0
    assert limiter.takes("a", limit, 100) == 0.0
    clock.now = 80.0
    assert limiter.takes("a", limit, 10**9) == 0.0  # more than a minute's: it takes all
    assert limiter.takes("a", limit, 1) > 0


def test_what_runs_at_once_is_given_back_or_ends_by_itself() -> None:
    clock = Hands()
    limiter, limit = Limiter(size=1, clock=clock), Obligation("rate_limit", {"concurrency": 2})
    assert [limiter.takes("a", limit, 0) for _ in range(3)] == [0.0, 0.0, 1.0]
    limiter.gives_back("a", limit)
    assert [limiter.takes("a", limit, 0) for _ in range(2)] == [0.0, 1.0]
    for place in range(20):  # others come: what runs is not forgotten
        limiter.takes(f"b{place}", Obligation("rate_limit", {"requests_per_minute": 1}), 0)
    assert limiter.takes("a", limit, 0) == 1.0
    clock.now = LONGEST_RUN + 1  # nobody said that they had ended
    assert limiter.takes("a", limit, 0) == 0.0


def test_an_obligation_of_a_later_version_is_counted_and_left_undone() -> None:
    held = bound({"type": "slow_down", "by": 3}, {"type": "strip_logprobs"})
    assert held.unknown == 1 and [one.type for one in held.obligations] == ["strip_logprobs"]
    ruling = ruled(Outcome(held, "service"), Ask("a"), Limiter())
    assert ruling.refusal is None and ruling.rewrites
