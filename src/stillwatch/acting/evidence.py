"""Whether what a run says of an account is new since a time: nobody is asked again for what is known already."""

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import StillwatchError
from stillwatch.records import Hit
from stillwatch.store.mentions import is_text
from stillwatch.store.runs import read_counted, read_run
from stillwatch.store.store import Store


class Evidence:
    """What runs rest on: each run read once, and of it the accounts that are asked about. A run does not change, so it
    may be read before a transaction begins (`read`); what is asked about first in one is read then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[str, pa.Table | None] = {}
        self._asked: dict[tuple[str, str], list[int]] = {}

    def read(self, run_id: str, accounts: Iterable[str]) -> None:
        """Read when the exchanges were asked that a run counts of these accounts."""
        held = self._listed(run_id)
        wanted = sorted({one for one in accounts if (run_id, one) not in self._asked and is_text(one)})
        if held is None or not wanted:
            return
        self._asked |= {(run_id, account): [] for account in wanted}
        names = pa.array(wanted, pa.string())
        part = held.filter(pc.is_in(pc.cast(held["account_id"], pa.string()), value_set=names))
        each = part.group_by(["account_id", "exchange_id"]).aggregate([("asked_at", "min")])
        times = pc.cast(each["asked_at_min"], "int64").to_pylist()
        for account, at in zip(each["account_id"].to_pylist(), times, strict=True):
            self._asked[run_id, account].append(at)

    def is_new(self, hit: Hit, since: int) -> bool:
        """Whether at least half of the exchanges that the hit's run counts of the account were asked after a time
        (microseconds since 1970). Of a run that lists no exchanges: whether all that it saw is from after it. A run
        that is gone has nothing new."""
        if self._listed(hit.run_id) is None:
            return self._begins(hit.run_id) > since
        self.read(hit.run_id, [hit.account_id])
        asked = self._asked.get((hit.run_id, hit.account_id), [])
        after = sum(at > since for at in asked)
        return after > 0 and 2 * after >= len(asked)

    def _listed(self, run_id: str) -> pa.Table | None:
        """The exchanges of a run's findings; None where the run does not list them."""
        if run_id not in self._runs:
            self._runs[run_id] = self._table(run_id)
        return self._runs[run_id]

    def _table(self, run_id: str) -> pa.Table | None:
        if not is_text(run_id) or "/" in run_id or "\0" in run_id:
            return None
        try:
            return read_counted(self._store, run_id).select(["account_id", "exchange_id", "asked_at"])
        except (StillwatchError, KeyError):
            return None

    def _begins(self, run_id: str) -> int:
        """When the first that a run saw was asked; nought where it does not say."""
        try:
            answer = read_run(self._store, run_id)
            first = datetime.fromisoformat(answer["run"]["since"])
            return int(first.timestamp() * 1_000_000) if answer["run"]["run_id"] == run_id else 0
        except (StillwatchError, KeyError, TypeError, ValueError, OverflowError):
            return 0
