"""All rivals and the product's own detector on one world, in one process, on the same tables.

Every rival runs with several settings, each with the oracle's threshold; the best setting at each point is again the
oracle's choice. The product has no oracle: its thresholds are those it ships with. Accounts whose every use a
permission covers are left out of all rivals' answers, as they are of the product's.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillwatch.benchmark.baselines import oracle
from stillwatch.benchmark.baselines.coaction import coaction
from stillwatch.benchmark.baselines.fraudar import fraudar
from stillwatch.benchmark.baselines.fusion import fusion
from stillwatch.benchmark.baselines.jaccard import jaccard
from stillwatch.benchmark.baselines.mmd import mmd, reference_of
from stillwatch.benchmark.baselines.oracle import Groups, Point, Truth
from stillwatch.benchmark.baselines.prada import prada
from stillwatch.benchmark.baselines.projection import EVERY, MOST_HOLDERS, Shared, shared
from stillwatch.benchmark.baselines.queries import Queries, read_queries
from stillwatch.benchmark.baselines.seat import seat
from stillwatch.benchmark.baselines.svn import svn
from stillwatch.benchmark.baselines.verdict import Scored
from stillwatch.benchmark.baselines.volume import volume
from stillwatch.benchmark.measure import Measure, measure
from stillwatch.detection import answer_of, prepared
from stillwatch.engine.base import Engine
from stillwatch.engine.duckdb import DuckEngine
from stillwatch.linkage.incidence import Incidence
from stillwatch.records import CAPABILITIES, Family
from stillwatch.store.store import Store

Floats = NDArray[np.float64]

SETS: dict[str, tuple[Family, ...]] = {
    "all": EVERY,
    "infrastructure+registration": (Family.INFRASTRUCTURE, Family.REGISTRATION),
    "content": (Family.CONTENT,),
    "all but timing": tuple(family for family in Family if family != Family.TIMING),
}
REASONING = ("cot_elicitation", "post_hoc_reasoning", "trace_coercion")

Setting = tuple[str, str, Callable[[], Scored]]


@dataclass(frozen=True)
class Row:
    """One baseline with one setting on one world: the oracle's points, and its groups whole and cut at the best F1.

    `cpu_seconds` are of this process: the wall's would count other work on the machine.
    """

    baseline: str
    setting: str
    cpu_seconds: float
    points: tuple[Point, ...]
    groups: Groups
    groups_at_best: Groups


@dataclass(frozen=True)
class Own:
    """The product's own answer, at the thresholds it ships with: no oracle."""

    cpu_seconds: float
    measure: Measure


@dataclass(frozen=True)
class World:
    """The tables that all methods read: `entity` gives each account its row of the incidence."""

    incidence: Incidence
    entity: NDArray[np.int32]
    traffic: Queries
    reasoning: Floats
    truth: Truth


def compare(
    store: Path, truth: Path, logs: Path, *, own: bool = True, progress: Callable[[str], None] = lambda _: None
) -> tuple[Own | None, list[Row]]:
    """Run every baseline with every setting, and the product, on a store, its logs and their truth."""
    answer = _own(store, truth, logs, progress) if own else None
    world = read_world(store, truth, logs, progress)
    rows = []
    for name, setting, run in settings(world):
        progress(f"{name}, {setting}")
        rows.append(_row(name, setting, run, world))
    return answer, rows


def _own(store: Path, truth: Path, logs: Path, progress: Callable[[str], None]) -> Own:
    begun = time.process_time()
    with DuckEngine() as engine:
        Store.open(store).register(engine)
        run, findings = answer_of(engine, None, progress)
    spent = time.process_time() - begun
    return Own(spent, measure({"run": run, "campaigns": findings}, truth, logs))


def read_world(store: Path, truth: Path, logs: Path, progress: Callable[[str], None]) -> World:
    """The incidence from the store, texts from the logs, and the truth; accounts ascend by id."""
    with DuckEngine() as engine:
        Store.open(store).register(engine)
        known = prepared(engine, None, progress)
        names = known.accounts["account_id"].to_pylist()
        reasoning = _reasoning(engine, len(names))
    progress("texts as vectors")
    traffic = read_queries(logs, {name: at for at, name in enumerate(names)})
    who = oracle.truth_of(truth, logs, names)
    return World(known.incidence, known.entities.entity, traffic, reasoning, who)


def read_incidence(store: Store, progress: Callable[[str], None]) -> Incidence:
    """Who showed which token, as detection reads it from a store."""
    with DuckEngine() as engine:
        store.register(engine)
        return prepared(engine, None, progress).incidence


def _reasoning(engine: Engine, n: int) -> Floats:
    """The share of each account's exchanges that ask for reasoning, by the product's own rule tags."""
    codes = ", ".join(str(CAPABILITIES.index(name)) for name in REASONING)
    held = engine.arrow(
        f"SELECT e.account, avg(CAST(c.code IN ({codes}) AS DOUBLE)) AS share FROM exchange e "
        "JOIN exchange_capability c ON c.x = e.x GROUP BY e.account"
    )
    out = np.zeros(n)
    out[held["account"].to_numpy()] = held["share"].to_numpy()
    return out


