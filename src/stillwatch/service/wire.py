"""The wire of `POST /v1/decisions`: JSON read strictly and quickly, answers written.

msgspec takes a key that stands twice, and NUL in a string; it raises UnicodeDecodeError and RecursionError beside its
own errors. What it cannot tell goes to the standard library's reader, which can. Keys that nobody here knows are passed
over: a newer gateway may send them.
"""

import json
from typing import Annotated, Any

import msgspec

from stillwatch.respond.decide import Decision

MOST_BYTES = 16 * 1024
"""Of a question. More is refused before it is read."""

MOST_TOKENS = 2**31 - 1

Id = Annotated[str, msgspec.Meta(max_length=1024)]
Word = Annotated[str, msgspec.Meta(max_length=256)]


class Question(msgspec.Struct, frozen=True):
    """What a gateway says of one request before the model answers it: one of `account_id` and `api_key_id` at least.

    Ids are those of the logs that Stillwatch read, verbatim. `reports_end` promises `POST /v1/decisions/end` when the
    request has ended, so that what a group runs at once can be counted. `end_user_id` and `client_ip` weigh nothing
    yet.
    """

    model: Word
    operation: Word
    request_id: Word
    account_id: Id | None = None
    api_key_id: Id | None = None
    end_user_id: Id | None = None
    client_ip: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    estimated_tokens: Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None = None
    reports_end: bool = False


class End(msgspec.Struct, frozen=True):
    """A request that has ended, named as it was asked about."""

    request_id: Word
    account_id: Id | None = None
    api_key_id: Id | None = None


class Refused(Exception):
    """A question that is not answered: HTTP status, a code for programs, words for people. Never quotes what came."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(code)


_NAMES = [f'"{name}"'.encode() for name in Question.__struct_fields__]
_QUESTION = msgspec.json.Decoder(Question)
_END = msgspec.json.Decoder(End)
_ENCODER = msgspec.json.Encoder()


def question(body: bytes) -> Question:
    """The question in a body. Raises Refused, and nothing else."""
    said: Question = _named(_read(_QUESTION, body))
    return said


def end(body: bytes) -> End:
    """The end in a body. Raises Refused, and nothing else."""
    said: End = _named(_read(_END, body))
    return said


def _named(said: Any) -> Any:
    if not (said.account_id or said.api_key_id):
        raise Refused(400, "bad_request", "no account_id and no api_key_id: name the account or its key")
    return said


def _read(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    if b"\0" in body:
        raise Refused(400, "bad_json", "a NUL byte in the body")
    try:
        said = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(400, "bad_request", f"not a question: {_safe(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise Refused(400, "bad_json", "the body is not one JSON object in UTF-8") from None
    if b"\\" in body or any(body.count(name) > 1 for name in _NAMES):
        look_closely(body)
    return said


def _safe(error: str) -> str:
    """msgspec's words, which name keys of ours and types, and no value."""
    return "".join(letter for letter in error if letter.isascii() and letter.isprintable())[:200]


def look_closely(body: bytes) -> None:
    """Raise Refused where a key stands twice, or a NUL is in a string, or the body is no JSON."""
    try:
        json.loads(body, object_pairs_hook=_once, parse_constant=_Nothing)
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused(400, "bad_json", "the body is not one JSON object in UTF-8") from None


class _Nothing(float):
    """NaN and infinities, which JSON has not."""

    def __new__(cls, _: str) -> "_Nothing":
        raise ValueError("not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise Refused(400, "duplicate_key", "a key stands twice: nobody can tell which one is meant")
    for name, value in pairs:
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            raise Refused(400, "bad_request", "a NUL in a string")
    return held


def answer(decision: Decision) -> bytes:
    """A decision as JSON. Settings of an obligation stand beside its type; what is not said is left out."""
    policy = decision.policy
    said: dict[str, Any] = {
        "decision_id": decision.decision_id, "verdict": decision.verdict, "action": decision.action,
        "obligations": [{"type": one.type, **dict(one.settings)} for one in decision.obligations],
        "reason_codes": decision.reason_codes,
        "policy": {"id": policy.id, "version": policy.version, "hash": policy.hash} if policy else None,
        "mode": decision.mode, "ttl_s": decision.ttl_s,
    }  # fmt: skip
    if decision.notice:
        said["notice"] = decision.notice
    if decision.appeal_url:
        said["appeal_url"] = decision.appeal_url
    if decision.retry_after_s:
        said["retry_after_s"] = decision.retry_after_s
    if decision.ends_s is not None:
        said["ends_s"] = decision.ends_s
    if decision.counted:
        said["counted"] = True
    return encoded(said)


def encoded(said: Any) -> bytes:
    """A value as JSON."""
    try:
        return _ENCODER.encode(said)
    except UnicodeEncodeError:  # half a surrogate pair in a policy's words
        return json.dumps(said).encode()


def fault(code: str, message: str) -> bytes:
    """An error as JSON."""
    return _ENCODER.encode({"error": {"code": code, "message": message}})
