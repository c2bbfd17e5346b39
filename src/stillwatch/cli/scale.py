"""`stillwatch benchmark --scale`: the main job at the reported size; the command itself is in `benchmark.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

ARTICLE = "article"
"""What `--scale` says where no number follows it."""


def measure(exchanges: int | None, accounts: int | None, seed: int | None, folder: Path | None, json: bool) -> None:
    """Make an article world, run the main job on it and print its stages.

    Raises:
        UsageError: the world would be too small.
        StillwatchError: the timed process failed.
    """
    import signal
    import sys
    import tempfile

    from stillwatch.benchmark.scale import ACCOUNTS, EXCHANGES, run
    from stillwatch.cli.output import emit_json, say, status, to_json
    from stillwatch.store.files import OPEN, write_whole

    asked = (
        EXCHANGES if exchanges is None else exchanges,
        ACCOUNTS if accounts is None else accounts,
        1 if seed is None else seed,
    )
    command = _typed(exchanges, accounts, seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # or the world would stay on disk
    with status("scale") as tell, tempfile.TemporaryDirectory(prefix="stillwatch-scale-", dir=folder) as name:
        result = run(Path(name), *asked, command, tell)
    if folder:
        write_whole(folder / "scale.json", f"{to_json(result)}\n".encode(), OPEN)
    if json:
        emit_json(result)
        return
    print("\n".join(_told(result)))
    say("a made world in which nobody imitates anybody: read time, memory and bytes, not what was found")


def _typed(exchanges: int | None, accounts: int | None, seed: int | None) -> str:
    """The command that gives the same world again; where its answer was written is left out."""
    from stillwatch.cli.output import typed

    words = ["--scale"]
    for name, value in (("--exchanges", exchanges), ("--accounts", accounts), ("--seed", seed)):
        words += [name, str(value)] if value is not None else []
    return typed("benchmark", *words)


def _told(result: dict[str, Any]) -> Iterator[str]:
    made, alone = result["world"], result["reading_alone"]
    yield f"{result['command']}  ({result['machine']})\n"
    hidden = ", ".join(f"{name} {count:,}" for name, count in made["extraction"].items())
    size = f"{made['text_bytes']:,.0f} bytes of text each"
    yield f"{made['exchanges']:,} exchanges of {made['accounts']:,} accounts, {size}; of extraction {hidden}\n"
    yield f"{'stage':30} {'wall s':>9} {'CPU s':>9} {'MiB at end':>11} {'peak MiB':>9}"
    for stage in result["stages"]:
        yield _row(stage)
    yield "-" * 72
    for stage in result["sums"]:
        yield _row(stage)
    yield f"{'reading the files alone':30} {alone['wall']:9.1f} {alone['cpu']:9.1f}"
    stored, samples = result["bytes_an_exchange"], result["bytes_of_samples"]
    yield f"\n{stored:.0f} bytes stored an exchange, {samples:.0f} of them samples for mining"
    for one in result["campaigns"]:
        yield f"{one['campaign']}: {one['in_one_finding']:,} of {one['accounts']:,} accounts accused in one finding"
    yield _share("operators accused", result["operators_accused"])
    yield _share("honest accounts accused", result["honest_accused"])


def _row(stage: dict[str, Any]) -> str:
    numbers = f"{stage['wall']:9.1f} {stage['cpu']:9.1f} {stage['resident']:11,} {stage['peak']:9,}"
    return f"{stage['name']:30} {numbers}"


def _share(name: str, share: dict[str, Any]) -> str:
    from stillwatch.console.text import percent

    return f"{name}: {share['k']:,}/{share['n']:,} (exact 95 %: {percent(share['low'])} to {percent(share['high'])})"
