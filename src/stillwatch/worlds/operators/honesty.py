"""What operators know of honest customers: what they copy to look like them, and the traffic that they replay."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.worlds.chance import Dice
from stillwatch.worlds.draft import Draft
from stillwatch.worlds.plan import Account

Array = npt.NDArray[Any]

REPLAYED = ("chat", "coding_agent", "batch_job", "framework_default")
"""Populations whose traffic serves as cover."""
ATYPICAL = ("permitted_distiller", "reseller_declared")


@dataclass(frozen=True)
class Talk:
    """One conversation of an honest account: its script's item, its turns, and seconds after its start."""

    donor: Account
    script: int
    item: int
    turns: tuple[int, ...]
    after: tuple[int, ...]


class Honest:
    """A snapshot of the honest world: volumes, births, times of asking, and conversations to replay."""

    def __init__(self, draft: Draft) -> None:
        plan = draft.plan
        owner = np.array(plan.column("account"))
        counts = np.bincount(owner, minlength=len(draft.accounts))
        typical = [a for a in draft.accounts if a.cohort not in ATYPICAL and counts[a.number] > 0]
        self.volumes: list[int] = [int(counts[account.number]) for account in typical]
        self.births: list[int] = sorted(account.created for account in typical)
        self.spans: list[tuple[int, int]] = [(account.starts, account.ends) for account in typical]
        self.times: Array = np.sort(np.array(plan.column("at")))
        self.donors = [account for account in typical if account.cohort in REPLAYED]
        self._draft = draft
        self._order = np.argsort(owner, kind="stable")
        self._edges = np.concatenate([[0], np.cumsum(counts)])
        self._columns = {name: np.array(plan.column(name)) for name in ("at", "script", "item", "turn", "conversation")}
        self._talks: dict[int, list[Talk]] = {}

    def talks(self, donor: Account) -> list[Talk]:
        """The conversations of a donor, in the order of its plan."""
        if donor.number not in self._talks:
            self._talks[donor.number] = self._read(donor)
        return self._talks[donor.number]

    def birth(self, place: float) -> int:
        """The sign-up time below which a share ``place`` of honest accounts signed up."""
        return self.births[min(int(place * len(self.births)), len(self.births) - 1)]

    def moment(self, dice: Dice) -> int:
        """A time at which somebody honest asked."""
        return int(self.times[dice.below(len(self.times))])

    def _read(self, donor: Account) -> list[Talk]:
        rows = self._order[self._edges[donor.number] : self._edges[donor.number + 1]]
        groups: dict[int, list[int]] = defaultdict(list)
        for row in rows.tolist():
            groups[int(self._columns["conversation"][row])].append(row)
        return [self._talk(donor, group) for group in groups.values()]

    def _talk(self, donor: Account, rows: list[int]) -> Talk:
        first = rows[0]
        at = self._columns["at"]
        return Talk(
            donor, int(self._columns["script"][first]), int(self._columns["item"][first]),
            tuple(int(self._columns["turn"][row]) for row in rows), tuple(int(at[row] - at[first]) for row in rows),
        )  # fmt: skip
