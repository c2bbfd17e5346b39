"""Pooling: extraction that is 5 or 10 % of an account's traffic, for one account and for twenty linked ones.

    STILLWATCH_SHARED_DATA=FOLDER .venv/bin/python benchmarks/pooled.py
    STILLWATCH_SHARED_DATA=FOLDER .venv/bin/python benchmarks/pooled.py --seed 62 --honest 1500 --campaigns 8 \\
        --out benchmarks/results/pooled-seeds62-64.jsonl
    the same with --seed 64 --honest 40 --campaigns 8 --members 60
    the same with --seed 63 --honest 500 --campaigns 8 --sizes 200

Accounts are made of real prompts (`workers/pooling.py`): an honest one mixes kinds in shares of its own, a campaign's
one is an honest one of whose exchanges a binomial share is a published set's real prompts, or its real templates with
questions filled in that no honest account asks. All methods see the same last human turns and nothing else: no answer,
no parameter, no address. Sources with instructions (templates) and of bare questions, which ask for nothing in
words, are told apart. Nobody is told which exchanges are extraction, and nothing is fitted on any extraction, but
our rule tags were written by people who knew such templates; constants were chosen on three sources (DEVELOPMENT),
which no figure here holds.

`value` is the e-value of training value (`linkage.pooled`), `any difference` the mean of three
e-values over everything that the store keeps of a text. Both call at e >= 10,000, which needs no calibration: so a
group that is chosen without its figures is called with a probability of at most 1e-4. Rivals and our own account
score get a threshold from honest accounts that they are not tested on. Honest groups that truly do something in common
are another question, and are printed by themselves: their null is false. MMD's published form is a window of one
account; over a whole group it is our addition, in its favour.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "workers"))

import pooling  # noqa: E402

from stillwatch.benchmark.baselines.mmd import REFERENCE, Kernel  # noqa: E402
from stillwatch.benchmark.baselines.prada import abnormality, distances, growing_distances  # noqa: E402
from stillwatch.content.value import FIGURES  # noqa: E402
from stillwatch.linkage.pooled import Pool, member_log_ratios, pool_of, pooled_log_e  # noqa: E402
from stillwatch.stats import clopper_pearson, log_mean_exp  # noqa: E402

Account = np.ndarray
Group = list[Account]

SHARES = (0.05, 0.10)
COMPARED = 500
OTHERS = 25
"""Accounts that a group is compared with, and how many of them are other campaigns' members."""

ALPHA = 1e-4
SURE = float(np.log(3.0))
"""ln of the likelihood ratio from which one member is called, once its group is: three to one."""

TESTED = tuple(source for source in (*pooling.SOURCES, *pooling.WHOLE) if source not in pooling.DEVELOPMENT)


@dataclass(frozen=True)
class World:
    """Accounts of one length. `known` teach rivals what honest traffic is; `settled` set thresholds and are compared
    with; `fresh` are honest groups that are tested; `campaigns` by source and share; `common` are honest groups that do
    one thing, by kind and share."""

    size: int
    members: int
    known: Group
    settled: Group
    fresh: list[Group]
    campaigns: dict[tuple[str, float], list[Group]]
    common: dict[tuple[str, float], list[Group]]


def world(
    stock: pooling.Material, texts: pooling.Texts, size: int, asked: argparse.Namespace, rng: np.random.Generator
) -> World:
    def group() -> Group:
        return [pooling.ordinary(stock, size, rng) for _ in range(asked.members)]

    return World(
        size,
        asked.members,
        [pooling.ordinary(stock, size, rng) for _ in range(2_000)],
        [pooling.ordinary(stock, size, rng) for _ in range(max(asked.honest * 7, 1_000))],
        [group() for _ in range(asked.honest)],
        {(source, share): [list(pooling.extracting(stock, texts, source, size, share, asked.members, rng))
                           for _ in range(asked.campaigns)] for source in TESTED for share in SHARES},
        {(name, share): [list(pooling.in_common(stock, kind, size, share, asked.members, rng))
                         for _ in range(asked.campaigns)]
         for name, kind in pooling.HONEST_GROUPS.items() for share in (0.1, 0.5)},
    )  # fmt: skip


