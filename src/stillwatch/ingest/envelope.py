"""A line that somebody's own logger wrote around a request and its answer: which is where, and what it says besides.

Nobody agrees on an envelope, so the usual names are tried in order, and a mapping file overrides them. What was used is
said after the ingest.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stillwatch.ingest import anthropic, openai
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.paths import Path, at, first, mapping, parsed
from stillwatch.ingest.streams import whole

REQUESTS = tuple(
    map(
        parsed,
        ("request.body", "request_body", "request", "req.body", "req", "payload", "body", "input.body",
         "input.inputBodyJson", "kwargs", "params"),
    )
)  # fmt: skip
RESPONSES = tuple(
    map(
        parsed,
        ("response.body", "response_body", "response", "resp.body", "resp", "result.message", "output.outputBodyJson",
         "completion", "result",
         "output", "chunks", "stream_events", "events"),
    )
)  # fmt: skip
HEADERS = ("headers", "request.headers", "request_headers", "req.headers", "http.headers", "metadata.headers")


def _usual(*names: str, headers: tuple[str, ...] = (), nested: tuple[str, ...] = ("metadata",)) -> tuple[Path, ...]:
    """The usual places of one column: names in the line, in headers, then in the line's metadata."""
    own = [parsed(name) for name in names]
    inside = [parsed(f"{place}.{name}") for place in nested for name in names]
    return (*own, *(parsed(f"{place}.{name}") for name in headers for place in HEADERS), *inside)


COLUMNS: Mapping[str, tuple[Path, ...]] = {
    "exchange_id": _usual(
        "exchange_id", "request_id", "requestId", "log_id", "event_id", "id", headers=("x-request-id", "request-id")
    ),
    "asked_at": _usual(
        "asked_at", "timestamp", "created_at", "createdAt", "time", "ts", "@timestamp", "start_time", "startTime",
        "started_at", "request_time", "requested_at", "datetime", "date", "request.timestamp", "created",
    ),
    "finished_at": _usual("finished_at", "end_time", "endTime", "ended_at", "completed_at", "response.timestamp"),
    "account_id": _usual(
        "identity.arn",
        "account_id", "accountId", "account.id", "account", "customer_id", "customerId", "customer.id", "customer",
        "tenant_id", "tenant", "organization_id", "organization", "org_id", "workspace_id", "team_id", "user_id",
        "userId", "api_key_id", "api_key_hash", "key_id", "api_key",
    ),
    "org_id": _usual("org_id", "organization_id", "organization"),
    "project_id": _usual("project_id", "project", "workspace_id"),
    "api_key_id": _usual("api_key_id", "api_key_hash", "key_id", "api_key"),
    "end_user_id": _usual("end_user_id", "end_user", "safety_identifier"),
    "session_id": _usual("session_id", "sessionId", headers=("x-session-id",)),
    "conversation_id": _usual("conversation_id", "conversationId", "thread_id", "trace_id"),
    "turn_index": _usual("turn_index"),
    "pathway": _usual("pathway", "platform", "channel"),
    "model_requested": _usual("model_requested", "modelId"),
    "model_served": _usual("model_served"),
    "client_ip": _usual(
        "client_ip", "clientIp", "client.ip", "client.address", "ip_address", "ip", "source_ip", "remote_ip",
        "remote_addr", headers=("cf-connecting-ip", "true-client-ip", "x-real-ip", "x-forwarded-for"),
    ),
    "asn": _usual("asn", "client.asn"),
    "country": _usual("country", "country_code", "client.country", headers=("cf-ipcountry",)),
    "ip_class": _usual("ip_class"),
    "ja4": _usual("ja4", "tls.ja4", "ja4_fingerprint", headers=("x-ja4", "cf-ja4", "x-client-ja4")),
    "user_agent": _usual("user_agent", "userAgent", "client.user_agent", headers=("user-agent",)),
}  # fmt: skip
"""Where each column is usually found outside of the bodies, the most telling first. No header says who is judged or to
whom an account belongs: its caller writes it."""

CODES = tuple(
    map(
        parsed,
        (
            "status_code",
            "http_status",
            "statusCode",
            "response_code",
            "http.status",
            "http.status_code",
            "response.status_code",
            "response.status",
            "status",
        ),
    )
)
PLACES = tuple(map(parsed, ("path", "url", "endpoint", "route", "request.url", "request.path", "http.path")))

