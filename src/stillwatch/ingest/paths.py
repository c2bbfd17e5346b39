"""Where a value stands in a record of nested JSON: dotted paths, such as `request.headers.user-agent` or `choices.0`.

A string that holds JSON is opened on the way, since loggers often write bodies as strings. Below a name that speaks of
headers, names are compared in any case, since HTTP headers have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stillwatch.ingest import json_text

Path = tuple[str, ...]

OPENED = 16 << 20
"""Characters of a string that is opened as JSON; a line is no longer."""


def parsed(path: str) -> Path:
    """The steps of a dotted path; the empty one is the record itself."""
    return tuple(path.split(".")) if path else ()


def at(held: Any, path: Path) -> Any:
    """The value at a path, or None where the path leads nowhere. Never raises."""
    above = ""
    for step in path:
        if isinstance(held, str):
            held = opened(held)
        if isinstance(held, dict):
            found = held.get(step)
            held = _header(held, step) if found is None and "eaders" in above else found
            above = step
        elif isinstance(held, list) and step.isdecimal() and int(step) < len(held):
            held = held[int(step)]
        else:
            return None
        if held is None:
            return None
    return held


def first(held: Any, paths: Iterable[Path]) -> Any:
    """The first value that is there: not null, not empty."""
    for path in paths:
        value = at(held, path)
        if value is not None and value != "":
            return value
    return None


def picked(held: Mapping[str, Any], wanted: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """By name the first value that is there, as `first` finds it; names without one are left out."""
    out: dict[str, Any] = {}
    for name, paths in wanted.items():
        for path in paths:
            if path[0] in held:
                value = held[path[0]] if len(path) == 1 else at(held, path)
                if value is not None and value != "":
                    out[name] = value
                    break
    return out


def opened(text: str) -> Any:
    """The object or array that a string holds as JSON, or the string itself."""
    if text[:1] not in ("{", "[") or len(text) > OPENED:
        return text
    try:
        return json_text.opened(text)
    except (ValueError, RecursionError):
        return text


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is an object, opened where it is one in a string; else an empty object."""
    if isinstance(value, str):
        value = opened(value)
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value where it is an array, opened where it is one in a string; else an empty array."""
    if isinstance(value, str):
        value = opened(value)
    return value if isinstance(value, list) else []


def _header(held: Mapping[str, Any], step: str) -> Any:
    wanted = step.lower()
    return next((value for name, value in held.items() if isinstance(name, str) and name.lower() == wanted), None)
