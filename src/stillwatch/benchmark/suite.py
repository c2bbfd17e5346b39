"""The benchmark: worlds, the product's answer on each beside its rivals', and every measure, as one object.

A seed decides a world. Seeds under 200 were used while the product was tuned, so that the suite begins above; a result
names all its seeds, and a figure on a world that somebody has looked at is no longer a test.
"""

import hashlib
import math
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.benchmark.baselines.compare import chosen, compare, read_incidence
from stillwatch.benchmark.calibration import e_values, likelihoods, probabilities
from stillwatch.benchmark.described import described
from stillwatch.benchmark.measure import Share, measure
from stillwatch.benchmark.replay import replayed
from stillwatch.errors import UsageError
from stillwatch.pipeline import detect, ingest_sources
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from stillwatch.worlds.scenario import named

SCHEMA = "stillwatch/benchmark/v1"
PER = 100_000
"""Honest accounts by which false accusations are counted."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One world of the benchmark, and what is measured on it beside the answer itself.

    `rivals` runs the baselines; `days` are the cuts of the replay; `replications` the permuted worlds of each family.
    """

    scenario: str
    seed: int
    scale: float
    rivals: bool = False
    days: tuple[int, ...] = ()
    replications: int = 0


DAYS = (2, 4, 6, 8, 11, 14, 18, 23, 28)

QUICK = (
    Part("mixed", 501, 0.3, rivals=True, days=(5, 10, 20), replications=3),
    Part("quiet", 502, 0.3),
)  # fmt: skip

FULL = (
    Part("mixed", 501, 1.0, rivals=True, days=DAYS, replications=20),
    Part("mixed", 502, 1.0, rivals=True, days=DAYS),
    Part("hard", 503, 1.0, rivals=True, days=DAYS),
    *(Part("quiet", seed, 1.0) for seed in (504, 505, 506)),
    *(Part(name, 507, 1.0) for name in ("contentless", "no-network", "no-accounts", "days-only")),
)


def parts(*, full: bool, scenario: str | None, seed: int | None, scale: float | None) -> tuple[Part, ...]:
    """The worlds to run: of the suite, those of one scenario if asked, with another seed or scale if given.

    Raises:
        UsageError: there is no scenario of that name.
    """
    suite = FULL if full else QUICK
    if scenario is not None:
        like = next((part for part in suite if part.scenario == scenario), replace(suite[0], scenario=scenario))
        suite = (replace(like, scenario=named(scenario).name),)
    if seed is not None:
        suite = tuple(replace(part, seed=seed + at) for at, part in enumerate(suite))
    return suite if scale is None else tuple(replace(part, scale=scale) for part in suite)


def run(suite: Sequence[Part], tell: Tell) -> dict[str, Any]:
    """Simulate, ingest, detect and measure every world, one after the other, in folders that are gone afterwards."""
    if not suite:
        raise UsageError("no world to run")
    return {
        "schema": SCHEMA,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "simulated": True,
        "worlds": [_world(part, tell) for part in suite],
    }


def _world(part: Part, tell: Tell) -> dict[str, Any]:
    title = f"{part.scenario} {part.seed}"
    with tempfile.TemporaryDirectory(prefix="stillwatch-benchmark-") as name:
        folder = Path(name)
        tell(f"{title}: simulating")
        world = worlds.simulate(part.scenario, part.seed, part.scale)
        worlds.write(world, folder / "logs", folder / "truth")
        return judged(part, folder, lambda said: tell(f"{title}: {said}"), world.campaigns)


def judged(part: Part, folder: Path, tell: Tell, campaigns: Sequence[Any]) -> dict[str, Any]:
    """Every measure of one world, whose `logs` and `truth` lie in a folder; its store is made beside them."""
    logs, truth = folder / "logs", folder / "truth"
    key = folder / "key"
    key.touch(0o600)
    key.write_bytes(hashlib.blake2b(f"benchmark {part.seed}".encode(), digest_size=32).digest())
    begun = time.monotonic()
    tell("ingest")
    report = ingest_sources([logs], folder / "store", key_file=key)
    ingested = time.monotonic()
    store = Store.open(folder / "store")
    answer = detect(store, progress=tell).answer
    detected = time.monotonic()
    found = measure(answer, truth, logs)
    operators = _operators(truth)
    stored = sum(file.stat().st_size for file in (folder / "store" / "exchanges").rglob("*.parquet"))
    statuses = [finding["status"] for finding in answer["campaigns"]]
    return {
        **{name: getattr(part, name) for name in ("scenario", "seed", "scale")},
        "exchanges": report.exchanges,
        "accounts": report.accounts,
        "campaigns": list(campaigns),
        "findings": {status: statuses.count(status) for status in sorted(set(statuses))},
        "measure": _plain(asdict(found)),
        "per_100k_honest": _per(found.false_accounts),
        "described": [
            _plain(asdict(one)) | {"covered": one.covered} for one in described(answer, found.recovered, truth)
        ],
        "probabilities": [_plain(asdict(one)) for one in probabilities(answer, operators)],
        "likelihoods": {word: _share(share) for word, share in likelihoods(answer, operators).items()},
        "leaked": [asdict(one) for one in replayed(store, truth, logs, part.days, tell)] if part.days else [],
        "e_values": [_plain(asdict(one)) for one in _nulls(part, store, tell)],
        "rivals": list(_rivals(part, folder, tell)),
        "seconds": {"ingest": round(ingested - begun, 1), "detect": round(detected - ingested, 1)},
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "bytes_an_exchange": round(stored / max(report.exchanges, 1), 1),
    }  # fmt: skip


def _operators(truth: Path) -> set[str]:
    rows = pq.read_table(truth / "accounts.parquet", columns=["account_id", "kind"]).to_pylist()
    return {row["account_id"] for row in rows if row["kind"] == "operator"}


def _nulls(part: Part, store: Store, tell: Tell) -> Sequence[Any]:
    return e_values(read_incidence(store, tell), part.replications, part.seed, tell) if part.replications else ()


def _rivals(part: Part, folder: Path, tell: Tell) -> Iterator[dict[str, Any]]:
    """The best setting of each rival at each of the oracle's thresholds."""
    if not part.rivals:
        return
    _, rows = compare(folder / "store", folder / "truth", folder / "logs", own=False, progress=tell)
    for name, held in chosen(rows).items():
        points = {at: _plain(asdict(point)) | {"setting": row.setting} for at, (row, point) in held.items()}
        row = next(iter(held.values()))[0]
        yield {"name": name, "seconds": round(row.seconds, 2), "points": points, "campaigns": row.groups.matched,
               "of": len(row.groups.campaigns), "honest_groups": row.groups.honest_groups}  # fmt: skip


def _per(share: Share) -> dict[str, float]:
    """A share as accounts in 100,000, with its exact 95 % bounds."""
    low, high = share.bounds()
    rate = share.k / share.n if share.n else 0.0
    return {"low": round(low * PER, 2), "rate": round(rate * PER, 2), "high": round(high * PER, 2)}


def _share(share: Share) -> dict[str, float]:
    low, high = share.bounds()
    return {"k": share.k, "n": share.n, "low": round(low, 6), "high": round(high, 6)}


def _plain(value: Any) -> Any:
    """The same with every share's exact 95 % bounds beside its k and n, and numbers that JSON can say."""
    if isinstance(value, dict):
        if value.keys() == {"k", "n"}:
            return _share(Share(value["k"], value["n"]))
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
