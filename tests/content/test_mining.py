"""Mining: instructions out of prompts, families out of instructions; whose words they are, in whatever order they
came."""

import random

import numpy as np
import pytest

from stillwatch.content import mining
from stillwatch.content.mining import Prompts, Shown, families
from stillwatch.content.mining_kernel import mine
from stillwatch.content.sketch import sketch
from tests.content.exchanges import KEY, asked

WORDINGS = (
    "Rate the following answer from one to ten and explain each weakness of the answer: {}",
    "Here is an answer. Give a rating between one and ten, and explain every weakness you see. {}",
    "{} Judge that answer. What rating does it deserve, one to ten? Explain the weaknesses.",
    "You will see an answer; explain its weaknesses first, then write the rating from one to ten. {}",
)
"""Four wordings of one instruction."""


def filler(seed: int, words: int = 12) -> str:
    """Words of three syllables, of which there are a million."""
    drawn = random.Random(seed)
    return " ".join(
        "".join(drawn.choice("bdfgklmnprt") + drawn.choice("aeiou") for _ in range(3)) for _ in range(words)
    )


def prompts_of(texts: list[list[str]]) -> Prompts:
    """The prompts of entities 0, 1, 2 …"""
    rows = sketch(asked(*(text for own in texts for text in own)), KEY)
    stems, pairs = rows.column("stems"), rows.column("pairs")
    sizes = np.array([len(own) for own in stems.to_pylist()], np.int64)
    entity = np.repeat(np.arange(len(texts), dtype=np.int32), [len(own) for own in texts])
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Prompts(entity, ends, stems.flatten().to_numpy(), pairs.flatten().to_numpy())


def instructed(entity: int, wording: str, exchanges: int, cover: int) -> list[str]:
    """Prompts of one wording over material that nobody else has, and cover."""
    asks = [wording.format(filler(1_000 * entity + n)) for n in range(exchanges)]
    return asks + [filler(500_000 + 1_000 * entity + n, 20) for n in range(cover)]


def static(wording: str) -> set[int]:
    """The stems of a wording without its material's: whatever it stands beside, an odd one is left out."""
    with_others = [set(prompts_of([[wording.format(filler(k, 1))]]).stems.tolist()) for k in range(8)]
    alone = [set(prompts_of([[" ".join([filler(k, 1)] * 2 + ["x" * 9])]]).stems.tolist()) for k in range(8)]
    return set.union(*with_others) - set.union(*alone)


def holders(shown: list[Shown], prompts: Prompts, channel: str) -> dict[int, set[int]]:
    """The entities that show each family of a channel."""
    out: dict[int, set[int]] = {}
    for one in shown:
        if one.channel == channel:
            for prompt, token in zip(one.prompt.tolist(), one.token.tolist(), strict=True):
                out.setdefault(token, set()).add(int(prompts.entity[prompt]))
    return out


@pytest.mark.parametrize("cover", [0, 8, 16])
def test_an_instruction_is_mined_and_its_material_is_not(cover: int) -> None:
    prompts = prompts_of([instructed(1, WORDINGS[0], 4, cover)])
    mined = mine(prompts.entity, prompts.ends, prompts.stems, prompts.pairs)
    wanted, found = static(WORDINGS[0]), set(mined.stems.tolist())
    assert len(mined.entity) == 1 and mined.of[:4].tolist() == [0] * 4 and (mined.of[4:] == -1).all()
    assert found <= wanted and len(found) >= 0.8 * len(wanted)


def test_other_material_of_one_entity_is_no_instruction() -> None:
    prompts = prompts_of([[filler(n, 20) for n in range(30)]])
    assert not len(mine(prompts.entity, prompts.ends, prompts.stems, prompts.pairs).entity)


def test_two_instructions_of_one_entity_are_two() -> None:
    other = "Translate this paragraph into formal French and keep every proper name unchanged: {}"
    prompts = prompts_of([instructed(1, WORDINGS[0], 4, 0) + instructed(2, other, 4, 0)])
    mined = mine(prompts.entity, prompts.ends, prompts.stems, prompts.pairs)
    assert mined.of.tolist() == [0] * 4 + [1] * 4