class Ours:
    """The e-values of groups, each within a sample of the settled accounts with some of other campaigns' among them."""

    def __init__(self, made: World, tables: tuple[np.ndarray, ...], seed: int, *, both_ways: bool) -> None:
        self._tables, self._seed, self._both_ways = tables, seed, both_ways
        self._settled = [rates(table, made.settled) for table in tables]
        strangers = [group[0] for groups in made.campaigns.values() for group in groups]
        self._strangers = [rates(table, strangers) for table in tables]

    def pools(self, group: Group, number: int) -> Iterator[Pool]:
        rng = np.random.default_rng((self._seed, number))
        compared = rng.choice(len(self._settled[0]), COMPARED - OTHERS, replace=False)
        others = rng.choice(len(self._strangers[0]), OTHERS)
        keys = np.random.default_rng(number).integers(1, 1 << 63, len(group) + COMPARED).astype(np.uint64)
        for table, settled, strangers in zip(self._tables, self._settled, self._strangers, strict=True):
            figures = np.concatenate([rates(table, group), settled[compared], strangers[others]])
            yield pool_of(figures, np.zeros(len(figures), dtype=np.int64), keys)

    def log_e(self, group: Group, number: int) -> float:
        """ln of the mean of the tables' e-values, which is one."""
        found = [
            pooled_log_e(pool, np.arange(len(group)), self._seed, both_ways=self._both_ways)
            for pool in self.pools(group, number)
        ]
        return float(log_mean_exp(np.array(found)))

    def called(self, group: Group, number: int) -> np.ndarray:
        """Which members are called one by one, after the group has passed."""
        found = [member_log_ratios(pool, np.arange(len(group))) for pool in self.pools(group, number)]
        return log_mean_exp(np.stack(found), axis=0) >= SURE


def rates(table: np.ndarray, accounts: Group) -> np.ndarray:
    return np.stack([table[account].mean(axis=0) for account in accounts])


def scores(made: World, seen: pooling.Seen, rng: np.random.Generator) -> dict[str, Callable[[Account], float]]:
    """What each rival, and ours without pooling, gives an account: the more, the more suspect."""
    vector = seen.vector
    kernel = Kernel(np.stack([vector[rng.choice(account)] for account in made.known[:REFERENCE]]))
    means = np.stack([vector[account].mean(axis=0) for account in made.known]).astype(np.float64)
    centre, spread = means.mean(axis=0), np.cov(means.T)
    inverse = np.linalg.inv(spread + np.eye(len(spread)) * np.trace(spread) / len(spread) * 1e-2)
    leans = seen.value[:, FIGURES.index("leans by 1 or more")]

    def mahalanobis(account: Account) -> float:
        away = vector[account].mean(axis=0) - centre
        return float(away @ inverse @ away)

    return {
        "ours, one account": lambda account: float(leans[account].mean()),
        "MMD, one account": lambda account: kernel.statistic(vector[account], False),
        "Mahalanobis, one account": mahalanobis,
        "PRADA, one account": lambda account: abnormality(growing_distances(distances(vector[account]))),
    }  # fmt: skip


def share_of(called: list[bool] | np.ndarray) -> dict[str, object]:
    k, n = int(np.sum(called)), len(called)
    return {"k": k, "n": n, "bounds": [round(bound, 6) for bound in clopper_pearson(k, n)]}


