"""`stillwatch quarantine`: the rows that ingest set aside, and why."""

from pathlib import Path
from typing import Annotated

import typer


def quarantine(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    most: Annotated[int, typer.Option(help="How many rows to list, by file and row.", min=1)] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """List the rows that were set aside: file, row, column, what was found and what was wanted; never the value.

    No detector looks at these rows. Mend the source and ingest it again: rows that are read then count as new, and what
    stands here stays, as a record of what was refused.
    """
    from dataclasses import asdict

    from stillwatch.cli.output import emit_json, say, table
    from stillwatch.store.store import Store

    kept = Store.open(store)
    rows, total = kept.quarantine(most), kept.quarantined()
    if json:
        emit_json({"total": total, "rows": [asdict(row) for row in rows]})
        return
    if not rows:
        print("No row is in quarantine.")
        return
    table(
        ["file", "row", "column", "found", "wanted", "exchange"],
        [
            [r.file, "" if r.row is None else str(r.row), r.column or "", r.found, r.wanted, r.exchange_id or ""]
            for r in rows
        ],
    )
    if total > len(rows):
        say(f"{total - len(rows):,} more: list them with --most {total}")
