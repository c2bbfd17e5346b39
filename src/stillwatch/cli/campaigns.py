"""`stillwatch campaigns`: list the findings of a run."""

from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import CasebookUrl


def campaigns(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    everything: Annotated[bool, typer.Option("--all", help="List dismissed groups too.")] = False,
    run: Annotated[str | None, typer.Option(help="A run's id, or the start of one; the newest run without it.")] = None,
    casebook: CasebookUrl = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/campaigns/v1, all findings.")] = False,
) -> None:
    """List the findings of a run: status, size, what is extracted, how much, how likely, who confirmed it.

    `exchanges` counts extraction only: the members' other traffic is left out. The interval beside it runs from what
    hardly anybody else shows to all work of that kind by the members. `accused` counts members with role
    operator or provider and probability at least one half; victims, customers and bystanders are named, not accused.
    Below stands who operates each suspected group: a cluster, U-…, unless a person signed a name (`attribute`).
    """
    from stillwatch.cli.acts import operators
    from stillwatch.cli.output import emit_json
    from stillwatch.cli.show import print_campaigns
    from stillwatch.store.runs import read_run
    from stillwatch.store.store import Store

    answer = read_run(Store.open(store), run)
    if json:
        emit_json(answer)
    else:
        print_campaigns(answer, everything=everything, operators=operators(store, casebook, answer))
