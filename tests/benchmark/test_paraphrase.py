"""The measuring of template families under paraphrase: its arithmetic on tiny inputs, its worlds and its sets."""

import importlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from stillwatch.linkage.incidence import channel as product_channel
from stillwatch.linkage.membership import MemberMatrix
from stillwatch.records import Family

KAPPAS = (0.0, 0.05, 0.2, 0.6, 1.0)


@pytest.fixture(scope="module")
def bench(root: Path) -> SimpleNamespace:
    names = ("nats", "material", "slots", "world", "hostile", "sources", "collect", "plan", "measure", "neighbours")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        return SimpleNamespace(**{name: importlib.import_module(f"paraphrase.{name}") for name in names})


def made(rng: np.random.Generator, n: int, members: int, shared: int) -> tuple[np.ndarray, np.ndarray]:
    """n accounts with five tokens each of 400; the first `members` show `shared` tokens of their own besides."""
    entity = np.repeat(np.arange(n), 5)
    token = rng.integers(0, 400, size=5 * n)
    own = np.repeat(np.arange(members), shared)
    return np.concatenate([entity, own]), np.concatenate([token, 1_000 + np.tile(np.arange(shared), members)])


# ------------------------------------------------------------------------------------------------ nats


def test_one_shared_token_gives_what_arithmetic_says(bench: SimpleNamespace) -> None:
    n, members = 1_000, np.arange(10)
    entity = np.concatenate([np.arange(n), members])
    token = np.concatenate([np.arange(n), np.full(10, n)])
    got = bench.nats.scores([bench.nats.channel(entity, token, n)], members)
    share = 9 / 9.5
    chance = -math.expm1(-2 * 0.5 / (n - 10))  # two tokens a member; nobody outside holds it, which counts as a half
    logs = [math.log1p(min(k * share, 0.98) * (1 - chance) / chance) for k in KAPPAS]
    assert np.allclose(got.members, math.log(sum(map(math.exp, logs)) / 5))
    assert len(got.outsiders) == 0
    assert got.unmet < 0


def test_a_token_that_one_other_member_shows_says_nothing_for_it(bench: SimpleNamespace) -> None:
    n = 500
    entity = np.concatenate([np.arange(n), [0, 1]])
    token = np.concatenate([np.arange(n), [n, n]])
    got = bench.nats.scores([bench.nats.channel(entity, token, n)], np.arange(8)).members
    assert np.allclose(got[:2], 0)
    assert (got[2:] < 0).all()  # two others show it, and they do not


@pytest.mark.parametrize("seed", range(3))
def test_what_is_said_of_an_account_is_not_taken_from_it(bench: SimpleNamespace, seed: int) -> None:
    """Members who are strangers to each other: their ratios are on average at most about 1."""
    rng = np.random.default_rng(seed)
    n, groups, found = 2_000, [], []
    entity, token = made(rng, n, 0, 0)
    channel = bench.nats.channel(entity, token, n)
    for _ in range(60):
        groups.append(np.sort(rng.choice(n, 40, replace=False)))
        found.append(bench.nats.scores([channel], groups[-1]).members)
    assert np.exp(np.concatenate(found)).mean() < 1.05


