"""Who asks in the same words and shares no exit: several operators, and where one ends."""

import numpy as np
import pytest

from stillwatch.gather import group_tables
from stillwatch.linkage.groups import SAME, _Kept, _Others, confirmed_groups
from stillwatch.linkage.incidence import Channel, Incidence, Indices, channel
from stillwatch.linkage.membership import Membership, beside_itself, matrices_of, membership
from stillwatch.linkage.operators import LEAST_APART, Operators
from stillwatch.linkage.search import search
from stillwatch.records import Family
from tests.linkage.worlds import token_world

EACH = 40
N = 900


def shared(rng: np.random.Generator, bridged: int, outsiders: int = 0) -> Incidence:
    """Two operators of forty who use the same four wordings, each with twelve exits of its own, eight of which an
    account uses; `bridged` accounts of the first use exits of both, `outsiders` strangers each of the exits."""
    rows = [np.arange(N).repeat(6), np.arange(2 * EACH).repeat(4)]
    words = [rng.integers(0, 1_500, 6 * N), 10_000 + np.tile(range(4), 2 * EACH)]
    users = [np.arange(N).repeat(4), np.arange(2 * EACH).repeat(8), np.arange(bridged).repeat(8)]
    first, second = 10_000 + rng.integers(0, 12, 8 * EACH), 20_000 + rng.integers(0, 12, 8 * EACH)
    exits = [rng.integers(0, 1_500, 4 * N), first, second, 20_000 + rng.integers(0, 12, 8 * bridged)]
    for place in [*range(10_000, 10_012), *range(20_000, 20_012)] if outsiders else []:
        users.append(rng.choice(np.arange(2 * EACH, N), outsiders, replace=False))
        exits.append(np.full(outsiders, place))
    channels = (
        channel("exact", (Family.CONTENT,), np.concatenate(rows), np.concatenate(words), N),
        channel("block", (Family.INFRASTRUCTURE,), np.concatenate(users), np.concatenate(exits), N),
        channel("bin", (Family.REGISTRATION,), np.arange(N), rng.integers(0, 200, N), N),
    )
    keys, one = rng.integers(0, 2**63, N).astype(np.uint64), np.ones(N, dtype=np.int64)
    return Incidence(keys, one, channels, ((np.zeros(N, dtype=np.int32),),))


def of(world: Incidence) -> tuple[Membership, Operators]:
    families = world.families()
    matrices = matrices_of(world, families)
    grown = membership(world, np.arange(2 * EACH, dtype=np.int32), families, matrices)
    return grown, Operators(world, families, matrices)


def is_one(world: Incidence) -> bool:
    grown, operators = of(world)
    return [part.tolist() for part in operators.parts(grown)] == [grown.certain().tolist()]


@pytest.mark.parametrize("seed", range(3))
def test_two_operators_with_one_set_of_words_are_two(seed: int) -> None:
    grown, operators = of(shared(np.random.default_rng(seed), 0))
    parts = [operators.beside_itself(part) for part in operators.parts(grown)]
    assert len(grown.certain()) >= 2 * EACH, "words alone make one group of them"
    found = sorted((set(part.certain().tolist()) for part in parts), key=min)
    assert len(found) == 2 and not found[0] & found[1]
    assert len(found[0] & set(range(EACH))) == EACH and len(found[1] & set(range(EACH, 2 * EACH))) == EACH
    assert all((part.linked() or 0.0) > 0.9 for part in parts)


@pytest.mark.parametrize("outsiders", [0, 2, 3])
@pytest.mark.parametrize("bridged", [0, 20, 40])
def test_some_who_use_the_exits_of_both_make_them_one_whoever_uses_them_as_well(bridged: int, outsiders: int) -> None:
    """Exits that two or three strangers use as well part and join as others do."""
    for seed in range(3):
        assert is_one(shared(np.random.default_rng(seed), bridged, outsiders)) == (bridged > 0)


def test_where_no_text_is_seen_access_parts_nobody() -> None:
    world = shared(np.random.default_rng(1), 0)
    blind = Incidence(world.keys, world.accounts, world.channels[1:], world.stratifications)
    assert is_one(blind)


