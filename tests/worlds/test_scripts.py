"""Scripts are pure: equal arguments give equal words; paraphrase and material behave as promised."""

import json
from collections import Counter

import pytest

from stillwatch.worlds import corpus
from stillwatch.worlds.chance import Dice, key, token
from stillwatch.worlds.corpus import lexicon
from stillwatch.worlds.honest.tutors import Lesson
from stillwatch.worlds.operators.agentic import ACT, REPAIR, Trajectories
from stillwatch.worlds.operators.coercion import COERCE, Coercion
from stillwatch.worlds.operators.grading import COMPARE, GRADE, Grading
from stillwatch.worlds.operators.material import Problems
from stillwatch.worlds.operators.pipeline import ORDERS, STAGES, Stage
from stillwatch.worlds.operators.reasoning import DERIVE, EXPLAIN, SOLVE, Reasoning
from stillwatch.worlds.operators.rewriting import REWRITE, Rewrites
from stillwatch.worlds.operators.synthesis import MAKE, Synthesis
from stillwatch.worlds.operators.wording import Manner
from stillwatch.worlds.voices import Chat, Voice, bank
from stillwatch.worlds.words import Script, render, render_output

NEW = (*DERIVE, *REPAIR, *(wording for stage in STAGES for wording in ORDERS[stage]))


@pytest.fixture(scope="module")
def texts() -> corpus.Corpus:
    return corpus.load()


@pytest.fixture(scope="module")
def scripts(texts: corpus.Corpus) -> list[Script]:
    return [
        Reasoning(texts, 3, Manner(0.3)),
        Reasoning(texts, 3, Manner(0.3), explain=True),
        Grading(texts, 3, Manner(0.3)),
        Grading(texts, 3, Manner(0.3), compare=True),
        Trajectories(texts, 3, Manner(0.3), tools=True),
        Trajectories(texts, 3, Manner(0.3), tools=False),
        Synthesis(texts, 3, Manner(0.3)),
        Coercion(texts, 3, Manner(0.3)),
        Rewrites(texts, 3, Manner(0.3)),
        *(
            Stage(texts, 3, Manner(0.3, frame="{document} -- {question}", preamble="An app."), stage)
            for stage in STAGES
        ),
        Reasoning(texts, 3, Manner(0.3, own=4, voice=Voice(bank(texts), 9))),
        *(Lesson(texts, words, 3) for words in lexicon("tutors")),
        Chat(texts, Voice(bank(texts), 9), 3),
    ]


@pytest.mark.slow
def test_every_script_is_pure_and_writes_json(scripts: list[Script]) -> None:
    for script in scripts:
        for item in range(60):
            words = script.write(item, item % 3)
            assert words == script.write(item, item % 3)
            for bare in (False, True):
                json.loads(render(words.messages, bare))
                json.loads(render_output(words.output.words, "stop", bare))
            for whole in (words.system, words.tools):
                assert whole is None or isinstance(json.loads(whole), list)


@pytest.mark.slow
def test_a_conversation_keeps_what_was_said(scripts: list[Script]) -> None:
    chat = scripts[-1]
    earlier, later = chat.write(4, 1).messages, chat.write(4, 2).messages
    assert later[: len(earlier)] == earlier


def test_each_item_is_another_problem(texts: corpus.Corpus) -> None:
    problems = Problems(texts, 17)
    seen = Counter(problems[number] for number in range(4000))
    assert seen.most_common(1)[0][1] <= 2
    assert len(seen) > 3960


@pytest.mark.parametrize("wording", [*SOLVE, *EXPLAIN, *GRADE, *COMPARE, *ACT, *MAKE, *COERCE, *REWRITE, *NEW])
def test_a_paraphrase_keeps_the_material_and_changes_the_words(wording) -> None:
    item = "What is {this}? \0 2 + 2"
    canonical = wording.text(item.replace("\0", ""), Dice(1), paraphrased=False)
    others = {wording.text(item.replace("\0", ""), Dice(seed), paraphrased=True) for seed in range(200)}
    assert all("What is {this}?" in text for text in others)
    assert canonical == wording.text(item.replace("\0", ""), Dice(2), paraphrased=False)
    assert len(others) > 40
    assert not any("{{" in text or "}}" in text for text in others)


def test_draws_are_pure_and_even() -> None:
    assert [Dice(7).bits() for _ in range(2)] == [Dice(7).bits()] * 2
    assert key("a", "bc") != key("ab", "c")
    assert len({token("row", number) for number in range(10_000)}) == 10_000
    dice = Dice(1)
    mean = sum(dice.unit() for _ in range(20_000)) / 20_000
    assert abs(mean - 0.5) < 0.01
    assert sorted(Dice(3).few(range(10), 10)) == list(range(10))


def test_material_with_hostile_letters_stays_inside_its_string(texts: corpus.Corpus) -> None:
    words = Reasoning(texts, 3, Manner(1.0)).write(1, 0)
    hostile = 'a"b\\c\n\x00\u202e{0}{item}'
    text = SOLVE[0].text(hostile.replace("\x00", ""), Dice(1), paraphrased=True)
    assert hostile.replace("\x00", "") in text
    assert words.messages[0].role == "user"
