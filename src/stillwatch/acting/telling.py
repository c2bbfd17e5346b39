"""How actions are chosen and told, for people and programs alike: commands and the service say the same."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from stillwatch.errors import UsageError
from stillwatch.respond.action import Action, State
from stillwatch.respond.notices import notice_of
from stillwatch.store.casebook.casebook import Casebook


def chosen(
    casebook: Casebook, states: Iterable[State], action: str | None, account: str | None, campaign: str | None,
    accounts: int | None,
) -> list[str]:  # fmt: skip
    """The ids of the actions that are meant: one, those of an account, or all of a campaign.

    Of a campaign it has to be said how many accounts that is, as `review` told: nobody acts on a group that grew
    meanwhile. Raises UsageError where nothing is meant or the number is another.
    """
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


def told(action: Action) -> dict[str, Any]:
    """An action as programs read it: times in microseconds since 1970, and what the customer is told."""
    hit = {**asdict(action.hit), "rung": action.hit.rung.name.lower()}
    about = {name: value for name, value in asdict(action).items() if name != "hit"}
    return {**about, **hit, "notice": notice_of(action).as_dict()}
