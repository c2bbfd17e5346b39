"""A world: the folder of the contract, and the truth apart from it, which no detector may read."""

import gzip
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import UsageError
from stillwatch.tables import ACCOUNTS, EXCHANGES, PERMISSIONS, RELEASES
from stillwatch.worlds import calendar, corpus, shapes
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.honest import town
from stillwatch.worlds.lacking import Lack
from stillwatch.worlds.operators import campaigns
from stillwatch.worlds.render import ROWS, Renderer, days, exchange_ids, moment, row_keys
from stillwatch.worlds.scenario import named

TRUTH_ACCOUNTS = pa.schema([(name, pa.string()) for name in ("account_id", "kind", "cohort")])
TRUTH_EXCHANGES = pa.schema([(name, pa.string()) for name in ("exchange_id", "campaign", "capability")])


@dataclass(frozen=True)
class World:
    """A planned world. Texts do not exist yet: `write` makes them, day by day."""

    scenario: str
    seed: int
    scale: float
    draft: Draft
    campaigns: list[dict[str, Any]]

    @property
    def lacks(self) -> Lack:
        """What the provider of this world does not log."""
        return named(self.scenario).lacks

    @property
    def exchanges(self) -> int:
        """How many exchanges the world holds."""
        return len(self.draft.plan)

    def cohorts(self) -> list[dict[str, Any]]:
        """Accounts and exchanges of each cohort, the largest first."""
        people = Counter((account.cohort, account.kind) for account in self.draft.accounts)
        owners = np.bincount(self.draft.plan.column("account"), minlength=len(self.draft.accounts))
        said: Counter[tuple[str, str]] = Counter()
        for account, count in zip(self.draft.accounts, owners.tolist(), strict=True):
            said[account.cohort, account.kind] += count
        rows = [{"cohort": c, "kind": k, "accounts": n, "exchanges": said[c, k]} for (c, k), n in people.items()]
        return sorted(rows, key=lambda row: (-row["accounts"], row["cohort"]))


def simulate(scenario: str = "mixed", seed: int = 1, scale: float = 1.0, *, texts: Path | None = None) -> World:
    """Plan a world.

    Args:
        scenario: a name in `scenario.SCENARIOS`.
        seed: equal seeds give equal worlds; the honest population of a seed is the same in every scenario, but for the
            accounts whose keys are stolen.
        scale: multiplies honest accounts, and exchanges with them; below 1 campaigns shrink too.
        texts: a reference folder with more real answers than the package ships.

    Raises:
        UsageError: an unknown scenario, or a scale that is not between 0.02 and 100.
        SourceError: ``texts`` cannot be read.
    """
    chosen = named(scenario)
    if not 0.02 <= scale <= 100:
        raise UsageError("the scale cannot be used", found=str(scale), wanted="a number from 0.02 to 100")
    draft = Draft(seed, scale, corpus.load(texts))
    town.populate(draft)
    return World(scenario, seed, scale, draft, campaigns.run(draft, chosen))


def write(world: World, out: Path, truth: Path, format: str = "canonical") -> None:
    """Write the contract's folder to ``out`` and the truth to ``truth``; each must be empty or absent.

    ``format`` is how exchanges are written: the contract's Parquet, or gzipped lines of one of `shapes.SHAPES`.
    Memory is bounded by `render.ROWS` exchanges beside the plan.

    Raises:
        UsageError: a folder holds something already, or the truth would lie within the world.
    """
    check_folders(out, truth)
    keys = row_keys(world.seed, world.exchanges)
    (out / "exchanges").mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    try:
        _write_exchanges(world, keys, out / "exchanges", format)
    except BaseException:
        shutil.rmtree(out / "exchanges")
        raise
    if not world.lacks.accounts:
        pq.write_table(_accounts(world.draft), out / "accounts.parquet")
    pq.write_table(pa.Table.from_pylist(world.draft.permissions, PERMISSIONS), out / "permissions.parquet")
    releases = [{"model": name, "released_at": at} for name, at in calendar.RELEASES]
    pq.write_table(pa.Table.from_pylist(releases, RELEASES), out / "releases.parquet")
    pq.write_table(_truth_accounts(world.draft), truth / "accounts.parquet")
    pq.write_table(_truth_exchanges(world, keys), truth / "exchanges.parquet")
    (truth / "campaigns.json").write_text(json.dumps(world.campaigns, indent=2) + "\n", encoding="utf-8")


def check_folders(out: Path, truth: Path) -> None:
    """See that a world and its truth can be written, before the work of making them.

    Raises:
        UsageError: a folder holds something already, or the truth would lie within the world.
    """
    for folder in (out, truth):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError("the folder is not empty", where=str(folder), next_step="name a new folder")
    if truth.resolve().is_relative_to(out.resolve()):
        raise UsageError("the truth must lie outside of the world", where=str(truth), next_step="name another --truth")


def _write_exchanges(world: World, keys: Any, folder: Path, format: str) -> None:
    renderer = Renderer(world.draft, keys)
    for name, rows in days(world.draft, keys):
        if not len(rows):
            continue
        if format != "canonical":
            with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
                for first in range(0, len(rows), ROWS):
                    table = world.lacks.of(renderer.table(rows[first : first + ROWS]))
                    file.writelines(f"{line}\n" for line in shapes.lines(table.to_pylist(), format))
            continue
        with pq.ParquetWriter(folder / f"{name}.parquet", EXCHANGES, compression="zstd", compression_level=3) as writer:
            for first in range(0, len(rows), ROWS):
                writer.write_table(world.lacks.of(renderer.table(rows[first : first + ROWS])))


def _accounts(draft: Draft) -> pa.Table:
    rows = []
    for account in sorted(draft.accounts, key=lambda account: account.account_id):
        times = {
            "created_at": account.created,
            "suspended_at": account.suspended,
            "updated_at": account.suspended or account.created,
        }
        rows.append(
            {"account_id": account.account_id, **account.row, **{n: moment(value) for n, value in times.items()}}
        )
    return pa.Table.from_pylist(rows, ACCOUNTS)


def _truth_accounts(draft: Draft) -> pa.Table:
    accounts = sorted(draft.accounts, key=lambda account: account.account_id)
    return pa.table(
        [[a.account_id for a in accounts], [a.kind for a in accounts], [a.cohort for a in accounts]],
        schema=TRUTH_ACCOUNTS,
    )


def _truth_exchanges(world: World, keys: Any) -> pa.Table:
    plan, scripts = world.draft.plan, world.draft.tables.scripts
    names = [str(row["campaign"]) for row in world.campaigns]
    campaigns_of = [names[number] if number >= 0 else None for number in plan.campaign]
    capabilities = [scripts[number].capability for number in plan.script]
    return pa.table([exchange_ids(keys), campaigns_of, capabilities], schema=TRUTH_EXCHANGES).sort_by("exchange_id")