_FIRST_STEPS = frozenset(path[0] for paths in (REQUESTS, RESPONSES, CODES, *COLUMNS.values()) for path in paths)
"""The names in a record that any usual place begins with."""

_PORT = re.compile(r"^\[?([0-9a-fA-F:.]+?)\]?(?::\d{1,5})?$")


@dataclass(frozen=True)
class Read:
    """What one line was read as: the columns, the dialect of its bodies, and the path that each column came from."""

    columns: dict[str, Any]
    dialect: str
    places: Mapping[str, Path]


def exchange(record: Mapping[str, Any], fields: FieldMap) -> Read:
    """One exchange from one line. What cannot be found is absent, and the contract then says that it lacks."""
    usual = _usual_of(_FIRST_STEPS.intersection(record))
    request, request_at = _request(record, fields.request, usual)
    response = mapping(_response(record, fields.response, usual))
    dialect = fields.dialect if fields.dialect != "auto" else dialect_of(request, response, record)
    out = (anthropic if dialect == "anthropic" else openai).fields(request, response)
    own_id = out.get("exchange_id")
    places: dict[str, Path] = {}
    for name, paths in usual.own_line if request_at == () else usual.columns:
        if name not in fields.columns:
            _find(record, name, paths, out, places)
    for name, paths in fields.columns.items():
        _find(record, name, paths, out, places)
    if "exchange_id" not in fields.columns and len(places.get("exchange_id", ())) > 1:
        out["exchange_id"] = _of_this_call(out, own_id)
    out["status"] = _status(record, out.get("status"), fields, usual)
    out |= fields.constants
    if isinstance(out.get("client_ip"), str):
        out["client_ip"] = address(out["client_ip"])
    return Read(out, dialect, places)


def _of_this_call(out: Mapping[str, Any], own_id: Any) -> Any:
    """An id for a line that has none at its top: the answer's own, else the one found deeper down with account and
    time. Callers write headers and metadata: one who repeats an id there must not erase its own or another's calls."""
    if isinstance(own_id, str) and own_id:
        return own_id
    return f"{out['exchange_id']}@{out.get('account_id')}@{out.get('asked_at')}"


