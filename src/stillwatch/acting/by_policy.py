"""A run judged by a policy, from its findings to what is in force: the whole way in one call.

What a rule may do by itself begins at once and for a time; what is above waits for a person; what time has ended ends.
Then all that is in force is published for the decision path. The same run again changes nothing.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from stillwatch.acting.actions import Proposed, propose, sweep
from stillwatch.acting.meanwhile import Changed, check_unchanged, stamp
from stillwatch.acting.newest import WITHIN, check_age
from stillwatch.acting.publishing import publish
from stillwatch.backtest import facts_of_run
from stillwatch.respond.action import Action, Terms
from stillwatch.respond.address import appeal_address
from stillwatch.respond.hits import Judged, judged
from stillwatch.respond.policy import Policy
from stillwatch.store.casebook.casebook import Begun, Casebook
from stillwatch.store.runs import read_run
from stillwatch.store.store import Store

SOMEWHERE = "https://example.invalid/appeals"
"""Where nobody appeals against what is only rehearsed."""

TRIES = 4
"""Times that a run is judged where permissions or findings change while the casebook is awaited."""


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
    check_age(store, answer, now, within)
    return str(answer["run"]["run_id"]), judged(policy, facts_of_run(store, answer, now), now)


def rehearse(
    store: Store, casebook_url: str | None, policy: Policy, run_id: str | None, now: int, *, within: int = WITHIN
) -> tuple[str, Judged, Proposed]:
    """What `act` would do about a run (the newest): its id, what the rules say, and what the casebook would make of it.

    Everything is done to the casebook and taken back; where the store has none yet, to an empty one that goes.
    Raises UsageError as `judge` does.
    """
    name, said = judge(store, policy, run_id, datetime.fromtimestamp(now // 1_000_000, UTC), within)
    terms = Terms(cap=policy.blast_radius, appeal_url=SOMEWHERE)
    casebook = Casebook.there(store.folder, casebook_url, rehearses=True)
    with closing(casebook) if casebook else Casebook.none() as book:
        return name, said, propose(store, book, said.hits, now, terms)


def act(
    store: Store, begun: Begun, policy: Policy, run_id: str | None, now: int,
    appeal_url: str, *, within: int = WITHIN, via: str = "",
) -> Acted:  # fmt: skip
    """Judge a run (the newest) and bring the hits into the casebook, which is `begun` only once there is something to
    bring: a run that can be acted on. Note what time has ended; publish what stands.

    Where permissions or findings change while the casebook is awaited, all is judged again. `now` is microseconds since
    1970. Raises UsageError as `judge` does, where customers could appeal nowhere, where a hit lacks what an action must
    have, and where what is judged by does not stand still; then nothing is changed.
    """
    terms = Terms(cap=policy.blast_radius, appeal_url=appeal_address(appeal_url))
    ended: list[Action] = []
    for left in reversed(range(TRIES)):
        seen = stamp(store)
        name, said = judge(store, policy, run_id, datetime.fromtimestamp(now // 1_000_000, UTC), within)
        with begun() as casebook:
            ended += sweep(casebook, now)
            try:
                still = partial(check_unchanged, store, seen)
                proposed = propose(store, casebook, said.hits, now, terms, via=via, still=still)
            except Changed:
                if not left:
                    raise
                continue
            return Acted(name, said, proposed, tuple(ended), publish(store, casebook, now))
    raise AssertionError  # the last try returns or raises
