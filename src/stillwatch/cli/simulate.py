"""`stillwatch simulate`: write a simulated provider's logs, with the truth apart."""

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    *,
    out: Annotated[Path, typer.Option(help="A new folder for the logs: exchanges, accounts, permissions, releases.")],
    truth: Annotated[Path, typer.Option(help="A new folder for the truth, which no detector may read.")],
    scale: Annotated[float, typer.Option(help="1 is about 5,000 accounts and 300,000 exchanges; 0.4 a demo.")] = 1.0,
    scenario: Annotated[
        str,
        typer.Option(
            help="quiet (no campaign), open (no hiding), mixed or hard; mixed with signals that are not logged: "
            "contentless, no-network, no-accounts, days-only."
        ),
    ] = "mixed",
    seed: Annotated[int, typer.Option(help="Equal seeds give equal worlds.")] = 1,
    format: Annotated[
        str, typer.Option(help="How exchanges are logged: canonical, openai, anthropic or litellm.")
    ] = "canonical",
    texts: Annotated[Path | None, typer.Option(help="A reference folder with more real answers.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Write a month of a simulated provider's logs, with campaigns hidden among honest customers who look like them.

    Texts, session shapes, rates and address blocks are real samples; accounts and campaigns are invented. So a result
    on this world says how a detector does on this simulation, never on a real campaign.
    """
    from stillwatch.cli.output import emit_json, say, status
    from stillwatch.errors import UsageError
    from stillwatch.worlds import world as worlds
    from stillwatch.worlds.shapes import SHAPES

    worlds.check_folders(out, truth)
    if format not in ("canonical", *SHAPES):
        raise UsageError("unknown format", found=format, wanted=", ".join(("canonical", *SHAPES)))
    with status("simulating") as tell:
        world = worlds.simulate(scenario, seed, scale, texts=texts)
        tell(f"writing {world.exchanges:,} exchanges")
        worlds.write(world, out, truth, format)
    cohorts = world.cohorts()
    accounts = sum(row["accounts"] for row in cohorts)
    say(f"scenario {scenario}, seed {seed}, scale {scale:g}: {accounts:,} accounts, {world.exchanges:,} exchanges")
    if json:
        summary = {
            "scenario": scenario,
            "seed": seed,
            "scale": scale,
            "accounts": accounts,
            "exchanges": world.exchanges,
        }
        emit_json({"schema": "stillwatch/simulation/v1", **summary, "cohorts": cohorts, "campaigns": world.campaigns})
        return
    for row in cohorts:
        say(f"  {row['cohort']:22} {row['kind']:10} {row['accounts']:6,} accounts {row['exchanges']:9,} exchanges")
    say(f"next: stillwatch ingest {out} --store DIR")
