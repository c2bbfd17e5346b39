"""Paths of somebody's own lines that could hold a column of the contract, or a request and its answer.

Looks at names and at the kinds of values; never repeats a value. Names that stand inside of a request or an answer are
its sender's, and are not proposed.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stillwatch.ingest import anthropic, openai
from stillwatch.ingest.envelope import REQUESTS, RESPONSES, address, status_of
from stillwatch.ingest.paths import Path, at, opened, parsed
from stillwatch.ingest.streams import whole
from stillwatch.ingest.values import Unfit, to_time
from stillwatch.tables import STATUSES

Record = Mapping[str, Any]

DEEPEST = 4
MOST = 400
"""Paths of one record that are looked at."""
LOOKED_AT = 50
"""Records whose paths are looked at."""


def bodies(records: Sequence[Record]) -> tuple[str | None, str | None]:
    """The dotted paths where most records hold a request, and where they hold an answer; None where none does."""
    asked: Counter[Path] = Counter()
    answered: Counter[Path] = Counter()
    for record in records[:LOOKED_AT]:
        for path, value in _nodes(record):
            if isinstance(value, Mapping) and "messages" in value:
                asked[path] += 1
            elif _is_answer(value):
                answered[path] += 1
    least = min(len(records), LOOKED_AT) / 4
    return _most(asked, least), _most(answered, least)


def _most(votes: Counter[Path], least: float) -> str | None:
    best = max(votes, key=lambda path: (votes[path], -len(path)), default=None)
    return ".".join(best) if best is not None and votes[best] >= least else None


def _is_answer(value: Any) -> bool:
    held = whole(value) if isinstance(value, list) else value
    return isinstance(held, Mapping) and (openai.is_response(held) or anthropic.is_response(held))


def _nodes(value: Any, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What may be a body: objects and arrays, strings of them opened, not below another body."""
    value = opened(value) if isinstance(value, str) else value
    if above and isinstance(value, Mapping | list):
        yield above, value
    if not isinstance(value, Mapping) or len(above) >= DEEPEST or _is_answer(value) or (above and "messages" in value):
        return
    for name, held in list(value.items())[:MOST]:
        if isinstance(name, str) and "." not in name:
            yield from _nodes(held, (*above, name))


