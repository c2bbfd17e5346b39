"""`stillwatch benchmark --frontier`: its plan, its progress, its words; the command itself is in `benchmark.py`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def measure(
    full: bool, axes: list[str], seed: int | None, seeds: int, scale: float | None, folder: Path | None, json: bool
) -> None:
    """Measure the points that the folder lacks, and print all.

    Raises:
        UsageError: an option makes no plan, or a run of hours has no folder to keep its points in.
        SourceError: the folder's points cannot be read.
    """
    from stillwatch.benchmark.frontier.ledger import Ledger
    from stillwatch.benchmark.frontier.run import planned, run
    from stillwatch.benchmark.frontier.summary import summed
    from stillwatch.cli.output import emit_json, say, status
    from stillwatch.errors import UsageError

    plan = planned(full=full, only=axes, seed=seed, seeds=seeds, scale=scale)
    if full and folder is None:
        raise UsageError("a run of hours has no folder to keep its points in", wanted="--out DIR")
    command, ledger = _typed(full, axes, seed, seeds, scale), Ledger(folder)
    there, total, begun = (
        sum(ledger.get(task.key) is not None for task in plan.tasks),
        len(plan.tasks),
        time.monotonic(),
    )
    _tell_what_is_there(there, ledger.strangers)
    with status("frontier") as tell:
        for done, record in enumerate(run(plan, ledger, tell), 1):
            left = (time.monotonic() - begun) / done * (total - there - done)
            say(f"{there + done} of {total}: {_line(record)}; about {_clock(left)} left")
            _write(folder, summed(plan, ledger, command))
    result = summed(plan, ledger, command)
    _write(folder, result)
    if json:
        emit_json(result)
    else:
        _print(result)
        say("every campaign is simulated and every price assumed: this orders evasions, it forecasts nothing")
    if folder:
        say(f"{folder / 'frontier.html'}: the same with curves")


def _tell_what_is_there(there: int, strangers: int) -> None:
    from stillwatch.cli.output import counted, say

    if there:
        say(f"{counted(there, 'point')} measured before, passed over")
    if strangers:
        say(f"{counted(strangers, 'point')} of other code in frontier.jsonl, not used")


def _typed(full: bool, axes: list[str], seed: int | None, seeds: int, scale: float | None) -> str:
    """The command that gives the same points again; where they were written is left out."""
    from stillwatch.cli.output import typed

    words = ["--frontier", "--full" if full else "--quick"]
    words += [word for axis in axes for word in ("--axis", axis)]
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    words += ["--scale", f"{scale:g}"] if scale is not None else []
    return typed("benchmark", *words)


def _write(folder: Path | None, result: dict[str, Any]) -> None:
    from stillwatch.cli.output import to_json
    from stillwatch.console.frontier import page
    from stillwatch.store.files import OPEN, write_whole

    if folder:
        write_whole(folder / "frontier.json", f"{to_json(result)}\n".encode(), OPEN)
        write_whole(folder / "frontier.html", page(result).encode(), OPEN)


def _line(record: dict[str, Any]) -> str:
    recall = record["measure"]["recall"]
    return f"{record['evasion']}, seed {record['seed']}: {recall['k']:,} of {recall['n']:,} members found"


def _clock(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _print(result: dict[str, Any]) -> None:
    """All points, the worst first; then the exceptions, then each curve in one line."""
    from stillwatch.cli.output import table

    seeds = f"seed {result['seeds'][0]}" + (f" to {result['seeds'][-1]}" if len(result["seeds"]) > 1 else "")
    print(f"{result['command']}  ({result['machine']})\n")
    print(f"{result['measured']} of {result['planned']} worlds, {seeds}, scale {result['scale']:g}; the worst first")
    print("found: members with four extraction exchanges or more; $: for 1,000 extraction exchanges, prices assumed\n")
    table(["evasion", "found", "$ for 1,000", "best rival, 99 % precise", ""], map(_found, result["points"]))
    print("\nthe same points: members with fewer, and who is accused or put up for review wrongly\n")
    heads = [
        "evasion",
        "of fewer",
        "precision",
        "campaigns",
        "honest accused",
        "in 100,000, 95 %",
        "in review",
        "honest too",
    ]
    table(heads, map(_accused, result["points"]))
    print()
    _print_exceptions(result)
    for curve in result["curves"]:
        print(f"{curve['axis']}: {' · '.join(_steps(curve, result['points']))}")


def _found(point: dict[str, Any]) -> list[str]:
    best = point["rivals"][0] if point["rivals"] else None
    more = " (finds more)" if point["exception"] else ""
    rival = [_told(best["recall"]), f"{best['name']}{more}" if best["recall"]["k"] else "none"] if best else ["-", "-"]
    return [point["evasion"], _told(point["measure"]["recall"]), f"{point['dollars']['total']:,.0f}", *rival]


def _accused(point: dict[str, Any]) -> list[str]:
    held, per = point["measure"], point["per_100k_honest"]
    return [
        point["evasion"],
        _told(held["recall_few"]),
        _told(held["precision"]),
        _counts(held["campaigns"]),
        _counts(held["false_accounts"]),
        f"{per['low']:,.0f} to {per['high']:,.0f}",
        _counts(held["operators_in_review"]),
        _counts(held["ambiguous_honest"]),
    ]


def _print_exceptions(result: dict[str, Any]) -> None:
    if not result["exceptions"]:
        print("exceptions: none; at no point does a rival with the oracle’s 99 % precision find more members")
        return
    print("exceptions, where a rival with the oracle’s 99 % precision finds more members than we do:")
    for row in result["exceptions"]:
        ours, precision = _told(row["recall"]), _told(row["precision"])
        print(f"  {row['evasion']}: {row['rival']} {_told(row['rival_recall'])}, ours {ours} (precision {precision})")


def _steps(curve: dict[str, Any], points: list[dict[str, Any]]) -> Iterator[str]:
    held = {point["evasion"]: point for point in points}
    for step in curve["steps"]:
        point = held.get(step["evasion"])
        yield f"{step['value']} {_share(point['measure']['recall'])}" if point else f"{step['value']} not measured"


def _told(share: dict[str, Any]) -> str:
    return f"{_counts(share)} {_share(share)}" if share["n"] else "nobody"


def _counts(share: dict[str, Any]) -> str:
    return f"{share['k']:,}/{share['n']:,}"


def _share(share: dict[str, Any]) -> str:
    return f"{share['k'] / share['n']:.0%}" if share["n"] else "nobody"
