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
