"""What the commands print: data to stdout, words to stderr, and hostile strings made harmless for a terminal."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from stillwatch.console.text import counted, visible

__all__ = ["NO_ACCOUNTS", "clean", "counted", "emit_json", "progress", "say", "status", "table", "to_json", "typed"]

NO_ACCOUNTS = "no accounts file: hardly anybody can be accused (docs/contract.md)"

Item = TypeVar("Item")

_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, limit: int = 400) -> str:
    """The text on one line without anything that a terminal obeys: controls, ANSI, bidi and breaks become escapes.

    Attackers choose account names, headers and file names; a raw escape sequence in one could rewrite what an analyst
    sees. Marks piled up on one letter become escapes as well. Longer than ``limit`` characters is cut, with an
    ellipsis. Cleaning twice changes nothing.
    """
    return visible(text, limit)


def to_json(value: object) -> str:
    """Indented JSON that keeps the order of keys; equal values give equal bytes.

    Characters that a terminal obeys stand as ``\\uXXXX``: a parser reads the same string, a terminal does nothing.

    Raises:
        ValueError: a number is infinite or not a number, which JSON cannot say.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    return _UNSAFE_IN_JSON.sub(lambda match: json.dumps(match.group())[1:-1], text)


def emit_json(value: object) -> None:
    """Write the value to stdout as UTF-8 JSON that ends with a newline, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(to_json(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print an aligned table to stdout; every cell is cleaned, none is cut, numbers stand to the right."""
    from rich.cells import cell_len

    lines = [[clean(str(cell)) for cell in row] for row in [heads, *rows]]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) and len(column) > 1 for column in columns]
    for line in lines:
        cells = []
        for cell, width, to_right in zip(line, widths, right, strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if to_right else cell + space)
        print("  ".join(cells).rstrip())


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9][0-9,.]*%?", cell) is not None


def typed(*words: str) -> str:
    """A command of ours as a person types it: what a shell would read otherwise is quoted."""
    return shlex.join(("stillwatch", *words))


def say(words: str) -> None:
    """Print words for a person to stderr, cleaned, so that stdout holds data only."""
    print(clean(words, limit=2000), file=sys.stderr)


@contextmanager
def status(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr while work of unknown length runs; the yielded function replaces its words.

    Quiet unless both stdout and stderr are terminals.
    """
    if not _is_interactive():
        yield lambda words: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(clean(title))) as spinner:
        yield lambda words: spinner.update(Text(f"{clean(title)}: {clean(words)}"))


def progress(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """Pass the items through behind a bar with a rate and an estimate on stderr; quiet when not on a terminal."""
    if not _is_interactive():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    speed = TextColumn("{task.speed:.0f}/s") if total else TextColumn("")
    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(clean(title), total=total)
        for item in items:
            yield item
            bar.advance(task)


def _is_interactive() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty()
