"""Statistically validated network, then Leiden: pairs that share more than chance allows, clustered.

Source: Tumminello, Micciche, Lillo, Piilo and Mantegna, "Statistically Validated Networks in Bipartite Complex
Systems", PLoS ONE 2011. Under the null hypothesis the tokens of two rows are drawn at random without replacement from
the vocabulary, so the number in common is hypergeometric; a pair is an edge when its tail probability survives
Bonferroni's or Benjamini and Hochberg's correction over all pairs. Leiden: Traag, Waltman and van Eck 2019.
Simplified: one test a pair over all chosen channels, where the paper also tests within sets of tokens of one degree;
pairs with one token in common are not tested; a token held by more than `most` rows is a stop word.
Catches rows with many tokens in common. Evaded by nothing in particular, and trusted too far: the null gives every
token one probability, so a popular client, a homework or one office's hours look as impossible as a campaign.
"""

import numpy as np
from numpy.typing import NDArray

from stillwatch.benchmark.baselines.kernels import hypergeometric_tails
from stillwatch.benchmark.baselines.projection import EVERY, MOST_HOLDERS, Shared, communities, linked, shared
from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.linkage.incidence import Incidence
from stillwatch.records import Family

Floats = NDArray[np.float64]

ALPHA = 0.01


def svn(
    incidence: Incidence,
    families: tuple[Family, ...] = EVERY,
    *,
    most: int = MOST_HOLDERS,
    fdr: bool = False,
    resolution: float = 1.0,
    by_group: bool = False,
    pairs: Shared | None = None,
) -> Scored:
    """Score each row by -ln p of its best validated edge, or `by_group` by what its community's edges weigh a row.

    `fdr` takes Benjamini and Hochberg's correction instead of Bonferroni's; both at `ALPHA`.
    """
    pairs = pairs or shared(incidence, families, most)
    weight = -log_p(pairs)
    tests = incidence.n * (incidence.n - 1) / 2
    least = fdr_cut(weight, tests) if fdr else float(np.log(tests / ALPHA))
    groups = communities(pairs, weight, incidence.keys, natural=least, resolution=resolution)
    if by_group:
        return groups
    edges = linked(pairs, weight, incidence.n, natural=least, least_rows=2)
    return Scored(np.where(edges.score >= least, edges.score, -np.inf), groups.group)


def log_p(pairs: Shared) -> Floats:
    """ln of the chance that two rows of these sizes share at least so many tokens of the vocabulary."""
    sizes = pairs.size[pairs.left], pairs.size[pairs.right]
    return np.asarray(hypergeometric_tails(pairs.count, sizes[0], sizes[1], pairs.vocabulary))


def fdr_cut(weight: Floats, tests: float) -> float:
    """The least -ln p that Benjamini and Hochberg (1995) reject among so many tests; infinity where none is."""
    down = np.sort(weight)[::-1]
    passing = np.flatnonzero(down >= np.log(tests / ALPHA) - np.log(np.arange(1, len(down) + 1)))
    return float(down[passing[-1]]) if len(passing) else float("inf")
