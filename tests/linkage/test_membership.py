"""Membership: the kernel against the formula written out, and who may belong at all."""

import numpy as np
import pytest

from stillwatch.linkage.incidence import Floats, Incidence, Ints, channel
from stillwatch.linkage.kernels import KAPPAS, MOST_TYPICAL, excess
from stillwatch.linkage.member_kernel import LEAST_SHARE
from stillwatch.linkage.membership import CAP, MOST_GROWN, joined_to, matrices_of, membership
from stillwatch.records import Family
from tests.linkage.worlds import token_world


def written_out(world: Incidence, family: Family, rows: list[int], group: set[int], weight: Floats) -> list[float]:
    """The log-likelihood ratios as the docstring of `member_log_ratios` says them, one token at a time."""
    channels = []
    for scored in world.scored(family):
        sets = [set(scored.tokens[scored.indptr[r] : scored.indptr[r + 1]].tolist()) for r in range(world.n)]
        sizes = scored.sizes
        outside = sum(sizes[r] for r in range(world.n) if r not in group)
        speaking = [r for r in group if sizes[r]]
        total = float(sum(weight[r] for r in speaking))
        mean_size = sum(weight[r] * sizes[r] for r in group) / max(total, 1.0)
        enriched = {}
        for token in range(scored.n_tokens):
            inside = [r for r in group if token in sets[r]]
            df = sum(token in held for held in sets)
            frequency = max(df - len(inside), 0.5) / max(outside, 1)
            chance = 1 - np.exp(-mean_size * frequency)
            mass = float(sum(weight[r] for r in inside))
            share = mass / (total + 0.5)
            surprise = excess(len(inside), total * chance)
            if len(inside) >= 2 and share >= max(2 * chance, LEAST_SHARE) and surprise >= np.log(scored.vocabulary) + 2:
                enriched[token] = (mass, frequency)
        channels.append((sets, sizes, total, enriched))
    return [_ratio(channels, row, weight[row] if row in group else 0.0) for row in rows]


Shown = tuple[list[set[int]], Ints, float, dict[int, tuple[float, float]]]


def _ratio(channels: list[Shown], row: int, own: float) -> float:
    terms: list[float] = []
    for sets, sizes, total, enriched in channels:
        if not sizes[row] or total == 0:
            continue
        terms.append(1.0)
        for kappa in KAPPAS:
            log = 0.0
            for token, (mass, frequency) in enriched.items():
                absent = 1 - min(kappa * mass / (total + 0.5), MOST_TYPICAL)
                if token not in sets[row]:
                    log += np.log(absent)
                    continue
                share = max(mass - own, 0) / (max(total - own, 0) + 0.5)
                chance = 1 - np.exp(-sizes[row] * frequency)
                log += np.log(1 + min(kappa * share, MOST_TYPICAL) * (1 - chance) / chance)
            terms.append(float(np.exp(min(log, 300))))
    return float(np.log(np.mean(terms))) if terms else 0.0


@pytest.mark.parametrize("family", [Family.CONTENT, Family.INFRASTRUCTURE, Family.REGISTRATION])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_kernel_is_the_formula(family: Family, seed: int) -> None:
    world = token_world(seed)
    families = world.families()
    group = set(range(20)) | {100, 101}
    inside = np.zeros(world.n, dtype=np.bool_)
    inside[list(group)] = True
    weight = np.where(inside, np.random.default_rng(seed).uniform(0.3, 1.0, world.n), 0.0)
    rows = np.arange(0, world.n, 3, dtype=np.int32)
    matrix = matrices_of(world, families)[families.index(family)]
    members = np.array(sorted(group), dtype=np.int32)
    got = matrix.ratios(rows, weight[rows], matrix.profile(members, weight[members]))
    assert got == pytest.approx(written_out(world, family, rows.tolist(), group, weight), abs=1e-9)


def test_whoever_shares_no_work_belongs_to_nothing() -> None:
    world = token_world(3)
    families = world.families()
    found = membership(world, np.arange(20, dtype=np.int32), families, matrices_of(world, families))
    texts = [place for place, family in enumerate(families) if family in (Family.CONTENT, Family.WORK)]
    certain = np.isin(found.rows, found.certain())
    assert certain.sum() >= 20
    assert (found.ratios[certain][:, texts].max(axis=1) > 0).all()
    assert (np.abs(found.ratios) <= CAP).all()


def test_growing_from_half_of_a_group_ends_where_the_whole_does() -> None:
    world = token_world(4)
    families = world.families()
    matrices = matrices_of(world, families)
    whole = membership(world, np.arange(26, dtype=np.int32), families, matrices)
    half = membership(world, np.arange(0, 26, 2, dtype=np.int32), families, matrices)
    assert whole.certain().tolist() == half.certain().tolist()


def chained_world(seed: int, joined: bool) -> Incidence:
    """2,000 entities. The first 100 share wordings, the 30th to the 300th others; `joined` are these 300 by exits."""
    rng = np.random.default_rng(seed)
    wordings = [np.arange(2_000).repeat(8), np.arange(100).repeat(4), np.arange(30, 300).repeat(4)]
    tokens = [rng.integers(0, 3_000, 16_000), 10_000 + np.tile(range(4), 100), 20_000 + np.tile(range(4), 270)]
    exits = [np.arange(2_000).repeat(4), np.arange(300).repeat(4)] if joined else [np.arange(2_000).repeat(4)]
    blocks = (
        [rng.integers(0, 3_000, 8_000), 10_000 + rng.integers(0, 12, 1_200)]
        if joined
        else [rng.integers(0, 3_000, 8_000)]
    )
    channels = (
        channel("exact", (Family.CONTENT,), np.concatenate(wordings), np.concatenate(tokens), 2_000),
        channel("block", (Family.INFRASTRUCTURE,), np.concatenate(exits), np.concatenate(blocks), 2_000),
    )
    keys, one = rng.integers(0, 2**63, 2_000).astype(np.uint64), np.ones(2_000, dtype=np.int64)
    return Incidence(keys, one, channels, ((np.zeros(2_000, dtype=np.int32),),))


@pytest.mark.parametrize("seed", range(3))
def test_only_access_lets_a_group_grow_from_wording_to_wording_far_beyond_what_was_tested(seed: int) -> None:
    core = np.arange(30, dtype=np.int32)
    joined, alike = [chained_world(seed, joined) for joined in (True, False)]
    families = joined.families()
    grown = membership(joined, core, families, matrices_of(joined, families)).certain()
    assert len(grown) >= 290 > MOST_GROWN * len(core)
    grown = membership(alike, core, families, matrices_of(alike, families)).certain()
    assert 90 <= len(grown) <= MOST_GROWN * len(core)


@pytest.mark.parametrize("seed", range(4))
def test_whom_exits_and_sign_ups_join_to_a_core_are_its_own_and_not_another_groups(seed: int) -> None:
    """The second group shares exits and sign-ups as well, among itself: copying its prompts joins it to nobody."""
    world = token_world(seed)
    matrices = matrices_of(world, (Family.INFRASTRUCTURE, Family.REGISTRATION))
    others = np.arange(8, 120, dtype=np.int32)
    joined = joined_to(world, np.arange(8, dtype=np.int32), others, matrices, 1.0)
    own, framed = joined[joined < 26], joined[(joined >= 26) & (joined < 52)]
    assert len(own) >= 14 and len(framed) == 0
    assert len(joined) - len(own) <= 8, "strangers, by chance"
