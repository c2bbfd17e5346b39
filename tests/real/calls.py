"""Calls of a LiteLLM proxy: what is asked, what the provider answers, and the exchange of the contract that it means.

The meaning is written by hand, not by the reader under test.
"""

from dataclasses import dataclass
from typing import Any

from tests.real.answers import (
    SERVED,
    called,
    chat,
    chunks,
    events,
    failed,
    message,
    responded,
    said,
    usage,
)

Json = dict[str, Any]

CHAT = "/v1/chat/completions"
PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@dataclass(frozen=True)
class Call:
    """One call. `means` are columns of the contract; None where the proxy may say what it likes (as its own counts).

    `attempts` is the number of rows that the proxy logs of it: more than one where it falls back.
    """

    name: str
    body: Json
    answers: list[tuple[int, Any]]
    means: Json
    path: str = CHAT
    key: str = "sk-alice"
    attempts: int = 1


def text(content: str) -> Json:
    """A part of text."""
    return {"type": "text", "content": content}


def thought(content: str) -> Json:
    """A part of reasoning."""
    return {"type": "reasoning", "content": content}


def tool(arguments: str) -> Json:
    """A part that calls the weather."""
    return {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": arguments}


def user(*parts: Any) -> Json:
    """A message of the user."""
    return {"role": "user", "parts": [text(part) if isinstance(part, str) else part for part in parts]}


def system(words: str) -> Json:
    """A message of the system."""
    return {"role": "system", "parts": [text(words)]}


def answered(*parts: Any) -> list[Json]:
    """An answer of one message."""
    return [{"role": "assistant", "parts": [text(part) if isinstance(part, str) else part for part in parts]}]


def asked(words: Any, model: str = "large", **settings: Any) -> Json:
    """A request with one message."""
    return {"model": model, "messages": [{"role": "user", "content": words}], **settings}


def ok(messages: list[Json], output: list[Json] | None, **more: Any) -> Json:
    """What an answered chat means."""
    return {
        "operation": "chat", "model_requested": "large", "model_served": "large-2", "status": "ok", "stream": False,
        "finish_reason": "stop", "input_tokens": 11, "output_tokens": 5, "messages": messages, "output": output, **more,
    }  # fmt: skip


def lost(status: str, words: str, **more: Any) -> Json:
    """What a call without an answer means."""
    return {
        "operation": "chat", "model_requested": "large", "status": status, "messages": [user(words)], **more,
    }  # fmt: skip


CLAUDE = {"model_requested": "claude", "input_tokens": 13, "output_tokens": 3, "cached_tokens": 4}
THINKING = {"type": "enabled", "budget_tokens": 1024}
CITY = '{"city":"Paris"}'
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
POLICY = "The response was filtered due to the prompt triggering the content management policy"

CALLS = [
    Call(
        "a system prompt, settings and an end user",
        {"model": "large", "messages": [{"role": "system", "content": "You are a tutor of small children."},
                                        {"role": "user", "content": "Why is the sky blue at noon?"}],
         "temperature": 0.7, "top_p": 0.9, "max_tokens": 256, "seed": 5, "user": "u-1"},
        [chat("Light is scattered by air.")],
        ok([system("You are a tutor of small children."), user("Why is the sky blue at noon?")],
           answered("Light is scattered by air."), temperature=0.7, top_p=0.9, max_tokens=256, seed=5,
           end_user_id="u-1"),
    ),
    Call(
        "a stream", asked("Say hello to everybody here", **STREAM),
        [chunks({"role": "assistant", "content": ""}, {"content": "Hello "}, {"content": "to everybody."})],
        ok([user("Say hello to everybody here")], answered("Hello to everybody."), stream=True,
           reasoning_tokens=None), key="sk-bob",
    ),
    Call(
        "a stream that nobody counted", asked("Say hello to nobody here", stream=True),
        [chunks({"role": "assistant", "content": "Hello nobody."}, counted=False)],
        ok([user("Say hello to nobody here")], answered("Hello nobody."), stream=True, input_tokens=None,
           output_tokens=None, reasoning_tokens=None), key="sk-bob",
    ),
    Call(
        "a call of a tool", asked("What is the weather in Paris?", tools=[WEATHER], tool_choice="auto"),
        [chat(None, end="tool_calls", tool_calls=[called("weather", CITY)])],
        ok([user("What is the weather in Paris?")], answered(tool(CITY)), finish_reason="tool_calls", tools=[WEATHER],
           tool_choice="auto"), key="sk-bob",
    ),
    Call(
        "a streamed call of a tool", asked("And what is it in Rome?", tools=[WEATHER], **STREAM),
        [chunks(
            {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **called("weather", "")}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '"Paris"}'}}]}, end="tool_calls")],
        ok([user("And what is it in Rome?")], answered(tool(CITY)), stream=True, finish_reason="tool_calls",
           tools=[WEATHER], reasoning_tokens=None), key="sk-bob",
    ),
    Call(
        "the result of a tool",
        {"model": "large", "messages": [
            {"role": "user", "content": "Is it warm in Paris today?"},
            {"role": "assistant", "content": None, "tool_calls": [called("weather", CITY)]},
            {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees and some sun"}]},
        [chat("It is warm.")],
        ok([user("Is it warm in Paris today?"), {"role": "assistant", "parts": [tool(CITY)]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1",
                                        "response": "21 degrees and some sun"}]}], answered("It is warm.")),
    ),
    Call(
        "an image", asked([{"type": "text", "text": "What is shown in this picture?"}, PIXEL]), [chat("A dot.")],
        ok([user("What is shown in this picture?", {"type": "blob", "modality": "image"})], answered("A dot.")),
        key="sk-team",
    ),
    Call(
        "a thought", asked("Prove that there is no largest prime", model="thinker", reasoning_effort="high"),
        [chat("There is none.", reasoning_content="Suppose that there were a largest one.",
              counted=usage(completion_tokens_details={"reasoning_tokens": 4}))],
        ok([user("Prove that there is no largest prime")],
           answered(thought("Suppose that there were a largest one."), "There is none."), model_requested="thinker",
           model_served="gpt-5-mini", reasoning_effort="high", reasoning_tokens=4),
    ),
    Call(
        "a streamed thought", asked("Prove it once again please", model="thinker", **STREAM),
        [chunks({"role": "assistant", "reasoning_content": "Suppose "}, {"reasoning_content": "so."},
                {"content": "None."})],
        ok([user("Prove it once again please")], answered(thought("Suppose so."), "None."), model_requested="thinker",
           model_served="gpt-5-mini", stream=True, reasoning_tokens=None),
    ),
    Call(
        "two answers, in JSON", asked("Name two of the colours", n=2, response_format={"type": "json_object"}),
        [chat('{"a": "red"}', '{"a": "blue"}')],
        ok([user("Name two of the colours")], answered('{"a": "red"}') + answered('{"a": "blue"}'), n=2,
           response_format={"type": "json_object"}),
    ),
    Call(
        "a refusal", asked("Help me to do something terrible"), [chat(None, refusal="I cannot help with that.")],
        ok([user("Help me to do something terrible")], answered("I cannot help with that."), status="refused"),
        key="sk-team",
    ),
    Call(
        "an answer that a filter cut", asked("Tell a story with blood in it"), [chat("It was", end="content_filter")],
        ok([user("Tell a story with blood in it")], answered("It was"), status="blocked",
           finish_reason="content_filter"), key="sk-team",
    ),
    Call("a failure", asked("Why does it fail so often?"), [failed(500, "boom")],
         lost("error", "Why does it fail so often?", stream=False)),
    Call("too many requests", asked("Why is there a limit at all?"),
         [failed(429, "slow down", code="rate_limit_exceeded")],
         lost("error", "Why is there a limit at all?", stream=False), key="sk-bob"),
    Call("a provider's policy", asked("Why is this not allowed here?"),
         [failed(400, POLICY, code="content_policy_violation")],
         lost("blocked", "Why is this not allowed here?", stream=False)),
    Call("a guardrail of the proxy", asked("Please say forbiddenword to me now"), [],
         lost("blocked", "Please say forbiddenword to me now"), key="sk-bob"),
    Call("no such model", asked("Is anybody there at all?", model="nope"), [],
         lost("error", "Is anybody there at all?", model_requested="nope")),
    Call("a key of nobody", asked("Is this key of any use?"), [chat("Yes.")],
         ok([user("Is this key of any use?")], answered("Yes.")), key="sk-nobody"),
    Call("a fallback", asked("Who answers if the first one falls?", model="frail"),
         [failed(500, "boom"), chat("The second one.")],
         ok([user("Who answers if the first one falls?")], answered("The second one."), model_served=SERVED),
         attempts=2),
    Call("an answer for the cache", asked("What is worth keeping for long?", cache={"use-cache": True}),
         [chat("Bread.")],
         ok([user("What is worth keeping for long?")], answered("Bread."))),
    Call("an answer of the cache", asked("What is worth keeping for long?", cache={"use-cache": True}), [],
         ok([user("What is worth keeping for long?")], answered("Bread."), stream=None)),
    Call(
        "the Responses API", {"model": "large", "instructions": "Be short in what you say.", "input": "Say what it is"},
        [(200, responded({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
                         said("It is that.")))],
        ok([user("Say what it is")], answered(thought("Hm.")) + answered("It is that."), input_tokens=3,
           output_tokens=2, reasoning_tokens=1, cached_tokens=0, system="Be short in what you say.", stream=None),
        path="/v1/responses",
    ),
    Call(
        "the Responses API, streamed", {"model": "large", "input": "Say what it was", "stream": True},
        [(200, [
            {"type": "response.created", "response": {**responded(), "status": "in_progress", "usage": None}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**said(""), "content": []}},
            {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
             "delta": "It was."},
            {"type": "response.output_item.done", "output_index": 0, "item": said("It was.")},
            {"type": "response.completed", "response": responded(said("It was."))}])],
        ok([user("Say what it was")], answered("It was."), input_tokens=3, output_tokens=2, reasoning_tokens=1,
           cached_tokens=0, stream=True), path="/v1/responses",
    ),
    Call(
        "a text completion", {"model": "large", "prompt": "Once upon a time there"},
        [(200, {"id": "cmpl-1", "object": "text_completion", "created": 1772359201, "model": SERVED, "usage": usage(),
                "choices": [{"text": " was a king", "index": 0, "finish_reason": "length"}]})],
        ok([user("Once upon a time there")], answered(" was a king"), operation="text_completion",
           finish_reason="length", stream=None), path="/v1/completions", key="sk-team",
    ),
    Call(
        "an embedding", {"model": "embedder", "input": ["a text to be embedded"]},
        [(200, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}], "model": "e-1",
                "usage": {"prompt_tokens": 2, "total_tokens": 2}})],
        {"operation": "embeddings", "model_requested": "embedder", "model_served": "emb-1", "status": "ok",
         "input_tokens": 2, "output_tokens": 0, "messages": [user("a text to be embedded")]},
        path="/v1/embeddings", key="sk-team",
    ),
    Call(
        "Anthropic's API with a thought",
        {"model": "claude", "max_tokens": 2000, "system": "You teach the very small.", "thinking": THINKING,
         "messages": [{"role": "user", "content": "Why do cats like fish?"}], "metadata": {"user_id": "u-9"}},
        [message({"type": "thinking", "thinking": "Taste, perhaps.", "signature": "s"},
                 {"type": "text", "text": "Taste."})],
        ok([system("You teach the very small."), user("Why do cats like fish?")],
           answered(thought("Taste, perhaps."), "Taste."), **CLAUDE, model_served="claude-x-1-0929", max_tokens=2000,
           reasoning_budget=1024, end_user_id="u-9", reasoning_tokens=None), path="/v1/messages",
    ),
    Call(
        "Anthropic's API, streamed, with a tool",
        {"model": "claude", "max_tokens": 300, "stream": True,
         "messages": [{"role": "user", "content": "Weather again?"}],
         "tools": [{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}]},
        [events(({"type": "text", "text": ""}, {"type": "text_delta", "text": "I look."}),
                ({"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
                 {"type": "input_json_delta", "partial_json": CITY}), end="tool_use")],
        ok([user("Weather again?")], answered("I look.", tool(CITY)), **{**CLAUDE, "input_tokens": 9,
           "output_tokens": 7, "cached_tokens": 0}, model_served="claude-x-1", max_tokens=300, stream=True,
           finish_reason="tool_calls", reasoning_tokens=None,
           tools=[{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}]),
        path="/v1/messages",
    ),
    Call(
        "Anthropic's model by OpenAI's API", asked("Why do dogs dislike cats?", model="claude", max_tokens=100),
        [message({"type": "text", "text": "Habit."})],
        ok([user("Why do dogs dislike cats?")], answered("Habit."), **CLAUDE, model_served="claude-x-1",
           max_tokens=100, reasoning_tokens=None), key="sk-team",
    ),
]  # fmt: skip
"""Every shape once. No two say the same words, so that a mix-up cannot pass."""

LEFT = Call(
    "a stream that its caller leaves", asked("Count to a thousand for me", **STREAM),
    [chunks({"role": "assistant", "content": "One two "}, *([0.2, {"content": "three "}] * 20))],
    {"operation": "chat", "model_requested": "large", "model_served": "large-2", "status": "cancelled", "stream": True,
     "messages": [user("Count to a thousand for me")]},
)  # fmt: skip
