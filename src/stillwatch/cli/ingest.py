"""`stillwatch ingest`: read logs into a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillwatch.cli.options import Conf, Engine, KeyFile, Master, cluster_of

if TYPE_CHECKING:
    from stillwatch.pipeline import IngestReport

SAID = ("account_id", "asked_at", "client_ip")
"""Columns whose place in records of another format is always said: who is judged, and by what."""

PATHS = 6

REASONS = 20
"""Reasons of quarantine that are printed, the commonest first."""


def ingest(
    source: Annotated[
        list[Path],
        typer.Argument(help="Files or folders of logs (Parquet, JSON, JSONL, .gz, .zst); for spark also table:NAME."),
    ],
    store: Annotated[Path, typer.Option(help="The store's folder; made where it is missing.")],
    format: Annotated[
        str, typer.Option(help="auto, canonical, litellm, openai or anthropic. auto tells each file's by its records.")
    ] = "auto",
    mapping: Annotated[
        Path | None,
        typer.Option(help="A YAML file that says where in your lines the values are; stillwatch doctor proposes one."),
    ] = None,
    key_file: KeyFile = None,
    pseudonymous: Annotated[
        bool, typer.Option("--pseudonymous", help="Begin a store that holds every id as a keyed pseudonym.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(help="Processes that read files side by side; one a core without it.", min=1)
    ] = None,
    engine: Engine = "duckdb",
    master: Master = None,
    conf: Conf = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read exchanges, accounts, permissions and releases into a store; texts become keyed sketches and are not kept.

    The answer counts what was read, what was new, and what went to quarantine. A row that breaks the contract is set
    aside with its file, row, what was found and what was wanted, and never harms its neighbours. Reading the same
    source again changes nothing, so an ingest that was stopped is repeated.
    """
    import os
    from dataclasses import asdict

    from stillwatch.cli.output import NO_ACCOUNTS, clean, counted, say, status, typed
    from stillwatch.pipeline import ingest_sources
    from stillwatch.store.store import Store

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with status("reading") as tell:
        report = ingest_sources(
            source, store, format=format, mapping=mapping, key_file=key_file, pseudonymous=pseudonymous,
            processes=processes or cores, cluster=cluster_of(engine, master, None, conf), progress=tell,
        )  # fmt: skip
    _say_quarantine(report, store)
    if report.secrets:
        say(f"{report.secrets:,} ids look like API keys: the store holds their pseudonyms. Log ids of keys, not keys")
    if report.impossible:
        say(f"{counted(report.impossible, 'exchange')} ended before being asked: clocks disagree; finished_at left out")
    if report.suppressed:
        say(f"{counted(report.suppressed, 'row')} of erased accounts passed over")
    if report.expired:
        say(f"{counted(report.expired, 'exchange')} of days that this store keeps no more passed over")
    if report.unsuppressed:
        say(
            f"the key of an earlier epoch is not at hand: old rows of {counted(report.unsuppressed, 'erased account')} "
            f"may have come back (stillwatch keys show --store {store})"
        )
    kept = Store.open(store)
    if kept.key_beside_data:
        say(f"the key lies beside the data: stillwatch keys move --store {store}")
    if report.unknown:
        say(
            "columns that the contract does not know, not used and not kept: "
            + ", ".join(map(_guessed, report.unknown))
        )
    for column, paths in report.found_at.items():
        if column in SAID or len(paths) > 1:
            say(f"{column} from {clean(' or '.join(paths[:PATHS]))}")
    if not kept.has_accounts():
        say(NO_ACCOUNTS)
    _print(report, asdict(report) if json else None)
    if report.quarantined and not (report.suppressed or report.expired) and not (report.exchanges or kept.days()):
        tried = [*([] if format == "auto" else ["--format", format]), *(["--mapping", str(mapping)] if mapping else [])]
        none = "no exchange" if _kept(report) else "nothing"
        say(f"{none} was kept: {typed('doctor', *map(str, source), *tried)}")
    elif not json:
        say(f"next: {typed('detect', '--store', str(store))}")


def _kept(report: "IngestReport") -> int:
    return report.exchanges + report.accounts + report.permissions + report.releases


def _print(report: "IngestReport", data: dict[str, object] | None) -> None:
    """The data where there are any, else the counts in words."""
    from stillwatch.cli.output import counted, emit_json

    if data is not None:
        emit_json(data)
        return
    print(
        f"{report.exchanges:,} exchanges read from {counted(report.files, 'file')} ({report.new:,} new, "
        f"{report.repeated:,} repeated), {report.accounts:,} accounts, {report.permissions:,} permissions, "
        f"{report.releases:,} releases; {report.quarantined:,} rows in quarantine; {report.seconds:.1f} s"
    )


def _say_quarantine(report: "IngestReport", store: Path) -> None:
    """The first rows that were set aside, and the commonest reasons where there were more."""
    from stillwatch.cli.output import counted, say

    for row in report.examples:
        place = row.file if row.row is None else f"{row.file}, row {row.row}"
        column = f", column {row.column}" if row.column else ""
        say(f"quarantine: {place}{column}: found {row.found}, wanted {row.wanted}")
    if report.quarantined > len(report.examples):
        more = report.quarantined - len(report.examples)
        say(f"quarantine: {more:,} more (stillwatch quarantine --store {store}); by reason:")
        for reason, count in list(report.reasons.items())[:REASONS]:
            say(f"  {count:,} × {reason}")
        if len(report.reasons) > REASONS:
            say(f"  and {counted(len(report.reasons) - REASONS, 'other reason')}")


def _guessed(column: str) -> str:
    """A column that is not known, with the known one that it may stand for."""
    import difflib

    from stillwatch.ingest.sources import TABLES

    table, _, name = column.partition(".")
    near = difflib.get_close_matches(name, TABLES[table].names, n=1, cutoff=0.75)
    return f"{column} (did you mean {near[0]}?)" if near else column
