"""A client's own static words are no intent: "hello" inside a long harness looks like "hello"."""

import json

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.content.capabilities import Requests, classify, lean
from stillwatch.content.families import family_steps
from stillwatch.content.fillers import filler_steps
from stillwatch.content.preamble import LEAST_ENTITIES, preamble_steps
from stillwatch.content.sketch import sketch
from stillwatch.content.structure import Structure
from stillwatch.content.tags import tag_bits
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import CAPABILITIES
from tests.content.exchanges import KEY, batch
from tests.content.no_mined import NO_MINED

HARNESS = (
    "You are a coding agent. Think step by step and explain your reasoning. Grade the answer against the rubric. "
    "Generate training data for a reward model. Compare the two responses and choose the better one. " * 20
)


def engine_of(rows: list[dict[str, object]], entities: list[int]) -> DuckEngine:
    sketched = pa.Table.from_batches([sketch(batch(rows), KEY)])
    engine = DuckEngine()
    held = sketched.append_column("x", pa.array(range(len(rows)), pa.int64()))
    engine.register("exchange", held.append_column("entity", pa.array(entities, pa.int32())))
    engine.run([NO_MINED, *preamble_steps(), *family_steps(), *filler_steps()])
    return engine


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def tags_of(engine: DuckEngine) -> list[int]:
    rows = engine.arrow(
        "SELECT e.x, coalesce(i.tags, 0) AS tags FROM exchange e LEFT JOIN intent i ON i.x = e.x ORDER BY e.x"
    )
    return [int(tag) for tag in rows["tags"].to_pylist()]


def hello(place: str, text: str = "hello") -> dict[str, object]:
    """The harness in one of the places where clients put their words."""
    human = {"role": "user", "content": text}
    if place == "system":
        return {"system": json.dumps(HARNESS), "messages": json.dumps([human])}
    if place == "tools":
        return {"tools": json.dumps([{"name": "grade", "description": HARNESS}]), "messages": json.dumps([human])}
    if place == "developer":
        return {"messages": json.dumps([{"role": "developer", "content": HARNESS}, human])}
    if place == "first turn":
        return {
            "messages": json.dumps(
                [{"role": "user", "content": HARNESS}, {"role": "assistant", "content": "ok"}, human]
            )
        }
    return {"messages": json.dumps([{"role": "system", "content": HARNESS}, human])}


@pytest.mark.parametrize("place", ["system", "tools", "developer", "first turn", "system message"])
def test_hello_in_a_harness_is_hello(place: str) -> None:
    n = LEAST_ENTITIES
    engine = engine_of([hello(place)] * n + [{"messages": json.dumps("hello")}], [*range(n), n])
    inside, outside = tags_of(engine)[0], tags_of(engine)[-1]
    assert inside == outside
    held = engine.arrow("SELECT DISTINCT exact FROM exchange")["exact"].to_pylist()
    assert len(held) == 1
    assert engine.arrow("SELECT * FROM template_token").num_rows == 0, "a word is no template"


def test_what_one_account_alone_says_in_its_system_text_is_its_own() -> None:
    engine = engine_of([hello("system")] * 3, [0, 0, 1])
    assert all(tags_of(engine))


def test_absent_text_has_no_capability_and_no_purpose() -> None:
    import numpy as np

    unknown = np.full(1, -1, np.int32)
    none = Requests(np.zeros(1, np.uint64), np.zeros(1, np.uint32), unknown, unknown, np.zeros(1, np.int16))
    assert classify(none).tolist() == [17]
    assert lean(none).sum() == 0.0, "what was not logged says nothing"


def test_a_shared_instruction_is_a_template_and_its_material_a_filler() -> None:
    items = [
        f"The {a} river crosses the {b} valley near {c}." for a, b, c in zip("abcdef", "ghijkl", "mnopqr", strict=True)
    ]
    rows = [{"messages": json.dumps(f"Explain every step of your reasoning in detail.\n{item}")} for item in items]
    engine = engine_of(rows, [0, 0, 1, 1, 2, 2])
    by_channel = engine.arrow("SELECT channel, count(DISTINCT x) AS n FROM template_token GROUP BY channel").to_pylist()
    assert {row["channel"]: row["n"] for row in by_channel}["segment"] == 6
    assert engine.arrow("SELECT count(DISTINCT filler) AS n FROM filler").to_pylist() == [{"n": 6}]


def test_an_agents_transcript_is_agentic_work_whatever_its_steps_ask_for() -> None:
    """Thoughts at every step, a task of any kind: the form speaks before the words of trace and synthesis."""
    bits = tag_bits()
    words = np.array([200], np.int32)
    rest = (np.zeros(1, np.uint32), words, words, np.array([1], np.int16))
    named = [
        CAPABILITIES[int(classify(Requests(np.array([sum(bits[name] for name in tags)], np.uint64), *rest))[0])]
        for tags in (("agentic", "trace"), ("agentic", "tools", "synthesis"), ("trace",), ("synthesis",), ("agentic",))
    ]
    assert named == ["agentic_coding", "agentic_coding", "trace_coercion", "data_synthesis", "unknown"]


def test_tools_of_which_none_was_called_yet_are_tool_use() -> None:
    tags = np.array([tag_bits()["agentic"] | tag_bits()["tools"]] * 2, np.uint64)
    structure = np.array([Structure.TOOLS, Structure.TOOLS | Structure.TOOL_RESULT], np.uint32)
    words, turns = np.full(2, 50, np.int32), np.ones(2, np.int16)
    codes = classify(Requests(tags, structure, words, words, turns))
    assert [CAPABILITIES[code] for code in codes] == ["tool_use", "agentic_coding"]