def _row(name: str, setting: str, run: Callable[[], Scored], world: World) -> Row:
    begun = time.process_time()
    scored = run()
    spent = time.process_time() - begun
    if len(scored.score) != len(world.entity):
        scored = scored.of(world.entity.astype(np.int64))
    allowed = world.incidence.linkable()[world.entity]
    scored = replace(scored, score=np.where(allowed, scored.score, -np.inf))
    found = oracle.points(scored.score, world.truth)
    best = next(point for point in found if point.name == oracle.BEST)
    whole, cut = (oracle.groups_of(scored, world.truth, at) for at in (-np.inf, best.threshold))
    return Row(name, setting, spent, (*_with_groups(found, scored, world.truth), whole.accused), whole, cut)


def _with_groups(found: tuple[Point, ...], scored: Scored, truth: Truth) -> tuple[Point, ...]:
    """The points, with the precise one that of whole groups where those find more."""
    groups = oracle.purest(scored, truth)
    return tuple(groups if point.name == groups.name and groups.recall.k > point.recall.k else point for point in found)


def settings(world: World) -> Iterator[Setting]:
    """Every baseline with every setting it is tried with."""
    yield from _of_accounts(world)
    n = world.incidence.n
    for label, families in SETS.items():
        for most in (MOST_HOLDERS, max(n // 50, 30)):
            yield from _of_pairs(world.incidence, f"{label}, tokens of at most {most} rows", families, most)
        for limit in (None, max(n // 20, 50), max(n // 50, 30)):
            told = f"{label}, {'every token' if limit is None else f'tokens of at most {limit} rows'}"
            yield "FRAUDAR", told, partial(fraudar, world.incidence, families, most=limit)


def _of_pairs(incidence: Incidence, label: str, families: tuple[Family, ...], most: int) -> Iterator[Setting]:
    """Methods that weigh pairs; the pairs themselves are counted once, and their seconds go to the first setting."""
    kept: list[Shared] = []

    def later(method: Callable[..., Scored], **options: object) -> Callable[[], Scored]:
        def run() -> Scored:
            if not kept:
                kept.append(shared(incidence, families, most))
            return method(incidence, families, pairs=kept[0], **options)

        return run

    for least, by_group in product((2.0, 5.0, 10.0, 20.0), (False, True)):
        told = f"{label}, least weight {least:g}, by {'group' if by_group else 'edge'}"
        yield "co-action (QUT)", told, later(coaction, least_weight=least, by_group=by_group)
    for rows, cut in product((2, 8), (0.1, 0.2, 0.4)):
        told = f"{label}, clusters of {rows}, similarity {cut:g}"
        yield "Jaccard (SynchroTrap)", told, later(jaccard, similarity=cut, least_rows=rows)
    for fdr, (by_group, resolution) in product((False, True), ((False, 1.0), (True, 1.0), (True, 4.0), (True, 16.0))):
        told = f"{label}, {'FDR' if fdr else 'Bonferroni'}, by {'group' if by_group else 'edge'}, Leiden {resolution:g}"
        yield "SVN + Leiden", told, later(svn, fdr=fdr, by_group=by_group, resolution=resolution)


def _of_accounts(world: World) -> Iterator[Setting]:
    """Methods that judge one account, and the fixed weights."""
    traffic = world.traffic
    for slot, seconds in (("all exchanges", np.inf), ("busiest day", 86_400.0), ("busiest hour", 3_600.0)):
        yield "volume rule", slot, partial(volume, traffic, seconds=seconds)
    for least in (10, 30, 100):
        yield "PRADA", f"{least} distances", partial(prada, traffic, least=least)
    for share, similarity in product((False, True), (0.7, 0.8, 0.9, 0.97)):
        told = f"cosine {similarity:g}, {'share of pairs' if share else 'pairs'}"
        yield "SEAT", told, partial(seat, traffic, similarity=similarity, share=share)
    reference = reference_of(traffic, world.truth.honest)
    for scaled, least in product((False, True), (20, 50, 100)):
        told = f"windows of 150 (at least {least}), {'in standard deviations' if scaled else 'squared MMD'}"
        yield "windowed MMD", told, partial(mmd, traffic, reference, least=least, scaled=scaled)
    for clusters in (True, False):
        told = "with the rise for clusters" if clusters else "without it"
        yield "fixed weights (Glasswally)", told, partial(_fusion, world, clusters)


def _fusion(world: World, clusters: bool) -> Scored:
    """Fixed weights by entity: its busiest account's hour, its accounts' mean share of reasoning."""
    n = world.incidence.n
    hour = np.zeros(n)
    np.maximum.at(hour, world.entity, np.maximum(volume(world.traffic, seconds=3_600.0).score, 0.0))
    reasoning = np.bincount(world.entity, weights=world.reasoning, minlength=n) / np.bincount(world.entity, minlength=n)
    scored = fusion(world.incidence, hour, reasoning, clusters=clusters)
    return scored.of(world.entity.astype(np.int64))


def chosen(rows: list[Row]) -> dict[str, dict[str, tuple[Row, Point]]]:
    """The best setting of each baseline at each of the oracle's points: by recall under a limit, else by F1."""
    out: dict[str, dict[str, tuple[Row, Point]]] = {}
    for row in rows:
        for point in row.points:
            held = out.setdefault(row.baseline, {})
            if point.name not in held or _gain(point) > _gain(held[point.name][1]):
                held[point.name] = (row, point)
    return out


def _gain(point: Point) -> float:
    return float(point.recall.k) if point.name in (*oracle.LIMITS, oracle.PRECISE) else point.f1
