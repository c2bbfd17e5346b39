"""`stillwatch doctor`: what logs would be read as, what lacks, and which detectors would be blind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stillwatch.diagnosis.diagnose import Diagnosis


def doctor(
    source: Annotated[list[Path], typer.Argument(help="Files or folders of logs, as for ingest.")],
    format: Annotated[str, typer.Option(help="auto, canonical, litellm, openai or anthropic.")] = "auto",
    mapping: Annotated[Path | None, typer.Option(help="A mapping file to try.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the diagnosis as JSON.")] = False,
) -> None:
    """Look at the first records of logs without reading them into a store.

    The answer names each file's format, the columns that the sample fills and where they were found (once for files
    that read alike), the required ones that lack, and the detectors that would be blind. Where something lacks, a
    mapping file is proposed from names and kinds of values: check each line of it. Values are never printed, and
    nothing is written.
    """
    from stillwatch.cli.output import NO_ACCOUNTS, emit_json, say, typed
    from stillwatch.diagnosis.diagnose import diagnose, mapping_text
    from stillwatch.ingest.mapping import load
    from stillwatch.ingest.sources import Wanted, source_files

    wanted = Wanted(format, load(mapping) if mapping else None)
    files = {file.path.resolve(): file for given in source for file in source_files(given, wanted)}
    found = [diagnose(file) for file in files.values()]
    blind = _blind(found)
    if json:
        emit_json({"schema": "stillwatch/doctor/v1", "files": [_as_json(one) for one in found], "blind": blind})
        return
    for group in _alike(found):
        _print(group[0])
        _print_alike(group[1:])
    if any(one.table == "exchanges" for one in found):
        print("no detector would be blind" if not blind else "would be blind:")
        for because in dict.fromkeys(row["because"] for row in blind):
            print(f"  {because}: {', '.join(row['detector'] for row in blind if row['because'] == because)}")
    unread = [one for one in found if one.table == "exchanges" and (one.lacking or one.proposed or one.request)]
    if unread:
        print("\nA mapping file to begin with (stillwatch ingest … --mapping FILE):\n")
        print(mapping_text(unread[0], wanted.fields), end="")
    if all(one.table != "accounts" for one in found):
        say(NO_ACCOUNTS)
    tried = "FILE" if unread else None if mapping is None else str(mapping)
    options = [*([] if format == "auto" else ["--format", format]), *([] if tried is None else ["--mapping", tried])]
    say(f"next: {typed('ingest', *map(str, source), '--store', 'DIR', *options)}")


def _alike(found: "list[Diagnosis]") -> "list[list[Diagnosis]]":
    """The files, with those that read alike together, in the order of the first of each."""
    groups: dict[object, list[Diagnosis]] = {}
    for one in found:
        key = (one.table, one.format, one.lacking, one.request, one.response, one.unread > 0,
               str(sorted(one.found_at.items())), *sorted(one.reasons))  # fmt: skip
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _print_alike(others: "list[Diagnosis]") -> None:
    """Files that read as one before them did, with what differs: names, and how many of their records are taken."""
    from stillwatch.cli.output import clean

    counts: dict[str, list[str]] = {}
    for one in others:
        aside = f", {one.unread} of {one.lines} sampled lines set aside" if one.unread else ""
        counts.setdefault(f"{one.fit} of {one.records} records would be taken{aside}", []).append(clean(one.label))
    for words, names in counts.items():
        each = " of each" if len(names) > 1 else ""
        print(f"  reads alike, {words}{each}: {', '.join(names)}")


def _print(one: "Diagnosis") -> None:
    """A file's columns."""
    from stillwatch.cli.output import clean, counted

    print(f"{clean(one.label)}: {one.table}, read as {one.format}; {one.fit} of {one.records} records would be taken")
    if one.unread:
        print(f"  {one.unread} of {counted(one.lines, 'sampled line')} could not be read: ingest sets such lines aside")
    for name, filled in sorted(one.filled.items(), key=lambda pair: (-pair[1], pair[0])):
        places = " or ".join(one.found_at.get(name, ()))
        print(f"  {name:18} {filled:4}/{one.records}" + (f"  from {clean(places)}" if places else ""))
    for name in one.lacking:
        print(f"  {name} is required and lacks in {one.records - one.filled.get(name, 0)} of {one.records}")
    for what, place in (("requests", one.request), ("answers", one.response)):
        if place is not None:
            print(f"  {what} seem to be in {clean(place)}: ingest needs the mapping file for that")
    if one.one_account:
        print(f"  account_id is the same in all {one.records}: is that who pays, or your own account?")
    for reason, count in list(one.reasons.items())[:10]:
        print(f"  refused: {count} × {clean(reason)}")


def _blind(found: "list[Diagnosis]") -> list[dict[str, str]]:
    """Channels whose columns no file of the source fills."""
    from stillwatch.linkage.tokens import CHANNELS

    filled = {name for one in found for name in one.filled}
    derived = {"block": "client_ip", "asn": "client_ip", "param_fp": "temperature", "system": "messages"}
    out: list[dict[str, str]] = []
    for channel in CHANNELS:
        lacks = [name for name in channel.needs if name not in filled and derived.get(name) not in filled]
        if lacks and "param_fp" not in lacks:
            family = "+".join(dict.fromkeys(channel.families))
            out.append({"detector": f"{family}/{channel.name}", "because": f"no {' and no '.join(lacks)}"})
    return out


def _as_json(one: "Diagnosis") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "lacking": one.lacking}
