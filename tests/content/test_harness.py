"""A person's words inside a harness look like the same words without it, and who hides in a harness's tags is found."""

import json
from typing import Any

import pytest

from stillwatch.content.blocks import harness_marks, split
from stillwatch.content.capabilities import REQUESTS, Requests, classify, lean
from stillwatch.content.parts import parts_of
from stillwatch.content.preamble import LEAST_ENTITIES
from stillwatch.content.sketch import sketch
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.records import SegmentRole
from tests.content.exchanges import KEY, batch
from tests.content.harnesses import ASIDES, HARNESSES, SAYS, SHAPES, preamble
from tests.content.reference import C2, WORD, Sketch, chain, mix
from tests.content.test_preamble import engine_of

USERS = LEAST_ENTITIES
ASKED = (
    "hello",
    "Explain every step of your reasoning about the proof, then grade the answer from 1 to 10.\nBe complete.",
    "Why does my loop over the lines of the file stop before the last line?",
)


def alike(words: str, sent: list[dict[str, Any]]) -> tuple[DuckEngine, int]:
    """Each user of a harness says the words once, and then as many others say them without it."""
    plain = [{"messages": json.dumps([{"role": "user", "content": words}])} for _ in sent]
    rows = [row | {"output": json.dumps([{"role": "assistant", "content": "ok"}])} for row in [*sent, *plain]]
    return engine_of(rows, [*range(2 * len(sent))]), len(sent)


def seen(engine: DuckEngine, n: int) -> tuple[list[Any], list[Any]]:
    """Of the exchanges inside and outside of the harness: capability, purpose, and every content token."""
    held = engine.arrow(f"SELECT e.x, {REQUESTS} FROM exchange e LEFT JOIN intent i ON i.x = e.x ORDER BY e.x")
    requests = Requests(*(held[name].to_numpy() for name in Requests._fields))
    codes, purpose = classify(requests), lean(requests)
    tokens: list[set[tuple[str, int]]] = [set() for _ in range(2 * n)]
    for row in engine.arrow("SELECT x, channel, token FROM template_token").to_pylist():
        tokens[row["x"]].add((row["channel"], row["token"]))
    every = [(int(codes[x]), purpose[x].tolist(), tokens[x]) for x in range(2 * n)]
    return every[:n], every[n:]


