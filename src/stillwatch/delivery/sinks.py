"""Where alerts go: a file in TOML, read strictly. Secrets stand in an environment variable or a file, never in it."""

import base64
import binascii
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stillwatch.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
HOST = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9.:-]{0,250}[A-Za-z0-9])?")
LEAST_SECRET = 24
"""Bytes of a secret that signs, at least: Standard Webhooks 1.0.0."""

TRIES = 18
"""Some 73 hours, with the pauses of `outbox`."""
TLS = ("starttls", "tls", "none")


@dataclass(frozen=True)
class Webhook:
    """An address that takes alerts as JSON. `private` says that it may be on loopback or in a network of yours, and may
    speak plain HTTP."""

    name: str
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    private: bool = False
    tries: int = TRIES
    ca_file: str = ""


@dataclass(frozen=True)
class Lines:
    """A file that takes alerts as lines of OCSF."""

    name: str
    path: Path
    tries: int = TRIES


@dataclass(frozen=True)
class Mail:
    """A server that takes alerts as mails, one a round."""

    name: str
    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    private: bool = False
    tries: int = TRIES
    ca_file: str = ""


Sink = Webhook | Lines | Mail


def read_sinks(path: Path, environment: Mapping[str, str] | None = None) -> tuple[Sink, ...]:
    """The sinks of a file, by name. Raises UsageError, which names the file, the place in it, found and wanted."""
    try:
        held = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"the file of sinks cannot be read ({error.strerror})", where=str(path)) from error
    except ValueError as error:
        raise UsageError("the file of sinks is no TOML", where=str(path), found=_first(str(error))) from error
    sinks: dict[str, Sink] = {}
    for kind, tables in held.items():
        make = KINDS.get(kind)
        if make is None or not isinstance(tables, dict):
            raise UsageError("no such kind of sink", where=str(path), found=repr(kind)[:80], wanted=", ".join(KINDS))
        for name, table in tables.items():
            reader = _Table(path, f"{kind}.{name}"[:120], table, os.environ if environment is None else environment)
            if not NAME.fullmatch(name) or name in sinks:
                raise reader.wrong("the name of a sink", repr(name)[:80], "a-z, 0-9 and -, each name once")
            sinks[name] = make(name, reader)
            reader.ended()
    if not sinks:
        raise UsageError(
            "the file names no sink", where=str(path), wanted="[webhook.NAME], [ocsf.NAME] or [email.NAME]"
        )
    return tuple(sinks[name] for name in sorted(sinks))


