"""`stillwatch detect`: find campaigns among the exchanges of a store."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stillwatch.cli.options import Conf, Engine, Master, Scratch, cluster_of


def detect(
    store: Annotated[Path, typer.Option(help="The store's folder, as `ingest` made it.")],
    since: Annotated[datetime | None, typer.Option(help="Look at exchanges asked at this time (UTC) or later.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Look at exchanges asked before this time (UTC).")] = None,
    networks: Annotated[
        Path | None, typer.Option(help="A folder with address tables of your own instead of the shipped ones.")
    ] = None,
    engine: Engine = "duckdb",
    master: Master = None,
    scratch: Scratch = None,
    conf: Conf = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
) -> None:
    """Find accounts that work together to extract the model, and write a run into the store.

    The answer is a list of findings. `suspected`: coordinated, extracting and concealed, each shown on its own, and
    confirmed by two families of signals that did not find the group. `ambiguous`: truly linked, but purpose or
    concealment is not shown: for review only. `permitted`: a permission covers it. `dismissed`: explained. A finding is
    an allegation with evidence, not a verdict. Detectors that could not see are named as blind; nothing found is not an
    all-clear.
    """
    from stillwatch.cli.output import counted, emit_json, status, typed
    from stillwatch.cli.output import say as warn
    from stillwatch.cli.show import print_campaigns
    from stillwatch.pipeline import detect as run_detection
    from stillwatch.store.store import Store

    with status("detecting") as say:
        detection = run_detection(
            Store.open(store),
            since=since,
            until=until,
            networks=None if networks is None else str(networks),
            cluster=cluster_of(engine, master, scratch, conf),
            progress=say,
        )
    if detection.conflicting:
        warn(
            f"{counted(detection.conflicting, 'exchange_id')} came with rows that say different things; of each the "
            "row with the smallest keyed hash was used"
        )
    if json:
        emit_json(detection.answer)
        return
    print_campaigns(detection.answer)
    told = next((c["campaign_id"] for c in detection.answer["campaigns"] if c["status"] != "dismissed"), None)
    if told is not None:
        warn(f"next: {typed('show', told, '--store', str(store))}")
    warn(f"{'or' if told else 'next'}: {typed('report', '--store', str(store), '--out', 'page.html')}")