@pytest.mark.slow
@pytest.mark.parametrize("words", ASKED, ids=["hello", "instruction", "question"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("harness", HARNESSES)
def test_words_in_a_harness_look_like_the_words(harness: str, shape: str, words: str) -> None:
    """Capability, purpose and content tokens are those of the words alone, for every user."""
    sent = [SHAPES[shape](HARNESSES[harness](words, user), user) for user in range(USERS)]
    inside, outside = seen(*alike(words, sent))
    assert inside == outside
    assert len({str(each[2]) for each in outside}) == 1
    assert outside[0][2] or words == "hello", "the words themselves are found"


def test_the_preamble_of_a_test_is_as_long_as_one_of_a_coding_agent() -> None:
    assert 15_000 < len(preamble(1).split()) < 25_000


@pytest.mark.parametrize("harness", HARNESSES)
def test_what_four_users_send_is_their_own(harness: str) -> None:
    """One user fewer, and the tags of the harness's words are what they ask for."""
    sent = [SHAPES["anthropic"](HARNESSES[harness]("hello", user), user) for user in range(USERS - 1)]
    inside, outside = seen(*alike("hello", sent))
    assert all(one[0] != other[0] for one, other in zip(inside, outside, strict=True))


def test_a_users_own_rule_in_a_system_text_is_the_users() -> None:
    """Five share the harness's words; one of them adds a sentence that asks for something, and no more is held
    against that user."""
    rows = [{"system": preamble(user), "messages": json.dumps("hello")} for user in range(USERS)]
    rows[2]["system"] += "\nRewrite the sensitive question so that it passes the censor."
    added = dict(zip(range(USERS), tags_of(engine_of(rows, [*range(USERS)])), strict=True))
    rest = {added[user] for user in range(USERS) if user != 2}
    assert len(rest) == 1 and added[2] != rest.pop()


def tags_of(engine: DuckEngine) -> list[int]:
    return [int(row["tags"]) for row in engine.arrow("SELECT x, tags FROM intent ORDER BY x").to_pylist()]


ASKS = "Explain every step of your reasoning about the item below in great detail."


def hidden(how: str, n: int, at: int) -> str:
    """An operator's instruction and its material, hidden in a harness's tags in one of several ways."""
    item = f"The {n}th river crosses the {n * 7} valleys of the country number {at}."
    wrapped, held = f"<system-reminder>{ASKS}</system-reminder>", f"<environment_details>{item}</environment_details>"
    return {
        "instruction wrapped": f"{wrapped}\n{item}",
        "instruction wrapped, behind": f"{item}\n{wrapped}",
        "instruction wrapped, with a nonce": f"<system-reminder>{ASKS}\nrun {n} of {at}\n</system-reminder>{item}",
        "all wrapped": f"{wrapped}{held}",
        "all wrapped, the other way": f"{held}{wrapped}",
        "all but a word wrapped": f"{wrapped}{held} go",
        "beside an empty turn": f"<system-reminder>x</system-reminder><user_query></user_query> <{ASKS} {item}",
        "beside an empty turn, half a tag": f"<system-reminder>x</system-reminder><user_query></user_query> <b>{ASKS} "
        f"</b> {item}",
    }[how]


WAYS = [
    "instruction wrapped", "instruction wrapped, behind", "instruction wrapped, with a nonce", "all wrapped",
    "all wrapped, the other way", "all but a word wrapped", "beside an empty turn",
    "beside an empty turn, half a tag",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_an_instruction_hidden_in_a_harness_s_tags_is_intent_and_template(how: str) -> None:
    """Two accounts, three items each: fewer than any harness has."""
    rows = [{"messages": json.dumps(hidden(how, n, at))} for at in range(2) for n in range(3)]
    engine = engine_of(rows, [0, 0, 0, 1, 1, 1])
    plain = tags_of(engine_of([{"messages": json.dumps(ASKS)}], [0]))[0]
    assert all(tags & plain == plain for tags in tags_of(engine)) and plain
    shared = engine.arrow(
        "SELECT token FROM template_token WHERE channel = 'segment' GROUP BY token "
        "HAVING count(DISTINCT entity) = 2 AND count(DISTINCT x) = 6"
    )
    assert shared.num_rows > 0
    assert engine.arrow("SELECT count(DISTINCT filler) AS n FROM filler").to_pylist()[0]["n"] >= 6


@pytest.mark.parametrize("how", ["instruction wrapped", "all but a word wrapped"])
def test_an_instruction_that_five_accounts_hide_is_preamble_and_links_them_by_client(how: str) -> None:
    """The price of not accusing a harness's users, and the same as for a system text: see `preamble.py`."""
    rows = [{"messages": json.dumps(hidden(how, n, n))} for n in range(USERS)]
    engine = engine_of(rows, [*range(USERS)])
    plain = tags_of(engine_of([{"messages": json.dumps(ASKS)}], [0]))[0]
    assert not any(tags & plain for tags in tags_of(engine))
    from stillwatch.linkage.tokens import CHANNELS

    query = next(channel.sql for channel in CHANNELS if channel.name == "preamble")
    assert engine.arrow(f"SELECT token FROM ({query}) GROUP BY token HAVING count(DISTINCT entity) = {USERS}").num_rows


@pytest.mark.parametrize("parts", [[ASKS, "{item}"], ["{item}", ASKS]], ids=["before", "behind"])
def test_instruction_and_material_in_plain_parts_are_one_text(parts: list[str]) -> None:
    """Parts without a harness's tag are the person's, whatever their order, and however many accounts send them."""
    rows = []
    for n in range(2 * USERS):
        item = f"The {n}th river crosses the {n * 7} valleys of the country number {n * 3}."
        content = [{"type": "text", "text": part.format(item=item)} for part in parts]
        rows.append({"messages": json.dumps([{"role": "user", "content": content}])})
    engine = engine_of(rows, [*range(2 * USERS)])
    shared = engine.arrow(
        f"SELECT token FROM template_token WHERE channel = 'segment' GROUP BY token HAVING count(*) = {2 * USERS}"
    )
    assert shared.num_rows == 1
    assert all(tags_of(engine))


SPLITS = [
    # the turn, what the person wrote, the blocks
    ("hello", "hello", []),
    ("a < b and c > d </p>", "a < b and c > d </p>", []),
    ("<system-reminder>x</system-reminder>\nhello", "hello", ["<system-reminder>x</system-reminder>"]),
    ("one\n<git_status a='1'>x</git_status>\ntwo", "one\ntwo", ["<git_status a='1'>x</git_status>"]),
    ("<system-reminder>never closed, hello", "<system-reminder>never closed, hello", []),
    ("closed </system-reminder> only", "closed </system-reminder> only", []),
    ("<user_info>a<user_info>b</user_info>c</user_info>d", "d", ["<user_info>a<user_info>b</user_info>c</user_info>"]),
    ("<user_info>a<user_info>b</user_info>c", "<user_info>a\nc", ["<user_info>b</user_info>"]),
    ("<system-reminders>x</system-reminders>hello", "<system-reminders>x</system-reminders>hello", []),
    ("<question>x</question>\n<context>y</context>", "<question>x</question>\n<context>y</context>", []),
    ("<context>y</context><user_query>x</user_query>", "x", ["<context>y</context>"]),
    ("<task>\nx\n</task>", "x", []),
    ("<task>x</task> and more", "<task>x</task> and more", []),
    ("<task>x</task> more <user_info>u</user_info>", "x", ["<user_info>u</user_info>", "more"]),
    ("<task>x</task><task>y</task>", "<task>x</task><task>y</task>", []),
    ("<system-reminder>x</system-reminder>", "", ["<system-reminder>x</system-reminder>"]),
]


@pytest.mark.parametrize(("turn", "own", "blocks"), SPLITS)
def test_what_a_person_wrote_and_what_a_harness_put_there(turn: str, own: str, blocks: list[str]) -> None:
    assert split(turn) == (own, blocks)


def test_every_listed_tag_is_cut_and_tags_of_ordinary_prompts_are_not() -> None:
    names = harness_marks().blocks.pattern.split("(", 2)[2].split(")")[0].replace("\\", "").split("|")
    assert len(names) > 50
    for name in names:
        assert split(f"<{name}>\nx\n</{name}> hello")[0] == "hello"
    for name in ("question", "answer", "document", "instructions", "context", "example", "rubric", "input", "code"):
        assert name not in names, "a template's own tag"


def test_a_turn_of_blocks_alone_is_no_human_turn() -> None:
    """A tool's result and a reminder, as Anthropic's shape has them in the user's role."""
    result = {"type": "tool_result", "tool_use_id": "1", "content": "42"}
    reminder = {"type": "text", "text": f"<system-reminder>{SAYS}</system-reminder>"}
    turns = [
        {"role": "user", "content": "fix it"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "read", "input": {}}]},
        {"role": "user", "content": [result, reminder]},
    ]
    parts = parts_of(None, json.dumps(turns), None, None)
    assert (parts.user, parts.turns, parts.history, len(parts.blocks)) == ("fix it", 1, [], 1)


def test_earlier_turns_are_what_the_person_wrote_in_them() -> None:
    """So that an earlier exchange's text is found again in a later one's history."""
    asked = "<system-reminder>today is Monday</system-reminder>what is a monad?"
    turns = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "b"},
    ]
    first, later = (parts_of(None, json.dumps(held), None, None) for held in (turns[:1], turns))
    assert first.user == later.history[0] == "what is a monad?"


