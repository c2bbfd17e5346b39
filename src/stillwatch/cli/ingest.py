"""`stillwatch ingest`: read logs into a store."""

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    source: Annotated[
        list[Path], typer.Argument(help="Files or folders of the data contract (Parquet, JSONL, .gz, .zst).")
    ],
    store: Annotated[Path, typer.Option(help="The store's folder; made where it is missing.")],
    format: Annotated[str, typer.Option(help="auto or canonical.")] = "auto",
    key_file: Annotated[
        Path | None,
        typer.Option(help="A file with the store's key (32 bytes, or 64 hexadecimal digits), kept elsewhere."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read exchanges, accounts, permissions and releases into a store; texts become keyed sketches and are not kept.

    The answer counts what was read, what was new, and what went to quarantine. A row that breaks the contract is set
    aside with its file, row, what was found and what was wanted, and never harms its neighbours. Reading the same
    source again changes nothing, so an ingest that was stopped is repeated.
    """
    from dataclasses import asdict

    from stillwatch.cli.output import emit_json, say, status
    from stillwatch.pipeline import ingest_sources

    with status("reading") as tell:
        report = ingest_sources(source, store, format=format, key_file=key_file, progress=tell)
    for row in report.examples:
        place = row.file if row.row is None else f"{row.file}, row {row.row}"
        column = f", column {row.column}" if row.column else ""
        say(f"quarantine: {place}{column}: found {row.found}, wanted {row.wanted}")
    if report.quarantined > len(report.examples):
        say(f"quarantine: {report.quarantined - len(report.examples):,} more in {store / 'quarantine'}; by reason:")
        for reason, count in list(report.reasons.items())[:10]:
            say(f"  {count:,} × {reason}")
    if json:
        emit_json(asdict(report))
        return
    print(
        f"{report.exchanges:,} exchanges read from {report.files:,} files ({report.new:,} new, {report.repeated:,} "
        f"repeated), {report.accounts:,} accounts, {report.permissions:,} permissions, {report.releases:,} releases; "
        f"{report.quarantined:,} rows in quarantine; {report.seconds:.1f} s"
    )
