"""Predictive nats: how well an account's tokens are told by the other members of its campaign, against everybody else.

The arithmetic of linkage.md §6 in plain numpy, stricter than the product in one point: nothing that is said of an
account is taken from it. Which tokens count, in how many members each stands and how many members a channel has are
read from the other members alone; the product chooses tokens with the account among the members.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Tokens = tuple[NDArray[np.integer], NDArray[np.integer]]
"""One channel as a method gives it: which entity shows which token; repeats are allowed."""

KAPPAS = np.array([0.0, 0.05, 0.2, 0.6, 1.0])
LEAST_SHARE = 0.02
MOST_TYPICAL = 0.98


class Channel(NamedTuple):
    """Distinct (entity, token) pairs, tokens as 0 .. n_tokens - 1, by entity (`entity` ascends) and by token
    (`holders[starts[t]:starts[t + 1]]`); `sizes` are tokens held by each entity."""

    entity: Ints
    token: Ints
    starts: Ints
    holders: Ints
    first: Ints
    sizes: Ints

    @property
    def n_tokens(self) -> int:
        """How many distinct tokens there are."""
        return len(self.starts) - 1


def channel(entity: NDArray[np.integer], token: NDArray[np.integer], n: int) -> Channel:
    """A channel over n entities."""
    values, dense = np.unique(np.asarray(token), return_inverse=True)
    pairs = np.unique(np.asarray(entity, np.int64) * max(len(values), 1) + dense)
    owner, held = np.divmod(pairs, max(len(values), 1))
    order = np.argsort(held, kind="stable")
    sizes = np.bincount(owner, minlength=n)
    return Channel(
        owner, held, _offsets(np.bincount(held, minlength=len(values))), owner[order], _offsets(sizes), sizes
    )


def _offsets(counts: Ints) -> Ints:
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def channels_of(given: Sequence[Tokens], n: int) -> list[Channel]:
    """What a method gave, made ready."""
    return [channel(entity, token, n) for entity, token in given]


class Scores(NamedTuple):
    """Nats of each member, in the order of the members, and of every outsider that shows a token which several members
    show; `unmet` is what any other outsider has at most."""

    members: Floats
    outsiders: Ints
    outside: Floats
    unmet: float


def scores(channels: Sequence[Channel], members: Ints) -> Scores:
    """Leave-one-out nats of the members of a campaign, and those of outsiders."""
    n = len(channels[0].sizes) if channels else 0
    inside = np.zeros(n, bool)
    inside[members] = True
    profiles = [_profile(own, inside, members) for own in channels]
    asked = np.unique(np.concatenate([profile.outsiders for profile in profiles])) if profiles else np.zeros(0, int)
    own = np.stack([profile.of_members for profile in profiles], 1)
    other = np.stack([_placed(profile, asked) for profile in profiles], 1)
    bare = np.stack([profile.bare for profile in profiles])[None]
    speaks = np.stack([channel.sizes[members] > 0 for channel in channels], 1)
    group = np.array([(channel.sizes[members] > 0).sum() for channel in channels])
    heard = speaks & (group[None] - speaks > 0)
    outside = np.stack([channel.sizes[asked] > 0 for channel in channels], 1) & (group[None] > 0)
    return Scores(
        _mean(own, heard), asked, _mean(other, outside), float(_mean(bare, np.ones((1, len(channels)), bool))[0])
    )


def _mean(logs: Floats, speaks: NDArray[np.bool_]) -> Floats:
    """ln of the mean of exp(logs[row, channel, kappa]) over kappas and the channels that speak; 0 where none does."""
    masked = np.where(speaks[:, :, None], logs, -np.inf).reshape(len(logs), logs.shape[1] * logs.shape[2])
    top = np.where(speaks.any(1), masked.max(1, initial=-np.inf), 0.0)
    total = np.exp(masked - top[:, None]).sum(1)
    many = np.maximum(speaks.sum(1) * logs.shape[2], 1)
    return np.where(speaks.any(1), top + np.log(np.maximum(total, 1e-300) / many), 0.0)


class _Profile(NamedTuple):
    """One channel's logs by kappa: of each member, of the outsiders that hold a profile token, and of one that holds
    none."""

    of_members: Floats
    outsiders: Ints
    of_outsiders: Floats
    bare: Floats


def _placed(profile: _Profile, asked: Ints) -> Floats:
    out = np.broadcast_to(profile.bare, (len(asked), len(KAPPAS))).copy()
    out[np.searchsorted(asked, profile.outsiders)] = profile.of_outsiders
    return out


def _profile(own: Channel, inside: NDArray[np.bool_], members: Ints) -> _Profile:
    shown = np.unique(np.concatenate([own.token[own.first[m] : own.first[m + 1]] for m in members]))
    counts = own.starts[shown + 1] - own.starts[shown]
    held = _held(own, members, shown)
    within = held.sum(0)
    beyond = max(float(own.sizes.sum() - own.sizes[members].sum()), 1.0)
    popular = np.maximum(counts - within, 0.5) / beyond
    speaks = own.sizes[members] > 0
    others = _logs_of_members(own, members, held, within, popular, speaks)
    group = float(speaks.sum())
    share = within / (group + 0.5)
    mean_size = float(own.sizes[members].sum()) / max(group, 1.0)
    kept = _enriched(within[None], group, mean_size, popular, own.n_tokens)[0]
    bare = np.log1p(-np.minimum(KAPPAS[:, None] * share[kept], MOST_TYPICAL)).sum(1)
    rows, logs = _logs_of_outsiders(own, inside, shown[kept], share[kept], popular[kept], bare)
    return _Profile(others, rows, logs, bare)


def _held(own: Channel, members: Ints, shown: Ints) -> NDArray[np.int64]:
    held = np.zeros((len(members), len(shown)), np.int64)
    for at, m in enumerate(members):
        held[at, np.searchsorted(shown, own.token[own.first[m] : own.first[m + 1]])] = 1
    return held


def _enriched(counts: Ints, group: float | Floats, size: float | Floats, popular: Floats, vocabulary: int) -> Floats:
    """Which tokens a group shows beyond chance: in two members, twice as often as chance, in a fiftieth of the group,
    and by more than the channel's vocabulary allows by accident. Rows of `counts` are groups."""
    chance = -np.expm1(-np.asarray(size) * popular)
    expected = group * chance
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = np.where(counts > expected, counts * np.log(counts / np.maximum(expected, 1e-12)), 0.0)
    surprise -= np.where(counts > expected, counts - expected, 0.0)
    share = counts / (np.asarray(group) + 0.5)
    bar = np.log(max(vocabulary, 1)) + 2.0
    return (counts >= 2) & (share >= 2.0 * chance) & (share >= LEAST_SHARE) & (surprise >= bar)


