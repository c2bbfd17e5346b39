"""What `watch` does with a policy: every window that is new is judged, and its hits go into the casebook."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stillwatch.store.store import Store


class Actor:
    """Judges runs by one policy. A casebook that cannot be reached is told, and tried again with the next run."""

    def __init__(self, policy: Path, appeal_url: str, casebook: str | None) -> None:
        """Raises SourceError where the policy cannot be used, UsageError where customers could appeal nowhere."""
        from stillwatch.cli.policy_file import policy_of
        from stillwatch.respond.address import appeal_address

        self._policy = policy_of(policy)
        self._appeal_url = appeal_address(appeal_url)
        self._casebook = casebook
        self._acted: datetime | None = None

    def is_due(self, end: datetime) -> bool:
        """Whether the window that ends so has not been judged yet."""
        return self._acted != end

    def act(self, store: "Store", run_id: str, end: datetime) -> None:
        """Judge a run of the window that ends so, and say what came of it."""
        from functools import partial

        from stillwatch.acting.by_policy import act
        from stillwatch.cli import acts
        from stillwatch.cli.output import say
        from stillwatch.errors import StillwatchError
        from stillwatch.store.casebook.casebook import Casebook

        try:
            casebook = partial(Casebook.begun, store.folder, self._casebook)
            done = act(store, casebook, self._policy, run_id, acts.now(), self._appeal_url, via=acts.login())
        except StillwatchError as error:
            say(f"the policy was not acted on: {error}")
            return
        self._acted = end
        new = done.proposed.new
        begun = sum(one.state == "in_force" for one in new)
        waiting = sum(one.state == "proposed" for one in new)
        if new or done.ended:
            say(
                f"policy: {begun:,} in force for a time, {waiting:,} wait for a person (stillwatch review --store "
                f"{store.folder}), {len(new) - begun - waiting:,} in shadow, {len(done.ended):,} ended by time"
            )
