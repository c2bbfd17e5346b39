"""Real rings: linkage alone, without any text, beside co-action counting, FRAUDAR, SVN, Jaccard and bare components.

    STILLWATCH_SHARED_DATA=FOLDER .venv/bin/python benchmarks/rings.py --out benchmarks/results/rings.jsonl

Reads the tables of `5_coordination`; without the folder it says so and ends. One JSON line a method is appended to the
results file, if one is named. Rings are Hop's `custom_group`: groups of airdrop accounts that people reported and the
project accepted. `sybil` holds them and the members of large connected components, so that recall and precision
against it are in part circular wherever direct transfers are evidence: the lines `outside` leave these out.
An eligible account that is named is not proved innocent: rings that nobody reported are eligible too.

The rivals get an oracle, who picks channels and thresholds by the truth, once for the most rings and once for the best
F1 of accounts. Linkage has none; three of its rules for traffic without text were made after looking at this data
(decision 0019), so that its lines here are no test of them.
StarScout's months and CooRTweet's posts have no rings: what is printed of them is said in the same decision.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "workers"))

import hop  # noqa: E402
import posts  # noqa: E402
import ring_truth  # noqa: E402
import starscout  # noqa: E402

from stillwatch.benchmark.baselines.coaction import coaction  # noqa: E402
from stillwatch.benchmark.baselines.fraudar import fraudar  # noqa: E402
from stillwatch.benchmark.baselines.jaccard import jaccard  # noqa: E402
from stillwatch.benchmark.baselines.svn import svn  # noqa: E402
from stillwatch.benchmark.baselines.verdict import Scored  # noqa: E402
from stillwatch.linkage import clusters  # noqa: E402
from stillwatch.linkage.groups import Group, confirmed_groups  # noqa: E402
from stillwatch.linkage.incidence import Incidence  # noqa: E402
from stillwatch.linkage.search import SEED, Found, search  # noqa: E402
from stillwatch.records import Family  # noqa: E402

Rows = set[int]
Answer = Callable[[], Scored]
TRANSFERS = ("funding", "destination", "direct")
LEAST = clusters.LEAST_ACCOUNTS
BLOCKS = 400
CHOICES = (
    tuple(Family),
    (Family.INFRASTRUCTURE,),
    (Family.INFRASTRUCTURE, Family.REGISTRATION),
    (Family.INFRASTRUCTURE, Family.REGISTRATION, Family.TIMING),
)
"""What the oracle may give a rival to read."""


@dataclass(frozen=True)
class Named:
    """The groups of one method, how long it took, and what else it says."""

    method: str
    groups: list[Rows]
    seconds: float
    said: dict[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------ linkage


def by_linkage(incidence: Incidence) -> list[Named]:
    """What linkage names, and those of its groups whose core two families confirmed."""
    start = time.monotonic()
    found = search(incidence)
    confirmed = confirmed_groups(incidence, found)
    seconds = time.monotonic() - start
    said = confirmations(found, confirmed)
    twice = [group for group in confirmed if len(group.twice) > 1]
    return [
        Named(method, [_rows(group.certain()) for group in groups], seconds, said)
        for method, groups in (("linkage", confirmed), ("linkage, twice", twice))
    ]


def confirmations(found: Found, confirmed: list[Group]) -> dict[str, Any]:
    """How many candidates each family tested and discovered, and which families confirmed the groups."""
    by = Counter("+".join(sorted(c.family for c in group.confirmations if c.discovered)) for group in confirmed)
    discovered = {family: f"{int(flags.sum())}/{found.tested[family]}" for family, flags in found.discovered.items()}
    return {"candidates": len(found.candidates), "discovered": discovered, "confirmed_by": dict(by.most_common())}


def _rows(rows: Any) -> Rows:
    return set(map(int, rows))


# ------------------------------------------------------------------------------------------------ rivals


def rivals(incidence: Incidence) -> dict[str, list[tuple[str, Answer]]]:
    """Every setting of each rival that the oracle may pick, by the rival's name."""
    out: dict[str, list[tuple[str, Answer]]] = {}
    for families in CHOICES:
        read = "all" if len(families) == len(Family) else "+".join(families)
        for name, setting, answer in settings(incidence, families):
            out.setdefault(name, []).append((f"{read}, {setting}", answer))
    return out