@pytest.mark.slow
@pytest.mark.parametrize("first", [40, 60])
def test_two_operators_of_one_published_prompt_are_two_groups_and_each_others_kin(first: int) -> None:
    """They share prompts, client and hours, and each has exits and sign-ups of its own."""
    world = token_world(1, 900, (first, 30), (Family.CONTENT, Family.CLIENT, Family.TIMING))
    groups = confirmed_groups(world, search(world))
    one, two = list(range(first)), list(range(first, first + 30))
    assert [group.certain().tolist() for group in groups] == [one, two]
    assert [group.kin.tolist() for group in groups] == [two, one]


def test_who_is_linked_in_one_group_and_shares_words_alone_with_another_belongs_to_the_first() -> None:
    """A few of the first operator's accounts, too few to be another operator there, also send the second one's
    prompts, through their own exits."""
    world = token_world(2, 900, (60, 40))
    second, senders = np.arange(60, 100, dtype=np.int32), np.arange(0, 60, 5, dtype=np.int32)
    channels = tuple(_also(c, second, senders) if c.families == (Family.CONTENT,) else c for c in world.channels)
    mixed = Incidence(world.keys, world.accounts, channels, world.stratifications)
    groups = confirmed_groups(mixed, search(mixed))
    members = [set(group.certain().tolist()) for group in groups]
    assert set(range(60)) in members
    (left,) = [group for group in groups if set(second.tolist()) <= set(group.certain().tolist())]
    assert left.gone.tolist() == senders.tolist()
    assert not set(group_tables(mixed, [left]).member["entity"].to_pylist()) & set(senders.tolist())
    assert [len(found - set(second.tolist())) for found in members if found >= set(second.tolist())] == [0]


@pytest.mark.parametrize("seed", range(2))
def test_owners_of_stolen_keys_stay_in_their_own_group(seed: int) -> None:
    """A thief's exits join them to a campaign, and hardly anything joins them to who shares their work: if they left,
    the rest would look coordinated. Their sign-ups are their own."""
    rng = np.random.default_rng(seed)
    thieves, victims, office, others = np.arange(60), np.arange(60, 70), np.arange(100, 124), np.arange(200, 216)
    honest = np.concatenate([office, victims, others])

    def used(name: str, family: Family, each: int, of: int, *more: tuple[Indices, int, int, int]) -> Channel:
        rows = [np.arange(N).repeat(each), *(who.repeat(times) for who, _, _, times in more)]
        tokens = [rng.integers(0, of, each * N),
                  *(base + rng.integers(0, pool, times * len(who)) for who, base, pool, times in more)]  # fmt: skip
        return channel(name, (family,), np.concatenate(rows), np.concatenate(tokens), N)

    channels = (
        used("exact", Family.CONTENT, 6, 2_500, (thieves, 10_000, 8, 4), (victims, 10_000, 8, 1),
             (honest, 20_000, 8, 5)),
        used("client", Family.CLIENT, 2, 60, (honest, 20_000, 3, 2), (thieves, 10_000, 4, 2)),
        used("block", Family.INFRASTRUCTURE, 4, 2_500, (np.concatenate([thieves, victims]), 10_000, 16, 3),
             (office, 20_000, 12, 3)),
        used("bin", Family.REGISTRATION, 2, 2_500, (thieves, 10_000, 6, 2), (office, 20_000, 8, 1)),
        used("hours", Family.TIMING, 3, 400),
    )  # fmt: skip
    keys, one = rng.integers(0, 2**63, N).astype(np.uint64), np.ones(N, dtype=np.int64)
    groups = confirmed_groups(world := Incidence(keys, one, channels, ((np.zeros(N, dtype=np.int32),),)), search(world))
    of_office = [group for group in groups if np.isin(office, group.certain()).mean() > 0.5]
    assert of_office, "what joins the office is confirmed"
    assert all(np.isin(victims, group.certain()).all() and len(group.gone) == 0 for group in of_office)


