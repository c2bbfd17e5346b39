"""`stillwatch ingest`: read logs into a store."""

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    source: Annotated[list[Path], typer.Argument(help="Files or folders of the data contract (Parquet, JSONL, .gz, .zst).")],
    store: Annotated[Path, typer.Option(help="The store's folder; made where it is missing.")],
    format: Annotated[str, typer.Option(help="auto or canonical.")] = "auto",
    key_file: Annotated[Path | None, typer.Option(help="A file with the store's 32-byte key, kept elsewhere.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read exchanges, accounts, permissions and releases into a store; texts become keyed sketches and are not kept.

    The answer counts what was read, what was new, and what went to quarantine. A row that breaks the contract is set
    aside with its file, row, what was found and what was wanted, and never harms its neighbours. Reading the same
    source again changes nothing, so an ingest that was stopped is repeated.
    """
    from dataclasses import asdict

    from stillwatch.cli.output import clean, emit_json, say, status
    from stillwatch.pipeline import ingest_sources

    with status("reading") as tell:
        report = ingest_sources(source, store, format=format, key_file=key_file, progress=tell)
    for row in report.examples:
        place = f"{clean(row.file)}, row {row.row}" if row.row is not None else clean(row.file)
        column = f", column {clean(row.column)}" if row.column else ""
        say(f"quarantine: {place}{column}: found {clean(row.found)}, wanted {clean(row.wanted)}")
    if json:
        emit_json(asdict(report))
        return
    print(
        f"{report.exchanges:,} exchanges read from {report.files:,} files ({report.new:,} in new batches), "
        f"{report.accounts:,} accounts, {report.permissions:,} permissions, {report.releases:,} releases; "
        f"{report.quarantined:,} rows in quarantine; {report.seconds:.1f} s"
    )
