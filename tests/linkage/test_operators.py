"""Who asks in the same words and shares no exit: several operators, and where one ends."""

import numpy as np
import pytest

from stillwatch.linkage.incidence import Incidence, channel
from stillwatch.linkage.membership import Membership, matrices_of, membership
from stillwatch.linkage.operators import Operators
from stillwatch.records import Family

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


def of(world: Incidence) -> tuple[Membership, list[Membership]]:
    families = world.families()
    matrices = matrices_of(world, families)
    grown = membership(world, np.arange(2 * EACH, dtype=np.int32), families, matrices)
    operators = Operators(world, families, matrices)
    return grown, [operators.beside_itself(part) for part in operators.parts(grown)]


def is_one(world: Incidence) -> bool:
    grown, parts = of(world)
    return [part.rows.tolist() for part in parts] == [grown.certain().tolist()]


@pytest.mark.parametrize("seed", range(3))
def test_two_operators_with_one_set_of_words_are_two(seed: int) -> None:
    grown, parts = of(shared(np.random.default_rng(seed), 0))
    assert len(grown.certain()) >= 2 * EACH, "words alone make one group of them"
    found = sorted((set(part.certain().tolist()) for part in parts), key=min)
    assert len(found) == 2 and not found[0] & found[1]
    assert len(found[0] & set(range(EACH))) == EACH and len(found[1] & set(range(EACH, 2 * EACH))) == EACH
    assert all((part.linked() or 0.0) > 0.9 for part in parts)


@pytest.mark.parametrize("seed", range(3))
def test_some_who_use_the_exits_of_both_make_them_one(seed: int) -> None:
    assert is_one(shared(np.random.default_rng(seed), 10))


@pytest.mark.parametrize("outsiders", [2, 3])
@pytest.mark.parametrize("bridged", [0, 10, 40])
def test_exits_that_others_use_as_well_tell_nobody_apart(outsiders: int, bridged: int) -> None:
    """They would not be compared, and to share nothing that is compared is not to share nothing."""
    for seed in range(3):
        assert is_one(shared(np.random.default_rng(seed), bridged, outsiders))


def test_where_no_text_is_seen_access_parts_nobody() -> None:
    world = shared(np.random.default_rng(1), 0)
    blind = Incidence(world.keys, world.accounts, world.channels[1:], world.stratifications)
    assert is_one(blind)
