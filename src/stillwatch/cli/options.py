"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="STILLWATCH_KEY_FILE",
        help="A file with the store's key (32 bytes, or 64 hexadecimal digits), instead of the user's key folder.",
    ),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would be removed, and change nothing.")]

Campaign = Annotated[str, typer.Argument(help="A campaign's id, or the start of one.")]

Run = Annotated[str | None, typer.Option(help="A run's id, or the start of one; the newest run without it.")]
