"""The benchmark: worlds, the product's answer on each beside its rivals', and every measure, as one object.

A seed decides a world. Seeds under 500 were used while the product was tuned or measured before, so that the suite
begins there; a result names all its seeds, and a figure on a world that somebody has looked at is no longer a test.
"""

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stillwatch import __version__
from stillwatch.benchmark import job, plain
from stillwatch.benchmark.baselines import oracle
from stillwatch.benchmark.baselines.compare import Row, chosen, compare, read_incidence
from stillwatch.benchmark.baselines.oracle import Point
from stillwatch.benchmark.calibration import e_values, likelihoods, probabilities
from stillwatch.benchmark.described import described
from stillwatch.benchmark.measure import Measure, Share, measure, operators_of
from stillwatch.benchmark.replay import replayed
from stillwatch.errors import UsageError
from stillwatch.store.store import Store
from stillwatch.worlds import world as worlds
from stillwatch.worlds.scenario import Scenario, named

SCHEMA = "stillwatch/benchmark/v1"

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


DAYS = (2, 4, 6, 8, 11, 14, 18, 23)

QUICK = (
    Part("mixed", 501, 0.3, rivals=True, days=(5, 10, 20), replications=3),
    Part("quiet", 502, 0.3),
)

FULL = (
    Part("mixed", 501, 1.0, rivals=True, days=DAYS, replications=20),
    Part("mixed", 502, 1.0, rivals=True, days=DAYS),
    Part("hard", 503, 1.0, rivals=True, days=DAYS),
    *(Part("quiet", seed, 1.0) for seed in (504, 505, 506)),
    *(Part(name, 507, 1.0) for name in ("contentless", "no-network", "no-accounts", "days-only")),
)

SMALLEST, LARGEST = 0.02, 20.0
"""Scales that make a world with every population in it, and one that a machine's memory holds."""


def parts(*, full: bool, scenario: str | None, seed: int | None, scale: float | None) -> tuple[Part, ...]:
    """The worlds to run: of the suite, those of one scenario if asked, with other seeds (from `seed` on) or scale.

    A scenario that the suite lacks is measured as its first world is.

    Raises:
        UsageError: there is no scenario of that name, the scale makes no world, or the seed is negative.
    """
    suite = FULL if full else QUICK
    if scenario is not None:
        name = named(scenario).name
        suite = tuple(part for part in suite if part.scenario == name) or (replace(suite[0], scenario=name),)
    if seed is not None:
        if seed < 0:
            raise UsageError("a seed is no negative number", found=str(seed))
        suite = tuple(replace(part, seed=seed + at) for at, part in enumerate(suite))
    if scale is None:
        return suite
    if not SMALLEST <= scale <= LARGEST:
        raise UsageError("the scale makes no world", found=f"{scale:g}", wanted=f"{SMALLEST:g} to {LARGEST:g}")
    return tuple(replace(part, scale=scale) for part in suite)


