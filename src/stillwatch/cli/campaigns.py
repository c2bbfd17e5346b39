"""`stillwatch campaigns`: list the findings of the newest run."""

from pathlib import Path
from typing import Annotated

import typer


def campaigns(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    everything: Annotated[bool, typer.Option("--all", help="List dismissed groups too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/campaigns/v1, all findings.")] = False,
) -> None:
    """List the findings of the newest run: status, size, what is extracted, how much, how likely, who confirmed it.

    `exchanges` counts extraction only: the members' other traffic is left out. The interval beside it runs from what
    nobody outside of the group shows to all work of that kind by the members. `accused` counts members with role
    operator or provider and probability at least one half; victims, customers and bystanders are named, not accused.
    """
    from stillwatch.cli.output import emit_json
    from stillwatch.cli.show import print_campaigns
    from stillwatch.store.runs import latest_run
    from stillwatch.store.store import Store

    answer = latest_run(Store.open(store))
    if json:
        emit_json(answer)
    else:
        print_campaigns(answer, everything=everything)
