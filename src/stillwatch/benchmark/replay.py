"""How much had leaked before a campaign was found: the world again in event time, cut after so many days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stillwatch.benchmark.measure import accused
from stillwatch.pipeline import detect
from stillwatch.store.store import Store

LEAST_MEMBERS = 8
"""Accounts of a campaign that one finding must accuse, and be mostly of, for the campaign to count as found."""


@dataclass(frozen=True)
class Leak:
    """One campaign: its extraction exchanges, the first cut at which it was found, and the share before that cut.

    `day` is None where no cut found it; all had leaked then.
    """

    campaign: str
    exchanges: int
    day: int | None
    share: float


def replayed(
    store: Store, truth: Path, logs: Path, days: Sequence[int], progress: Callable[[str], None] = lambda _: None
) -> tuple[Leak, ...]:
    """Detect among the first `days` of the store for each cut, and say when each campaign was first found.

    A cut sees what a provider had logged by then; a finding counts on the day on which it could have been made.
    """
    work = _work(truth, logs)
    begins = min(at for exchanges in work.values() for _, at in exchanges) if work else None
    found: dict[str, int] = {}
    for day in sorted(days):
        if begins is None or len(found) == len(work):
            break
        progress(f"the first {day} days")
        until = store_begin(store) + timedelta(days=day)
        answer = detect(store, until=until).answer
        named = [ids for finding in answer["campaigns"] if (ids := accused(finding))]
        for campaign, exchanges in work.items():
            members = {account for account, at in exchanges if at < until}
            if any(len(ids & members) >= max(LEAST_MEMBERS, len(ids) / 2) for ids in named):
                found.setdefault(campaign, day)
    return tuple(_leak(name, exchanges, found.get(name), store_begin(store)) for name, exchanges in work.items())


def store_begin(store: Store) -> datetime:
    """Midnight (UTC) of the first day that the store holds."""
    return datetime.fromisoformat(store.days()[0] + "T00:00:00+00:00")


def _leak(name: str, exchanges: list[tuple[str, datetime]], day: int | None, begin: datetime) -> Leak:
    if day is None:
        return Leak(name, len(exchanges), None, 1.0)
    until = begin + timedelta(days=day)
    return Leak(name, len(exchanges), day, round(sum(at < until for _, at in exchanges) / len(exchanges), 4))


def _work(truth: Path, logs: Path) -> dict[str, list[tuple[str, datetime]]]:
    """Account and time of each extraction exchange, by campaign."""
    import duckdb  # noqa: PLC0415

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            "SELECT t.campaign, e.account_id, e.asked_at FROM read_parquet(?) t JOIN read_parquet(?) e USING "
            "(exchange_id) WHERE t.campaign IS NOT NULL ORDER BY ALL",
            [str(truth / "exchanges.parquet"), str(logs / "exchanges" / "*.parquet")],
        ).fetchall()
    out: dict[str, list[tuple[str, datetime]]] = {}
    for campaign, account, at in rows:
        out.setdefault(campaign, []).append((account, at))
    return out