INSTRUCTION = "You are a strict judge. Explain every step of your reasoning before you answer."
ITEMS = [f"The {a} river runs through the {b} valley." for a, b in zip("abcdefgh", "ijklmnop", strict=True)]


def told(place: str, item: str) -> dict[str, object]:
    """An instruction and its material, in one of the places where an operator puts them."""
    human, go = {"role": "user", "content": item}, {"role": "user", "content": "Go ahead."}
    if place == "instruction":
        return {"system": json.dumps(INSTRUCTION), "messages": json.dumps([human])}
    whole = f"{INSTRUCTION}\n{item}"
    if place == "system":
        return {"system": json.dumps(whole), "messages": json.dumps([go])}
    if place == "earlier":
        asked = [{"role": "user", "content": whole}, {"role": "assistant", "content": "Shall I?"}, go]
        return {"messages": json.dumps(asked)}
    return {"messages": json.dumps([go, {"role": "tool", "tool_call_id": "1", "content": whole}])}


@pytest.mark.parametrize("place", ["instruction", "system", "earlier", "result"])
def test_an_instruction_is_content_wherever_it_stands(place: str) -> None:
    """Its sentences are templates, what it asks is seen, and its words are mined, however many send it."""
    rows = [told(place, item) for item in ITEMS]
    engine = engine_of(rows, [*range(len(rows))])
    held = engine.arrow(
        "SELECT t.token, count(DISTINCT t.x) AS n FROM template_token t "
        f"WHERE channel = '{'system' if place in ('instruction', 'system') else 'segment'}' GROUP BY ALL"
    ).to_pylist()
    assert [row["n"] for row in held].count(len(ITEMS)) >= 2, "both sentences of the instruction"
    said = engine.arrow("SELECT said FROM intent")["said"].to_pylist()
    assert len(said) == len(ITEMS) and all(tag & tag_bits()["reasoning"] for tag in said)
    instruction = sketch(batch([{"messages": json.dumps(INSTRUCTION)}]), KEY).column("stems").to_pylist()[0]
    kept = [set(row) for row in engine.arrow("SELECT stems FROM exchange")["stems"].to_pylist()]
    mined = all(len(row & set(instruction)) >= len(instruction) / 2 for row in kept)
    assert mined == (place in ("earlier", "result")), "a system text is not mined"
    assert engine.arrow("SELECT count(DISTINCT filler) AS n FROM filler")["n"].to_pylist() == [len(ITEMS)]


def test_what_many_say_in_a_short_system_text_is_said_and_nobodys_intent() -> None:
    """Five users of one framework ask nothing by its words; a group that alone sends them says them."""
    engine = engine_of([told("instruction", item) for item in ITEMS], [*range(len(ITEMS))])
    rows = engine.arrow("SELECT tags, said FROM intent").to_pylist()
    assert all(row["tags"] == 0 and row["said"] & tag_bits()["reasoning"] for row in rows)


def test_a_long_system_text_is_a_preamble_and_no_content() -> None:
    long = {"system": json.dumps(" ".join(f"{INSTRUCTION} Rule {n} holds." for n in range(4)))}
    engine = engine_of([told("instruction", item) | long for item in ITEMS], [*range(len(ITEMS))])
    assert engine.arrow("SELECT * FROM template_token WHERE channel IN ('segment', 'system')").num_rows == 0
    assert all(row["said"] == row["tags"] for row in engine.arrow("SELECT * FROM intent").to_pylist())


def test_the_words_of_a_system_text_are_not_mined_with_the_turns() -> None:
    """Whoever copies an honest system text would make its users share what the campaign asks."""
    whole, alone = told("instruction", INSTRUCTION), {"messages": json.dumps(INSTRUCTION)}
    rows = pa.Table.from_batches([sketch(batch([whole | {"system": json.dumps(ITEMS[0])}, alone]), KEY)])
    assert rows["stems"].to_pylist()[0] == rows["stems"].to_pylist()[1]


def test_blanks_do_not_make_a_system_text_long() -> None:
    padded = {"system": json.dumps(INSTRUCTION + " " * 9_000)}
    engine = engine_of([told("instruction", item) | padded for item in ITEMS], [*range(len(ITEMS))])
    assert engine.arrow("SELECT DISTINCT token FROM template_token WHERE channel = 'system'").num_rows == 2


def test_what_was_asked_in_an_exchange_of_its_own_is_read_there() -> None:
    """ "Go on" makes no instruction of the question before it, nor asks it again."""
    question = "Explain every step of your reasoning about the Orne, and then draw the valley."
    talk = [question, [said("user", question), said("assistant", "Here."), said("user", "go on")]]
    rows = [{"messages": json.dumps(turns)} for turns in talk]
    engine = engine_of(rows, [0, 0])
    assert engine.arrow("SELECT x FROM begun")["x"].to_pylist() == [1]
    assert engine.arrow("SELECT x FROM intent WHERE said <> 0")["x"].to_pylist() == [0]
    assert engine.arrow("SELECT * FROM static_segment").num_rows == 0
    other = engine_of(rows, [0, 1])
    assert other.arrow("SELECT x FROM begun").num_rows == 0, "who never asked it says it now"