def _logs_of_members(
    own: Channel, members: Ints, held: Ints, within: Ints, popular: Floats, speaks: NDArray[np.bool_]
) -> Floats:
    """Each member's logs by kappa under the profile of the other members."""
    sizes = own.sizes[members].astype(float)
    others = within[None] - held
    group = (speaks.sum() - speaks).astype(float)[:, None]
    mean_size = (sizes.sum() - sizes)[:, None] / np.maximum(group, 1.0)
    kept = _enriched(others, group, mean_size, popular[None], own.n_tokens)
    share = np.where(kept, others / (group + 0.5), 0.0)
    odds = 1.0 / np.expm1(np.maximum(sizes, 1.0)[:, None] * popular[None])
    out = np.empty((len(members), len(KAPPAS)))
    for k, kappa in enumerate(KAPPAS):
        expected = np.minimum(kappa * share, MOST_TYPICAL)
        out[:, k] = np.where(held == 1, np.log1p(expected * odds), np.log1p(-expected)).sum(1)
    return out


def _logs_of_outsiders(
    own: Channel, inside: NDArray[np.bool_], kept: Ints, share: Floats, popular: Floats, bare: Floats
) -> tuple[Ints, Floats]:
    """Outsiders that hold one of these tokens, and their logs by kappa."""
    holders = [own.holders[own.starts[t] : own.starts[t + 1]] for t in kept]
    rows = np.concatenate(holders) if holders else np.zeros(0, np.int64)
    place = np.repeat(np.arange(len(kept)), [len(h) for h in holders])
    beyond = ~inside[rows]
    rows, place = rows[beyond], place[beyond]
    outsiders, at = np.unique(rows, return_inverse=True)
    odds = 1.0 / np.expm1(own.sizes[rows] * popular[place])
    out = np.tile(bare, (len(outsiders), 1))
    for k, kappa in enumerate(KAPPAS):
        expected = np.minimum(kappa * share[place], MOST_TYPICAL)
        out[:, k] += np.bincount(at, np.log1p(expected * odds) - np.log1p(-expected), len(outsiders))
    return outsiders, out
