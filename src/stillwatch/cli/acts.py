"""What the commands of the ladder share: the casebook, the clock, who acts, and how actions are chosen and told."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillwatch.respond.action import Action, State
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store


@contextmanager
def opened(store: Path, url: str | None) -> "Iterator[tuple[Store, Casebook]]":
    """A store and its casebook."""
    from stillwatch.store.casebook.casebook import Casebook
    from stillwatch.store.store import Store

    kept = Store.open(store)
    casebook = Casebook.open(store, url)
    try:
        yield kept, casebook
    finally:
        casebook.close()


def published(kept: "Store", book: "Casebook") -> None:
    """Put what is in force before the decision path, after something began or ended."""
    from stillwatch import acting

    acting.publish(kept, book, now())


def now() -> int:
    """Microseconds since 1970."""
    import time

    return time.time_ns() // 1000


def login() -> str:
    """The login on this machine, which the audit trail keeps beside the name that was given."""
    import getpass
    import os

    try:
        return ascii(getpass.getuser())[1:-1][:64]
    except (KeyError, OSError):
        return str(os.getuid())


def at(time: int | None) -> str:
    """A time for people."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ") if time is not None else "-"


def chosen(
    casebook: "Casebook", states: "Iterable[State]", action: str | None, account: str | None, campaign: str | None,
    accounts: int | None,
) -> list[str]:  # fmt: skip
    """The ids of the actions that are meant: one, those of an account, or all of a campaign.

    Of a campaign it has to be said how many accounts that is, as `review` told: nobody acts on a group that grew
    meanwhile. Raises UsageError where nothing is meant or the number is another.
    """
    from stillwatch.errors import UsageError

    if sum(one is not None for one in (action, account, campaign)) != 1:
        raise UsageError("it is not said which actions", wanted="ACTION, or --account ID, or --campaign ID")
    if action is not None:
        return [casebook.get(action).action_id]
    found = casebook.find(states, account=account, campaign=campaign)
    reached = len({one.hit.account_id for one in found})
    if not found:
        wanted = ", ".join(state.value for state in states)
        raise UsageError("no action fits", found="none", wanted=f"one that is {wanted}", next_step="stillwatch actions")
    if campaign is not None and accounts != reached:
        raise UsageError(
            f"the campaign's actions reach {reached:,} accounts", found=f"--accounts {accounts}",
            wanted=f"--accounts {reached}", next_step="look at stillwatch review first",
        )  # fmt: skip
    return [one.action_id for one in found]


def as_json(action: "Action") -> dict[str, Any]:
    """An action as programs read it: times in microseconds since 1970, and what the customer is told."""
    from stillwatch.respond.notices import notice_of

    hit = {**asdict(action.hit), "rung": action.hit.rung.name.lower()}
    told = {name: value for name, value in asdict(action).items() if name != "hit"}
    return {**told, **hit, "notice": notice_of(action).as_dict()}


def tell(done: "Sequence[Action]", schema: str, *, json: bool) -> None:
    """Print actions as they are now."""
    from stillwatch.cli.output import emit_json, say, table

    if json:
        emit_json({"schema": f"stillwatch/{schema}/v1", "actions": [as_json(one) for one in done]})
        return
    if not done:
        say("no action")
        return
    heads = ["action", "state", "rung", "account", "finding", "until", "needs", "approved by", "appeal", "ended"]
    table(heads, [_row(one) for one in done])


def _row(one: "Action") -> list[str]:
    appeal = "-"
    if one.appeal is not None:
        waits = one.appeal.outcome == "open"
        appeal = f"due {at(one.appeal.due_at)}" if waits else one.appeal.outcome.value
    people = ", ".join(each.by for each in one.approvals) or ("-" if one.needs else "a rule")
    return [
        one.action_id, one.state.value, one.hit.rung.name.lower(), one.hit.account_id, one.hit.campaign_id,
        at(one.expires_at), str(one.needs), people, appeal, one.ended or "-",
    ]  # fmt: skip
