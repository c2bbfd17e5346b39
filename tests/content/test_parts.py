"""Pairs: the text columns as logged, and whose words the content room takes them for."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stillwatch.content.parts as parts_module
from stillwatch.content.parts import parts_of
from stillwatch.content.structure import Structure as S


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content} | more


PAIRS = [
    # messages, the last human turn, history, turns
    ("plain words", "plain words", [], 1),
    ([said("user", "one")], "one", [], 1),
    ([{"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]}], "a\nb", [], 1),
    ([said("user", [{"type": "text", "text": "seen"}, {"type": "image_url", "image_url": {}}])], "seen", [], 1),
    ([said("user", "q"), said("assistant", "a"), said("user", "more")], "more", ["q", "a"], 2),
    ([said("system", "be brief"), said("user", "q")], "q", [], 1),
    ([said("user", "q"), said("assistant", "", tool_calls=[{}]), said("tool", "42", tool_call_id="1")], "q", [], 1),
    ([{"role": "user", "content": None}], None, [], 0),
    ([], None, [], 0),
    ('[{"role": "user", "content": "cut of', '[{"role": "user", "content": "cut of', [], 1),
    ("[" * 500, "[" * 500, [], 1),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "user", "history", "turns"), PAIRS)
def test_whose_words(messages: Any, user: str | None, history: list[str], turns: int) -> None:
    logged = messages if isinstance(messages, str) else json.dumps(messages)
    parts = parts_of(None, logged, None, None)
    assert (parts.user, list(parts.history), parts.turns) == (user, history, turns)


def test_system_words_are_never_the_users() -> None:
    parts = parts_of('"You are a tutor"', json.dumps([said("developer", "Be kind"), said("user", "hello")]), None, None)
    assert (parts.system, parts.user) == ("You are a tutor\nBe kind", "hello")


def test_tools_in_another_order_are_the_same_tools() -> None:
    tools = [{"name": "read"}, {"name": "write"}]
    one = parts_of(None, None, json.dumps(tools), None).tools
    assert one and one == parts_of(None, None, json.dumps(tools[::-1]), None).tools


STRUCTURES = [
    ({"tools": [{"name": "read"}]}, S.TOOLS),
    ({"tools": [{"type": "computer_20250124"}]}, S.COMPUTER_TOOL),
    ({"messages": [said("tool", "42", tool_call_id="1")]}, S.TOOL_RESULT),
    ({"messages": [said("user", [{"type": "tool_result", "content": "42"}])]}, S.TOOL_RESULT),
    ({"messages": [said("user", [{"type": "image_url"}])]}, S.MEDIA),
    ({"messages": [said("user", "```x```")]}, S.CODE_IN),
    ({"messages": [said("user", "a"), said("user", "b")]}, S.MULTI_TURN),
    ({"output": [said("assistant", "", tool_calls=[{"id": "1"}])]}, S.TOOL_CALL_OUT),
    ({"output": [{"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}]}]}, S.REASONING_OUT),
    ({"output": [said("assistant", "a", reasoning_content="hm")]}, S.REASONING_OUT),
    ({"output": [said("assistant", "```x```")]}, S.CODE_OUT),
    ({"output": [said("assistant", '{"a": 1}')]}, S.JSON_OUT),
]


@pytest.mark.parametrize(("columns", "bit"), STRUCTURES)
def test_structure_marks_what_is_carried(columns: dict[str, Any], bit: S) -> None:
    logged = {name: json.dumps(value) for name, value in columns.items()}
    found = parts_of(None, logged.get("messages"), logged.get("tools"), logged.get("output"))
    assert found.structure & bit


def test_reasoning_words_are_not_part_of_the_answer() -> None:
    parts = {
        "role": "assistant",
        "parts": [{"type": "reasoning", "content": "hidden"}, {"type": "text", "content": "42"}],
    }
    assert parts_of(None, None, None, json.dumps([parts])).output == "42"


KEYS = st.sampled_from(["role", "parts", "type", "content"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(JSON)
def test_the_quick_way_to_read_json_gives_the_parts_of_the_slow_way(value: object) -> None:
    text = json.dumps([value])
    with pytest.MonkeyPatch.context() as patch:
        quick = parts_of(text, text, text, text)
        patch.setattr(parts_module, "_loaded", parts_module._slowly_loaded)
        assert parts_of(text, text, text, text) == quick


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Which is a metal?\nA. wood\nB. iron\nC. glass", True),
        ("What is right?\nA) up\nB) down\nC) both", True),
        ("Is it (A) near, (B) far or (C) neither?", True),
        ("Plan B. is better than plan C.", False),
        ("A list:\nB. only", False),
    ],
)
def test_lettered_options_are_seen_by_their_form(text: str, choice: bool) -> None:
    parts = parts_of(None, json.dumps([said("user", text)]), None, None)
    assert bool(parts.structure & S.OPTIONS) == choice


ASK = "Grade the answer below from one to ten and say why in detail."

GONE_BACK = [
    # messages, what the last human turn goes back to
    ([said("user", ASK), said("assistant", "Shall I?"), said("user", "Yes, go on.")], ASK),
    ([said("user", ASK), said("user", "ok"), said("user", "Go ahead.")], ASK),
    ([said("user", "Go ahead."), said("assistant", "", tool_calls=[{}]), said("tool", ASK, tool_call_id="1")], ASK),
    ([said("user", [{"type": "tool_result", "content": [{"type": "text", "text": ASK}]},
                    {"type": "text", "text": "Go ahead."}])], ASK),
    ([said("user", "Go."), {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"text": ASK}}]}],
     ASK),
    ([said("user", "go"), said("tool", ASK, tool_call_id="1"), said("tool", "ok", tool_call_id="2")], ASK),
    ([said("user", ASK), said("tool", "It is cold outside, and it will rain.", tool_call_id="1"), said("user", "go")],
     ASK),
    ([said("user", ASK), said("assistant", "a"), said("user", ASK + " And be quick about it.")], None),
    ([said("user", "hello")], None),
    ([said("user", "hello"), said("assistant", ASK), said("user", "go on")], None),
    ([said("user", ASK), said("user", "请继续回答上一个问题，谢谢你。" * 3)], None),
    ([said("user", ASK), said("user", "请继续")], ASK),
    ([said("user", "go"), said("tool", "x" * 9_000, tool_call_id="1")], "x" * 4_000),
    ([said("user", "go"), said("tool", {"rows": [1, 2]}, tool_call_id="1")], None),
    ([said("user", "go"), said("tool", ASK, tool_call_id="1"),
      said("tool", "The list of files in this folder holds nothing new.", tool_call_id="2")],
     f"The list of files in this folder holds nothing new.\n{ASK}"),
    ([said("user", "Go ahead" + "." * 90), said("tool", {"data": {"task": ASK}, "ok": "1"}, tool_call_id="1")],
     f"{ASK}\n1"),
    ([said("user", ASK), said("user", "Go" + " " * 9_000 + "ahead" + " !" * 40)], ASK),
    ([said("user", "go"), said("tool", " " * 9_000 + ASK, tool_call_id="1")], f"\n{ASK}"),
    ([said("user", "go"), said("tool", [{"type": "document", "source": {"type": "text", "data": ASK}}],
                               tool_call_id="1")], ASK),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "earlier"), GONE_BACK)
def test_a_turn_that_says_hardly_anything_goes_back_to_what_was_said(messages: Any, earlier: str | None) -> None:
    assert parts_of(None, json.dumps(messages), None, None).earlier == earlier


@pytest.mark.parametrize(
    "source",
    [{"type": "text", "media_type": "text/plain", "data": ASK}, {"type": "content", "content": [{"text": ASK}]}],
)
def test_a_document_that_is_sent_as_text_is_what_its_sender_says(source: Any) -> None:
    turn = said("user", [{"type": "document", "source": source}, {"type": "text", "text": "Go ahead."}])
    assert parts_of(None, json.dumps([turn]), None, None).user == f"{ASK}\nGo ahead."