class _Table:
    """One table of the file: each value taken once, with its kind checked."""

    def __init__(self, path: Path, place: str, table: Any, environment: Mapping[str, str]) -> None:
        self.path = path
        self._place = place
        self._environment = environment
        if not isinstance(table, dict):
            raise self.wrong("a sink", type(table).__name__, f"a table: [{place}]")
        self._left = dict(table)

    def wrong(self, what: str, found: str, wanted: str) -> UsageError:
        """The error about a value here."""
        return UsageError(f"[{self._place}]: {what} is wrong", where=str(self.path), found=found[:200], wanted=wanted)

    def text(self, key: str, pattern: re.Pattern[str] | None = None, default: str | None = None) -> str:
        """A text, of a shape where one is given."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or (not value and default is None) or not value.isprintable():
            raise self.wrong(key, _kind(value), "a text on one line")
        if pattern is not None and value != default and not pattern.fullmatch(value):
            raise self.wrong(key, value, pattern.pattern)
        return value

    def whole(self, key: str, default: int, most: int) -> int:
        """A whole number of 1 to `most`."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise self.wrong(key, _kind(value), f"a whole number, 1 to {most}")
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, _kind(value), "true or false")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, one at least."""
        value = self._left.pop(key, None)
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, _kind(value), "a list of texts, one at least")
        return value

    def file(self, key: str) -> str:
        """The path of a file that is there, beside this one or absolute; empty where none is named."""
        name = self.text(key, default="")
        path = (self.path.parent / name).absolute()
        if name and not path.is_file():
            raise self.wrong(key, name, "a file that is there")
        return str(path) if name else ""

    def secret(self, key: str, *, needed: bool) -> str:
        """A secret, from the environment (`KEY_env`) or a file (`KEY_file`); never from this file."""
        if key in self._left:
            raise self.wrong(key, "a secret in the file itself", f"{key}_env = NAME or {key}_file = PATH")
        name, file = self.text(f"{key}_env", default=""), self.text(f"{key}_file", default="")
        if bool(name) == bool(file):
            if needed or name:
                raise self.wrong(key, "both" if name else "nothing", f"{key}_env or {key}_file, one of them")
            return ""
        if name:
            value = self._environment.get(name, "")
        else:
            try:
                value = (self.path.parent / file).read_text("utf-8")
            except (OSError, ValueError) as error:
                raise self.wrong(f"{key}_file", "a file that cannot be read", "a file of text") from error
        if not value.strip():
            raise self.wrong(key, f"nothing in {_variable(name) or file}", "a secret")
        return value.strip()

    def ended(self) -> None:
        """Nothing may be left: a key that is misspelled would be a setting that does nothing."""
        if self._left:
            raise self.wrong("a key", repr(next(iter(self._left)))[:80], "a key of this kind of sink (docs/deliver.md)")


def _webhook(name: str, table: _Table) -> Webhook:
    url, private = table.text("url"), table.flag("private")
    parts = urlsplit(url)
    try:
        plain = bool(parts.hostname) and parts.port != 0 and parts.username is None and url.isascii() and " " not in url
    except ValueError:
        plain = False
    if parts.scheme not in ("http", "https") or not plain or parts.fragment or not HOST.fullmatch(parts.hostname or ""):
        raise table.wrong("url", _without_secrets(url), "http(s)://host[:port]/path, without a user in it")
    if parts.scheme == "http" and not private:
        raise table.wrong("url", "http", "https; or private = true for a receiver in a network of yours")
    words = table.secret("secret", needed=True).split()
    keys = tuple(_key(table, word) for word in words)
    return Webhook(name, url, keys, private, table.whole("tries", TRIES, 1000), table.file("ca_file"))


def _key(table: _Table, word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < LEAST_SECRET:
        raise table.wrong("secret", "no base64, or too short", f"whsec_ and base64 of {LEAST_SECRET} bytes at least")
    return key


def _lines(name: str, table: _Table) -> Lines:
    return Lines(name, (table.path.parent / table.text("file")).absolute(), table.whole("tries", TRIES, 1000))


def _mail(name: str, table: _Table) -> Mail:
    host, tls, private = table.text("host", HOST), table.text("tls", default="starttls"), table.flag("private")
    if tls not in TLS or (tls == "none" and not private):
        raise table.wrong("tls", tls, f"{', '.join(TLS)}; none only with private = true")
    to = table.texts("to")
    for one in to:
        if not ADDRESS.fullmatch(one):
            raise table.wrong("to", one, "plain addresses: name@host")
    user, password = table.text("user", default=""), table.secret("password", needed=False)
    if bool(user) != bool(password) or (user and tls == "none"):
        raise table.wrong("user", "user or password alone, or without TLS", "both with TLS, or neither")
    return Mail(
        name, host, table.whole("port", 465 if tls == "tls" else 587, 65_535), table.text("from", ADDRESS), tuple(to),
        tls, user, password, private, table.whole("tries", TRIES, 1000), table.file("ca_file"),
    )  # fmt: skip


KINDS: dict[str, Callable[[str, _Table], Sink]] = {"webhook": _webhook, "ocsf": _lines, "email": _mail}
"""The kinds of sinks, by the first part of a table's name."""


def _without_secrets(url: str) -> str:
    """An address as an error may quote it: scheme and host. A user, a password and a token in the path stay here."""
    scheme, mark, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")
    return f"{scheme}{mark}{'…@' if host[1] else ''}{host[2]}/…" if mark else "no address"


def _variable(name: str) -> str:
    """A variable's name as an error may quote it: who gave the secret itself instead does not want to read it."""
    return name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "the variable of that name" if name else ""


def _kind(value: object) -> str:
    return "nothing" if value is None else value[:100] if isinstance(value, str) else type(value).__name__


def _first(words: str) -> str:
    return words.split("\n", 1)[0][:200]
