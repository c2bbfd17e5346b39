"""`stillwatch deliver`: try where alerts go, and look after what waits to go there."""

from pathlib import Path
from typing import Annotated

import typer


def deliver(
    file: Annotated[Path, typer.Argument(help="The file that names the sinks (docs/deliver.md).")],
    store: Annotated[Path | None, typer.Option(help="A store's folder: send what is due of its alerts.")] = None,
    days: Annotated[int, typer.Option(help="Days of a window, as of watch.", min=1)] = 1,
    test: Annotated[bool, typer.Option("--test", help="Send each sink an alert about nobody.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Let what was given up wait again; it is marked late.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the state as JSON.")] = False,
) -> None:
    """Try the sinks of a file, and send, list and revive the alerts that wait for them.

    The answer has a line a sink: how many alerts were `delivered` now, how many are still `waiting` (the sink failed,
    and it is not yet time to try again), how many were given up (`dead`, after the sink's tries), and why it `failed`
    last. With `--test` each sink is sent an alert that says it is one and names nobody. Nothing is lost while a sink is
    away: `watch --deliver` tries again, and so does this command. Exit code 1 where a test was not taken.
    """
    from stillwatch.cli.output import emit_json, say, table
    from stillwatch.delivery.outbox import Outbox
    from stillwatch.delivery.post import Post, Posted, send_all, trial
    from stillwatch.delivery.reach import Refused
    from stillwatch.delivery.sinks import read_sinks
    from stillwatch.errors import StillwatchError, UsageError
    from stillwatch.store.store import Store

    sinks = read_sinks(file)
    if not test and store is None:
        raise UsageError("nothing is asked", next_step=f"stillwatch deliver {file} --test, or --store DIR")
    told: list[Posted] = []
    for sink in sinks if test else ():
        try:
            send_all(sink, [trial()])
            told.append(Posted(sink.name, delivered=1))
        except Refused as error:
            told.append(Posted(sink.name, failed=error.why))
    refused = [one.sink for one in told if one.failed]
    if store is not None:
        post = Post(sinks, Outbox(Store.open(store).folder, days))
        revived = sum(post.outbox.revive(name) for name in post.names) if again else 0
        if again:
            say(f"given up and waiting again: {revived}")
        sent = {one.sink: one for one in post.round()}
        state = [sent.get(one.sink, one) for one in post.state()]
        for one in state:
            if one.sink not in post.names:
                say(f"{one.sink}: alerts wait for a sink that {file} does not name")
        told += state
    if json:
        emit_json({"schema": "stillwatch/deliver/v1", "sinks": [vars(one) for one in told]})
    else:
        rows = [(one.sink, str(one.delivered), str(one.waiting), str(one.dead), one.failed) for one in told]
        table(("sink", "delivered", "waiting", "dead", "failed"), rows)
    if refused:
        raise StillwatchError("a sink did not take the test", where=str(file), found=", ".join(refused))
