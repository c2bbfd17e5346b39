"""Small token worlds with known groups, for the statistics alone: no text, no store."""

import numpy as np

from stillwatch.linkage.incidence import Channel, Incidence, channel
from stillwatch.linkage.strata import strata_of
from stillwatch.records import Family

# name, family, vocabulary, mean tokens a row, tokens that a group shares, draws from them a member
SPEC = (
    ("exact", Family.CONTENT, 800, 8.0, 4, 8),
    ("head", Family.CONTENT, 800, 8.0, 4, 8),
    ("ja4", Family.CLIENT, 40, 2.0, 2, 2),
    ("agent", Family.CLIENT, 60, 2.0, 2, 2),
    ("block", Family.INFRASTRUCTURE, 600, 5.0, 5, 6),
    ("bin", Family.REGISTRATION, 200, 1.0, 2, 1),
    ("day", Family.REGISTRATION, 60, 1.0, 2, 1),
    ("hour", Family.TIMING, 400, 15.0, 10, 12),
)


def token_world(
    seed: int, n: int = 260, groups: tuple[int, ...] = (26, 26), common: tuple[Family, ...] = ()
) -> Incidence:
    """`n` entities with heavy-tailed tokens; the first entities form groups that share tokens in every family. In the
    families of `common` all groups share the same ones."""
    rng = np.random.default_rng(seed)
    channels = [_channel(rng, n, groups, common, *row) for row in SPEC]
    keys = rng.integers(0, 2**63, n).astype(np.uint64)
    region = rng.integers(0, 2, n).astype(np.int32)
    return Incidence(keys, np.ones(n, dtype=np.int64), tuple(channels), ((region,),))


def _channel(
    rng: np.random.Generator,
    n: int,
    groups: tuple[int, ...],
    common: tuple[Family, ...],
    name: str,
    family: Family,
    vocabulary: int,
    mean: float,
    pool: int,
    draws: int,
) -> Channel:
    weights = 1.0 / np.arange(1, vocabulary + 1) ** 0.9
    sizes = np.maximum(rng.poisson(mean * rng.lognormal(0, 0.5, n)), 1) if mean > 1 else np.ones(n, dtype=np.int64)
    rows = np.repeat(np.arange(n), sizes)
    tokens = rng.choice(vocabulary, len(rows), p=weights / weights.sum())
    start = 0
    for place, size in enumerate(groups):
        members = np.repeat(np.arange(start, start + size), draws)
        rows = np.concatenate([rows, members])
        own = 0 if family in common else place
        tokens = np.concatenate([tokens, 10_000 + 100 * own + rng.integers(0, pool, len(members))])
        start += size
    return channel(name, (family,), rows, tokens, n)


def permuted_within_strata(world: Incidence, family: Family, seed: int) -> Incidence:
    """H0 of one family made true: its rows move at random within the first stratification's strata."""
    rng = np.random.default_rng(seed)
    strata = strata_of(world, family, 0)
    source = np.arange(world.n)
    for stratum in range(int(strata.max()) + 1):
        rows = np.flatnonzero(strata == stratum)
        source[rows] = rng.permutation(rows)
    return world.permuted(family, source)