def by_account(made: World, seen: pooling.Seen, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """Methods that judge one account, at thresholds that 3 in 1,000 and 1 in 10,000 settled honest accounts pass."""
    for name, score in scores(made, seen, rng).items():
        settled = np.array([score(account) for account in made.settled])
        fresh = np.array([score(account) for group in made.fresh for account in group])
        found = {key: np.array([score(account) for group in groups for account in group])
                 for key, groups in made.campaigns.items()}  # fmt: skip
        for rate in (3e-3, ALPHA):
            least = float(np.quantile(settled, 1.0 - rate, method="higher"))
            yield line(made, f"{name}, at {rate:g}", fresh > least, {key: held > least for key, held in found.items()})


def pooled_mmd(made: World, seen: pooling.Seen, rng: np.random.Generator) -> dict[str, object]:
    """MMD of a group's whole traffic, called where it exceeds that of every settled honest group."""
    kernel = Kernel(np.stack([seen.vector[rng.choice(account)] for account in made.known[:REFERENCE]]))

    def of(group: Group) -> float:
        return kernel.statistic(seen.vector[np.concatenate(group)[: made.members * made.size]], False)

    settled = [
        of([made.settled[at] for at in rng.choice(len(made.settled), made.members)]) for _ in range(len(made.fresh))
    ]
    least = max(settled)
    fresh = np.repeat([of(group) > least for group in made.fresh], made.members)
    found = {
        key: np.repeat([of(group) > least for group in groups], made.members) for key, groups in made.campaigns.items()
    }
    return line(made, "MMD, group's traffic, above all settled groups", fresh, found)


def line(made: World, method: str, fresh: np.ndarray, found: dict[tuple[str, float], np.ndarray]) -> dict[str, object]:
    """One method's accounts: honest ones called, and members called by share and by source."""
    recall = {
        f"{kind}, {share:g}": share_of(
            np.concatenate([held for (source, of), held in found.items() if of == share and source in sources])
        )
        for kind, sources in (("with instructions", pooling.SOURCES), ("bare questions", pooling.WHOLE))
        for share in SHARES
    }
    return {
        "method": method, "exchanges": made.size, "honest accounts called": share_of(fresh), "recall": recall,
        "by source": {f"{source}, {share:g}": share_of(held) for (source, share), held in found.items()},
    }  # fmt: skip


def pooled(made: World, seen: pooling.Seen, seed: int) -> Iterator[dict[str, object]]:
    """Our two e-values, whole groups called, and members one by one; what is shown of honest groups in common."""
    least = -float(np.log(ALPHA))
    tests = {
        "value": Ours(made, (seen.value,), seed, both_ways=False),
        "any difference": Ours(made, (seen.plain, seen.topics, seen.shingles), seed, both_ways=True),
    }
    for name, ours in tests.items():
        fresh = np.array([ours.log_e(group, number) for number, group in enumerate(made.fresh)])
        found = {key: np.array([ours.log_e(group, number) for number, group in enumerate(groups)])
                 for key, groups in made.campaigns.items()}  # fmt: skip
        common = {key: np.array([ours.log_e(group, number) for number, group in enumerate(groups)])
                  for key, groups in made.common.items()}  # fmt: skip
        whole = {key: np.repeat(held >= least, made.members) for key, held in found.items()}
        yield line(made, f"pooled {name}, e >= 10,000", np.repeat(fresh >= least, made.members), whole) | {
            "mean e of honest groups": round(float(np.exp(fresh).mean()), 4),
            "largest ln e of honest groups": round(float(fresh.max()), 2),
            "median ln e by source": {f"{s}, {share:g}": round(float(np.median(held)), 1)
                                      for (s, share), held in found.items()},
            "honest groups in common": {f"{kind}, {share:g}": share_of(held >= least)
                                        for (kind, share), held in common.items()},
        }  # fmt: skip
        told = {key: np.concatenate([ours.called(group, at) & (held[at] >= least) for at, group in enumerate(groups)])
                for key, groups in made.campaigns.items() for held in (found[key],)}  # fmt: skip
        alone = np.concatenate(
            [ours.called(group, at) if fresh[at] >= least else np.zeros(made.members, np.bool_)
             for at, group in enumerate(made.fresh)]
        )  # fmt: skip
        yield line(made, f"pooled {name}, then members one by one", alone, told) | {
            "honest in campaigns' groups": intruders(made, ours, least)
        }


def intruders(made: World, ours: Ours, least: float) -> dict[str, object]:
    """Five honest accounts in the place of five members: how many are called one by one with a group that passes."""
    called = []
    for number, ((_, share), groups) in enumerate(made.campaigns.items()):
        for at, group in enumerate(groups if share == SHARES[-1] else ()):
            mixed = [*group[5:], *made.fresh[(number * len(groups) + at) % len(made.fresh)][:5]]
            if ours.log_e(mixed, at) >= least:
                called.append(ours.called(mixed, at)[-5:])
    return share_of(np.concatenate(called)) if called else share_of([])


def shown(held: object) -> str:
    k, n, (low, high) = held["k"], held["n"], held["bounds"]  # type: ignore[index]
    return f"{k:,}/{n:,} [{low:.4f}, {high:.4f}]" if high >= 1e-3 else f"{k:,}/{n:,} [{low:.1e}, {high:.1e}]"


def printed(row: dict[str, object]) -> str:
    recalls = "   ".join(f"{share}: {shown(held)}" for share, held in row["recall"].items())  # type: ignore[attr-defined]
    name = f"{row['method']} ({row['exchanges']})"
    return f"{name:62} honest {shown(row['honest accounts called'])}   recall at {recalls}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=60)
    parser.add_argument("--honest", type=int, default=40, help="honest groups; 1,500 are 30,000 accounts")
    parser.add_argument("--campaigns", type=int, default=1, help="campaigns a source and share")
    parser.add_argument("--members", type=int, default=20, help="accounts of a group")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100], help="exchanges an account")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    shared = Path(os.environ.get("STILLWATCH_SHARED_DATA", HERE.parent.parent / "shared" / "data"))
    if not shared.is_dir():
        print("no shared data folder here (set STILLWATCH_SHARED_DATA to name it): nothing is measured")
        return
    texts = pooling.Texts()
    stock = pooling.material(shared, texts)
    rng = np.random.default_rng(options.seed)
    made = [world(stock, texts, size, options, rng) for size in options.sizes]
    seen = pooling.seen(texts)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"seed {options.seed}; {len(texts.texts):,} texts; groups of {options.members}; {machine}")
    print(f"sources: {', '.join(TESTED)}")
    for one in made:
        started = time.process_time()
        rows = [*pooled(one, seen, options.seed), pooled_mmd(one, seen, rng), *by_account(one, seen, rng)]
        for row in rows:
            print(printed(row), flush=True)
        if options.out:
            with options.out.open("a") as file:
                for row in rows:
                    told = {"seed": options.seed, "members": options.members, **row, "machine": machine}
                    file.write(json.dumps(told) + "\n")
        print(f"{time.process_time() - started:.0f} CPU seconds", flush=True)


if __name__ == "__main__":
    main()