@pytest.mark.parametrize("seed", range(3))
def test_outsiders_have_what_the_product_gives_them(bench: SimpleNamespace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, members = 600, np.arange(20)
    entity, token = made(rng, n, 20, 3)
    lent = rng.choice(np.arange(20, n), 30, replace=False)
    entity, token = np.concatenate([entity, lent]), np.concatenate([token, np.full(30, 1_001)])
    ours = bench.nats.scores([bench.nats.channel(entity, token, n)], members)
    matrix = MemberMatrix((product_channel("exact", (Family.CONTENT,), entity, token, n),))
    profile = matrix.profile(members.astype(np.int32), np.ones(len(members)))
    theirs = matrix.ratios(ours.outsiders.astype(np.int32), np.zeros(len(ours.outsiders)), profile)
    assert len(ours.outsiders) >= 30
    assert np.allclose(ours.outside, theirs, atol=1e-9)


def test_a_silent_channel_abstains(bench: SimpleNamespace) -> None:
    rng = np.random.default_rng(4)
    entity, token = made(rng, 400, 12, 2)
    speaking = bench.nats.channel(entity, token, 400)
    silent = bench.nats.channel(np.arange(200, 400), np.arange(200), 400)
    alone = bench.nats.scores([speaking], np.arange(12)).members
    assert np.allclose(bench.nats.scores([speaking, silent], np.arange(12)).members, alone)
    assert alone.min() > 5


def test_the_threshold_lets_no_more_than_its_rate_through(bench: SimpleNamespace) -> None:
    outcomes = [
        bench.measure.Outcome("s", "f", 9, np.zeros(3), np.zeros(3), np.arange(50.0), 10_000, np.zeros(50, bool))
        for _ in range(2)
    ]
    bar = bench.measure.threshold(outcomes, 1e-3)
    assert sum(int((outcome.honest > bar).sum()) for outcome in outcomes) <= 20
    assert bar == 39.0


# ------------------------------------------------------------------------------------------------ worlds


def little(bench: SimpleNamespace) -> tuple[object, object]:
    """Material and a family, made up."""
    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty"]
    rng = np.random.default_rng(0)
    sentences = [f"{' '.join(rng.choice(words, 7))} number {at}." for at in range(20_000)]
    wordings = [f"Way {at} to ask: say if {{text}} is good. {{options}}" for at in range(50)]
    family = bench.material.Family("made", "up", "up", "tune", wordings, ["en"] * 50)
    prompts = [f"What is {sentence}" for sentence in sentences[:3_000]]
    tasks = [bench.material.Task(f"t{at}", f"Sort out rule {at} for these.", prompts[:30]) for at in range(20)]
    material = bench.material.Material(
        [family], sentences, prompts, prompts[:500], prompts[500:900], ["You are a pirate."] * 3, prompts[:40],
        ["Judge {answer} by {rubric}."], tasks, [[f"Was ist {text}" for text in prompts[:200]]],
    )  # fmt: skip
    return material, family


def test_a_world_is_the_same_twice_and_keeps_its_honest_crowd(bench: SimpleNamespace) -> None:
    material, family = little(bench)
    specs = [bench.world.Spec(family, 6, "account", 0.5), bench.world.Spec(family, 5, "exchange", 0.8)]
    first, again, other = (bench.world.build(material, given, 7, 100) for given in (specs, specs, specs[:1]))
    assert first.texts == again.texts
    honest = first.entity < 100
    assert [t for t, kept in zip(first.texts, honest, strict=True) if kept] == other.texts[: int(honest.sum())]
    assert [len(campaign.members) for campaign in first.campaigns] == [6, 5]
    assert not first.work[honest].any()
    for campaign, cover in zip(first.campaigns, (0.5, 0.8), strict=True):
        own = np.isin(first.entity, campaign.members)
        assert abs(1 - first.work[own].mean() - cover) < 0.03


def test_every_account_has_its_wording_or_every_exchange_has(bench: SimpleNamespace) -> None:
    material, family = little(bench)
    for axis in ("account", "exchange"):
        world = bench.world.build(material, [bench.world.Spec(family, 5, axis)], 3, 20)
        said = [t.split(":")[0] for t, mine in zip(world.texts, world.work, strict=True) if mine]
        who = world.entity[world.work].tolist()
        if axis == "account":
            assert len(set(zip(who, said, strict=True))) == len(set(said)) == 5
        else:
            assert len(set(said)) == len(said) > 10


def test_a_sentence_is_used_once(bench: SimpleNamespace) -> None:
    rows = bench.slots.Rows([f"Sentence number {at} has seven or eight words." for at in range(50)], 1)
    chance = np.random.default_rng(1)
    said = [bench.slots.filled("Read {passage}", rows, chance) for _ in range(8)]
    numbers = [word for text in said for word in text.split() if word.isdigit()]
    assert len(numbers) == len(set(numbers)) > 8
    assert bench.slots.filled("{question} and {question}", rows, chance).count("number") == 2
    with pytest.raises(bench.slots.Exhausted):
        [bench.slots.filled("Read {passage}", rows, chance) for _ in range(60)]


@pytest.mark.parametrize("disguise", ["homoglyphs", "zero-width", "typos", "personas", "markdown"])
def test_a_disguise_changes_the_text_and_none_leaves_it(bench: SimpleNamespace, disguise: str) -> None:
    chance = np.random.default_rng(2)
    text = "Please describe the weather in a coastal town where nobody has ever carried an umbrella."
    assert bench.hostile.disguised([text], "", chance) == [text]
    assert bench.hostile.disguised([text], disguise, chance) != [text]


def test_no_two_operators_of_a_world_ask_the_same(bench: SimpleNamespace) -> None:
    families = [
        bench.material.Family(f"set{number % 3}", f"f{number}", f"task{number % 7}", "test", ["{text}"] * size,
                              ["en"] * size)
        for number, size in enumerate([60, 5, 9, 12, 6, 8, 7, 5, 20, 11])
    ]  # fmt: skip
    for cell in bench.plan.cells(False):
        if cell.axis in ("account", "pool"):
            tasks = [spec.family.task for spec in bench.plan.specs(cell, families, "test", 1)]
            assert len(tasks) == len(set(tasks)) == 7


# ------------------------------------------------------------------------------------------------ sets and methods


def test_templates_become_wordings(bench: SimpleNamespace) -> None:
    plain = bench.sources.plain_jinja
    assert plain("{{claim}} Is this true?\n|||\n{{x}}", "Yes|||No") == "{claim} Is this true?"
    assert (
        plain("{% if a %}Say {{ b.c }}{% else %}Tell{% endif %} {{ answer_choices[1] }}.", "Yes|||No") == "Say {b} No."
    )
    assert plain("Choose {{answer_choices | join(', ')}}", "{{ x }}") == "Choose {options}"
    assert plain("{% for a in b %}{{a}}{% endfor %}", "") == ""


def test_families_of_one_task_stand_in_one_half(bench: SimpleNamespace) -> None:
    Wording = bench.sources.Wording
    given = [
        Wording(name, family, bench.sources.task_of(family), f"Way {at} to ask about {{text}} here", "s", "MIT")
        for name, family in (("a", "rte"), ("b", "super_glue/rte"), ("b", "glue/mnli"), ("c", "rare"))
        for at in range(6 if family != "rare" else 4)
    ]
    rows = bench.collect.united(given)
    assert {(row["set"], row["family"]) for row in rows} == {("a", "rte"), ("b", "super_glue/rte")}
    assert len({row["half"] for row in rows}) == 1  # glue/mnli says what rte of the same set says: one family


def test_neighbours_make_one_family_of_like_texts(bench: SimpleNamespace) -> None:
    rng = np.random.default_rng(5)
    words = [f"word{at}" for at in range(3_000)]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    texts += [f"kindly weigh whether statement holds water {' '.join(rng.choice(words, 3))}" for _ in range(20)]
    (entity, token), *_ = bench.neighbours.clustered(np.arange(320), bench.neighbours.tfidf(texts), (0.25,))
    alike = token[np.isin(entity, np.arange(300, 320))]
    assert len(alike) == 20
    assert len(set(alike.tolist())) == 1


def test_the_present_channels_are_those_of_the_product(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        methods: ModuleType = importlib.import_module("paraphrase.methods")
    ask = 'Decide whether the sentence "{}" was written by a poet. Answer yes or no, and nothing else please.'
    texts = [ask.format(f"quoted words number {at} of mine") for at in range(6)] + [
        "Where is the station of this town?"
    ]
    given = methods.present(np.arange(7, dtype=np.int32), texts)
    assert len(given) == 5
    exact, head, tail, segment, _ = ({int(e) for e in entity} for entity, _ in given)
    assert exact == tail == set(range(6))
    assert head <= set(range(6)) and segment == set(range(6))
    ((_, token),) = methods.exact_hash(np.arange(2, dtype=np.int32), ["Is it  so?", "is it so?"])
    assert len(set(token.tolist())) == 1


@pytest.mark.slow
def test_the_command_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "paraphrase.py")]
    bare = {k: v for k, v in os.environ.items() if not k.startswith("STILLWATCH_")}
    done = subprocess.run(command, capture_output=True, text=True, env=bare, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("skipped: STILLWATCH_PARAPHRASE_SETS")
    named = [*command, "--sets", str(tmp_path), "--shared", str(tmp_path)]
    done = subprocess.run(named, capture_output=True, text=True, env=bare, check=False)
    assert "collect.py" in done.stdout + done.stderr


def test_twelve_languages_are_written_by_hand(root: Path) -> None:
    lines = (root / "benchmarks" / "paraphrase" / "languages.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({row["language"] for row in rows}) == 12
    assert all("{text}" in row["wording"] and "by hand" in row["source"] for row in rows)
