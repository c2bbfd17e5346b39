"""What is asked and what is answered: the wire of `POST /v1/decisions`, made strictly and read strictly.

Whatever a customer writes (a model's name, an end user) cannot make a question that the service refuses; whatever a
service answers that is not of the wire's shape is `Garbage`, and nothing of it is used.
"""

import ipaddress
import json
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

VERDICTS = ("allow", "warn", "modify", "deny", "escalate")
MODES = ("shadow", "enforce")
SETTINGS: dict[str, tuple[str, ...]] = {
    "challenge": ("kind",),
    "rate_limit": ("requests_per_minute", "tokens_per_minute", "concurrency"),
    "cap_max_tokens": ("max_tokens",),
    "strip_logprobs": (),
    "hide_reasoning": (),
    "fallback_model": ("to",),
    "hold": (),
}
"""The obligations that a gateway knows, with their settings. `kind` and `to` are words, the others whole numbers."""

WORDS = ("kind", "to")
LONGEST = 256
"""Characters of a value in a question."""
LONGEST_NAME = 1024
LONGEST_NOTICE = 2000
"""Characters of a notice and of an appeal's address: what an action's notice needs with the longest address."""
MOST_TOKENS = 2**31 - 1
UNKNOWN = "unknown"
CODE = re.compile(r"[a-z][a-z_]{0,63}")
URL = re.compile(r"(https?://|mailto:)[\x21-\x7e]{1,1000}")
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that no line of a header, a log or a page should hold."""


class Garbage(ValueError):
    """An answer that is not of the wire's shape."""


@dataclass(frozen=True)
class Ask:
    """Who asks for what. One of `account_id` and `api_key_id` is needed; an account goes before a key.

    `reports_end` promises that the service is told when the request has ended: only a gateway that knows may set it,
    and then `request_id` must be no other request's (`unique`).
    """

    account_id: str = ""
    api_key_id: str = ""
    end_user_id: str = ""
    model: str = ""
    operation: str = "chat"
    client_ip: str = ""
    estimated_tokens: int | None = None
    request_id: str = ""
    reports_end: bool = False

    @property
    def who(self) -> str:
        """Under which decisions are kept: the account, or else the key."""
        account = verbatim(self.account_id)
        return f"a:{account}" if account else f"k:{verbatim(self.api_key_id)}"

    def body(self) -> bytes:
        """The question as JSON: always UTF-8, without control characters, and below the service's 16 KiB."""
        said: dict[str, Any] = {
            "model": tidy(self.model) or UNKNOWN, "operation": tidy(self.operation) or UNKNOWN,
            **self._named(),
        }  # fmt: skip
        if user := tidy(self.end_user_id):
            said["end_user_id"] = user
        if address := _address(self.client_ip):
            said["client_ip"] = address
        if (tokens := self.estimated_tokens) is not None:
            said["estimated_tokens"] = min(max(tokens, 0), MOST_TOKENS)
        if self.reports_end:
            said["reports_end"] = True
        return _encoded(said)

    def end_body(self) -> bytes:
        """As JSON, that the request has ended: named as it was asked about."""
        return _encoded(self._named())

    def _named(self) -> dict[str, str]:
        """What names the request."""
        who = {"account_id": verbatim(self.account_id), "api_key_id": verbatim(self.api_key_id)}
        return {"request_id": tidy(self.request_id) or UNKNOWN, **{name: value for name, value in who.items() if value}}


def _encoded(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def unique(told: object = "") -> str:
    """A request's name that no other has: what the client or a proxy calls it, `~`, and letters of ours, since a client
    may call all its requests the same, and would count as one."""
    own = uuid.uuid4().hex
    said = tidy(told, LONGEST - len(own) - 1)
    return f"{said}~{own}" if said else own


def tidy(value: object, longest: int = LONGEST) -> str:
    """A value as one line of plain text: not a string is nothing, what no line should hold is a question mark."""
    return UNSAFE.sub("?", value[:longest]) if isinstance(value, str) else ""


def verbatim(name: object) -> str:
    """A name as it is, or nothing: one that would have to be changed would be another's name."""
    return name if isinstance(name, str) and len(name) <= LONGEST_NAME and not UNSAFE.search(name) else ""


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip()))
    except ValueError:
        return ""


