"""How much had leaked before a campaign was found: the world again in event time, cut after so many days."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stillwatch.benchmark.measure import accused, operators_of
from stillwatch.known import micros
from stillwatch.past import answer_then
from stillwatch.store.store import Store

LEAST_MEMBERS = 5
"""Operators of a campaign that one finding must accuse, and be at least half of, for the campaign to count as found;
or list, in review or suspected, for it to count as shown."""

SHOWN = ("suspected", "ambiguous")

Work = dict[str, list[tuple[str, int]]]
"""Account and time (microseconds since 1970, UTC) of each extraction exchange, by campaign."""


@dataclass(frozen=True)
class Leak:
    """One campaign: its extraction exchanges, the first cuts (days) at which a finding showed it to a person and at
    which one accused its members, and the shares before them.

    Extraction with stolen keys has leaked too and is counted. A day is None where no cut did: all had leaked.
    """

    campaign: str
    exchanges: int
    day: int | None
    share: float
    shown_day: int | None
    shown_share: float


def replayed(
    store: Store,
    truth: Path,
    logs: Path,
    days: Sequence[int],
    answer: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Leak, ...]:
    """Detect among the first `days` of the store for each cut, and say when each campaign was first found.

    A cut sees what a provider knew by then; `answer`, of the whole store, is the last cut. A finding counts on the
    day of its cut, so a share is at most one cut too high.
    """
    work = _work(truth, logs)
    if not work:
        return ()
    operators, begin = operators_of(truth), store_begin(store)
    whole = (datetime.fromisoformat(store.days()[-1] + "T00:00:00+00:00") - begin).days + 1
    found: dict[str, int] = {}
    shown: dict[str, int] = {}
    for day in (*sorted({day for day in days if day < whole}), whole):
        if len(found) == len(work):
            break
        until = begin + timedelta(days=day)
        progress(f"the first {day} days")
        said = answer if day == whole else answer_then(store, until)
        for first, ids in ((found, accused), (shown, _listed)):
            named = [ids(finding) for finding in said["campaigns"]]
            for campaign in _found_in(named, work, operators, micros(until)):
                first.setdefault(campaign, day)
                shown.setdefault(campaign, day)
    return tuple(_leak(name, work[name], (found.get(name), shown.get(name)), begin) for name in sorted(work))


def store_begin(store: Store) -> datetime:
    """Midnight (UTC) of the first day that the store holds."""
    return datetime.fromisoformat(store.days()[0] + "T00:00:00+00:00")


def _listed(finding: Mapping[str, Any]) -> set[str]:
    """The members of a finding that a person is shown for review or as suspected."""
    return {m["account_id"] for m in finding["members"]} if finding["status"] in SHOWN else set()


def _found_in(named: list[set[str]], work: Work, operators: set[str], until: int) -> list[str]:
    """The campaigns of which one of these sets has enough members that had worked by then."""
    out = []
    for campaign, exchanges in work.items():
        members = {account for account, at in exchanges if at < until} & operators
        if any(len(ids & members) >= max(LEAST_MEMBERS, len(ids) / 2) for ids in named):
            out.append(campaign)
    return out


def _leak(name: str, exchanges: list[tuple[str, int]], days: tuple[int | None, int | None], begin: datetime) -> Leak:
    def before(day: int | None) -> float:
        if day is None:
            return 1.0
        until = micros(begin + timedelta(days=day))
        return round(sum(at < until for _, at in exchanges) / len(exchanges), 4)

    found, shown = days
    return Leak(name, len(exchanges), found, before(found), shown, before(shown))


def _work(truth: Path, logs: Path) -> Work:
    import duckdb  # noqa: PLC0415

    rows = duckdb.execute(
        "SELECT t.campaign, e.account_id, epoch_us(e.asked_at) FROM read_parquet(?) t JOIN read_parquet(?) e USING "
        "(exchange_id) WHERE t.campaign IS NOT NULL ORDER BY ALL",
        [str(truth / "exchanges.parquet"), str(logs / "exchanges" / "*.parquet")],
    ).fetchall()
    out: Work = {}
    for campaign, account, at in rows:
        out.setdefault(campaign, []).append((account, at))
    return out