def test_wordings_of_one_instruction_are_one_family_and_other_work_is_not() -> None:
    campaign = [instructed(n, WORDINGS[n % 4], 5, 5) for n in range(12)]
    others = [[filler(90_000 + 100 * n + k, 20) for k in range(10)] for n in range(60)]
    prompts = prompts_of(campaign + others)
    shown = families(prompts)
    for channel in ("coarse", "profile"):
        most = max(holders(shown, prompts, channel).values(), key=len)
        assert len(most & set(range(12))) >= (6 if channel == "coarse" else 12), channel
        assert not most - set(range(12)), channel


def test_a_family_of_one_entity_is_none() -> None:
    assert families(prompts_of([instructed(1, WORDINGS[0], 6, 2)])) == [] or all(
        len(one.prompt) == 0 for one in families(prompts_of([instructed(1, WORDINGS[0], 6, 2)]))
    )


def test_the_order_of_an_entity_s_prompts_and_of_entities_changes_no_family() -> None:
    texts = [instructed(n, WORDINGS[n % 4], 5, 3) for n in range(10)]
    turned = [own[::-1] for own in texts[::-1]]
    one, two = prompts_of(texts), prompts_of(turned)
    for channel in ("fine", "coarse", "profile"):
        first = {frozenset(held) for held in holders(families(one), one, channel).values()}
        second = {frozenset(9 - n for n in held) for held in holders(families(two), two, channel).values()}
        assert first == second, channel


def test_it_does_not_matter_how_many_stems_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [instructed(entity, WORDINGS[entity % len(WORDINGS)], 6, 3) for entity in range(24)]
    prompts = prompts_of(texts)
    whole = families(prompts)
    assert any(one.channel == "profile" and len(one.prompt) for one in whole)
    monkeypatch.setattr(mining, "AT_ONCE", 100)
    assert len(list(mining._runs(prompts))) > 5
    for one, other in zip(whole, families(prompts), strict=True):
        assert one.channel == other.channel
        assert one.prompt.tolist() == other.prompt.tolist() and one.token.tolist() == other.token.tolist()


def test_a_new_wording_in_each_exchange_is_one_profile() -> None:
    mixed = [[WORDINGS[k % 4].format(filler(7_000 + 100 * n + k)) for k in range(8)] for n in range(10)]
    others = [[filler(40_000 + 100 * n + k, 20) for k in range(10)] for n in range(60)]
    prompts = prompts_of(mixed + others)
    most = max(holders(families(prompts), prompts, "profile").values(), key=len)
    assert most == set(range(10))


@pytest.mark.slow
def test_the_holders_of_one_instruction_are_one_family_however_many_they_are() -> None:
    """Beside a thousand, and whatever entity stands first."""
    texts = [instructed(n, WORDINGS[0], 4, 0) for n in range(1_000)] + [[filler(n, 20)] * 2 for n in range(500)]
    one, two = prompts_of(texts), prompts_of(texts[::-1])
    for channel, least in (("fine", 900), ("coarse", 900), ("profile", 600)):
        most = max(holders(families(one), one, channel).values(), key=len)
        assert len(most) >= least and max(most) < 1_000, channel
        turned = max(holders(families(two), two, channel).values(), key=len)
        assert {1_499 - n for n in turned} == most, channel


def test_hostile_prompts_are_mined_and_kept_apart() -> None:
    same = [filler(1, 60)] * 64
    none = ["", "!!!", "1 2 3", "\u200b" * 50]
    prompts = prompts_of([same, none * 4, same[:2], ["a" * 5_000] * 3])
    mined = mine(prompts.entity, prompts.ends, prompts.stems, prompts.pairs)
    assert set(mined.entity.tolist()) <= {0, 2, 3}
    for channel in ("fine", "coarse", "profile"):
        assert all(len(held) == 1 or held == {0, 2} for held in holders(families(prompts), prompts, channel).values())


def test_a_family_keeps_its_name_whatever_others_ask() -> None:
    """So that tomorrow's run knows it again."""
    campaign = [instructed(n, WORDINGS[0], 6, 0) for n in range(10)]
    others = [[filler(60_000 + 100 * n + k, 20) for k in range(10)] for n in range(40)]
    some, more = prompts_of(campaign + others[:30]), prompts_of(campaign + others)
    for channel in ("fine", "coarse", "profile"):
        names = [set(holders(families(held), held, channel)) for held in (some, more)]
        assert names[0] & names[1], channel
