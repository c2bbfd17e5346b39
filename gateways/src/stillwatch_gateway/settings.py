"""How a gateway reaches Stillwatch, how long it waits, and what it does when nobody answers."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PATH = "/v1/decisions"


@dataclass(frozen=True)
class Settings:
    """All that a client needs to know. Times are seconds.

    `within` is promised to the gateway; the network gets `ask_within` of it, and what is left pays for waking up on a
    busy machine. `fail_closed` names routes (operations, or beginnings of paths) that are refused while nobody answers
    and nothing is remembered; all others go on. The service counts as dead after `breaker_after` failures in a row
    that took `breaker_over` at least.
    """

    url: str
    token: str = field(repr=False)
    within: float = 0.025
    ask_within: float = 0.010
    fail_closed: frozenset[str] = frozenset()
    cache_size: int = 50_000
    longest_ttl: float = 300.0
    stale_for: float = 300.0
    connections: int = 32
    breaker_after: int = 5
    breaker_over: float = 0.1
    breaker_pause: float = 1.0
    breaker_longest: float = 30.0
    ca_file: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("the address of Stillwatch must be http(s)://host[:port][/path], without a user in it")
        if parts.query or parts.fragment or not (parts.netloc + parts.path).isascii():
            raise ValueError("the address of Stillwatch must be plain ASCII, without a query")
        if not self.token or not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise ValueError("the token must be a word of ASCII")
        if not 0 < self.ask_within < self.within:
            raise ValueError("ask_within must be above nought and below within")

    @property
    def host(self) -> str:
        """The host's name, or its address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port; the scheme's own where the address names none."""
        return urlsplit(self.url).port or (443 if self.secure else 80)

    @property
    def end_path(self) -> str:
        """The path of the end of a request."""
        return self.path + "/end"

    @property
    def secure(self) -> bool:
        """Whether the service is asked over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def netloc(self) -> str:
        """Host and port as the address has them."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """The path of the question; where the address has one of its own, under it."""
        path = urlsplit(self.url).path.rstrip("/")
        return path if path.endswith(PATH) else path + PATH

    def tls(self) -> ssl.SSLContext | None:
        """The context to check the service's certificate with; None for plain HTTP."""
        return ssl.create_default_context(cafile=self.ca_file or None) if self.secure else None

    def closed(self, operation: str, path: str = "") -> bool:
        """Whether a route is refused while nobody answers."""
        return any(name == operation or (name[:1] == "/" and path.startswith(name)) for name in self.fail_closed)


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of STILLWATCH_URL, STILLWATCH_TOKEN or STILLWATCH_TOKEN_FILE, STILLWATCH_FAIL_CLOSED (with commas
    between routes), STILLWATCH_WITHIN_MS and STILLWATCH_CA_FILE.

    Raises ValueError where they do not say how Stillwatch is reached.
    """
    held = os.environ if environment is None else environment
    token = held.get("STILLWATCH_TOKEN", "")
    if file := held.get("STILLWATCH_TOKEN_FILE", ""):
        token = Path(file).read_text("ascii").strip()
    closed = frozenset(filter(None, map(str.strip, held.get("STILLWATCH_FAIL_CLOSED", "").split(","))))
    within = _milliseconds(held.get("STILLWATCH_WITHIN_MS", "") or "25")
    return Settings(
        held.get("STILLWATCH_URL", ""), token, within=within, ask_within=within * 2 / 5, fail_closed=closed,
        ca_file=held.get("STILLWATCH_CA_FILE", ""),
    )  # fmt: skip


def _milliseconds(told: str) -> float:
    """Seconds, of milliseconds as text. Raises ValueError."""
    if not told.isascii() or not told.isdigit() or not 1 <= int(told[:6]) <= 10_000:
        raise ValueError("STILLWATCH_WITHIN_MS must be whole milliseconds, 1 to 10000")
    return int(told[:6]) / 1000