def dialect_of(request: Mapping[str, Any], response: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Whose API the bodies are of, by their shape; OpenAI's where both would do, for more speak it."""
    if anthropic.is_response(response):
        return "anthropic"
    if openai.is_response(response):
        return "openai"
    place = first(record, PLACES)
    if isinstance(place, str) and "/messages" in place:
        return "anthropic"
    return "anthropic" if anthropic.is_request(request) else "openai"


def has_bodies(record: Mapping[str, Any]) -> bool:
    """Whether the line holds a request or an answer that this reader knows."""
    usual = _usual_of(_FIRST_STEPS.intersection(record))
    request, _ = _request(record, None, usual)
    response = mapping(_response(record, None, usual))
    return openai.is_request(request) or openai.is_response(response) or anthropic.is_response(response)


def address(text: str) -> str:
    """The first address of a list, without a port or brackets; the text itself where none can be made out."""
    return _address(text) if len(text) <= LONGEST_ADDRESS else _bare(text)


def _bare(text: str) -> str:
    head = text.split(",", 1)[0].strip()
    found = _PORT.match(head)
    bare = found.group(1) if found else head
    for candidate in (head, bare):
        try:
            found_at = ipaddress.ip_address(candidate)
            return str(getattr(found_at, "ipv4_mapped", None) or found_at)
        except ValueError:
            continue
    return text


_address = lru_cache(maxsize=4096)(_bare)
LONGEST_ADDRESS = 256
"""Characters of an address, or a list of them, whose reading is remembered."""


@dataclass(frozen=True)
class _Usual:
    """The usual places whose first step a record has: where to look, in the order in which it is looked."""

    requests: tuple[Path, ...]
    responses: tuple[Path, ...]
    codes: tuple[Path, ...]
    columns: tuple[tuple[str, tuple[Path, ...]], ...]
    """By column, those without a place left out."""
    own_line: tuple[tuple[str, tuple[Path, ...]], ...]
    """The same where the line itself is a request: its `metadata` is the sender's own."""


@lru_cache(maxsize=512)
def _usual_of(names: frozenset[str]) -> _Usual:
    """What is left of the usual places, for a record that has these of their first steps.

    Records of one logger have a few sets of names, so the answer is remembered. It depends on nothing else.
    """

    def there(paths: Iterable[Path]) -> tuple[Path, ...]:
        return tuple(path for path in paths if path[0] in names)

    columns = [(name, there(paths)) for name, paths in COLUMNS.items()]
    own = [(name, tuple(path for path in paths if path[0] != "metadata")) for name, paths in columns]
    return _Usual(
        there(REQUESTS), there(RESPONSES), there(CODES),
        tuple((name, paths) for name, paths in columns if paths), tuple((name, paths) for name, paths in own if paths),
    )  # fmt: skip


def _request(record: Mapping[str, Any], given: Path | None, usual: _Usual) -> tuple[Mapping[str, Any], Path]:
    """The request and where it was. Without a word in the mapping: the first usual place with one, else the line."""
    if given is not None:
        return mapping(at(record, given)), given
    for path in usual.requests:
        held = mapping(at(record, path))
        if openai.is_request(held) or "model" in held:
            return held, path
    return (record if openai.is_request(record) else {}), ()


def _response(record: Mapping[str, Any], given: Path | None, usual: _Usual) -> Any:
    """The answer, made whole where it is a stream; found as a request is."""
    if given is not None:
        return whole(at(record, given))
    for path in usual.responses:
        value = whole(at(record, path))
        if answers(value):
            return value
    return record if answers(record) else None


def answers(value: Any) -> bool:
    """Whether the value is an answer, or an error, of a known API."""
    held = mapping(value)
    return openai.is_response(held) or anthropic.is_response(held) or "error" in held


def _find(
    record: Mapping[str, Any], name: str, paths: tuple[Path, ...], out: dict[str, Any], places: dict[str, Path]
) -> None:
    """Put the first value of these places, which stands outside of the bodies, and its path where they belong."""
    for path in paths:
        value = record.get(path[0])
        if value is not None and len(path) > 1:
            value = at(record, path)
        if value is not None and value != "" and not isinstance(value, dict):
            out[name], places[name] = value, path
            return


def _status(record: Mapping[str, Any], told: Any, fields: FieldMap, usual: _Usual) -> Any:
    """The contract's status: a mapped one as it is, else by the HTTP code, else by the bodies."""
    given = first(record, fields.columns["status"]) if "status" in fields.columns else None
    if given is not None:
        return status_of(given, told)
    for path in usual.codes:
        if (code := _code(at(record, path))) is not None:
            return _of_code(code, told)
    if told is not None:
        return told
    word = first(record, (("status",), ("result", "type")))
    return status_of(word) if isinstance(word, str) else "error" if at(record, ("error",)) else None


def status_of(given: Any, told: Any = None) -> Any:
    """The contract's status of a logger's HTTP code or word, beside what the bodies told; else what was given."""
    if (code := _code(given)) is not None:
        return _of_code(code, told)
    return _WORDS.get(given.strip().lower(), given) if isinstance(given, str) else given


_WORDS = {
    **dict.fromkeys(("ok", "success", "succeeded", "successful", "completed", "complete"), "ok"),
    **dict.fromkeys(("error", "failure", "failed", "errored", "expired", "timeout", "timed_out"), "error"),
    **dict.fromkeys(("cancelled", "canceled", "aborted"), "cancelled"),
    **dict.fromkeys(("blocked", "filtered", "content_filter"), "blocked"),
    **dict.fromkeys(("refused", "refusal"), "refused"),
}  # fmt: skip


def _code(given: Any) -> int | None:
    """An HTTP code, as a number or its digits."""
    if isinstance(given, str) and len(given) == 3 and given.isdecimal():
        given = int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 599 else None


def _of_code(code: int, told: Any) -> str:
    if code == 499:
        return "cancelled"
    if code >= 400:
        return told if told in ("blocked", "refused") else "error"
    return told if isinstance(told, str) else "ok"
