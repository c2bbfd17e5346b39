"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stillwatch.engine.engines import Cluster

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="STILLWATCH_KEY_FILE",
        help="A file with the store's key (32 bytes, or 64 hexadecimal digits), instead of the user's key folder.",
    ),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would be removed, and change nothing.")]

CasebookUrl = Annotated[
    str | None,
    typer.Option(
        "--casebook", envvar="STILLWATCH_CASEBOOK", show_envvar=True,
        help="The casebook's database, postgresql+psycopg://NAME@HOST/DATABASE; casebook.db in the store without it.",
    ),
]  # fmt: skip

AppealUrl = Annotated[
    str,
    typer.Option(
        "--appeal-url", envvar="STILLWATCH_APPEAL_URL", show_envvar=True,
        help="Where customers appeal, https://… or mailto:…; {action_id} becomes the id.",
    ),
]  # fmt: skip

By = Annotated[str, typer.Option("--by", envvar="STILLWATCH_BY", help="Who acts: your login or address.")]

Reason = Annotated[str, typer.Option(help="Why, in a sentence that the customer and a court may read.")]

Acted = Annotated[str | None, typer.Argument(help="An action's id, or its start: R- and six letters at least.")]
OfAccount = Annotated[str | None, typer.Option("--account", help="Those of one account, by its id.")]
OfCampaign = Annotated[str | None, typer.Option("--campaign", help="All of one finding, by its whole id.")]
OfAccounts = Annotated[
    int | None, typer.Option("--accounts", help="--campaign: how many accounts that is, as `review` says.", min=1)
]

OfActions = Annotated[
    int | None,
    typer.Option("--actions", help="--campaign: how many actions, where they are more than accounts.", min=1),
]

OfRung = Annotated[
    str | None,
    typer.Option("--rung", help="--account, --campaign: those of one rung alone; rotate_key: those that ask for keys."),
]

StoreFolder = Annotated[Path, typer.Option("--store", help="The store's folder.")]

Campaign = Annotated[str, typer.Argument(help="A campaign's id, or the start of one.")]

Run = Annotated[str | None, typer.Option(help="A run's id, or the start of one; the newest run without it.")]

Engine = Annotated[
    str, typer.Option(help="duckdb: this machine; spark: a cluster (the extra `spark`). The findings are the same.")
]
Master = Annotated[str | None, typer.Option(help="Spark's master, spark://HOST:PORT or yarn; local[*] without it.")]
Scratch = Annotated[
    str | None,
    typer.Option(help="A folder or URL where Spark puts its tables, the same on all workers; in the store without it."),
]
Conf = Annotated[list[str] | None, typer.Option(help="A setting of Spark, NAME=VALUE; may be given again.")]


def cluster_of(engine: str, master: str | None, scratch: str | None, conf: list[str] | None) -> "Cluster | None":
    """The cluster that was asked for; None for this machine. Raises UsageError where options contradict each other."""
    from stillwatch.engine.engines import Cluster
    from stillwatch.errors import UsageError

    if engine not in ("duckdb", "spark"):
        raise UsageError("no such engine", found=engine, wanted="duckdb or spark")
    if engine == "duckdb":
        if master or scratch or conf:
            raise UsageError("options of a cluster without one", wanted="--engine spark")
        return None
    settings = dict(one.split("=", 1) for one in conf or [] if "=" in one)
    if len(settings) != len(conf or []):
        raise UsageError("a setting that is none", found=", ".join(conf or []), wanted="NAME=VALUE, each name once")
    return Cluster(master or "local[*]", scratch, settings)
