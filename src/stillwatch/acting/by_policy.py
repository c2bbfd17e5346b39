"""A run judged by a policy, from its findings to what is in force: the whole way in one call.

What a rule may do by itself begins at once and for a time; what is above waits for a person; what time has ended ends.
Then all that is in force is published for the decision path. The same run again changes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stillwatch.acting.actions import Proposed, propose, sweep
from stillwatch.acting.publishing import publish
from stillwatch.backtest import facts_of_run
from stillwatch.errors import UsageError
from stillwatch.respond.action import Action, Terms
from stillwatch.respond.hits import Judged, judged
from stillwatch.respond.policy import Policy
from stillwatch.store.casebook.casebook import Casebook
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

WITHIN = 7
"""Days after which what a run saw is too old to act on: the longest that a rule's action lasts."""


@dataclass(frozen=True)
class Acted:
    """What a policy did about a run: what its rules said, what the casebook made of it, which actions time has ended,
    and how many are in force or in shadow now, as published."""

    run_id: str
    said: Judged
    proposed: Proposed
    ended: tuple[Action, ...]
    published: int


def judge(store: Store, policy: Policy, run_id: str | None, now: datetime, within: int = WITHIN) -> tuple[str, Judged]:
    """What a policy's rules say of a run (the newest), and the run's id. Nothing is changed.

    Raises UsageError where the run's period ended more than `within` days ago.
    """
    answer = read_run(store, run_id)
    until = datetime.fromisoformat(answer["run"]["until"])
    if now - until > timedelta(days=within):
        raise UsageError(
            "the run is too old to act on", where=str(answer["run"]["run_id"]),
            found=f"what was asked until {until:%Y-%m-%d}", wanted=f"at most {within} days ago",
            next_step=f"stillwatch detect --store {store.folder}, or --within DAYS",
        )  # fmt: skip
    return str(answer["run"]["run_id"]), judged(policy, facts_of_run(store, answer, now), now)


def act(
    store: Store, casebook: Casebook, policy: Policy, run_id: str | None, now: int, appeal_url: str,
    *, within: int = WITHIN, via: str = "",
) -> Acted:  # fmt: skip
    """Judge a run (the newest) and bring the hits into the casebook; note what time has ended; publish what stands.

    `now` is microseconds since 1970. Raises UsageError as `judge` does, and where a hit lacks what an action must have;
    then nothing is changed.
    """
    name, said = judge(store, policy, run_id, datetime.fromtimestamp(now // 1_000_000, UTC), within)
    ended = sweep(casebook, now)
    terms = Terms(cap=policy.blast_radius, appeal_url=appeal_url)
    proposed = propose(store, casebook, said.hits, now, terms, via=via)
    return Acted(name, said, proposed, tuple(ended), publish(store, casebook, now))
