"""`stillwatch changes`: what became of the campaigns between two runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stillwatch.assess.changes import Change


def changes(
    store: Annotated[Path, typer.Option(help="The store's folder.")],
    since: Annotated[
        str | None, typer.Option(help="The earlier run's id, or the start of one; the run before the later one.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="The later run's id, or the start of one; the newest run.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print stillwatch/changes/v1, with all accounts.")] = False,
) -> None:
    """Tell what became of each campaign between two runs: new, continued, merged, split off or gone.

    Ids differ between runs, so findings are matched by the accounts that share their work: one continues another where
    half of the smaller one's accounts stand in both. `joined` and `left` count accounts, `newly accused` those that
    the later run accuses and the earlier did not: look at them first. A campaign is dormant that was active at the end
    of the earlier period and is not any more. Only findings that are not dismissed in both runs are told.
    """
    from dataclasses import asdict

    from stillwatch.assess.changes import changes as between
    from stillwatch.cli.output import emit_json
    from stillwatch.errors import UsageError
    from stillwatch.store.runs import read_run, run_ids
    from stillwatch.store.store import Store

    kept = Store.open(store)
    later = read_run(kept, run)
    before = [name for name in run_ids(kept) if name < later["run"]["run_id"]]
    if since is None and not before:
        raise UsageError(
            "there is no earlier run to compare with", found=f"run {later['run']['run_id']} alone",
            next_step=f"stillwatch ingest the next logs, then stillwatch detect --store {store}",
        )  # fmt: skip
    earlier = read_run(kept, since or before[-1])
    found = between(earlier, later)
    if json:
        runs = {name: _head(answer) for name, answer in (("earlier", earlier), ("later", later))}
        emit_json({"schema": "stillwatch/changes/v1", **runs, "changes": [asdict(change) for change in found]})
        return
    _print(earlier, later, found)


def _head(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer["run"][name] for name in ("run_id", "since", "until", "exchanges", "accounts")}


def _print(earlier: dict[str, Any], later: dict[str, Any], found: "list[Change]") -> None:
    from stillwatch.cli.output import table

    for name, answer in (("earlier", earlier), ("later", later)):
        run = answer["run"]
        print(f"{name}: run {run['run_id']}, {run['exchanges']:,} exchanges, {run['since']} to {run['until']}")
    if not found:
        print("No finding in either run. That is not an all-clear.")
        return
    accused = ["newly accused", "no longer accused"]
    heads = ["finding", "event", "was", "status", "joined", "left", *accused, "exchanges", ""]
    table(heads, [_row(change) for change in found])


def _row(change: "Change") -> list[str]:
    was = ", ".join(change.was) or (f"part of {change.of}" if change.of else "-")
    old, new = change.status
    status = str(new or old) if old in (None, new) or new is None else f"{old} → {new}"
    before, now = change.exchanges
    exchanges = f"{now:,}" if before is None else f"{before:,} → {now or 0:,}"
    return [
        change.campaign_id or "-", change.event, was, status, f"{len(change.joined):,}", f"{len(change.left):,}",
        f"{len(change.newly_accused):,}", f"{len(change.no_longer_accused):,}", exchanges, change.activity,
    ]  # fmt: skip