def run(suite: Sequence[Part], command: str, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Simulate, ingest, detect and measure every world, one after the other, in folders that are gone afterwards.

    `command` is kept as it is given: what was typed to get this result. docs/benchmark.md names every key.
    """
    begun = time.monotonic()
    held = [measured(part, named(part.scenario), tell) for part in suite]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": command,
        "machine": machine(),
        "simulated": True,
        "seconds": round(time.monotonic() - begun, 1),
        "together": plain.together(held),
        "worlds": held,
    }


def machine() -> str:
    """Where this runs, as a result names it."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def measured(part: Part, scenario: Scenario, tell: Tell) -> dict[str, Any]:
    """Simulate a part's world in a folder that is gone afterwards, and measure it.

    `scenario` is what campaigns do, which may differ from the part's own by the settings of some axes.
    """
    title = f"{part.scenario}, seed {part.seed}"
    with tempfile.TemporaryDirectory(prefix="stillwatch-benchmark-") as name:
        folder = Path(name)
        tell(f"{title}: simulating")
        world = worlds.simulate(scenario, part.seed, part.scale)
        worlds.write(world, folder / "logs", folder / "truth")
        return judged(part, folder, world.campaigns, lambda said: tell(f"{title}: {said}"))


def judged(part: Part, folder: Path, campaigns: Sequence[dict[str, Any]], tell: Tell) -> dict[str, Any]:
    """Every measure of one world, whose `logs` and `truth` lie in a folder; its store is made beside them.

    `campaigns` are the world's own rows of truth, with what each campaign cost its operator.
    """
    key = folder / "key"
    key.touch(0o600)
    key.write_bytes(hashlib.blake2b(f"benchmark {part.seed}".encode(), digest_size=32).digest())
    done = job.timed(folder, tell)
    store, answer = Store.open(folder / "store"), done["answer"]
    found = measure(answer, folder / "truth", folder / "logs")
    return {
        **{name: getattr(part, name) for name in ("scenario", "seed", "scale")},
        **{name: done[name] for name in ("exchanges", "accounts")},
        "campaigns": sorted(campaigns, key=lambda row: str(row["campaign"])),
        "findings": _statuses(answer),
        **_figures(found),
        **_stated(answer, found, folder / "truth"),
        "leaked": [asdict(one) for one in _leaks(part, store, folder, answer, tell)],
        "e_values": [plain.plain(asdict(one)) for one in _nulls(part, store, tell)],
        "rivals": list(_rivals(part, folder, tell)),
        **{name: done[name] for name in ("seconds", "cpu_seconds", "peak_mib")},
        "bytes_an_exchange": _bytes(folder / "store", done["exchanges"]),
    }


def _statuses(answer: dict[str, Any]) -> dict[str, int]:
    statuses = [finding["status"] for finding in answer["campaigns"]]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


def _figures(found: Measure) -> dict[str, Any]:
    """The comparison with the truth; accused accounts and accusing groups beside 100,000 honest accounts."""
    groups = Share(found.false_groups.k, found.false_accounts.n)
    return {
        "measure": plain.plain(asdict(found)),
        "per_100k_honest": plain.per(found.false_accounts),
        "groups_per_100k_honest": plain.per(groups),
    }


def _stated(answer: dict[str, Any], found: Measure, truth: Path) -> dict[str, Any]:
    """What findings say, beside the truth: capabilities, volumes, probabilities, likelihoods."""
    operators = operators_of(truth)
    return {
        "described": [
            plain.plain(asdict(one)) | {"covered": one.covered} for one in described(answer, found.recovered, truth)
        ],
        "probabilities": [plain.plain(asdict(one)) for one in probabilities(answer, operators)],
        "likelihoods": [plain.plain(asdict(one)) for one in likelihoods(answer, operators)],
    }


def _bytes(store: Path, exchanges: int) -> float:
    stored = sum(file.stat().st_size for file in (store / "exchanges").rglob("*.parquet"))
    return round(stored / max(exchanges, 1), 1)


def _leaks(part: Part, store: Store, folder: Path, answer: dict[str, Any], tell: Tell) -> Sequence[Any]:
    return replayed(store, folder / "truth", folder / "logs", part.days, answer, tell) if part.days else ()


def _nulls(part: Part, store: Store, tell: Tell) -> Sequence[Any]:
    return e_values(read_incidence(store, tell), part.replications, part.seed, tell) if part.replications else ()


def _rivals(part: Part, folder: Path, tell: Tell) -> Iterator[dict[str, Any]]:
    """The best setting of each rival at each of the oracle's thresholds, and apart the setting with the best groups."""
    if not part.rivals:
        return
    _, rows = compare(folder / "store", folder / "truth", folder / "logs", own=False, progress=tell)
    for name, held in chosen(rows).items():
        mine = [row for row in rows if row.baseline == name]
        yield {
            "name": name,
            "settings": len(mine),
            "points": [_point(point, row) for row, point in _as_shown(held)],
            "groups": _best_groups(mine),
            "cpu_seconds": round(max(row.cpu_seconds for row in mine), 2),
        }


def _as_shown(held: dict[str, tuple[Row, Point]]) -> list[tuple[Row, Point]]:
    """The oracle's points, those with whole groups picked taken as the best F1 where theirs is higher."""
    shown = {name: pair for name, pair in held.items() if name != oracle.GROUPS}
    whole = held.get(oracle.GROUPS)
    if whole is not None and whole[1].f1 > shown[oracle.BEST][1].f1:
        shown[oracle.BEST] = (whole[0], replace(whole[1], name=oracle.BEST))
    return list(shown.values())


def _point(point: Point, row: Row) -> dict[str, Any]:
    held: dict[str, Any] = plain.plain(asdict(point))
    return held | {"f1": round(point.f1, 4), "setting": row.setting}


def _best_groups(rows: Sequence[Row]) -> dict[str, Any]:
    """Of all settings, with groups whole or cut at the best F1: the most campaigns, then the fewest honest groups."""
    best = min(
        (groups for row in rows for groups in (row.groups, row.groups_at_best)),
        key=lambda groups: (-groups.matched, groups.honest_groups),
    )
    return {"campaigns": best.matched, "of": len(best.campaigns), "honest_groups": best.honest_groups}
