"""What is read by type says what reading any JSON says, and leaves alone what it cannot say."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.content import parts as parts_module
from stillwatch.content.parts import parts_of
from stillwatch.content.plain import plain

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "go on", "\n", "A or\nB. this\nC. that", "```x```", "<system-reminder>a b</system-reminder> go", "</a>",
         "{}", " [1]", 63 * "[", 70 * "{" + " a real sentence", 40 * "[" + 40 * "{",
         "eight words that say what is wanted of whom", "a-b c’d e_f " + 8 * "日本語"]
    ),
)  # fmt: skip
PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "content": TEXTS}),
    st.fixed_dictionaries({"type": st.sampled_from(["text", "reasoning", "image"]), "text": TEXTS}),
    st.fixed_dictionaries({"type": st.just("tool_call"), "id": TEXTS, "name": TEXTS}),
)
ROLES = st.sampled_from(["user", "assistant", "system", "developer", "tool", "critic"])
MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": ROLES, "content": st.one_of(TEXTS, st.none())}),
    st.fixed_dictionaries(
        {"role": ROLES, "parts": st.one_of(st.lists(PARTS, max_size=3), st.none())},
        optional={"content": TEXTS, "finish_reason": st.one_of(TEXTS, st.none())},
    ),
    st.fixed_dictionaries({"role": ROLES, "content": st.lists(PARTS, max_size=2)}, optional={"tool_call_id": TEXTS}),
    st.fixed_dictionaries({"content": TEXTS}, optional={"reasoning": TEXTS}),
    TEXTS,
)


def slowly(*columns: str | None) -> Any:
    with patch.object(parts_module, "plain", lambda _: None):
        return parts_of(*columns)


@settings(max_examples=400)
@given(st.one_of(TEXTS, st.none()), st.lists(MESSAGES, max_size=5), st.lists(MESSAGES, max_size=2), st.booleans())
def test_both_ways_take_an_exchange_apart_alike(
    system: str | None, messages: list[Any], output: list[Any], ascii_only: bool
) -> None:
    columns = (system, json.dumps(messages, ensure_ascii=ascii_only), None, json.dumps(output))
    assert parts_of(*columns) == slowly(*columns)


def test_the_plain_shapes_are_read_by_type() -> None:
    bare = '[{"role":"system","content":"s"},{"role":"user","content":"a\\nb"}]'
    assert plain(bare) == [("system", "s"), ("user", "a\nb")]
    said = ["a", "", "b"]
    held = [{"type": "text", "content": text} for text in said]
    otel = json.dumps([{"role": "assistant", "parts": held, "finish_reason": "stop"}])
    assert plain(otel) == [("assistant", "a\nb")]


@pytest.mark.parametrize(
    "text",
    [
        "", "plain words", "{}", "[1]", "[[[[", "[" * 5_000, '[{"role":"tool","content":"x"}]', '[{"content":"x"}]',
        '[{"role":"user","parts":null,"content":"x"}]', '[{"role":"user","content":[{"type":"text","text":"x"}]}]',
        '[{"role":"user","content":"\\ud800"}]', '[{"role":"user","content":"x","tool_calls":[]}]',
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_alone(text: str) -> None:
    assert plain(text) is None
    assert parts_of(None, text, None, text) == slowly(None, text, None, text)
