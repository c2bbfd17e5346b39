"""`stillwatch exchanges`: the exchanges that a finding counts, to look up in one's own logs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stillwatch.cli.options import Campaign, KeyFile, Run

if TYPE_CHECKING:
    import pyarrow as pa

WORDINGS = 10
"""Commonest wordings that the terminal shows."""

BATCH = 10_000
"""Rows that a file is written from at a time."""


def exchanges(
    campaign: Campaign,
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    run: Run = None,
    account: Annotated[str | None, typer.Option(help="Only those of this account.")] = None,
    key_file: KeyFile = None,
    wording: Annotated[str | None, typer.Option(help="Only those in this wording, or those that start so.")] = None,
    limit: Annotated[int, typer.Option(help="How many to list, the earliest first.", min=0)] = 20,
    out: Annotated[Path | None, typer.Option(help="Write all of them to this file: .parquet, .csv or .jsonl.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/exchanges/v1.")] = False,
) -> None:
    """List the exchanges that a finding counts, by their ids in your logs, and the wordings that they share.

    Look some up before you act: the finding is right only if they ask for what it says. A wording is named by a keyed
    hash, which tells no text, within one run; it is the group's own where hardly anybody
    outside uses it. An exchange that is not linked is of an account that only shares words with the group.
    """
    from stillwatch.cli import acts
    from stillwatch.cli.output import emit_json, say
    from stillwatch.cli.place import place_of
    from stillwatch.errors import UsageError
    from stillwatch.store.files import OPEN, write_whole
    from stillwatch.store.runs import found_in, read_counted, read_run
    from stillwatch.store.store import Store

    kept = Store.open(store, key_file)
    place = place_of(out, store, "exchanges.csv") if out else None
    if place and place.suffix.lower() not in WRITERS:
        raise UsageError("no format is known by this ending", found=place.name, wanted=".parquet, .csv or .jsonl")
    answer = read_run(kept, run)
    finding = found_in(answer, campaign, store)
    if finding["status"] == "dismissed":
        raise UsageError(
            "of a dismissed finding no exchanges are listed", found=finding["campaign_id"],
            wanted="a finding that `campaigns` lists without --all",
        )  # fmt: skip
    rows = _chosen(
        read_counted(kept, answer["run"]["run_id"]), finding["campaign_id"], acts.named(kept, account), wording
    )
    if account is not None and not rows.num_rows:
        say("no exchange of this account is counted")
    if place:
        write_whole(place, WRITERS[place.suffix.lower()](rows), OPEN)
        say(f"{rows.num_rows:,} exchanges written to {out}")
    told = {
        "schema": "stillwatch/exchanges/v1", "run_id": answer["run"]["run_id"], "campaign_id": finding["campaign_id"],
        "status": finding["status"], "exchanges": rows.num_rows, "wordings": _wordings(rows),
        "rows": _rows(rows.slice(0, limit)),
    }  # fmt: skip
    if json:
        emit_json(told)
    else:
        _print(told)


def _chosen(counted: "pa.Table", campaign: str, account: tuple[str, ...] | None, wording: str | None) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    from stillwatch.store.mentions import is_text

    rows = counted.filter(pc.equal(counted["campaign_id"], campaign))
    if account is not None:
        rows = rows.filter(pc.is_in(rows["account_id"], pa.array(list(filter(is_text, account)), pa.string())))
    if wording is not None:
        rows = rows.filter(pc.fill_null(pc.starts_with(rows["wording"], wording), False))
    return rows


def _wordings(rows: "pa.Table") -> list[dict[str, Any]]:
    """The wordings, the commonest first: exchanges, accounts, whether the group's own."""
    held = (
        rows.group_by(["wording", "own"]).aggregate([([], "count_all"), ("account_id", "count_distinct")]).to_pylist()
    )
    told = [
        {
            "wording": r["wording"],
            "own": r["own"],
            "exchanges": r["count_all"],
            "accounts": r["account_id_count_distinct"],
        }
        for r in held
    ]
    return sorted(told, key=lambda row: (-row["exchanges"], str(row["wording"]), bool(row["own"])))


def _rows(rows: "pa.Table") -> list[dict[str, Any]]:
    """Rows with their times as ISO 8601 in UTC."""
    return list(_each(rows.drop_columns(["campaign_id"])))


def _each(rows: "pa.Table") -> Iterator[dict[str, Any]]:
    """The same one by one: of a million rows as Python objects only a batch is held."""
    for batch in rows.to_batches(max_chunksize=BATCH):
        for row in batch.to_pylist():
            yield row | {"asked_at": row["asked_at"].isoformat().replace("+00:00", "Z")}


def _parquet(rows: "pa.Table") -> bytes:
    from stillwatch.store.runs import counted_bytes

    return counted_bytes(rows)


def _jsonl(rows: "pa.Table") -> bytes:
    import json

    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in _each(rows))
    return b"".join(line.encode("utf-8", "backslashreplace") for line in lines)


def _csv(rows: "pa.Table") -> bytes:
    """With a quote before what a spreadsheet would take for a formula: ids are the attacker's to choose."""
    import csv
    import io

    def plain(value: object) -> str:
        text = "" if value is None else str(value)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

    held = io.StringIO(newline="")
    writer = csv.writer(held)
    writer.writerow(rows.column_names)
    writer.writerows(map(plain, row.values()) for row in _each(rows))
    return held.getvalue().encode("utf-8", "backslashreplace")


WRITERS: dict[str, Callable[["pa.Table"], bytes]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}


def _print(told: dict[str, Any]) -> None:
    from stillwatch.cli.output import clean, counted, table

    print(f"{told['campaign_id']}  {told['status']}: {counted(told['exchanges'], 'exchange')} of run {told['run_id']}")
    names = [row for row in told["wordings"] if row["wording"]]
    if names:
        print(f"\n{counted(len(names), 'wording')}, the commonest first")
        table(
            ["wording", "whose", "exchanges", "accounts"],
            [[r["wording"], _whose(r["own"]), f"{r['exchanges']:,}", f"{r['accounts']:,}"] for r in names[:WORDINGS]],
        )
    if told["rows"]:
        print(f"\nthe first {len(told['rows']):,}" if told["exchanges"] > len(told["rows"]) else "")
        table(
            ["exchange", "account", "asked at", "wording", "whose", "linked"],
            [
                [clean(r["exchange_id"]), clean(r["account_id"]), r["asked_at"], r["wording"] or "-", _whose(r["own"]),
                 {None: "-", True: "yes", False: "no"}[r["linked"]]]
                for r in told["rows"]
            ],
        )  # fmt: skip


def _whose(own: bool | None) -> str:
    return {None: "-", True: "its own", False: "others' too"}[own]
