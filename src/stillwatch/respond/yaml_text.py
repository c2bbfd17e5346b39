"""YAML read into texts, maps and lists that know their lines, and nothing else.

No value is guessed: `no`, `1.10` and `2026-12-01` are the texts that stand there, and whoever reads a key says what it
wants. Aliases, anchors, tags and several documents are refused (a few hundred bytes of aliases stand for more than
memory holds), as are files over a size, nesting over a depth, and a key that stands twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

LONGEST = 256 * 1024
"""Bytes of a file."""
DEEPEST = 10
MOST_EVENTS = 40_000


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file: at which line, in which rule, how badly, what it is and what was wanted."""

    line: int
    rule_id: str
    level: str
    """`error`: the file is not used. `warning`: it is used, and somebody should look."""
    kind: str
    message: str


@dataclass
class Entry:
    """A value of the file: a text, a map or a list, and the line (from 1) where it begins."""

    line: int
    text: str | None = None
    plain: bool = False
    keys: "dict[str, Entry] | None" = None
    entries: "list[Entry] | None" = None

    @property
    def shape(self) -> str:
        """What it is, in words."""
        return "a text" if self.text is not None else "keys and values" if self.keys is not None else "a list"


@dataclass
class _Reading:
    faults: list[Fault] = field(default_factory=list)
    line: int = 1


class _RefusedError(Exception):
    """The file is read no further."""


def entries_of(data: bytes) -> tuple[Entry | None, list[Fault]]:
    """The file's one value, and what is wrong with it. None where it cannot be read to its end."""
    if len(data) > LONGEST:
        return None, [Fault(1, "", "error", "yaml", f"the file has {len(data):,} bytes; at most {LONGEST:,} are read")]
    reading = _Reading()
    try:
        events = _events(data.decode("utf-8"), reading)
        entry = _entry(events, next(events), reading)
        for _ in events:  # a second document is told, not passed over
            pass
        return entry, reading.faults
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return None, [Fault(line, "", "error", "yaml", "bytes that are no UTF-8")]
    except (_RefusedError, StopIteration):
        return None, reading.faults or [Fault(1, "", "error", "yaml", "the file is empty")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = reading.line if mark is None else mark.line + 1
        return None, [*reading.faults, Fault(line, "", "error", "yaml", _problem(error))]


def _problem(error: Exception) -> str:
    """What the parser says, without the text that it quotes."""
    return f"this is not YAML ({str(getattr(error, 'problem', None) or type(error).__name__)[:120]!s})"


def _events(text: str, reading: _Reading) -> Iterator[yaml.Event]:
    """The events of one document's values."""
    depth, documents = 0, 0
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for count, event in enumerate(yaml.parse(text, Loader=loader)):
        reading.line = _line(event)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        odd = _odd(event, depth, documents)
        if odd or count > MOST_EVENTS:
            _refuse(reading, odd or f"the file holds more than {MOST_EVENTS:,} values")
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _odd(event: yaml.Event, depth: int, documents: int) -> str:
    if isinstance(event, yaml.AliasEvent):
        return "an alias (*name); write the value out"
    if getattr(event, "anchor", None):
        return "an anchor (&name), which nothing may refer to"
    if getattr(event, "tag", None) not in (None, "!"):
        return "a tag (!name); a text that begins with `!` stands in quotes"
    if depth > DEEPEST:
        return f"values nested more than {DEEPEST} deep"
    return "a second document" if documents > 1 else ""


def _refuse(reading: _Reading, message: str) -> None:
    reading.faults.append(Fault(reading.line, "", "error", "yaml", message))
    raise _RefusedError


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


def _entry(events: Iterator[yaml.Event], event: yaml.Event, reading: _Reading) -> Entry:
    line = _line(event)
    if isinstance(event, yaml.ScalarEvent):
        return Entry(line, text=str(event.value), plain=event.style is None or event.style == "")
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_entry(events, event, reading))
        return Entry(line, entries=items)
    keys: dict[str, Entry] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        _pair(events, event, keys, reading)
    return Entry(line, keys=keys)


def _pair(events: Iterator[yaml.Event], event: yaml.Event, keys: dict[str, Entry], reading: _Reading) -> None:
    line = _line(event)
    if not isinstance(event, yaml.ScalarEvent):
        reading.line = line
        _refuse(reading, "a key that is no text")
    name = str(getattr(event, "value", ""))
    value = _entry(events, next(events), reading)
    if name in keys:
        shown = name[:60].encode("ascii", "backslashreplace").decode()
        message = f"the key `{shown}` stands twice; first at line {keys[name].line}"
        reading.faults.append(Fault(line, "", "error", "duplicate", message))
        return
    keys[name] = value
