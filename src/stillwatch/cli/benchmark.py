"""`stillwatch benchmark`: how well it finds what is hidden in simulated worlds, beside other methods."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from stillwatch.cli.scale import ARTICLE


def benchmark(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Two small worlds (the default): some ten minutes.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Ten worlds at full size: hours.")] = False,
    scenario: Annotated[str | None, typer.Option(help="Only worlds of this scenario (those of `simulate`).")] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="The first world’s seed; the others count on from it. Use one nobody has looked at."),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="The size of every world; 1 is about 5,000 accounts. Without a number: the main job alone, at the "
            "size that was reported, 16 million exchanges of a million accounts.",
            metavar="[NUMBER]",
        ),
    ] = None,
    exchanges: Annotated[int | None, typer.Option(help="With --scale alone: so many exchanges.")] = None,
    accounts: Annotated[int | None, typer.Option(help="With --scale alone: so many accounts.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for benchmark.json and benchmark.html; older ones are replaced.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    frontier: Annotated[
        bool,
        typer.Option(
            "--frontier",
            help="What is found against what hiding costs: 15 small worlds, some ten minutes; --full: hours.",
        ),
    ] = False,
    axis: Annotated[
        list[str] | None,
        typer.Option(help="With --frontier: only this curve, as cover or together; repeat it for more."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="With --frontier: so many seeds, added up; one if you do not say.")
    ] = None,
) -> None:
    """Simulate worlds with known truth, find the campaigns in them, and measure the answer.

    The answer is one table a world. A campaign is found if one finding is mostly its accounts and names at least half
    of its members. Precision is the share of accused accounts that are operators. Recall is the share of members that
    are accused: of those with four extraction exchanges or more, and apart of those with fewer, who hardly did
    anything. Honest accounts accused come with the exact 95 % bound and as so many in 100,000: read this one first.
    In review are members of ambiguous groups, who are accused of nothing. Victims are owners of stolen keys. Leaked
    is the share of a campaign's extraction that was through when detection, replayed day by day, first named it. A mean
    e-value is evidence where nothing is true: at most 1 is promised. Seconds are those of ingest and detection alone.

    All recall is simulated: no public data holds a real campaign, so nothing here says how many real ones are found.
    Rivals have an oracle that knows the truth and picks their settings and thresholds on the world under test; we have
    the thresholds that we ship. A seed that somebody has looked at, to mend what was missed, is no test any more.

    With --frontier, campaigns hide better step by step, on each axis of `simulate --set` alone and on several at once:
    recall and the operator's cost, in dollars by assumed prices for 1,000 extraction exchanges, ours beside the rivals
    at a precision of 99 %. Every point goes to frontier.jsonl in --out as it is measured, and frontier.json and
    frontier.html are made anew. Stop it when you like: the same command again passes over what is there.

    With --scale and no number, one made world from files to campaigns: seconds, CPU seconds and memory of each stage,
    beside the time to read the files and do nothing else; half an hour or more, and ten GB of disk, at the full size.
    """
    from stillwatch.benchmark.suite import parts, run
    from stillwatch.cli.output import emit_json, say, status
    from stillwatch.errors import UsageError

    if scale == ARTICLE:
        from stillwatch.cli.scale import measure as measure_scale

        if quick or full or frontier or axis or seeds is not None or scenario is not None:
            raise UsageError("--scale without a number is a world of its own", wanted="--exchanges, --accounts, --seed")
        measure_scale(exchanges, accounts, seed, out_folder(out), json)
        return
    if exchanges is not None or accounts is not None:
        raise UsageError("--exchanges and --accounts go with --scale alone", next_step="leave the number out")
    size = None if scale is None else _number(scale)
    if quick and full:
        raise UsageError("--quick and --full exclude each other", wanted="one of them")
    if frontier:
        from stillwatch.cli.frontier import measure

        if scenario is not None:
            raise UsageError("--frontier starts from one scenario", found=scenario, wanted="no --scenario: it is mixed")
        measure(full, axis or [], seed, 1 if seeds is None else seeds, size, out_folder(out), json)
        return
    if axis or seeds is not None:
        raise UsageError(f"{'--axis' if axis else '--seeds'} goes with --frontier", next_step="add --frontier")
    suite = parts(full=full, scenario=scenario, seed=seed, scale=size)
    folder = out_folder(out)
    with status("benchmark") as tell:
        result = run(suite, _typed(full, scenario, seed, size), tell)
    if folder:
        _write(folder, result)
    if json:
        emit_json(result)
    else:
        _print(result)
        say("every campaign is simulated: this says how it does on these worlds, never on yours (docs/benchmark.md)")
    if folder:
        say(f"{folder / 'benchmark.html'}: the same with plots")


def out_folder(out: Path | None) -> Path | None:
    """The folder, made now: a run of hours should not end on a place that cannot hold it.

    Raises:
        UsageError: no folder can be made there.
    """
    from stillwatch.errors import UsageError
    from stillwatch.store.files import OPEN_FOLDER, make_folder

    if out is None:
        return None
    try:
        make_folder(out, OPEN_FOLDER)
    except OSError as error:
        raise UsageError(
            f"--out names no folder that can be made ({error.strerror})", where=str(out), wanted="a folder"
        ) from error
    return out


def _typed(full: bool, scenario: str | None, seed: int | None, scale: float | None) -> str:
    """The command that gives the same worlds again; where its answer was written is left out."""
    from stillwatch.cli.output import typed

    words = ["--full" if full else "--quick"]
    words += ["--scenario", scenario] if scenario is not None else []
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--scale", f"{scale:g}"] if scale is not None else []
    return typed("benchmark", *words)


def _number(text: str) -> float:
    from stillwatch.errors import UsageError

    try:
        return float(text)
    except ValueError as error:
        raise UsageError("Invalid value for '--scale'", found=text, wanted="a number, or none") from error


def _write(folder: Path, result: dict[str, Any]) -> None:
    from stillwatch.cli.output import to_json
    from stillwatch.console.benchmark import page
    from stillwatch.store.files import OPEN, write_whole

    write_whole(folder / "benchmark.json", f"{to_json(result)}\n".encode(), OPEN)
    write_whole(folder / "benchmark.html", page(result).encode(), OPEN)


def _print(result: dict[str, Any]) -> None:
    """One table a world, then its rivals."""
    from stillwatch.cli.output import table

    for number, world in enumerate(result["worlds"]):
        print("" if number else f"{result['command']}  ({result['machine']})\n")
        made = f"{world['scenario']}, seed {world['seed']}, scale {world['scale']:g}"
        print(f"{made}: {world['exchanges']:,} exchanges by {world['accounts']:,} accounts")
        table(["", "count", "share", "exact 95 %"], _rows(world))
        for name, told in _notes(world):
            print(f"{name}: {told}")
        if world["rivals"]:
            print("\nrivals, each with the oracle's setting and threshold")
            table(
                ["", "precision", "recall", "recall, 0 honest", "1e-4", "1e-3", "99 % precise", "campaigns"],
                _rivals(world),
            )


def _rows(world: dict[str, Any]) -> Iterator[list[str]]:
    from stillwatch.stats import clopper_pearson

    held = world["measure"]
    matched = [row["matched"] for row in held["recovered"]]
    low, high = clopper_pearson(sum(matched), len(matched))
    yield _row("campaigns found", {"k": sum(matched), "n": len(matched), "low": low, "high": high})
    for name, words in (
        ("precision", "accused that are operators (precision)"),
        ("recall", "members found, 4 extraction exchanges or more"),
        ("recall_few", "members found, fewer"),
        ("named", "members accused or named beside, 4 or more"),
        ("operators_in_review", "members in review"),
        ("false_accounts", "honest accounts accused"),
    ):
        yield _row(words, held[name])
    per = world["per_100k_honest"]
    yield ["  in 100,000", "", f"{per['rate']:,.0f}", f"{per['low']:,.0f} to {per['high']:,.0f}"]
    for name, words in (
        ("honest_named", "honest accounts accused or named beside"),
        ("false_groups", "honest groups taken for campaigns"),
        ("ambiguous_honest", "honest accounts in review"),
        ("victims_named_operator", "victims of stolen keys accused"),
        ("permitted_accused", "permitted accounts accused"),
    ):
        yield _row(words, held[name])


def _row(name: str, share: dict[str, Any]) -> list[str]:
    from stillwatch.console.text import percent

    if not share["n"]:
        return [name, "none", "-", "-"]
    bounds = f"{percent(share['low'])} to {percent(share['high'])}"
    return [name, f"{share['k']:,}/{share['n']:,}", percent(share["k"] / share["n"]), bounds]


def _notes(world: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is a list or a time."""
    from stillwatch.console.text import percent

    for title, share, day in (("shown", "shown_share", "shown_day"), ("accused", "share", "day")):
        leaks = [
            f"{leak['campaign']} {percent(leak[share])} ({f'day {leak[day]}' if leak[day] else 'never'})"
            for leak in world["leaked"]
        ]
        if leaks:
            yield f"leaked before it was {title}", ", ".join(leaks)
    means = [f"{row['family']} {row['mean_e']:.2f}" for row in world["e_values"] if row["mean_e"] is not None]
    if means:
        yield "mean e-values where nothing is true (at most 1)", ", ".join(means)
    took = world["seconds"]
    cpu = sum(world["cpu_seconds"].values())
    yield (
        "took",
        (
            f"ingest {took['ingest']:,.0f} s, detection {took['detect']:,.0f} s ({cpu:,.0f} s of CPU), "
            f"{world['peak_mib']:,} MiB at most, {world['bytes_an_exchange']:.0f} bytes an exchange"
        ),
    )


def _rivals(world: dict[str, Any]) -> Iterator[list[str]]:
    """Precision and recall at the best F1, then recall under each limit on honest accounts."""
    for rival in sorted(world["rivals"], key=lambda rival: -rival["points"][0]["f1"]):
        best, *limited = rival["points"]
        groups = rival["groups"]
        yield [rival["name"], _share(best["precision"]), _share(best["recall"]),
               *(_share(point["recall"]) for point in limited), f"{groups['campaigns']}/{groups['of']}"]  # fmt: skip
    mine = world["measure"]
    matched = [row["matched"] for row in mine["recovered"]]
    same = f"({mine['false_accounts']['k']} honest)"
    yield ["Stillwatch (no oracle)", _share(mine["precision"]), _share(mine["recall"]), same, "", "", "",
           f"{sum(matched)}/{len(matched)}"]  # fmt: skip


def _share(share: dict[str, Any]) -> str:
    return f"{share['k'] / share['n']:.2f}" if share["n"] else "-"
