"""A mapping file: where the values of the contract stand in somebody's own logs.

```yaml
format: auto               # how bodies are read: openai, anthropic, auto (each line by its shape), or canonical
request: http.request_body # where the request body is; "" is the line itself
response: http.response_body
columns:                   # a column of the contract, and where it is; of a list the first that is there
  account_id: customer.id
  client_ip: [edge_ip, headers.cf-connecting-ip]
constants:                 # the same value for every line
  pathway: api
```
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import yaml

from stillwatch.errors import UsageError
from stillwatch.ingest.paths import Path, parsed
from stillwatch.tables import EXCHANGES

DIALECTS = ("auto", "openai", "anthropic", "canonical")
_KEYS = ("format", "request", "response", "columns", "constants")
_COLUMNS = tuple(name for name in EXCHANGES.names if name != "extra")
LONGEST_FILE = 1 << 20
DEEPEST = 16


@dataclass(frozen=True)
class FieldMap:
    """Where a line's bodies and the contract's columns are. `request` and `response` are None where nothing was said:
    then the usual places are tried."""

    dialect: str = "auto"
    request: Path | None = None
    response: Path | None = None
    columns: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)


def load(file: File) -> FieldMap:
    """Read a mapping file. Raises UsageError with the file, the key, what was found and what was wanted."""
    where = str(file)
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise UsageError("the mapping file is too long", where=where, wanted="at most 1 MiB")
        text = file.read_text(encoding="utf-8")
        _refuse_heavy(text, where)
        held = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the mapping file cannot be read", where=where, found=type(error).__name__) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1}"
        raise UsageError("the mapping file is not YAML", where=where + place, wanted="keys and values") from None
    return _checked(held, where)


def _refuse_heavy(text: str, where: str) -> None:
    """Raise UsageError for YAML that is small to write and large to read."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            found = "values nested too deeply" if depth > DEEPEST else "an alias"
            wanted = "keys and values, each written out: aliases (*name) can stand for more than memory holds"
            raise UsageError("the mapping file is not YAML", where=where, found=found, wanted=wanted)


def _checked(held: Any, where: str) -> FieldMap:
    top = _object(held, where, "the file", _KEYS)
    dialect = top.get("format", "auto")
    if dialect not in DIALECTS:
        raise UsageError("unknown format in the mapping", where=where, found=_shown(dialect), wanted=_or(DIALECTS))
    columns = _object(top.get("columns") or {}, where, "columns", _COLUMNS)
    constants = _object(top.get("constants") or {}, where, "constants", _COLUMNS)
    for name, value in constants.items():
        if not isinstance(value, str | int | float | bool):
            raise UsageError(f"constants.{name} is no single value", where=where, found=type(value).__name__)
    return FieldMap(
        dialect,
        _path(top.get("request"), where, "request"),
        _path(top.get("response"), where, "response"),
        {name: _paths(value, where, f"columns.{name}") for name, value in columns.items()},
        constants,
    )


def _object(held: Any, where: str, what: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(held, dict):
        raise UsageError(f"{what} holds no keys", where=where, found=type(held).__name__, wanted=_or(known[:6]) + " …")
    for name in held:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            step = f"did you mean {near[0]}?" if near else ""
            raise UsageError(f"unknown key in {what}", where=where, found=_shown(name), wanted=step or _or(known))
    return held


def _path(value: Any, where: str, what: str) -> Path | None:
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{what} is no path", where=where, found=type(value).__name__, wanted="dotted path, as in a.b")
    return None if value is None else parsed(value)


def _paths(value: Any, where: str, what: str) -> tuple[Path, ...]:
    given = value if isinstance(value, list) else [value]
    paths = tuple(path for path in (_path(item, where, what) for item in given) if path)
    if not paths:
        raise UsageError(f"{what} names no path", where=where, wanted="dotted path, as in a.b, or a list of them")
    return paths


def _shown(value: Any) -> str:
    return value[:80] if isinstance(value, str) else type(value).__name__


def _or(words: tuple[str, ...]) -> str:
    return ", ".join(words)
