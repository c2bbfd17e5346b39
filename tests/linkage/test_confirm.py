"""Confirmation: the kernel against its formula written out, one row and one token at a time."""

from itertools import pairwise

import numpy as np
import pytest

from stillwatch.linkage.confirm_kernel import ETAS, EXCESS, HOPELESS, PROFILE, batch_ends, prequential, shuffled
from stillwatch.linkage.incidence import Incidence
from stillwatch.linkage.kernels import KAPPAS, MOST_TYPICAL, excess
from stillwatch.linkage.matrix import family_matrix
from stillwatch.linkage.strata import strata_of
from stillwatch.records import Family
from tests.linkage.worlds import token_world


class WrittenOut:
    """The docstrings of `confirm` and `confirm_kernel`, without their shortcuts."""

    def __init__(self, world: Incidence, family: Family) -> None:
        self.n = world.n
        self.channels = []
        for channel in world.scored(family):
            sets = [set(channel.tokens[channel.indptr[r] : channel.indptr[r + 1]].tolist()) for r in range(world.n)]
            holders = np.bincount(channel.tokens, minlength=channel.n_tokens)
            frequency = np.maximum(holders, 0.5) / channel.sizes.sum()
            mean_size = float(channel.sizes[channel.sizes > 0].mean())
            self.channels.append((sets, channel.sizes, frequency, mean_size))

    def profile(self, rows: list[int]) -> list[dict[int, float]]:
        """For each channel the tokens of the profile with the share of the rows that shows each."""
        out = []
        for sets, _, frequency, mean_size in self.channels:
            strengths = {}
            for token in sorted(set().union(*(sets[row] for row in rows))):
                count = sum(token in sets[row] for row in rows)
                share = count / (len(rows) + 0.5)
                chance = 1 - np.exp(-mean_size * frequency[token])
                if count < (1 if len(rows) < 4 else 2) or share < 2 * chance:
                    continue
                if len(rows) >= 4 and excess(count, len(rows) * chance) < EXCESS:
                    continue
                strengths[token] = (share * np.log(share / chance), share)
            strongest = sorted(strengths, key=lambda token: -strengths[token][0])[:PROFILE]
            out.append({token: strengths[token][1] for token in strongest})
        return out

    def g(self, row: int, profile: list[dict[int, float]], bound: float) -> float:
        terms = []
        for (sets, sizes, frequency, _), shares in zip(self.channels, profile, strict=True):
            terms.append(1.0)
            for kappa in KAPPAS:
                log = 0.0
                for token, share in shares.items():
                    shown = min(kappa * share, MOST_TYPICAL)
                    if token in sets[row]:
                        chance = 1 - np.exp(-sizes[row] * frequency[token])
                        log += np.log(1 + shown * (1 - chance) / chance)
                    else:
                        log += np.log(1 - shown)
                terms.append(float(np.exp(log)))
        ratio = float(np.mean(terms))
        return ratio / (ratio + bound)

    def logs(self, members: list[int], ends: list[int], strata: list[int], compared: set[int]) -> list[float]:
        out = np.zeros(len(ETAS))
        bound = self.n / len(members)
        for start, end in pairwise(ends):
            profile = self.profile(members[:start])
            if not any(profile):
                continue
            left = [row for row in range(self.n) if row in compared | set(members[start:])]
            left = [row for row in left if row not in members[:start]]
            scores = {row: self.g(row, profile, bound) for row in left}
            for row in members[start:end]:
                mean = np.mean([scores[other] for other in left if strata[other] == strata[row]])
                out += np.log1p(ETAS * (scores[row] / mean - 1))
            tested, testable = end - ends[0], len(members) - ends[0]
            if tested >= testable / 2 and end < len(members) and np.log(np.exp(out).mean()) < HOPELESS:
                break
        return out.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("family", [Family.CONTENT, Family.CLIENT, Family.REGISTRATION])
@pytest.mark.parametrize("size", [5, 20, 40])
@pytest.mark.parametrize("cost", [0.0, 1e6], ids=["by rows", "by tokens"])
@pytest.mark.parametrize("most", [7, 120], ids=["few compared", "all compared"])
@pytest.mark.parametrize("first", [0, 60], ids=["planted", "nothing"])
def test_the_kernel_is_the_formula(family: Family, size: int, cost: float, most: int, first: int) -> None:
    """Groups that are planted (20), cut short (5), two that are taken for one (40), and such of no group; scored in
    both ways; a whole stratum and some rows of it compared with."""
    world = token_world(3, n=120, groups=(20, 20))
    rows, matrix = np.arange(first, first + size, dtype=np.int32), family_matrix(world.scored(family))
    strata, ends = strata_of(world, family, 0), batch_ends(size)
    members = rows[shuffled(world.keys[rows], 5)]
    tokens, n = len(matrix.channel_of), world.n
    stratum_indptr = np.concatenate([[0], np.cumsum(np.bincount(strata))])
    stratum_rows = np.lexsort((world.keys, strata)).astype(np.int32)
    rank = np.argsort(stratum_rows) - stratum_indptr[strata]
    found = prequential(
        members, ends, world.n / size, most,
        matrix.indptr, matrix.tokens, matrix.channel_of, matrix.chance, matrix.odds, len(matrix.sizes),
        matrix.holder_indptr, matrix.holders, matrix.holder_odds,
        strata, stratum_indptr, stratum_rows, rank, np.full(len(stratum_indptr) - 1, cost),
        np.zeros(tokens, np.int32), np.full(tokens, -1, np.int32), np.zeros(n, np.bool_), np.full(n, -1, np.int32),
        np.full(n, np.nan),
    )  # fmt: skip
    wanted = WrittenOut(world, family).logs(
        members.tolist(), ends.tolist(), strata.tolist(), set(np.flatnonzero(rank < most).tolist())
    )
    assert found.tolist() == pytest.approx(wanted, rel=1e-9, abs=1e-9)