@dataclass(frozen=True)
class Obligation:
    """One thing that a gateway must do, of a kind that it knows."""

    type: str
    settings: Mapping[str, int | str] = field(default_factory=dict)

    def number(self, name: str) -> int | None:
        """A setting that is a whole number above nought; None where it is not set."""
        value = self.settings.get(name)
        return value if isinstance(value, int) else None

    def word(self, name: str) -> str:
        """A setting that is a word; empty where it is not set."""
        value = self.settings.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Decision:
    """One answer. `ttl` is how many seconds it may be kept, `ends` after how many it holds no more, whoever is there
    to be asked; `retry_after` is set where a budget is used up for so many seconds, `counted` where the service
    has counted the minutes of its limits; `unknown` counts obligations that
    this version lacks."""

    decision_id: str
    verdict: str
    action: str = ""
    obligations: tuple[Obligation, ...] = ()
    reason_codes: tuple[str, ...] = ()
    policy: Mapping[str, str] = field(default_factory=dict)
    mode: str = "enforce"
    ttl: float = 0.0
    notice: str = ""
    appeal_url: str = ""
    unknown: int = 0
    retry_after: float = 0.0
    ends: float = math.inf
    counted: bool = False

    @property
    def binding(self) -> bool:
        """Whether anything is to be done: a decision in shadow changes nothing, nor does `allow`."""
        return self.mode == "enforce" and self.verdict != "allow"

    def obligation(self, type: str) -> Obligation | None:
        """The obligation of a kind, if there is one that binds."""
        if not self.binding or self.verdict == "warn":
            return None
        return next((one for one in self.obligations if one.type == type), None)

    def beyond_its_time(self) -> "Decision":
        """What holds of it later, where nobody can be asked. A budget that was used up is not any more: who remembers
        the limit counts by it."""
        spent = self.retry_after > 0 and self.obligation("rate_limit") is not None
        return replace(self, verdict="modify", retry_after=0.0) if spent else self


def parsed(raw: bytes) -> Decision:
    """The decision in the body of an answer. Raises Garbage."""
    try:
        held = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Garbage("no JSON") from error
    if not isinstance(held, dict):
        raise Garbage("no object")
    verdict, mode = held.get("verdict"), held.get("mode")
    if mode is None and verdict == "allow":
        mode = "enforce"
    if verdict not in VERDICTS or mode not in MODES:
        raise Garbage("no verdict, or no mode, of the wire's")
    obligations, unknown = _obligations(held.get("obligations"))
    return Decision(
        _text(held, "decision_id", 256), str(verdict), _text(held, "action", 64), obligations,
        tuple(code for code in _list(held, "reason_codes") if isinstance(code, str) and CODE.fullmatch(code)),
        _policy(held.get("policy")), str(mode), _seconds(held, "ttl_s"), _text(held, "notice", LONGEST_NOTICE),
        url if URL.fullmatch(url := _text(held, "appeal_url", LONGEST_NOTICE)) else "", unknown,
        _seconds(held, "retry_after_s", 0.0), _seconds(held, "ends_s", math.inf),
        held.get("counted") is True,
    )  # fmt: skip


def _no_constant(_: str) -> Any:
    raise Garbage("NaN or Infinity")


def _text(held: dict[str, Any], name: str, longest: int) -> str:
    value = held.get(name)
    if value is not None and not isinstance(value, str):
        raise Garbage(f"{name} is no text")
    return tidy(value, longest)


def _list(held: dict[str, Any], name: str) -> list[Any]:
    value = held.get(name)
    if value is not None and not isinstance(value, list):
        raise Garbage(f"{name} is no list")
    return (value or [])[:64]


def _policy(value: Any) -> dict[str, str]:
    if value is not None and not isinstance(value, dict):
        raise Garbage("policy is no object")
    return {name: _text(value, name, 256) for name in ("id", "version", "hash")} if value else {}


def _seconds(held: dict[str, Any], name: str, default: float | None = None) -> float:
    value = held.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Garbage(f"{name} is no number")
    try:
        seconds = float(value)
    except OverflowError as error:
        raise Garbage(f"{name} is no time") from error
    if not math.isfinite(seconds) or seconds < 0:
        raise Garbage(f"{name} is no time")
    return seconds


def _obligations(value: Any) -> tuple[tuple[Obligation, ...], int]:
    """The obligations that this version knows, and how many it does not. A wrong setting makes all of it garbage."""
    known: list[Obligation] = []
    held = _list({"obligations": value}, "obligations")
    for one in held:
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise Garbage("an obligation without a type")
        if one["type"] in SETTINGS:
            known.append(_obligation(one))
    return tuple(known), len(held) - len(known)


def _obligation(one: dict[str, Any]) -> Obligation:
    names = SETTINGS[one["type"]]
    settings = {name: _setting(name, one[name]) for name in names if one.get(name) is not None}
    if names and not settings:
        raise Garbage("an obligation without its settings")
    return Obligation(one["type"], settings)


def _setting(name: str, value: Any) -> int | str:
    if name in WORDS:
        if word := verbatim(value):
            return word
    elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return min(value, MOST_TOKENS)
    raise Garbage(f"{name} of an obligation is not what it should be")
