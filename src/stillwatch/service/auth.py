"""Who may ask what: bearer tokens with a role, kept as hashes in STORE/service/tokens.json.

A token is 256 random bits, so that its SHA-256 can be kept and not be guessed. It is shown once. A route that names no
role lets nobody in; a token in a URL is not read, since URLs are logged.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stillwatch.errors import StoreError, UsageError
from stillwatch.records import CHALLENGES
from stillwatch.respond.action import person_named
from stillwatch.store.decisions import turn
from stillwatch.store.files import make_folder, write_whole

PEOPLE = ("analyst", "lead", "admin")
NAMED = (*PEOPLE, "verify")
"""Roles whose tokens may say who acts by them; that of `verify`, a service that checks step-ups, has to."""

ROLES = ("viewer", "analyst", "lead", "admin", "ingest", "decide", "verify")
SCHEMA = "stillwatch/tokens/v1"
PREFIX = "sw"
IN_URL = re.compile(rb"(?:^|[^A-Za-z0-9])sw_[a-z]+_[0-9a-f]{12}_|(?:^|&)(?:access_)?token=", re.IGNORECASE)
"""What a query looks like that holds a token."""

LONGEST_NOTE = 200
_TOKEN = re.compile(rb"sw_([a-z]{1,16})_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Token:
    """What is kept of a token. `hash` is the SHA-256 of all of it in hexadecimal digits; `person` is who acts by it,
    as the audit trail has it, or empty; `kinds` are the challenges that a token of the role `verify` may say to be
    passed: none where it was made before tokens had kinds."""

    id: str
    role: str
    hash: str
    created_at: str
    note: str = ""
    person: str = ""
    kinds: tuple[str, ...] = ()


def tokens_file(store: Path) -> Path:
    """Where a store keeps the hashes."""
    return store / "service" / "tokens.json"


def read_tokens(store: Path) -> tuple[Token, ...]:
    """The tokens of a store, by their ids. Raises StoreError where their file is damaged."""
    place = tokens_file(store)
    try:
        held = json.loads(place.read_bytes())
        tokens = [_token(one) for one in held["tokens"]]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"the tokens cannot be read ({error.strerror})", where=str(place)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(place, type(error).__name__) from error
    for token in tokens:
        strings = all(isinstance(value, str) for name, value in vars(token).items() if name != "kinds")
        if not strings or token.role not in ROLES or not re.fullmatch("[0-9a-f]{64}", token.hash):
            raise _damaged(place, "a token without a known role and a hash")
    return tuple(sorted(tokens, key=lambda token: token.id))


def _token(held: dict[str, Any]) -> Token:
    kinds = held.get("kinds", [])
    if not isinstance(kinds, list) or not all(kind in CHALLENGES for kind in kinds):
        raise ValueError("kinds of challenges that are none")
    return Token(**{**held, "kinds": tuple(kinds)})


def _damaged(place: Path, found: str) -> StoreError:
    return StoreError(
        "the tokens are damaged", where=str(place), found=found, wanted="what `stillwatch serve token` wrote",
        next_step="put back a copy, or remove the file and make new tokens",
    )  # fmt: skip


def new_token(
    store: Path, role: str, note: str = "", person: str = "", kinds: Collection[str] = ()
) -> tuple[Token, str]:
    """Make a token: what is kept, and the token itself, which nobody can show again. Raises UsageError."""
    if role not in ROLES:
        raise UsageError("no such role", found=role, wanted=", ".join(ROLES))
    if person and role not in NAMED:
        raise UsageError("a token of this role is no person's", found=role, wanted=", ".join(NAMED))
    if role == "verify" and not person:
        raise UsageError("a token of this role says who checks", wanted="--person, the service's name: kyc")
    _check_kinds(role, kinds)
    acts = person_named(person) if person else ""
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise UsageError("a note that is none", wanted=f"at most {LONGEST_NOTE} printable characters")
    name = secrets.token_hex(6)
    said = f"{PREFIX}_{role}_{name}_{secrets.token_urlsafe(32)}"
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = Token(name, role, hashlib.sha256(said.encode()).hexdigest(), made, note, acts, tuple(sorted(set(kinds))))
    with turn(store):
        _write(store, (*read_tokens(store), token))
    return token, said


def _check_kinds(role: str, kinds: Collection[str]) -> None:
    """Raise UsageError unless a token that checks says what, and no other does."""
    wanted = f"--kind, once or several times: {', '.join(CHALLENGES)}"
    if role != "verify" and kinds:
        raise UsageError("a token of this role checks nothing", found=role, wanted="--role verify beside --kind")
    if role == "verify" and not kinds:
        raise UsageError("a token of this role says what it checks", wanted=wanted)
    other = [kind for kind in kinds if kind not in CHALLENGES]
    if other:
        raise UsageError("no such challenge", found=ascii(other[0])[1:-1][:80], wanted=wanted)


def end_token(store: Path, name: str) -> Token:
    """End a token: a running service lets it in no more after some seconds. Raises UsageError where there is none."""
    with turn(store):
        held = read_tokens(store)
        ended = [token for token in held if token.id == name]
        if not ended:
            raise UsageError("no such token", found=name, next_step=f"stillwatch serve token list --store {store}")
        _write(store, [token for token in held if token.id != name])
    return ended[0]


def _write(store: Path, tokens: "tuple[Token, ...] | list[Token]") -> None:
    make_folder(tokens_file(store).parent, 0o700)
    said = {"schema": SCHEMA, "tokens": [asdict(token) for token in sorted(tokens, key=lambda token: token.id)]}
    write_whole(tokens_file(store), json.dumps(said, indent=1).encode() + b"\n", 0o600)


class Doors:
    """Tells the role of whoever asks. Exchanged whole when the tokens change."""

    def __init__(self, tokens: tuple[Token, ...] = ()) -> None:
        self._held = {token.id.encode(): token for token in tokens}
        self._nobody = Token("", "", "0" * 64, "")

    def __len__(self) -> int:
        return len(self._held)

    def role(self, authorization: bytes) -> str:
        """The role of an Authorization header's token, or nothing."""
        return self.token(authorization).role

    def token(self, authorization: bytes) -> Token:
        """What is kept of an Authorization header's token; one without role where it is none of ours. Compared in
        constant time, also where none is."""
        scheme, _, said = authorization.partition(b" ")
        shape = _TOKEN.fullmatch(said.strip()) if scheme.lower() == b"bearer" else None
        if shape is None:
            return self._nobody
        token = self._held.get(shape[2], self._nobody)
        same = hmac.compare_digest(hashlib.sha256(shape[0]).hexdigest(), token.hash)
        return token if same and token.role == shape[1].decode() else self._nobody