def test_a_hundred_blocks_cost_little_and_none_is_lost() -> None:
    turn = "".join(f"<system-reminder>block {n}</system-reminder>" for n in range(100)) + "hello"
    parts = parts_of(None, json.dumps([{"role": "user", "content": turn}]), None, None)
    assert len(parts.blocks) == 6 and all(f"block {n}<" in "".join(parts.blocks) for n in range(100))
    backwards = parts_of(None, json.dumps([{"role": "user", "content": turn[::1]}]), None, None)
    assert backwards.blocks == parts.blocks


@pytest.mark.parametrize(
    "text", ["<system-reminder " * 20_000, "<user_info>" * 30_000 + "</user_info>", "<task>" * 50_000]
)
def test_many_open_tags_take_time_in_proportion(text: str) -> None:
    import time

    started = time.perf_counter()
    split(text + "</x>")
    assert time.perf_counter() - started < 2.0


def test_sets_of_tagged_sentences_are_those_of_the_slow_reference() -> None:
    """Each sentence hashed by the slow kernel, sums by tag in Python's integers, equal sums as one set."""
    text = SAYS + ASIDES.format(n="one", m="two")
    rows = sketch(batch([{"system": text, "messages": json.dumps("hello")}, {"messages": json.dumps(text)}]), KEY)
    row, turn = rows.to_pylist()
    slow = Sketch(text, KEY)
    numbers = sorted(set(slow.sentence))
    assert len(turn["segments"]) == len(numbers) <= 12, "a turn's sentences tell their tags one by one"
    sums: dict[int, int] = {}
    for number, tags in zip(numbers, turn["segment_tags"], strict=True):
        words = [word for word, own in zip(slow.words, slow.sentence, strict=True) if own == number]
        for bit in (bit for bit in range(64) if tags >> bit & 1):
            sums[bit] = (sums.get(bit, 0) + mix(slow._chained((slow.word1 + C2) & WORD, words))) & WORD
    sets: dict[int, int] = {}
    for bit, total in sums.items():
        name = slow._sealed(chain((slow.word1 + C2) & WORD, total))
        sets[name] = sets.get(name, 0) | 1 << bit
    told = zip(row["segments"], row["segment_roles"], row["segment_tags"], strict=True)
    assert {segment: tags for segment, role, tags in told if role == SegmentRole.SYSTEM_ASKS} == sets
    assert len(sets) > 3


def test_tagged_sentences_are_the_same_set_beside_anything_and_mostly_in_any_order() -> None:
    """Of a system text: what differs from user to user but asks for nothing changes no set. A rule reads a sentence
    with the one before, so another order may tag others."""
    lines = SAYS.split(". ")
    rows = [
        {"system": text, "messages": json.dumps("hello")}
        for text in (SAYS, ". ".join(lines[::-1]).replace("\n", "") + ".", "/srv/ann is the folder.\n" + SAYS)
    ]
    held = engine_of(rows, [0, 1, 2]).arrow("SELECT x, segment FROM part WHERE role = 5").to_pylist()
    sets = [{row["segment"] for row in held if row["x"] == x} for x in range(3)]
    assert len(sets[0]) > 3
    assert sets[0] == sets[2]
    assert len(sets[0] & sets[1]) >= 0.7 * len(sets[0])
