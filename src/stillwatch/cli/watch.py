"""`stillwatch watch`: read logs as they come and tell what campaigns do, in event time."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stillwatch.cli.options import KeyFile

EVERY = 60.0
"""Seconds from one look at the sources to the next."""

TOLD = {
    "began": "a campaign of {count:,} accounts is seen", "split": "{count:,} accounts part from {of}",
    "accused": "{count:,} accounts are newly accused", "returned": "works again", "pivot": "moved to {of}",
    "evidence": "what is new in its accounts agrees, whenever one looks", "withdrawn": "alert {of} holds no more",
}  # fmt: skip


def watch(
    source: Annotated[list[Path], typer.Argument(help="Files or folders of logs; what is new in them is read.")],
    store: Annotated[Path, typer.Option(help="The store's folder; made where it is missing.")],
    days: Annotated[int, typer.Option(help="Days (UTC) of a window.", min=1)] = 1,
    every: Annotated[float, typer.Option(help="Seconds from one look at the sources to the next.", min=0.1)] = EVERY,
    once: Annotated[bool, typer.Option("--once", help="Look once, tell, and end.")] = False,
    key_file: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print each alert as one line of JSON.")] = False,
) -> None:
    """Read logs as they come, look at the store window after window, and tell what campaigns do.

    The answer is a stream of alerts: a campaign `began` (or `split` from one), accounts of it are newly `accused`, it
    moved to a new model (`pivot`), works again after a rest (`returned`), or its accounts go on doing new things
    together beyond chance (`evidence`: an e-process crossed its level, which holds whenever one looks). Windows are
    days of the exchanges' own time, so history and live logs give the same alerts; events that come late can withdraw
    one (`withdrawn`). Each alert is told once, has an id, and says how many exchanges the campaign had made by then. An
    alert is an allegation with evidence, and suspends nobody. `show` explains the finding that it names. Stop it at any
    moment; it goes on where it was.
    """
    import time

    from stillwatch.alerts import alerts_of, mark_told, untold
    from stillwatch.cli.output import say, status
    from stillwatch.detection import detect
    from stillwatch.store.store import Store
    from stillwatch.watch import watched

    seen: dict[Path, tuple[int, int]] = {}
    with status("watching") as tell:
        while True:
            _read_new(source, store, key_file, seen, tell)
            kept = Store.open(store)
            alerts = alerts_of(watched(kept, days, tell))
            news = untold(kept, days, alerts)
            if news:
                detect(kept, progress=tell)
            for alert in news:
                _print(alert, json=json)
            mark_told(kept, days, alerts)
            if once:
                if not news and not json:
                    say("nothing new")
                return
            tell(f"{len(alerts):,} alerts so far")
            time.sleep(every)


def _read_new(
    sources: list[Path],
    store: Path,
    key_file: Path | None,
    seen: dict[Path, tuple[int, int]],
    tell: Callable[[str], None],
) -> None:
    """Ingest the files that are not as they were at the last look. Which they are is remembered in memory alone: what
    is read twice counts once."""
    from stillwatch.ingest.sources import source_files
    from stillwatch.pipeline import ingest_sources

    changed = []
    for file in (file for source in sources for file in source_files(source)):
        about = file.path.stat()
        if seen.get(file.path) != (about.st_size, about.st_mtime_ns):
            changed.append(file.path)
            seen[file.path] = (about.st_size, about.st_mtime_ns)
    if changed:
        ingest_sources(changed, store, key_file=key_file, progress=tell)


def _print(alert: dict[str, Any], *, json: bool) -> None:
    import json as as_json

    from stillwatch.cli.output import clean

    if json:
        print(as_json.dumps(alert, ensure_ascii=True), flush=True)
        return
    told = TOLD[alert["what"]].format(**alert)
    line = f"{alert['day']}  {alert['life_id']}  {told} ({alert['status']}, {alert['exchanges']:,} exchanges by then)"
    print(clean(line), flush=True)
