"""Whether what a run says of an account is new since a time: nobody is asked again for what is known already."""

from datetime import datetime

import pyarrow.compute as pc

from stillwatch.errors import StillwatchError
from stillwatch.records import Hit
from stillwatch.store.mentions import is_text
from stillwatch.store.runs import read_counted, read_run
from stillwatch.store.store import Store


class Evidence:
    """What runs rest on, read when somebody asks, each run once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: dict[str, dict[str, list[int]] | None] = {}

    def is_new(self, hit: Hit, since: int) -> bool:
        """Whether at least half of the exchanges that the hit's run counts of the account were asked after a time
        (microseconds since 1970). Of a run that lists no exchanges: whether all that it saw is from after it. A run
        that is gone has nothing new."""
        counted = self._counted(hit.run_id)
        if counted is None:
            return self._begins(hit.run_id) > since
        asked = counted.get(hit.account_id, [])
        after = sum(at > since for at in asked)
        return after > 0 and 2 * after >= len(asked)

    def _counted(self, run_id: str) -> dict[str, list[int]] | None:
        """When the exchanges of a run's findings were asked, by account; None where the run does not list them."""
        if run_id not in self._asked:
            self._asked[run_id] = self._read(run_id)
        return self._asked[run_id]

    def _read(self, run_id: str) -> dict[str, list[int]] | None:
        if not is_text(run_id) or "/" in run_id or "\0" in run_id:
            return None
        try:
            held = read_counted(self._store, run_id).select(["account_id", "exchange_id", "asked_at"])
        except (StillwatchError, KeyError):
            return None
        each = held.group_by(["account_id", "exchange_id"]).aggregate([("asked_at", "min")])
        asked: dict[str, list[int]] = {}
        times = pc.cast(each["asked_at_min"], "int64").to_pylist()
        for account, at in zip(each["account_id"].to_pylist(), times, strict=True):
            asked.setdefault(account, []).append(at)
        return asked

    def _begins(self, run_id: str) -> int:
        """When the first that a run saw was asked; nought where it does not say."""
        try:
            answer = read_run(self._store, run_id)
            first = datetime.fromisoformat(answer["run"]["since"])
            return int(first.timestamp() * 1_000_000) if answer["run"]["run_id"] == run_id else 0
        except (StillwatchError, KeyError, TypeError, ValueError, OverflowError):
            return 0