ROUTES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("POST", "/v1/decisions"): ("decide",),
    ("POST", "/v1/decisions/end"): ("decide",),
    ("GET", "/v1/decisions/log"): ("analyst", "lead", "admin"),
    ("GET", "/v1/actions"): ("analyst", "lead", "admin"),
    ("GET", "/v1/review"): PEOPLE,
    ("POST", "/v1/review"): PEOPLE,
    ("GET", "/v1/casebook/actions"): PEOPLE,
    ("GET", "/v1/casebook/trail"): PEOPLE,
    ("POST", "/v1/propose"): PEOPLE,
    ("POST", "/v1/approve"): ("lead", "admin"),
    ("POST", "/v1/decline"): ("lead", "admin"),
    ("POST", "/v1/undo"): PEOPLE,
    ("GET", "/v1/appeals"): PEOPLE,
    ("POST", "/v1/appeals"): PEOPLE,
    ("POST", "/v1/appeals/answer"): ("lead", "admin"),
    ("POST", "/v1/challenges/passed"): ("verify", "lead", "admin"),
    ("GET", "/v1/permissions"): PEOPLE,
    ("POST", "/v1/permissions"): ("lead", "admin"),
    ("POST", "/v1/permissions/end"): ("lead", "admin"),
    ("GET", "/v1/state"): ("viewer", "analyst", "lead", "admin"),
    ("GET", "/openapi.json"): ("viewer", "analyst", "lead", "admin", "decide"),
}
"""Which roles a route lets in. What does not stand here lets nobody in."""

OPEN = frozenset({("GET", "/health"), ("GET", "/ready")})
"""Routes for whoever reaches the port: they say whether the service lives, and nothing else."""
