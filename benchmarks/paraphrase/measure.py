"""One method on one world: nats of every campaign, and how often honest accounts share a family by chance."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paraphrase.methods import Method
from paraphrase.nats import Channel, Tokens, channels_of, scores
from paraphrase.world import World
from stillwatch.linkage.incidence import channel
from stillwatch.linkage.membership import MemberMatrix
from stillwatch.records import Family

TEMPLATED = ("batch", "framework")


@dataclass(frozen=True)
class Outcome:
    """One campaign: nats of its members, leave-one-out and as the product reckons them (which tokens count is read from
    all members, the account among them), and the nats of the honest accounts that show a token of the campaign."""

    set: str
    family: str
    wordings: int
    members: NDArray[np.float64]
    product: NDArray[np.float64]
    honest: NDArray[np.float64]
    n_honest: int
    templated: NDArray[np.bool_]
    """Which of those honest accounts use a template of their own or a framework's: some of them ask the same."""


@dataclass(frozen=True)
class Measured:
    """One method on one world."""

    outcomes: list[Outcome]
    seconds: float
    background: dict[str, float] = field(default_factory=dict)


def measured(world: World, method: Method) -> Measured:
    """Run the method and score every campaign of the world."""
    began = time.process_time()
    given = method(world.entity, world.texts)
    seconds = time.process_time() - began
    channels = [channel for channel in channels_of(given, world.n) if channel.n_tokens]
    matrix = _matrix(given, world.n)
    return Measured([_outcome(world, channels, matrix, at) for at in range(len(world.campaigns))], seconds)


def _matrix(given: Sequence[Tokens], n: int) -> MemberMatrix | None:
    """The product's own matrix of the same tokens."""
    numbered = enumerate((entity, token) for entity, token in given if len(token))
    held = tuple(channel(str(at), (Family.CONTENT,), entity, token, n) for at, (entity, token) in numbered)
    return MemberMatrix(held) if held else None


def _outcome(world: World, channels: Sequence[Channel], matrix: MemberMatrix | None, at: int) -> Outcome:
    campaign = world.campaigns[at]
    family = campaign.spec.family
    members = np.asarray(campaign.members, np.int64)
    about = (family.set, family.name, len(family.wordings))
    if not channels or matrix is None:
        return Outcome(
            *about, np.zeros(len(members)), np.zeros(len(members)), np.zeros(0), world.honest, np.zeros(0, bool)
        )
    scored = scores(channels, members)
    rows, weight = members.astype(np.int32), np.ones(len(members))
    product = matrix.ratios(rows, weight, matrix.profile(rows, weight))
    mine = scored.outsiders < world.honest
    templated = np.array([world.kinds[who] in TEMPLATED for who in scored.outsiders[mine]], bool)
    return Outcome(*about, scored.members, product, scored.outside[mine], world.honest, templated)


def background(world: World, method: Method) -> dict[str, float]:
    """Of honest prompts' accounts: which share holds a token that another account holds, in any channel, and how
    popular such a token is (its holders over all accounts, a mean over the held ones)."""
    channels = channels_of(method(world.entity, world.texts), world.n)
    shares = np.zeros(world.n, bool)
    popular: list[NDArray[np.float64]] = []
    for own in channels:
        holders = np.diff(own.starts)[own.token]
        shares[own.entity[holders > 1]] = True
        popular.append(holders[holders > 1] / world.n)
    joined = np.concatenate(popular) if popular else np.zeros(0)
    return {
        "prompts": float(len(world.texts)), "accounts": float(world.n), "sharing": float(shares.sum()),
        "popularity": float(joined.mean()) if len(joined) else 0.0,
        "median_popularity": float(np.median(joined)) if len(joined) else 0.0,
    }  # fmt: skip


def threshold(outcomes: Sequence[Outcome], rate: float) -> float:
    """The nats that at most this share of (honest account, campaign) pairs exceed."""
    pairs = sum(outcome.n_honest for outcome in outcomes)
    honest = np.sort(np.concatenate([outcome.honest for outcome in outcomes]) if outcomes else np.zeros(0))[::-1]
    allowed = int(rate * pairs)
    return max(float(honest[allowed]), 0.0) if allowed < len(honest) else 0.0