def proposals(records: Sequence[Record], lacking: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each column that lacks, the paths whose values and names could be it, the likeliest first."""
    paths: dict[Path, None] = {}
    texts: dict[Path, None] = {}
    asked, answered = (() if found is None else tuple(found.split(".")) for found in bodies(records))
    outside = frozenset((*REQUESTS, *RESPONSES, asked, answered)) - {()}
    for record in records[:LOOKED_AT]:
        paths.update(dict.fromkeys(_leaves(record, outside)))
        texts.update(dict.fromkeys((name,) for name, held in record.items() if isinstance(held, str)))
    out: dict[str, tuple[str, ...]] = {}
    for name in lacking:
        test = _TESTS.get(name)
        if test is None:
            continue
        scored = []
        for path in texts if name in _TEXTS else paths:
            held = [value for record in records if (value := at(record, path)) is not None]
            if held and test(held, len(records)):
                like = _likeness(path, name)
                scored.append((like + _variety(held, name) if like else 0.0, path))
        likely = sorted((-score, ".".join(path)) for score, path in scored if score > 0 or name in _TELLING)
        if likely:
            out[name] = tuple(path for _, path in likely[:3])
    return out


def times_at(records: Sequence[Record], path: str) -> int:
    """How many of the records hold a time at a dotted path."""
    return sum(_is_time(at(record, parsed(path))) for record in records)


def _leaves(value: Any, outside: frozenset[Path], above: Path = ()) -> list[Path]:
    """Paths of a record's single values, outside of its request and its answer."""
    if above in outside or len(above) > DEEPEST:
        return []
    value = opened(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        return [above] if above and not isinstance(value, list) else []
    out: list[Path] = []
    for name, held in value.items():
        if isinstance(name, str) and "." not in name and len(out) < MOST:
            out += _leaves(held, outside, (*above, name))
    return out


_NAMES = {
    "exchange_id": "exchange request req event log call message trace correlation transaction uuid id",
    "account_id": "account customer tenant organization organisation org subscriber principal subscription owner user "
    "client key",
    "api_key_id": "key apikey token credential",
    "asked_at": "asked time timestamp at when start created received date ts",
    "client_ip": "ip client remote source address addr peer",
    "user_agent": "user agent ua client",
    "ja4": "ja4 tls fingerprint",
    "model_requested": "model engine deployment",
    "status": "status result outcome code",
    "messages": "prompt question query instruction input",
    "output": "completion answer output response reply generated",
}
"""Words by which loggers name these columns, the likeliest first."""


def _likeness(path: Path, name: str) -> float:
    """How much a path's last names sound like the column; 0 where they do not."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", " ".join(path[-2:])).lower())
    known = _NAMES[name].split()
    like = sum(1.0 - known.index(word) / (2 * len(known)) for word in words if word in known)
    return like - 0.1 * len(path) if like else 0.0


def _variety(held: Sequence[Any], name: str) -> float:
    """A column of accounts that never changes is somebody's plan or region; one with digits is rather an id."""
    if name not in ("account_id", "api_key_id"):
        return 0.0
    distinct = {str(value) for value in held}
    digits = sum(any(letter.isdigit() for letter in value) for value in distinct) / len(distinct)
    return 0.1 * digits - (9.0 if len(distinct) == 1 and len(held) > 1 else 0.0)


def _are_words(held: list[Any], records: int) -> bool:
    return 2 * len(held) >= records and all(isinstance(value, str | int) and value != "" for value in held)


def _are_ids(held: list[Any], records: int) -> bool:
    different = len(held) == records > 1 and _are_words(held, records) and len(set(map(str, held))) == records
    return different and not (_are_times(held, records) and not all(str(value).isdecimal() for value in held))


def _are_times(held: list[Any], records: int) -> bool:
    """Whether most records hold a time here: one bad value among good ones does not hide the column."""
    return 2 * sum(map(_is_time, held)) > records


def _is_time(value: Any) -> bool:
    try:
        return to_time(value) is not None
    except Unfit:
        return False


def _are_addresses(held: list[Any], records: int) -> bool:
    try:
        return 2 * len(held) >= records and all(ipaddress.ip_address(address(str(value))) for value in held)
    except ValueError:
        return False


def _are_agents(held: list[Any], records: int) -> bool:
    return _are_words(held, records) and all("/" in str(value) for value in held)


def _are_fingerprints(held: list[Any], records: int) -> bool:
    shape = re.compile(r"[tqd][0-9a-z]{9}_[0-9a-f]{12}_[0-9a-f]{12}")
    return _are_words(held, records) and all(shape.fullmatch(str(value)) for value in held)


def _are_statuses(held: list[Any], records: int) -> bool:
    return _are_words(held, records) and all(status_of(value) in STATUSES for value in held)


def _are_texts(held: list[Any], records: int) -> bool:
    spoken = sum(isinstance(value, str) and " " in value.strip() for value in held)
    return 2 * spoken >= records and all(isinstance(value, str) and isinstance(opened(value), str) for value in held)


_TELLING = ("asked_at", "client_ip", "ja4")
"""Columns whose values tell by themselves what they are."""
_TEXTS = ("messages", "output")

_TESTS: Mapping[str, Callable[[list[Any], int], bool]] = {
    "exchange_id": _are_ids, "account_id": _are_words, "api_key_id": _are_words, "asked_at": _are_times,
    "client_ip": _are_addresses, "user_agent": _are_agents, "ja4": _are_fingerprints, "model_requested": _are_words,
    "status": _are_statuses, "messages": _are_texts, "output": _are_texts,
}  # fmt: skip