def test_one_exit_of_its_own_that_most_use_keeps_a_campaign_whole() -> None:
    """Three cells of forty, each with sixteen exits of its own, and one exit that half of all use and nobody else: the
    overlap of the cells is small, and what joins them is rare."""
    rng = np.random.default_rng(6)
    members = np.arange(3 * EACH)
    common = members[rng.random(len(members)) < 0.5]
    users = [np.arange(N).repeat(4), members.repeat(8), common]
    of_cells = 10_000 + 100 * (members.repeat(8) // EACH) + rng.integers(0, 16, 8 * 3 * EACH)
    exits = [rng.integers(0, 1_500, 4 * N), of_cells, np.full(len(common), 90_000)]
    words = (
        [np.arange(N).repeat(6), members.repeat(4)],
        [rng.integers(0, 1_500, 6 * N), 10_000 + np.tile(range(4), 3 * EACH)],
    )
    channels = (
        channel("exact", (Family.CONTENT,), np.concatenate(words[0]), np.concatenate(words[1]), N),
        channel("block", (Family.INFRASTRUCTURE,), np.concatenate(users), np.concatenate(exits), N),
    )
    keys, one = rng.integers(0, 2**63, N).astype(np.uint64), np.ones(N, dtype=np.int64)
    cells = Incidence(keys, one, channels, ((np.zeros(N, dtype=np.int32),),))
    operators = Operators(cells, cells.families(), matrices_of(cells, cells.families()))
    assert [part.tolist() for part in operators.parts(_all_certain(members.astype(np.int32)))] == [members.tolist()]


def _also(held: Channel, of: Indices, rows: Indices) -> Channel:
    """The channel where these rows hold besides their own tokens those that most of the others hold."""
    tokens, holders = held.counted(of)
    common = tokens[holders >= 0.5 * len(of)]
    owners = np.repeat(np.arange(N), np.diff(held.indptr))
    return channel(held.name, held.families, np.concatenate([owners, np.repeat(rows, len(common))]),
                   np.concatenate([held.tokens, np.tile(common, len(rows))]), N)  # fmt: skip


def test_stragglers_stay_with_the_largest() -> None:
    """Ten accounts with exits of their own are too few to be another operator; whoever shows no exit goes nowhere."""
    world = shared(np.random.default_rng(2), 0)
    few = np.concatenate([np.arange(EACH), np.arange(EACH, EACH + LEAST_APART // 2), [N - 1]]).astype(np.int32)
    operators = Operators(world, world.families(), matrices_of(world, world.families()))
    assert [part.tolist() for part in operators.parts(_all_certain(few))] == [few.tolist()]
    both = np.append(np.arange(2 * EACH), N - 1).astype(np.int32)
    parts = sorted(operators.parts(_all_certain(both)), key=len)
    assert [len(part) for part in parts] == [EACH, EACH + 1] and N - 1 in parts[1]


def test_a_part_is_weighed_beside_its_own_size() -> None:
    world = shared(np.random.default_rng(3), 0)
    part = np.arange(EACH, dtype=np.int32)
    weighed = beside_itself(world, part, world.families(), matrices_of(world, world.families()))
    content, infrastructure = weighed.of(Family.CONTENT), weighed.of(Family.INFRASTRUCTURE)
    assert weighed.log_odds == pytest.approx(content + infrastructure + np.log(EACH / N))


def test_others_wait_once_and_only_while_enough_of_them_is_left() -> None:
    world = shared(np.random.default_rng(4), 0)
    waiting, taken = _Others(world), _Kept()
    rows = np.arange(100, dtype=np.int32)
    none = rows[:0]
    waiting.wait([rows[:40], rows[40:80]], rows, rows[:5])
    waiting.wait([rows[:38]], none, none)
    waiting.wait([rows[:8]], none, none)
    taken.add(rows[40:79])
    met = [(part.tolist(), home.tolist(), borne.tolist()) for part, home, borne in waiting.open(taken)]
    assert met[0] == (list(range(40)), list(range(100)), list(range(5)))
    assert [part for part, *_ in met[1:]] == [list(range(8))], "a small part of a large one is another"


def test_a_small_group_inside_does_not_hide_the_large_one() -> None:
    taken, rows = _Kept(), np.arange(100, dtype=np.int32)
    taken.add(rows[:10])
    taken.add(np.arange(95, 130, dtype=np.int32))
    assert taken.overlap(rows) >= SAME
    left = taken.without(rows)
    assert left.tolist() == list(range(10, 100)), "what lies elsewhere for the most part takes nothing along"
    assert taken.overlap(left) < SAME
    assert taken.without(rows[:12]).tolist() == list(range(12)), "nearly the same group hides it"


def _all_certain(rows: Indices) -> Membership:
    return Membership(rows, np.ones(len(rows)), np.ones((len(rows), 1)), (Family.CONTENT,))