def settings(incidence: Incidence, families: tuple[Family, ...]) -> Iterator[tuple[str, str, Answer]]:
    """Settings of each rival that reads these families: its name, the setting in words, and its answer."""
    for least, way in product(range(2, 7), (False, True)):
        by = ", by group" if way else ""
        yield (
            "co-action",
            f"{least} in common{by}",
            partial(coaction, incidence, families, least_weight=float(least), by_group=way),
        )
    for most in (None, incidence.n // 100):
        words = f"tokens of at most {most} rows" if most else "all tokens"
        yield "FRAUDAR", words, partial(fraudar, incidence, families, blocks=BLOCKS, most=most)
    for fdr, way in product((False, True), (False, True)):
        words = ("Benjamini-Hochberg" if fdr else "Bonferroni") + (", by group" if way else "")
        yield "SVN + Leiden", words, partial(svn, incidence, families, fdr=fdr, by_group=way)
    for similarity in (0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        yield "Jaccard", f"similarity {similarity}", partial(jaccard, incidence, families, similarity=similarity)


def by_oracle(name: str, choices: list[tuple[str, Answer]], said: hop.Truth) -> list[Named]:
    """The setting with the most rings at its natural groups, and the setting and threshold with the best F1."""
    rings = ring_truth.rings_of(said)
    best_rings, best_f = (-1, -1.0), -1.0
    most = best = Named(name, [], 0.0)
    for setting, answer in choices:
        start = time.monotonic()
        scored = answer()
        seconds = time.monotonic() - start
        groups = ring_truth.labelled(scored.group)
        value = (len(ring_truth.recovered(rings, groups)), -float(len(set().union(*groups))))
        if value > best_rings:
            best_rings, most = value, Named(f"{name}, oracle for rings", groups, seconds, {"setting": setting})
        f, threshold = best_threshold(scored.score, said.sybil)
        if f > best_f:
            best_f = f
            label = np.where(scored.group >= 0, scored.group, scored.group.max() + 1)
            cut = ring_truth.labelled(np.where(scored.score >= threshold, label, -1))
            best = Named(f"{name}, oracle for accounts", cut, seconds, {"setting": setting, "threshold": threshold})
    return [most, best]


def best_threshold(score: Any, positive: Any) -> tuple[float, float]:
    """The best F1 over all thresholds, and the threshold."""
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], np.cumsum(positive[order])
    last = np.append(ranked[1:] != ranked[:-1], True) & np.isfinite(ranked)
    f = np.where(last, 2 * hits / (np.arange(1, len(order) + 1) + positive.sum()), 0.0)
    at = int(np.argmax(f))
    return float(f[at]), float(ranked[at])


# ------------------------------------------------------------------------------------------------ lines


def hop_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every method on all evidence, and again without direct transfers."""
    shown, said = hop.read(folder)
    kind = ring_truth.kinds(shown, said)
    reach = ring_truth.reach(hop.incidence_of(shown), said, TRANSFERS).values()
    yield {"data": "hop", "rings": len(kind), "rings_with_half_in_reach": sum(part >= 0.5 for part in reach),
           "kinds": dict(Counter(kind.values())), "accounts": len(shown.addresses),
           "sybil": int(said.sybil.sum())}  # fmt: skip
    search(hop.incidence_of(shown))  # compiles what Numba compiles, before any clock
    for evidence, direct, volume in (("all", True, True), ("no volume", True, False), ("outside", False, True)):
        incidence = hop.incidence_of(shown, direct=direct, volume=volume)
        named = by_linkage(incidence)
        for name, choices in rivals(incidence).items():
            named += by_oracle(name, choices, said)
        if evidence == "all":
            start = time.monotonic()
            parts = [part for part in ring_truth.components(shown) if len(part) >= LEAST]
            named.append(Named("connected components", parts, time.monotonic() - start))
        for one in named:
            result = ring_truth.outcome(one.groups, said, kind)
            yield {"data": "hop", "evidence": evidence, "method": one.method, "seconds": round(one.seconds, 1),
                   "shown": {name: str(getattr(result, name)) for name in
                             ("rings", "precision", "recall", "members", "false", "false_alone", "false_groups")},
                   "measure": asdict(result)} | one.said  # fmt: skip


def printed(line: dict[str, Any]) -> str:
    """One line of the table of Hop's rings, or the line as it is."""
    if "measure" not in line:
        return json.dumps({name: value for name, value in line.items() if name not in ("machine", "seed")})
    m = line["measure"]
    kinds = " ".join(f"{name} {share['k']}/{share['n']}" for name, share in m["by_kind"].items())
    cells = (f"{m[name]['k'] / max(m[name]['n'], 1):9.3f}" for name in ("precision", "recall", "members"))
    eligible = f"{m['false']['k']}/{m['false']['n']}"
    return (
        f"{line['evidence']:9} {line['method']:31} {m['groups']:6} {m['accounts']:8} {m['rings']['k']:4}/"
        f"{m['rings']['n']}{''.join(cells)}{eligible:>12} {m['false_groups']['k']:6} {line['seconds']:7.1f}  {kinds}"
    )


HEAD = (
    f"{'evidence':9} {'method':31} {'groups':>6} {'accounts':>8} {'rings':>7} {'precision':>9}{'recall':>9}"
    f"{'members':>9}{'eligible':>12} {'of them':>6} {'seconds':>7}  rings by kind"
)


def lines(folder: Path, seed: int) -> Iterator[dict[str, Any]]:
    """All of the benchmark."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    for part in (hop_lines, starscout.lines, posts.lines):
        for line in part(folder):
            yield line | {"seed": seed, "machine": machine}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = os.environ.get("STILLWATCH_SHARED_DATA", HERE.parent.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(shared) / "5_coordination")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    if not options.data.is_dir():
        print("no shared data folder here (set STILLWATCH_SHARED_DATA to name it): nothing is measured")
        return
    print(HEAD)
    for line in lines(options.data, SEED):
        print(printed(line), flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
